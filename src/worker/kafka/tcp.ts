// Kafka over raw TCP: the socket that `connect()` hands to the Worker, read and written with backpressure both ways.

import { Broker, type Waiter } from '../broker.ts'
import type { Env } from '../env.ts'
import { logEvent } from '../../log-line.ts'
import { Connection, type Pipe } from './connection.ts'
import { Nodes } from './nodes.ts'

/** One read from the socket: more when the last one was full, less when it was nearly empty. */
const MIN_READ_BYTES = 16_384
const MAX_READ_BYTES = 1_048_576

/** Serves one connection until either side ends it. Never rejects: an error that escaped would end more than this socket. */
export async function serveTcp(socket: Socket, env: Env, ctx: Waiter): Promise<void> {
  const writer = socket.writable.getWriter() as WritableStreamDefaultWriter<Uint8Array>
  const reader = socket.readable.getReader({ mode: 'byob' })
  let remoteAddress: string | undefined
  socket.opened.then(
    opened => (remoteAddress = opened.remoteAddress),
    () => {},
  )
  const pipe: Pipe = {
    get clientHost() {
      return remoteAddress?.replace(/:\d+$/, '')
    },
    send: bytes => writer.write(bytes),
    close: () => {
      reader.cancel().catch(() => {})
      socket.close().catch(() => {})
    },
  }
  const requestId = crypto.randomUUID()
  const log = (line: string): void => logEvent('warn', line, { requestId })
  const broker = new Broker(env, ctx, { lasts: true })
  const connection = new Connection(broker, Nodes.parse(env.EDGELOG_BROKERS), pipe, log)
  const left = broker.connections.announce(
    {
      connectionId: requestId,
      kind: 'kafka',
      openedMs: Date.now(),
      get remoteAddress() {
        return remoteAddress ?? null
      },
      userAgent: null,
    },
    () => connection.activity,
  )
  let readBytes = MIN_READ_BYTES
  try {
    while (!connection.closed) {
      // Frames may be views of what was read, so every read has a buffer of its own.
      const { done, value } = await reader.read(new Uint8Array(readBytes))
      if (done || value === undefined) break
      if (value.length === readBytes) readBytes = Math.min(readBytes * 4, MAX_READ_BYTES)
      else if (value.length < readBytes / 16) readBytes = Math.max(readBytes / 4, MIN_READ_BYTES)
      await connection.receive(value)
    }
  } catch {
    // The client is gone; whatever it waited for is let go below.
  } finally {
    left()
    connection.close()
  }
}
