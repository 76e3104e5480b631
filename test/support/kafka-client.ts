// A Kafka client that speaks exactly what it is told: any API in any version, many requests at once, and bytes that make no
// sense. It uses the same message definitions as the broker, which are proven against Kafka's own elsewhere.

import { connect, type Socket } from 'node:net'
import { Reader } from '../../src/protocol/bytes.ts'
import { codecFor } from '../../src/protocol/codec.ts'
import { FrameReader, readResponseHeader, requestFrame, responseHeaderVersion } from '../../src/protocol/frame.ts'
import type { Decoded, Encodable, Message } from '../../src/protocol/schema.ts'
import { type Api, isFlexible } from '../../src/worker/kafka/api.ts'

interface Waiting {
  answer(frame: Uint8Array): void
  fail(error: Error): void
}

/** What carries the bytes: a socket, a WebSocket, or nothing at all. */
export interface Line {
  write(bytes: Uint8Array): void
  close(): void
  listen(received: (bytes: Uint8Array) => void, closed: () => void): void
}

export class KafkaClient {
  readonly #line: Line
  readonly #waiting = new Map<number, Waiting>()
  readonly #frames = new FrameReader()
  /** Correlation ids of the responses, as they came. */
  readonly answered: number[] = []
  #correlationId = 0
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>

  constructor(line: Line) {
    this.#line = line
    this.closed = new Promise(resolve => {
      line.listen(
        bytes => this.#received(bytes),
        () => {
          for (const { fail } of this.#waiting.values()) fail(new Error('the broker closed the connection'))
          this.#waiting.clear()
          resolve()
        },
      )
    })
  }

  static connect(port: number, host = '127.0.0.1'): Promise<KafkaClient> {
    return new Promise((resolve, reject) => {
      const socket: Socket = connect(port, host, () => resolve(new KafkaClient(overTcp(socket.setNoDelay()))))
      socket.once('error', reject)
    })
  }

  /** Sends a request and resolves with its response. */
  async call<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    version: number,
    request: Encodable<Q>,
  ): Promise<Decoded<S>> {
    const correlationId = this.send(api, version, request)
    const frame = await new Promise<Uint8Array>((answer, fail) => this.#waiting.set(correlationId, { answer, fail }))
    const r = new Reader(frame)
    const flexible = isFlexible(api, version)
    readResponseHeader(r, responseHeaderVersion(api.key, flexible))
    return codecFor(api.response, version, flexible).read(r)
  }

  /** Sends a request whose response nobody waits for, or which has none (acks 0). */
  send<Q extends Message>(api: Api<Q>, version: number, request: Encodable<Q>): number {
    const correlationId = ++this.#correlationId
    const header = { apiKey: api.key, version, correlationId, clientId: 'test' }
    const flexible = isFlexible(api, version)
    this.write(requestFrame(header, flexible ? 2 : 1, codecFor(api.request, version, flexible), request))
    return correlationId
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#line.write(bytes)
  }

  close(): void {
    this.#line.close()
  }

  #received(bytes: Uint8Array): void {
    for (const frame of this.#frames.push(bytes)) {
      const correlationId = new DataView(frame.buffer, frame.byteOffset).getInt32(0)
      this.answered.push(correlationId)
      this.#waiting.get(correlationId)?.answer(frame)
      this.#waiting.delete(correlationId)
    }
  }
}

const overTcp = (socket: Socket): Line => ({
  write: bytes => socket.write(bytes),
  close: () => socket.destroy(),
  listen(received, closed) {
    socket.on('data', bytes => received(new Uint8Array(bytes as Buffer)))
    socket.on('close', closed)
    socket.on('error', () => {})
  },
})

/** The tunnel: each message of the WebSocket is a piece of the stream. */
export const overWebSocket = (socket: WebSocket): Line => ({
  write: bytes => socket.send(bytes),
  close: () => socket.close(1000),
  listen(received, closed) {
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', event => received(new Uint8Array(event.data as ArrayBuffer)))
    socket.addEventListener('close', closed)
  },
})
