// LogCleaner: runs the compaction of an object's log when its alarm says so, in steps between which everybody else gets a
// turn. What a step does is src/log/compaction.ts. Kafka's LogCleaner, whose threads share one buffer for their maps, too.

import { logEvent, nameOf } from '../log-line.ts'
import type { PartitionLog } from '../log/partition-log.ts'

export interface CleaningOptions {
  /** Read in one step, a record counting as 1,000 more: for as long as that takes nobody else gets anything. */
  readonly stepBytes: number
  /** Read and written anew in one alarm, counted alike; then the next goes on, so that no alarm outlives its processor time. */
  readonly alarmBytes: number
  /** Small maps need no turn; of large ones an isolate has room for one. */
  readonly takesTurn: boolean
}

export const PARTITION_CLEANING: CleaningOptions = { stepBytes: 8_388_608, alarmBytes: 2_147_483_648, takesTurn: true }

/** How long the turn is kept for an object that is not heard of: it may be gone. */
const TURN_MS = 15_000
/** How long to wait for a turn before asking again. */
const WAIT_MS = 5_000

/** Which object's turn it is in this isolate. */
let turn: { readonly id: string; readonly untilMs: number } | undefined

const sizeOf = (log: PartitionLog): number => log.describe().sizeBytes

export class LogCleaner {
  readonly #ctx: DurableObjectState
  readonly #now: () => number
  readonly #options: CleaningOptions
  #isRunning = false
  /** A step failed: nothing more until the next start. */
  #hasFailed = false
  #notBeforeMs = 0

  constructor(ctx: DurableObjectState, now: () => number, options: CleaningOptions) {
    this.#ctx = ctx
    this.#now = now
    this.#options = options
  }

  /** When `run` is next worth calling, ms; Infinity while there is nothing to clean, or while it is being cleaned. */
  dueMs(log: PartitionLog): number {
    const dueMs = this.#isRunning || this.#hasFailed ? undefined : log.cleanableMs()
    return dueMs === undefined ? Number.POSITIVE_INFINITY : Math.max(dueMs, this.#notBeforeMs)
  }

  /** Cleans what is due, as long as `isCurrent` says that the log is still the object's, or until it is the next alarm's. */
  async run(log: PartitionLog, isCurrent: () => boolean): Promise<void> {
    if (!isCurrent() || this.dueMs(log) > this.#now() || !this.#takeTurn()) return
    this.#isRunning = true
    const beforeBytes = sizeOf(log)
    try {
      for (let left = this.#options.alarmBytes; ; left -= this.#options.stepBytes) {
        // Where too little time was left for a map and one step that is stored, there would never be enough.
        const mayStop = await this.#step(log)
        const isDue = !this.#hasFailed && (log.cleanableMs() ?? Number.POSITIVE_INFINITY) <= this.#now()
        if (!isDue || !isCurrent() || !this.#takeTurn()) {
          if (!isDue && isCurrent()) this.#say(log, beforeBytes)
          return this.#endTurn(log)
        }
        if (mayStop && left <= this.#options.stepBytes) return
      }
    } finally {
      this.#isRunning = false
    }
  }

  /** True if it came to be stored. A step that throws is undone, and leaves the log as it is: uncleaned, and readable. */
  async #step(log: PartitionLog): Promise<boolean> {
    let isStored = false
    let thrown: unknown
    try {
      this.#ctx.storage.transactionSync(() => {
        try {
          isStored = log.clean(this.#now(), this.#options.stepBytes)
        } catch (error) {
          thrown = error
          throw error
        }
      })
      if (isStored) await this.#ctx.storage.sync()
    } catch (error) {
      if (thrown === undefined) {
        const message = `storage failed, starting again from what is stored: ${String(error)}`
        logEvent('error', message, { object: nameOf(log.identity), error })
        this.#ctx.abort(message)
        throw error
      }
      const message = `the log is not compacted until its next start: ${String(thrown)}`
      logEvent('error', message, { object: nameOf(log.identity), error: thrown })
      this.#hasFailed = true
    }
    await new Promise(resolve => setTimeout(resolve, 0))
    return isStored
  }

  #say(log: PartitionLog, beforeBytes: number): void {
    const message = `compacted from ${beforeBytes} to ${sizeOf(log)} bytes`
    if (!this.#hasFailed) logEvent('info', message, { object: nameOf(log.identity) })
  }

  #takeTurn(): boolean {
    if (!this.#options.takesTurn) return true
    const id = this.#ctx.id.toString()
    const nowMs = Date.now()
    if (turn !== undefined && turn.id !== id && turn.untilMs > nowMs) {
      this.#notBeforeMs = this.#now() + WAIT_MS
      return false
    }
    turn = { id, untilMs: nowMs + TURN_MS }
    return true
  }

  #endTurn(log: PartitionLog): void {
    log.restCleaning()
    if (turn?.id === this.#ctx.id.toString()) turn = undefined
  }
}
