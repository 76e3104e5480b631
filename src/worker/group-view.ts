// How a group looks over HTTP: its members with what they are assigned, its offsets, and how far they are behind.

import type { DescribedClassic, DescribedConsumer } from '../coordinator/describe.ts'
import { CONSUMER_PROTOCOL, type NamedPartitions, readAssignment } from '../coordinator/consumer-protocol.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { MAX_OFFSETS } from './group-schemas.ts'
import { inWaves } from './kafka/partitions.ts'

interface GroupView {
  readonly group: string
  readonly state: string
  readonly type: 'classic' | 'consumer'
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly assignment: NamedPartitions
  }[]
}

interface OffsetView {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly metadata: string | null
  readonly endOffset: number | null
  readonly lag: number | null
}

/** GROUP_ID_NOT_FOUND: neither protocol knows it. */
export async function viewGroup(broker: Broker, group: string): Promise<GroupView | Failure> {
  const consumer = await broker.groups.ask(group, { type: 'describeConsumer' })
  if (!isFailure(consumer)) return viewConsumer(consumer)
  if (consumer.error !== 'GROUP_ID_NOT_FOUND') return consumer
  const classic = await broker.groups.ask(group, { type: 'describeClassic' })
  return isFailure(classic) ? classic : viewClassic(classic)
}

const viewConsumer = ({ groupId, state, assignor, members }: DescribedConsumer): GroupView => ({
  group: groupId,
  state,
  type: 'consumer',
  protocolType: CONSUMER_PROTOCOL,
  protocol: assignor,
  members: members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
    memberId,
    groupInstanceId: instanceId,
    clientId,
    clientHost,
    assignment: assignment.map(({ topicName, partitions }) => inOrder(topicName, partitions)),
  })),
})

const viewClassic = ({ groupId, members, state, protocolType, protocol }: DescribedClassic): GroupView => ({
  group: groupId,
  state,
  type: 'classic',
  protocolType,
  protocol,
  members: members.map(({ memberId, groupInstanceId, clientId, clientHost, assignment }) => {
    // What members of other protocols (Kafka Connect's workers…) are assigned is theirs to read.
    const assigned = protocolType === CONSUMER_PROTOCOL ? readAssignment(assignment)?.assignedPartitions : undefined
    const named = (assigned ?? []).map(({ topic, partitions }) => inOrder(topic, partitions))
    return { memberId, groupInstanceId, clientId, clientHost, assignment: named }
  }),
})

const inOrder = (topic: string, partitions: readonly number[]) => ({
  topic,
  partitions: partitions.toSorted((a, b) => a - b),
})

/** What the group has committed: topic, partition, offset, metadata. */
export type Committed = Pick<OffsetView, 'topic' | 'partition' | 'metadata'> & { readonly offset: number }

export async function committedBy(broker: Broker, group: string): Promise<Committed[] | Failure> {
  const fetched = await broker.groups.ask(group, {
    type: 'fetchOffsets',
    memberId: null,
    memberEpoch: -1,
    topics: null,
  })
  if (isFailure(fetched)) return fetched
  return fetched.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ offset }) => offset >= 0)
      .map(({ partition, offset, metadata }) => ({ topic: name, partition, offset, metadata })),
  )
}

/** With the ends of their partitions, as far as MAX_OFFSETS goes; beyond, and where a partition does not answer, null. */
export async function viewOffsets(
  broker: Broker,
  { group, members }: GroupView,
  only?: string,
): Promise<{ readonly offsets: readonly OffsetView[]; readonly totalLag: number } | Failure> {
  const committed = await committedBy(broker, group)
  if (isFailure(committed)) return committed
  const none = { offset: null, metadata: null }
  const known = new Map<string, Pick<OffsetView, 'topic' | 'partition' | 'offset' | 'metadata'>>()
  for (const { assignment } of members)
    for (const { topic, partitions } of assignment)
      for (const partition of partitions) known.set(`${topic}-${partition}`, { topic, partition, ...none })
  for (const entry of committed) known.set(`${entry.topic}-${entry.partition}`, entry)
  const shown = [...known.values()].filter(({ topic }) => only === undefined || topic === only).sort(byPlace)

  const ends = await inWaves(shown.slice(0, MAX_OFFSETS), entry => endOf(broker, entry))
  const offsets = shown.map((entry, i): OffsetView => {
    const { topic, partition, offset, metadata } = entry
    const endOffset = ends[i] ?? null
    const lag = offset === null || endOffset === null ? null : Math.max(0, endOffset - offset)
    return { topic, partition, offset, metadata, endOffset, lag }
  })
  return { offsets, totalLag: offsets.reduce((sum, { lag }) => sum + (lag ?? 0), 0) }
}

type Place = Pick<OffsetView, 'topic' | 'partition'>

export const byPlace = (a: Place, b: Place): number =>
  a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1

async function endOf(broker: Broker, { topic: name, partition }: Place): Promise<number | null> {
  // A topic of the last seconds' view will do: what was committed is older, as a rule.
  const { byName } = await broker.topics()
  const topic = byName.get(name)
  if (topic === undefined || partition >= topic.partitions) return null
  const described = await broker.describe(topic, partition)
  return isFailure(described) ? null : described.highWatermark
}
