// What a pass of compaction leaves of each batch, and of the markers that end transactions. Kafka's Cleaner.cleanInto and
// CleanedTransactionMetadata: which batches stay though nothing in them does, and which records the map outdates.

import { isFailure } from '../protocol/errors.ts'
import { type Batch, codecOf, isControl, isTransactional, lastOffset, readBatches } from './batch.ts'
import { cleaned, dated, deleteHorizonMs, emptied, type Place } from './cleaned-batch.ts'
import type { OffsetMap } from './offset-map.ts'
import type { Producers } from './producers.ts'
import { openRecords } from './records.ts'
import type { ChunkBytes, Store } from './store.ts'

/** What a batch is opened to at most: it stands in memory twice, beside the map. Larger ones stay, and outdate nothing. */
const MAX_CLEANED_BYTES = 33_554_432
/** A record takes as long to look at as so many bytes take to copy, about 1 µs; a step counts both. */
const RECORD_COST_BYTES = 1_000
/** Read from the store at a time. */
export const READ_BYTES = 1_048_576

export interface CleaningPass {
  readonly map: OffsetMap
  /** The map knows the records up to here; all later ones stay. */
  readonly endOffset: number
  /** The batch that ends here stays, so that no reader waits in a gap at the end of what is cleaned. */
  readonly upTo: number
  readonly producers: Producers
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

/** One step of a pass: takes chunks, in order, until it has read enough. */
export class Cleaning {
  /** What is left of the batches taken. */
  readonly remaining: Batch[] = []
  /** Producers of whose transaction, not ended yet at the position, something was found: its marker is needed. */
  readonly found: Set<number>
  /** Everything before was taken. */
  position: number
  /** As `costOf` counts them; one batch may go beyond. */
  bytesLeft: number
  readonly #store: Store
  readonly #pass: CleaningPass

  constructor(store: Store, pass: CleaningPass, position: number, found: readonly number[], maxBytes: number) {
    this.#store = store
    this.#pass = pass
    this.position = position
    this.found = new Set(found)
    this.bytesLeft = maxBytes
  }

  /** The batches of a chunk from the position on, as many as may be read. */
  take(chunk: ChunkBytes): void {
    const batches = readBatches(chunk.bytes)
    const isAborted = abortedAmong(this.#store, batches)
    for (const batch of batches) {
      if (lastOffset(batch) < this.position) continue
      if (this.bytesLeft <= 0) return
      this.bytesLeft -= costOf(batch)
      const left = this.#left(batch, isAborted(batch))
      if (left !== undefined) this.remaining.push(left)
      this.position = lastOffset(batch) + 1
    }
  }

  #left(batch: Batch, isAborted: boolean): Batch | undefined {
    if (batch.baseOffset >= this.#pass.endOffset) return batch
    if (isControl(batch)) return this.#leftOfMarker(batch)
    if (isTransactional(batch)) this.found.add(batch.producerId)
    const left = isAborted || batch.count === 0 ? 'empty' : this.#records(batch)
    if (left !== 'empty') return left
    return this.#staysEmpty(batch) ? emptied(batch) : undefined
  }

  #records(batch: Batch): Batch | 'empty' {
    const { map, endOffset, nowMs, deleteRetentionMs } = this.#pass
    const opened = openToClean(batch)
    if (opened === undefined) return batch
    this.bytesLeft -= costOfOpening(batch, opened)
    const horizonMs = deleteHorizonMs(batch)
    const tombstonesMayGo = horizonMs !== undefined && horizonMs <= nowMs
    const stays = ({ bytes, keyAt, keyEnd, offset, isTombstone }: Place): boolean => {
      if (offset >= endOffset) return true
      if (keyAt < 0 || (isTombstone && tombstonesMayGo)) return false
      return offset >= map.get(bytes, keyAt, keyEnd)
    }
    return cleaned(batch, opened, stays, nowMs + deleteRetentionMs)
  }

  /** A marker goes once nothing of its transaction was found, and delete.retention.ms after that was first seen. */
  #leftOfMarker(batch: Batch): Batch | undefined {
    const { upTo, nowMs, deleteRetentionMs } = this.#pass
    if (this.found.delete(batch.producerId)) return batch
    const horizonMs = deleteHorizonMs(batch)
    if (horizonMs === undefined) return dated(batch, nowMs + deleteRetentionMs)
    return horizonMs > nowMs || lastOffset(batch) + 1 === upTo ? batch : undefined
  }

  /** A producer's last batch carries its sequence numbers, the last of all the end of what was cleaned. */
  #staysEmpty(batch: Batch): boolean {
    const { upTo, producers } = this.#pass
    const last = lastOffset(batch)
    return last + 1 === upTo || (batch.producerId >= 0 && producers.lastOffsetOf(batch.producerId) === last)
  }
}

/** Bytes that reading a batch counts as, its records included. */
export const costOf = ({ bytes, count }: Batch): number => bytes.length + count * RECORD_COST_BYTES

/** What comes to that where they have to be decompressed. */
export const costOfOpening = (batch: Batch, opened: Uint8Array): number =>
  codecOf(batch) === 'none' ? 0 : opened.length

/** The records of a batch; undefined where they cannot be read, or are too many to be cleaned. */
export function openToClean(batch: Batch): Uint8Array | undefined {
  const opened = openRecords(batch, MAX_CLEANED_BYTES)
  return isFailure(opened) ? undefined : opened
}

/** Tells of each of these batches, which follow one another, whether its transaction was aborted: it counts for nothing then. */
export function abortedAmong(store: Store, batches: readonly Batch[]): (batch: Batch) => boolean {
  const transactional = batches.filter(batch => isTransactional(batch) && !isControl(batch))
  const last = transactional.at(-1)
  if (last === undefined) return () => false
  const aborted = new Set<Batch>()
  for (const { producerId, firstOffset, lastOffset: end, lastStableOffset } of store.abortedFrom(
    batches[0]!.baseOffset,
  )) {
    for (const batch of transactional)
      if (batch.producerId === producerId && batch.baseOffset >= firstOffset && batch.baseOffset < end)
        aborted.add(batch)
    // What ended where the log was stable beyond these cannot reach back to them, nor can what ended later.
    if (lastStableOffset > lastOffset(last)) break
  }
  return batch => aborted.has(batch)
}
