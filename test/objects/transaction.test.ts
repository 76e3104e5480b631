import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { TRANSACTIONS_TOPIC_ID } from '../../src/cluster/internal.ts'
import { partitionFor } from '../../src/coordinator/partition-for.ts'
import { decode } from '../../src/coordinator/transaction-state.ts'
import { readBatches } from '../../src/log/batch.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { aBatch, opened } from '../support/log.ts'

const bindings = env as unknown as Env

const NOBODY = { version: 5, memberId: '', groupInstanceId: null, generationId: -1, retentionTimeMs: -1 }

let topics = 0
/** A topic and a producer of its own for each test. */
async function aProducer(transactionalId: string) {
  const broker = new Broker(bindings, { waitUntil: () => {} })
  const name = `orders-${topics++}`
  const [topic] = await broker.cluster.createTopics([{ name, partitions: 2 }])
  if (topic === undefined || isFailure(topic)) throw new Error('no topic')
  const ask = broker.transactions.ask.bind(broker.transactions)
  const me = await ask(transactionalId, {
    type: 'init',
    timeoutMs: 60_000,
    expected: null,
    freshProducerId: (await broker.producerId()) as number,
  })
  if (isFailure(me)) throw new Error(me.message)
  const sequences = [0, 0]
  return {
    broker,
    topic,
    me,
    object: bindings.TRANSACTION.getByName(`${TRANSACTIONS_TOPIC_ID}-${partitionFor(transactionalId, 50)}`),
    partition: (partition: number) => bindings.PARTITION.getByName(`${topic.topicId}-${partition}`),
    async write(partition: number, value: string) {
      const number = await broker.transactions.numberOf(transactionalId, me, [{ topic: name, partition }], true)
      if (isFailure(number)) return number
      const baseSequence = sequences[partition]!++
      const records = aBatch([value], { ...me, baseSequence, transactional: true, timestamp: Date.now() })
      return broker.append(topic, partition, { records, transaction: number.transaction })
    },
    end: (committed: boolean, clientVersion = 0) =>
      ask(transactionalId, { type: 'end', ...me, committed, clientVersion, freshProducerId: -1 }),
    status: async () => ((await ask(transactionalId, { type: 'describe' })) as { status: string }).status,
    /** The states in __transaction_state, oldest first. */
    async stored() {
      const coordinator = this.object as unknown as { read(r: object): Promise<{ records: Uint8Array }> }
      const { records } = await coordinator.read({ offset: 0, maxBytes: 100_000 })
      return readBatches(records).flatMap(batch => {
        const records = decodeBatch(batch)
        if (isFailure(records)) throw new Error(records.message)
        return records.map(
          ({ key, value }) => (decode({ key: key!, value })!.fact as { value: { status: string } }).value.status,
        )
      })
    },
    async committed(partition: number) {
      const read = await broker.read(topic, partition, { offset: 0, maxBytes: 100_000, isolation: 'read_committed' })
      if ('error' in read) throw new Error(read.message)
      return { aborted: read.aborted!.length, values: read.records.length === 0 ? [] : opened(read.records) }
    },
  }
}

