// Which transactions are open in one partition, from which offset on, and which has ended last for each producer. Every
// transaction has a number, its start in the coordinator's time: a late batch or marker is known by it, and neither opens nor
// ends what is not its own. Kafka's ProducerStateManager; sequences are producers.ts, the aborted ones are kept by the store.

import { Reader, Writer } from '../protocol/bytes.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import { type Batch, isControl, isTransactional, lastOffset } from './batch.ts'
import { type BatchOptions, encodeBatch } from './records.ts'

/** Transactions open at once in one partition; also how many producers' last ends are remembered, the oldest giving way. */
const MAX_TRANSACTIONS = 10_000
/** How long the end of a producer's last transaction is remembered after it: as long as the producer itself. */
const ENDED_KEPT_MS = 86_400_000

/** How the coordinator ended a transaction. */
export interface TransactionEnd {
  readonly producerId: number
  /** At least the epoch that wrote; larger where the end fences it. */
  readonly producerEpoch: number
  /** Undefined: whichever is open (WriteTxnMarkers, by hand). */
  readonly transaction?: number
  readonly committed: boolean
}

/** An aborted transaction, as read_committed readers need to know it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of its marker. */
  readonly lastOffset: number
  /** How far the log was stable when it had ended. */
  readonly lastStableOffset: number
}

/** What of a batch concerns transactions; a header and an index entry both say it. */
export type InTransaction = Pick<
  Batch,
  'baseOffset' | 'lastOffsetDelta' | 'attributes' | 'producerId' | 'producerEpoch' | 'transaction'
>

interface Open {
  readonly number: number
  readonly firstOffset: number
}

interface Last {
  readonly epoch: number
  /** The number of the last transaction that has ended; -1: none in this epoch. */
  readonly ended: number
  readonly lastSeenMs: number
}

export class Transactions {
  /** In order of their first offsets. */
  readonly #open = new Map<number, Open>()
  /** In order of last use. */
  readonly #last = new Map<number, Last>()
  /** Ended, but the marker is not durable yet. */
  #settling: { readonly firstOffset: number; readonly markerOffset: number }[] = []

