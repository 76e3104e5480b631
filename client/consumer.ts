// Consuming: one WebSocket that brings records as far as there is credit for them. Whatever cuts it, it is opened again with
// the token that came with the last records, so that nothing is lost and nothing comes twice.

import { backoffMs, type Door, EdgelogError, mayPass, type Socket, unreachable } from './door.ts'
import type { Batch, ConsumedRecord, ConsumeOptions, TopicPartition } from './consumed.ts'
import { formatQuery, fromWire } from './formats.ts'

interface Frame<V, K> {
  readonly type: 'records' | 'ping' | 'error' | 'assigned' | 'revoked' | 'committed'
  readonly records: ConsumedRecord<V, K>[]
  readonly resume: string | undefined
  readonly credit?: number
  readonly partitions: readonly TopicPartition[]
  /** Of what was revoked: others read it already. */
  readonly lost?: boolean
  readonly id: number
  readonly error?: Readonly<Record<string, unknown>>
}

/** Records that came together. */
interface Piece<V, K> {
  readonly batch: Batch<V, K>
  readonly size: number
  readonly socket: Socket | undefined
  /** Partitions that were lost since. */
  readonly lost: Set<string>
}

const PARAMETERS = [
  ...(['offset', 'timestamp', 'partitions', 'isolation'] as const),
  ...(['group', 'autoCommit', 'instanceId', 'sessionTimeoutMs'] as const),
] as const
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
  readonly #queue: Piece<V, K>[] = []
  /** The piece that is being read. */
  #current: Piece<V, K> | undefined
  /** So many of its records are done with. */
  #done = 0
  #assignment: readonly TopicPartition[] = []
  /** In a group: what was read of each partition and not committed by commit(). */
  readonly #read = new Map<string, TopicPartition & { readonly offset: number }>()
  readonly #commits = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  #commitId = 0
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
    const { resume, signal } = options
    const query = new URLSearchParams({ topics: topics.join(',') })
    for (const name of PARAMETERS) if (options[name] !== undefined) query.set(name, String(options[name]))
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

  /** The partitions that are this member's, in a group. */
  get assignment(): readonly TopicPartition[] {
    return this.#assignment
  }

  /** In a group: commits all records that were given out, the last one too. Resolves when that is durable. */
  async commit(): Promise<void> {
    const offsets = [...this.#read.values()]
    this.#read.clear()
    if (offsets.length === 0) return
    const id = ++this.#commitId
    await new Promise<void>((resolve, reject) => {
      this.#commits.set(id, { resolve, reject })
      if (this.#say({ type: 'commit', id, offsets })) return
      this.#commits.delete(id)
      reject(notCommitted())
    })
  }

  /** The records as they come, many at a time, each time with the token after them. */
  async *batches(): AsyncGenerator<Batch<V, K>, undefined> {
    try {
      for await (const piece of this.#pieces()) {
        const records = piece.batch.records.filter(record => this.#isMine(piece, record))
        for (const record of records) this.#gives(record)
        if (records.length > 0) yield { ...piece.batch, records }
      }
    } finally {
      this.close()
    }
  }

  /** Ends it: no record comes any more. */
  readonly close = (): void => {
    if (this.#ended) return
    this.#ended = true
    if (this.#options.group && this.#current?.socket === this.#socket) {
      this.#owed += this.#done
      this.#credit()
    }
    this.#over()
    this.#options.signal?.removeEventListener('abort', this.close)
    this.#isReady()
    this.#socket?.close(1000)
    this.#interrupt()
    this.#wake()
  }

  async *#each(): AsyncGenerator<ConsumedRecord<V, K>, undefined> {
    try {
      for await (const piece of this.#pieces())
        for (const [at, record] of piece.batch.records.entries()) {
          this.#done = at
          if (!this.#isMine(piece, record)) continue
          this.#gives(record)
          yield record
        }
    } finally {
      this.close()
    }
  }

  /** What came, each told of when the next one is asked for. */
  async *#pieces(): AsyncGenerator<Piece<V, K>, undefined> {
    for (;;) {
      if (this.#ended) return
      const piece = (this.#current = this.#queue.shift())
      this.#done = 0
      if (piece) {
        yield piece
        this.resume = piece.batch.resume
        this.#taken(piece)
      } else if (this.#error === undefined) await new Promise<void>(resolve => (this.#wake = resolve))
      else throw this.#error
    }
  }

  /** Who left a group, for a moment even, has no say in its partitions: they come again, here or elsewhere. */
  #isMine({ socket, lost }: Piece<V, K>, { topic, partition }: TopicPartition): boolean {
    return !this.#ended && (!this.#options.group || (socket === this.#socket && !lost.has(`${topic}-${partition}`)))
  }

  #gives({ topic, partition, offset }: ConsumedRecord<V, K>): void {
    if (this.#options.group) this.#read.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 })
  }

  #taken({ batch: { records }, size, socket }: Piece<V, K>): void {
    const { group } = this.#options
    if (group && socket !== this.#socket) return
    this.#unread -= records.length
    this.#unreadSize -= size
    this.#owed += records.length
    // A group commits as far as it is told.
    if (group || this.#owed * 2 >= this.#ahead) this.#credit()
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
    if (this.#options.group) {
      this.#queue.length = this.#unread = this.#unreadSize = 0
      this.#read.clear()
    }
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
          if (this.#socket === socket) this.#cut()
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
  #heard(frame: Frame<V, K>, size: number): boolean {
    this.#heardMs = Date.now()
    const { type, records, resume, credit, partitions, lost, id, error } = frame
    if (type === 'records') {
      const batch = { records: records.map(this.#opened), resume }
      this.#queue.push({ batch, size, socket: this.#socket, lost: new Set() })
      this.#unread += records.length
      this.#unreadSize += size
      if (resume !== undefined) {
        // Before the first record, earliest is wherever the log begins by the time it comes again.
        if (this.#come !== undefined || records.length > 0 || this.#options.offset !== 'earliest') this.#come = resume
        this.#isReady()
      }
      this.#wake()
      return records.length > 0
    }
    // A ping with a credit of 0 waits for that, and needs no other answer.
    if (type === 'ping' && credit === 0) this.#credit()
    else if (type === 'ping') {
      this.#owesPong = true
      this.#pong()
    } else if (type === 'assigned') {
      this.#assignment = [...this.#assignment, ...partitions.map(({ topic, partition }) => ({ topic, partition }))]
      this.#isReady()
    } else if (type === 'revoked') this.#revoked(partitions, lost)
    else if (type === 'committed') {
      if (error) this.#commits.get(id)?.reject(new EdgelogError(error))
      else this.#commits.get(id)?.resolve()
      this.#commits.delete(id)
    }
    return false
  }

  /** What has come of these partitions is still read, unless others do already. */
  #revoked(partitions: readonly TopicPartition[], lost = false): void {
    const gone = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`))
    this.#assignment = this.#assignment.filter(({ topic, partition }) => !gone.has(`${topic}-${partition}`))
    if (!lost) return
    for (const piece of [...this.#queue, ...(this.#current ? [this.#current] : [])])
      for (const key of gone) piece.lost.add(key)
  }

  /** The line is cut: nobody answers what was asked. */
  #cut(): void {
    this.#socket = undefined
    this.#assignment = []
    for (const { reject } of this.#commits.values()) reject(notCommitted())
    this.#commits.clear()
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

const notCommitted = (): EdgelogError => unreachable('The line was cut before the commit was answered.')
