// The records of one request or stream for one partition: cut into batches as they gather, and appended in order.

import type { AppendRequest, AppendResult } from '../log/append.ts'
import { BATCH_HEADER_BYTES } from '../log/batch.ts'
import { type BatchOptions, encodeBatch, type NewRecord } from '../log/records.ts'
import { errors, type Failure, failure } from '../protocol/errors.ts'
import type { Cut } from './answer.ts'
import type { Compression } from './compression.ts'
import type { Draft } from './records-in.ts'

/** Records of one batch, before compression; one row of the partition is about as large. */
const CUT_BYTES = 1_000_000
/** What a record takes in a batch beside its key, value and headers, at most. */
const RECORD_OVERHEAD = 32
/** Batches of one partition on their way at once: enough to keep it busy while the next are cut. */
const MAX_IN_FLIGHT = 3

/** A producer whose batches are told apart by their sequences, in a transaction. */
export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface Topic {
  readonly name: string
  readonly partitions: number
  readonly compression: Compression
  readonly maxMessageBytes: number
}

/** `timestamps` where the records that are stored have others than those sent: they came before. */
export type Answered = AppendResult & { readonly timestamps?: readonly number[] }

interface LaneEvents {
  append(request: AppendRequest, cut: number): Promise<Answered>
  moved(bytes: number): void
  readonly keepsAnswers: boolean
  readonly producer?: TransactionalProducer | undefined
}

interface Ready {
  readonly cut: Cut
  readonly sizeBytes: number
  encode(): AppendRequest | Failure
}

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
  #sequence = 0

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

  /** Are there records that wait for more, to be one batch with them? */
  get gathers(): boolean {
    return this.#gathered.length > 0
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
    const { compression, maxMessageBytes } = this.#topic
    // What only a codec could make small enough need not be copied to see that it is not.
    const valueBytes = drafts[0]!.value?.length ?? 0
    if (compression.codec === 'none' && valueBytes > maxMessageBytes) return this.#tooLarge(valueBytes)
    const records = encodeBatch(drafts, { ...compression, ...this.#sequenced(drafts.length) })
    if (records.length > maxMessageBytes) return this.#tooLarge(records.length)
    return { records, facts: factsOf(drafts, timestamps) }
  }

  /** The first batch of a transaction begins the sequences of its epoch. */
  #sequenced(count: number): BatchOptions {
    const { producer } = this.#events
    if (producer === undefined) return {}
    const baseSequence = this.#sequence
    this.#sequence += count
    return { ...producer, baseSequence, transactional: true }
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
