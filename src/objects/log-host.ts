// LogHost: runs one PartitionLog inside a Durable Object. It makes commits of what gathers, says when they are durable,
// tells the followers, and keeps the alarm. PartitionObject and the machines' shards both stand on it.

import type { AppendRequest, AppendResult, Origin } from '../log/append.ts'
import { isTransactional } from '../log/batch.ts'
import type { Chunk } from '../log/chunk.ts'
import { joined } from '../log/chunk.ts'
import type { LogConfig } from '../log/config.ts'
import type { Read, ReadRequest } from '../log/fetch.ts'
import {
  decodeAsk,
  encodeTold,
  type Follower,
  Followers,
  type Isolation,
  MAX_FOLLOWERS,
  type Told,
} from '../log/followers.ts'
import { type Identity, PartitionLog } from '../log/partition-log.ts'
import { type Sql, Store } from '../log/store.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { type ErrorName, type Failure, failure } from '../protocol/errors.ts'
import { type CleaningOptions, LogCleaner, PARTITION_CLEANING } from './log-cleaner.ts'

/** Bytes decided but not yet durable; beyond them appends wait their turn before they are decided. */
const MAX_PENDING_BYTES = 33_554_432
/** Bytes of appends that wait so; beyond them appends are refused, to be tried again. */
const MAX_WAITING_BYTES = 33_554_432
/**
 * Of so many followers on, they are told in turns; what is committed meanwhile goes along with the next. Where as many lag
 * behind what they are told, as long as a turn took passes before the next, so that they get half of the processor.
 */
const MANY_FOLLOWERS = 8
const MAX_REST_MS = 100
/** The tag of followers that lag behind. */
const LAGS = 'lags'
/** Bytes that are told at once whatever it takes: they are kept in memory until then. */
const MAX_UNTOLD_BYTES = 1_048_576
/** Bytes read at once for a follower that is behind. */
const CATCH_UP_BYTES = 1_048_576

/** All logs of an isolate share its processor, and so its rest. */
let restUntilMs = 0

export interface LogHostOptions {
  readonly now?: () => number
  /** What this log makes of the config it is given. */
  readonly configured?: (config: LogConfig) => LogConfig
  readonly cleaning?: CleaningOptions
}

export class LogHost {
  log: PartitionLog | undefined
  readonly #ctx: DurableObjectState
  readonly #store: Store
  readonly #now: () => number
  readonly #configured: (config: LogConfig) => LogConfig
  readonly #cleaner: LogCleaner
  readonly #followers = new Followers<WebSocket>()
  /** Resolves when everything decided up to now is durable. */
  #gathering: Commit | undefined
  #committing: Commit | undefined
  /** Appends whose turn comes when the pending ones are durable, in call order. */
  readonly #waiting: (() => void)[] = []
  #waitingBytes = 0
  #alarmMs: number | null | undefined
  /** Durable, and not told to the followers yet. */
  #untold: Chunk[] = []
  #untoldBytes = 0
  /** Its many followers are being told, or will be: what comes now goes along. */
  #telling = false

