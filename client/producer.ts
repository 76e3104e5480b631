// Producing: calls are gathered to batches, one batch of a topic on its way at a time so that their order stays, each with a
// key of its own so that it may be sent again whatever became of it. What is not on disk yet is bounded.

import { backoffMs, type Door, EdgelogError, mayPass } from './door.ts'
import { type Formats, formatQuery, toWire } from './formats.ts'

export interface ProducerOptions {
  /** How long records wait for others to go with them, ms: 5, as in Kafka. */
  readonly lingerMs?: number
  /** Characters of records that may be on their way: 16 Mi. Beyond them produce() and send() wait. */
  readonly bufferSize?: number
  /** How long a batch is tried, ms: 2 minutes, as in Kafka. */
  readonly deliveryTimeoutMs?: number
}

export interface NewRecord<V = unknown, K = unknown> {
  readonly value: V | null
  /** Decides the partition, as with every Kafka client. */
  readonly key?: K | null
  readonly headers?: Readonly<Record<string, string | null>>
  /** ms since 1970; the broker's now, if left out. */
  readonly timestamp?: number
  readonly partition?: number
}

export interface Produced {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
}

type Outcome = Partial<Produced> & { readonly error?: Readonly<Record<string, unknown>> }

/** One call, or a piece of one. */
interface Call {
  readonly texts: readonly string[]
  readonly size: number
  resolve(records: Produced[]): void
  reject(error: unknown): void
}

/** What goes in one request, unless a single record is larger. */
const BATCH_RECORDS = 10_000
const BATCH_SIZE = 1_048_576
/** Calls that wait for room in the buffer. */
const MAX_WAITING = 100_000
/** An answer that takes longer is not waited for; the batch is sent again. */
const REQUEST_TIMEOUT_MS = 30_000
const MAX_BACKOFF_MS = 1_000

export class Producer {
  readonly #door: Door
  readonly #options: ProducerOptions
  /** By path: what goes together. */
  readonly #lanes = new Map<string, Lane>()
  readonly #pending = new Set<Promise<unknown>>()
  #size = 0
  #waiting = 0
  #turn: Promise<unknown> = Promise.resolve()
  #roomy: () => void = () => {}
  #failed: { readonly error: unknown } | undefined
  #closed = false

  constructor(door: Door, options: ProducerOptions) {
    this.#door = door
    this.#options = options
  }

