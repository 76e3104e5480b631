// Idempotence: what each producer last wrote here, so that a repeated batch is recognised and a gap refused.
// Kafka's ProducerStateManager and ProducerAppendInfo, for KIP-98 and KIP-360.

import { Reader, Writer } from '../protocol/bytes.ts'
import { failure, type Failure } from '../protocol/errors.ts'
import type { Batch } from './batch.ts'
import { lastOffset, lastSequence } from './batch.ts'

/** Batches remembered per producer: a client keeps at most five requests in flight. */
const REMEMBERED_BATCHES = 5
/** Producers remembered per partition; the one idle longest gives way. Keeps a snapshot within a row. */
const MAX_PRODUCERS = 10_000
/** `producer.id.expiration.ms` where nobody says otherwise. */
const PRODUCER_ID_EXPIRATION_MS = 86_400_000

const MAX_SEQUENCE = 0x7fff_ffff

/** One remembered batch: where it went and which sequence numbers it carried. */
interface Written {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestamp: number
}

/** What of a batch concerns its producer; a header and an index entry both say it. */
export type ByProducer = Pick<
  Batch,
  'baseOffset' | 'lastOffsetDelta' | 'maxTimestamp' | 'producerId' | 'producerEpoch' | 'baseSequence'
>

interface Producer {
  readonly epoch: number
  readonly written: readonly Written[]
  readonly lastSeenMs: number
}

/** What DescribeProducers tells of a producer. */
export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  /** -1 if no transaction of it has ended here. */
  readonly coordinatorEpoch: number
  /** -1 if it is in no transaction. */
  readonly currentTxnStartOffset: number
}

/** What a batch is to the producers' state: new, seen before (where it stands), or refused. */
export type Sequenced = { readonly kind: 'next' } | { readonly kind: 'duplicate'; readonly written: Written } | Failure

const NEXT: Sequenced = { kind: 'next' }

export class Producers {
  // In order of last use: the first is the one idle longest.
  readonly #producers = new Map<number, Producer>()

  get size(): number {
    return this.#producers.size
  }

