// Follower: the Worker's end of following one partition. It keeps the place: records come in order, none skipped and none
// twice, whatever happens to the socket or to the object behind it (protocol: src/log/followers.ts).

import { decodeTold, encodeAsk, type Isolation, type Told } from '../log/followers.ts'
import { type Failure, failure } from '../protocol/errors.ts'

/** What following brings, in order. After an `error` the follower is closed. */
export type Followed = Exclude<Told, { type: 'where' }>

/** Tries to reach the partition again before giving up, the wait doubling from the first to the last. */
const MAX_RETRIES = 8
const FIRST_RETRY_MS = 50

/** Where to follow from, how much may come, and what of it there is to see. */
export interface Following {
  readonly offset: number
  readonly creditBytes: number
  readonly isolation?: Isolation | undefined
  /** What it passes on lags behind, as event streams do: where there are many, the log rests between two tellings. */
  readonly lags?: boolean
}

type Dial = (ask: Following) => Promise<Response>

/** Told of every piece that came. */
type Passed = (offsets: number, bytes: number) => void

export class Follower {
  readonly #dial: Dial
  readonly #passed: Passed | undefined
  readonly #isolation: Isolation | undefined
  #socket: WebSocket | undefined
  #nextOffset: number
  /** Bytes that may still come. */
  #creditBytes: number
  #events: Followed[] = []
  #waiting: ((followed: Followed) => void) | undefined
  #closed = false

  private constructor(dial: Dial, { offset, creditBytes, isolation }: Following, passed?: Passed) {
    this.#dial = dial
    this.#passed = passed
    this.#isolation = isolation
    this.#nextOffset = offset
    this.#creditBytes = creditBytes
  }

  static async open(dial: Dial, from: Following, passed?: Passed): Promise<Follower | Failure> {
    const follower = new Follower(dial, from, passed)
    const failed = await follower.#connect()
    return failed ?? follower
  }

  /** The offset of the next record to come. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** The next event, waiting for it; one waiter at a time. */
  next(): Promise<Followed> {
    const followed = this.#events.shift()
    if (followed !== undefined) return Promise.resolve(followed)
    return new Promise(resolve => {
      this.#waiting = resolve
    })
  }

  /** Lets that many bytes more come. At least one batch comes for any credit above zero. */
  credit(bytes: number): void {
    // A batch larger than the credit left overdraws it; what comes back pays that first.
    this.#creditBytes += bytes
    this.#send({ type: 'credit', creditBytes: bytes })
  }

  close(): void {
    this.#closed = true
    this.#socket?.close(1000)
    this.#socket = undefined
  }

  async #connect(): Promise<Failure | undefined> {
    const response = await this.#dial(this.#place)
    const socket = response.webSocket
    if (!socket) return (await response.json()) as Failure
    if (this.#closed) {
      socket.accept()
      socket.close(1000)
      return undefined
    }
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', event => this.#told(event.data as ArrayBuffer))
    const gone = (): void => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      if (!this.#closed) void this.#reconnect()
    }
    socket.addEventListener('close', gone)
    socket.addEventListener('error', gone)
    socket.accept()
    return undefined
  }

  async #reconnect(): Promise<void> {
    let failed: Failure = failure('REQUEST_TIMED_OUT', 'The partition could not be reached again.')
    for (let attempt = 0; attempt < MAX_RETRIES && !this.#closed; attempt++) {
      await new Promise(resolve => setTimeout(resolve, FIRST_RETRY_MS * 2 ** attempt * (0.5 + Math.random())))
      try {
        const refused = await this.#connect()
        if (refused === undefined) return
        failed = refused
        if (refused.error === 'UNKNOWN_TOPIC_ID') break
      } catch {
        // Not reachable yet; the next attempt waits longer.
      }
    }
    this.#emit({ type: 'error', ...failed, logStartOffset: -1 })
  }

  #told(data: ArrayBuffer): void {
    const told = decodeTold(new Uint8Array(data))
    if (told.type === 'where') return this.#send({ type: 'seek', ...this.#place })
    if (told.type === 'data') {
      // Sent before the object learned of a later seek: it will come again from the right place.
      if (told.position !== this.#nextOffset) return
      this.#nextOffset = told.nextOffset
      this.#creditBytes -= told.records.length
      this.#passed?.(told.nextOffset - told.position, told.records.length)
    }
    this.#emit(told)
  }

  get #place(): Following {
    const isolation = this.#isolation
    return {
      offset: this.#nextOffset,
      creditBytes: Math.max(0, this.#creditBytes),
      ...(isolation !== undefined && { isolation }),
    }
  }

  #emit(followed: Followed): void {
    if (this.#closed) return
    if (followed.type === 'error') this.close()
    // A notice that nobody has read yet says less than the one after it.
    const last = this.#events.at(-1)
    if (followed.type === 'end' && last?.type === 'end') this.#events.pop()
    if (this.#waiting === undefined) this.#events.push(followed)
    else {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting(followed)
    }
  }

  #send(ask: Parameters<typeof encodeAsk>[0]): void {
    // Without a socket the next connection carries the whole credit.
    this.#socket?.send(encodeAsk(ask))
  }
}
