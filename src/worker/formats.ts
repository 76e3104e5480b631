// How keys and values look in JSON: any JSON value, text, or base64; and base64 itself, from bytes to bytes.

import type { Failure } from '../protocol/errors.ts'

export const formats = ['json', 'text', 'base64'] as const
export type Format = (typeof formats)[number]

export interface RecordFormat {
  readonly format: Format
  readonly keyFormat: Format
}

/** What a request may ask for where the schema registry has its say, too: JSON of what a schema made bytes of. */
export const askedFormats = [...formats, 'schema'] as const
export type AskedFormat = (typeof askedFormats)[number]

/** Reads what schemas wrote. */
export interface ContentReader {
  /** Learns the schemas of these batches. */
  learn(records: Uint8Array): Promise<Failure | undefined>
  /** The content as JSON; undefined where no schema that was learned wrote it. */
  jsonOf(content: Uint8Array): string | undefined
}

/** How records are written out. */
export interface ReadFormat {
  readonly format: AskedFormat
  readonly keyFormat: AskedFormat
  readonly schemas?: ContentReader
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = 0x3d

const letterOf = new TextEncoder().encode(LETTERS)
const valueOf = new Uint8Array(256).fill(0xff)
for (let value = 0; value < 64; value++) valueOf[letterOf[value]!] = value
// The URL-safe alphabet reads the same.
valueOf[0x2d] = 62
valueOf[0x5f] = 63

/** Strict but for the alphabet (both) and the padding (may be missing); null where it is not base64. */
export function fromBase64(text: Uint8Array): Uint8Array | null {
  let end = text.length
  if (end % 4 === 0 && end > 0 && text[end - 1] === PAD) end -= text[end - 2] === PAD ? 2 : 1
  if (end % 4 === 1) return null
  const out = new Uint8Array(Math.floor((end * 3) / 4))
  let size = 0
  let bits = 0
  let held = 0
  for (let at = 0; at < end; at++) {
    const value = valueOf[text[at]!]!
    if (value === 0xff) return null
    held = (held << 6) | value
    bits += 6
    if (bits >= 8) {
      bits -= 8
      out[size++] = held >>> bits
      held &= (1 << bits) - 1
    }
  }
  return held === 0 ? out : null
}

export const base64Size = (size: number): number => Math.ceil(size / 3) * 4

/** Writes base64 with padding into `out` at `at`, and says where it ends. */
export function writeBase64(bytes: Uint8Array, out: Uint8Array, at: number): number {
  const whole = bytes.length - (bytes.length % 3)
  let i = 0
  for (; i < whole; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    out[at++] = letterOf[bits >>> 18]!
    out[at++] = letterOf[(bits >>> 12) & 63]!
    out[at++] = letterOf[(bits >>> 6) & 63]!
    out[at++] = letterOf[bits & 63]!
  }
  const rest = bytes.length - whole
  if (rest === 0) return at
  const bits = (bytes[i]! << 16) | (rest === 2 ? bytes[i + 1]! << 8 : 0)
  out[at++] = letterOf[bits >>> 18]!
  out[at++] = letterOf[(bits >>> 12) & 63]!
  out[at++] = rest === 2 ? letterOf[(bits >>> 6) & 63]! : PAD
  out[at++] = PAD
  return at
}
