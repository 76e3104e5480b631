// What a body that cannot be read answers: which record, which member, where in the text.

import { isUtf8 } from 'node:buffer'
import { JsonError, JsonReader, placeOf } from './json.ts'

/** Why a body is refused as a whole. */
export interface Malformed {
  /** A sentence without its full stop; detailOf() says where, too. */
  readonly malformed: string
  /** There is too much of it, rather than something wrong with it. */
  readonly tooMany?: true
  /** The record at fault, counted from 0, and its member, as in `records[17].partition`. */
  readonly record?: number
  readonly field?: string
  /** In characters: position from 0, line and column from 1. */
  readonly position?: number
  readonly line?: number
  readonly column?: number
}

export function detailOf({ malformed, line, column }: Malformed): string {
  if (line === undefined) return `${malformed}.`
  return `${malformed} (line ${line}${column === undefined ? '' : `, column ${column}`}).`
}

export const isMalformed = (value: object): value is Malformed => 'malformed' in value

/** The text is JSON, but the member (the record itself if it is '') is not what a record has there. */
export class NotARecord extends Error {
  readonly member: string

  constructor(member: string, sentence: string) {
    super(sentence)
    this.member = member
  }
}

/** More records than one body may hold. */
export class TooMany extends Error {}

/** Which record is being read; -1 where the body is just one. */
export interface Place {
  record: number
}

/** Checks that the bytes are UTF-8, has them read as JSON, and says of what is wrong where it stands. */
export function readJson<T>(bytes: Uint8Array, read: (reader: JsonReader, place: Place) => T): T | Malformed {
  const notUtf8 = checkUtf8(bytes)
  if (notUtf8) return notUtf8
  // Some editors and shells put a byte order mark first; it says nothing.
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const place: Place = { record: -1 }
  try {
    const reader = new JsonReader(bytes, start)
    const value = read(reader, place)
    reader.finish()
    return value
  } catch (thrown) {
    const record = place.record < 0 ? {} : { record: place.record }
    if (thrown instanceof JsonError) {
      return { malformed: `The body is not JSON: ${thrown.message}`, ...record, ...placeOf(bytes, thrown.at) }
    }
    if (thrown instanceof TooMany) return { malformed: thrown.message, tooMany: true }
    if (!(thrown instanceof NotARecord)) throw thrown
    const field = [
      ...(place.record < 0 ? [] : [`records[${place.record}]`]),
      ...(thrown.member ? [thrown.member] : []),
    ].join('.')
    return { malformed: `${field || 'A record'} ${thrown.message}`, ...record, ...(field ? { field } : {}) }
  }
}

/** Undefined if the bytes are UTF-8. */
export function checkUtf8(bytes: Uint8Array): Malformed | undefined {
  if (isUtf8(bytes)) return undefined
  // Once in a while, so slow is fine: the longest good beginning, found by halves. A cut-off last character is still good.
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1
    if (beginsUtf8(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  // From there back to where that last character begins.
  while (!isUtf8(bytes.subarray(0, good))) good--
  return { malformed: `The body is not UTF-8 at byte ${good}`, ...placeOf(bytes, good) }
}

function beginsUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
