// The cluster as a state machine: topics with their ids and configs, the errands that tell partitions of them, and blocks
// of producer ids. It decides whole requests, one answer a topic; what a topic may be is changes.ts, what is remembered
// state.ts. Kafka's controller.

import type { Machine, Outcome, Ticket } from '../machine.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { brokerConfig } from './broker-configs.ts'
import { alter, type ConfigChange, create, type Draft, grow, type NewTopic } from './changes.ts'
import { type Overrides, partitionConfig } from './configs.ts'
import { offsetsTopic, schemasTopic, transactionsTopic } from './internal.ts'
import { answered, due, type Errand, type ErrandKey, isFor, postponed, rangesOf, removing, telling } from './errands.ts'
import { type ClusterFact, type ClusterState, decode, emptyCluster, encode, replay, type TopicView } from './state.ts'

export type { ConfigChange, NewTopic } from './changes.ts'
export type { ClusterFact, ClusterState, ClusterView, TopicView } from './state.ts'

/** Kafka's ProducerIdsBlock. */
const PRODUCER_ID_BLOCK = 1_000
/** As Kafka's controller: what one request changes is stored as one. */
const MAX_TOPICS_PER_REQUEST = 1_000
const MAX_PARTITIONS_PER_REQUEST = 10_000

interface Request<T> {
  readonly topics: readonly T[]
  readonly validateOnly?: boolean
}

export type ClusterCommand =
  /** `topicIds` are fresh, one a topic. */
  | ({ readonly type: 'create'; readonly topicIds: readonly string[] } & Request<NewTopic>)
  | { readonly type: 'delete'; readonly topics: readonly { readonly name?: string; readonly topicId?: string }[] }
  | ({ readonly type: 'grow' } & Request<{ readonly name: string; readonly count: number }>)
  | ({ readonly type: 'alter' } & Request<{
      readonly name: string
      readonly changes: readonly ConfigChange[]
      /** What is not named goes back to its default (the older AlterConfigs). */
      readonly replaceAll?: boolean
    }>)
  | { readonly type: 'allocateProducerIds' }
  /** The topic that groups are kept in comes to be, unless it is there. */
  | { readonly type: 'needOffsets' }
  | { readonly type: 'needTransactions' }
  | { readonly type: 'needSchemas' }
  /** The deployment sets these configs of the broker. */
  | { readonly type: 'configureBroker'; readonly broker: Overrides }
  /** What became of errands: the partitions that answered, and the errands to put off. */
  | {
      readonly type: 'carriedOut'
      readonly answered: readonly (ErrandKey & { readonly partitions: readonly number[] })[]
      readonly postponed: readonly ErrandKey[]
    }

export interface ProducerIdBlock {
  readonly first: number
  readonly count: number
}

export type ClusterReply = readonly (TopicView | Failure)[] | ProducerIdBlock | null

type Turn = Outcome<ClusterFact, ClusterReply>

/** `clusterId` is the one a cluster gets that was never stored. */
export const clusterMachine = (
  clusterId: string,
): Machine<ClusterState, ClusterCommand, ClusterFact, ClusterReply> => ({
  empty: () => emptyCluster(clusterId),
  decide,
  replay,
  tick,
  deadline,
  isEmpty: () => false,
  encode,
  decode(record) {
    const fact = decode(record)
    return fact && { of: '', fact }
  },
})

function decide(state: ClusterState, command: ClusterCommand, ticket: Ticket, nowMs: number): Turn {
  const [facts, reply] = judge(state, command, nowMs)
  return { facts, replies: [[ticket, reply]] }
}

function judge(
  state: ClusterState,
  command: ClusterCommand,
  nowMs: number,
): readonly [readonly ClusterFact[], ClusterReply] {
  switch (command.type) {
    case 'create':
      return createTopics(state, command.topics, command.topicIds, command.validateOnly ?? false, nowMs)
    case 'delete':
      return deleteTopics(state, command.topics, nowMs)
    case 'grow':
      return growTopics(state, command.topics, command.validateOnly ?? false, nowMs)
    case 'alter':
      return alterTopics(state, command.topics, command.validateOnly ?? false, nowMs)
    case 'allocateProducerIds': {
      const first = state.nextProducerId
      const next = first + PRODUCER_ID_BLOCK
      return [[{ type: 'producerIds', next }], { first, count: PRODUCER_ID_BLOCK }]
    }
    case 'needOffsets':
      return need(state, offsetsTopic(state.broker), nowMs)
    case 'needTransactions':
      return need(state, transactionsTopic(state.broker), nowMs)
    case 'needSchemas':
      return need(state, schemasTopic(), nowMs)
    case 'configureBroker':
      return [configureBroker(state, command.broker, nowMs), null]
    case 'carriedOut':
      return [carriedOut(state, command.answered, command.postponed, nowMs), null]
  }
}

