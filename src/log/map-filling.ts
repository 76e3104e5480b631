// Fills a pass's map with the keys of the dirty part of a log, in bounded steps. It may end before the part does: the map is
// full, or that was enough for one attempt. What it has not got to is kept, and left to the next pass.

import { isFailure } from '../protocol/errors.ts'
import { isControl, lastOffset, readBatches } from './batch.ts'
import type { CleanableLog } from './cleanable.ts'
import { walk } from './cleaned-batch.ts'
import { abortedAmong } from './cleaning.ts'
import { OffsetMap } from './offset-map.ts'
import { openRecords } from './records.ts'
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

  constructor(store: Store, range: FillingRange) {
    this.#store = store
    this.#range = range
    this.map = new OffsetMap(range.firstDirtyOffset, range.maxKeys)
    this.position = range.firstDirtyOffset
    this.#bytesLeft = range.maxBytes
  }

  /** Reads about `maxBytes` more. True when the map is all it is going to be. */
  step(log: CleanableLog, maxBytes: number): boolean {
    const { upTo } = this.#range
    let left = maxBytes
    for (const segment of log.segments) {
      if (segment.baseOffset >= upTo) break
      if (segment.nextOffset <= this.position) continue
      const held = this.#store.chunkAt(segment, this.position)
      const from = held !== undefined && held.lastOffset >= this.position ? held.baseOffset : this.position
      for (const chunk of this.#store.chunkBytesFrom(segment, from, left)) {
        if (chunk.baseOffset >= upTo) break
        if (!this.#take(chunk)) return true
        left -= chunk.bytes.length
        this.#bytesLeft -= chunk.bytes.length
        if (this.#bytesLeft <= 0) return true
        if (left <= 0) return this.position >= upTo
      }
      this.position = Math.min(segment.nextOffset, upTo)
    }
    this.position = upTo
    return true
  }

  /** False if the map is full. */
  #take(chunk: ChunkBytes): boolean {
    const { firstDirtyOffset, upTo } = this.#range
    const batches = readBatches(chunk.bytes)
    const isAborted = abortedAmong(this.#store, batches)
    for (const batch of batches) {
      if (lastOffset(batch) < firstDirtyOffset || batch.count === 0 || isControl(batch) || isAborted(batch)) continue
      const opened = openRecords(batch)
      // What cannot be read says nothing of any key.
      if (isFailure(opened) || !walk(batch, opened, () => {})) continue
      let fullAt: number | undefined
      walk(batch, opened, ({ bytes, keyAt, keyEnd, offset }) => {
        if (fullAt !== undefined || keyAt < 0 || offset < firstDirtyOffset || offset >= upTo) return
        if (!this.map.put(bytes, keyAt, keyEnd, offset)) fullAt = offset
      })
      if (fullAt !== undefined) {
        this.position = fullAt
        return false
      }
    }
    this.position = Math.min(chunk.lastOffset + 1, upTo)
    return true
  }
}