  /** Resolves when the records are on disk. */
  async produce(topic: string, records: readonly NewRecord[], formats: Formats): Promise<Produced[]> {
    const parts: Promise<Produced[]>[] = []
    for (const texts of pieces(records, formats)) parts.push((await this.#admit(topic, texts, formats)).done)
    return (await Promise.all(parts)).flat()
  }

  /** Resolves when there is room for the records; what becomes of them flush() tells. */
  async send(topic: string, records: readonly NewRecord[], formats: Formats): Promise<void> {
    for (const texts of pieces(records, formats)) {
      const { done } = await this.#admit(topic, texts, formats)
      done.catch((error: unknown) => (this.#failed ??= { error }))
    }
  }

  /** Resolves when all that was taken is on disk; throws what went wrong with send() since the last time. */
  async flush(): Promise<void> {
    await this.#turn
    for (const lane of this.#lanes.values()) void lane.run()
    await Promise.allSettled(this.#pending)
    const failed = this.#failed
    this.#failed = undefined
    if (failed) throw failed.error
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
  }

  /** In call order, when there is room. */
  async #admit(topic: string, texts: readonly string[], formats: Formats): Promise<{ done: Promise<Produced[]> }> {
    if (this.#closed)
      throw new EdgelogError({ code: 'INVALID_REQUEST', errorCode: 42, message: 'The client is closed.' })
    if (this.#waiting >= MAX_WAITING)
      throw new EdgelogError({
        ...{ code: 'THROTTLING_QUOTA_EXCEEDED', errorCode: 89, retriable: true },
        message: `${MAX_WAITING} calls are waiting for room in the buffer: await them.`,
      })
    this.#waiting++
    const size = texts.reduce((sum, text) => sum + text.length, 0)
    const admitted = this.#turn.then(async () => {
      const { bufferSize = 16_777_216 } = this.#options
      while (this.#size > 0 && this.#size + size > bufferSize)
        await new Promise<void>(resolve => (this.#roomy = resolve))
      this.#waiting--
      return { done: this.#take(topic, texts, size, formats) }
    })
    this.#turn = admitted
    return admitted
  }

  #take(topic: string, texts: readonly string[], size: number, formats: Formats): Promise<Produced[]> {
    const path = `v1/topics/${encodeURIComponent(topic)}/records?${formatQuery(formats)}`
    let lane = this.#lanes.get(path)
    if (!lane) {
      lane = new Lane(this.#door, path, this.#options, () => this.#lanes.delete(path))
      this.#lanes.set(path, lane)
    }
    this.#size += size
    const done = new Promise<Produced[]>((resolve, reject) => lane.add({ texts, size, resolve, reject })).finally(
      () => {
        this.#size -= size
        this.#pending.delete(done)
        this.#roomy()
      },
    )
    this.#pending.add(done)
    // Whoever waits for it sees it; nobody else has to.
    done.catch(() => {})
    return done
  }
}

/** What goes to one topic in one format. */
class Lane {
  readonly #door: Door
  readonly #path: string
  readonly #options: ProducerOptions
  readonly #idle: () => void
  readonly #queue: Call[] = []
  #size = 0
  #running = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(door: Door, path: string, options: ProducerOptions, idle: () => void) {
    this.#door = door
    this.#path = path
    this.#options = options
    this.#idle = idle
  }

  add(call: Call): void {
    this.#queue.push(call)
    this.#size += call.size
    if (this.#running) return
    if (this.#size >= BATCH_SIZE) void this.run()
    else this.#timer ??= setTimeout(() => void this.run(), this.#options.lingerMs ?? 5)
  }

  /** Sends all there is, batch after batch. What comes while one is on its way goes with the next. */
  async run(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#running) return
    this.#running = true
    while (this.#queue.length > 0) await this.#deliver(this.#batch())
    this.#running = false
    this.#idle()
  }

  #batch(): Call[] {
    let [calls, records, size] = [0, 0, 0]
    for (const call of this.#queue) {
      if (calls > 0 && (size + call.size > BATCH_SIZE || records + call.texts.length > BATCH_RECORDS)) break
      calls++
      size += call.size
      records += call.texts.length
    }
    this.#size -= size
    return this.#queue.splice(0, calls)
  }

  /** Sends a batch until it is answered for good: the same key makes it the same batch to the broker. */
  async #deliver(calls: readonly Call[]): Promise<void> {
    const { deliveryTimeoutMs = 120_000 } = this.#options
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': freshKey() },
      body: `[${calls.flatMap(({ texts }) => texts).join(',')}]`,
    }
    const lastMs = Date.now() + deliveryTimeoutMs
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(request)
      const delayMs = Math.max(backoffMs(attempt, MAX_BACKOFF_MS), answer.retryAfterMs)
      if (!answer.retriable || Date.now() + delayMs > lastMs) return this.#settle(calls, answer)
      await new Promise(resolve => setTimeout(resolve, delayMs))
    }
  }

  async #attempt(request: RequestInit): Promise<Answer> {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
      const { records } = (await this.#door.call(this.#path, { ...request, signal })) as { records: Outcome[] }
      return {
        records,
        error: undefined,
        retriable: records.some(comesAgain),
        retryAfterMs: 0,
      }
    } catch (error) {
      if (!(error instanceof EdgelogError)) return { records: [], error, retriable: false, retryAfterMs: 0 }
      const { records = [], retryAfter } = error.details as { records?: Outcome[]; retryAfter?: number }
      const retriable = records.length > 0 ? records.some(comesAgain) : mayPass(error)
      return { records, error, retriable, retryAfterMs: (retryAfter ?? 0) * 1_000 }
    }
  }

  /** Tells every call what became of its records. */
  async #settle(calls: readonly Call[], { records, error }: Answer): Promise<void> {
    let at = 0
    const wrong = (error as EdgelogError | undefined)?.details?.['record']
    const innocent: Call[] = []
    for (const call of calls) {
      const own = records.slice(at, at + call.texts.length)
      const failed = own.find(outcome => outcome.error)?.error
      // A record that makes no sense is told by its place in all of them, and nothing was appended.
      if (typeof wrong === 'number' && records.length === 0 && (wrong < at || wrong >= at + call.texts.length))
        innocent.push(call)
      else if (failed) call.reject(new EdgelogError({ ...failed, records: own }))
      else if (error && own.length === 0) call.reject(typeof wrong === 'number' ? inCall(error, wrong - at) : error)
      else call.resolve(own as Produced[])
      at += call.texts.length
    }
    if (innocent.length > 0) await this.#deliver(innocent)
  }
}

interface Answer {
  readonly records: readonly Outcome[]
  readonly error: unknown
  readonly retriable: boolean
  readonly retryAfterMs: number
}

const comesAgain = ({ error }: Outcome): boolean => error !== undefined && mayPass(error)

const inCall = (error: unknown, record: number): EdgelogError => {
  const { code, errorCode, retriable, message, details } = error as EdgelogError
  return new EdgelogError({ code, errorCode, retriable, message, ...details, record })
}

/** Records as JSON, cut into what may go in one request. */
function* pieces(records: readonly NewRecord[], { format, keyFormat }: Formats): Generator<string[]> {
  let texts: string[] = []
  let size = 0
  for (const { value, key, ...rest } of records) {
    const text = JSON.stringify({ ...rest, value: toWire(value, format), key: toWire(key, keyFormat) })
    if (texts.length >= BATCH_RECORDS || (texts.length > 0 && size + text.length > BATCH_SIZE)) {
      yield texts
      texts = []
      size = 0
    }
    texts.push(text)
    size += text.length
  }
  if (texts.length > 0) yield texts
}

/** (Pages that are not secure have no crypto.randomUUID.) */
const freshKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
