// Reads the fields of the records in an opened batch, one after the other and in place; records.ts says in which order.

import type { Header } from './records.ts'

/** Keeps a leading byte order mark, and reads broken UTF-8 as U+FFFD: both as Java does. */
const untext = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
/** In how many places of a record a header's name is remembered for the next record. */
const REMEMBERED_NAMES = 16

/** Reads records in place. What is wrong is said in `wrong` and looked at once a record; no read leaves the bytes. */
export class RecordCursor {
  readonly #bytes: Uint8Array
  at = 0
  wrong = ''
  #end = 0
  readonly #names: { readonly bytes: Uint8Array; readonly text: string }[] = []

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  startRecord(): void {
    this.#end = this.#bytes.length
    const length = this.varint()
    if (length < 0 || length > this.#end - this.at) this.wrong ||= `a length of ${length}`
    else this.#end = this.at + length
    this.at++ // attributes: none is defined
  }

  endRecord(): void {
    if (this.at !== this.#end) this.wrong ||= 'a record is not as long as it says'
  }

  skipRecord(): void {
    if (this.at > this.#end) this.wrong ||= 'a record is not as long as it says'
    this.at = this.#end
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    this.wrong ||= 'a number is cut off'
    return 0
  }

  varlong(): number {
    let byte = this.#bytes[this.at++] ?? 0
    const isNegative = (byte & 1) !== 0
    let value = (byte >> 1) & 0x3f
    for (let unit = 0x40; byte >= 0x80 && unit <= Number.MAX_SAFE_INTEGER; unit *= 0x80) {
      byte = this.#bytes[this.at++] ?? 0xff
      value += (byte & 0x7f) * unit
    }
    if (byte >= 0x80 || value > Number.MAX_SAFE_INTEGER) this.wrong ||= 'a timestamp is out of range'
    return isNegative ? -value - 1 : value
  }

  nullableBytes(): Uint8Array | null {
    const length = this.varint()
    if (length < 0) return null
    const bytes = this.#bytes
    if (length > this.#end - this.at) {
      this.wrong ||= `a field of ${length} bytes is longer than its record`
      return null
    }
    const value = new Uint8Array(bytes.buffer, bytes.byteOffset + this.at, length)
    this.at += length
    return value
  }

  headerCount(): number {
    const count = this.varint()
    if (count >= 0 && count <= this.#end - this.at) return count
    this.wrong ||= `${count} headers`
    return 0
  }

  headers(count: number): readonly Header[] {
    const headers: Header[] = []
    for (let i = 0; i < count; i++) {
      const key = this.#headerName(i)
      const value = this.nullableBytes()
      if (this.wrong) break
      headers.push({ key, value })
    }
    return headers
  }

  /** Records mostly have the same headers in the same places: a name is compared with the last one before it is decoded. */
  #headerName(place: number): string {
    const bytes = this.nullableBytes()
    if (bytes === null) {
      this.wrong ||= 'a header without a key'
      return ''
    }
    const last = this.#names[place]
    if (last && isSame(last.bytes, bytes)) return last.text
    const text = untext.decode(bytes)
    if (place < REMEMBERED_NAMES) this.#names[place] = { bytes, text }
    return text
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
