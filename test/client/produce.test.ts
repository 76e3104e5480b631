// The client as producer, against a whole broker: what it says is on disk is there, once and in order, whatever broke.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Edgelog, type EdgelogError, type EdgelogOptions } from '../../client/index.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { lossyFetch } from '../support/lines.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.close())

const client = (options: EdgelogOptions = {}): Edgelog => new Edgelog(broker.http, options)

let topics = 0
async function aTopic(partitions = 1): Promise<string> {
  const name = `topic-${++topics}`
  await client().call('/v1/topics', { method: 'POST', body: JSON.stringify({ name, partitions }) })
  return name
}

interface Stored {
  readonly offset: number
  readonly key: string | null
  readonly value: unknown
  readonly headers: unknown
}

async function stored(topic: string, partition = 0): Promise<Stored[]> {
  const all: Stored[] = []
  for (let offset = 0; ;) {
    const path = `v1/topics/${topic}/partitions/${partition}/records?offset=${offset}&limit=10000`
    const page = await client().call<{ records: Stored[]; nextOffset: number }>(path)
    all.push(...page.records)
    if (page.nextOffset === offset) return all
    offset = page.nextOffset
  }
}

const values = async (topic: string, partition = 0): Promise<unknown[]> =>
  (await stored(topic, partition)).map(({ value }) => value)

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('producing', () => {
  it('answers with partition and offset, of one record and of several', async () => {
    const topic = await aTopic()
    const edgelog = client()
    expect(await edgelog.produce(topic, { key: 'k', value: { a: 1 }, headers: { trace: 'x' } })).toMatchObject({
      partition: 0,
      offset: 0,
    })
    const many = await edgelog.produce(topic, [{ value: null, key: 'k' }, { value: 'text' }, { value: [3] }])
    expect(many.map(({ offset }) => offset)).toEqual([1, 2, 3])
    expect(await edgelog.produce(topic, [])).toEqual([])
    expect(await stored(topic)).toMatchObject([
      { key: 'k', value: { a: 1 }, headers: { trace: 'x' } },
      { key: 'k', value: null },
      { value: 'text' },
      { value: [3] },
    ])
  })

  it('writes bytes as they are', async () => {
    const topic = await aTopic()
    const bytes = Uint8Array.from(numbers(256))
    await client().produce(topic, { key: bytes.subarray(250), value: bytes }, { format: 'bytes', keyFormat: 'bytes' })
    const path = `v1/topics/${topic}/partitions/0/records?offset=0&format=base64&keyFormat=base64`
    const { records } = await client().call<{ records: { key: string; value: string }[] }>(path)
    expect(new Uint8Array(Buffer.from(records[0]!.value, 'base64'))).toEqual(bytes)
    expect(new Uint8Array(Buffer.from(records[0]!.key, 'base64'))).toEqual(bytes.subarray(250))
  })

  it('sends what comes together together, in order', async () => {
    const topic = await aTopic()
    const { fetch, calls } = lossyFetch()
    const edgelog = client({ fetch })
    await Promise.all(numbers(1_000).map(value => edgelog.produce(topic, { value })))
    expect(await values(topic)).toEqual(numbers(1_000))
    expect(calls.length).toBeLessThanOrEqual(3)
  })

  it('cuts what is too much for one request', async () => {
    const topic = await aTopic()
    const { fetch, calls } = lossyFetch()
    const produced = await client({ fetch }).produce(
      topic,
      numbers(25_000).map(value => ({ value })),
    )
    expect(produced.map(({ offset }) => offset)).toEqual(numbers(25_000))
    expect(calls).toHaveLength(3)
    expect(await values(topic)).toEqual(numbers(25_000))
  })

  it.each(['request', 'answer'] as const)('loses and repeats nothing when each second %s is lost', async lost => {
    const topic = await aTopic(3)
    const { fetch, calls } = lossyFetch(call => (call % 2 === 0 ? lost : undefined))
    const edgelog = client({ fetch, lingerMs: 0 })
    for (const round of numbers(5))
      await Promise.all(numbers(20).map(i => edgelog.produce(topic, { key: `key-${i}`, value: `${round}-${i}` })))
    const all = (await Promise.all(numbers(3).map(partition => values(topic, partition)))).flat()
    expect(all.toSorted()).toEqual(
      numbers(5)
        .flatMap(round => numbers(20).map(i => `${round}-${i}`))
        .toSorted(),
    )
    expect(new Set(calls.map(({ key }) => key)).size).toBeLessThan(calls.length)
  })

  it('goes on over a broker that is killed, in order and once', { timeout: 60_000 }, async () => {
    const topic = await aTopic()
    const edgelog = client()
    const sent: Promise<unknown>[] = []
    for (const i of numbers(3_000)) {
      sent.push(edgelog.produce(topic, { value: i }))
      if (i % 1_000 === 500) await broker.restart()
      if (i % 100 === 0) await sent.at(-1)
    }
    await Promise.all(sent)
    expect(await values(topic)).toEqual(numbers(3_000))
  })

  it('lets nobody else fail for a record that makes no sense', async () => {
    const topic = await aTopic()
    const edgelog = client()
    const [first, wrong, several, last] = await Promise.allSettled([
      edgelog.produce(topic, { value: 'first' }),
      edgelog.produce(topic, { value: undefined }),
      edgelog.produce(topic, [{ value: 'second' }, { value: 'third', partition: 7 }]),
      edgelog.produce(topic, { value: 'last' }),
    ])
    expect([first.status, wrong.status, several.status, last.status]).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect((wrong as PromiseRejectedResult).reason).toMatchObject({
      code: 'INVALID_REQUEST',
      errorCode: 42,
      retriable: false,
      details: { record: 0, field: 'records[1].value' },
    })
    const { code, details } = (several as PromiseRejectedResult).reason as EdgelogError
    expect(code).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(details['records']).toMatchObject([{ offset: expect.any(Number) }, { error: { code } }])
    expect(await values(topic)).toEqual(['first', 'second', 'last'])
  })

  it('says what is wrong by Kafka’s name', async () => {
    await expect(client().produce('no such/topic', { value: 1 })).rejects.toMatchObject({
      name: 'EdgelogError',
      code: 'INVALID_TOPIC_EXCEPTION',
      errorCode: 17,
      retriable: false,
    })
  })

  it('gives up after its delivery timeout', async () => {
    const edgelog = new Edgelog('http://127.0.0.1:21799', { deliveryTimeoutMs: 300 })
    await expect(edgelog.produce('t', { value: 1 })).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
      errorCode: 13,
      retriable: true,
    })
  })
})

