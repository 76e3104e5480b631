// Shard: runs a state machine inside a Durable Object. Facts are records in a log that the object owns, one append a turn;
// the start is a replay of that log; replies leave when all they rest on is durable. Time is one in-memory timer while
// someone waits, with at most one alarm behind it. What a machine is: src/machine.ts; how a log commits: log-host.ts.

import { isControl, readBatches } from '../log/batch.ts'
import { joined } from '../protocol/bytes.ts'
import type { LogConfig } from '../log/config.ts'
import type { Identity } from '../log/partition-log.ts'
import { decodeBatch, encodeBatch, type NewRecord } from '../log/records.ts'
import { logEvent, logsInfo, nameOf } from '../log-line.ts'
import type { Fact, Machine, Outcome, Ticket } from '../machine.ts'
import { isFailure } from '../protocol/errors.ts'
import type { CleaningOptions } from './log-cleaner.ts'
import { LogHost } from './log-host.ts'

/** Callers without a reply at any time; one more is refused. */
const MAX_PARKED = 10_000
/** Bytes read at once while the log is replayed. */
const REPLAY_BYTES = 4_194_304
/** Facts of one turn go to batches of about this size, all of them or none. */
const BATCH_BYTES = 1_000_000
/** With nobody waiting, a timer keeps the object awake only for what is due this soon; the alarm does the rest. */
const TIMER_REACH_MS = 5_000

/** What a start reads of the log besides the latest facts, and as much again as these take. */
const MAX_DIRTY_BYTES = 262_144
/** Callers wait for a step, and errands for the alarm. */
const CLEANING: CleaningOptions = { stepBytes: 4_194_304, alarmBytes: 268_435_456, takesTurn: false }

export interface ShardOptions<F> {
  /** The log the facts go to; it is born with the first fact, so that a probe writes nothing. */
  readonly identity: Identity
  readonly config: LogConfig
  /** Called after each turn that time caused. */
  readonly onTick?: () => void
  /** What is worth a line in the log about a fact that is to be stored, before it changes the state. */
  readonly says?: (fact: F, of: string) => string | undefined
  readonly now?: () => number
}

