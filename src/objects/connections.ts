// ConnectionsObject: who is connected, in whatever isolate. Every connection that lasts holds one hibernating socket here:
// it counts for as long as that is open, and is asked what it has done only when somebody looks. Nothing is stored.

import { DurableObject } from 'cloudflare:workers'
import {
  type Activity,
  type Announced,
  type ConnectionKind,
  connectionKinds,
  MAX_SHOWN,
  readActivity,
  readAnnounced,
  type Shown,
} from '../cluster/connections.ts'
import { failure } from '../protocol/errors.ts'

/** The platform gives an object 32,768 sockets. */
const MAX_CONNECTIONS = 32_000
/** How long a connection may take to answer: one that is far away, or busy. */
const ANSWER_MS = 1_000

/** One question to many connections. */
interface Round {
  readonly answers: Map<WebSocket, Activity>
  readonly asked: number
  readonly all: () => void
}

export type Counts = Readonly<Record<ConnectionKind, number>>

export interface ListedConnections {
  readonly counts: Counts
  /** The oldest first. */
  readonly connections: readonly Shown[]
}

export class ConnectionsObject extends DurableObject {
  /** Looking goes on, by what is looked for: who asks meanwhile sees the same. */
  readonly #looking = new Map<string, Promise<ListedConnections>>()
  readonly #rounds = new Map<number, Round>()
  #round = 0

  /** A connection announces itself: `?connection=` is what holds from its beginning. */
  override fetch(request: Request): Response {
    const announced = readAnnounced(new URL(request.url).searchParams.get('connection') ?? '')
    if (announced === undefined) return Response.json(failure('INVALID_REQUEST'), { status: 400 })
    if (this.ctx.getWebSockets().length >= MAX_CONNECTIONS)
      return Response.json(failure('THROTTLING_QUOTA_EXCEEDED', 'Too many connections to tell apart.'), { status: 429 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server, [announced.kind])
    server.serializeAttachment(announced)
    return new Response(null, { status: 101, webSocket: client })
  }

  counts(): Counts {
    const counts = connectionKinds.map(kind => [kind, this.ctx.getWebSockets(kind).length] as const)
    return Object.fromEntries(counts) as Record<ConnectionKind, number>
  }

  /** So many connections, or those of one kind, each with what it has done. */
  list(kind?: ConnectionKind, limit = MAX_SHOWN): Promise<ListedConnections> {
    const key = `${kind} ${limit}`
    let looking = this.#looking.get(key)
    if (looking === undefined) {
      looking = this.#look(kind, Math.min(limit, MAX_SHOWN)).finally(() => this.#looking.delete(key))
      this.#looking.set(key, looking)
    }
    return looking
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    const said = typeof message === 'string' ? readActivity(message) : undefined
    const round = said && this.#rounds.get(said.round)
    if (round === undefined) return
    round.answers.set(socket, said!.activity)
    if (round.answers.size === round.asked) round.all()
  }

  async #look(kind: ConnectionKind | undefined, limit: number): Promise<ListedConnections> {
    const sockets = this.ctx.getWebSockets(kind).slice(0, limit)
    const answers = await this.#ask(sockets)
    const connections = sockets
      .map(socket => ({ ...(socket.deserializeAttachment() as Announced), activity: answers.get(socket) ?? null }))
      .sort((a, b) => a.openedMs - b.openedMs)
    return { counts: this.counts(), connections }
  }

  /** Asks each; resolves when all have answered or time is up. */
  async #ask(sockets: readonly WebSocket[]): Promise<ReadonlyMap<WebSocket, Activity>> {
    const answers = new Map<WebSocket, Activity>()
    if (sockets.length === 0) return answers
    const number = ++this.#round
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ANSWER_MS)
      const all = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#rounds.set(number, { answers, asked: sockets.length, all })
      for (const socket of sockets) send(socket, String(number))
    })
    this.#rounds.delete(number)
    return answers
  }
}

function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    // It is gone, and will not be here the next time.
  }
}
