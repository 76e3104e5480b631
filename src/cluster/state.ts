// What a cluster remembers: its topics, what their partitions still have to be told, and how far producer ids are given
// out. `replay` is its only writer; each fact is a record whose key and value are JSON.

import type { FactRecord } from '../machine.ts'
import type { Overrides } from './configs.ts'
import type { Errand } from './errands.ts'
import { collisionKey } from './topics.ts'

export interface TopicView {
  readonly name: string
  /** 22 characters of base64url, as Kafka prints it. */
  readonly topicId: string
  readonly partitions: number
  /** How many copies its creator asked for; absent: one. */
  readonly replicationFactor?: number
  /** Only what differs from the defaults. */
  readonly config: Overrides
  readonly configVersion: number
  readonly internal: boolean
  /** The last time partitions were added: how many there were before, and when, ms. */
  readonly grown?: { readonly from: number; readonly at: number }
}

export interface ClusterView {
  readonly clusterId: string
  readonly version: number
  readonly topics: readonly TopicView[]
}

export interface ClusterState {
  clusterId: string
  /** Grows with every change of the view. */
  version: number
  /** What this deployment sets for the broker as a whole. */
  broker: Overrides
  /** What partitions with no overrides were last told, as text; undefined until it is stored. */
  defaults: string | undefined
  readonly topics: Map<string, TopicView>
  readonly byName: Map<string, TopicView>
  /** Names by what they collide in. */
  readonly collisions: Map<string, Set<string>>
  readonly errands: Map<string, Errand>
  /** Of all topics. */
  partitions: number
  nextProducerId: number
}

export type ClusterFact = { readonly volatile?: true } & (
  | { readonly type: 'cluster'; readonly clusterId: string; readonly version: number }
  | { readonly type: 'broker'; readonly broker: Overrides; readonly defaults?: string }
  | { readonly type: 'topic'; readonly topicId: string; readonly topic: TopicView | null }
  | { readonly type: 'errand'; readonly topicId: string; readonly errand: Errand | null }
  | { readonly type: 'producerIds'; readonly next: number }
)

export const emptyCluster = (clusterId: string): ClusterState => ({
  clusterId,
  version: 0,
  broker: {},
  defaults: undefined,
  topics: new Map(),
  byName: new Map(),
  collisions: new Map(),
  errands: new Map(),
  partitions: 0,
  nextProducerId: 0,
})

/** All there is to see, topics by name. */
export function view({ clusterId, version, topics }: ClusterState): ClusterView {
  return { clusterId, version, topics: [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

export function replay(state: ClusterState, fact: ClusterFact): void {
  switch (fact.type) {
    case 'cluster':
      state.clusterId = fact.clusterId
      state.version = fact.version
      return
    case 'broker':
      state.broker = fact.broker
      if (fact.defaults !== undefined) state.defaults = fact.defaults
      return
    case 'topic':
      return replayTopic(state, fact.topicId, fact.topic)
    case 'errand':
      if (fact.errand === null) state.errands.delete(fact.topicId)
      else state.errands.set(fact.topicId, fact.errand)
      return
    case 'producerIds':
      state.nextProducerId = fact.next
  }
}

function replayTopic(state: ClusterState, topicId: string, topic: TopicView | null): void {
  const before = state.topics.get(topicId)
  if (before !== undefined) {
    state.topics.delete(topicId)
    state.byName.delete(before.name)
    state.partitions -= before.partitions
    const colliding = state.collisions.get(collisionKey(before.name))
    colliding?.delete(before.name)
    if (colliding?.size === 0) state.collisions.delete(collisionKey(before.name))
  }
  if (topic === null) return
  state.topics.set(topicId, topic)
  state.byName.set(topic.name, topic)
  state.partitions += topic.partitions
  const key = collisionKey(topic.name)
  const colliding = state.collisions.get(key)
  if (colliding === undefined) state.collisions.set(key, new Set([topic.name]))
  else colliding.add(topic.name)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encode(fact: ClusterFact): FactRecord {
  const key = 'topicId' in fact ? [fact.type, fact.topicId] : [fact.type]
  return { key: encoder.encode(JSON.stringify(key)), value: valueOf(fact) }
}

function valueOf(fact: ClusterFact): Uint8Array | null {
  if (fact.type === 'topic') return fact.topic && json(fact.topic)
  if (fact.type === 'errand') return fact.errand && json(fact.errand)
  const { type: _, volatile: __, ...rest } = fact
  return json(rest)
}

const json = (value: object): Uint8Array => encoder.encode(JSON.stringify(value))

/** A key of a kind that this version does not know is nobody's fact. */
export function decode({ key, value }: FactRecord): ClusterFact | undefined {
  const [type, topicId] = JSON.parse(decoder.decode(key)) as [string, string?]
  const body = value === null ? null : (JSON.parse(decoder.decode(value)) as unknown)
  if (type === 'topic' && topicId !== undefined) return { type, topicId, topic: body as TopicView | null }
  if (type === 'errand' && topicId !== undefined) return { type, topicId, errand: body as Errand | null }
  if (body !== null && (type === 'cluster' || type === 'broker' || type === 'producerIds'))
    return { type, ...body } as ClusterFact
  return undefined
}
