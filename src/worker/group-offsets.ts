// Committing, forgetting and resetting a group's offsets from outside, as Kafka's admin clients and
// kafka-consumer-groups.sh do. All of a request's offsets are committed, or none.

import { brokerConfig } from '../cluster/broker-configs.ts'
import type { TopicView } from '../cluster/cluster.ts'
import type { Commit, PartitionErrors } from '../coordinator/offsets.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { MAX_OFFSETS, type Reset, type Target } from './group-schemas.ts'
import { byPlace, type Committed, committedBy, viewGroup } from './group-view.ts'
import { inWaves } from './kafka/partitions.ts'
import { durationMs, timeOf } from './times.ts'

/** The version of OffsetCommit that these speak for. */
const COMMIT_VERSION = 9

/** A failure, and which member of the request it is about. */
export interface Wrong extends Failure {
  readonly field?: string
}

interface Place {
  readonly topic: string
  readonly partition: number
}
export interface NewOffset extends Place {
  readonly offset: number
  readonly metadata?: string | null | undefined
}

/** NON_EMPTY_GROUP while the group has members: these commit for themselves. Undefined: done. */
export async function commitOffsets(
  broker: Broker,
  group: string,
  offsets: readonly NewOffset[],
): Promise<Wrong | undefined> {
  const topics = await topicsToCommit(broker, offsets)
  if (isFailure(topics)) return topics
  const reply = await commitFromOutside(broker, group, topics)
  // Said of a commit that comes from no member, while there are some.
  if (isFailure(reply)) return reply.error === 'UNKNOWN_MEMBER_ID' ? hasMembers(group) : reply
  const refused = reply.topics.flatMap(({ partitions }) => partitions).find(({ error }) => error !== 'NONE')
  return refused && failure(refused.error)
}

/** A commit that comes from no member. */
export const commitFromOutside = (
  broker: Broker,
  group: string,
  topics: Commit['topics'],
): Promise<PartitionErrors | Failure> =>
  broker.groups.ask(group, {
    type: 'commit',
    version: COMMIT_VERSION,
    memberId: '',
    groupInstanceId: null,
    generationId: -1,
    retentionTimeMs: -1,
    topics,
  })

/** Offsets as a coordinator takes them, by topics that are there. */
export async function topicsToCommit(broker: Broker, offsets: readonly NewOffset[]): Promise<Commit['topics'] | Wrong> {
  const maxMetadata = brokerConfig(broker.configs)['offset.metadata.max.bytes'] ?? 0
  const large = offsets.findIndex(({ metadata }) => (metadata ?? '').length > maxMetadata)
  if (large >= 0)
    return {
      error: 'OFFSET_METADATA_TOO_LARGE',
      message: `offsets[${large}].metadata may have ${maxMetadata} characters.`,
      field: `offsets[${large}].metadata`,
    }
  const topics = await topicsOf(broker, offsets)
  if (isFailure(topics)) return topics
  return [...topics].map(([{ name, topicId }, placed]) => ({
    name,
    topicId,
    partitions: placed.map(({ partition, offset, metadata = null }) => ({
      partition,
      offset,
      leaderEpoch: -1,
      metadata,
    })),
  }))
}

/** GROUP_SUBSCRIBED_TO_TOPIC where a member reads one of the topics: its offsets stay. Undefined: all are forgotten. */
export async function forgetOffsets(
  broker: Broker,
  group: string,
  offsets: readonly Place[],
): Promise<Failure | undefined> {
  const topics = Map.groupBy(offsets, ({ topic }) => topic)
  const reply = await broker.groups.ask(group, {
    type: 'deleteOffsets',
    topics: [...topics].map(([name, places]) => ({ name, partitions: places.map(({ partition }) => partition) })),
  })
  if (isFailure(reply)) return reply
  for (const { name, partitions } of reply.topics) {
    const refused = partitions.find(({ error }) => error !== 'NONE')
    if (refused !== undefined)
      return failure(refused.error, `Members read topic '${name}', so its offsets stay; other topics' are forgotten.`)
  }
  return undefined
}

export interface Moved extends Place {
  readonly from: number | null
  readonly to: number
}

/** Where offsets go, and, unless it is a dry run, brings them there. */
export async function resetOffsets(
  broker: Broker,
  group: string,
  { to, topics, dryRun }: Reset,
  nowMs: number,
): Promise<readonly Moved[] | Wrong> {
  const view = await viewGroup(broker, group)
  // A group that is not there yet may be given offsets to begin with, but of topics that are named.
  if (isFailure(view) && (view.error !== 'GROUP_ID_NOT_FOUND' || topics === undefined)) return view
  if (!isFailure(view) && view.state !== 'Empty') return hasMembers(group)
  const committed = await committedBy(broker, group)
  if (isFailure(committed)) return committed
  const from = new Map(committed.map(entry => [keyOf(entry), entry.offset]))
  const places = topics === undefined ? await stillThere(broker, committed) : await placesOf(broker, topics)
  if (isFailure(places)) return places
  if (places.length > MAX_OFFSETS)
    return failure(
      'INVALID_REQUEST',
      `${places.length} offsets are too many for one request, which may have ${MAX_OFFSETS}.`,
    )
  const known = await topicsOf(broker, places)
  if (isFailure(known)) return known

  const asked = [...known].flatMap(([topic, placed]) => placed.map(({ partition }) => ({ topic, partition })))
  const found = await inWaves(asked, async ({ topic, partition }): Promise<Moved | Failure> => {
    const was = from.get(keyOf({ topic: topic.name, partition })) ?? null
    const offset = await offsetFor(broker, topic, partition, to, was, nowMs)
    return isFailure(offset) ? offset : { topic: topic.name, partition, from: was, to: offset }
  })
  const failed = found.find(isFailure)
  if (failed !== undefined) return failed
  const moved = found.filter((result): result is Moved => !isFailure(result)).sort(byPlace)
  if (dryRun || moved.length === 0) return moved
  const refused = await commitOffsets(
    broker,
    group,
    moved.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
  )
  return refused ?? moved
}

