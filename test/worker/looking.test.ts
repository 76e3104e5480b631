// What operators look at over HTTP, on a broker with something to see.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client } from '../support/http.ts'

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
})
afterAll(async () => {
  await broker.close()
})

it('shows the cluster, its brokers and what they are configured with', async () => {
  await api('POST /v1/topics', { body: { name: 'seen', partitions: 3 } })
  const { json } = await api('GET /v1/cluster')
  expect(json).toMatchObject({
    clusterId: expect.stringMatching(/^[\w-]{22}$/),
    controllerId: 0,
    brokers: [{ nodeId: 0, host: 'localhost', port: broker.kafka }],
    topics: 1,
    partitions: 3,
  })
  expect(json.config).toContainEqual({
    name: 'num.partitions',
    value: '1',
    source: 'DEFAULT',
    readOnly: true,
    documentation: expect.any(String),
  })
})

it("shows a topic's configs and where they come from", async () => {
  await api('POST /v1/topics', { body: { name: 'configured', config: { 'retention.ms': 60_000 } } })
  const { json } = await api('GET /v1/topics/configured/config')
  const found = json.config.filter(({ name }: { name: string }) => ['retention.ms', 'retention.bytes'].includes(name))
  expect(found).toMatchObject([
    { name: 'retention.bytes', value: '-1', source: 'DEFAULT', readOnly: false },
    { name: 'retention.ms', value: '60000', source: 'TOPIC', readOnly: false },
  ])
  expect(await api('GET /v1/topics/nowhere/config')).toMatchObject({ status: 404 })
})

it("shows a partition's segments", async () => {
  await api('POST /v1/topics', { body: { name: 'rolled', config: { 'segment.bytes': 1_048_576 } } })
  const big = 'x'.repeat(700_000)
  for (let i = 0; i < 3; i++) await api('POST /v1/topics/rolled/records', { body: { value: big } })
  const { json } = await api('GET /v1/topics/rolled/partitions/0/segments')
  expect(json.segments).toMatchObject([
    { baseOffset: 0, nextOffset: 1, chunks: 1, generation: 0, active: false },
    { baseOffset: 1, nextOffset: 2, active: false },
    { baseOffset: 2, nextOffset: 3, active: true, createdMs: expect.any(Number), maxTimestamp: expect.any(Number) },
  ])
  expect(json.segments[0].sizeBytes).toBeGreaterThan(700_000)
  expect(await api('GET /v1/topics/rolled/partitions/1/segments')).toMatchObject({ status: 404 })
})

it('lists transactions by their ids, from any on', async () => {
  expect((await api('GET /v1/transactions')).json).toEqual({ transactions: [] })
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.kafka}`], logLevel: logLevel.NOTHING })
  for (const transactionalId of ['a', 'b']) {
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'seen', messages: [{ value: 'v' }] })
    if (transactionalId === 'b') await transaction.commit()
    await producer.disconnect()
  }
  const { json } = await api('GET /v1/transactions')
  expect(json.transactions).toMatchObject([
    { transactionalId: 'a', producerId: expect.any(Number), state: 'Ongoing', startMs: expect.any(Number) },
    { transactionalId: 'b', state: expect.stringMatching(/Commit/) },
  ])
  const rest = await api('GET /v1/transactions?after=a')
  expect(rest.json.transactions.map(({ transactionalId }: { transactionalId: string }) => transactionalId)).toEqual([
    'b',
  ])
})
