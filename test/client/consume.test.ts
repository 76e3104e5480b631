// The client as consumer, against a whole broker: every record once and in order, whatever cuts the line in between.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import { type ConsumedRecord, type Consumer, Edgelog, type EdgelogOptions } from '../../client/index.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { Sockets } from '../support/lines.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.close())

const client = (options: EdgelogOptions = {}): Edgelog => new Edgelog(broker.http, options)

let topics = 0
async function aTopic(partitions = 1, values: readonly unknown[] = []): Promise<string> {
  const name = `topic-${++topics}`
  await client().call('/v1/topics', { method: 'POST', body: JSON.stringify({ name, partitions }) })
  await client().produce(
    name,
    values.map(value => ({ value })),
  )
  return name
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** The next records; the consumer stays. */
async function take<V, K>(consumer: Consumer<V, K>, count: number): Promise<ConsumedRecord<V, K>[]> {
  const taken: ConsumedRecord<V, K>[] = []
  while (taken.length < count) {
    const { value, done } = await consumer.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

const valuesOf = (records: readonly ConsumedRecord<unknown, unknown>[]): unknown[] => records.map(({ value }) => value)

describe('consuming', () => {
  it('begins where it is told to', async () => {
    const topic = await aTopic(1, numbers(10))
    const first = async (options: Parameters<Edgelog['consume']>[1]): Promise<unknown> => {
      for await (const { value } of client().consume(topic, options)) return value
      return undefined
    }
    expect(await first({ offset: 'earliest' })).toBe(0)
    expect(await first({ offset: 4 })).toBe(4)
    expect(await first({ offset: -3 })).toBe(7)
    expect(await first({ timestamp: 0 })).toBe(0)
    const latest = client().consume(topic)
    await latest.ready
    await client().produce(topic, { value: 'new' })
    expect(valuesOf(await take(latest, 1))).toEqual(['new'])
    await latest.return()
  })

  it('brings what a record is', async () => {
    const topic = await aTopic(2)
    const record = {
      key: 'k',
      value: { total: 3 },
      headers: { trace: 'x' },
      timestamp: Date.now() - 1_000,
      partition: 1,
    }
    await client().produce(topic, record)
    const consumer = client().consume<{ total: number }>(topic, { offset: 'earliest', partitions: [1] })
    const [taken] = await take(consumer, 1)
    const total: number = taken!.value.total
    expect(total).toBe(3)
    expect(taken).toEqual({ ...record, topic, offset: 0 })
    await consumer.return()
  })

  it('reads several topics', async () => {
    const names = [await aTopic(1, ['a']), await aTopic(3, ['b'])]
    const consumer = client().consume(names, { offset: 'earliest' })
    const taken = await take(consumer, 2)
    expect(new Map(taken.map(({ topic, value }) => [topic, value]))).toEqual(
      new Map([
        [names[0], 'a'],
        [names[1], 'b'],
      ]),
    )
    await consumer.return()
  })

  it('reads bytes as they are, and null as null', async () => {
    const topic = await aTopic()
    const bytes = Uint8Array.from(numbers(256))
    await client().produce(topic, [{ value: bytes, key: 'k' }, { value: null }], { format: 'bytes' })
    const consumer = client().consume<Uint8Array | null>(topic, { offset: 'earliest', format: 'bytes' })
    expect(valuesOf(await take(consumer, 2))).toEqual([bytes, null])
    await consumer.return()
  })

  it('leaves out what transactions did not commit, if asked to', async () => {
    const topic = await aTopic(1, ['plain'])
    const consumer = client().consume(topic, { offset: 'earliest', isolation: 'read_committed' })
    expect(valuesOf(await take(consumer, 1))).toEqual(['plain'])
    await consumer.return()
  })

  it('ends with break, return, close and a signal, and leaves no socket', async () => {
    const topic = await aTopic(1, numbers(3))
    const sockets = new Sockets()
    const edgelog = client({ WebSocket: sockets.WebSocket })
    for await (const { value } of edgelog.consume(topic, { offset: 'earliest' })) if (value === 1) break
    const ended = async (consumer: Consumer, end: () => unknown): Promise<void> => {
      const all = (async () => {
        for await (const { value } of consumer) if (value === 2) void end()
      })()
      await all
      expect(await consumer.next()).toEqual({ value: undefined, done: true })
    }
    const aborted = new AbortController()
    const withSignal = edgelog.consume(topic, { offset: 'earliest', signal: aborted.signal })
    await ended(withSignal, () => aborted.abort())
    expect(await edgelog.consume(topic, { signal: aborted.signal }).next()).toMatchObject({ done: true })
    const returned = edgelog.consume(topic, { offset: 'earliest' })
    await ended(returned, () => returned.return())
    await ended(edgelog.consume(topic, { offset: 'earliest' }), () => edgelog.close())
    await vi.waitUntil(() => sockets.open.size === 0)
    expect(sockets.opened).toBe(4)
  })

  it('is sent no more ahead than it takes', async () => {
    const topic = await aTopic(1, numbers(5_000))
    const sockets = new Sockets()
    const consumer = client({ WebSocket: sockets.WebSocket }).consume(topic, { offset: 'earliest', ahead: 100 })
    let read = 0
    let sent = 0
    const came = (): number => {
      for (const text of sockets.received.slice(read))
        sent += (JSON.parse(text) as { records?: [] }).records?.length ?? 0
      read = sockets.received.length
      return sent
    }
    let most = 0
    let taken = 0
    for await (const { value } of consumer) {
      expect(value).toBe(taken++)
      most = Math.max(most, came() - taken)
      if (taken % 500 === 0) await new Promise(resolve => setImmediate(resolve))
      if (taken === 5_000) break
    }
    expect(most).toBeLessThanOrEqual(100)
  })
})

describe('a consumer whose line breaks', () => {
  it(
    'gets every record once and in order, cut again and again, over a broker that is killed',
    {
      timeout: 60_000,
    },
    async () => {
      const topic = await aTopic(3)
      const sockets = new Sockets()
      const consumer = client({ WebSocket: sockets.WebSocket }).consume<number>(topic, {
        offset: 'earliest',
        ahead: 50,
      })
      const edgelog = client()
      const count = 3_000
      const producing = (async () => {
        for (const i of numbers(count)) {
          await edgelog.send(topic, { value: i, partition: i % 3 })
          if (i % 100 === 0) await edgelog.flush()
        }
        await edgelog.flush()
      })()
      const taken: ConsumedRecord<number>[] = []
      for await (const record of consumer) {
        taken.push(record)
        if (taken.length % 150 === 0) sockets.cut()
        if (taken.length === 1_000) await broker.restart()
        if (taken.length === 2_000) await broker.evict()
        if (taken.length === count) break
      }
      await producing
      for (const partition of [0, 1, 2]) {
        const own = taken.filter(record => record.partition === partition)
        expect(own.map(({ offset }) => offset)).toEqual(numbers(count / 3))
        expect(own.map(({ value }) => value)).toEqual(numbers(count / 3).map(i => i * 3 + partition))
      }
      expect(sockets.opened).toBeGreaterThan(10)
    },
  )

  it('is gone on from by another that has its token', async () => {
    const topic = await aTopic(1, numbers(10))
    const edgelog = client()
    const before: unknown[] = []
    let resume: string | undefined
    for await (const batch of edgelog.consume(topic, { offset: 'earliest' }).batches()) {
      before.push(...valuesOf(batch.records))
      resume = batch.resume
      if (before.length === 10) break
    }
    await edgelog.produce(topic, { value: 10 })
    const after = edgelog.consume(topic, { resume: resume! })
    expect(before).toEqual(numbers(10))
    expect(valuesOf(await take(after, 1))).toEqual([10])
    expect(after.resume).toBe(resume)
    await after.return()
  })
})

describe('a consumer that cannot go on', () => {
  it('throws what is wrong by Kafka’s name', async () => {
    const topic = await aTopic(1, numbers(3))
    const first = (topic: string, options: object) => client().consume(topic, options).next()
    await expect(first('none', {})).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', errorCode: 3 })
    await expect(first(topic, { offset: 99 })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      errorCode: 1,
      details: { topic, partition: 0, offset: 99, logStartOffset: 0 },
    })
    await expect(first(topic, { offset: 'soon' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'offset' },
    })
    await expect(first(topic, { resume: 'token' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'resume' },
    })
    await expect(client().consume('none').ready).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  it('says so when its topic is deleted, after what came before', async () => {
    const topic = await aTopic(1, numbers(3))
    const consumer = client().consume(topic, { offset: 'earliest' })
    expect(valuesOf(await take(consumer, 3))).toEqual([0, 1, 2])
    await client().call(`v1/topics/${topic}`, { method: 'DELETE' })
    await expect(consumer.next()).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_ID' })
    expect(await consumer.next()).toMatchObject({ done: true })
  })

  it('gives up a broker that stays out of reach', async () => {
    const consumer = new Edgelog('http://127.0.0.1:21799').consume('t', { reconnectMs: 200 })
    await expect(consumer.next()).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION', retriable: true })
  })
})

describe('a broker with a token', () => {
  let closed: TestBroker
  beforeAll(async () => {
    closed = await startBroker({ vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: 'öpen-sesame+/?' } })
  })
  afterAll(() => closed.close())

  it('is used by whoever has it', async () => {
    let asked = 0
    const token = async (): Promise<string> => `${++asked && 'open-sesame+/?'}`
    const named = await startBroker({ vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: 'open-sesame+/?' } })
    const edgelog = new Edgelog(named.http, { token })
    await edgelog.produce('t', { value: 1 })
    const consumer = edgelog.consume('t', { offset: 'earliest' })
    expect(valuesOf(await take(consumer, 1))).toEqual([1])
    expect(asked).toBe(2)
    await edgelog.close()
    await named.close()
  })

  it.each([{ token: 'guess' }, {}])('refuses everybody else, who is told why: %o', async options => {
    const edgelog = new Edgelog(closed.http, options)
    const refused = { code: 'SASL_AUTHENTICATION_FAILED', errorCode: 58, retriable: false }
    await expect(edgelog.produce('t', { value: 1 })).rejects.toMatchObject(refused)
    await expect(edgelog.consume('t').next()).rejects.toMatchObject(refused)
  })
})

describe('the package ws', () => {
  it('serves where there is no WebSocket', async () => {
    const topic = await aTopic(1, numbers(3))
    const consumer = client({ WebSocket }).consume(topic, { offset: 'earliest' })
    expect(valuesOf(await take(consumer, 3))).toEqual([0, 1, 2])
    await consumer.return()
  })
})
