// What a reader of committed records gets of what was read: everything but the batches of transactions that were aborted.
// Kafka's clients sort this out by themselves; those of HTTP are spared it.

import { isControl, isTransactional, lastOffset, readBatches } from '../log/batch.ts'
import { joined } from '../protocol/bytes.ts'
import type { Aborted } from '../log/fetch.ts'

/** The same without aborted batches; offsets that fall away are passed over, as `nextOffset` says. */
export function withoutAborted<R extends { readonly records: Uint8Array; readonly aborted?: readonly Aborted[] }>(
  read: R,
): R {
  const { records, aborted = [] } = read
  if (aborted.length === 0) return read
  const waiting = [...aborted]
  const aborting = new Set<number>()
  const kept: Uint8Array[] = []
  for (const batch of readBatches(records)) {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= lastOffset(batch))
      aborting.add(waiting.shift()!.producerId)
    const gone = isTransactional(batch) && aborting.has(batch.producerId)
    // The marker that ends it, after which the producer's next transaction may begin.
    if (gone && isControl(batch)) aborting.delete(batch.producerId)
    if (!gone) kept.push(batch.bytes)
  }
  return { ...read, records: joined(kept) }
}
