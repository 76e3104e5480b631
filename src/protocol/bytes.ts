// Kafka's primitive types over one flat buffer: Reader takes them off, Writer puts them on. Every read is checked against
// the end of the bytes and fails with a RangeError, never with someone else's bytes. Nothing here knows a message.

const encoder = new TextEncoder()
/** Keeps a leading byte order mark, and reads broken UTF-8 as U+FFFD: both as Java does. */
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

const TWO_32 = 0x1_0000_0000
/** Up to this many bytes, a loop over ASCII beats a call into the text codecs. */
const SHORT_TEXT = 24
/** Elements in all the arrays of one message together. */
const MAX_ELEMENTS = 1_000_000
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The two letters of every 12 bits. */
const PAIRS = Array.from({ length: 4096 }, (_, bits) => BASE64URL[bits >>> 6]! + BASE64URL[bits & 63]!)

/** The absent topic id. Ids are read and written in the form Kafka prints them: URL-safe base64, 22 characters. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Position of the next read, from the start of the bytes given. */
  at: number
  /** Array elements that may still be read: an element is one byte at least here, but some hundred bytes in memory. */
  elements = MAX_ELEMENTS

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  get remaining(): number {
    return this.#bytes.length - this.at
  }

  int8(): number {
    const value = this.#view.getInt8(this.at)
    this.at += 1
    return value
  }

  uint8(): number {
    const value = this.#view.getUint8(this.at)
    this.at += 1
    return value
  }

  int16(): number {
    const value = this.#view.getInt16(this.at)
    this.at += 2
    return value
  }

  uint16(): number {
    const value = this.#view.getUint16(this.at)
    this.at += 2
    return value
  }

  int32(): number {
    const value = this.#view.getInt32(this.at)
    this.at += 4
    return value
  }

  uint32(): number {
    const value = this.#view.getUint32(this.at)
    this.at += 4
    return value
  }

  /** Exact within 2^53, as every offset, timestamp and producer id is here; beyond it a RangeError. `slice(8)` takes any. */
  int64(): number {
    const value = this.#view.getInt32(this.at) * TWO_32 + this.#view.getUint32(this.at + 4)
    if (!Number.isSafeInteger(value)) throw new RangeError(`int64 beyond 2^53 at ${this.at}`)
    this.at += 8
    return value
  }

  /** What clients say of offsets and times: Long.MAX_VALUE and its like read as the nearest number that is exact. */
  int64Clamped(): number {
    const value = this.#view.getInt32(this.at) * TWO_32 + this.#view.getUint32(this.at + 4)
    this.at += 8
    return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  }

  float64(): number {
    const value = this.#view.getFloat64(this.at)
    this.at += 8
    return value
  }

  uvarint(): number {
    const bytes = this.#bytes
    let at = this.at
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= bytes.length) throw new RangeError(`varint cut off at ${at}`)
      const byte = bytes[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return value >>> 0
      }
    }
    throw new RangeError(`varint longer than 5 bytes at ${this.at}`)
  }

  /** Zigzag: 0, -1, 1, -2, … */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag of an int64; beyond 2^53 a RangeError. */
  varlong(): number {
    const bytes = this.#bytes
    let at = this.at
    if (at >= bytes.length) throw new RangeError(`varlong cut off at ${at}`)
    let byte = bytes[at++]!
    const negative = (byte & 1) === 1
    // What zigzag says without its sign bit, so that all of 53 bits stay exact.
    let magnitude = (byte & 0x7f) >>> 1
    for (let scale = 64; byte >= 0x80; scale *= 128) {
      if (at >= bytes.length) throw new RangeError(`varlong cut off at ${at}`)
      if (at - this.at >= 10) throw new RangeError(`varlong longer than 10 bytes at ${this.at}`)
      byte = bytes[at++]!
      magnitude += (byte & 0x7f) * scale
    }
    const value = negative ? -magnitude - 1 : magnitude
    if (!Number.isSafeInteger(value)) throw new RangeError(`varlong beyond 2^53 at ${this.at}`)
    this.at = at
    return value
  }

  /** A view, not a copy: it lives as long as the bytes read from. */
  slice(length: number): Uint8Array {
    const end = this.at + length
    if (!(length >= 0 && end <= this.#bytes.length)) {
      throw new RangeError(`${length} bytes wanted at ${this.at}, ${this.remaining} there`)
    }
    const view = this.#bytes.subarray(this.at, end)
    this.at = end
    return view
  }

  skip(length: number): void {
    if (!(length >= 0 && length <= this.remaining)) {
      throw new RangeError(`${length} bytes wanted at ${this.at}, ${this.remaining} there`)
    }
    this.at += length
  }

  /** UTF-8 of so many bytes. */
  string(length: number): string {
    if (length > SHORT_TEXT || !(length >= 0 && length <= this.remaining)) return decoder.decode(this.slice(length))
    const bytes = this.#bytes
    const end = this.at + length
    let text = ''
    let at = this.at
    for (; at + 4 <= end; at += 4) {
      const a = bytes[at]!
      const b = bytes[at + 1]!
      const c = bytes[at + 2]!
      const d = bytes[at + 3]!
      if ((a | b | c | d) > 0x7f) return decoder.decode(this.slice(length))
      text += String.fromCharCode(a, b, c, d)
    }
    for (; at < end; at++) {
      if (bytes[at]! > 0x7f) return decoder.decode(this.slice(length))
      text += String.fromCharCode(bytes[at]!)
    }
    this.at = end
    return text
  }

  uuid(): string {
    const bytes = this.slice(16)
    let text = ''
    for (let i = 0; i < 15; i += 3) {
      const middle = bytes[i + 1]!
      text += PAIRS[(bytes[i]! << 4) | (middle >>> 4)]! + PAIRS[((middle & 15) << 8) | bytes[i + 2]!]!
    }
    return text + PAIRS[bytes[15]! << 4]!
  }
}

