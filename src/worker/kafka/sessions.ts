// Incremental fetch sessions (KIP-227): the partitions a connection keeps asking for, so that neither side repeats itself.
// Kafka's FetchSession and FetchManager; here a session lives and dies with its connection.

import type { ErrorName } from '../../protocol/errors.ts'

/** One partition somebody wants, by topic name or id, whichever the version uses. */
export interface Wanted {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly maxBytes: number
}

/** What the client was last told of a partition; an incremental response says only what is new. */
export interface Known {
  highWatermark: number
  logStartOffset: number
}

export interface Session {
  readonly id: number
  epoch: number
  readonly wanted: Map<string, Wanted>
  readonly known: Map<string, Known>
}

/** What a request wants and, if it goes by a session, which. */
export interface Opened {
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly session: Session | undefined
  /** The response leaves out partitions with nothing new. */
  readonly incremental: boolean
}

/** Sessions of one connection; clients have one. */
const MAX_SESSIONS = 16
const MAX_PARTITIONS = 100_000

export const keyOf = (wanted: { topic: string; topicId: string; partition: number }): string =>
  `${wanted.topic || wanted.topicId}/${wanted.partition}`

export class Sessions {
  readonly #sessions = new Map<number, Session>()
  /** What the last fetch asked for. */
  wanted: ReadonlyMap<string, Wanted> = new Map()

  /** Opens, continues or ends a session as the request says; FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH. */
  open(
    id: number,
    epoch: number,
    wanted: readonly Wanted[],
    forgotten: readonly { topic: string; topicId: string; partition: number }[],
  ): Opened | ErrorName {
    const all = new Map(wanted.map(one => [keyOf(one), one]))
    if (epoch <= 0) {
      this.#sessions.delete(id)
      const session = epoch === 0 && all.size > 0 && all.size <= MAX_PARTITIONS ? this.#create(all) : undefined
      this.wanted = session?.wanted ?? all
      return { wanted: this.wanted, session, incremental: false }
    }
    const session = this.#sessions.get(id)
    if (session === undefined) return 'FETCH_SESSION_ID_NOT_FOUND'
    if (session.epoch !== epoch) return 'INVALID_FETCH_SESSION_EPOCH'
    session.epoch = epoch === 0x7fff_ffff ? 1 : epoch + 1
    for (const key of forgotten.map(keyOf)) {
      session.wanted.delete(key)
      session.known.delete(key)
    }
    for (const [key, one] of all)
      if (session.wanted.has(key) || session.wanted.size < MAX_PARTITIONS) session.wanted.set(key, one)
    this.wanted = session.wanted
    return { wanted: session.wanted, session, incremental: true }
  }

  #create(wanted: Map<string, Wanted>): Session {
    if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!)
    let id = 0
    while (id === 0 || this.#sessions.has(id)) id = Math.floor(Math.random() * 0x7fff_fffe) + 1
    const session = { id, epoch: 1, wanted, known: new Map<string, Known>() }
    this.#sessions.set(id, session)
    return session
  }
}
