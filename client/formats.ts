// How keys and values are written: as JSON, as text, as base64, or as bytes, which go as base64 and are bytes at both ends.

export type Format = 'json' | 'text' | 'base64' | 'bytes'

export interface Formats {
  /** Of values: any JSON value (if nothing is said), a string, or a Uint8Array. */
  readonly format?: Format
  /** Of keys; text if nothing is said. */
  readonly keyFormat?: Format
}

/** The parameters of a URL for these formats. */
export const formatQuery = ({ format = 'json', keyFormat = 'text' }: Formats): string =>
  `format=${onWire(format)}&keyFormat=${onWire(keyFormat)}`

const onWire = (format: Format): string => (format === 'bytes' ? 'base64' : format)

export function toWire(value: unknown, format: Format | undefined): unknown {
  return format === 'bytes' && value instanceof Uint8Array ? toBase64(value) : value
}

export function fromWire(value: unknown, format: Format | undefined): unknown {
  if (format !== 'bytes' || typeof value !== 'string') return value
  return Uint8Array.from(atob(value), char => char.charCodeAt(0))
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

export const toBase64Url = (text: string): string =>
  toBase64(new TextEncoder().encode(text)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')
