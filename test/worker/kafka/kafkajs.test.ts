// KafkaJS, unmodified, over TCP against a whole broker.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Admin, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { decodeBatch } from '../../../src/log/records.ts'
import { readBatches } from '../../../src/log/batch.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { KafkaClient } from '../../support/kafka-client.ts'
import { aFetch } from '../../support/kafka-requests.ts'

let broker: Broker
let kafka: Kafka
let admin: Admin
beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({ clientId: 'test', brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
})
afterAll(async () => {
  await admin.disconnect()
  await broker.close()
})

const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : new TextDecoder().decode(bytes)

/** All records of a partition, as a fetch brings them. */
async function records(topic: string, partition = 0) {
  const client = await KafkaClient.connect(broker.kafka)
  const { responses } = await client.call(fetch, 12, aFetch(topic, { partition }))
  client.close()
  return readBatches(responses[0]!.partitions[0]!.records!).flatMap(batch => {
    const inside = decodeBatch(batch)
    if ('error' in inside) throw new Error(inside.message)
    return inside.map(({ offset, key, value, headers }) => ({
      offset,
      key: text(key),
      value: text(value),
      headers: headers.map(({ key: name, value: bytes }) => [name, text(bytes)]),
    }))
  })
}

describe('KafkaJS as admin', () => {
  it('creates, lists and describes topics', async () => {
    const topics = [
      { topic: 'orders', numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '86400000' }] },
      { topic: 'returns' },
    ]
    expect(await admin.createTopics({ topics, waitForLeaders: true })).toBe(true)
    expect(await admin.createTopics({ topics })).toBe(false)
    expect(await admin.listTopics()).toEqual(expect.arrayContaining(['orders', 'returns']))
    const { topics: described } = await admin.fetchTopicMetadata({ topics: ['orders'] })
    expect(described[0]!.partitions.map(({ partitionId, leader, isr }) => ({ partitionId, leader, isr }))).toEqual(
      expect.arrayContaining([0, 1, 2].map(partitionId => ({ partitionId, leader: 0, isr: [0] }))),
    )
    await expect(admin.createTopics({ topics: [{ topic: 'many', replicationFactor: 9 }] })).rejects.toThrow()
  })

  it('describes and alters configs', async () => {
    await admin.createTopics({ topics: [{ topic: 'configured' }] })
    const resource = { type: ConfigResourceTypes.TOPIC, name: 'configured' }
    const valueOf = async (name: string) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: true,
        resources: [{ ...resource, configNames: [name] }],
      })
      return resources[0]!.configEntries.map(({ configValue, isDefault }) => ({ configValue, isDefault }))
    }
    expect(await valueOf('retention.ms')).toMatchObject([{ configValue: '604800000' }])
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1000' }] }],
    })
    expect(await valueOf('retention.ms')).toMatchObject([{ configValue: '1000' }])
    await expect(
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: 'soon' }] }],
      }),
    ).rejects.toThrow('Configuration is invalid')
  })

  it('adds partitions, deletes records and topics', async () => {
    await admin.createTopics({ topics: [{ topic: 'temporary' }] })
    await admin.createPartitions({ topicPartitions: [{ topic: 'temporary', count: 2 }] })
    const producer = kafka.producer()
    await producer.connect()
    for (let i = 0; i < 5; i++)
      await producer.send({ topic: 'temporary', messages: [{ partition: 1, value: String(i) }] })
    await producer.disconnect()
    // KafkaJS deletes in partitions that it knows of: it looks again here.
    await admin.fetchTopicOffsets('temporary')
    await admin.deleteTopicRecords({ topic: 'temporary', partitions: [{ partition: 1, offset: '3' }] })
    const offsets = await admin.fetchTopicOffsets('temporary')
    expect(offsets.toSorted((a, b) => a.partition - b.partition)).toMatchObject([
      { partition: 0, low: '0', high: '0' },
      { partition: 1, low: '3', high: '5' },
    ])
    await admin.deleteTopics({ topics: ['temporary'] })
    expect(await admin.listTopics()).not.toContain('temporary')
  })

  it('describes the cluster', async () => {
    expect(await admin.describeCluster()).toMatchObject({
      brokers: [{ nodeId: 0, host: 'localhost', port: broker.kafka }],
      controller: 0,
    })
  })
})

describe('KafkaJS as producer', () => {
  it('sends keys, headers and nulls, compressed, and everything comes back', async () => {
    const producer = kafka.producer()
    await producer.connect()
    const messages = [
      { key: 'a', value: 'one', headers: { trace: '1', other: 'x' } },
      { key: null, value: 'two' },
      { key: 'c', value: null },
    ]
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP])
      await producer.send({ topic: 'created-by-producing', acks: -1, compression, messages })
    await producer.disconnect()
    const once = [
      {
        key: 'a',
        value: 'one',
        headers: [
          ['trace', '1'],
          ['other', 'x'],
        ],
      },
      { key: null, value: 'two', headers: [] },
      { key: 'c', value: null, headers: [] },
    ]
    expect(await records('created-by-producing')).toEqual(
      [...once, ...once].map((record, offset) => ({ offset, ...record })),
    )
  })

  it('produces idempotently, many at a time, in order', async () => {
    await admin.createTopics({ topics: [{ topic: 'ordered' }] })
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 })
    await producer.connect()
    const values = Array.from({ length: 200 }, (_, i) => String(i))
    await Promise.all(values.map(value => producer.send({ topic: 'ordered', messages: [{ key: 'k', value }] })))
    await producer.disconnect()
    const stored = (await records('ordered')).map(({ value }) => value)
    expect(stored.toSorted((a, b) => Number(a) - Number(b))).toEqual(values)
  })
})
