// What a reader may see of a log and how much of it: whole batches, at least one, nothing that is not durable.
// Kafka's UnifiedLog.read and LogSegment.read.

import { failure, type Failure } from '../protocol/errors.ts'
import { lastOffset } from './batch.ts'
import { decodeIndex, type IndexedBatch } from './chunk.ts'
import { joined } from '../protocol/bytes.ts'
import type { Segment } from './segments.ts'
import type { ChunkRow, Store } from './store.ts'

export interface ReadRequest {
  readonly offset: number
  /** Bytes wanted at most; the first batch is returned however large it is. */
  readonly maxBytes: number
  /** Records wanted at most, as far as offsets tell: whole batches, and fewer records where offsets are missing. */
  readonly maxRecords?: number | undefined
  /** False: not even the first batch if it is too large. */
  readonly atLeastOne?: boolean
  readonly isolation?: 'read_uncommitted' | 'read_committed'
}

/** How far a log reaches, as every reader is told. */
export interface LogBounds {
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
}

export interface ReadResult extends LogBounds {
  /** Whole stored batches; the first may begin before the offset asked for. Nobody else's view. */
  readonly records: Uint8Array
  /** One past the last batch returned; the offset asked for if there was none. */
  readonly nextOffset: number
  /** For read_committed: the aborted transactions that reach into these offsets, by first offset. */
  readonly aborted?: readonly Aborted[]
}

/** Records of this producer from this offset up to its next marker are of a transaction that was aborted. */
export interface Aborted {
  readonly producerId: number
  readonly firstOffset: number
}

export type Read = ReadResult | (Failure & LogBounds)

