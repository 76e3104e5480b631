// Kafka over WebSocket: binary frames are pieces of the byte stream, cut anywhere, both ways. This is how Kafka's clients
// reach a deployed broker, and browsers a local one.

import { subprotocols } from '../auth.ts'
import { Broker, type Waiter } from '../broker.ts'
import { announcedBy } from '../connections.ts'
import type { Env } from '../env.ts'
import { logEvent } from '../../log-line.ts'
import { Connection, type Pipe } from './connection.ts'
import { Nodes } from './nodes.ts'

/** The WebSocket subprotocol of the byte stream. */
export const SUBPROTOCOL = 'kafka'
/** One message out; peers accept up to 32 MiB, smaller pieces keep their memory small. */
const MAX_MESSAGE_BYTES = 1_048_576
/** Bytes received and not yet taken by the connection: a client that sends on regardless is cut off. */
const MAX_RECEIVED_BYTES = 67_108_864

/** Answers the upgrade and serves the connection behind it. */
export function serveTunnel(request: Request, env: Env, ctx: Waiter, requestId: string): Response {
  const { 0: client, 1: server } = new WebSocketPair()
  server.binaryType = 'arraybuffer'
  server.accept()
  const pipe: Pipe = {
    clientHost: request.headers.get('cf-connecting-ip') ?? undefined,
    async send(bytes) {
      for (let at = 0; at < bytes.length; at += MAX_MESSAGE_BYTES)
        server.send(bytes.subarray(at, at + MAX_MESSAGE_BYTES))
    },
    close: () => {
      left()
      server.close(1000)
    },
  }
  const log = (line: string): void => logEvent('warn', line, { requestId })
  const broker = new Broker(env, ctx, { lasts: true })
  const connection = new Connection(broker, Nodes.parse(env.EDGELOG_BROKERS), pipe, log)
  const announced = announcedBy('kafka-websocket', requestId, request)
  const left = broker.connections.announce(announced, () => connection.activity)
  let receivedBytes = 0
  let taken: Promise<void> = Promise.resolve()
  server.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') return connection.close()
    const bytes = new Uint8Array(data as ArrayBuffer)
    receivedBytes += bytes.length
    if (receivedBytes > MAX_RECEIVED_BYTES) return connection.close()
    taken = taken.then(async () => {
      await connection.receive(bytes)
      receivedBytes -= bytes.length
    })
  })
  server.addEventListener('close', () => connection.close())
  server.addEventListener('error', () => connection.close())
  const headers = subprotocols(request.headers).includes(SUBPROTOCOL)
    ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL }
    : undefined
  return new Response(null, { status: 101, webSocket: client, ...(headers && { headers }) })
}
