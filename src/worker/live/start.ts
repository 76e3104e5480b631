// Where a live consumer begins: the partitions it asks for, each with an offset, out of what it says (`offset`,
// `timestamp`) or out of the token it left with.

import type { ClusterView, TopicView } from '../../cluster/cluster.ts'
import type { Isolation } from '../../log/followers.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { noSuchPartition } from '../producing.ts'
import { MAX_LIVE_PARTITIONS, type NextOffsets } from '../resume.ts'
import type { LiveFailure, Place } from './session.ts'

/** Partitions asked at once where they begin or end. */
const WAVE = 32

export interface Asked {
  readonly topics: readonly string[]
  /** Undefined: all of them, those too that are added later. */
  readonly partitions: readonly number[] | undefined
  readonly begin: Begin
  readonly resume: NextOffsets | undefined
  /** With read_committed the end is the last stable offset. */
  readonly isolation?: Isolation | undefined
}

/** Where a partition begins that no token knows. */
export type Begin =
  | { readonly from: 'earliest' | 'latest' }
  /** An offset; below 0: so many before the end. */
  | { readonly from: 'offset'; readonly offset: number }
  /** The first record of that time, ms, or later; the end if there is none. */
  | { readonly from: 'time'; readonly timestamp: number }

export type Brokerage = Pick<Broker, 'view' | 'topic' | 'describe' | 'offsetFor'>

export interface Start {
  readonly topics: readonly TopicView[]
  readonly places: readonly Place[]
}

/**
 * A partition that the token does not name although it names others of its topic was added after it was made: it begins
 * at its beginning. A topic of the token that is not there, or not asked for, is an error: skipping it would lose records.
 */
export async function startOf(broker: Brokerage, asked: Asked): Promise<Start | LiveFailure> {
  const start = await startIn(broker, asked)
  if (!(await isOutdated(broker, start))) return start
  await broker.view({ fresh: true })
  return startIn(broker, asked)
}

/** The view may have been a moment old, and a topic have grown, gone or been made again since: that shows by now. */
async function isOutdated(broker: Brokerage, start: Start | LiveFailure): Promise<boolean> {
  if (isFailure(start)) return start.error === 'UNKNOWN_TOPIC_ID' || start.error === 'UNKNOWN_TOPIC_OR_PARTITION'
  for (const { name, topicId } of start.topics) {
    const now = await broker.topic(name)
    if (isFailure(now) || now.topicId !== topicId) return true
  }
  return false
}

async function startIn(broker: Brokerage, asked: Asked): Promise<Start | LiveFailure> {
  const topics: TopicView[] = []
  for (const name of asked.topics) {
    const topic = await broker.topic(name)
    if (isFailure(topic)) return topic
    topics.push(topic)
  }
  const stray = await strayOf(broker, topics, asked.resume)
  if (stray) return stray
  const wanted: Wanted[] = []
  for (const topic of topics) {
    const known = asked.resume?.get(topic.topicId)
    const begin: Begin = known === undefined ? asked.begin : { from: 'earliest' }
    for (const partition of asked.partitions ?? Array(topic.partitions).keys()) {
      if (partition >= topic.partitions) return noSuchPartition(topic, partition)
      wanted.push({ topic, partition, begin, known: known?.get(partition), isolation: asked.isolation })
    }
    if (wanted.length > MAX_LIVE_PARTITIONS) return tooMany()
  }
  const places = await placesOf(broker, wanted)
  return isFailure(places) ? places : { topics, places }
}

/** The partitions that were added to topics read whole since `known` partitions were; they begin at their beginning. */
export async function addedTo(
  broker: Brokerage,
  topics: readonly { readonly topic: TopicView; readonly known: number }[],
): Promise<readonly Place[] | LiveFailure> {
  const wanted = topics.flatMap(({ topic, known }) =>
    Array.from({ length: Math.max(0, topic.partitions - known) }, (_, i): Wanted => {
      return { topic, partition: known + i, begin: { from: 'earliest' }, known: undefined, isolation: undefined }
    }),
  )
  return placesOf(broker, wanted)
}

export const tooMany = (): Failure =>
  failure(
    'INVALID_REQUEST',
    `A live consumer reads ${MAX_LIVE_PARTITIONS} partitions at most; divide them with ?partitions= among several.`,
  )

interface Wanted {
  readonly topic: TopicView
  readonly partition: number
  readonly begin: Begin
  readonly known: number | undefined
  readonly isolation: Isolation | undefined
}

async function placesOf(broker: Brokerage, wanted: readonly Wanted[]): Promise<Place[] | LiveFailure> {
  const places: Place[] = []
  for (let at = 0; at < wanted.length; at += WAVE) {
    const wave = wanted.slice(at, at + WAVE)
    const offsets = await Promise.all(wave.map(one => offsetOf(broker, one)))
    for (const [i, { topic, partition }] of wave.entries()) {
      const offset = offsets[i]!
      if (isFailure(offset)) return { ...offset, topic: topic.name, partition }
      places.push({ topic, partition, offset, mayMove: saidBy(wave[i]!) === undefined })
    }
  }
  return places
}

async function offsetOf(broker: Brokerage, wanted: Wanted): Promise<number | Failure> {
  const { topic, partition, begin, known, isolation } = wanted
  if (known === undefined && begin.from === 'time') {
    const found = await broker.offsetFor(topic, partition, begin.timestamp, isolation)
    if (isFailure(found)) return found
    if (found.offset >= 0) return found.offset
  }
  const bounds = await broker.describe(topic, partition)
  if (isFailure(bounds)) return bounds
  const { logStartOffset, highWatermark } = bounds
  const end = isolation === 'read_committed' ? bounds.lastStableOffset : highWatermark
  const said = saidBy(wanted)
  if (said === undefined) {
    if (begin.from === 'earliest') return logStartOffset
    return Math.max(logStartOffset, end + (begin.from === 'offset' ? begin.offset : 0))
  }
  if (said >= logStartOffset && said <= highWatermark) return said
  return outOfRange(said, logStartOffset, highWatermark)
}

/** The offset that the reader itself names; the log finds any other. */
const saidBy = ({ known, begin }: Wanted): number | undefined =>
  known ?? (begin.from === 'offset' && begin.offset >= 0 ? begin.offset : undefined)

const outOfRange = (offset: number, logStartOffset: number, highWatermark: number): LiveFailure => ({
  ...failure(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${offset} is out of range: the log holds ${logStartOffset} up to, not including, ${highWatermark}.`,
  ),
  offset,
  logStartOffset,
})

/** The first topic of a token that is not among those read. */
async function strayOf(
  broker: Brokerage,
  topics: readonly TopicView[],
  resume: NextOffsets | undefined,
): Promise<Failure | undefined> {
  for (const topicId of resume?.keys() ?? []) {
    if (topics.some(topic => topic.topicId === topicId)) continue
    const view: ClusterView = await broker.view({ fresh: true })
    const other = view.topics.find(topic => topic.topicId === topicId)
    return other === undefined
      ? failure('UNKNOWN_TOPIC_ID', `The token is of a topic that is gone (id ${topicId}).`)
      : failure('INVALID_REQUEST', `The token is of topic '${other.name}', which is not read here.`)
  }
  return undefined
}
