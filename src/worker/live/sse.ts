// Live consumers over server-sent events: one event a record, its id the token after it, so that a browser's EventSource
// goes on by itself where it was cut. The stream takes no more than the client reads.

import type { ResumeVector } from '../resume.ts'
import { type Door, errorMembers } from './connection.ts'
import type { LiveFailure } from './session.ts'

/** Bytes on their way to a client that does not read them. */
const BUFFER_BYTES = 262_144
/** What a cut client waits before it comes again, and up to as much more, so that not all of them come at once. */
const RETRY_MS = 1_000

export class EventStream implements Door {
  readonly lags = true
  readonly body: ReadableStream<Uint8Array>
  onReady: () => void = () => {}
  onGone: () => void = () => {}
  sentFrames = 0
  sentChars = 0
  #controller: ReadableByteStreamController | undefined
  #text = `retry: ${Math.round(RETRY_MS * (1 + Math.random()))}\n`
  #lastId = ''

  constructor() {
    this.body = new ReadableStream(
      {
        type: 'bytes',
        start: controller => {
          this.#controller = controller
        },
        pull: () => this.onReady(),
        cancel: () => {
          this.#controller = undefined
          this.onGone()
        },
      },
      { highWaterMark: BUFFER_BYTES },
    )
  }

  get ready(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0
  }

  record(json: string, resume: ResumeVector): void {
    this.#lastId = resume.token()
    this.#text += `id: ${this.#lastId}\ndata: ${json}\n\n`
  }

  send(resume: string): void {
    // An event without data is none to the page, but its id is remembered.
    if (resume !== this.#lastId) this.#text += `id: ${resume}\n\n`
    this.#lastId = resume
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
    this.#text += `event: error\ndata: ${JSON.stringify(errorMembers(why))}\n\n`
    this.end()
  }

  /** EventSource takes this for a cut, and comes again with the last id. */
  end(): void {
    this.#flush()
    this.#controller?.close()
    this.#controller = undefined
  }

  #flush(): void {
    const text = this.#text
    this.#text = ''
    this.sentFrames++
    this.sentChars += text.length
    // This may ask for more before it returns.
    if (text !== '') this.#controller?.enqueue(encoder.encode(text))
  }
}

const encoder = new TextEncoder()