  /** May a batch be written that claims to belong to transaction `number`, or, without the claim, to none? */
  judge(batch: InTransaction, number: number | undefined): Failure | undefined {
    const { producerId, producerEpoch } = batch
    const open = this.#open.get(producerId)
    if (!isTransactional(batch))
      return open === undefined
        ? undefined
        : failure('INVALID_TXN_STATE', `Producer ${producerId} is in a transaction.`)
    const last = this.#last.get(producerId)
    const hasEnded = number !== undefined && last?.epoch === producerEpoch && number <= last.ended
    if (number === undefined || producerId < 0 || hasEnded || (open !== undefined && number < open.number))
      return failure('INVALID_TXN_STATE', 'The partition is not part of an ongoing transaction of this producer.')
    if (open === undefined && this.#open.size >= MAX_TRANSACTIONS)
      return failure('REQUEST_TIMED_OUT', `More than ${MAX_TRANSACTIONS} transactions are open in this partition.`)
    return undefined
  }

  /** Must a marker be written? 'ended': it stands already, or something newer does. */
  judgeEnd({ producerId, producerEpoch, transaction }: TransactionEnd): Failure | 'ended' | undefined {
    const last = this.#last.get(producerId)
    if (last === undefined || producerEpoch > last.epoch) return undefined
    if (transaction !== undefined && (producerEpoch < last.epoch || transaction <= last.ended)) return 'ended'
    if (producerEpoch === last.epoch) return undefined
    return failure(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${last.epoch}`,
    )
  }

  /** A batch was accepted or found in the log: it may open a transaction, or, as a marker, end one. Returns what it ended. */
  wrote(batch: InTransaction, nowMs: number): Pick<AbortedTransaction, 'producerId' | 'firstOffset'> | undefined {
    if (!isTransactional(batch)) return undefined
    const { producerId, producerEpoch, transaction = -1 } = batch
    const open = this.#open.get(producerId)
    const last = this.#last.get(producerId)
    const endedBefore = last?.epoch === producerEpoch ? last.ended : -1
    if (!isControl(batch)) {
      if (open === undefined) this.#open.set(producerId, { number: transaction, firstOffset: batch.baseOffset })
      this.#remember(producerId, { epoch: producerEpoch, ended: endedBefore, lastSeenMs: nowMs })
      return undefined
    }
    const ended = Math.max(transaction >= 0 ? transaction : (open?.number ?? -1), endedBefore)
    this.#remember(producerId, { epoch: producerEpoch, ended, lastSeenMs: nowMs })
    if (open === undefined) return undefined
    this.#open.delete(producerId)
    this.#settling.push({ firstOffset: open.firstOffset, markerOffset: lastOffset(batch) })
    return { producerId, firstOffset: open.firstOffset }
  }

  /** Everything below is durable: what ended there has ended for readers, too. */
  settled(highWatermark: number): void {
    if (this.#settling.length > 0)
      this.#settling = this.#settling.filter(({ markerOffset }) => markerOffset >= highWatermark)
  }

  /** The first offset of any transaction that is open for readers; undefined if none is. */
  get firstUnstableOffset(): number | undefined {
    let first = this.firstOpenOffset
    for (const { firstOffset } of this.#settling) first = Math.min(first ?? firstOffset, firstOffset)
    return first
  }

  /** The first offset of any transaction without a marker. */
  get firstOpenOffset(): number | undefined {
    for (const { firstOffset } of this.#open.values()) return firstOffset
    return undefined
  }

  isOpen(producerId: number): boolean {
    return this.#open.has(producerId)
  }

  /** Where the producer's open transaction begins; -1 if none is open. */
  startOf(producerId: number): number {
    return this.#open.get(producerId)?.firstOffset ?? -1
  }

  /** Has a transaction of this producer ended here? */
  hasEnded(producerId: number): boolean {
    return (this.#last.get(producerId)?.ended ?? -1) >= 0
  }

  expire(nowMs: number): void {
    for (const [producerId, { lastSeenMs }] of this.#last)
      if (nowMs - lastSeenMs >= ENDED_KEPT_MS && !this.#open.has(producerId)) this.#last.delete(producerId)
  }

  /** Follows the producers in a segment's snapshot: version, the open ones, then the last ends. */
  encode(): Uint8Array {
    const w = new Writer(16 + this.#open.size * 24 + this.#last.size * 26)
    w.int8(1)
    w.uvarint(this.#open.size)
    for (const [producerId, { number, firstOffset }] of this.#open) {
      w.int64(producerId)
      w.int64(number)
      w.int64(firstOffset)
    }
    w.uvarint(this.#last.size)
    for (const [producerId, { epoch, ended, lastSeenMs }] of this.#last) {
      w.int64(producerId)
      w.int16(epoch)
      w.int64(ended)
      w.int64(lastSeenMs)
    }
    return w.done()
  }

  /**
   * As it was below an offset: what a snapshot knows beyond is in the log again, and read from there. One from before there
   * were transactions ends where the producers do.
   */
  static decode(r: Reader, below: number): Transactions {
    const transactions = new Transactions()
    if (r.remaining === 0) return transactions
    if (r.int8() !== 1) throw new RangeError('unknown version of a transaction snapshot')
    for (let n = r.uvarint(); n > 0; n--) {
      const producerId = r.int64()
      const open = { number: r.int64(), firstOffset: r.int64() }
      if (open.firstOffset < below) transactions.#open.set(producerId, open)
    }
    for (let n = r.uvarint(); n > 0; n--)
      transactions.#last.set(r.int64(), { epoch: r.int16(), ended: r.int64(), lastSeenMs: r.int64() })
    return transactions
  }

  #remember(producerId: number, last: Last): void {
    this.#last.delete(producerId)
    this.#last.set(producerId, last)
    if (this.#last.size <= MAX_TRANSACTIONS) return
    for (const known of this.#last.keys()) {
      if (this.#open.has(known)) continue
      this.#last.delete(known)
      return
    }
  }
}

/** Kafka's EndTransactionMarker: key (version, type), value (version, epoch of the coordinator, which never changes here). */
export function encodeMarker(end: TransactionEnd, timestamp: number): Uint8Array {
  const { producerId, producerEpoch, committed } = end
  const key = new Uint8Array([0, 0, 0, committed ? 1 : 0])
  const value = new Uint8Array([0, 0, 0, 0, 0, 0])
  const options: BatchOptions = { producerId, producerEpoch, transactional: true, control: true }
  return encodeBatch([{ timestamp, key, value, headers: [] }], options)
}
