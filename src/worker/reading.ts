// Where reading a partition begins, what is there, and waiting for what is not there yet.

import type { TopicView } from '../cluster/cluster.ts'
import type { LogBounds, Read, ReadRequest, ReadResult } from '../log/fetch.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { withoutAborted } from './committed.ts'
import { noSuchPartition } from './producing.ts'

export interface Place {
  readonly broker: Broker
  readonly topic: TopicView
  readonly partition: number
  readonly maxBytes: number
  /** Records wanted at most; fewer may come although there are more. */
  readonly maxRecords?: number | undefined
  /** False: no batch that is larger than `maxBytes`, either. */
  readonly atLeastOne?: boolean
  /** Only what was committed, up to where the first open transaction begins; or everything. */
  readonly isolation?: ReadRequest['isolation'] | undefined
}

/** A place with the offset to read from. */
export interface From extends Place {
  readonly offset: number
}

/** What a reader says: nothing or one of them. */
export interface Beginning {
  /** earliest (the default), latest, N, or -N: N before the end. */
  readonly offset?: string | undefined
  /** ms */
  readonly timestamp?: number | undefined
}

export type Refused = Failure & { readonly logStartOffset?: number; readonly highWatermark?: number }

/** The topic, if it has that partition. Never creates one. */
export async function topicToRead(broker: Broker, name: string, partition: number): Promise<TopicView | Failure> {
  const topic = await broker.topic(name)
  if (isFailure(topic) || partition < topic.partitions) return topic
  return noSuchPartition(topic, partition)
}

/**
 * How often the log may move on between a look and a read. Earliest is asked for as 0, which saves a call wherever nothing
 * was deleted yet.
 */
const MAX_MOVES = 5

/** The first read, and where it began. Where there is nothing yet it waits, until the reader is gone (`signal`). */
export async function readFrom(
  place: Place,
  beginning: Beginning,
  waitMs: number,
  signal: AbortSignal,
): Promise<{ readonly from: From; readonly read: ReadResult } | Refused> {
  let offset = await offsetOf(place, beginning)
  if (typeof offset !== 'number') return offset
  for (let moves = 0; ; moves++) {
    const from: From = { ...place, offset }
    const read = await readOrWait(from, waitMs, signal)
    if (!('error' in read)) return { from, read }
    const { error, logStartOffset = -1 } = read
    const hasMoved = error === 'OFFSET_OUT_OF_RANGE' && logStartOffset > offset && !isNamed(beginning)
    if (!hasMoved || moves === MAX_MOVES) return read
    offset = logStartOffset
  }
}

/** An offset that the reader names itself is read or refused; any other is found by the log, which may lose it meanwhile. */
const isNamed = ({ offset }: Beginning): boolean => offset !== undefined && /^\d/.test(offset)

/** What there is at an offset, for a reader of that isolation. */
export async function readAt(
  { broker, topic, partition, maxBytes, maxRecords, atLeastOne = true, isolation }: Place,
  offset: number,
): Promise<Read> {
  const request = { offset, maxBytes, maxRecords, atLeastOne, ...(isolation && { isolation }) }
  const read = await broker.read(topic, partition, request)
  return 'error' in read ? read : withoutAborted(read)
}

/** Where a reader of that isolation comes to an end for now. */
export const endOf = ({ isolation }: Place, { highWatermark, lastStableOffset }: LogBounds): number =>
  isolation === 'read_committed' ? lastStableOffset : highWatermark

async function offsetOf(place: Place, beginning: Beginning): Promise<number | Failure> {
  const { broker, topic, partition, isolation } = place
  const { offset, timestamp } = beginning
  if (timestamp !== undefined) {
    const found = await broker.offsetFor(topic, partition, timestamp, isolation)
    if (isFailure(found)) return found
    return found.offset >= 0 ? found.offset : beforeEnd(place, 0)
  }
  if (offset === undefined || offset === 'earliest') return 0
  if (offset === 'latest') return beforeEnd(place, 0)
  return offset.startsWith('-') ? beforeEnd(place, -Number(offset)) : Number(offset)
}

/** So many offsets before the end, or where the log starts. */
async function beforeEnd(place: Place, back: number): Promise<number | Failure> {
  const bounds = await place.broker.describe(place.topic, place.partition)
  return isFailure(bounds) ? bounds : Math.max(bounds.logStartOffset, endOf(place, bounds) - back)
}

async function readOrWait(from: From, waitMs: number, signal: AbortSignal): Promise<ReadResult | Refused> {
  const { broker, topic, partition, offset, maxBytes, isolation } = from
  const read = await readAt(from, offset)
  if ('error' in read || read.nextOffset > offset || waitMs === 0) return read
  const follower = await broker.follow(topic, partition, { offset, creditBytes: maxBytes, isolation })
  if (isFailure(follower)) return follower
  const patience = new Patience(waitMs, signal)
  const followed = await Promise.race([follower.next(), patience.over])
  patience.end()
  follower.close()
  if (followed === undefined) return read
  if (followed.type === 'error') return followed
  return followed.type === 'data' ? withoutAborted(followed) : readAt(from, offset)
}

/** Over when the time is up, or when whoever waits has gone. */
class Patience {
  readonly over: Promise<undefined>
  readonly #signal: AbortSignal
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #resolve: (value: undefined) => void

  constructor(waitMs: number, signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.over = promise
    this.#resolve = resolve
    this.#signal = signal
    this.#timer = setTimeout(this.end, waitMs)
    signal.addEventListener('abort', this.end)
  }

  readonly end = (): void => {
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.end)
    this.#resolve(undefined)
  }
}
