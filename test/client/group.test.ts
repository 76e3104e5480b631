// The client as a member of a group, beside others and beside KafkaJS: all records are read, and those of graceful members once.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Consumer, Edgelog, type EdgelogOptions } from '../../client/index.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { Sockets } from '../support/lines.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker({ config: { 'group.initial.rebalance.delay.ms': 0 } })
})
afterAll(() => broker.close())

const client = (options: EdgelogOptions = {}): Edgelog => new Edgelog(broker.http, options)

let topics = 0
async function aTopic(partitions: number): Promise<string> {
  const name = `topic-${++topics}`
  await client().call('/v1/topics', { method: 'POST', body: JSON.stringify({ name, partitions }) })
  return name
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** What has been read, by whom. */
class Seen {
  readonly values: number[] = []

  async by(consumer: Consumer<number>): Promise<void> {
    for await (const { value } of consumer) this.values.push(value)
  }

  async all(count: number): Promise<void> {
    await vi.waitUntil(() => new Set(this.values).size >= count, { timeout: 15_000 })
  }
}

const sizes = (...consumers: Consumer<number>[]): number[] =>
  consumers.map(({ assignment }) => assignment.length).toSorted()

describe('a member of a group', () => {
  it('shares the partitions with others, who come and go', { timeout: 40_000 }, async () => {
    const topic = await aTopic(4)
    const edgelog = client()
    const member = (): Consumer<number> => client().consume<number>(topic, { group: 'shared', offset: 'earliest' })
    const seen = new Seen()
    const first = member()
    void seen.by(first)
    await first.ready
    const second = member()
    void seen.by(second)
    await vi.waitUntil(() => sizes(first, second).join() === '2,2', { timeout: 15_000 })
    await edgelog.produce(
      topic,
      numbers(400).map(value => ({ value, partition: value % 4 })),
    )
    await seen.all(400)
    await first.return()
    await vi.waitUntil(() => sizes(second).join() === '4', { timeout: 15_000 })
    await edgelog.produce(
      topic,
      numbers(400).map(i => ({ value: 400 + i, partition: i % 4 })),
    )
    await seen.all(800)
    await second.return()
    expect(seen.values.toSorted((a, b) => a - b)).toEqual(numbers(800))
  })

  it('shares with KafkaJS', { timeout: 40_000 }, async () => {
    const topic = await aTopic(4)
    const seen = new Seen()
    const kafka = new Kafka({ brokers: [broker.kafka], logLevel: logLevel.NOTHING })
    const theirs = kafka.consumer({ groupId: 'mixed', heartbeatInterval: 200, maxWaitTimeInMs: 100 })
    await theirs.connect()
    await theirs.subscribe({ topic, fromBeginning: true })
    await theirs.run({ eachMessage: async ({ message }) => void seen.values.push(Number(message.value)) })
    const ours = client().consume<number>(topic, { group: 'mixed', offset: 'earliest' })
    void seen.by(ours)
    await vi.waitUntil(() => sizes(ours).join() === '2', { timeout: 20_000 })
    await client().produce(
      topic,
      numbers(100).map(value => ({ value, partition: value % 4 })),
    )
    await seen.all(100)
    expect(seen.values.toSorted((a, b) => a - b)).toEqual(numbers(100))
    await ours.return()
    await theirs.disconnect()
  })

  it('goes on where it committed, and repeats only what was not', async () => {
    const topic = await aTopic(1)
    await client().produce(
      topic,
      numbers(10).map(value => ({ value })),
    )
    const options = { group: 'commits', offset: 'earliest', autoCommit: false } as const
    const first = client().consume<number>(topic, options)
    for await (const { value } of first) {
      if (value === 3) await first.commit()
      if (value === 6) break
    }
    const second = client().consume<number>(topic, options)
    expect((await second.next()).value.value).toBe(4)
    await second.return()
  })

  it('has auto-committed what the loop asked beyond when it ends', async () => {
    const topic = await aTopic(1)
    await client().produce(
      topic,
      numbers(10).map(value => ({ value })),
    )
    const options = { group: 'auto', offset: 'earliest' } as const
    for await (const { value } of client().consume<number>(topic, options)) if (value === 6) break
    const second = client().consume<number>(topic, options)
    expect((await second.next()).value.value).toBe(6)
    await second.return()
  })

  it('loses nothing when its line is cut', { timeout: 40_000 }, async () => {
    const topic = await aTopic(2)
    const sockets = new Sockets()
    const seen = new Seen()
    const consumer = client({ WebSocket: sockets.WebSocket }).consume<number>(topic, {
      group: 'cut',
      offset: 'earliest',
    })
    void seen.by(consumer)
    for (const round of numbers(5)) {
      await client().produce(
        topic,
        numbers(100).map(i => ({ value: round * 100 + i, partition: i % 2 })),
      )
      await seen.all(round * 100 + 50)
      sockets.cut()
    }
    await seen.all(500)
    await consumer.return()
    expect(sockets.opened).toBeGreaterThanOrEqual(5)
  })

  it('is told what makes no sense', async () => {
    const topic = await aTopic(1)
    await expect(
      client()
        .consume(topic, { group: 'g', partitions: [0] })
        .next(),
    ).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
  })
})
