// GET /v1/connections against a whole broker: who is connected through its doors, for as long as they are.

import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { socketFactory } from '../../client/kafkajs.ts'
import type { Connection } from '../../client/answers.ts'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client } from '../support/http.ts'
import { EventClient, LiveClient } from '../support/live-client.ts'

let broker: Broker
let api: ReturnType<typeof client>
let consumer: Consumer
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
  await api('POST /v1/topics', { body: { name: 'orders', partitions: 3 } })
})
afterAll(async () => {
  await consumer?.disconnect()
  await broker.close()
})

const list = async (query = ''): Promise<Connection[]> => (await api(`GET /v1/connections${query}`)).json.connections
const kinds = async (): Promise<string[]> => (await list()).map(({ kind }) => kind).sort()
const found = { timeout: 10_000 }

it('has nobody to show, and is not confused by that', async () => {
  expect((await api('GET /v1/connections')).json).toEqual({
    counts: { kafka: 0, 'kafka-websocket': 0, websocket: 0, sse: 0 },
    connections: [],
  })
  expect((await api('GET /v1/connections?kind=fax')).json).toMatchObject({ code: 'INVALID_REQUEST', field: 'kind' })
})

it("shows a Kafka consumer's connection with its group, its topics and where it comes from", async () => {
  const begunMs = Date.now()
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.kafka}`], clientId: 'billing', logLevel: logLevel.NOTHING })
  consumer = kafka.consumer({ groupId: 'bills' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders' })
  await consumer.run({ eachMessage: async () => {} })
  await expect.poll(async () => (await list()).some(({ partitions }) => partitions === 3), found).toBe(true)
  const connections = await list('?kind=kafka')
  for (const { openedMs, lastMs, requests, bytesIn, remoteAddress } of connections) {
    expect(openedMs).toBeGreaterThanOrEqual(begunMs)
    expect(lastMs).toBeGreaterThanOrEqual(openedMs)
    expect(requests).toBeGreaterThan(0)
    expect(bytesIn).toBeGreaterThan(20)
    expect(remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/)
  }
  expect(connections.map(({ clientId }) => clientId)).toContain('billing')
  expect(Math.max(...connections.map(({ bytesOut }) => bytesOut!))).toBeGreaterThan(100)
  expect(connections.map(({ group }) => group)).toContain('bills')
  expect(connections.flatMap(({ topics }) => topics)).toContain('orders')
  expect((await list('?kind=sse')).length).toBe(0)
})

it('shows live consumers and clients in a tunnel, and forgets each with its connection', async () => {
  const live = new LiveClient(new URL('/v1/topics/orders/live?group=lively', broker.http))
  await live.frame('assigned')
  const events = await new EventClient(new URL('/v1/topics/orders/records', broker.http), {
    'user-agent': 'a-browser',
  }).opened()
  const tunnel = new URL('/kafka', broker.http).href.replace('http', 'ws')
  const kafka = new Kafka({
    brokers: ['edgelog:9092'],
    clientId: 'far',
    socketFactory: socketFactory(tunnel),
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  await expect.poll(kinds, found).toEqual(expect.arrayContaining(['kafka-websocket', 'sse', 'websocket']))
  const connections = await list()
  const of = (kind: string) => connections.find(one => one.kind === kind)
  expect(of('websocket')).toMatchObject({ group: 'lively', requests: expect.any(Number), clientId: null })
  expect(of('sse')).toMatchObject({ userAgent: 'a-browser', topics: ['orders'], partitions: 3, requests: 1 })
  expect(of('kafka-websocket')).toMatchObject({ clientId: 'far', lastRequest: expect.any(String), partitions: 0 })

  live.cut()
  events.cut()
  await admin.disconnect()
  await expect.poll(async () => (await kinds()).some(kind => kind.includes('websocket')), found).toBe(false)
  await consumer.disconnect()
  // That nobody reads an event stream any more shows when something is written to it.
  const afterRecord = async () => {
    await api('POST /v1/topics/orders/records', { body: { value: 1 } })
    return kinds()
  }
  await expect.poll(afterRecord, found).toEqual([])
})
