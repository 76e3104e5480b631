// JSON text written straight into bytes: what is stored as UTF-8 goes out without ever becoming a string.

import { base64Size, writeBase64 } from './formats.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const FIRST_BYTES = 4096
const HEX = '0123456789abcdef'

/** The letter after the backslash, for the control characters that have one. */
const shortEscapes: Record<number, string> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' }

export class JsonWriter {
  #bytes: Uint8Array
  #size = 0

  constructor(sizeBytes = FIRST_BYTES) {
    this.#bytes = new Uint8Array(sizeBytes)
  }

  get size(): number {
    return this.#size
  }

  /** Everything written so far, and starts again empty. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#size) as Uint8Array<ArrayBuffer>
    this.#size = 0
    return taken
  }

  /** JSON syntax, which is ASCII. */
  ascii(text: string): this {
    const { length } = text
    this.#reserve(length)
    const bytes = this.#bytes
    let at = this.#size
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
    this.#size = at
    return this
  }

  integer(value: number): this {
    return this.ascii(String(value))
  }

  /** JSON text as it stands. */
  raw(text: Uint8Array): this {
    this.#reserve(text.length)
    this.#bytes.set(text, this.#size)
    this.#size += text.length
    return this
  }

  /** UTF-8 bytes as a string. */
  text(utf8: Uint8Array): this {
    const { length } = utf8
    this.#reserve(length * 6 + 2)
    const bytes = this.#bytes
    let at = this.#size
    bytes[at++] = QUOTE
    for (let i = 0; i < length; i++) {
      const byte = utf8[i]!
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) bytes[at++] = byte
      else at = escape(byte, bytes, at)
    }
    bytes[at++] = QUOTE
    this.#size = at
    return this
  }

  /** A value of JavaScript. */
  value(value: unknown): this {
    return this.raw(encoder.encode(JSON.stringify(value)))
  }

  base64(value: Uint8Array): this {
    this.#reserve(base64Size(value.length) + 2)
    const bytes = this.#bytes
    bytes[this.#size] = QUOTE
    const end = writeBase64(value, bytes, this.#size + 1)
    bytes[end] = QUOTE
    this.#size = end + 1
    return this
  }

  #reserve(more: number): void {
    const needed = this.#size + more
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}

const encoder = new TextEncoder()

function escape(byte: number, bytes: Uint8Array, at: number): number {
  bytes[at++] = BACKSLASH
  if (byte === QUOTE || byte === BACKSLASH) {
    bytes[at++] = byte
    return at
  }
  const short = shortEscapes[byte]
  const rest = short ?? `u00${HEX[byte >>> 4]}${HEX[byte & 15]}`
  for (let i = 0; i < rest.length; i++) bytes[at++] = rest.charCodeAt(i)
  return at
}
