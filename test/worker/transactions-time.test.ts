// What time, evictions and a killed broker do to transactions and producers: they are forgotten when they may be, not before.

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorOf } from '../../src/protocol/errors.ts'
import { produce } from '../../src/worker/kafka/apis/00-produce.ts'
import { fetch as fetchRecords } from '../../src/worker/kafka/apis/01-fetch.ts'
import { initProducerId } from '../../src/worker/kafka/apis/22-init-producer-id.ts'
import { endTxn } from '../../src/worker/kafka/apis/26-end-txn.ts'
import { describeProducers } from '../../src/worker/kafka/apis/61-describe-producers.ts'
import { listTransactions } from '../../src/worker/kafka/apis/66-list-transactions.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { client, type Reply } from '../support/http.ts'
import { KafkaClient } from '../support/kafka-client.ts'
import { aFetch, aProduce } from '../support/kafka-requests.ts'
import { aBatch } from '../support/log.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A machine may have much else to do. */
const PATIENTLY = { timeout: 15_000 }

let broker: TestBroker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker({
    config: { 'producer.id.expiration.ms': HOUR_MS, 'transactional.id.expiration.ms': 2 * DAY_MS },
  })
  api = client(broker.http)
})
afterAll(() => broker.close())

/** A connection does not outlive a restart. */
async function kafka<T>(use: (client: KafkaClient) => Promise<T>): Promise<T> {
  const connected = await KafkaClient.connect(Number(broker.kafka.split(':')[1]))
  try {
    return await use(connected)
  } finally {
    connected.close()
  }
}

let topics = 0
async function aTopic(config: Record<string, string> = {}): Promise<string> {
  const name = `t${topics++}`
  await api('POST /v1/topics', { body: { name, partitions: 1, config: { 'retention.ms': '-1', ...config } } })
  return name
}

const transact = (body: object, key?: string): Promise<Reply> =>
  api('POST /v1/transactions', { body, ...(key !== undefined && { headers: { 'Idempotency-Key': key } }) })

async function ids(): Promise<string[]> {
  const listed = await kafka(to => to.call(listTransactions, 1, { stateFilters: [], producerIdFilters: [] }))
  return listed.transactionStates.map(({ transactionalId }) => transactionalId).sort()
}

async function committed(topic: string): Promise<unknown[]> {
  const { json } = await api(`GET /v1/topics/${topic}/partitions/0/records?isolation=read_committed`)
  return json.records.map(({ value }: { value: unknown }) => value)
}

/** Sequences of one idempotent producer, and what they were answered. */
async function written(topic: string, producerId: number, baseSequence: number): Promise<string> {
  const records = aBatch(['"v"'], { producerId, producerEpoch: 0, baseSequence, timestamp: Date.now() })
  const { responses } = await kafka(to => to.call(produce, 9, aProduce(topic, records)))
  return errorOf(responses[0]!.partitionResponses[0]!.errorCode)
}

describe('a keyed transaction', () => {
  it('has its answer after evictions, a killed broker and 14 minutes', async () => {
    const topic = await aTopic()
    const key = randomUUID()
    const body = { records: [{ topic, value: 'once' }] }
    const { json, status } = await transact(body, key)
    expect(status).toBe(200)
    await broker.evict()
    expect((await transact(body, key)).json).toEqual(json)
    await broker.restart()
    expect((await transact(body, key)).json).toEqual(json)
    await broker.advance(14 * MINUTE_MS)
    expect((await transact(body, key)).json).toEqual(json)
    expect(await committed(topic)).toEqual(['once'])
  })
})

describe('a keyed produce', () => {
  it('is known after evictions, a killed broker and 14 minutes, and not the next day', async () => {
    const topic = await aTopic()
    const produceOnce = () =>
      api(`POST /v1/topics/${topic}/records`, { body: { value: 1 }, headers: { 'Idempotency-Key': 'k' } })
    const { json } = await produceOnce()
    await broker.evict()
    expect((await produceOnce()).json).toEqual(json)
    await broker.restart()
    await broker.advance(14 * MINUTE_MS)
    expect((await produceOnce()).json).toEqual(json)
    await broker.advance(DAY_MS)
    expect((await produceOnce()).json.records[0].offset).toBe(1)
  })
})

