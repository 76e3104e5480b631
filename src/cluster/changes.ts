// May this topic be created, deleted, grown or configured so, and what is it then? Judges one topic of a request against
// the cluster as it would be after those before it; cluster.ts makes facts of the answers. Kafka's
// ReplicationControlManager and ConfigurationControlManager, whose sentences these are where Kafka has one.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { brokerConfig } from './broker-configs.ts'
import {
  checkTogether,
  type Overrides,
  readConfig,
  topicConfigDef,
  topicDefault,
  type TopicConfigName,
} from './configs.ts'
import { splitList } from './config-def.ts'
import type { ClusterState, TopicView } from './state.ts'
import {
  checkPartitionCount,
  checkTopicName,
  collisionKey,
  isInternalTopic,
  MAX_OVERRIDES_LENGTH,
  MAX_PARTITIONS,
  MAX_TOPICS,
} from './topics.ts'

/** Kafka counts replicas in 16 bits. */
const MAX_REPLICATION_FACTOR = 32_767

export interface NewTopic {
  readonly name: string
  /** -1 or absent: as many as num.partitions says. */
  readonly partitions?: number
  /** -1 or absent: as many as default.replication.factor says. */
  readonly replicationFactor?: number
  /** How many brokers there are to name as replicas; absent: whatever is asked for is believed. */
  readonly brokers?: number
  readonly config?: Readonly<Record<string, string | null>>
}

export interface ConfigChange {
  readonly key: string
  /** APPEND and SUBTRACT are for lists (KIP-339). */
  readonly operation: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT'
  readonly value: string | null
}

/** What earlier topics of the same request add to the cluster. */
export interface Draft {
  topics: number
  partitions: number
  readonly collisions: Set<string>
}

export function create(
  state: ClusterState,
  draft: Draft,
  { name, partitions = -1, replicationFactor, brokers, config = {} }: NewTopic,
  topicId: string,
): TopicView | Failure {
  const refused = checkNewName(state, draft, name)
  if (refused !== undefined) return refused
  const nulls = Object.keys(config).filter(key => config[key] === null)
  if (nulls.length > 0)
    return failure('INVALID_CONFIG', `Null value not supported for topic configs: ${nulls.join(',')}`)
  const overrides = checkOverrides(Object.entries(config as Overrides), state.broker)
  if (isFailure(overrides)) return overrides
  const replicas = checkReplicationFactor(replicationFactor ?? -1, brokers, state.broker)
  if (isFailure(replicas)) return replicas
  const count = partitions === -1 ? brokerConfig(state.broker)['num.partitions'] : partitions
  const tooMany = checkPartitionCount(count) ?? checkRoom(state, draft, 1, count)
  if (tooMany !== undefined) return tooMany
  draft.topics++
  draft.partitions += count
  draft.collisions.add(collisionKey(name))
  const topic = { name, topicId, partitions: count, config: overrides, configVersion: 1, internal: false }
  return replicas === 1 ? topic : { ...topic, replicationFactor: replicas }
}

