// Where reading a partition begins, what is there, and waiting for what is not there yet.

import type { TopicView } from '../cluster/cluster.ts'
import type { ReadResult } from '../log/fetch.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { noSuchPartition } from './producing.ts'

export interface Place {
  readonly broker: Broker
  readonly topic: TopicView
  readonly partition: number
  readonly maxBytes: number
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

/** The first read, and where it began. Where there is nothing yet it waits, until the reader is gone (`signal`). */
export async function readFrom(
  place: Place,
  beginning: Beginning,
  waitMs: number,
  signal: AbortSignal,
): Promise<{ readonly from: From; readonly read: ReadResult } | Refused> {
  const offset = await offsetOf(place, beginning)
  if (typeof offset !== 'number') return offset
  const from = { ...place, offset }
  const read = await readOrWait(from, waitMs, signal)
  if (!('error' in read)) return { from, read }
  // Earliest is asked for as 0: that saves a call wherever nothing was deleted yet.
  if (read.error !== 'OFFSET_OUT_OF_RANGE' || !isEarliest(beginning) || !read.logStartOffset) return read
  return readFrom(place, { offset: String(read.logStartOffset) }, waitMs, signal)
}

const isEarliest = ({ offset, timestamp }: Beginning): boolean =>
  timestamp === undefined && (offset === undefined || offset === 'earliest')

async function offsetOf(place: Place, beginning: Beginning): Promise<number | Failure> {
  const { broker, topic, partition } = place
  const { offset, timestamp } = beginning
  if (timestamp !== undefined) {
    const found = await broker.offsetFor(topic, partition, timestamp)
    if (isFailure(found)) return found
    return found.offset >= 0 ? found.offset : beforeEnd(place, 0)
  }
  if (offset === undefined || offset === 'earliest') return 0
  if (offset === 'latest') return beforeEnd(place, 0)
  return offset.startsWith('-') ? beforeEnd(place, -Number(offset)) : Number(offset)
}

/** So many offsets before the end, or where the log starts. */
async function beforeEnd({ broker, topic, partition }: Place, back: number): Promise<number | Failure> {
  const bounds = await broker.describe(topic, partition)
  return isFailure(bounds) ? bounds : Math.max(bounds.logStartOffset, bounds.highWatermark - back)
}

async function readOrWait(from: From, waitMs: number, signal: AbortSignal): Promise<ReadResult | Refused> {
  const { broker, topic, partition, offset, maxBytes } = from
  const read = await broker.read(topic, partition, { offset, maxBytes })
  if ('error' in read || read.records.length > 0 || waitMs === 0) return read
  const follower = await broker.follow(topic, partition, { offset, creditBytes: maxBytes })
  if (isFailure(follower)) return follower
  const patience = new Patience(waitMs, signal)
  const followed = await Promise.race([follower.next(), patience.over])
  patience.end()
  follower.close()
  if (followed === undefined) return read
  if (followed.type === 'error') return followed
  return followed.type === 'data' ? followed : broker.read(topic, partition, { offset, maxBytes })
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
