// Records on their way to their partitions: each goes to the lane of its partition (lane.ts), which appends them in order.
// Made for one request or stream of one topic; what came of each record is answer.ts.

import type { AppendRequest } from '../log/append.ts'
import { partitionFor } from '../log/partitioner.ts'
import { failure } from '../protocol/errors.ts'
import { Answer, type Cut } from './answer.ts'
import { type Answered, Lane, type Topic, type TransactionalProducer } from './lane.ts'
import type { Draft } from './records-in.ts'

/** Bytes cut or on their way, over which the caller has to wait before it adds more. */
const MAX_IN_FLIGHT_BYTES = 8_388_608
export interface AccumulatorOptions {
  /** Where records without a key and partition go. */
  readonly sticky: number
  /** Makes each batch recognisable, should it come again. */
  readonly idempotencyKey?: string | undefined
  /** What an answer does not need to know is not kept: acks=0. */
  readonly unanswered?: boolean
  /** All of it is one transaction of this producer. */
  readonly producer?: TransactionalProducer
}

export type Append = (partition: number, request: AppendRequest) => Promise<Answered>

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

  /** Some records were not flushed yet. */
  get gathers(): boolean {
    for (const lane of this.#lanes.values()) if (lane.gathers) return true
    return false
  }

  /** By partition: its batches in order, and what came of them, as far as that was not taken from the answer. */
  get lanes(): ReadonlyMap<number, { readonly cuts: readonly Cut[] }> {
    return this.#lanes
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
        producer: this.#options.producer,
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
