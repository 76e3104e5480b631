// Telling: what a log's followers are sent, and when. A few are told of every commit; many in rounds, so that what else the
// isolate has to do comes between, and each is told everything that has come since it was told before.

import { isTransactional } from '../log/batch.ts'
import { type Chunk } from '../log/chunk.ts'
import { joined } from '../protocol/bytes.ts'
import {
  decodeAsk,
  encodeTold,
  type Follower,
  Followers,
  type Isolation,
  MAX_FOLLOWERS,
  type Told,
} from '../log/followers.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { ErrorName } from '../protocol/errors.ts'

/** Of so many followers on, they are told in rounds. */
const MANY_FOLLOWERS = 8
/**
 * Those that lag behind what they are told, as event streams do, are told so many at a time, and what was sent to these is
 * let out before the next are: were all told at once, nothing would be out before everything is.
 */
const TOGETHER = 20
/** The rest after that. Nothing else says when their streams have taken what they got, and without a rest they are starved. */
const REST_MS = 1
/** The tags of followers: those that lag behind, and those that do not. */
const LAGS = 'lags'
const KEEPS_UP = 'keeps up'
/** Bytes that are told at once whatever it takes: they are kept in memory until then. */
const MAX_UNTOLD_BYTES = 1_048_576
/** Bytes read at once for a follower that is behind. */
const CATCH_UP_BYTES = 1_048_576

export class Telling {
  readonly #ctx: DurableObjectState
  readonly #log: () => PartitionLog | undefined
  readonly #followers = new Followers<WebSocket>()
  /** Durable, and not told to all followers yet. */
  #untold: Chunk[] = []
  #untoldBytes = 0
  /** The followers are being told in rounds: what comes now goes along. */
  #inRounds = false

  /** `log` is undefined once the log is gone. */
  constructor(ctx: DurableObjectState, log: () => PartitionLog | undefined) {
    this.#ctx = ctx
    this.#log = log
  }

  /** Accepts a follower's socket: `offset` and `creditBytes` are its first ask. */
  follow(offset: number, creditBytes: number, isolation: Isolation, lags: boolean): WebSocket | undefined {
    if (this.#ctx.getWebSockets().length >= MAX_FOLLOWERS) return undefined
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server, [lags ? LAGS : KEEPS_UP])
    this.#serve(server, this.#followers.seek(server, offset, creditBytes, isolation))
    return client
  }

  /** A follower asks for more. */
  asked(socket: WebSocket, message: ArrayBuffer): void {
    const ask = decodeAsk(new Uint8Array(message))
    const follower =
      ask.type === 'seek'
        ? this.#followers.seek(socket, ask.offset, ask.creditBytes, ask.isolation)
        : this.#followers.credit(socket, ask.creditBytes)
    if (follower === undefined) send(socket, { type: 'where' })
    else this.#serve(socket, follower)
  }

  left(socket: WebSocket): void {
    this.#followers.drop(socket)
  }

  /** These have become durable. Rejects if the log cannot be read. */
  async committed(chunks: readonly Chunk[]): Promise<void> {
    for (const chunk of chunks) {
      this.#untold.push(chunk)
      this.#untoldBytes += chunk.sizeBytes
    }
    if (this.#followers.size < MANY_FOLLOWERS || this.#untoldBytes > MAX_UNTOLD_BYTES) {
      this.#tell(this.#ctx.getWebSockets())
      this.#forgetThrough(Number.POSITIVE_INFINITY)
    } else if (!this.#inRounds) {
      this.#inRounds = true
      await this.#tellInRounds().finally(() => (this.#inRounds = false))
    }
  }