/** A topic of the broker's own comes to be when it is first needed. */
function need(state: ClusterState, topic: TopicView, nowMs: number): Topics {
  const known = state.byName.get(topic.name)
  if (known !== undefined) return [[], [known]]
  return [[...newVersion(state, nowMs), topicFact(topic)], [topic]]
}

type Topics = readonly [readonly ClusterFact[], readonly (TopicView | Failure)[]]

function createTopics(
  state: ClusterState,
  topics: readonly NewTopic[],
  topicIds: readonly string[],
  validateOnly: boolean,
  nowMs: number,
): Topics {
  if (partitionsAskedFor(topics, state.broker) > MAX_PARTITIONS_PER_REQUEST)
    return [[], topics.map(() => failure('POLICY_VIOLATION', 'Excessively large number of partitions per request.'))]
  const draft = emptyDraft()
  const unique = eachOnce(topics, 'Duplicate topic name.')
  const results = unique.map((topic, i) => (isFailure(topic) ? topic : create(state, draft, topic, topicIds[i]!)))
  const created = succeeded(results)
  if (validateOnly || created.length === 0) return [[], results]
  const facts = created.flatMap(topic => [topicFact(topic), tell(state, topic, rangesOf(0, topic.partitions), nowMs)])
  return [[...newVersion(state, nowMs), ...facts], results]
}

function deleteTopics(
  state: ClusterState,
  topics: readonly { readonly name?: string; readonly topicId?: string }[],
  nowMs: number,
): Topics {
  if (topics.length > MAX_TOPICS_PER_REQUEST) return [[], tooLarge(topics)]
  if (brokerConfig(state.broker)['delete.topic.enable'] === false)
    return [[], topics.map(() => failure('TOPIC_DELETION_DISABLED'))]
  const seen = new Set<TopicView>()
  const results = topics.map((wanted): TopicView | Failure => {
    const topic = named(state, wanted)
    if (isFailure(topic)) return topic
    if (topic.internal) return keptByCoordinators(topic)
    if (seen.has(topic))
      return failure('INVALID_REQUEST', `Duplicate topic ${wanted.name === undefined ? 'id' : 'name'}.`)
    seen.add(topic)
    return topic
  })
  if (seen.size === 0) return [[], results]
  const facts = [...seen].flatMap((topic): ClusterFact[] => [
    { type: 'topic', topicId: topic.topicId, topic: null },
    errandFact(topic.topicId, removing(topic, nowMs)),
  ])
  return [[...newVersion(state, nowMs), ...facts], results]
}

