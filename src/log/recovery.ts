// What a log knows when it starts, read from what is stored: its segments, producers and transactions.

import { Reader } from '../protocol/bytes.ts'
import { decodeIndex } from './chunk.ts'
import { Producers } from './producers.ts'
import type { Segment } from './segments.ts'
import type { Store } from './store.ts'
import { Transactions } from './transactions.ts'

interface Recovered {
  readonly segments: readonly Segment[]
  readonly producers: Producers
  readonly transactions: Transactions
}

/** What the stored chunks say: all but the newest segment are summed up in their rows, and in the snapshot it began with. */
export function recover(store: Store, nowMs: number): Recovered {
  const segments = store.segments()
  const active = segments.at(-1)
  if (active === undefined) throw new Error('a partition without a segment')
  const snapshot = new Reader(store.producersAt(active))
  const producers = Producers.decode(snapshot)
  const transactions = Transactions.decode(snapshot, active.baseOffset)
  let { nextOffset, maxTimestamp, sizeBytes, chunks } = { ...active, sizeBytes: 0, chunks: 0 }
  for (const chunk of store.chunksFrom(active, active.baseOffset)) {
    for (const batch of decodeIndex(chunk.index, chunk.baseOffset)) {
      sizeBytes += batch.sizeBytes
      producers.replay(batch, nowMs)
      transactions.wrote(batch, nowMs)
    }
    nextOffset = chunk.lastOffset + 1
    maxTimestamp = Math.max(maxTimestamp, chunk.maxTimestamp)
    chunks++
  }
  return {
    segments: segments.with(-1, { ...active, nextOffset, maxTimestamp, sizeBytes, chunks }),
    producers,
    transactions,
  }
}