/** From this size on a copy costs more than a piece of its own. */
const MIN_APART_BYTES = 65_536

export class Writer {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  /** Large bytes in their places, which are never copied in here. */
  readonly #apart: { readonly at: number; readonly value: Uint8Array }[] = []
  /** Bytes written so far, without those that stay apart. */
  at = 0
  apartBytes = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Takes the next `length` bytes and returns where they start, to be patched later; until then they hold anything. */
  reserve(length: number): number {
    const at = this.at
    const end = at + length
    if (end > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      bigger.set(this.#bytes.subarray(0, at))
      this.#bytes = bigger
      this.#view = new DataView(bigger.buffer)
    }
    this.at = end
    return at
  }

  int8(value: number): void {
    const at = this.reserve(1)
    this.#bytes[at] = value
  }

  int16(value: number): void {
    const at = this.reserve(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    const at = this.reserve(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    this.int32(value)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an int64 within 2^53`)
    const at = this.reserve(8)
    this.#view.setInt32(at, Math.floor(value / TWO_32))
    this.#view.setUint32(at + 4, value >>> 0)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.#view.setFloat64(at, value)
  }

  uvarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.int8((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.int8(rest)
  }

  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  varlong(value: number): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) return this.varint(value)
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an int64 within 2^53`)
    let rest = value < 0 ? -value - 1 : value
    this.int8(((rest % 64) << 1) | (value < 0 ? 1 : 0) | 0x80)
    for (rest = Math.floor(rest / 64); rest > 0x7f; rest = Math.floor(rest / 128)) this.int8((rest % 128) | 0x80)
    this.int8(rest)
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.#bytes.set(value, at)
  }

  /** As `bytes`, except that large ones stay where they are: `parts` has them as they were given. */
  apart(value: Uint8Array): void {
    if (value.length < MIN_APART_BYTES) return this.bytes(value)
    this.#apart.push({ at: this.at, value })
    this.apartBytes += value.length
  }

  /** UTF-8 without a length before it; `utf8Length` tells how many bytes it takes. */
  string(value: string): void {
    const { length } = value
    if (length <= SHORT_TEXT) {
      const at = this.reserve(length)
      let i = 0
      for (let code = 0; i < length && (code = value.charCodeAt(i)) < 0x80; i++) this.#bytes[at + i] = code
      if (i === length) return
      this.at = at
    }
    const at = this.reserve(length * 3)
    this.at = at + encoder.encodeInto(value, this.#bytes.subarray(at)).written
  }

  uuid(value: string): void {
    if (value.length !== ZERO_UUID.length) throw new TypeError(`'${value}' is not a topic id`)
    const start = this.reserve(16)
    let bits = 0
    let held = 0
    let at = start
    for (const letter of value) {
      const six = BASE64URL.indexOf(letter)
      if (six < 0) throw new TypeError(`'${value}' is not a topic id`)
      bits = (bits << 6) | six
      held += 6
      if (held >= 8 && at < this.at) this.#bytes[at++] = bits >>> (held -= 8)
    }
  }

  /** Puts an int32 where `reserve(4)` left room for it. */
  patchInt32(at: number, value: number): void {
    if (at + 4 > this.at) throw new RangeError(`nothing reserved at ${at}`)
    this.#view.setInt32(at, value)
  }

  /** What was written, as a view that the next write may move away from; `slice()` it for an RPC, which sends whole buffers. */
  done(): Uint8Array<ArrayBuffer> {
    if (this.#apart.length === 0) return this.#bytes.subarray(0, this.at)
    return joined(this.parts()) as Uint8Array<ArrayBuffer>
  }

  /** What was written, in pieces, without copying any. */
  parts(): Uint8Array[] {
    const parts: Uint8Array[] = []
    let from = 0
    for (const { at, value } of this.#apart) {
      if (at > from) parts.push(this.#bytes.subarray(from, at))
      parts.push(value)
      from = at
    }
    if (from < this.at) parts.push(this.#bytes.subarray(from, this.at))
    return parts
  }
}

/** The parts as one array that is nobody else's view. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0]
  if (parts.length === 1 && only !== undefined && only.byteLength === only.buffer.byteLength) return only
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Bytes of a string in UTF-8; a lone surrogate counts as the U+FFFD it is written as. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    if (code < 0x800) length += 1
    else {
      length += 2
      const next = code >= 0xd800 && code < 0xdc00 ? text.charCodeAt(i + 1) : 0
      if (next >= 0xdc00 && next < 0xe000) i++ // a pair: two units, four bytes
    }
  }
  return length
}
