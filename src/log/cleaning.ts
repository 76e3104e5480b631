// What a pass of compaction leaves of each batch. Kafka's Cleaner.cleanInto: which batches stay though nothing in them does,
// and which records the map outdates.

import { type Batch, isControl, isTransactional, lastOffset, readBatches } from './batch.ts'
import { cleaned, deleteHorizonMs, emptied, type Place } from './cleaned-batch.ts'
import type { OffsetMap } from './offset-map.ts'
import type { Producers } from './producers.ts'
import type { Store } from './store.ts'

export interface Cleaning {
  readonly map: OffsetMap
  /** The map knows the records up to here; all later ones stay. */
  readonly endOffset: number
  /** The batch that ends here stays, so that no reader waits in a gap at the end of what is cleaned. */
  readonly upTo: number
  readonly producers: Producers
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

/** The batches that remain of some that follow one another. */
export function clean(store: Store, bytes: Uint8Array, cleaning: Cleaning): Batch[] {
  const batches = readBatches(bytes)
  const isAborted = abortedAmong(store, batches)
  const remaining: Batch[] = []
  for (const batch of batches) {
    const left = remains(batch, isAborted(batch), cleaning)
    if (left !== 'empty') remaining.push(left)
    else if (staysEmpty(batch, cleaning)) remaining.push(emptied(batch))
  }
  return remaining
}

function remains(batch: Batch, isAborted: boolean, cleaning: Cleaning): Batch | 'empty' {
  // Kafka lets a marker go when nothing of its transaction is left and delete.retention.ms has passed; here markers stay.
  if (batch.baseOffset >= cleaning.endOffset || isControl(batch)) return batch
  if (isAborted) return 'empty'
  const horizonMs = deleteHorizonMs(batch)
  const tombstonesMayGo = horizonMs !== undefined && horizonMs <= cleaning.nowMs
  const stays = (place: Place): boolean => {
    const { bytes, keyAt, keyEnd, offset } = place
    if (offset >= cleaning.endOffset) return true
    if (keyAt < 0 || (place.isTombstone && tombstonesMayGo)) return false
    return offset >= cleaning.map.get(bytes, keyAt, keyEnd)
  }
  return cleaned(batch, stays, cleaning.nowMs + cleaning.deleteRetentionMs)
}

/** A producer's last batch carries its sequence numbers, the last of all the end of what was cleaned. */
function staysEmpty(batch: Batch, { upTo, producers }: Cleaning): boolean {
  const last = lastOffset(batch)
  return last + 1 === upTo || (batch.producerId >= 0 && producers.lastOffsetOf(batch.producerId) === last)
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
