// POST …/records: one JSON object after the other in, one result line after the other out. A body of known length is
// answered whole; one that comes in chunks is answered while it is being sent, for as long as it is.

import { isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { chunksOf, openBody, readBody } from '../../body.ts'
import { mediaType } from '../../media.ts'
import { topicToProduce } from '../../producing.ts'
import { badRequest } from '../embedded.ts'
import { fromKafka, refuse, restFailure, UNSUPPORTED_MEDIA } from '../errors.ts'
import { NoObject, Objects } from './objects.ts'
import { Production, type Result } from './production.ts'
import { type Call, type Found, route } from './route.ts'

/** The largest value in base64, with room for the rest of its record. */
const MAX_RECORD_BYTES = 25_165_824
/** A body up to here is read whole and answered at once: that costs less, and its results fit into memory. */
const MAX_WHOLE_BYTES = 65_536
/** Results are separated as by the proxy. */
const END = '}\r\n'

const encoder = new TextEncoder()

export function mountRecords(app: App): void {
  route(app, 'POST', '/topics/:topic/records', produce)
}

async function produce(call: Call): Promise<Found> {
  const { c, broker, clusterId } = call
  const request = c.req.raw
  if (mediaType(request.headers.get('content-type')) !== 'application/json') return UNSUPPORTED_MEDIA
  if (request.body === null) return EMPTY
  const topic = await topicToProduce(broker, call.param('topic'))
  if (isFailure(topic)) return fromKafka(topic)
  const production = await Production.start(broker, topic, clusterId)
  return isShort(request) ? whole(request, production) : streamed(request, production)
}

function isShort({ headers }: Request): boolean {
  const said = headers.get('content-length')
  return said !== null && Number(said) <= MAX_WHOLE_BYTES && !headers.has('content-encoding')
}

const EMPTY = restFailure(422, 'Payload error. Request body is empty. Data is required.')

async function whole(request: Request, production: Production): Promise<Response> {
  const body = await readBody(request)
  if (body instanceof Response) return body
  const objects = new Objects(body.length)
  try {
    for (const object of objects.push(body)) {
      const added = production.add(object)
      if (added) await added
    }
    objects.finish()
  } catch (thrown) {
    if (!(thrown instanceof NoObject)) throw thrown
    production.fail(malformed(thrown))
  }
  const results = await production.all()
  if (results.length === 0) return refuse(EMPTY)
  return new Response(text(results), { headers: { 'content-type': 'application/json' } })
}

const malformed = ({ message }: NoObject) => badRequest(`Error processing message: ${message}`)

function text(results: readonly Result[]): string {
  let told = ''
  for (const { failed, members } of results) told += (failed ? '{' : '{"error_code":200,') + members + END
  return told
}

function streamed(request: Request, production: Production): Response {
  const stream = openBody(request)
  if (stream instanceof Response) return stream
  const work = new Streaming(production)
  return new Response(work.results(chunksOf(stream)), { headers: { 'content-type': 'application/json' } })
}

/** Reads, appends and tells at the same time. */
class Streaming {
  readonly #production: Production
  #ended = false
  #cancelled = false
  #waiting: (() => void)[] = []

  constructor(production: Production) {
    this.#production = production
  }

  results(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
    const work = this.#run(chunks)
    // Told by the stream of results.
    work.catch(() => {})
    return new ReadableStream<Uint8Array>({
      pull: async controller => {
        for (;;) {
          const results = this.#production.results()
          if (results.length > 0) {
            this.#wake()
            return controller.enqueue(encoder.encode(text(results)))
          }
          if (this.#ended && this.#production.idle) {
            await work
            return controller.close()
          }
          await this.#progress()
        }
      },
      cancel: () => {
        this.#cancelled = true
        this.#wake()
      },
    })
  }

  async #run(chunks: AsyncGenerator<Uint8Array>): Promise<void> {
    const objects = new Objects(MAX_RECORD_BYTES)
    try {
      for (let chunk = await this.#next(chunks); chunk !== undefined; chunk = await this.#next(chunks))
        for (const object of objects.push(chunk)) {
          const added = this.#production.add(object)
          if (added) await added
          while (this.#production.full && !this.#cancelled) await this.#progress()
        }
      if (!this.#cancelled) objects.finish()
    } catch (thrown) {
      if (!(thrown instanceof NoObject)) throw thrown
      this.#production.fail(malformed(thrown))
    } finally {
      this.#production.flush('all')
      this.#ended = true
      await chunks.return(undefined)
      this.#wake()
    }
  }

  /** The next chunk. Until it comes, partitions with nothing to do get what has gathered for them. */
  async #next(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array | undefined> {
    if (this.#cancelled) return undefined
    const next = chunks.next()
    const come = next.then(() => true)
    do {
      this.#production.flush('idle')
      this.#wake()
    } while (!(await Promise.race([come, this.#progress().then(() => false)])))
    return (await next).value
  }

  #progress(): Promise<void> {
    return Promise.race([this.#production.changed(), new Promise<void>(resolve => this.#waiting.push(resolve))])
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
