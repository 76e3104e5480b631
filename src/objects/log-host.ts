// LogHost: runs one PartitionLog inside a Durable Object. It makes commits of what gathers, says when they are durable,
// has the followers told (telling.ts), and keeps the alarm. PartitionObject and the machines' shards both stand on it.

import type { AppendRequest, AppendResult, Origin } from '../log/append.ts'
import type { LogConfig } from '../log/config.ts'
import type { Read, ReadRequest } from '../log/fetch.ts'
import { type Identity, PartitionLog } from '../log/partition-log.ts'
import { type Sql, Store } from '../log/store.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { logEvent, nameOf } from '../log-line.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import { type CleaningOptions, LogCleaner, PARTITION_CLEANING } from './log-cleaner.ts'
import { Telling } from './telling.ts'

/** Bytes decided but not yet durable; beyond them appends wait their turn before they are decided. */
const MAX_PENDING_BYTES = 33_554_432
/** Bytes of appends that wait so; beyond them appends are refused, to be tried again. */
const MAX_WAITING_BYTES = 33_554_432

export interface LogHostOptions {
  readonly now?: () => number
  /** What this log makes of the config it is given. */
  readonly configured?: (config: LogConfig) => LogConfig
  readonly cleaning?: CleaningOptions
}

export class LogHost {
  log: PartitionLog | undefined
  readonly telling: Telling
  readonly #ctx: DurableObjectState
  readonly #store: Store
  readonly #now: () => number
  readonly #configured: (config: LogConfig) => LogConfig
  readonly #cleaner: LogCleaner
  /** Resolves when everything decided up to now is durable. */
  #gathering: Commit | undefined
  #committing: Commit | undefined
  #isCommitting = false
  /** Appends whose turn comes when the pending ones are durable, in call order. */
  readonly #waiting: (() => void)[] = []
  #waitingBytes = 0
  #alarmMs: number | null | undefined

  constructor(ctx: DurableObjectState, options: LogHostOptions = {}) {
    const { now = Date.now, configured = config => config, cleaning = PARTITION_CLEANING } = options
    this.#ctx = ctx
    this.#now = now
    this.#configured = configured
    this.#cleaner = new LogCleaner(ctx, now, cleaning)
    this.#store = new Store(ctx.storage.sql as unknown as Sql)
    this.log = PartitionLog.open(this.#store, now(), configured)
    this.telling = new Telling(ctx, () => this.log)
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
  transact<T>(writes: () => T): Promise<T> {
    return this.#durably(() => this.#ctx.storage.transactionSync(writes))
  }

  async #durably<T>(writes: () => T): Promise<T> {
    try {
      const result = writes()
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
    const due = Math.min(
      Math.max(Math.min(log?.deadline() ?? Number.POSITIVE_INFINITY, cleaningMs), this.#now()),
      alsoMs,
    )
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
    this.telling.changed()
    return result
  }

  /** What is due by now: retention and compaction. One that fires early only arms again. */
  async alarm(): Promise<void> {
    this.#alarmMs = null
    const { log } = this
    if (log === undefined) return
    const { logStartOffset } = log.bounds
    await this.transact(() => log.retain(this.#now()))
    if (log.bounds.logStartOffset > logStartOffset)
      logEvent('info', `retention let go of what is below offset ${log.bounds.logStartOffset}`, { object: this.name })
    this.telling.changed()
    await this.#cleaner.run(log, () => this.log === log)
    await this.arm()
  }

  /** The topic is deleted: whoever follows is told, what is on its way is answered UNKNOWN_TOPIC_ID, and all storage goes. */
  async remove(): Promise<void> {
    this.log = undefined
    this.#alarmMs = null
    this.telling.deleted()
    await this.#ctx.storage.deleteAll()
  }

  #decide(request: AppendRequest, origin: Origin): Promise<AppendResult> {
    const log = this.#born
    const result = log.append(request, this.#now(), origin)
    return this.#settled().then(() => (this.log === log ? result : failure('UNKNOWN_TOPIC_ID')))
  }

  /** What it is called in the log; before its birth nobody has told it. */
  get name(): string {
    return this.log === undefined ? (this.#ctx.id.name ?? 'unborn') : nameOf(this.log.identity)
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
      if (!this.#isCommitting) {
        this.#isCommitting = true
        // What else this call appends goes along.
        queueMicrotask(() => void this.#commit())
      }
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
      if (this.log === log) await this.#write(log)
      const chunks = log.committed()
      this.#committing = undefined
      commit.resolve()
      if (this.log === log) void this.telling.committed(chunks).catch(error => this.#abort(error))
      while (this.#waiting.length > 0 && log.pendingBytes <= MAX_PENDING_BYTES) this.#waiting.shift()!()
    }
    this.#isCommitting = false
    await this.arm()
  }

  #write(log: PartitionLog): Promise<void> {
    const nowMs = this.#now()
    const write = (): void => log.write(nowMs)
    return log.writesOneRow(nowMs) ? this.#durably(write) : this.transact(write)
  }

  #abort(error: unknown): never {
    const message = `storage failed, starting again from what is stored: ${String(error)}`
    logEvent('error', message, { object: this.name, error })
    this.#ctx.abort(message)
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

const BUSY = failure('REQUEST_TIMED_OUT', 'More is waiting for this partition than may wait: try again.')
