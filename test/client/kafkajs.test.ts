// KafkaJS, unmodified, through the WebSocket that a deployed broker has instead of a TCP port.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { socketFactory } from '../../client/kafkajs.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'

const TOKEN = 'open-sesame'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker({
    vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: TOKEN, EDGELOG_BROKERS: 'nowhere.invalid:9092' },
    log: () => {},
  })
})
afterAll(() => broker.close())

const kafka = (token?: string | (() => Promise<string>), path = '/kafka'): Kafka =>
  new Kafka({
    brokers: ['nowhere.invalid:9092'],
    socketFactory: socketFactory(`${broker.http.replace('http', 'ws')}${path}`, token === undefined ? {} : { token }),
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  })

describe('KafkaJS over a WebSocket', () => {
  it('creates a topic, produces and consumes in a group', async () => {
    const client = kafka(async () => TOKEN)
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 3 }], waitForLeaders: true })
    await admin.disconnect()

    const producer = client.producer({ idempotent: true, retry: { retries: 5 } })
    await producer.connect()
    const values = Array.from({ length: 500 }, (_, i) => `${i}`)
    await producer.send({ topic: 't', messages: values.map(value => ({ key: value, value })) })
    // More than one WebSocket message.
    const large = 'x'.repeat(900_000)
    for (let i = 0; i < 3; i++) await producer.send({ topic: 't', messages: [{ key: 'large', value: large }] })
    await producer.disconnect()

    const consumer = client.consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    const seen: string[] = []
    await new Promise<void>(resolve => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(String(message.value))
          if (seen.length === 503) resolve()
        },
      })
    })
    await consumer.disconnect()
    expect(seen.toSorted()).toEqual([...values, large, large, large].toSorted())
  })

  it('may be told the address alone', async () => {
    const admin = kafka(TOKEN, '').admin()
    await admin.connect()
    expect(await admin.describeCluster()).toMatchObject({ brokers: [{ host: 'nowhere.invalid' }] })
    await admin.disconnect()
  })

  it('is told why it may not', async () => {
    await expect(kafka('guess').admin().connect()).rejects.toThrow('That is not the token of this broker.')
    await expect(kafka().admin().connect()).rejects.toThrow('Authorization: Bearer')
  })

  it('is told when there is nobody', async () => {
    const nobody = new Kafka({
      brokers: ['nowhere.invalid:9092'],
      socketFactory: socketFactory('ws://127.0.0.1:21799/kafka'),
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    })
    await expect(nobody.admin().connect()).rejects.toThrow('could not be opened')
  })

  it('connects again to a broker that was killed', async () => {
    const client = kafka(TOKEN)
    const producer = client.producer({ retry: { retries: 8 } })
    await producer.connect()
    await producer.send({ topic: 'again', messages: [{ value: 'before' }] })
    await broker.restart()
    await producer.send({ topic: 'again', messages: [{ value: 'after' }] })
    await producer.disconnect()
  })
})
