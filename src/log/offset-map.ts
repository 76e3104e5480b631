// Where the latest record of each key stands: what a pass of compaction holds in memory, 20 bytes a slot, hashes and no keys.
// Kafka's SkimpyOffsetMap. Two keys count as one only if their MD5 is the same (key-hash.ts).

import { HASH_WORDS, hashKey } from './key-hash.ts'

/** Keys of one map; together with the slots left free they take 25 MB. More keys take more passes. */
export const MAX_KEYS = 1_000_000
/** Slots in use at most: beyond that, looking for a free one takes long. */
const LOAD = 0.8
/** Offsets are kept from the first on, in 32 bits; 0 is a free slot. */
const MAX_SPAN = 0xffff_fffe

export class OffsetMap {
  readonly #firstOffset: number
  readonly #maxKeys: number
  readonly #hash = new Int32Array(HASH_WORDS)
  readonly #slots: number
  readonly #hashes: Int32Array
  readonly #offsets: Uint32Array
  #size = 0

  /** All its memory is taken at once: moving half a million keys to a larger place would hold everybody up. */
  constructor(firstOffset: number, maxKeys = MAX_KEYS) {
    this.#firstOffset = firstOffset
    this.#maxKeys = maxKeys
    this.#slots = Math.ceil(maxKeys / LOAD) + 1
    this.#hashes = new Int32Array(this.#slots * HASH_WORDS)
    this.#offsets = new Uint32Array(this.#slots)
  }

  /** Notes that the key, the bytes from `from` up to `to`, stands at `offset`, later than before. False if the map is full. */
  put(bytes: Uint8Array, from: number, to: number, offset: number): boolean {
    const place = offset - this.#firstOffset
    if (place > MAX_SPAN) return false
    hashKey(bytes, from, to, this.#hash)
    const slot = this.#slotOf()
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.#maxKeys) return false
      this.#hashes.set(this.#hash, slot * HASH_WORDS)
      this.#size++
    }
    this.#offsets[slot] = place + 1
    return true
  }

  /** The latest offset of the key; -1 if the map does not know it. */
  get(bytes: Uint8Array, from: number, to: number): number {
    hashKey(bytes, from, to, this.#hash)
    const place = this.#offsets[this.#slotOf()]!
    return place === 0 ? -1 : this.#firstOffset + place - 1
  }

  /** The slot that holds the hash, or else the free one where it would go. */
  #slotOf(): number {
    const hash = this.#hash
    const [a, b, c, d] = [hash[0]!, hash[1]!, hash[2]!, hash[3]!]
    const hashes = this.#hashes
    let slot = (a >>> 0) % this.#slots
    for (; this.#offsets[slot] !== 0; slot = slot + 1 === this.#slots ? 0 : slot + 1) {
      const i = slot * HASH_WORDS
      if (hashes[i] === a && hashes[i + 1] === b && hashes[i + 2] === c && hashes[i + 3] === d) break
    }
    return slot
  }
}
