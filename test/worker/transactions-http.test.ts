// POST /v1/transactions against a whole broker: all or nothing for readers of what is committed, whatever goes wrong.

import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSING_ID } from '../../src/coordinator/transaction-commands.ts'
import { initProducerId } from '../../src/worker/kafka/apis/22-init-producer-id.ts'
import { produce } from '../../src/worker/kafka/apis/00-produce.ts'
import { endTxn } from '../../src/worker/kafka/apis/26-end-txn.ts'
import { describeTransactions } from '../../src/worker/kafka/apis/65-describe-transactions.ts'
import { listTransactions } from '../../src/worker/kafka/apis/66-list-transactions.ts'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client, type Reply } from '../support/http.ts'
import { KafkaClient } from '../support/kafka-client.ts'
import { aProduce } from '../support/kafka-requests.ts'
import { aBatch } from '../support/log.ts'

/** A machine may have much else to do. */
const PATIENTLY = { timeout: 15_000 }

let broker: Broker
let kafka: KafkaClient
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker()
  kafka = await KafkaClient.connect(broker.kafka)
  api = client(broker.http)
})
afterAll(async () => {
  kafka.close()
  await broker.close()
})

let topics = 0
async function aTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const name = `t${topics++}`
  await api('POST /v1/topics', { body: { name, partitions, config } })
  return name
}

const transact = (body: object, key?: string): Promise<Reply> =>
  api('POST /v1/transactions', { body, ...(key !== undefined && { headers: { 'Idempotency-Key': key } }) })

/** What readers of what is committed get, when nothing is open any more. */
async function committed(topic: string, partition = 0): Promise<unknown[]> {
  await expect.poll(() => open(), PATIENTLY).toEqual([])
  const { json } = await api(`GET /v1/topics/${topic}/partitions/${partition}/records?isolation=read_committed`)
  return json.records.map(({ value }: { value: unknown }) => value)
}

async function open(): Promise<unknown[]> {
  const stateFilters = ['Ongoing', 'PrepareCommit', 'PrepareAbort']
  const listed = await kafka.call(listTransactions, 1, { stateFilters, producerIdFilters: [] })
  return [...listed.transactionStates]
}

async function offsetOf(group: string, topic: string): Promise<number | null> {
  const { json } = await api(`GET /v1/groups/${group}/offsets`)
  return json?.offsets?.find((entry: { topic: string }) => entry.topic === topic)?.offset ?? null
}

