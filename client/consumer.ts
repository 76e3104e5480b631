// Consuming: one WebSocket that brings records as far as there is credit for them. Whatever cuts it, it is opened again with
// the token that came with the last records, so that nothing is lost and nothing comes twice.

import { backoffMs, type Door, EdgelogError, mayPass, type Socket, unreachable } from './door.ts'
import { type Formats, formatQuery, fromWire } from './formats.ts'

export interface ConsumeOptions extends Formats {
  /** Where each partition begins: latest, if nothing is said; an offset, or -N for N before the end. */
  readonly offset?: 'earliest' | 'latest' | number
  /** Where to begin instead: the first record of this time (ms since 1970) or later. */
  readonly timestamp?: number
  /** Those of one topic. All, if nothing is said, and those too that are added later. */
  readonly partitions?: readonly number[]
  /** A token that another consumer left (`consumer.resume`): it goes on exactly there. */
  readonly resume?: string
  /** Leaves out what transactions have not committed. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
  /** Ends the consumer, as break does. */
  readonly signal?: AbortSignal
  /** Records sent ahead of whoever reads them: 2,000. */
  readonly ahead?: number
  /** How long the broker may be out of reach, ms, before that is an error: 2 minutes. */
  readonly reconnectMs?: number
}

export interface ConsumedRecord<V = unknown, K = string | null> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  readonly key: K
  readonly value: V
  readonly headers: Readonly<Record<string, unknown>> | readonly { readonly key: string; readonly value: unknown }[]
  /** Only where the record is not of the format asked for: how it is written instead. */
  readonly valueFormat?: 'text' | 'base64'
  readonly keyFormat?: 'text' | 'base64'
}

export interface Batch<V = unknown, K = string | null> {
  readonly records: readonly ConsumedRecord<V, K>[]
  /** Goes on just after these records. */
  readonly resume: string
}

interface Frame<V, K> {
  readonly type: 'records' | 'ping' | 'error'
  readonly records: ConsumedRecord<V, K>[]
  readonly resume: string
  readonly credit?: number
}

const AHEAD = 2_000
const RECONNECT_MS = 120_000
const MAX_BACKOFF_MS = 5_000
/** A broker with nothing to say says so every 15 seconds. */
const SILENCE_MS = 45_000
/** Characters that came and were not taken yet; beyond them the broker is not told that they have come. */
const MAX_UNREAD = 8_388_608

export class Consumer<V = unknown, K = string | null> implements AsyncIterableIterator<ConsumedRecord<V, K>> {
  /** Resolves when it has its place in the log: what is produced from then on it gets. */
  readonly ready: Promise<void>
  /** The token after the last batch of which every record was taken. */
  resume: string | undefined
  readonly #door: Door
  readonly #path: string
  readonly #options: ConsumeOptions
  readonly #over: () => void
  readonly #records = this.#each()
  readonly #queue: { readonly batch: Batch<V, K>; readonly size: number }[] = []
  /** The token of the last batch that came. */
  #come: string | undefined
  /** Records that came and were not taken, and characters of them; records that were taken and not told of. */
  #unread = 0
  #unreadSize = 0
  #owed = 0
  #owesPong = false
  #socket: Socket | undefined
  #heardMs = 0
  #ended = false
  #error: unknown
  #wake = (): void => {}
  #interrupt = (): void => {}
  #isReady!: () => void
  #isNotReady!: (error: unknown) => void

