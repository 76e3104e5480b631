// Builders for tests of live consumers: partitions that say what they are told to, and a reader who takes what it wants.

import { BATCH_HEADER_BYTES, parseBatches, stamp } from '../../src/log/batch.ts'
import { encodeBatch } from '../../src/log/records.ts'
import { type ErrorName, type Failure, failure, isFailure } from '../../src/protocol/errors.ts'
import type { Followed } from '../../src/worker/follower.ts'
import { type Following, type LiveFailure, LiveSession, type Place, type Sink } from '../../src/worker/live/session.ts'
import { decodeResume, type ResumeVector } from '../../src/worker/resume.ts'

export const TOPIC_ID = 'AbCdEfGhIjKlMnOpQrStUg'
export const aTopic = { name: 'orders', topicId: TOPIC_ID }

const text = new TextEncoder()

interface Stored {
  readonly bytes: Uint8Array
  readonly nextOffset: number
}

/** A partition: its batches, and who follows it. */
export class TestPartition {
  readonly batches: Stored[] = []
  readonly followers: TestFollowing[] = []
  nextOffset: number
  logStartOffset = 0

  constructor(nextOffset = 0) {
    this.nextOffset = nextOffset
  }

  /** Appends a batch with one record per value; `gap` offsets before it are left out. */
  append(values: readonly string[], options: { control?: boolean; gap?: number; damage?: boolean } = {}): this {
    const baseOffset = this.nextOffset + (options.gap ?? 0)
    const records = values.map(value => ({ timestamp: 1, key: null, value: text.encode(value), headers: [] }))
    const made = parseBatches(encodeBatch(records, options.control ? { control: true } : {}))
    if (isFailure(made)) throw new Error(made.message)
    const { bytes } = stamp(made[0]!, { baseOffset, leaderEpoch: 0 })
    if (options.damage) bytes.fill(0xff, BATCH_HEADER_BYTES)
    this.nextOffset = baseOffset + values.length
    this.batches.push({ bytes, nextOffset: this.nextOffset })
    for (const follower of this.followers) follower.serve()
    return this
  }

  /** Retention: what is before that offset is gone. */
  deleteBefore(offset: number): this {
    this.logStartOffset = offset
    return this
  }

  follow(offset: number, creditBytes: number): TestFollowing {
    const following = new TestFollowing(this, offset, creditBytes)
    this.followers.push(following)
    following.serve()
    return following
  }

  /** The one who follows it last. */
  get follower(): TestFollowing {
    return this.followers.at(-1)!
  }

  fail(error: ErrorName, message: string, logStartOffset: number): void {
    this.follower.tell({ type: 'error', error, message, logStartOffset })
  }
}

/** Sends batches as far as credit goes, by the rules of followers.ts. */
export class TestFollowing implements Following {
  readonly credits: number[] = []
  closed = false
  /** Bytes that may be sent; below 0 more was sent. */
  creditBytes: number
  readonly #partition: TestPartition
  #position: number
  #noticed = -1
  #events: Followed[] = []
  #waiting: ((followed: Followed) => void) | undefined

  constructor(partition: TestPartition, offset: number, creditBytes: number) {
    this.#partition = partition
    this.#position = offset
    this.creditBytes = creditBytes
  }

  tell(followed: Followed): void {
    if (this.#waiting === undefined) this.#events.push(followed)
    else {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting(followed)
    }
  }

  next(): Promise<Followed> {
    const followed = this.#events.shift()
    if (followed !== undefined) return Promise.resolve(followed)
    return new Promise(resolve => {
      this.#waiting = resolve
    })
  }

  credit(bytes: number): void {
    this.credits.push(bytes)
    this.creditBytes += bytes
    this.serve()
  }

  close(): void {
    this.closed = true
  }

  serve(): void {
    if (this.closed) return
    const highWatermark = this.#partition.nextOffset
    const { logStartOffset } = this.#partition
    if (this.#position < logStartOffset)
      return this.tell({ type: 'error', error: 'OFFSET_OUT_OF_RANGE', message: 'gone', logStartOffset })
    const bounds = { logStartOffset, highWatermark, lastStableOffset: highWatermark }
    for (const { bytes, nextOffset } of this.#partition.batches) {
      if (nextOffset <= this.#position) continue
      if (this.creditBytes <= 0) {
        if (this.#noticed !== highWatermark) this.tell({ type: 'end', ...bounds })
        this.#noticed = highWatermark
        return
      }
      this.creditBytes -= bytes.length
      this.tell({ type: 'data', position: this.#position, nextOffset, records: bytes.slice(), ...bounds })
      this.#position = nextOffset
    }
  }
}

/** What a reader got, and a switch for whether it takes more. */
export class TestReader implements Sink {
  ready = true
  /** Each frame: its records' values as `partition:value`, and the next offsets its token holds. */
  readonly frames: { records: string[]; resume: Record<number, number> }[] = []
  /** After each record: the next offsets by partition. */
  readonly resumes: Record<number, number>[] = []
  failed: LiveFailure | undefined
  #records: string[] = []

  record(json: string, resume: ResumeVector): void {
    const { partition, value } = JSON.parse(json) as { partition: number; value: unknown }
    this.#records.push(`${partition}:${String(value)}`)
    this.resumes.push(offsetsOf(resume.token()))
  }

  send(resume: string): void {
    this.frames.push({ records: this.#records, resume: offsetsOf(resume) })
    this.#records = []
  }

  /** The credit left each time that records had to wait. */
  readonly waited: number[] = []

  waits(creditLeft: number): void {
    this.waited.push(creditLeft)
  }

  fail(why: LiveFailure): void {
    this.failed = why
  }

  get records(): string[] {
    return this.frames.flatMap(frame => frame.records)
  }

  get last(): Record<number, number> {
    return this.frames.at(-1)!.resume
  }
}

export const offsetsOf = (token: string, topicId = TOPIC_ID): Record<number, number> =>
  Object.fromEntries(decodeResume(token)!.get(topicId)!)

/** A session over partitions of one topic, each read from the offset given. */
export async function aSession(
  offsets: readonly number[],
  options: { credit?: number; unreachable?: number; mayMove?: boolean; partitions?: TestPartition[] } = {},
): Promise<{ session: LiveSession; reader: TestReader; partitions: TestPartition[] }> {
  const partitions = options.partitions ?? offsets.map(offset => new TestPartition(offset))
  const reader = new TestReader()
  const session = new LiveSession({
    sink: reader,
    format: { format: 'json', keyFormat: 'text' },
    named: false,
    ...(options.credit === undefined ? {} : { credit: options.credit }),
    follow({ partition, offset }: Place, creditBytes: number): Promise<Following | Failure> {
      if (partition === options.unreachable) return Promise.resolve(failure('UNKNOWN_TOPIC_ID'))
      return Promise.resolve((partitions[partition] ??= new TestPartition(offset)).follow(offset, creditBytes))
    },
  })
  const { mayMove = false } = options
  await session.read(offsets.map((offset, partition) => ({ topic: aTopic, partition, offset, mayMove })))
  return { session, reader, partitions }
}

/** Lets everything that is on its way within this thread arrive. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