/** One machine, and as many states of it as its commands name, on one log. */
export class Shard<State, Command, F extends Fact, Reply> {
  /** For those who read the log as the topic it is. */
  readonly host: LogHost
  readonly #ctx: DurableObjectState
  readonly #machine: Machine<State, Command, F, Reply>
  readonly #options: ShardOptions<F>
  readonly #now: () => number
  readonly #states = new Map<string, State>()
  readonly #deadlines = new Map<string, number>()
  /** The first of the deadlines. */
  #nextMs = Number.POSITIVE_INFINITY
  readonly #parked = new Map<Ticket, (reply: Reply) => void>()
  #tickets = 0
  /** Resolves when every fact so far is stored. */
  #durable: Promise<unknown> = Promise.resolve()
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly atMs: number } | undefined

  constructor(ctx: DurableObjectState, machine: Machine<State, Command, F, Reply>, options: ShardOptions<F>) {
    this.#ctx = ctx
    this.#machine = machine
    this.#options = options
    this.#now = options.now ?? Date.now
    this.host = new LogHost(ctx, { now: this.#now, configured: eagerly, cleaning: CLEANING })
    this.#replayLog()
    this.#wake()
  }

  /** Decides the command at once, in call order; resolves when the machine replies and what the reply rests on is durable. */
  call(command: Command, of = ''): Promise<Reply> {
    if (this.#parked.size >= MAX_PARKED) return Promise.reject(new Error(`more than ${MAX_PARKED} callers are waiting`))
    const ticket = ++this.#tickets
    const reply = new Promise<Reply>(resolve => this.#parked.set(ticket, resolve))
    this.#turn(of, state => this.#machine.decide(state, command, ticket, this.#now()))
    return reply
  }

  /** Looks at a state at once; resolves when what was seen is durable. */
  async read<T>(look: (state: State) => T, of = ''): Promise<T> {
    const seen = look(this.#states.get(of) ?? this.#machine.empty(of))
    await this.#durable
    return seen
  }

  /** Looks at all states at once; resolves when what was seen is durable. */
  async readAll<T>(look: (states: ReadonlyMap<string, State>) => T): Promise<T> {
    const seen = look(this.#states)
    await this.#durable
    return seen
  }

  /** A state as it is decided, durable or not: for whoever acts on it without telling anyone. */
  state(of = ''): State {
    return this.#states.get(of) ?? this.#machine.empty(of)
  }

  /** All states as they are decided, durable or not. */
  get states(): ReadonlyMap<string, State> {
    return this.#states
  }

  /** For the object's alarm handler: the log's own due work (compaction among it) and the machine's. */
  async alarm(): Promise<void> {
    // What the machine has to do does not wait until its log is compacted.
    const logsDue = this.host.alarm()
    this.#tick()
    await logsDue
    await this.#durable
  }

  #replayLog(): void {
    const { host } = this
    if (host.log === undefined) return
    for (let offset = host.log.bounds.logStartOffset; ;) {
      const read = host.read({ offset, maxBytes: REPLAY_BYTES })
      if ('error' in read) throw new Error(`${read.error}: ${read.message}`)
      for (const batch of readBatches(read.records))
        if (!isControl(batch)) this.#replayBatch(decodeBatch(batch), offset)
      if (read.nextOffset === offset) break
      offset = read.nextOffset
    }
    for (const of of this.#states.keys()) this.#settle(of)
  }

  #replayBatch(records: ReturnType<typeof decodeBatch>, from: number): void {
    if (isFailure(records)) throw new Error(`${records.error}: ${records.message}`)
    for (const { offset, key, value } of records) {
      if (key === null || offset < from) continue
      const decoded = this.#machine.decode({ key, value })
      if (decoded !== undefined) this.#machine.replay(this.#stateOf(decoded.of), decoded.fact)
    }
  }

  /** One turn: facts change the state and go to the log together, then the replies may leave. A throw starts all over. */
  #turn(of: string, outcome: (state: State) => Outcome<F, Reply>): void {
    try {
      const state = this.#stateOf(of)
      const { facts, replies } = outcome(state)
      if (logsInfo()) this.#say(facts, of)
      for (const fact of facts) this.#machine.replay(state, fact)
      this.#store(facts, of)
      this.#settle(of)
      const leave = replies.map(([ticket, reply]) => this.#leaving(ticket, reply))
      this.#wake()
      if (leave.length > 0) void this.#durable.then(() => leave.forEach(resolve => resolve()))
    } catch (error) {
      this.#abort(error)
    }
  }

  #say(facts: readonly F[], of: string): void {
    for (const fact of facts) {
      const message = fact.volatile === true ? undefined : this.#options.says?.(fact, of)
      if (message !== undefined) logEvent('info', message, { object: nameOf(this.#options.identity) })
    }
  }

  #store(facts: readonly F[], of: string): void {
    const stored = facts.filter(fact => fact.volatile !== true)
    if (stored.length === 0) return
    const { host } = this
    const { identity, config } = this.#options
    const born = host.log === undefined ? host.birth(identity, config, 1) : undefined
    const timestamp = this.#now()
    const records = stored.map(fact => ({ ...this.#machine.encode(fact, of), timestamp, headers: [] }))
    const appended = host.append({ records: joined(batches(records)) }, 'coordinator').then(result => {
      // The state has moved on already: without the facts in the log it must not live on.
      if ('error' in result) this.#abort(new Error(`${result.error}: ${result.message}`))
    })
    this.#rests([born, appended])
  }

  #leaving(ticket: Ticket, reply: Reply): () => void {
    const resolve = this.#parked.get(ticket)
    this.#parked.delete(ticket)
    return () => resolve?.(reply)
  }

  #tick(): void {
    const nowMs = this.#now()
    for (const [of, atMs] of this.#deadlines)
      if (atMs <= nowMs) this.#turn(of, state => this.#machine.tick(state, nowMs))
    this.#wake()
    this.#options.onTick?.()
  }

  /** After a state changed: when it is next due, and whether it is worth keeping. */
  #settle(of: string): void {
    const state = this.#stateOf(of)
    const atMs = this.#machine.deadline(state) ?? Number.POSITIVE_INFINITY
    const beforeMs = this.#deadlines.get(of)
    if (atMs === Number.POSITIVE_INFINITY) this.#deadlines.delete(of)
    else this.#deadlines.set(of, atMs)
    if (atMs <= this.#nextMs) this.#nextMs = atMs
    // Only when the first of all moved is it worth looking at all.
    else if (beforeMs === this.#nextMs)
      this.#nextMs = this.#deadlines.values().reduce((first, one) => Math.min(first, one), Number.POSITIVE_INFINITY)
    if (this.#machine.isEmpty(state)) this.#states.delete(of)
  }

  /** Sees to it that the next deadline is not missed: by the timer while it keeps nobody awake for long, by the alarm anyway. */
  #wake(): void {
    const atMs = this.#nextMs
    if (atMs === Number.POSITIVE_INFINITY) return this.#stopTimer()
    const nowMs = this.#now()
    if (this.#parked.size > 0 || atMs - nowMs <= TIMER_REACH_MS) this.#startTimer(atMs, nowMs)
    else this.#stopTimer()
    // What is due already the timer does at once, and a log that is replayed wants it again.
    if (atMs > nowMs) this.#rests([this.host.arm(atMs)])
  }

  /** From now on replies wait for this too. */
  #rests(writes: readonly (Promise<void> | undefined)[]): void {
    this.#durable = Promise.all([this.#durable, ...writes]).catch(error => this.#abort(error))
  }

  /** A timer that fires too early only starts again, which is cheaper than stopping it for each heartbeat. */
  #startTimer(atMs: number, nowMs: number): void {
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return
    this.#stopTimer()
    const id = setTimeout(
      () => {
        this.#timer = undefined
        this.#tick()
      },
      Math.max(atMs - nowMs, 0),
    )
    this.#timer = { id, atMs }
  }

  #stopTimer(): void {
    clearTimeout(this.#timer?.id)
    this.#timer = undefined
  }

  #stateOf(of: string): State {
    let state = this.#states.get(of)
    if (state === undefined) this.#states.set(of, (state = this.#machine.empty(of)))
    return state
  }

  #abort(error: unknown): never {
    const message = `a turn failed, starting again from what is stored: ${String(error)}`
    logEvent('error', message, { object: nameOf(this.#options.identity), error })
    this.#ctx.abort(message)
    throw error
  }
}

/** Compacted whenever more of it is outdated, perhaps, than is not: each start reads all of it. */
const eagerly = (config: LogConfig): LogConfig => ({
  ...config,
  'cleanup.policy': ['compact'],
  'max.compaction.lag.ms': config['max.compaction.lag.ms'] ?? Number.MAX_VALUE,
  'min.cleanable.dirty.ratio': 0.5,
  'min.compaction.lag.ms': 0,
  'segment.bytes': Math.min(config['segment.bytes'], MAX_DIRTY_BYTES),
})

/** Records as batches of bounded size, one or more. */
function batches(records: readonly NewRecord[]): Uint8Array[] {
  const done: Uint8Array[] = []
  let batch: NewRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      done.push(encodeBatch(batch))
      batch = []
      bytes = 0
    }
    batch.push(record)
    bytes += size
  }
  done.push(encodeBatch(batch))
  return done
}