/** How many copies clients are told of. The platform keeps as many as it does, so this is a name for them and no more. */
function checkReplicationFactor(asked: number, brokers: number | undefined, broker: Overrides): number | Failure {
  if (!Number.isInteger(asked) || asked < -1 || asked === 0)
    return failure(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  const factor = asked === -1 ? (brokerConfig(broker)['default.replication.factor'] ?? 1) : asked
  if (factor > (brokers ?? MAX_REPLICATION_FACTOR))
    return failure(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be reached because only ${brokers ?? MAX_REPLICATION_FACTOR} broker(s) are registered.`,
    )
  return Math.max(factor, 1)
}

function checkNewName(state: ClusterState, draft: Draft, name: string): Failure | undefined {
  if (isInternalTopic(name)) return failure('INVALID_REQUEST', `Creation of internal topic ${name} is prohibited.`)
  const illegal = checkTopicName(name)
  if (illegal !== undefined) return illegal
  if (state.byName.has(name)) return failure('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  const key = collisionKey(name)
  const [existing] = state.collisions.get(key) ?? []
  if (existing !== undefined)
    return failure('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${existing}`)
  if (draft.collisions.has(key))
    return failure('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with another topic of the request.`)
  return undefined
}

export function grow(
  state: ClusterState,
  draft: Draft,
  { name, count }: { readonly name: string; readonly count: number },
  nowMs: number,
): TopicView | Failure {
  const topic = state.byName.get(name)
  if (topic === undefined) return failure('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  if (count === topic.partitions)
    return failure('INVALID_PARTITIONS', `Topic already has ${topic.partitions} partition(s).`)
  if (count < topic.partitions)
    return failure(
      'INVALID_PARTITIONS',
      `The topic ${name} currently has ${topic.partitions} partition(s); ${count} would not be an increase.`,
    )
  const more = count - topic.partitions
  const tooMany = checkPartitionCount(count) ?? checkRoom(state, draft, 0, more)
  if (tooMany !== undefined) return tooMany
  draft.partitions += more
  return { ...topic, partitions: count, grown: { from: topic.partitions, at: nowMs } }
}

/** The topic with its configs changed; the same topic if nothing changes. */
export function alter(
  state: ClusterState,
  name: string,
  changes: readonly ConfigChange[],
  replaceAll: boolean,
): TopicView | Failure {
  const topic = state.byName.get(name)
  const before = topic?.config ?? {}
  const config = changed(before, changes, replaceAll, state.broker)
  if (isFailure(config)) return config
  const overrides = checkOverrides(config, state.broker)
  if (isFailure(overrides)) return overrides
  if (topic === undefined) return failure('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
  const keys = new Set([...Object.keys(before), ...Object.keys(overrides)])
  const different = [...keys].filter(key => before[key] !== overrides[key])
  for (const key of different) {
    const text = (from: Overrides): string | null => from[key] ?? topicDefault(key as TopicConfigName, state.broker)
    if (topicConfigDef(key)?.fixed && text(before) !== text(overrides))
      return failure('INVALID_CONFIG', `${key} is given when a topic is created and cannot be changed after.`)
  }
  if (different.length === 0) return topic
  return { ...topic, config: overrides, configVersion: topic.configVersion + 1 }
}

function changed(
  before: Overrides,
  changes: readonly ConfigChange[],
  replaceAll: boolean,
  broker: Overrides,
): ReadonlyMap<string, string> | Failure {
  const kept = Object.entries(before).filter(([key]) => !replaceAll || topicConfigDef(key)?.fixed)
  const config = new Map<string, string>(kept)
  const seen = new Set<string>()
  for (const { key, operation, value } of changes) {
    if (seen.has(key)) return failure('INVALID_REQUEST', 'Error due to duplicate config keys')
    seen.add(key)
    if (operation === 'DELETE') config.delete(key)
    else if (value === null) return failure('INVALID_REQUEST', `Null value not supported for : ${key}`)
    else if (operation === 'SET') config.set(key, value)
    else {
      const def = topicConfigDef(key)
      if (def?.type !== 'LIST')
        return failure('INVALID_CONFIG', `Can't ${operation} to key ${key} because its type is not LIST.`)
      const now = splitList(before[key] ?? topicDefault(key as TopicConfigName, broker) ?? '')
      const named = partsOf(value)
      const next = operation === 'APPEND' ? [...now, ...named] : now.filter(part => !named.includes(part))
      config.set(key, [...new Set(next)].join(','))
    }
  }
  return config
}

/** As Java splits: what is empty is a part of a list, and most lists refuse it beside others; commas at the end are not. */
function partsOf(list: string): readonly string[] {
  const parts = list.split(',')
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return list !== '' && parts[0] === '' && parts.length === 1 ? [] : parts
}

/** The overrides as they are stored; INVALID_CONFIG if one is unknown or wrong, or two contradict each other. */
function checkOverrides(config: Iterable<[string, string]>, broker: Overrides): Overrides | Failure {
  const overrides: Record<string, string> = {}
  let length = 0
  for (const [key, value] of config) {
    const text = readConfig(key, value)
    if (isFailure(text)) return text
    overrides[key] = text
    length += key.length + text.length
  }
  if (length > MAX_OVERRIDES_LENGTH)
    return failure(
      'INVALID_CONFIG',
      `The configs of one topic have ${MAX_OVERRIDES_LENGTH} characters at most, these have ${length}.`,
    )
  return checkTogether(overrides, broker) ?? overrides
}

/** POLICY_VIOLATION if the cluster cannot hold that many more. Topics still being removed count, since errands do. */
function checkRoom(state: ClusterState, draft: Draft, topics: number, partitions: number): Failure | undefined {
  let removals = 0
  for (const errand of state.errands.values()) if (errand.kind === 'remove') removals++
  if (state.topics.size + removals + draft.topics + topics > MAX_TOPICS)
    return failure('POLICY_VIOLATION', `A cluster holds ${MAX_TOPICS} topics at most.`)
  if (state.partitions + draft.partitions + partitions > MAX_PARTITIONS)
    return failure('POLICY_VIOLATION', `A cluster holds ${MAX_PARTITIONS} partitions at most.`)
  return undefined
}
