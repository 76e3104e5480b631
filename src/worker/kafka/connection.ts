// One Kafka connection, whatever carries its bytes: frames in, requests started in order, responses out in order. It bounds
// what a client can make the broker hold, and closes on what it does not understand; it knows no API.

import { joined, Reader } from '../../protocol/bytes.ts'
import { codecFor } from '../../protocol/codec.ts'
import { codeOf, ProtocolError } from '../../protocol/errors.ts'
import {
  FrameReader,
  readRequestHeader,
  type RequestHeader,
  responseFrame,
  responseHeaderVersion,
} from '../../protocol/frame.ts'
import type { Broker } from '../broker.ts'
import { kafkaRequests } from '../metrics/measured.ts'
import type { Activity } from '../../cluster/connections.ts'
import { KafkaActivity } from './activity.ts'
import { type AnyApi, type Call, isFlexible, serves } from './api.ts'
import { versionsOf } from './apis/18-api-versions.ts'
import { apis } from './apis.ts'
import { FetchState } from './fetching.ts'
import type { Nodes } from './nodes.ts'

/** A request is one frame; an isolate has 128 MB for everything. */
const MAX_REQUEST_BYTES = 33_554_432
/** Requests read but not answered: beyond either bound the socket is not read on. */
const MAX_WAITING_REQUESTS = 256
const MAX_WAITING_BYTES = 50_331_648
/** Requests a second: whoever sends more is read on when the second is over, so that others get their turn. */
export const MAX_REQUESTS_A_SECOND = 20_000
/** Without anything from the client: Kafka's `connections.max.idle.ms`. */
export const MAX_IDLE_MS = 600_000
const IDLE_CHECK_MS = 10_000
/** Calls to objects after which a connection ends between two requests, well before the invocation's limit does it. */
const MAX_CALLS = 9_000_000

/** Responses up to this size together are copied into one write; larger ones go out as they are. */
const MAX_WRITE_TOGETHER_BYTES = 65_536

const PRODUCE = 0
const API_VERSIONS = 18

/** What carries the bytes. `send` resolves when more may be sent. */
export interface Pipe {
  /** The client's address, once it is known. */
  readonly clientHost?: string | undefined
  send(bytes: Uint8Array): Promise<void>
  close(): void
}

interface Outgoing {
  readonly parts: readonly Uint8Array[]
  /** Of the request it answers. */
  readonly requestBytes: number
}

const announced = apis.filter(api => api.handle !== undefined)
const byKey = new Map(announced.map(api => [api.key, api]))

export class Connection {
  readonly #broker: Broker
  readonly #nodes: Nodes
  readonly #pipe: Pipe
  readonly #log: (line: string) => void
  readonly #frames = new FrameReader(MAX_REQUEST_BYTES)
  readonly #gone = new AbortController()
  readonly #activity = new KafkaActivity()
  readonly #fetches = new FetchState()
  readonly #waiting: Uint8Array[] = []
  #waitingRequests = 0
  #waitingBytes = 0
  #running = false
  #roomy: (() => void) | undefined
  /** When something was received last. */
  #heardMs = Date.now()
  readonly #idle: ReturnType<typeof setInterval>
  /** When the second began in which requests are counted, and how many there were. */
  #secondMs = Date.now()
  #requests = 0
  /** Responses in order, not yet written. */
  readonly #outgoing: Outgoing[] = []
  #writing = false
  /** Resolves when the last response so far is ready to go. */
  #answered: Promise<void> = Promise.resolve()

