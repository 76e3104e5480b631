// What one connection may take of the broker in time, whatever carries its bytes.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Broker } from '../../../src/worker/broker.ts'
import type { Env } from '../../../src/worker/env.ts'
import { Connection, MAX_IDLE_MS, MAX_REQUESTS_A_SECOND } from '../../../src/worker/kafka/connection.ts'
import { Nodes } from '../../../src/worker/kafka/nodes.ts'

/** ApiVersions, version 0, without a client id. */
const REQUEST = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 255, 255]
const requests = (count: number): Uint8Array => Uint8Array.from({ length: count * 14 }, (_, i) => REQUEST[i % 14]!)

function aConnection() {
  const told = { answers: 0, closed: false }
  const pipe = {
    async send(bytes: Uint8Array) {
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      for (let at = 0; at < bytes.length; at += 4 + view.getInt32(at)) told.answers++
    },
    close() {
      told.closed = true
    },
  }
  const broker = new Broker({ CLUSTER: { getByName: () => ({}) }, REGISTRY: {} } as unknown as Env, {
    waitUntil: () => {},
  })
  return { connection: new Connection(broker, Nodes.parse(undefined), pipe, () => {}), told }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a connection', () => {
  it('ends when nothing has come for ten minutes, and not before', async () => {
    const { connection, told } = aConnection()
    await vi.advanceTimersByTimeAsync(MAX_IDLE_MS - 1)
    await connection.receive(requests(1))
    await vi.advanceTimersByTimeAsync(MAX_IDLE_MS - 1)
    expect(told).toEqual({ answers: 1, closed: false })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told.closed).toBe(true)
  })

  it('leaves no timer behind', async () => {
    const { connection } = aConnection()
    await connection.receive(requests(1))
    connection.close()
    await connection.receive(requests(1))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is read on only in the next second when it has sent too many requests', async () => {
    const { connection, told } = aConnection()
    for (let i = 0; i < 100; i++) await connection.receive(requests(MAX_REQUESTS_A_SECOND / 100))
    let mayGoOn = false
    const next = connection.receive(requests(1)).then(() => (mayGoOn = true))
    await vi.advanceTimersByTimeAsync(900)
    expect(mayGoOn).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    await next
    expect(told.answers).toBe(MAX_REQUESTS_A_SECOND + 1)
    connection.close()
  })
})