describe('a reader', () => {
  it('gets as many records as it wants, although markers lie between them', async () => {
    const topic = await aTopic()
    for (let i = 0; i < 8; i++) await transact({ records: [{ topic, value: i }] })
    expect(await committed(topic)).toHaveLength(8)
    const path = `/v1/topics/${topic}/partitions/0/records?limit=5&offset=1`
    const { json } = await api(`GET ${path}`)
    expect(json.records.map(({ value }: { value: number }) => value)).toEqual([1, 2, 3, 4, 5])
    expect(json.nextOffset).toBe(11)
    const { text } = await api(`GET ${path}`, { headers: { accept: 'application/x-ndjson' } })
    const lines = text.trimEnd().split('\n')
    expect(lines.map(line => JSON.parse(line).value)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a transaction', () => {
  it('writes to several topics and commits offsets, and tells where everything stands', async () => {
    const [from, a, b] = [
      await aTopic(),
      await aTopic(3),
      await aTopic(2, { 'message.timestamp.type': 'LogAppendTime' }),
    ]
    await api(`POST /v1/topics/${from}/records`, { body: [{ value: 1 }, { value: 2 }] })
    const { status, json } = await transact({
      records: [
        { topic: a, partition: 2, value: 'a0', timestamp: 1_000 },
        { topic: b, partition: 1, value: 'b0', headers: { h: 'x' } },
        { topic: a, partition: 2, key: 'k', value: 'a1' },
      ],
      offsets: { group: 'g', offsets: [{ topic: from, partition: 0, offset: 2, metadata: 'note' }] },
    })
    expect(status).toBe(200)
    expect(json).toEqual({
      records: [
        { topic: a, partition: 2, offset: 0, timestamp: 1_000 },
        { topic: b, partition: 1, offset: 0, timestamp: expect.closeTo(Date.now(), -5) },
        { topic: a, partition: 2, offset: 1, timestamp: expect.closeTo(Date.now(), -5) },
      ],
      offsets: { group: 'g', offsets: [{ topic: from, partition: 0, offset: 2 }] },
    })
    expect(await committed(a, 2)).toEqual(['a0', 'a1'])
    expect(await committed(b, 1)).toEqual(['b0'])
    expect(await offsetOf('g', from)).toBe(2)
    const read = await api(`GET /v1/topics/${b}/partitions/1/records`)
    expect(read.json.records[0].timestamp).toBe(json.records[1].timestamp)
  })

  it('keeps records of one key in one partition and in order, as other producers do', async () => {
    const name = await aTopic(7)
    const plain = await api(`POST /v1/topics/${name}/records`, { body: { key: 'k', value: 0 } })
    const { json } = await transact({ records: [1, 2, 3].map(value => ({ topic: name, key: 'k', value })) })
    const { partition } = plain.json.records[0]
    expect(json.records).toMatchObject([1, 2, 3].map(offset => ({ partition, offset })))
    expect(await committed(name, partition)).toEqual([0, 1, 2, 3])
  })

  it('tells where records without a key came to stand, in topics of several partitions', async () => {
    const topic = await aTopic(8)
    for (let value = 0; value < 12; value++) {
      const { status, json } = await transact({
        records: [
          { topic, value },
          { topic, value },
        ],
      })
      expect(status).toBe(200)
      const [{ partition, offset }, second] = json.records
      expect(second).toMatchObject({ partition, offset: offset + 1 })
      const read = await api(`GET /v1/topics/${topic}/partitions/${partition}/records?offset=${offset}&limit=2`)
      expect(read.json.records.map((record: { value: number }) => record.value)).toEqual([value, value])
    }
  })

  it('of offsets alone, and of records alone, is one too', async () => {
    const name = await aTopic()
    const offsets = { group: 'alone', offsets: [{ topic: name, partition: 0, offset: 0 }] }
    expect((await transact({ offsets })).json).toMatchObject({ records: [], offsets })
    await expect.poll(() => offsetOf('alone', name), PATIENTLY).toBe(0)
    expect((await transact({ records: [{ topic: name, value: 1 }] })).json).not.toHaveProperty('offsets')
  })

  it('takes many records, cut into batches, and text or base64', async () => {
    const name = await aTopic(2)
    const records = Array.from({ length: 3_000 }, (_, i) => ({
      topic: name,
      partition: i % 2,
      value: `${i}`.padEnd(1_000),
    }))
    const { status, json } = await api('POST /v1/transactions?format=text', { body: { records } })
    expect(status).toBe(200)
    expect(json.records.map(({ partition, offset }: Record<string, number>) => [partition, offset])).toEqual(
      records.map((_, i) => [i % 2, Math.floor(i / 2)]),
    )
    const { json: topic } = await api(`GET /v1/topics/${name}`)
    // And a marker each.
    await expect.poll(() => open(), PATIENTLY).toEqual([])
    expect(topic.partitions.map(({ logStartOffset }: Record<string, number>) => logStartOffset)).toEqual([0, 0])
  })

  it('leaves few transactional ids behind', async () => {
    const name = await aTopic()
    const ids = async () => {
      const listed = await kafka.call(listTransactions, 1, { stateFilters: [], producerIdFilters: [] })
      return listed.transactionStates.filter(({ transactionalId }) => transactionalId.startsWith(PASSING_ID)).length
    }
    const before = await ids()
    for (let i = 0; i < 30; i++) expect((await transact({ records: [{ topic: name, value: i }] })).status).toBe(200)
    expect((await ids()) - before).toBeLessThanOrEqual(5)
    expect(await committed(name)).toHaveLength(30)
  })

  it('runs beside others', async () => {
    const name = await aTopic(3)
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        transact({ records: [0, 1, 2].map(partition => ({ topic: name, partition, value: i })) }),
      ),
    )
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
    const all = [await committed(name, 0), await committed(name, 1), await committed(name, 2)]
    for (const values of all) expect(new Set(values).size).toBe(20)
  })
})

describe('a transaction that cannot be', () => {
  it('leaves nothing to readers, and says which record it was', async () => {
    const [a, b] = [await aTopic(), await aTopic(1, { 'max.message.bytes': '200' })]
    const offsets = { group: 'none', offsets: [{ topic: a, partition: 0, offset: 0 }] }
    const records = [
      { topic: a, value: 'fine' },
      { topic: b, value: 'fine' },
      { topic: b, value: 'x'.repeat(500) },
    ]
    expect(await transact({ records, offsets })).toMatchObject({
      status: 413,
      json: { code: 'MESSAGE_TOO_LARGE', part: 'records', outcome: 'aborted', record: 2, topic: b, partition: 0 },
    })
    expect(await committed(a)).toEqual([])
    expect(await committed(b)).toEqual([])
    expect(await offsetOf('none', a)).toBeNull()
    expect((await transact({ records: records.slice(0, 2), offsets })).status).toBe(200)
    expect(await committed(a)).toEqual(['fine'])
    expect(await offsetOf('none', a)).toBe(0)
  })

  it('says which record a compacted topic does not take', async () => {
    const [a, b] = [await aTopic(), await aTopic(1, { 'cleanup.policy': 'compact' })]
    const records = [
      { topic: b, key: 'k', value: 1 },
      { topic: a, value: 1 },
      { topic: b, value: 2 },
    ]
    const { json } = await transact({ records })
    expect(json).toMatchObject({ code: 'INVALID_RECORD', part: 'records', field: 'records[2]', outcome: 'aborted' })
    expect(await committed(a)).toEqual([])
  })

  it('leaves nothing where the group refuses the offsets', async () => {
    const name = await aTopic()
    const offsets = {
      group: 'refused',
      generation: 7,
      memberId: 'm',
      offsets: [{ topic: name, partition: 0, offset: 0 }],
    }
    expect(await transact({ records: [{ topic: name, value: 1 }], offsets })).toMatchObject({
      status: 409,
      json: { code: 'ILLEGAL_GENERATION', part: 'offsets', outcome: 'aborted' },
    })
    expect(await committed(name)).toEqual([])
  })

  it.each([
    [{}, 400, 'INVALID_REQUEST', undefined],
    [{ records: [] }, 400, 'INVALID_REQUEST', undefined],
    [{ records: {} }, 400, 'INVALID_REQUEST', 'records'],
    [{ records: [{ value: 1 }] }, 400, 'INVALID_REQUEST', 'records[0].topic'],
    [{ records: [{ topic: 7, value: 1 }] }, 400, 'INVALID_REQUEST', 'records[0].topic'],
    [{ records: [{ topic: 't0' }] }, 400, 'INVALID_REQUEST', 'records[0].value'],
    [{ records: [{ topic: 't0', value: 1, nope: 1 }] }, 400, 'INVALID_REQUEST', 'records[0].nope'],
    [{ records: [{ topic: 'no topic', value: 1 }] }, 400, 'INVALID_TOPIC_EXCEPTION', 'records[0].topic'],
    [{ records: [{ topic: '__consumer_offsets', value: 1 }] }, 400, 'INVALID_TOPIC_EXCEPTION', 'records[0].topic'],
    [
      { records: [{ topic: 't0', partition: 99, value: 1 }] },
      404,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'records[0].partition',
    ],
    [{ nope: 1, records: [] }, 400, 'INVALID_REQUEST', 'nope'],
    [{ timeoutMs: 0, records: [{ topic: 't0', value: 1 }] }, 400, 'INVALID_REQUEST', 'timeoutMs'],
    [{ timeoutMs: 900_001, records: [{ topic: 't0', value: 1 }] }, 400, 'INVALID_TRANSACTION_TIMEOUT', undefined],
    [{ transactionalId: '', records: [{ topic: 't0', value: 1 }] }, 400, 'INVALID_REQUEST', 'transactionalId'],
    [{ transactionalId: '__http/x', records: [{ topic: 't0', value: 1 }] }, 400, 'INVALID_REQUEST', 'transactionalId'],
    [{ offsets: { offsets: [] } }, 400, 'INVALID_REQUEST', 'offsets.group'],
    [{ offsets: { group: 'g', offsets: [] } }, 400, 'INVALID_REQUEST', 'offsets.offsets'],
    [
      { offsets: { group: 'g', offsets: [{ topic: 'none', partition: 0, offset: 0 }] } },
      404,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'offsets.offsets[0].topic',
    ],
    [
      { offsets: { group: 'g', offsets: [{ topic: 't0', partition: 0, offset: -1 }] } },
      400,
      'INVALID_REQUEST',
      'offsets.offsets[0].offset',
    ],
    [[], 400, 'INVALID_REQUEST', undefined],
  ])('%j is refused', async (body, status, code, field) => {
    const { json, ...reply } = await transact(body)
    expect({ status: reply.status, code: json.code, field: json.field }).toEqual({ status, code, field })
    expect(json.detail).not.toBe('')
  })

  it('of another media type is refused', async () => {
    expect(await api('POST /v1/transactions', { body: '{}', type: 'text/plain' })).toMatchObject({ status: 415 })
  })
})

describe('an Idempotency-Key', () => {
  it('has the same answer again, and nothing twice', async () => {
    const name = await aTopic(3)
    const records = [{ value: 1 }, { key: 'k', value: 2 }, { value: 3, timestamp: 5 }].map(record => ({
      topic: name,
      ...record,
    }))
    const offsets = { group: 'once', offsets: [{ topic: name, partition: 0, offset: 0 }] }
    const key = randomUUID()
    const first = await transact({ records, offsets }, key)
    expect(first.status).toBe(200)
    await api(`PATCH /v1/topics/${name}`, { body: { partitions: 5 } })
    for (let i = 0; i < 3; i++) expect(await transact({ records, offsets }, key)).toMatchObject({ json: first.json })
    const all = [await committed(name, 0), await committed(name, 1), await committed(name, 2)].flat()
    expect(all.sort()).toEqual([1, 2, 3])
    expect(await transact({ records }, key)).toMatchObject({ status: 422, json: { field: 'Idempotency-Key' } })
    expect((await transact({ records }, randomUUID())).status).toBe(200)
    await api(`DELETE /v1/topics/${name}`)
    expect(await transact({ records, offsets }, key)).toMatchObject({ status: 200, json: first.json })
    expect((await api(`GET /v1/topics/${name}`)).status).toBe(404)
  })

  it('may be tried again after a failure', async () => {
    const name = await aTopic(1, { 'max.message.bytes': '300' })
    const records = [{ topic: name, value: 'x'.repeat(400) }]
    const key = randomUUID()
    expect((await transact({ records }, key)).status).toBe(413)
    await api(`PATCH /v1/topics/${name}`, { body: { config: { 'max.message.bytes': '3000' } } })
    await expect.poll(async () => (await transact({ records }, key)).status, PATIENTLY).toBe(200)
    expect((await transact({ records }, key)).status).toBe(200)
    expect(await committed(name)).toHaveLength(1)
  })

  it('is made once however many ask at once', async () => {
    const name = await aTopic(2)
    const records = [0, 1].map(partition => ({ topic: name, partition, value: 'once' }))
    const key = randomUUID()
    const replies = await Promise.all(Array.from({ length: 8 }, () => transact({ records }, key)))
    for (const { status, json } of replies)
      if (status !== 200) expect(json).toMatchObject({ code: 'CONCURRENT_TRANSACTIONS', retriable: true })
    let last: Reply | undefined
    await expect.poll(async () => (last = await transact({ records }, key)).status, PATIENTLY).toBe(200)
    for (const { status, json } of replies) if (status === 200) expect(json).toEqual(last!.json)
    expect(await committed(name, 0)).toEqual(['once'])
    expect(await committed(name, 1)).toEqual(['once'])
  })

  it('takes over from a request that was lost in the middle', async () => {
    const name = await aTopic()
    const key = randomUUID()
    const transactionalId = `${PASSING_ID}key/${createHash('sha256').update(key).digest('base64url')}`
    const lost = await kafka.call(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
    const records = aBatch(['"lost"'], { ...lost, baseSequence: 0, transactional: true, timestamp: Date.now() })
    await kafka.call(produce, 12, { transactionalId, ...aProduce(name, records) })
    expect((await transact({ records: [{ topic: name, value: 'found' }] }, key)).status).toBe(200)
    expect(await committed(name)).toEqual(['found'])
    const late = await kafka.call(endTxn, 5, { transactionalId, ...lost, committed: true })
    expect(late.errorCode).not.toBe(0)
    expect(await committed(name)).toEqual(['found'])
  })

  it('of a transactionalId is known after later ones', async () => {
    const name = await aTopic()
    const body = (value: number) => ({ transactionalId: 'keys', records: [{ topic: name, value }] })
    const first = await transact(body(0), 'k0')
    for (let i = 1; i < 5; i++) expect((await transact(body(i), `k${i}`)).status).toBe(200)
    expect((await transact(body(0), 'k0')).json).toEqual(first.json)
    expect(await committed(name)).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a transactionalId', () => {
  it('fences who had it before', async () => {
    const name = await aTopic()
    const transactionalId = 'fenced'
    const before = await kafka.call(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
    const records = aBatch(['"before"'], { ...before, baseSequence: 0, transactional: true, timestamp: Date.now() })
    await kafka.call(produce, 12, { transactionalId, ...aProduce(name, records) })
    expect((await transact({ transactionalId, records: [{ topic: name, value: 'after' }] })).status).toBe(200)
    const late = await kafka.call(endTxn, 5, { transactionalId, ...before, committed: true })
    expect(late.errorCode).not.toBe(0)
    expect(await committed(name)).toEqual(['after'])
    const { transactionStates } = await kafka.call(describeTransactions, 0, { transactionalIds: [transactionalId] })
    expect(transactionStates[0]).toMatchObject({ transactionState: 'CompleteCommit', transactionTimeoutMs: 60_000 })
  })

  it('asked for by many at once is committed whole by some, and the others say that they were fenced', async () => {
    const name = await aTopic(2)
    const ask = (value: number) =>
      transact({ transactionalId: 'many', records: [0, 1].map(partition => ({ topic: name, partition, value })) })
    const replies = await Promise.all(Array.from({ length: 6 }, (_, i) => ask(i)))
    const done = replies.flatMap(({ status }, i) => (status === 200 ? [i] : []))
    for (const { status, json } of replies)
      if (status !== 200) {
        expect(['PRODUCER_FENCED', 'CONCURRENT_TRANSACTIONS']).toContain(json.code)
        expect(json.outcome).toBe('aborted')
      }
    expect(done.length).toBeGreaterThan(0)
    expect((await committed(name, 0)).sort()).toEqual(done)
    expect((await committed(name, 1)).sort()).toEqual(done)
  })
})