  /** `over`: called when it has ended, however. */
  constructor(door: Door, topics: readonly string[], options: ConsumeOptions, over: () => void) {
    const { offset, timestamp, partitions, isolation, resume, signal } = options
    const query = new URLSearchParams({ topics: topics.join(',') })
    for (const [name, value] of Object.entries({ offset, timestamp, partitions, isolation }))
      if (value !== undefined) query.set(name, String(value))
    this.#door = door
    this.#path = `v1/live?${query}&${formatQuery(options)}`
    this.#options = options
    this.#over = over
    this.#come = this.resume = resume
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve
      this.#isNotReady = reject
    })
    this.ready.catch(() => {})
    signal?.addEventListener('abort', this.close, { once: true })
    if (signal?.aborted) this.close()
    else void this.#run().catch(error => this.#fail(error))
  }

  next(): Promise<IteratorResult<ConsumedRecord<V, K>>> {
    return this.#records.next()
  }

  /** The end, as break has it. */
  return(): Promise<IteratorResult<ConsumedRecord<V, K>>> {
    this.close()
    return this.#records.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The records as they come, many at a time, each time with the token after them. */
  async *batches(): AsyncGenerator<Batch<V, K>, undefined> {
    try {
      for (;;) {
        const next = await this.#next()
        if (next === undefined) return
        const { batch, size } = next
        if (batch.records.length > 0) yield batch
        this.resume = batch.resume
        this.#taken(batch.records.length, size)
      }
    } finally {
      this.close()
    }
  }

  /** Ends it: no record comes any more. */
  readonly close = (): void => {
    this.#ended = true
    this.#over()
    this.#options.signal?.removeEventListener('abort', this.close)
    this.#isReady()
    this.#socket?.close(1000)
    this.#interrupt()
    this.#wake()
  }

  async *#each(): AsyncGenerator<ConsumedRecord<V, K>, undefined> {
    for await (const { records } of this.batches()) yield* records
  }

  async #next() {
    for (;;) {
      if (this.#ended) return undefined
      const next = this.#queue.shift()
      if (next) return next
      if (this.#error !== undefined) throw this.#error
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  #taken(records: number, size: number): void {
    this.#unread -= records
    this.#unreadSize -= size
    this.#owed += records
    if (this.#owed * 2 >= this.#ahead) this.#credit()
    this.#pong()
  }

  #credit(): void {
    if (this.#owed > 0 && this.#say({ type: 'credit', records: this.#owed })) this.#owed = 0
  }

  get #ahead(): number {
    return this.#options.ahead ?? AHEAD
  }

  #fail(error: unknown): void {
    this.#error = error
    this.#over()
    this.#isNotReady(error)
    this.#wake()
  }

  /** Connection after connection, until there is a reason to end. */
  async #run(): Promise<void> {
    const { reconnectMs = RECONNECT_MS } = this.#options
    let lostMs = Date.now()
    for (let attempt = 0; !this.#ended; attempt++) {
      const openedMs = Date.now()
      const { opened, further, why } = await this.#connection()
      if (this.#ended) return
      if (why && !mayPass(why)) throw why
      if (opened) lostMs = Date.now()
      if (further || Date.now() - openedMs > MAX_BACKOFF_MS) attempt = 0
      if (Date.now() - lostMs > reconnectMs)
        throw why ?? unreachable(`The broker has been out of reach for ${reconnectMs} ms.`)
      await this.#pause(backoffMs(attempt, MAX_BACKOFF_MS))
    }
  }

  /** One connection, until it is no more: did it open, did it bring records, and what was wrong. */
  async #connection(): Promise<{ opened: boolean; further: boolean; why: EdgelogError | undefined }> {
    let path = `${this.#path}&credit=${Math.max(0, this.#ahead - this.#unread)}`
    if (this.#come !== undefined) path += `&resume=${this.#come}`
    this.#owed = 0
    this.#owesPong = false
    this.#heardMs = Date.now()
    let [opened, further] = [false, false]
    let why: EdgelogError | undefined
    try {
      const socket = await this.#door.connect(path, 'edgelog')
      this.#socket = socket
      await new Promise<void>(resolve => {
        const over = (): void => {
          clearInterval(watch)
          if (this.#socket === socket) this.#socket = undefined
          socket.close()
          resolve()
        }
        const watch = setInterval(() => {
          // Who has no credit left is told nothing, either.
          if (this.#unread < this.#ahead && Date.now() - this.#heardMs > SILENCE_MS) over()
        }, SILENCE_MS / 3)
        socket.addEventListener('close', over)
        socket.addEventListener('error', over)
        socket.addEventListener('message', ({ data }: { data: string }) => {
          if (this.#socket !== socket) return
          opened = true
          const frame = JSON.parse(data) as Frame<V, K>
          if (frame.type === 'error') why = new EdgelogError({ ...frame })
          else if (this.#heard(frame, data.length)) further = true
        })
        if (this.#ended) over()
      })
    } catch (error) {
      if (!(error instanceof EdgelogError)) throw error
      why = error
    }
    if (!opened && !this.#ended) why ??= await this.#door.refusal(path)
    return { opened, further, why }
  }

  /** Did it bring records? */
  #heard({ type, records, resume, credit }: Frame<V, K>, size: number): boolean {
    this.#heardMs = Date.now()
    if (type === 'records') {
      this.#queue.push({ batch: { records: records.map(this.#opened), resume }, size })
      this.#unread += records.length
      this.#unreadSize += size
      this.#come = resume
      this.#isReady()
      this.#wake()
      return records.length > 0
    }
    // A ping with a credit of 0 waits for that, and needs no other answer.
    if (type === 'ping' && credit === 0) this.#credit()
    else if (type === 'ping') {
      this.#owesPong = true
      this.#pong()
    }
    return false
  }

  readonly #opened = (record: ConsumedRecord<V, K>): ConsumedRecord<V, K> => {
    const { format, keyFormat } = this.#options
    if (format !== 'bytes' && keyFormat !== 'bytes') return record
    return { ...record, key: fromWire(record.key, keyFormat) as K, value: fromWire(record.value, format) as V }
  }

  #pong(): void {
    if (this.#owesPong && this.#unreadSize <= MAX_UNREAD) this.#owesPong = !this.#say({ type: 'pong' })
  }

  #say(frame: unknown): boolean {
    try {
      this.#socket!.send(JSON.stringify(frame))
      return true
    } catch {
      // It is not open yet, or not any more.
      return false
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#ended) this.#interrupt()
    })
  }
}
