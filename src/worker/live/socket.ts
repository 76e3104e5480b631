// Live consumers over a WebSocket: frames of many records, each with the token after it. The runtime does not say how much
// of what was sent the client has read (WebSocket.bufferedAmount is not there), so the client says it: with credit, or by
// answering pings.

import { errors, type ErrorName } from '../../protocol/errors.ts'
import { type Door, errorMembers } from './connection.ts'
import type { LiveFailure } from './session.ts'

/** Sent to a client that has said nothing yet: so many records, or characters. */
export const FIRST_CREDIT = 1_000
const FIRST_WINDOW_CHARS = 1_048_576
/** Sent at most before a client that gives credit gives some again, or answers a ping. Credit itself is kept to the record. */
const MAX_UNCONFIRMED_CHARS = 16_777_216
/** Close codes of our own: 4000 plus Kafka's error code. */
const CLOSE_CODES = 4_000
const COME_AGAIN = 1_012

export class LiveSocket implements Door {
  readonly lags = false
  onReady: () => void = () => {}
  onGone: () => void = () => {}
  sentFrames = 0
  sentChars = 0
  heardFrames = 0
  heardChars = 0
  lastMs = Date.now()
  readonly #socket: WebSocket
  #records: string[] = []
  #unconfirmedChars = 0
  #windowChars = FIRST_WINDOW_CHARS
  #pinged = false

  constructor(socket: WebSocket) {
    this.#socket = socket
    const gone = (): void => this.onGone()
    socket.addEventListener('close', gone)
    socket.addEventListener('error', gone)
  }

  get ready(): boolean {
    return this.#unconfirmedChars < this.#windowChars
  }

  record(json: string): void {
    this.#records.push(json)
  }

  send(resume: string | undefined): void {
    const records = this.#records.join(',')
    const text =
      resume === undefined
        ? `{"type":"records","records":[${records}]}`
        : `{"type":"records","records":[${records}],"resume":"${resume}"}`
    this.#records = []
    this.write(text)
  }

  /** The client has said so much. */
  heard(chars: number): void {
    this.heardFrames++
    this.heardChars += chars
    this.lastMs = Date.now()
  }

  /** The client has read what was sent to it. */
  confirmed(): void {
    this.#unconfirmedChars = 0
    this.#windowChars = MAX_UNCONFIRMED_CHARS
    this.#pinged = false
    this.onReady()
  }

  /** Tells it once that there is more, and what for it waits. */
  waits(creditLeft: number): void {
    if (this.#pinged) return
    this.#pinged = true
    this.write(`{"type":"ping","credit":${creditLeft}}`)
  }

  keepAlive(): void {
    if (!this.#pinged) this.write('{"type":"ping"}')
  }

  moved(type: 'assigned' | 'revoked', members: Readonly<Record<string, unknown>>): void {
    this.write(JSON.stringify({ type, ...members }))
  }

  fail(why: LiveFailure): void {
    this.write(JSON.stringify({ type: 'error', ...errorMembers(why) }))
    this.#close(closeCode(why.error), why.error)
  }

  end(): void {
    this.#close(COME_AGAIN, 'Connect again: with the resume token, or as a member of the group.')
  }

  left(): void {
    this.#close(1_000, 'You have left the group.')
  }

  /** The answer to the client's own ping. */
  pong(): void {
    if (this.ready) this.write('{"type":"pong"}')
  }

  write(text: string): void {
    this.sentFrames++
    this.sentChars += text.length
    this.lastMs = Date.now()
    this.#unconfirmedChars += text.length
    try {
      this.#socket.send(text)
    } catch {
      // It is gone; its close event says so.
    }
  }

  #close(code: number, reason: string): void {
    try {
      this.#socket.close(code, reason)
    } catch {
      // It is gone already.
    }
  }
}

function closeCode(error: ErrorName): number {
  const { code } = errors[error]
  return code < 0 ? 1_011 : CLOSE_CODES + code
}
