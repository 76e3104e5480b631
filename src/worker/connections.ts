// Connections: how a door tells that somebody is connected, and how all who are are found. A connection holds a socket to
// the one object that knows them (objects/connections.ts) and answers it; it does so in its own invocation, and never
// waits for it.

import {
  type Activity,
  type Announced,
  type ConnectionKind,
  writeActivity,
  writeAnnounced,
} from '../cluster/connections.ts'
import type { ConnectionsObject, Counts, ListedConnections } from '../objects/connections.ts'
import type { Rpc } from '../objects/place.ts'
import { type Failure, failure } from '../protocol/errors.ts'

/** Connections that are over before that are not announced: most commands are, and each announcement is a request. */
const SETTLED_MS = 1_000
/** One whose socket was cut, or that was refused, tries again after this, the wait doubling from the first to the last. */
const FIRST_RETRY_MS = 5_000
const MAX_RETRY_MS = 600_000

type Stub = Rpc<Pick<ConnectionsObject, 'counts' | 'list'>> & {
  fetch(url: string, init?: RequestInit): Promise<Response>
}

export class Connections {
  readonly #namespace: DurableObjectNamespace<ConnectionsObject>
  readonly #called: () => void

  constructor(namespace: DurableObjectNamespace<ConnectionsObject>, called: () => void) {
    this.#namespace = namespace
    this.#called = called
  }

  list(kind: ConnectionKind | undefined, limit: number): Promise<ListedConnections | Failure> {
    return this.#ask(stub => stub.list(kind, limit))
  }

  counts(): Promise<Counts | Failure> {
    return this.#ask(stub => stub.counts())
  }

  /** Has the connection known for as long as it lasts. Call what this returns at its end. */
  announce(announced: Announced, activity: () => Activity): () => void {
    const announcement = new Announcement(
      () => {
        this.#called()
        const connection = encodeURIComponent(writeAnnounced(announced))
        const upgrade = { headers: { Upgrade: 'websocket' } }
        return this.#stub.fetch(`http://connections/?connection=${connection}`, upgrade)
      },
      round => writeActivity(round, activity()),
    )
    return () => announcement.end()
  }

  async #ask<T>(ask: (stub: Stub) => Promise<T>): Promise<T | Failure> {
    this.#called()
    try {
      return await ask(this.#stub)
    } catch (error) {
      return failure('REQUEST_TIMED_OUT', `Who is connected could not be asked: ${String(error)}`)
    }
  }

  get #stub(): Stub {
    return this.#namespace.getByName('connections') as unknown as Stub
  }
}

/** What a request says of whoever is connected by it. */
export const announcedBy = (kind: ConnectionKind, connectionId: string, { headers }: Request): Announced => ({
  connectionId,
  kind,
  openedMs: Date.now(),
  remoteAddress: headers.get('cf-connecting-ip'),
  userAgent: headers.get('user-agent'),
})

class Announcement {
  readonly #dial: () => Promise<Response>
  readonly #answer: (round: number) => string
  #timer: ReturnType<typeof setTimeout> | undefined
  #retryMs = FIRST_RETRY_MS
  #socket: WebSocket | undefined
  #over = false

  constructor(dial: () => Promise<Response>, answer: (round: number) => string) {
    this.#dial = dial
    this.#answer = answer
    this.#timer = setTimeout(() => void this.#open(), SETTLED_MS)
  }

  end(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#socket?.close(1000)
  }

  async #open(): Promise<void> {
    const answered = await this.#dial().catch(() => undefined)
    const socket = answered?.webSocket
    if (!socket) return this.#later()
    socket.addEventListener('message', ({ data }) => this.#asked(socket, Number(data)))
    socket.addEventListener('close', () => this.#later())
    socket.accept()
    this.#socket = socket
    if (this.#over) socket.close(1000)
    else this.#retryMs = FIRST_RETRY_MS
  }

  #asked(socket: WebSocket, round: number): void {
    try {
      socket.send(this.#answer(round))
    } catch {
      // It is gone; its close event says so.
    }
  }

  #later(): void {
    this.#socket = undefined
    if (this.#over) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#open(), this.#retryMs * (0.5 + Math.random()))
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }
}