/** Kafka's prepareOffsetsToReset: a time after the last record is the end, and offsets stay within the log. */
async function offsetFor(
  broker: Broker,
  topic: TopicView,
  partition: number,
  to: Target,
  was: number | null,
  nowMs: number,
): Promise<number | Failure> {
  const log = await broker.describe(topic, partition)
  if (isFailure(log)) return log
  const within = (offset: number) => Math.max(log.logStartOffset, Math.min(offset, log.highWatermark))
  const timestamp = timestampOf(to, nowMs)
  if (timestamp !== undefined) {
    const found = await broker.offsetFor(topic, partition, timestamp)
    if (isFailure(found)) return found
    return found.offset < 0 ? log.highWatermark : within(found.offset)
  }
  if (to === 'earliest') return log.logStartOffset
  if (to === 'latest') return log.highWatermark
  if ('offset' in to) return within(to.offset)
  if (was === null || !('shiftBy' in to))
    return failure('INVALID_REQUEST', `Nothing is committed for ${topic.name}-${partition} that could be shifted.`)
  return within(was + to.shiftBy)
}

function timestampOf(to: Target, nowMs: number): number | undefined {
  if (typeof to === 'string') return undefined
  if ('duration' in to) return Math.max(0, nowMs - durationMs(to.duration)!)
  if (!('timestamp' in to)) return undefined
  return typeof to.timestamp === 'number' ? to.timestamp : timeOf(to.timestamp)
}

/** A topic that is being deleted keeps nobody from the others. */
async function stillThere(broker: Broker, places: readonly Place[]): Promise<readonly Place[]> {
  const { byName } = await broker.topics({ fresh: true })
  return places.filter(({ topic, partition }) => partition < (byName.get(topic)?.partitions ?? 0))
}

/** Topics by name alone have all of their partitions. */
async function placesOf(broker: Broker, topics: NonNullable<Reset['topics']>): Promise<Place[] | Wrong> {
  const { byName } = await broker.topics({ fresh: true })
  const places: Place[] = []
  for (const [i, entry] of topics.entries()) {
    const { topic: name, partitions } = typeof entry === 'string' ? { topic: entry } : entry
    const topic = byName.get(name)
    if (topic === undefined)
      return { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: `There is no topic '${name}'.`, field: `topics[${i}]` }
    const named = partitions ?? Array.from({ length: topic.partitions }, (_, partition) => partition)
    for (const partition of named) {
      if (partition >= topic.partitions) return { ...noPartition(topic, partition), field: `topics[${i}].partitions` }
      places.push({ topic: name, partition })
    }
    if (places.length > MAX_OFFSETS)
      return { error: 'INVALID_REQUEST', message: `topics name more than ${MAX_OFFSETS} partitions.`, field: 'topics' }
  }
  return [...new Map(places.map(place => [keyOf(place), place])).values()]
}

/** Places by topic, all of which are there, and none twice. */
async function topicsOf<P extends Place>(
  broker: Broker,
  places: readonly P[],
): Promise<ReadonlyMap<TopicView, readonly P[]> | Wrong> {
  const { byName } = await broker.topics({ fresh: true })
  const topics = new Map<TopicView, P[]>()
  const seen = new Set<string>()
  for (const [i, place] of places.entries()) {
    const topic = byName.get(place.topic)
    if (topic === undefined)
      return {
        error: 'UNKNOWN_TOPIC_OR_PARTITION',
        message: `There is no topic '${place.topic}'.`,
        field: `offsets[${i}].topic`,
      }
    if (place.partition >= topic.partitions)
      return { ...noPartition(topic, place.partition), field: `offsets[${i}].partition` }
    if (seen.has(keyOf(place)))
      return {
        error: 'INVALID_REQUEST',
        message: `offsets[${i}] names ${keyOf(place)} again.`,
        field: `offsets[${i}]`,
      }
    seen.add(keyOf(place))
    const placed = topics.get(topic)
    if (placed === undefined) topics.set(topic, [place])
    else placed.push(place)
  }
  return topics
}

const noPartition = ({ name }: TopicView, partition: number): Failure =>
  failure('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${partition} of topic '${name}'.`)

const hasMembers = (group: string): Failure =>
  failure('NON_EMPTY_GROUP', `Group '${group}' has members, and they commit for themselves: stop them first.`)

const keyOf = ({ topic, partition }: Place | Committed): string => `${topic}-${partition}`