  /** May `batch` be written next? INVALID_PRODUCER_EPOCH for a fenced producer, OUT_OF_ORDER_SEQUENCE_NUMBER for a gap. */
  judge(batch: ByProducer): Sequenced {
    if (batch.producerId < 0) return NEXT
    const producer = this.#producers.get(batch.producerId)
    // Nothing known (all its records may have been deleted by retention): any sequence may start.
    if (producer === undefined) return NEXT
    if (batch.producerEpoch < producer.epoch) {
      return failure(
        'INVALID_PRODUCER_EPOCH',
        `Epoch of producer ${batch.producerId} is ${batch.producerEpoch}, which is smaller than the last seen epoch ${producer.epoch}`,
      )
    }
    if (batch.producerEpoch > producer.epoch) {
      if (batch.baseSequence === 0) return NEXT
      return failure(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for new epoch of producer ${batch.producerId}: ${batch.producerEpoch} (request epoch), ${batch.baseSequence} (seq. number), ${producer.epoch} (current producer epoch)`,
      )
    }
    const last = lastSequence(batch)
    const written = producer.written.find(w => w.baseSequence === batch.baseSequence && w.lastSequence === last)
    if (written !== undefined) return { kind: 'duplicate', written }
    // -1: a marker has begun this epoch, whose first batch may still be on its way while later ones arrive.
    const current = producer.written.at(-1)?.lastSequence ?? -1
    if (batch.baseSequence === current + 1 || (batch.baseSequence === 0 && current === MAX_SEQUENCE)) return NEXT
    return failure(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number for producer ${batch.producerId}: ${batch.baseSequence} (incoming seq. number), ${current} (current end sequence number)`,
    )
  }

  /** Remembers a batch found in the log at start; the snapshot it is read on top of may know it already. */
  replay(batch: ByProducer, nowMs: number): void {
    const known = this.#producers.get(batch.producerId)
    const knownTo = known?.written.at(-1)?.lastOffset ?? -1
    if (known !== undefined && (known.epoch > batch.producerEpoch || knownTo >= lastOffset(batch))) return
    this.wrote(batch, nowMs)
  }

  /** Remembers a batch that was accepted. */
  wrote(batch: ByProducer, nowMs: number): void {
    if (batch.producerId < 0) return
    const before = this.#producers.get(batch.producerId)
    const kept = before !== undefined && before.epoch === batch.producerEpoch ? before.written : []
    const written = {
      baseSequence: batch.baseSequence,
      lastSequence: lastSequence(batch),
      baseOffset: batch.baseOffset,
      lastOffset: lastOffset(batch),
      timestamp: batch.maxTimestamp,
    }
    this.#keep(batch.producerId, {
      epoch: batch.producerEpoch,
      written: batch.baseSequence < 0 ? kept : [...kept.slice(1 - REMEMBERED_BATCHES), written],
      lastSeenMs: nowMs,
    })
  }

  /** Where the last batch of this producer ends; -1 if it is not known, or wrote none in its epoch. */
  lastOffsetOf(producerId: number): number {
    return this.#producers.get(producerId)?.written.at(-1)?.lastOffset ?? -1
  }

  /** Forgets producers idle for longer than Kafka keeps them, but for those that are in a transaction. */
  expire(nowMs: number, isInTransaction: (producerId: number) => boolean, keptMs = PRODUCER_ID_EXPIRATION_MS): void {
    for (const [producerId, producer] of this.#producers) {
      if (nowMs - producer.lastSeenMs < keptMs) return
      if (!isInTransaction(producerId)) this.#producers.delete(producerId)
    }
  }

  /** A copy to try the batches of one append on, each after the ones before it. */
  fork(): Producers {
    const copy = new Producers()
    for (const [producerId, producer] of this.#producers) copy.#producers.set(producerId, producer)
    return copy
  }

  active(): Omit<ActiveProducer, 'coordinatorEpoch' | 'currentTxnStartOffset'>[] {
    return Array.from(this.#producers, ([producerId, producer]) => ({
      producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.written.at(-1)?.lastSequence ?? -1,
      lastTimestamp: producer.written.at(-1)?.timestamp ?? -1,
    }))
  }

  /** The snapshot taken at a roll: version, count, then per producer id, epoch, last use and its batches. */
  encode(): Uint8Array {
    const w = new Writer(16 + this.#producers.size * 64)
    w.int8(1)
    w.uvarint(this.#producers.size)
    for (const [producerId, producer] of this.#producers) {
      w.int64(producerId)
      w.int16(producer.epoch)
      w.int64(producer.lastSeenMs)
      w.int8(producer.written.length)
      for (const written of producer.written) {
        w.int32(written.baseSequence)
        w.int32(written.lastSequence)
        w.int64(written.baseOffset)
        w.uvarint(written.lastOffset - written.baseOffset)
        w.int64(written.timestamp)
      }
    }
    return w.done()
  }

  /** Leaves the reader behind the producers. */
  static decode(r: Reader): Producers {
    const producers = new Producers()
    if (r.remaining === 0) return producers
    if (r.int8() !== 1) throw new RangeError('unknown version of a producer snapshot')
    for (let n = r.uvarint(); n > 0; n--) {
      const producerId = r.int64()
      const epoch = r.int16()
      const lastSeenMs = r.int64()
      const written: Written[] = []
      for (let m = r.int8(); m > 0; m--) {
        const baseSequence = r.int32()
        const lastSequence = r.int32()
        const baseOffset = r.int64()
        const lastOffset = baseOffset + r.uvarint()
        written.push({ baseSequence, lastSequence, baseOffset, lastOffset, timestamp: r.int64() })
      }
      producers.#producers.set(producerId, { epoch, written, lastSeenMs })
    }
    return producers
  }

  #keep(producerId: number, producer: Producer): void {
    this.#producers.delete(producerId)
    this.#producers.set(producerId, producer)
    if (this.#producers.size <= MAX_PRODUCERS) return
    const idlest = this.#producers.keys().next().value
    if (idlest !== undefined) this.#producers.delete(idlest)
  }
}
