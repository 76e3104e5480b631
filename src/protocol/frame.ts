// Frames: the size before every message on a connection, and the headers inside. Frames come out of a byte stream cut
// anywhere and go back as one piece; what a message says is not known here.

import { type Reader, utf8Length, Writer } from './bytes.ts'
import type { MessageCodec } from './codec.ts'
import { ProtocolError } from './errors.ts'
import type { Encodable, Message } from './schema.ts'

/** Kafka's default for socket.request.max.bytes. */
export const MAX_FRAME_BYTES = 104_857_600

/** Room taken for a frame before more of it has come: a claimed size alone costs nothing. */
const FIRST_ROOM_BYTES = 16_384
const SIZE_BYTES = 4
const API_VERSIONS_KEY = 18

/** Cuts a byte stream into frames. A size that is negative or above the bound throws ProtocolError. */
export class FrameReader {
  readonly #maxBytes: number
  /** The frame that isn't whole yet, with its size before it. */
  #held = new Uint8Array(0)
  #heldBytes = 0

  constructor(maxBytes = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes waiting for the rest of their frame. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The frames that these bytes complete, without their sizes; to be drained. A frame may be a view of the chunk. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    let at = 0
    if (this.#heldBytes > 0) {
      at = this.#fill(chunk, at, SIZE_BYTES)
      if (this.#heldBytes < SIZE_BYTES) return
      const end = SIZE_BYTES + this.#sizeAt(this.#held, 0)
      at = this.#fill(chunk, at, end)
      if (this.#heldBytes < end) return
      yield this.#release()
    }
    while (chunk.length - at >= SIZE_BYTES) {
      const end = at + SIZE_BYTES + this.#sizeAt(chunk, at)
      if (end > chunk.length) {
        this.#fill(chunk, at, end - at)
        return
      }
      yield chunk.subarray(at + SIZE_BYTES, end)
      at = end
    }
    this.#fill(chunk, at, SIZE_BYTES)
  }

  #sizeAt(bytes: Uint8Array, at: number): number {
    const size = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (size < 0 || size > this.#maxBytes) throw new ProtocolError(`frame of ${size} bytes; at most ${this.#maxBytes}`)
    return size
  }

  /** Holds bytes of the chunk until `target` are held, growing with what came; returns the position behind them. */
  #fill(chunk: Uint8Array, at: number, target: number): number {
    const end = Math.min(at + Math.max(target - this.#heldBytes, 0), chunk.length)
    const length = this.#heldBytes + end - at
    if (length > this.#held.length) {
      const room = Math.max(length, Math.min(target, this.#held.length * 4), FIRST_ROOM_BYTES)
      const bigger = new Uint8Array(room)
      bigger.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = bigger
    }
    this.#held.set(chunk.subarray(at, end), this.#heldBytes)
    this.#heldBytes = length
    return end
  }

  /** Gives the held frame away for good: the next one gets bytes of its own. */
  #release(): Uint8Array {
    const frame = this.#held.subarray(SIZE_BYTES, this.#heldBytes)
    this.#held = new Uint8Array(0)
    this.#heldBytes = 0
    return frame
  }
}

/** 0 has no client id (only ControlledShutdown v0 ever used it), 1 has one, 2 has tags and comes with flexible messages. */
export type RequestHeaderVersion = 0 | 1 | 2

export interface RequestHeader {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Reads a request's header; the key and version in it say which header it is. Throws ProtocolError. */
export function readRequestHeader(
  r: Reader,
  headerVersion: (apiKey: number, version: number) => RequestHeaderVersion,
): RequestHeader {
  try {
    const [apiKey, version, correlationId] = [r.int16(), r.int16(), r.int32()]
    const layout = headerVersion(apiKey, version)
    const clientId = layout > 0 ? readClientId(r) : null
    if (layout > 1) skipTags(r)
    return { apiKey, version, correlationId, clientId }
  } catch (error) {
    throw error instanceof RangeError ? new ProtocolError(`request header: ${error.message}`) : error
  }
}

/** In the old encoding even where tags follow, so that brokers can read it in any ApiVersions request. */
function readClientId(r: Reader): string | null {
  const length = r.int16()
  return length === -1 ? null : r.string(length)
}

function skipTags(r: Reader): void {
  for (let count = r.uvarint(); count > 0; count--) {
    r.uvarint()
    r.skip(r.uvarint())
  }
}

/** One request as a whole frame; what clients send. */
export function requestFrame<M extends Message>(
  header: RequestHeader,
  headerVersion: RequestHeaderVersion,
  codec: MessageCodec<M>,
  request: Encodable<M>,
): Uint8Array<ArrayBuffer> {
  const w = new Writer()
  const start = w.reserve(SIZE_BYTES)
  w.int16(header.apiKey)
  w.int16(header.version)
  w.int32(header.correlationId)
  if (headerVersion > 0) {
    w.int16(header.clientId === null ? -1 : utf8Length(header.clientId))
    w.string(header.clientId ?? '')
  }
  if (headerVersion > 1) w.uvarint(0)
  codec.write(w, request)
  w.patchInt32(start, w.at + w.apartBytes - SIZE_BYTES)
  return w.done()
}

/** 1 has tags; ApiVersions stays with 0 for good, because its reader can't know the broker's versions yet (KIP-511). */
export const responseHeaderVersion = (apiKey: number, flexible: boolean): 0 | 1 =>
  flexible && apiKey !== API_VERSIONS_KEY ? 1 : 0

/** One response as a whole frame, in pieces: large bytes are those that were given, not copies. */
export function responseFrame<M extends Message>(
  correlationId: number,
  headerVersion: 0 | 1,
  codec: MessageCodec<M>,
  response: Encodable<M>,
): Uint8Array[] {
  const w = new Writer()
  const start = w.reserve(SIZE_BYTES)
  w.int32(correlationId)
  if (headerVersion > 0) w.uvarint(0)
  codec.write(w, response)
  w.patchInt32(start, w.at + w.apartBytes - SIZE_BYTES)
  return w.parts()
}

/** Reads a response's header. Throws ProtocolError. */
export function readResponseHeader(r: Reader, headerVersion: 0 | 1): number {
  try {
    const correlationId = r.int32()
    if (headerVersion > 0) skipTags(r)
    return correlationId
  } catch (error) {
    throw error instanceof RangeError ? new ProtocolError(`response header: ${error.message}`) : error
  }
}
