// Transactions over Kafka's protocol, with KafkaJS and with single requests, against a whole broker.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeProducers } from '../../../src/worker/kafka/apis/61-describe-producers.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { KafkaClient } from '../../support/kafka-client.ts'

let broker: Broker
let kafka: Kafka
beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({ clientId: 'test', brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic: 'in', numPartitions: 2 }, { topic: 'out', numPartitions: 3 }, { topic: 'marks' }],
  })
  await admin.disconnect()
})
afterAll(() => broker.close())

/** The values that HTTP tells as JSON and as lines, which are the same. */
async function overHttp(query: string): Promise<string[]> {
  const ask = (accept: string) =>
    fetch(new URL(`/v1/topics/marks/partitions/0/records?${query}`, broker.http), { headers: { accept } })
  const json = (await (await ask('application/json')).json()) as { records: { value: string }[] }
  const lines = (await (await ask('application/x-ndjson')).text()).trim().split('\n')
  const values = lines.map(line => (JSON.parse(line) as { value: string }).value)
  expect(json.records.map(({ value }) => value)).toEqual(values)
  return values
}

/** What a consumer of KafkaJS sees up to a value that was written last. */
async function consumed(topic: string, groupId: string, last: string, readUncommitted = false): Promise<string[]> {
  const consumer = kafka.consumer({ groupId, readUncommitted, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values: string[] = []
  await new Promise<void>(resolve => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value!.toString())
        if (message.value!.toString() === last) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}

describe('KafkaJS', () => {
  it('commits and aborts, and readers of what is committed see all or nothing', async () => {
    const producer = kafka.producer({ transactionalId: 'marks', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (let i = 0; i < 6; i++) {
      const transaction = await producer.transaction()
      for (const part of ['a', 'b']) await transaction.send({ topic: 'marks', messages: [{ value: `${i}${part}` }] })
      if (i % 2 === 0) await transaction.commit()
      else await transaction.abort()
    }
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'marks', messages: [{ value: 'end' }] })
    await transaction.commit()
    await producer.disconnect()
    expect(await consumed('marks', 'committed', 'end')).toEqual(['0a', '0b', '2a', '2b', '4a', '4b', 'end'])
    expect(await consumed('marks', 'everything', 'end', true)).toHaveLength(13)
    expect(await overHttp('isolation=read_committed&format=text')).toEqual(['0a', '0b', '2a', '2b', '4a', '4b', 'end'])
    expect(await overHttp('format=text')).toHaveLength(13)
    expect(await overHttp('isolation=read_committed&format=text&offset=-2')).toEqual(['end'])
  })

  it('commits offsets of a group with what it produced from them', async () => {
    const admin = kafka.admin()
    await admin.connect()
    const producer = kafka.producer({ transactionalId: 'etl', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const topics = [{ topic: 'in', partitions: [{ partition: '0', offset: '5' }] }]
    const aborted = await producer.transaction()
    await aborted.send({ topic: 'out', messages: [{ value: 'no', partition: 0 }] })
    await aborted.sendOffsets({
      consumerGroupId: 'etl-group',
      topics: [{ topic: 'in', partitions: [{ partition: 0, offset: '3' }] }],
    } as never)
    await aborted.abort()
    const offsets = async () =>
      (await admin.fetchOffsets({ groupId: 'etl-group', topics: ['in'] }))[0]!.partitions[0]!.offset
    expect(await offsets()).toBe('-1')
    const committed = await producer.transaction()
    await committed.send({ topic: 'out', messages: [{ value: 'yes', partition: 0 }] })
    await committed.sendOffsets({ consumerGroupId: 'etl-group', topics } as never)
    await committed.commit()
    await expect.poll(offsets).toBe('5')
    await producer.disconnect()
    await admin.disconnect()
    expect(await consumed('out', 'etl-readers', 'yes')).toEqual(['yes'])
  })
})

it('kafka-transactions looks for hanging transactions in every partition, those of coordinators that nobody needed yet too', async () => {
  const producer = kafka.producer({ transactionalId: 'hangs', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  await producer.disconnect()
  const client = await KafkaClient.connect(broker.kafka)
  const partitionIndexes = Array.from({ length: 50 }, (_, i) => i)
  const topics = ['__transaction_state', '__consumer_offsets'].map(name => ({ name, partitionIndexes }))
  const answer = await client.call(describeProducers, 0, { topics })
  const found = answer.topics.flatMap(({ partitions }) => partitions)
  expect(found).toHaveLength(100)
  expect(found.filter(({ errorCode, activeProducers }) => errorCode !== 0 || activeProducers.length > 0)).toEqual([])
  client.close()
})