  constructor(broker: Broker, nodes: Nodes, pipe: Pipe, log: (line: string) => void) {
    this.#broker = broker
    this.#nodes = nodes
    this.#pipe = pipe
    this.#log = log
    // One timer looks how long it has been: setting it anew with every read would cost more than the read.
    this.#idle = setInterval(() => {
      if (Date.now() - this.#heardMs >= MAX_IDLE_MS) this.close()
      else this.#broker.rest()
    }, IDLE_CHECK_MS)
  }

  /** Bytes from the client, cut anywhere; the caller gives them away. Resolves when the client may send more. */
  async receive(bytes: Uint8Array): Promise<void> {
    this.#activity.bytesIn += bytes.length
    this.#heardMs = Date.now()
    try {
      for (const frame of this.#frames.push(bytes)) {
        this.#requests++
        this.#waiting.push(frame)
        this.#waitingRequests++
        this.#waitingBytes += frame.length
      }
    } catch (error) {
      return this.#hangUp(`${whatItLooksLike(bytes)}${String(error)}`)
    }
    if (!this.#running) void this.#run()
    while (!this.closed && (this.#waitingRequests > MAX_WAITING_REQUESTS || this.#waitingBytes > MAX_WAITING_BYTES))
      await new Promise<void>(resolve => {
        this.#roomy = resolve
      })
    if (this.#requests > MAX_REQUESTS_A_SECOND) await this.#secondOver()
  }

  get closed(): boolean {
    return this.#gone.signal.aborted
  }

  /** Everything received so far has been answered. */
  get idle(): boolean {
    return this.#waitingRequests === 0
  }

  /** What it has done so far. */
  get activity(): Activity {
    return this.#activity.told(this.#fetches.sessions)
  }

  /** The client has gone, or must: what it waited for is let go. */
  close(): void {
    if (this.closed) return
    clearInterval(this.#idle)
    this.#gone.abort()
    this.#fetches.close()
    this.#broker.close()
    this.#waiting.length = 0
    this.#outgoing.length = 0
    this.#roomy?.()
    this.#pipe.close()
  }

  /** Resolves when a second has gone by since requests were counted first, at once if it has already. */
  async #secondOver(): Promise<void> {
    const leftMs = this.#secondMs + 1_000 - Date.now()
    if (leftMs > 0) await new Promise(resolve => setTimeout(resolve, leftMs))
    this.#secondMs = Date.now()
    this.#requests = 0
  }

  /** Starts the requests in order, each when the one before it has been answered or says that it was sent. */
  async #run(): Promise<void> {
    this.#running = true
    for (let frame = this.#waiting.shift(); frame !== undefined && !this.closed; frame = this.#waiting.shift()) {
      // Produce requests that came together go on together; no other request holds them up.
      if (apiKeyOf(frame) === PRODUCE) this.#broker.hold()
      else this.#broker.release()
      const { promise: sent, resolve } = Promise.withResolvers<void>()
      const answer = this.#answer(frame, resolve)
      const { length } = frame
      this.#answered = this.#answered.then(() => this.#send(answer, length))
      await Promise.race([sent, answer])
      if (this.#waiting.length === 0) this.#broker.release()
    }
    this.#running = false
  }

  async #send(answer: Promise<readonly Uint8Array[] | undefined>, requestBytes: number): Promise<void> {
    const parts = await answer
    if (parts === undefined) return this.#done(requestBytes)
    this.#outgoing.push({ parts, requestBytes })
    if (!this.#writing) void this.#write()
  }

  /** Responses that are ready together, or become so while others are on their way, leave as one write. */
  async #write(): Promise<void> {
    this.#writing = true
    await Promise.resolve()
    while (this.#outgoing.length > 0 && !this.closed) {
      const together = this.#outgoing.splice(0, writableTogether(this.#outgoing))
      const parts = together.flatMap(({ parts }) => parts)
      const bytes = sizeOf(parts)
      this.#activity.bytesOut += bytes
      const pieces = bytes <= MAX_WRITE_TOGETHER_BYTES && parts.length > 1 ? [joined(parts)] : parts
      await Promise.all(pieces.map(piece => this.#pipe.send(piece))).catch(() => this.close())
      for (const { requestBytes } of together) this.#done(requestBytes)
    }
    this.#writing = false
  }

  /** A request is off this connection's books. */
  #done(requestBytes: number): void {
    this.#waitingRequests--
    this.#waitingBytes -= requestBytes
    this.#roomy?.()
    if (this.#broker.calls > MAX_CALLS && this.idle) this.#hangUp('this connection has made as many calls as one may')
  }

  /** The response frame; undefined where there is none. Never rejects: what goes wrong ends the connection. */
  async #answer(frame: Uint8Array, sent: () => void): Promise<readonly Uint8Array[] | undefined> {
    try {
      const r = new Reader(frame)
      const header = readRequestHeader(r, headerVersion)
      const api = byKey.get(header.apiKey)
      if (api === undefined) throw new ProtocolError(`no API has key ${header.apiKey}`)
      if (!serves(api, header.version)) return unsupported(api, header)
      const flexible = isFlexible(api, header.version)
      const request: unknown = codecFor(api.request, header.version, flexible).read(r)
      this.#activity.heard(header, api, request)
      const begunMs = performance.now()
      const response = await api.handle!(request as never, this.#call(header, sent))
      kafkaRequests.observe(api.name, performance.now() - begunMs)
      if (response === undefined) return undefined
      const codec = codecFor(api.response, header.version, flexible)
      const layout = responseHeaderVersion(api.key, flexible)
      return responseFrame(header.correlationId, layout, codec, response)
    } catch (error) {
      this.#hangUp(
        error instanceof ProtocolError ? String(error) : `a request failed: ${(error as Error).stack ?? String(error)}`,
      )
      return undefined
    }
  }

  #call(header: RequestHeader, sent: () => void): Call {
    return {
      version: header.version,
      clientId: header.clientId,
      clientHost: this.#pipe.clientHost,
      broker: this.#broker,
      nodes: this.#nodes,
      fetches: this.#fetches,
      announced,
      gone: this.#gone.signal,
      sent,
      hangUp: why => this.#hangUp(why),
    }
  }

  #hangUp(why: string): void {
    if (this.closed) return
    this.#log(`kafka: connection closed: ${why.slice(0, 2_000)}`)
    this.close()
  }
}

const apiKeyOf = (frame: Uint8Array): number => (frame[0]! << 8) | frame[1]!

function headerVersion(apiKey: number, version: number): 1 | 2 {
  const api = byKey.get(apiKey)
  return api !== undefined && serves(api, version) && isFlexible(api, version) ? 2 : 1
}

/** ApiVersions is answered in any version, so that clients of any age learn what there is (KIP-511). */
function unsupported(api: AnyApi, header: RequestHeader): readonly Uint8Array[] {
  if (api.key !== API_VERSIONS) throw new ProtocolError(`${api.name} has no version ${header.version}`)
  return responseFrame(header.correlationId, 0, codecFor(api.response, 0, false), {
    errorCode: codeOf('UNSUPPORTED_VERSION'),
    apiKeys: versionsOf(announced),
  })
}

function writableTogether(outgoing: readonly Outgoing[]): number {
  let bytes = 0
  let n = 0
  while (n < outgoing.length && (n === 0 || bytes + sizeOf(outgoing[n]!.parts) <= MAX_WRITE_TOGETHER_BYTES))
    bytes += sizeOf(outgoing[n++]!.parts)
  return n
}

const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0)

function whatItLooksLike(bytes: Uint8Array): string {
  if (bytes[0] === 0x16 && bytes[1] === 3) return 'this looks like TLS, which is not spoken here: '
  const start = new TextDecoder().decode(bytes.subarray(0, 8))
  return /^(GET|POST|PUT|HEAD|OPTIONS|PATCH|DELETE|PRI) /.test(start)
    ? 'this looks like HTTP, which has a port of its own: '
    : ''
}
