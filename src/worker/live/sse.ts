// Live consumers over server-sent events: one event a record, its id the token after it, so that a browser's EventSource
// goes on by itself where it was cut. The stream takes no more than the client reads.

import { errors } from '../../protocol/errors.ts'
import type { ResumeVector } from '../resume.ts'
import { type Door, errorMembers } from './connection.ts'
import type { LiveFailure } from './session.ts'

/** What a cut client waits before it comes again, and up to as much more, so that not all of them come at once. */
const RETRY_MS = 1_000

export class EventStream implements Door {
  readonly lags = true
  readonly body: ReadableStream<Uint8Array>
  onReady: () => void = () => {}
  onGone: () => void = () => {}
  sentFrames = 0
  sentChars = 0
  readonly heardFrames = 0
  readonly heardChars = 0
  lastMs = Date.now()
  /** Of `sentChars`, those that the other end of the stream has taken. */
  takenChars = 0
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #gone = false
  /** A piece is on its way: what comes meanwhile makes up the next one. */
  #writing = false
  #text = `retry: ${Math.round(RETRY_MS * (1 + Math.random()))}\n`
  #lastId = ''

  constructor() {
    // The runtime's own pipe: a stream that is fed from JavaScript costs a quarter more an event.
    const { readable, writable } = new IdentityTransformStream()
    this.body = readable
    this.#writer = writable.getWriter()
    const gone = (): void => {
      this.#gone = true
      this.onGone()
    }
    this.#writer.closed.then(gone, gone)
  }

  get ready(): boolean {
    return !this.#gone && !this.#writing
  }

  record(json: string, resume: ResumeVector | undefined): void {
    if (resume === undefined) this.#text += `data: ${json}\n\n`
    else {
      this.#lastId = resume.token()
      this.#text += `id: ${this.#lastId}\ndata: ${json}\n\n`
    }
  }

  send(resume: string | undefined): void {
    // An event without data is none to the page, but its id is remembered.
    if (resume !== undefined && resume !== this.#lastId) this.#text += `id: ${resume}\n\n`
    this.#lastId = resume ?? ''
    this.#flush()
  }

  moved(type: 'assigned' | 'revoked', members: Readonly<Record<string, unknown>>): void {
    this.#text += `event: ${type}\ndata: ${JSON.stringify(members)}\n\n`
    this.#flush()
  }

  waits(): void {
    // The stream says by itself when it can take more.
  }

  keepAlive(): void {
    if (!this.ready) return
    this.#text += ':\n\n'
    this.#flush()
  }

  fail(why: LiveFailure): void {
    this.#text += lastWord(why, this.#lastId !== '')
    this.end()
  }

  /** EventSource takes this for a cut, and comes again with the last id. */
  end(): void {
    this.#flush()
    void this.#writer.close().catch(() => {})
  }

  #flush(): void {
    const text = this.#text
    this.#text = ''
    this.sentFrames++
    this.sentChars += text.length
    this.lastMs = Date.now()
    if (text === '') return
    this.#writing = true
    // What fails has the writer closed.
    this.#writer.write(encoder.encode(text)).then(
      () => {
        this.#writing = false
        this.takenChars += text.length
        this.onReady()
      },
      () => {},
    )
  }
}

/**
 * What to answer an EventSource that comes again and cannot go on. It shows a page no answer but a stream, and takes any other
 * status for the end: so it is told in one, and where trying again may help the stream just ends.
 */
export function farewell(why: LiveFailure): Response {
  return new Response(isLasting(why) ? lastWord(why, true) : `retry: ${RETRY_MS}\n\n`, { headers: EVENT_HEADERS })
}

/** With an id that is no token, an EventSource is refused when it comes again, and stays away. */
const lastWord = (why: LiveFailure, hasId: boolean): string =>
  `${hasId && isLasting(why) ? `id: !${why.error}\n` : ''}event: error\ndata: ${JSON.stringify(errorMembers(why))}\n\n`

const isLasting = ({ error }: LiveFailure): boolean => errors[error].status < 500

export const EVENT_STREAM = 'text/event-stream'
export const EVENT_HEADERS = { 'content-type': EVENT_STREAM, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

const encoder = new TextEncoder()