  /** Something else than an append has changed what followers may see. */
  changed(): void {
    for (const [socket, follower] of this.#followers.entries()) this.#serve(socket, follower)
  }

  /** The topic is deleted. */
  deleted(): void {
    this.#forgetThrough(Number.POSITIVE_INFINITY)
    for (const socket of this.#ctx.getWebSockets())
      this.#refuse(socket, 'UNKNOWN_TOPIC_ID', 'The topic was deleted.', -1)
  }

  /** Until there was nothing new for a round. */
  async #tellInRounds(): Promise<void> {
    while (this.#untold.length > 0) {
      const { lastOffset } = this.#untold.at(-1)!
      const lagging = this.#ctx.getWebSockets(LAGS)
      let told = 0
      do {
        const together = lagging.slice(told, told + TOGETHER)
        this.#tell([...this.#ctx.getWebSockets(KEEPS_UP), ...together])
        told += TOGETHER
        // A timer comes to its turn when everything sent is out, and what else was waiting is done.
        await passed(together.length > 0 ? REST_MS : 0)
      } while (told < lagging.length)
      this.#forgetThrough(lastOffset)
    }
  }

  #tell(sockets: readonly WebSocket[]): void {
    const log = this.#log()
    if (log === undefined || this.#untold.length === 0) return
    const frames = new Frames(this.#untold, log)
    for (const socket of sockets) {
      const follower = this.#followers.get(socket)
      if (follower === undefined) send(socket, { type: 'where' })
      else {
        const frame = frames.for(follower)
        if (frame !== undefined) push(socket, frame)
        this.#serve(socket, follower)
      }
    }
  }

  #forgetThrough(offset: number): void {
    while (this.#untold[0] !== undefined && this.#untold[0].lastOffset <= offset)
      this.#untoldBytes -= this.#untold.shift()!.sizeBytes
  }

  /** Sends as far as credit goes; without credit, once, that there is more. */
  #serve(socket: WebSocket, follower: Follower): void {
    const log = this.#log()
    if (log === undefined) return
    const { bounds } = log
    const { isolation } = follower
    const end = isolation === 'read_committed' ? bounds.lastStableOffset : bounds.highWatermark
    while (follower.creditBytes > 0 && follower.position < end) {
      const maxBytes = Math.min(follower.creditBytes, CATCH_UP_BYTES)
      const read = log.read({ offset: follower.position, maxBytes, isolation })
      if ('error' in read) return this.#refuse(socket, read.error, read.message, read.logStartOffset)
      if (read.nextOffset === follower.position) return
      send(socket, { type: 'data', position: follower.position, ...read })
      follower.creditBytes -= read.records.length
      follower.position = read.nextOffset
    }
    if (follower.position < bounds.logStartOffset || follower.position > bounds.highWatermark)
      return this.#refuse(
        socket,
        'OFFSET_OUT_OF_RANGE',
        `Offset ${follower.position} is out of range: the log holds ${bounds.logStartOffset} up to, not including, ${bounds.highWatermark}.`,
        bounds.logStartOffset,
      )
    if (follower.position >= end && end < bounds.highWatermark) return
    if (follower.position === bounds.highWatermark || follower.noticed === bounds.highWatermark) return
    follower.noticed = bounds.highWatermark
    send(socket, { type: 'end', ...bounds })
  }

  #refuse(socket: WebSocket, error: ErrorName, message: string, logStartOffset: number): void {
    send(socket, { type: 'error', error, message, logStartOffset })
    socket.close(1000, error)
    this.#followers.drop(socket)
  }
}

/** New chunks from one of them on, as the frame of everyone who waits just there. */
interface Frame {
  readonly bytes: Uint8Array
  readonly sizeBytes: number
  readonly nextOffset: number
}

class Frames {
  readonly #chunks: readonly Chunk[]
  readonly #log: PartitionLog
  /** Everybody sees the same of them: there is no transaction in them, and none is open. */
  readonly #plain: boolean
  readonly #made = new Map<number, Frame | undefined>()

  constructor(chunks: readonly Chunk[], log: PartitionLog) {
    this.#chunks = chunks
    this.#log = log
    const { lastStableOffset } = log.bounds
    this.#plain = chunks.every(
      ({ lastOffset, batches }) => lastOffset < lastStableOffset && !batches.some(isTransactional),
    )
  }

  /** The frame, charged to the follower; undefined if it waits elsewhere or cannot take so much. */
  for(follower: Follower): Uint8Array | undefined {
    if (follower.isolation === 'read_committed' && !this.#plain) return undefined
    const { position } = follower
    if (!this.#made.has(position)) this.#made.set(position, this.#make(position))
    const frame = this.#made.get(position)
    if (frame === undefined || follower.creditBytes < frame.sizeBytes) return undefined
    follower.creditBytes -= frame.sizeBytes
    follower.position = frame.nextOffset
    return frame.bytes
  }

  #make(position: number): Frame | undefined {
    const first = this.#chunks.findIndex(({ baseOffset }) => baseOffset === position)
    if (first < 0) return undefined
    const chunks = this.#chunks.slice(first)
    const nextOffset = chunks.at(-1)!.lastOffset + 1
    const records = joined(chunks.flatMap(chunk => chunk.batches.map(batch => batch.bytes)))
    const bytes = encodeTold({ type: 'data', position, nextOffset, records, ...this.#log.bounds })
    return { bytes, sizeBytes: records.length, nextOffset }
  }
}

const passed = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const send = (socket: WebSocket, told: Told): void => push(socket, encodeTold(told))

function push(socket: WebSocket, frame: Uint8Array): void {
  try {
    socket.send(frame)
  } catch {
    // The socket is gone; its close event drops the follower.
  }
}
