// Who follows the tail of a log, and with how much credit; and the frames a follower and the log exchange. A follower
// says from which offset it wants records and how many bytes it can take; the log sends chunks as far as that goes, and
// otherwise a notice that there is more. After an eviction the log knows no follower's place: it asks, it never guesses.

import { Reader, Writer } from '../protocol/bytes.ts'
import type { ErrorName } from '../protocol/errors.ts'
import type { Aborted, LogBounds, ReadRequest } from './fetch.ts'

/** Followers of one partition at most; the platform holds 32,768 sockets an object. */
export const MAX_FOLLOWERS = 30_000
/** Credit a follower may hold at most: what it can make the log read for it. */
export const MAX_CREDIT_BYTES = 8_388_608

/** What a follower wants to see: everything (if nothing is said), or what is committed. */
export type Isolation = NonNullable<ReadRequest['isolation']>

/** What a follower asks. */
export type Ask =
  | {
      readonly type: 'seek'
      readonly offset: number
      readonly creditBytes: number
      readonly isolation?: Isolation | undefined
    }
  | { readonly type: 'credit'; readonly creditBytes: number }

/** What the log tells a follower. `where` means: say again from which offset and with how much credit. */
export type Told =
  | ({
      readonly type: 'data'
      readonly position: number
      readonly nextOffset: number
      readonly records: Uint8Array
      readonly aborted?: readonly Aborted[]
    } & LogBounds)
  | ({ readonly type: 'end' } & LogBounds)
  | { readonly type: 'where' }
  | { readonly type: 'error'; readonly error: ErrorName; readonly message: string; readonly logStartOffset: number }

export interface Follower {
  readonly isolation: Isolation
  position: number
  creditBytes: number
  /** The end it was last told of without getting the records. */
  noticed: number
}

/** The followers of one log, by whatever the host sends through. */
export class Followers<Handle> {
  readonly #followers = new Map<Handle, Follower>()

  get(handle: Handle): Follower | undefined {
    return this.#followers.get(handle)
  }

  get size(): number {
    return this.#followers.size
  }

  entries(): Iterable<[Handle, Follower]> {
    return this.#followers
  }

  seek(handle: Handle, offset: number, creditBytes: number, isolation: Isolation = 'read_uncommitted'): Follower {
    const follower = { isolation, position: offset, creditBytes: Math.min(creditBytes, MAX_CREDIT_BYTES), noticed: -1 }
    this.#followers.set(handle, follower)
    return follower
  }

  /** Undefined for a follower whose place was forgotten. */
  credit(handle: Handle, creditBytes: number): Follower | undefined {
    const follower = this.#followers.get(handle)
    if (follower !== undefined) follower.creditBytes = Math.min(follower.creditBytes + creditBytes, MAX_CREDIT_BYTES)
    return follower
  }

  drop(handle: Handle): void {
    this.#followers.delete(handle)
  }
}

const SEEK = 0
const CREDIT = 1
const SEEK_COMMITTED = 2
const DATA = 0
const END = 1
const WHERE = 2
const ERROR = 3
/** As DATA, with aborted transactions before the records. */
const DATA_ABORTED = 4

export function encodeAsk(ask: Ask): Uint8Array {
  const w = new Writer(16)
  const seek = ask.type === 'seek' && ask.isolation === 'read_committed' ? SEEK_COMMITTED : SEEK
  w.int8(ask.type === 'seek' ? seek : CREDIT)
  if (ask.type === 'seek') w.int64(ask.offset)
  w.int32(ask.creditBytes)
  return w.done()
}

export function decodeAsk(bytes: Uint8Array): Ask {
  const r = new Reader(bytes)
  const type = r.int8()
  if (type === SEEK || type === SEEK_COMMITTED) {
    const seek = { type: 'seek' as const, offset: r.int64(), creditBytes: Math.max(0, r.int32()) }
    return type === SEEK ? seek : { ...seek, isolation: 'read_committed' }
  }
  return { type: 'credit', creditBytes: Math.max(0, r.int32()) }
}

export function encodeTold(told: Told): Uint8Array {
  switch (told.type) {
    case 'data': {
      const { aborted = [] } = told
      const w = new Writer(58 + aborted.length * 16 + told.records.length)
      w.int8(aborted.length === 0 ? DATA : DATA_ABORTED)
      writeBounds(w, told)
      w.int64(told.position)
      w.int64(told.nextOffset)
      if (aborted.length > 0) w.uvarint(aborted.length)
      for (const { producerId, firstOffset } of aborted) {
        w.int64(producerId)
        w.int64(firstOffset)
      }
      w.bytes(told.records)
      return w.done()
    }
    case 'end': {
      const w = new Writer(32)
      w.int8(END)
      writeBounds(w, told)
      return w.done()
    }
    case 'where':
      return new Uint8Array([WHERE])
    case 'error': {
      const text = new TextEncoder().encode(
        JSON.stringify({ error: told.error, message: told.message, logStartOffset: told.logStartOffset }),
      )
      const w = new Writer(1 + text.length)
      w.int8(ERROR)
      w.bytes(text)
      return w.done()
    }
  }
}

export function decodeTold(bytes: Uint8Array): Told {
  const r = new Reader(bytes)
  const type = r.int8()
  if (type === WHERE) return { type: 'where' }
  if (type === ERROR) return { type: 'error', ...JSON.parse(new TextDecoder().decode(r.slice(r.remaining))) }
  const bounds = { logStartOffset: r.int64(), highWatermark: r.int64(), lastStableOffset: r.int64() }
  if (type === END) return { type: 'end', ...bounds }
  const at = { position: r.int64(), nextOffset: r.int64() }
  const aborted = Array.from({ length: type === DATA_ABORTED ? r.uvarint() : 0 }, () => ({
    producerId: r.int64(),
    firstOffset: r.int64(),
  }))
  return { type: 'data', ...bounds, ...at, aborted, records: r.slice(r.remaining) }
}

function writeBounds(w: Writer, { logStartOffset, highWatermark, lastStableOffset }: LogBounds): void {
  w.int64(logStartOffset)
  w.int64(highWatermark)
  w.int64(lastStableOffset)
}
