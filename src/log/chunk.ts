// A chunk: the consecutive batches stored as one row, and the small index kept beside them, which tells everything
// about the batches that seeking, slicing and rebuilding need, so that the bytes stay unread.

import { Reader, Writer } from '../protocol/bytes.ts'
import { type Batch, isTransactional, lastOffset } from './batch.ts'

/** Batches gather into a chunk up to this size; one larger batch makes a chunk of its own. */
export const MAX_CHUNK_BYTES = 1_048_576
/** Offsets that compaction may have taken between two batches of a chunk, as the index writes them down. */
const MAX_GAP = 0x7fff_ffff

/** One batch as the index knows it. */
export interface IndexedBatch {
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  /** Where it begins in the chunk's bytes. */
  readonly position: number
  readonly sizeBytes: number
  readonly maxTimestamp: number
  readonly attributes: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** The number of its transaction; -1 if it is in none, or if compaction wrote it anew. */
  readonly transaction: number
}

export interface Chunk {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly batches: readonly Batch[]
  readonly sizeBytes: number
}

/** Cuts batches, in order, into chunks of at most about MAX_CHUNK_BYTES. */
export function toChunks(batches: readonly Batch[]): Chunk[] {
  const chunks: Chunk[] = []
  let from = 0
  let sizeBytes = 0
  for (let i = 0; i <= batches.length; i++) {
    const next = batches[i]
    if (next !== undefined && (i === from || fits(next, batches[i - 1]!, sizeBytes))) {
      sizeBytes += next.bytes.length
      continue
    }
    if (i > from) chunks.push(chunkOf(batches.slice(from, i), sizeBytes))
    from = i
    sizeBytes = next?.bytes.length ?? 0
  }
  return chunks
}

const fits = (next: Batch, before: Batch, sizeBytes: number): boolean =>
  sizeBytes + next.bytes.length <= MAX_CHUNK_BYTES && next.baseOffset - lastOffset(before) <= MAX_GAP

function chunkOf(batches: Batch[], sizeBytes: number): Chunk {
  return {
    baseOffset: batches[0]!.baseOffset,
    lastOffset: lastOffset(batches.at(-1)!),
    maxTimestamp: batches.reduce((max, batch) => Math.max(max, batch.maxTimestamp), -1),
    batches,
    sizeBytes,
  }
}

/**
 * Per batch: offset gap to the one before, offsets, size, timestamp, attributes; then, for a producer's, id, epoch, sequence;
 * and of those in a transaction its number.
 */
export function encodeIndex(batches: readonly Batch[]): Uint8Array {
  const w = new Writer(8 + batches.length * 32)
  let expected = batches[0]?.baseOffset ?? 0
  for (const batch of batches) {
    w.uvarint(batch.baseOffset - expected)
    w.uvarint(batch.lastOffsetDelta)
    w.uvarint(batch.bytes.length)
    w.int64(batch.maxTimestamp)
    w.uvarint(batch.attributes * 2 + (batch.producerId >= 0 ? 1 : 0))
    if (batch.producerId >= 0) {
      w.int64(batch.producerId)
      w.int16(batch.producerEpoch)
      w.int32(batch.baseSequence)
      if (isTransactional(batch)) w.int64(batch.transaction ?? -1)
    }
    expected = lastOffset(batch) + 1
  }
  return w.done()
}

export function decodeIndex(bytes: Uint8Array, chunkBaseOffset: number): IndexedBatch[] {
  const r = new Reader(bytes)
  const batches: IndexedBatch[] = []
  let expected = chunkBaseOffset
  let position = 0
  while (r.remaining > 0) {
    const baseOffset = expected + r.uvarint()
    const lastOffsetDelta = r.uvarint()
    const sizeBytes = r.uvarint()
    const maxTimestamp = r.int64()
    const flags = r.uvarint()
    const byProducer = (flags & 1) === 1
    const attributes = flags >>> 1
    batches.push({
      baseOffset,
      lastOffsetDelta,
      position,
      sizeBytes,
      maxTimestamp,
      attributes,
      producerId: byProducer ? r.int64() : -1,
      producerEpoch: byProducer ? r.int16() : -1,
      baseSequence: byProducer ? r.int32() : -1,
      transaction: byProducer && isTransactional({ attributes }) ? r.int64() : -1,
    })
    expected = baseOffset + lastOffsetDelta + 1
    position += sizeBytes
  }
  return batches
}
