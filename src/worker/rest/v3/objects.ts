// Concatenated JSON: a stream of bytes as the JSON objects in it, wherever its chunks are cut, with a bound on what one may
// hold. Only where objects end is looked at; what is in them is for whoever reads them.

import { Held } from '../../held.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** What comes is no object, or too large a one: the stream cannot be read on. */
export class NoObject extends Error {}

export class Objects {
  /** The beginning of an object that goes on in the next chunk. */
  readonly #held: Held
  #depth = 0
  #inString = false
  #escaped = false

  constructor(maxBytes: number) {
    this.#held = new Held(maxBytes, () => new NoObject(`A record may have ${maxBytes} bytes.`))
  }

  /** The objects that this chunk completes, in order. Throws NoObject where it stops being any. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0
    // A byte each: what is looked at is kept in locals.
    let depth = this.#depth
    let at = this.#inString ? this.#passString(chunk, 0) : 0
    while (at < chunk.length) {
      const byte = chunk[at]!
      if (depth === 0) {
        if (byte === OPEN_OBJECT) {
          start = at
          depth = 1
        } else if (!isSpace(byte)) throw new NoObject('Unexpected text: records are JSON objects, one after the other.')
      } else if (byte === QUOTE) {
        at = this.#passString(chunk, at + 1)
        continue
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) {
        yield this.#whole(chunk.subarray(start, at + 1))
        start = at + 1
      }
      at++
    }
    this.#depth = depth
    if (depth > 0) this.#held.hold(chunk.subarray(start))
  }

  /** From inside a string to behind it, or to the end of the chunk; then the next chunk begins inside. */
  #passString(chunk: Uint8Array, from: number): number {
    let at = from
    if (this.#escaped && at < chunk.length) {
      this.#escaped = false
      at++
    }
    this.#inString = true
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte === QUOTE) {
        this.#inString = false
        return at + 1
      }
      if (byte === BACKSLASH && ++at === chunk.length) this.#escaped = true
    }
    return chunk.length
  }

  /** The stream has ended: NoObject is thrown where an object has not. */
  finish(): void {
    if (this.#depth > 0) throw new NoObject('Unexpected end of text: an object is not closed.')
  }

  #whole(last: Uint8Array): Uint8Array {
    if (this.#held.isEmpty) return last
    this.#held.hold(last)
    return this.#held.take()
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
