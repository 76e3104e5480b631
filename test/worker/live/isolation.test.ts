// Live consumers of committed records, against a whole broker and KafkaJS's transactions.

import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { Api, EventClient, LiveClient, type LiveRecord } from '../../support/live-client.ts'

let broker: Broker
let api: Api
let producer: Producer
const clients: { cut(): void }[] = []

beforeAll(async () => {
  broker = await startBroker()
  api = new Api(broker.http)
  const kafka = new Kafka({ brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
  producer = kafka.producer({ transactionalId: 'live', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
})
afterAll(async () => {
  await producer?.disconnect()
  for (const client of clients) client.cut()
  await broker?.close()
})

function readers(
  topic: string,
  query: string,
): { records: LiveRecord[]; until(looks: () => boolean): Promise<void> }[] {
  const opened = [
    new LiveClient(api.url(`/v1/topics/${topic}/live?${query}`)),
    new EventClient(api.url(`/v1/topics/${topic}/records?${query}`)),
  ]
  clients.push(...opened)
  return opened
}

const values = (records: readonly LiveRecord[]): unknown[] => records.map(({ value }) => value)

async function transaction(topic: string, value: string) {
  const open = await producer.transaction()
  for (const part of ['a', 'b']) await open.send({ topic, messages: [{ value: JSON.stringify(value + part) }] })
  return open
}

it('brings what was committed, when it was, and nothing that was aborted', async () => {
  const topic = await api.topic()
  const committed = readers(topic, 'offset=earliest&isolation=read_committed')
  const all = readers(topic, 'offset=earliest')
  await (await transaction(topic, '1')).commit()
  await (await transaction(topic, '2')).abort()
  await api.produce(topic, [{ value: 'plain' }])
  const open = await transaction(topic, '3')
  await api.produce(topic, [{ value: 'behind' }])
  for (const reader of all) await reader.until(() => values(reader.records).includes('behind'))
  expect(values(all[0]!.records)).toEqual(['1a', '1b', '2a', '2b', 'plain', '3a', '3b', 'behind'])
  for (const reader of committed) {
    await reader.until(() => reader.records.length === 3)
    expect(values(reader.records)).toEqual(['1a', '1b', 'plain'])
  }
  await open.commit()
  for (const reader of committed) {
    await reader.until(() => values(reader.records).includes('behind'))
    expect(values(reader.records)).toEqual(['1a', '1b', 'plain', '3a', '3b', 'behind'])
  }
})

it('moves its token over what was aborted, and begins at the last stable offset', async () => {
  const topic = await api.topic()
  const socket = new LiveClient(api.url(`/v1/topics/${topic}/live?offset=earliest&isolation=read_committed`))
  clients.push(socket)
  await socket.opened()
  const before = socket.resume
  await (await transaction(topic, '1')).abort()
  await socket.until(() => socket.resume !== before && socket.frames.length > 1)
  expect(socket.records).toEqual([])
  const open = await transaction(topic, '2')
  const latest = new LiveClient(api.url(`/v1/topics/${topic}/live?isolation=read_committed`))
  clients.push(latest)
  await latest.opened()
  await open.commit()
  const resumed = new LiveClient(api.url(`/v1/topics/${topic}/live?isolation=read_committed&resume=${socket.resume}`))
  clients.push(resumed)
  for (const reader of [socket, latest, resumed]) {
    await reader.until(() => reader.records.length === 2)
    expect(values(reader.records)).toEqual(['2a', '2b'])
  }
})

it('reads many partitions while transactions are open in as many', async () => {
  const partitions = 40
  const topic = await api.topic(partitions)
  const [socket] = readers(topic, 'offset=earliest&isolation=read_committed')
  const open = await producer.transaction()
  const everywhere = (value: string) =>
    Array.from({ length: partitions }, (_, partition) => ({ partition, value: JSON.stringify(value) }))
  await open.send({ topic, messages: everywhere('open') })
  await api.produce(
    topic,
    Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'after' })),
  )
  await open.abort()
  await socket!.until(() => socket!.records.length === partitions)
  expect(new Set(values(socket!.records))).toEqual(new Set(['after']))
})

it('commits, in a group, past what was aborted, and shows a member nothing of it', async () => {
  const topic = await api.topic()
  const path = `/v1/topics/${topic}/live?group=committed&offset=earliest&isolation=read_committed`
  const member = new LiveClient(api.url(path))
  clients.push(member)
  await member.until(() => member.owned.size === 1)
  await (await transaction(topic, '1')).commit()
  await (await transaction(topic, '2')).abort()
  await member.until(() => member.records.length === 2)
  expect(values(member.records)).toEqual(['1a', '1b'])
  for (;;) {
    const { body } = await api.call('GET', '/v1/groups/committed')
    if (body.totalLag === 0 && body.offsets[0]?.offset === 6) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
})