describe('a transaction that nobody ends', () => {
  it('is aborted when its time is up, and holds up nobody any longer', async () => {
    const topic = await aTopic()
    const transactionalId = 'lost'
    const me = await kafka(async to => {
      const begun = await to.call(initProducerId, 4, { transactionalId, transactionTimeoutMs: 30_000 })
      const records = aBatch(['"lost"'], { ...begun, baseSequence: 0, transactional: true, timestamp: Date.now() })
      await to.call(produce, 12, { transactionalId, ...aProduce(topic, records) })
      return begun
    })
    await api(`POST /v1/topics/${topic}/records`, { body: { value: 'behind it' } })
    await broker.evict()
    expect(await committed(topic)).toEqual([])
    await broker.advance(31_000)
    await expect.poll(() => committed(topic), PATIENTLY).toEqual(['behind it'])
    const end = await kafka(to => to.call(endTxn, 5, { transactionalId, ...me, committed: true }))
    expect(end.errorCode).not.toBe(0)
  })
})

describe('a transactional id', () => {
  it('is forgotten after transactional.id.expiration.ms, one made up for a request after 15 minutes', async () => {
    const topic = await aTopic()
    await broker.advance(3 * DAY_MS)
    expect(await ids()).toEqual([])
    await transact({ transactionalId: 'mine', records: [{ topic, value: 1 }] })
    await transact({ records: [{ topic, value: 2 }] })
    await transact({ records: [{ topic, value: 3 }] }, 'key')
    expect(await ids()).toHaveLength(3)
    await broker.evict()
    await broker.advance(16 * MINUTE_MS)
    await expect.poll(ids, PATIENTLY).toEqual(['mine'])
    expect((await transact({ records: [{ topic, value: 4 }] })).status).toBe(200)
    await broker.advance(3 * DAY_MS)
    await expect.poll(ids, PATIENTLY).toEqual([])
    expect((await transact({ transactionalId: 'mine', records: [{ topic, value: 5 }] })).status).toBe(200)
    await expect.poll(() => committed(topic), PATIENTLY).toEqual([1, 2, 3, 4, 5])
  })
})

describe("a producer's sequences", () => {
  it('are known after evictions, a killed broker and the loss of all it wrote, until it was silent for an hour', async () => {
    const topic = await aTopic({ 'internal.segment.bytes': '100' })
    const { producerId } = await kafka(to =>
      to.call(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 }),
    )
    for (const sequence of [0, 1, 2]) expect(await written(topic, producerId, sequence)).toBe('NONE')
    await api(`POST /v1/topics/${topic}/records`, { body: { value: 'x'.repeat(200) } })
    const segments = async () => (await api(`GET /v1/topics/${topic}`)).json.partitions[0].segments
    expect(await segments()).toBe(4)
    await api(`DELETE /v1/topics/${topic}/partitions/0/records?before=4`)
    expect(await segments()).toBe(1)
    for (const forget of [() => broker.evict(), () => broker.restart()]) {
      await forget()
      expect(await written(topic, producerId, 2)).toBe('NONE')
      expect(await written(topic, producerId, 9)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    }
    await broker.advance(59 * MINUTE_MS)
    expect(await written(topic, producerId, 9)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    await broker.advance(62 * MINUTE_MS)
    expect(await written(topic, producerId, 9)).toBe('NONE')
    const { topics: known } = await kafka(to =>
      to.call(describeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0] }] }),
    )
    expect(known[0]!.partitions[0]!.activeProducers).toMatchObject([{ producerId, lastSequence: 9 }])
  })
})

describe('aborted transactions', () => {
  it('are told to readers as long as their records are there, whatever went before them', async () => {
    const topic = await aTopic({ 'internal.segment.bytes': '100' })
    const transactionalId = randomUUID()
    await kafka(async to => {
      let me = await to.call(initProducerId, 4, { transactionalId, transactionTimeoutMs: 30_000 })
      for (const value of ['a', 'b', 'c']) {
        const records = aBatch([value], { ...me, baseSequence: 0, transactional: true, timestamp: Date.now() })
        const asked = { transactionalId, ...aProduce(topic, records) }
        const done = async () => (await to.call(produce, 12, asked)).responses[0]!.partitionResponses[0]!.errorCode
        // The one before may still be on its way to the partition.
        await expect.poll(done, PATIENTLY).toBe(0)
        const { producerId, producerEpoch } = me
        me = { ...me, ...(await to.call(endTxn, 5, { transactionalId, producerId, producerEpoch, committed: false })) }
      }
    })
    const aborted = async (offset: number) => {
      const request = aFetch(topic, { offset })
      const { responses } = await kafka(to => to.call(fetchRecords, 12, { ...request, isolationLevel: 1 }))
      return responses[0]!.partitions[0]!.abortedTransactions?.map(({ firstOffset }) => firstOffset)
    }
    await expect.poll(() => aborted(0), PATIENTLY).toEqual([0, 2, 4])
    await api(`DELETE /v1/topics/${topic}/partitions/0/records?before=3`)
    await broker.evict()
    expect(await aborted(3)).toEqual([2, 4])
    await broker.restart()
    expect(await aborted(4)).toEqual([4])
    expect(await committed(topic)).toEqual([])
  })
})
