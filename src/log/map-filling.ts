// Fills a pass's map with the keys of the dirty part of a log, in bounded steps. It may end before the part does: the map is
// full, or that was enough for one attempt. What it has not got to is kept, and left to the next pass.

import { type Batch, isControl, lastOffset, readBatches } from './batch.ts'
import type { CleanableLog } from './cleanable.ts'
import { walk } from './cleaned-batch.ts'
import { abortedAmong, costOf, costOfOpening, openToClean, READ_BYTES } from './cleaning.ts'
import { MAX_KEYS, OffsetMap } from './offset-map.ts'
import type { ChunkBytes, Store } from './store.ts'

export interface FillingRange {
  readonly firstDirtyOffset: number
  /** The map takes records from the first dirty one up to here. */
  readonly upTo: number
  /** Bytes it is filled from at most, at least one chunk. */
  readonly maxBytes: number
  /** Keys it takes at most. */
  readonly maxKeys: number | undefined
}

export class MapFilling {
  readonly map: OffsetMap
  /** The map knows every record from the first dirty one up to here. */
  position: number
  readonly #store: Store
  readonly #range: FillingRange
  #bytesLeft: number
  #stepLeft = 0

  constructor(store: Store, range: FillingRange) {
    this.#store = store
    this.#range = range
    const { firstDirtyOffset, upTo, maxKeys = MAX_KEYS } = range
    // There are no more keys than records.
    this.map = new OffsetMap(firstDirtyOffset, Math.min(maxKeys, upTo - firstDirtyOffset))
    this.position = range.firstDirtyOffset
    this.#bytesLeft = range.maxBytes
  }

  /** Reads about `maxBytes` more, as `costOf` counts them. True when the map is all it is going to be. */
  step(log: CleanableLog, maxBytes: number): boolean {
    const { upTo } = this.#range
    this.#stepLeft = maxBytes
    for (const segment of log.segments) {
      if (segment.baseOffset >= upTo) break
      if (segment.nextOffset <= this.position) continue
      const from = this.#store.chunkStart(segment, this.position)
      for (const chunk of this.#store.chunkBytesFrom(segment, from, READ_BYTES)) {
        if (chunk.baseOffset >= upTo) break
        if (!this.#take(chunk) || this.#bytesLeft <= 0) return true
        if (this.#stepLeft <= 0) return this.position >= upTo
      }
      this.position = Math.min(segment.nextOffset, upTo)
    }
    this.position = upTo
    return true
  }

  /** The batches of a chunk from the position on, as many as the step may read. False if the map is full. */
  #take(chunk: ChunkBytes): boolean {
    const { upTo } = this.#range
    const batches = readBatches(chunk.bytes)
    const isAborted = abortedAmong(this.#store, batches)
    for (const batch of batches) {
      if (lastOffset(batch) < this.position) continue
      if (this.#stepLeft <= 0 || this.#bytesLeft <= 0) return true
      this.#stepLeft -= costOf(batch)
      this.#bytesLeft -= batch.bytes.length
      const fullAt = batch.count === 0 || isControl(batch) || isAborted(batch) ? undefined : this.#put(batch)
      this.position = fullAt ?? Math.min(lastOffset(batch) + 1, upTo)
      if (fullAt !== undefined) return false
    }
    return true
  }

  /** The offset that the map has no room for, if there is one. What cannot be read says nothing of any key. */
  #put(batch: Batch): number | undefined {
    const { firstDirtyOffset, upTo } = this.#range
    const opened = openToClean(batch)
    if (opened === undefined) return undefined
    this.#stepLeft -= costOfOpening(batch, opened)
    if (!walk(batch, opened, () => {})) return undefined
    let fullAt: number | undefined
    walk(batch, opened, ({ bytes, keyAt, keyEnd, offset }) => {
      if (fullAt !== undefined || keyAt < 0 || offset < firstDirtyOffset || offset >= upTo) return
      if (!this.map.put(bytes, keyAt, keyEnd, offset)) fullAt = offset
    })
    return fullAt
  }
}