/** The batches from `offset` on, below `upTo`. */
export function read(store: Store, segments: readonly Segment[], bounds: LogBounds, request: ReadRequest): Read {
  const { offset, maxRecords = Number.POSITIVE_INFINITY } = request
  if (offset < bounds.logStartOffset || offset > bounds.highWatermark)
    return {
      ...failure(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${offset} is out of range: the log holds ${bounds.logStartOffset} up to, not including, ${bounds.highWatermark}.`,
      ),
      ...bounds,
    }
  const upTo = request.isolation === 'read_committed' ? bounds.lastStableOffset : bounds.highWatermark
  const enough = offset + maxRecords
  let reading = readingOf(store, segments, request, Math.min(upTo, enough))
  // Compaction may have left nothing of so many offsets.
  if (reading.parts.length === 0 && enough < upTo) reading = readingOf(store, segments, request, upTo)
  const { nextOffset } = reading
  const found = { records: joined(reading.parts), nextOffset, ...bounds }
  return request.isolation === 'read_committed' ? { ...found, aborted: abortedIn(store, offset, nextOffset) } : found
}

function readingOf(
  store: Store,
  segments: readonly Segment[],
  { offset, maxBytes, atLeastOne = true }: ReadRequest,
  upTo: number,
): Reading {
  const reading = new Reading(store, offset, upTo, maxBytes, atLeastOne)
  for (let i = segmentAt(segments, offset); i < segments.length && !reading.full; i++) reading.take(segments[i]!)
  return reading
}

/** Kafka's TransactionIndex.collectAbortedTxns: what ended where the log was stable beyond the end cannot reach back. */
function abortedIn(store: Store, from: number, to: number): Aborted[] {
  const found: Aborted[] = []
  if (from === to) return found
  for (const { producerId, firstOffset, lastStableOffset } of store.abortedFrom(from)) {
    if (firstOffset < to) found.push({ producerId, firstOffset })
    if (lastStableOffset >= to) break
  }
  return found.sort((a, b) => a.firstOffset - b.firstOffset)
}

/** The index of the segment an offset lies in: the last one that does not begin after it. */
export function segmentAt(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (segments[middle]!.baseOffset <= offset) low = middle
    else high = middle - 1
  }
  return Math.max(low, 0)
}

class Reading {
  readonly parts: Uint8Array[] = []
  nextOffset: number
  full = false
  readonly #store: Store
  readonly #upTo: number
  readonly #maxBytes: number
  #left: number
  readonly #atLeastOne: boolean

  constructor(store: Store, offset: number, upTo: number, maxBytes: number, atLeastOne: boolean) {
    this.#atLeastOne = atLeastOne
    this.full = maxBytes <= 0 && !atLeastOne
    this.#store = store
    this.nextOffset = offset
    this.#upTo = upTo
    this.#maxBytes = maxBytes
    this.#left = maxBytes
  }

  take(segment: Segment): void {
    if (segment.baseOffset >= this.#upTo) {
      this.full = true
      return
    }
    const first = this.#store.chunkAt(segment, this.nextOffset)
    if (first !== undefined && first.lastOffset >= this.nextOffset) this.#takeFrom(segment, first)
    if (this.full) return
    for (const chunk of this.#store.chunkBytesFrom(segment, this.nextOffset, this.#left, this.#upTo)) {
      if (chunk.baseOffset >= this.#upTo) this.full = true
      else if (chunk.bytes.length <= this.#left && chunk.lastOffset < this.#upTo)
        this.#add(chunk.bytes, chunk.lastOffset)
      else this.#slice(decodeIndex(chunk.index, chunk.baseOffset), (at, size) => chunk.bytes.subarray(at, at + size))
      // A chunk cut in two is read twice, so half of what may come is enough then.
      if (chunk.beyond !== undefined && chunk.beyond > this.#left && this.#left <= this.#maxBytes / 2) this.full = true
      if (this.full) return
    }
  }

  /** The first chunk, if the reader enters it in its middle or gets a part of it: only the bytes it gets are read. */
  #takeFrom(segment: Segment, chunk: ChunkRow): void {
    const batches = decodeIndex(chunk.index, chunk.baseOffset)
    const { position, sizeBytes } = batches.at(-1)!
    const isWhole = position + sizeBytes <= this.#left && chunk.lastOffset < this.#upTo
    if (chunk.baseOffset === this.nextOffset && isWhole) return
    this.#slice(batches, (at, size) => this.#store.slice(segment, chunk.baseOffset, at, size))
  }

  #slice(batches: readonly IndexedBatch[], bytesAt: (position: number, sizeBytes: number) => Uint8Array): void {
    let position = -1
    let size = 0
    let next = this.nextOffset
    for (const batch of batches) {
      if (lastOffset(batch) < this.nextOffset) continue
      const first = this.#atLeastOne && this.parts.length === 0 && size === 0
      if (batch.baseOffset >= this.#upTo || (size + batch.sizeBytes > this.#left && !first)) {
        this.full = true
        break
      }
      if (position < 0) position = batch.position
      size += batch.sizeBytes
      next = lastOffset(batch) + 1
    }
    if (size > 0) this.#add(bytesAt(position, size), next - 1)
  }

  #add(bytes: Uint8Array, last: number): void {
    this.parts.push(bytes)
    this.#left -= bytes.length
    this.nextOffset = last + 1
    if (this.#left <= 0) this.full = true
  }
}

/** The batch to open for the first record of `timestamp` or later; undefined if the log holds none. */
export function batchByTime(
  store: Store,
  segments: readonly Segment[],
  bounds: { readonly start: number; readonly end: number },
  timestamp: number,
): Uint8Array | undefined {
  for (const segment of segments) {
    if (segment.maxTimestamp < timestamp || segment.nextOffset <= bounds.start) continue
    const chunk = store.chunkByTime(segment, timestamp, bounds.start)
    if (chunk === undefined || chunk.baseOffset >= bounds.end) continue
    const batch = decodeIndex(chunk.index, chunk.baseOffset).find(
      candidate =>
        candidate.maxTimestamp >= timestamp &&
        lastOffset(candidate) >= bounds.start &&
        candidate.baseOffset < bounds.end,
    )
    if (batch !== undefined) return joined([store.slice(segment, chunk.baseOffset, batch.position, batch.sizeBytes)])
  }
  return undefined
}