describe('a transaction', () => {
  it('ends in all its partitions, and is stored as Kafka stores it', async () => {
    const p = await aProducer('whole')
    await p.write(0, 'a')
    await p.write(1, 'b')
    expect((await p.committed(0)).values).toEqual([])
    expect(await p.end(true)).not.toHaveProperty('error')
    await expect.poll(p.status).toBe('CompleteCommit')
    expect((await p.committed(0)).values[0]).toEqual({ offset: 0, value: 'a' })
    expect((await p.committed(1)).values[0]).toEqual({ offset: 0, value: 'b' })
    expect(await p.stored()).toEqual(['Empty', 'Ongoing', 'Ongoing', 'PrepareCommit'])
    const partitions = [{ topic: p.topic.name, partition: 0 }]
    await p.broker.transactions.ask('whole', { type: 'add', ...p.me, partitions, clientVersion: 0 })
    expect(await p.stored()).toEqual(['Empty', 'Ongoing', 'Ongoing', 'PrepareCommit', 'Ongoing'])
  })

  it('is stored as complete half a minute later, whoever forgot that it is', async () => {
    const p = await aProducer('completed')
    await p.write(0, 'a')
    await p.end(true)
    await expect.poll(p.status).toBe('CompleteCommit')
    await evictDurableObject(p.object)
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 30_001)
    try {
      await runDurableObjectAlarm(p.object)
      await expect.poll(() => p.stored()).toEqual(['Empty', 'Ongoing', 'PrepareCommit', 'CompleteCommit'])
    } finally {
      later.mockRestore()
    }
    const { values } = await p.committed(0)
    expect(values).toHaveLength(2)
  })

  it('is told to its partitions when whoever decided it was gone before', async () => {
    const p = await aProducer('crashed')
    await p.write(0, 'a')
    await runInDurableObject(p.partition(0), instance => {
      // Markers go astray until the partition starts again.
      const { host } = instance as unknown as { host: { endTransaction(): Promise<never> } }
      host.endTransaction = () => Promise.reject(new Error('astray'))
    })
    await p.end(false)
    await expect.poll(p.status).toBe('PrepareAbort')
    await evictDurableObject(p.object)
    await evictDurableObject(p.partition(0))
    await runDurableObjectAlarm(p.object)
    await expect.poll(p.status).toBe('CompleteAbort')
    expect((await p.committed(0)).aborted).toBe(1)
  })

  it('is open after an eviction, and goes on', async () => {
    const p = await aProducer('evicted')
    await p.write(0, 'a')
    await evictDurableObject(p.object)
    await evictDurableObject(p.partition(0))
    expect((await p.committed(0)).values).toEqual([])
    expect(await p.write(0, 'b')).toMatchObject({ baseOffset: 1 })
    await p.end(true)
    await expect
      .poll(async () => (await p.committed(0)).values.slice(0, 2).map(({ value }) => value))
      .toEqual(['a', 'b'])
  })

  it('ends although one of its topics is no more', async () => {
    const p = await aProducer('deleted')
    await p.write(0, 'a')
    await p.broker.cluster.deleteTopics([{ name: p.topic.name }])
    await p.end(true)
    await expect.poll(p.status).toBe('CompleteCommit')
  })
})

describe("a group's offsets", () => {
  it('count when their transaction was committed, also after evictions, and late ones never', async () => {
    const p = await aProducer('offsets')
    const groupId = 'offsets-of-a-transaction'
    const { name, partitions, topicId } = await p.broker.offsetsTopic()
    const at = { topic: name, partition: partitionFor(groupId, partitions) }
    const group = bindings.COORDINATOR.getByName(`${topicId}-${at.partition}`)
    const partition = { partition: 0, offset: 7, leaderEpoch: -1, metadata: null }
    const offsets = [{ name: p.topic.name, topicId: p.topic.topicId, partitions: [partition] }]
    const commit = async (transaction: number) =>
      p.broker.groups.ask(groupId, {
        ...NOBODY,
        type: 'commitInTransaction',
        topics: offsets,
        ...p.me,
        transaction,
      })
    const fetched = async () =>
      p.broker.groups.ask(groupId, {
        type: 'fetchOffsets',
        memberId: null,
        memberEpoch: -1,
        requireStable: true,
        topics: [{ ...offsets[0]!, partitions: [0] }],
      })
    const number = await p.broker.transactions.numberOf('offsets', p.me, [at], true)
    if (isFailure(number)) throw new Error(number.message)
    expect(await commit(number.transaction)).not.toHaveProperty('error')
    await evictDurableObject(group)
    expect(await fetched()).toMatchObject({ topics: [{ partitions: [{ error: 'UNSTABLE_OFFSET_COMMIT' }] }] })
    await p.end(true)
    await expect.poll(p.status).toBe('CompleteCommit')
    expect(await fetched()).toMatchObject({ topics: [{ partitions: [{ offset: 7 }] }] })
    await evictDurableObject(group)
    expect(await fetched()).toMatchObject({ topics: [{ partitions: [{ offset: 7 }] }] })
    expect(await commit(number.transaction)).toMatchObject({ error: 'INVALID_TXN_STATE' })
  })
})
