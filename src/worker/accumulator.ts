// Records on their way to their partitions: each goes to the lane of its partition, a lane cuts what it gathers into
// batches and appends them in order. Made for one request or stream of one topic; what came of each record is answer.ts.

import type { AppendRequest, AppendResult } from '../log/append.ts'
import type { Codec } from '../log/compression.ts'
import { BATCH_HEADER_BYTES } from '../log/batch.ts'
import { partitionFor } from '../log/partitioner.ts'
import { encodeBatch, type NewRecord } from '../log/records.ts'
import { errors, type Failure, failure } from '../protocol/errors.ts'
import { Answer, type Cut } from './answer.ts'
import type { Draft } from './records-in.ts'

/** Records of one batch, before compression; one row of the partition is about as large. */
const CUT_BYTES = 1_000_000
/** What a record takes in a batch beside its key, value and headers, at most. */
const RECORD_OVERHEAD = 32
/** Bytes cut or on their way, over which the caller has to wait before it adds more. */
const MAX_IN_FLIGHT_BYTES = 8_388_608
/** Batches of one partition on their way at once: enough to keep it busy while the next are cut. */
const MAX_IN_FLIGHT = 3

export interface Topic {
  readonly name: string
  readonly partitions: number
  readonly codec: Codec
  readonly maxMessageBytes: number
}

export interface AccumulatorOptions {
  /** Where records without a key and partition go. */
  readonly sticky: number
  /** Makes each batch recognisable, should it come again. */
  readonly idempotencyKey?: string | undefined
  /** What an answer does not need to know is not kept: acks=0. */
  readonly unanswered?: boolean
}

/** `timestamps` where the records that are stored have others than those sent: they came before. */
export type Append = (partition: number, request: AppendRequest) => Promise<Answered>
type Answered = AppendResult & { readonly timestamps?: readonly number[] }

export class Accumulator {
  readonly answer = new Answer()
  readonly #topic: Topic
  readonly #append: Append
  readonly #options: AccumulatorOptions
  readonly #lanes = new Map<number, Lane>()
  #inFlightBytes = 0
  #waiting: (() => void)[] = []

  constructor(topic: Topic, append: Append, options: AccumulatorOptions) {
    this.#topic = topic
    this.#append = append
    this.#options = options
  }