  constructor(ctx: DurableObjectState, options: LogHostOptions = {}) {
    const { now = Date.now, configured = config => config, cleaning = PARTITION_CLEANING } = options
    this.#ctx = ctx
    this.#now = now
    this.#configured = configured
    this.#cleaner = new LogCleaner(ctx, now, cleaning)
    this.#store = new Store(ctx.storage.sql as unknown as Sql)
    this.log = PartitionLog.open(this.#store, now(), configured)
  }

  /** Brings the log to life; a log that is alive keeps what it has and takes over a newer config. */
  async birth(identity: Identity, config: LogConfig, configVersion: number): Promise<void> {
    await this.transact(() => {
      if (this.log === undefined)
        this.log = PartitionLog.create(this.#store, identity, this.#configured(config), configVersion, this.#now())
      else this.log.configure(this.#configured(config), configVersion)
    })
    await this.arm()
  }

  /** Decides the append at once, in call order; resolves when the decision is durable. The log must have been born. */
  append(request: AppendRequest, origin: Origin = 'client'): Promise<AppendResult> {
    const mayDecide = this.#waiting.length === 0 && this.#born.pendingBytes <= MAX_PENDING_BYTES
    // A coordinator bounds itself, one turn at a time, and lives by its decisions being taken at once.
    if (mayDecide || origin === 'coordinator') return this.#decide(request, origin)
    if (this.#waitingBytes > MAX_WAITING_BYTES) return Promise.resolve(BUSY)
    this.#waitingBytes += request.records.length
    return new Promise(resolve => {
      this.#waiting.push(() => {
        this.#waitingBytes -= request.records.length
        resolve(this.log === undefined ? failure('UNKNOWN_TOPIC_ID') : this.#decide(request, origin))
      })
    })
  }

  /** Ends a transaction here; resolves when that is durable. May be repeated. The log must have been born. */
  endTransaction(end: TransactionEnd): Promise<AppendResult> {
    const log = this.#born
    const result = log.endTransaction(end, this.#now())
    return this.#settled().then(() => (this.log === log ? result : failure('UNKNOWN_TOPIC_ID')))
  }

  /** Reads what is durable. */
  read(request: ReadRequest): Read {
    return this.#born.read(request)
  }

  /** Runs storage writes as one transaction and waits until they are durable. A failure restarts the object from disk. */
  async transact<T>(writes: () => T): Promise<T> {
    try {
      const result = this.#ctx.storage.transactionSync(writes)
      await this.#ctx.storage.sync()
      return result
    } catch (error) {
      this.#abort(error)
    }
  }

  /** Sets the alarm to when retention or compaction is next due, or to `alsoMs`, unless it is set that early already. */
  async arm(alsoMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { log } = this
    const cleaningMs = log === undefined ? Number.POSITIVE_INFINITY : this.#cleaner.dueMs(log)
    const due = Math.min(log?.deadline() ?? Number.POSITIVE_INFINITY, Math.max(cleaningMs, this.#now()), alsoMs)
    if (due === Number.POSITIVE_INFINITY) return
    if (this.#alarmMs === undefined) {
      const stored = await this.#ctx.storage.getAlarm()
      // Whoever armed while this was read knows better.
      this.#alarmMs ??= stored
    }
    if (this.#alarmMs !== null && this.#alarmMs <= due) return
    this.#alarmMs = due
    await this.#ctx.storage.setAlarm(due)
  }

  /** Nothing below `before` is read again; followers who are still there are told. */
  async deleteRecords(before: number): Promise<{ readonly logStartOffset: number } | Failure> {
    const result = await this.transact(() => this.#born.deleteRecords(before, this.#now()))
    this.#serveAll()
    return result
  }

  /** What is due by now: retention and compaction. One that fires early only arms again. */
  async alarm(): Promise<void> {
    this.#alarmMs = null
    const { log } = this
    if (log === undefined) return
    await this.transact(() => log.retain(this.#now()))
    this.#serveAll()
    await this.#cleaner.run(log, () => this.log === log)
    await this.arm()
  }

  /** The topic is deleted: whoever follows is told, what is on its way is answered UNKNOWN_TOPIC_ID, and all storage goes. */
  async remove(): Promise<void> {
    this.log = undefined
    this.#untold = []
    this.#alarmMs = null
    for (const socket of this.#ctx.getWebSockets())
      this.#refuse(socket, 'UNKNOWN_TOPIC_ID', 'The topic was deleted.', -1)
    await this.#ctx.storage.deleteAll()
  }

  /** Accepts a follower's socket: `offset` and `creditBytes` are its first ask. */
  follow(offset: number, creditBytes: number, isolation: Isolation, lags: boolean): WebSocket | undefined {
    if (this.#ctx.getWebSockets().length >= MAX_FOLLOWERS) return undefined
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server, lags ? [LAGS] : [])
    this.#serve(server, this.#followers.seek(server, offset, creditBytes, isolation))
    return client
  }

  /** A follower asks for more. */
  asked(socket: WebSocket, message: ArrayBuffer | string): void {
    if (typeof message === 'string' || this.log === undefined) return
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

  #decide(request: AppendRequest, origin: Origin): Promise<AppendResult> {
    const log = this.#born
    const result = log.append(request, this.#now(), origin)
    return this.#settled().then(() => (this.log === log ? result : failure('UNKNOWN_TOPIC_ID')))
  }

  get #born(): PartitionLog {
    if (this.log === undefined) throw new Error('this log was never born')
    return this.log
  }

  /** When everything decided up to now is durable: at once, with the running commit, or with the next. */
  #settled(): Promise<void> {
    if (this.#born.dirty) {
      this.#gathering ??= new Commit()
      const { done } = this.#gathering
      if (this.#committing === undefined) void this.#commit()
      return done
    }
    return this.#committing?.done ?? Promise.resolve()
  }

  /** Group commit: what is decided while a commit is on its way to the disk makes up the next one. */
  async #commit(): Promise<void> {
    const log = this.#born
    while (this.#gathering !== undefined) {
      const commit = this.#gathering
      this.#committing = commit
      this.#gathering = undefined
      if (this.log === log) await this.transact(() => log.write(this.#now()))
      const chunks = log.committed()
      this.#committing = undefined
      commit.resolve()
      if (this.log === log) this.#tellSoon(chunks)
      while (this.#waiting.length > 0 && log.pendingBytes <= MAX_PENDING_BYTES) this.#waiting.shift()!()
    }
    await this.arm()
  }

  #tellSoon(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.#untold.push(chunk)
      this.#untoldBytes += chunk.sizeBytes
    }
    if (this.#followers.size < MANY_FOLLOWERS || this.#untoldBytes > MAX_UNTOLD_BYTES) this.#tellFollowers()
    else if (!this.#telling) void this.#tellInTurn()
  }

  async #tellInTurn(): Promise<void> {
    this.#telling = true
    try {
      while (this.#untold.length > 0) {
        const restMs = restUntilMs - Date.now()
        if (restMs > 0) await passed(restMs)
        const toldAtMs = Date.now()
        this.#tellFollowers()
        // A timer comes to its turn when everything sent is out.
        await passed(0)
        const tookMs = Date.now() - toldAtMs
        const lagging = this.#ctx.getWebSockets(LAGS).length >= MANY_FOLLOWERS
        if (lagging) restUntilMs = Math.max(restUntilMs, Date.now() + Math.min(tookMs, MAX_REST_MS))
      }
    } catch (error) {
      this.#abort(error)
    }
    this.#telling = false
  }

  #tellFollowers(): void {
    const { log } = this
    const chunks = this.#untold
    this.#untold = []
    this.#untoldBytes = 0
    if (log === undefined || chunks.length === 0) return
    const caughtUp = new Frames(chunks, log)
    for (const socket of this.#ctx.getWebSockets()) {
      const follower = this.#followers.get(socket)
      if (follower === undefined) send(socket, { type: 'where' })
      else {
        const frame = caughtUp.from(follower)
        if (frame !== undefined) push(socket, frame)
        this.#serve(socket, follower)
      }
    }
  }

  #serveAll(): void {
    for (const [socket, follower] of this.#followers.entries()) this.#serve(socket, follower)
  }

  /** Sends as far as credit goes; without credit, once, that there is more. */
  #serve(socket: WebSocket, follower: Follower): void {
    const log = this.#born
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

  #abort(error: unknown): never {
    this.#ctx.abort(`storage failed, starting again from what is stored: ${String(error)}`)
    throw error
  }
}

/** One commit, waited for by everyone whose append it holds. */
class Commit {
  readonly done: Promise<void>
  resolve!: () => void

  constructor() {
    this.done = new Promise(resolve => {
      this.resolve = resolve
    })
  }
}

/** The new chunks as one frame, made once for all followers who wait at exactly their beginning. */
class Frames {
  readonly #chunks: readonly Chunk[]
  readonly #log: PartitionLog
  /** Everybody sees the same of them: there is no transaction in them, and none is open. */
  readonly #plain: boolean
  #frame: Uint8Array | undefined

  constructor(chunks: readonly Chunk[], log: PartitionLog) {
    this.#chunks = chunks
    this.#log = log
    const { lastStableOffset } = log.bounds
    this.#plain = chunks.every(
      ({ lastOffset, batches }) => lastOffset < lastStableOffset && !batches.some(isTransactional),
    )
  }

  /** The frame, charged to the follower; undefined if it waits elsewhere or cannot take so much. */
  from(follower: Follower): Uint8Array | undefined {
    if (follower.isolation === 'read_committed' && !this.#plain) return undefined
    const sizeBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0)
    const position = this.#chunks[0]!.baseOffset
    if (follower.position !== position || follower.creditBytes < sizeBytes) return undefined
    const nextOffset = this.#chunks.at(-1)!.lastOffset + 1
    follower.creditBytes -= sizeBytes
    follower.position = nextOffset
    this.#frame ??= encodeTold({
      type: 'data',
      position,
      nextOffset,
      records: joined(this.#chunks.flatMap(chunk => chunk.batches.map(batch => batch.bytes))),
      ...this.#log.bounds,
    })
    return this.#frame
  }
}

const passed = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const BUSY = failure('REQUEST_TIMED_OUT', 'More is waiting for this partition than may wait: try again.')

const send = (socket: WebSocket, told: Told): void => push(socket, encodeTold(told))

function push(socket: WebSocket, frame: Uint8Array): void {
  try {
    socket.send(frame)
  } catch {
    // The socket is gone; its close event drops the follower.
  }
}
