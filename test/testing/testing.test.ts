// `edgelog/testing` as other projects' tests have it: a clock that can be moved, memory that can be dropped, a broker that
// can be killed, and all of it beside others.

import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startBroker as startOrdinary } from '../../testing/broker.ts'
import { startBroker, type TestBroker, type TestBrokerOptions } from '../../testing/index.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
})

async function broker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const started = await startBroker(options)
  endings.push(() => started.close())
  return started
}

async function produce(http: string, value: unknown): Promise<{ offset: number; timestamp: number }> {
  const answer = await fetch(`${http}/v1/topics/t/records`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ value }),
  })
  const { records } = (await answer.json()) as { records: { offset: number; timestamp: number }[] }
  return records[0]!
}

async function consume(http: string, query = ''): Promise<unknown[]> {
  const answer = await fetch(`${http}/v1/topics/t/partitions/0/records?offset=earliest${query}`)
  const { records } = (await answer.json()) as { records: { value: unknown }[] }
  return records.map(({ value }) => value)
}

const kafkaOf = ({ kafka }: TestBroker): Kafka => new Kafka({ brokers: [kafka], logLevel: logLevel.NOTHING })

const HOUR_MS = 3_600_000

describe('the clock of a broker in a test', () => {
  it('dates records, and lets them go when their time is over', async () => {
    const { http, advance } = await broker({ config: { 'log.retention.ms': HOUR_MS } })
    const before = await produce(http, 'old')
    await advance(HOUR_MS / 2)
    const after = await produce(http, 'newer')
    expect(after.timestamp - before.timestamp).toBeGreaterThanOrEqual(HOUR_MS / 2)
    expect(await consume(http)).toEqual(['old', 'newer'])
    await advance(2 * HOUR_MS)
    expect(await consume(http)).toEqual([])
    expect(await produce(http, 'now')).toMatchObject({ offset: 2 })
  })

  it('ends the sessions of consumers, who join again', async () => {
    const started = await broker()
    const { http, advance } = started
    await produce(http, 'first')
    const consumer = kafkaOf(started).consumer({
      groupId: 'g',
      sessionTimeout: 30_000,
      heartbeatInterval: 100,
      maxWaitTimeInMs: 100,
    })
    const joined: string[] = []
    let seen: () => void
    const rejoined = new Promise<void>(resolve => (seen = resolve))
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined.push(payload.memberId)
      if (joined.length === 2) seen()
    })
    await consumer.connect()
    endings.push(() => consumer.disconnect())
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    await new Promise<void>(resolve => void consumer.run({ eachMessage: async () => resolve() }))
    await advance(31_000)
    await rejoined
    expect(joined[1]).not.toBe(joined[0])
  })

  it('aborts transactions that nobody ended', async () => {
    const started = await broker()
    const producer = kafkaOf(started).producer({ transactionalId: 'x', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    endings.push(() => producer.disconnect())
    const transaction = await producer.transaction()
    await transaction.send({ topic: 't', messages: [{ value: '"never"' }] })
    await started.advance(HOUR_MS)
    await expect(transaction.commit()).rejects.toThrow(/epoch|fenced|transaction/i)
    await produce(started.http, 'committed')
    expect(await consume(started.http, '&isolation=read_committed')).toEqual(['committed'])
  })

  it('goes on after a restart, and never back', async () => {
    const { http, advance, restart } = await broker()
    await advance(24 * HOUR_MS)
    const before = await produce(http, 1)
    await restart()
    const after = await produce(http, 2)
    expect(after.timestamp).toBeGreaterThanOrEqual(before.timestamp)
    await expect(advance(-1)).rejects.toThrow(RangeError)
  })

  it('is not there where the broker is not in a test', async () => {
    const ordinary = await startOrdinary({ vars: { EDGELOG_TESTING: 'secret', EDGELOG_TESTING_AHEAD_MS: '86400000' } })
    endings.push(() => ordinary.close())
    const move = { method: 'POST', headers: { 'edgelog-testing': 'secret' }, body: '{"aheadMs":86400000,"objects":{}}' }
    expect((await fetch(ordinary.http, move)).status).toBe(405)
    const { timestamp } = await produce(ordinary.http.href.slice(0, -1), 1)
    expect(timestamp).toBeLessThan(Date.now() + HOUR_MS)
  })

  it('is moved by nobody else', async () => {
    const { http } = await broker()
    const move = { method: 'POST', headers: { 'edgelog-testing': 'guess' }, body: '{"aheadMs":86400000,"objects":{}}' }
    expect((await fetch(http, move)).status).toBe(405)
    expect((await produce(http, 1)).timestamp).toBeLessThan(Date.now() + HOUR_MS)
  })
})

describe('a broker in a test', () => {
  it('has what it answered after its memory was dropped, while clients stay connected', async () => {
    const started = await broker()
    const producer = kafkaOf(started).producer({ idempotent: true })
    await producer.connect()
    endings.push(() => producer.disconnect())
    for (let i = 0; i < 5; i++) {
      await producer.send({ topic: 't', messages: [{ value: String(i) }] })
      await started.evict()
    }
    expect(await consume(started.http)).toEqual([0, 1, 2, 3, 4])
  })

  it('leaves objects that are at work when it drops memory', async () => {
    const started = await broker({ config: { 'group.initial.rebalance.delay.ms': 60_000 } })
    await produce(started.http, 1)
    const consumer = kafkaOf(started).consumer({ groupId: 'waits' })
    await consumer.connect()
    await consumer.subscribe({ topic: 't' })
    const waiting = consumer.run({ eachMessage: async () => {} })
    await vi.waitUntil(async () => (await fetch(`${started.http}/v1/groups/waits`)).ok)
    const startedMs = Date.now()
    await started.evict()
    expect(Date.now() - startedMs).toBeLessThan(10_000)
    expect(await consume(started.http)).toEqual([1])
    await started.close()
    await consumer.disconnect()
    await waiting.catch(() => {})
  })

  it('has what it answered after it was killed, at the same addresses', async () => {
    const { http, kafka, restart } = await broker({ kafka: [0, 0] })
    const producer = new Kafka({ brokers: kafka.split(','), logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    endings.push(() => producer.disconnect())
    await producer.send({ topic: 't', messages: [{ value: '"before"' }] })
    await restart()
    await producer.send({ topic: 't', messages: [{ value: '"after"' }] })
    expect(await consume(http)).toEqual(['before', 'after'])
  })

  it('takes Kafka configs', async () => {
    const { http } = await broker({ config: { 'num.partitions': 3 } })
    await produce(http, 1)
    const topic = (await (await fetch(`${http}/v1/topics/t`)).json()) as { partitions: unknown[] }
    expect(topic.partitions).toHaveLength(3)
  })

  it.each([
    { config: { 'num.partition': 3 }, said: 'Unknown broker config name: num.partition' },
    { config: { 'num.partitions': 'x' }, said: 'Invalid value x for configuration num.partitions' },
  ])('does not start with a config that makes no sense: $config', async ({ config, said }) => {
    await expect(broker({ config })).rejects.toThrow(said)
  })

  it('runs beside others that know nothing of it', async () => {
    const three = await Promise.all([broker(), broker(), broker()])
    const offsets = await Promise.all(three.map(async ({ http }, i) => (await produce(http, i)).offset))
    expect(offsets).toEqual([0, 0, 0])
    await three[1]!.advance(HOUR_MS)
    expect(new Set(three.flatMap(({ http, kafka, data }) => [http, kafka, data])).size).toBe(9)
    expect((await produce(three[0]!.http, 1)).timestamp).toBeLessThan(Date.now() + HOUR_MS)
  })
})