  add(draft: Draft): void {
    const lane = this.#lane(this.#partitionOf(draft))
    if (!this.#options.unanswered) this.answer.expect(lane)
    lane.add(draft)
  }

  /** Batches that come ready-made; when they are appended, the caller says their timestamps. */
  addBatches(partition: number, records: Uint8Array, count: number): Cut {
    const lane = this.#lane(partition)
    if (!this.#options.unanswered) this.answer.expect(lane, count)
    return lane.addBatches(records, count)
  }

  /** Sends what has gathered: everything, or only where the partition has nothing to do meanwhile. */
  flush(which: 'all' | 'idle' = 'all'): void {
    for (const lane of this.#lanes.values()) if (which === 'all' || lane.idle) lane.flush()
  }

  /** More is on its way than may be: wait for room() before adding more. */
  get full(): boolean {
    return this.#inFlightBytes > MAX_IN_FLIGHT_BYTES
  }

  /** Was anything sent to any partition? */
  get sent(): boolean {
    for (const lane of this.#lanes.values()) if (lane.sent > 0) return true
    return false
  }

  async room(): Promise<void> {
    while (this.full) await this.changed()
  }

  /** Everything that was flushed has been answered. */
  async settled(): Promise<void> {
    while (this.#inFlightBytes > 0) await this.changed()
  }

  /** The next answer has come. */
  changed(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #partitionOf({ partition, key }: Draft): number {
    if (partition >= 0) return partition
    return key === null ? this.#options.sticky : partitionFor(key, this.#topic.partitions)
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition)
    if (lane === undefined) {
      const unknown =
        partition < this.#topic.partitions
          ? undefined
          : failure(
              'UNKNOWN_TOPIC_OR_PARTITION',
              `Topic '${this.#topic.name}' has partitions 0 to ${this.#topic.partitions - 1}, not ${partition}.`,
            )
      lane = new Lane(partition, this.#topic, unknown, {
        append: (request, cut) => this.#send(partition, request, cut),
        moved: bytes => this.#moved(bytes),
        keepsAnswers: !this.#options.unanswered,
      })
      this.#lanes.set(partition, lane)
    }
    return lane
  }

  #send(partition: number, request: AppendRequest, cut: number): Promise<Answered> {
    const { idempotencyKey } = this.#options
    if (idempotencyKey === undefined) return this.#append(partition, request)
    // With the partition count, so that a plan made before the topic grew is never taken for one made after.
    return this.#append(partition, { ...request, idempotencyKey: cutKey(idempotencyKey, this.#topic.partitions, cut) })
  }

  #moved(bytes: number): void {
    this.#inFlightBytes += bytes
    if (bytes > 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** What the n-th batch of a request to one partition is recognised by. */
export const cutKey = (idempotencyKey: string, partitions: number, cut: number): string =>
  `${idempotencyKey}/${partitions}/${cut}`

interface LaneEvents {
  append(request: AppendRequest, cut: number): Promise<Answered>
  moved(bytes: number): void
  readonly keepsAnswers: boolean
}

interface Ready {
  readonly cut: Cut
  readonly sizeBytes: number
  encode(): AppendRequest | Failure
}

/** The records of one partition, in order. */
export class Lane {
  readonly partition: number
  readonly cuts: Cut[] = []
  readonly #topic: Topic
  readonly #events: LaneEvents
  /** After a failure that may pass nothing more is sent: a retry of it would come after what followed. */
  #failed: Failure | undefined
  #gathered: Draft[] = []
  #gatheredBytes = 0
  #ready: Ready[] = []
  #inFlight = 0
  #sent = 0

  constructor(partition: number, topic: Topic, failed: Failure | undefined, events: LaneEvents) {
    this.partition = partition
    this.#topic = topic
    this.#failed = failed
    this.#events = events
  }

  /** Batches whose turn has come. */
  get sent(): number {
    return this.#sent
  }

  get idle(): boolean {
    return this.#inFlight === 0 && this.#ready.length === 0
  }

  add(draft: Draft): void {
    const size = sizeOf(draft)
    // A little less than may be, since what does not compress grows a little.
    const limit = Math.min(CUT_BYTES, Math.floor((this.#topic.maxMessageBytes * 63) / 64)) - BATCH_HEADER_BYTES
    if (this.#gatheredBytes + size > limit && this.#gathered.length > 0) this.flush()
    this.#gathered.push(draft)
    this.#gatheredBytes += size
  }

  addBatches(records: Uint8Array, count: number): Cut {
    return this.#enqueue(count, -1, records.length, () => ({ records }))
  }

  /** Cuts what has gathered into a batch, and sends it when its turn comes. */
  flush(): void {
    const drafts = this.#gathered
    if (drafts.length === 0) return
    this.#gathered = []
    const sizeBytes = this.#gatheredBytes
    this.#gatheredBytes = 0
    const timestamps = timestampsOf(drafts)
    this.#enqueue(drafts.length, timestamps, sizeBytes, () => this.#encode(drafts, timestamps))
  }

  #enqueue(count: number, timestamps: Cut['timestamps'], sizeBytes: number, encode: Ready['encode']): Cut {
    const cut: Cut = { count, timestamps, result: undefined, told: 0 }
    if (this.#events.keepsAnswers) this.cuts.push(cut)
    this.#events.moved(sizeBytes)
    this.#ready.push({ cut, sizeBytes, encode })
    this.#sendNext()
    return cut
  }

  #sendNext(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const next = this.#ready.shift()
      if (next === undefined) return
      const index = this.#sent++
      const request = this.#failed ?? next.encode()
      if ('error' in request) {
        this.#settle(next, request)
        continue
      }
      this.#inFlight++
      this.#events.append(request, index).then(
        result => this.#answered(next, result),
        (error: unknown) => this.#answered(next, failure('UNKNOWN_SERVER_ERROR', String(error))),
      )
    }
  }

  #answered(ready: Ready, result: Answered): void {
    this.#inFlight--
    if (result.timestamps !== undefined) ready.cut.timestamps = result.timestamps
    if ('error' in result && errors[result.error].retriable) this.#failed ??= failure(result.error, result.message)
    this.#settle(ready, result)
    this.#sendNext()
  }

  #settle({ cut, sizeBytes }: Ready, result: AppendResult): void {
    cut.result = result
    this.#events.moved(-sizeBytes)
  }

  #encode(drafts: readonly Draft[], timestamps: Cut['timestamps']): AppendRequest | Failure {
    const { codec, maxMessageBytes } = this.#topic
    // What only a codec could make small enough need not be copied to see that it is not.
    const valueBytes = drafts[0]!.value?.length ?? 0
    if (codec === 'none' && valueBytes > maxMessageBytes) return this.#tooLarge(valueBytes)
    const records = encodeBatch(drafts, { codec })
    if (records.length > maxMessageBytes) return this.#tooLarge(records.length)
    return { records, facts: factsOf(drafts, timestamps) }
  }

  #tooLarge(sizeBytes: number): Failure {
    const { name, maxMessageBytes } = this.#topic
    return failure(
      'MESSAGE_TOO_LARGE',
      `For topic '${name}' ${sizeBytes} bytes are too many: its max.message.bytes is ${maxMessageBytes}.`,
    )
  }
}

/** At least what the record takes in an uncompressed batch that already has others. */
function sizeOf({ key, value, headers }: NewRecord): number {
  let size = RECORD_OVERHEAD + (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  for (const header of headers) size += header.key.length * 3 + (header.value === null ? 0 : header.value.length) + 10
  return size
}

function timestampsOf(drafts: readonly NewRecord[]): Cut['timestamps'] {
  const { timestamp } = drafts[0]!
  return drafts.every(draft => draft.timestamp === timestamp) ? timestamp : drafts.map(draft => draft.timestamp)
}

function factsOf(drafts: readonly NewRecord[], timestamps: Cut['timestamps']): AppendRequest['facts'] & object {
  const withoutKey = drafts.findIndex(({ key }) => key === null)
  const minTimestamp = typeof timestamps === 'number' ? timestamps : timestamps.reduce((a, b) => Math.min(a, b))
  return { recordWithoutKey: withoutKey < 0 ? null : withoutKey, minTimestamp }
}