describe('sending', () => {
  it('waits for room, and for everything with flush', async () => {
    const topic = await aTopic()
    let onTheWay = 0
    let most = 0
    const edgelog = client({
      bufferSize: 100_000,
      async fetch(url, init) {
        const size = String(init?.body).length
        most = Math.max(most, (onTheWay += size))
        const answer = await fetch(url, init)
        onTheWay -= size
        return answer
      },
    })
    const value = 'x'.repeat(9_000)
    for (const i of numbers(200)) await edgelog.send(topic, { key: `${i}`, value })
    await edgelog.flush()
    expect((await stored(topic)).map(({ key }) => key)).toEqual(numbers(200).map(String))
    expect(most).toBeLessThan(110_000)
  })

  it('tells with flush what went wrong, once', async () => {
    const edgelog = client()
    await edgelog.send('no such/topic', { value: 1 })
    await expect(edgelog.flush()).rejects.toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION' })
    await edgelog.flush()
  })

  it('has everything on disk when it is closed, and takes no more', async () => {
    const topic = await aTopic()
    const edgelog = client({ lingerMs: 60_000 })
    await edgelog.send(topic, [{ value: 1 }, { value: 2 }])
    await edgelog.close()
    expect(await values(topic)).toEqual([1, 2])
    await expect(edgelog.produce(topic, { value: 3 })).rejects.toThrow('closed')
  })
})
