// Where the latest record of each key stands: what a pass of compaction holds in memory, 20 bytes a slot, hashes and no keys.
// Kafka's SkimpyOffsetMap. Two keys count as one only if their MD5 is the same (key-hash.ts).

import { HASH_WORDS, hashKey } from './key-hash.ts'

/** Keys of one map; together with the slots left free they take 25 MB. More keys take more passes. */
export const MAX_KEYS = 1_000_000
/** Slots in use at most: beyond that, looking for a free one takes long. */
const LOAD = 0.8
const FIRST_SLOTS = 1_024
const GROWTH = 4
/** Offsets are kept from the first on, in 32 bits; 0 is a free slot. */
const MAX_SPAN = 0xffff_fffe

export class OffsetMap {
  readonly #firstOffset: number
  readonly #maxKeys: number
  readonly #hash = new Int32Array(HASH_WORDS)
  #slots: number
  #hashes: Int32Array
  #offsets: Uint32Array
  #size = 0

  constructor(firstOffset: number, maxKeys = MAX_KEYS) {
    this.#firstOffset = firstOffset
    this.#maxKeys = maxKeys
    this.#slots = Math.min(FIRST_SLOTS, slotsFor(maxKeys))
    this.#hashes = new Int32Array(this.#slots * HASH_WORDS)
    this.#offsets = new Uint32Array(this.#slots)
  }

  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return this.#hashes.byteLength + this.#offsets.byteLength
  }

  /** Notes that the key, the bytes from `from` up to `to`, stands at `offset`, later than before. False if the map is full. */
  put(bytes: Uint8Array, from: number, to: number, offset: number): boolean {
    const place = offset - this.#firstOffset
    if (place > MAX_SPAN) return false
    hashKey(bytes, from, to, this.#hash)
    let slot = this.#slotOf(this.#hash, 0)
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.#maxKeys) return false
      if (this.#size >= this.#slots * LOAD) {
        this.#grow()
        slot = this.#slotOf(this.#hash, 0)
      }
      this.#hashes.set(this.#hash, slot * HASH_WORDS)
      this.#size++
    }
    this.#offsets[slot] = place + 1
    return true
  }

  /** The latest offset of the key; -1 if the map does not know it. */
  get(bytes: Uint8Array, from: number, to: number): number {
    hashKey(bytes, from, to, this.#hash)
    const place = this.#offsets[this.#slotOf(this.#hash, 0)]!
    return place === 0 ? -1 : this.#firstOffset + place - 1
  }

  /** The slot that holds the hash standing at `at`, or else the free one where it would go. */
  #slotOf(hash: Int32Array, at: number): number {
    const [a, b, c, d] = [hash[at]!, hash[at + 1]!, hash[at + 2]!, hash[at + 3]!]
    const hashes = this.#hashes
    let slot = (a >>> 0) % this.#slots
    for (; this.#offsets[slot] !== 0; slot = slot + 1 === this.#slots ? 0 : slot + 1) {
      const i = slot * HASH_WORDS
      if (hashes[i] === a && hashes[i + 1] === b && hashes[i + 2] === c && hashes[i + 3] === d) break
    }
    return slot
  }

  #grow(): void {
    const hashes = this.#hashes
    const offsets = this.#offsets
    this.#slots = Math.min(this.#slots * GROWTH, slotsFor(this.#maxKeys))
    this.#hashes = new Int32Array(this.#slots * HASH_WORDS)
    this.#offsets = new Uint32Array(this.#slots)
    for (let old = 0; old < offsets.length; old++) {
      if (offsets[old] === 0) continue
      const slot = this.#slotOf(hashes, old * HASH_WORDS)
      this.#hashes.set(hashes.subarray(old * HASH_WORDS, (old + 1) * HASH_WORDS), slot * HASH_WORDS)
      this.#offsets[slot] = offsets[old]!
    }
  }
}

const slotsFor = (keys: number): number => Math.ceil(keys / LOAD) + 1