function named(state: ClusterState, { name, topicId }: { name?: string; topicId?: string }): TopicView | Failure {
  if (name !== undefined && topicId !== undefined)
    return failure('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  if (name !== undefined)
    return state.byName.get(name) ?? failure('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  if (topicId !== undefined) return state.topics.get(topicId) ?? failure('UNKNOWN_TOPIC_ID')
  return failure('INVALID_REQUEST', 'Neither topic name nor id were specified.')
}

function growTopics(
  state: ClusterState,
  topics: readonly { readonly name: string; readonly count: number }[],
  validateOnly: boolean,
  nowMs: number,
): Topics {
  const draft = emptyDraft()
  const unique = eachOnce(topics, 'Duplicate topic name.')
  const results = unique.map(topic =>
    isFailure(topic) ? topic : (refuseInternal(state, topic.name) ?? grow(state, draft, topic, nowMs)),
  )
  if (draft.partitions > MAX_PARTITIONS_PER_REQUEST) return [[], tooLarge(topics)]
  const grown = succeeded(results)
  if (validateOnly || grown.length === 0) return [[], results]
  const facts = grown.flatMap(topic => {
    const { partitions } = state.topics.get(topic.topicId)!
    return [topicFact(topic), tell(state, topic, rangesOf(partitions, topic.partitions), nowMs)]
  })
  return [[...newVersion(state, nowMs), ...facts], results]
}

function alterTopics(
  state: ClusterState,
  topics: readonly { name: string; changes: readonly ConfigChange[]; replaceAll?: boolean }[],
  validateOnly: boolean,
  nowMs: number,
): Topics {
  const unique = eachOnce(topics, 'Each resource must appear at most once.')
  const results = unique.map(topic =>
    isFailure(topic)
      ? topic
      : (refuseInternal(state, topic.name) ?? alter(state, topic.name, topic.changes, topic.replaceAll ?? false)),
  )
  const changed = succeeded(results).filter(topic => topic !== state.topics.get(topic.topicId))
  if (validateOnly || changed.length === 0) return [[], results]
  const facts = changed.flatMap(topic => {
    const before = state.topics.get(topic.topicId)!
    if (textOf(before.config, state.broker) === textOf(topic.config, state.broker)) return [topicFact(topic)]
    return [topicFact(topic), tell(state, topic, rangesOf(0, topic.partitions), nowMs)]
  })
  return [[...newVersion(state, nowMs), ...facts], results]
}

/** Where the broker's configs, or what this version of the program makes of them, moved on, every partition is told. */
function configureBroker(state: ClusterState, broker: Overrides, nowMs: number): readonly ClusterFact[] {
  const defaults = textOf({}, broker)
  if (state.version === 0) return [{ type: 'broker', broker, volatile: true }]
  if (defaults === state.defaults && JSON.stringify(broker) === JSON.stringify(state.broker)) return []
  const kept: ClusterFact = { type: 'broker', broker, defaults }
  if (defaults === state.defaults) return [kept]
  const told = [...state.topics.values()].filter(({ internal }) => !internal)
  const facts = told.flatMap(topic => {
    const newer = { ...topic, configVersion: topic.configVersion + 1 }
    return [topicFact(newer), tell(state, newer, rangesOf(0, topic.partitions), nowMs)]
  })
  return [...newVersion(state, nowMs), kept, ...facts]
}

const refuseInternal = (state: ClusterState, name: string): Failure | undefined => {
  const topic = state.byName.get(name)
  return topic?.internal ? keptByCoordinators(topic) : undefined
}

const keptByCoordinators = ({ name }: TopicView): Failure =>
  failure('INVALID_REQUEST', `Topic ${name} is internal: coordinators keep it, and it cannot be changed or deleted.`)

function carriedOut(
  state: ClusterState,
  answers: readonly (ErrandKey & { readonly partitions: readonly number[] })[],
  failures: readonly ErrandKey[],
  nowMs: number,
): readonly ClusterFact[] {
  const facts: ClusterFact[] = []
  for (const answer of answers) {
    const errand = state.errands.get(answer.topicId)
    if (!isFor(errand, answer)) continue
    const left = answered(errand, answer.partitions, nowMs)
    // Progress is not worth a row: after a restart those who answered are told once more.
    const progress = left !== null && !left.late
    facts.push({ ...errandFact(answer.topicId, left), ...(progress && { volatile: true }) })
  }
  for (const key of failures) {
    const errand = state.errands.get(key.topicId)
    if (isFor(errand, key)) facts.push(errandFact(key.topicId, postponed(errand, nowMs)))
  }
  return facts
}

function tick(state: ClusterState, nowMs: number): Turn {
  const facts: ClusterFact[] = []
  for (const [topicId, errand] of state.errands)
    if (errand.dueMs <= nowMs) facts.push({ ...errandFact(topicId, due(errand, nowMs)), volatile: true })
  return { facts, replies: [] }
}

function deadline(state: ClusterState): number | undefined {
  let first: number | undefined
  for (const { dueMs } of state.errands.values()) if (first === undefined || dueMs < first) first = dueMs
  return first
}

const emptyDraft = (): Draft => ({ topics: 0, partitions: 0, collisions: new Set() })

const topicFact = (topic: TopicView): ClusterFact => ({ type: 'topic', topicId: topic.topicId, topic })

const errandFact = (topicId: string, errand: Errand | null): ClusterFact => ({ type: 'errand', topicId, errand })

const tell = (state: ClusterState, topic: TopicView, ranges: Errand['pending'], nowMs: number): ClusterFact =>
  errandFact(topic.topicId, telling(state.errands.get(topic.topicId), topic, ranges, nowMs))

/** A version that no earlier cluster of the same place had either, so that nobody takes an old view for the newest. */
function newVersion(state: ClusterState, nowMs: number): readonly ClusterFact[] {
  const version = Math.max(state.version + 1, nowMs)
  const cluster: ClusterFact = { type: 'cluster', clusterId: state.clusterId, version }
  if (state.defaults !== undefined) return [cluster]
  return [cluster, { type: 'broker', broker: state.broker, defaults: textOf({}, state.broker) }]
}

const textOf = (overrides: Overrides, broker: Overrides): string => JSON.stringify(partitionConfig(overrides, broker))

const succeeded = (results: readonly (TopicView | Failure)[]): readonly TopicView[] =>
  results.filter((result): result is TopicView => !isFailure(result))

/** The topics of a request, with a failure in place of each that is named twice. */
function eachOnce<T extends { readonly name: string }>(
  topics: readonly T[],
  sentence: string,
): readonly (T | Failure)[] {
  if (topics.length > MAX_TOPICS_PER_REQUEST) return tooLarge(topics)
  const times = new Map<string, number>()
  for (const { name } of topics) times.set(name, (times.get(name) ?? 0) + 1)
  return topics.map(topic => (times.get(topic.name) === 1 ? topic : failure('INVALID_REQUEST', sentence)))
}

/** Those of topics that will be refused count, too, as in Kafka's ReplicationControlManager. */
function partitionsAskedFor(topics: readonly NewTopic[], broker: Overrides): number {
  const preset = brokerConfig(broker)['num.partitions']
  return topics.reduce((sum, { partitions = -1 }) => sum + (partitions === -1 ? preset : Math.max(partitions, 0)), 0)
}

const tooLarge = (topics: readonly unknown[]): readonly Failure[] =>
  topics.map(() => failure('POLICY_VIOLATION', 'Unable to perform excessively large batch operation.'))
