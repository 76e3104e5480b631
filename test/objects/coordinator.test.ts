import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { OFFSETS_TOPIC_ID } from '../../src/cluster/internal.ts'
import type { GroupCommand, GroupReplies } from '../../src/coordinator/commands.ts'
import { decodeRecord } from '../../src/coordinator/records.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { readBatches } from '../../src/log/batch.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { commit, consume, fetchAll, join, sync } from '../support/group.ts'

const bindings = env as unknown as Env
const waiter = { waitUntil: () => {} }
let broker: Broker
let orders: string
beforeAll(async () => {
  broker = new Broker(bindings, waiter)
  const [topic] = await broker.cluster.createTopics([{ name: 'orders', partitions: 4 }])
  orders = (topic as { topicId: string }).topicId
})

const commitTo = (topicId: string, offsets: Readonly<Record<number, number>>) => {
  const command = commit(offsets)
  return { ...command, topics: command.topics.map(topic => ({ ...topic, topicId })) }
}

/** A coordinator of its own for each test, asked directly. */
let partitions = 100
function aCoordinator() {
  const raw = bindings.COORDINATOR.getByName(`${OFFSETS_TOPIC_ID}-${partitions++}`)
  const ask = async <C extends GroupCommand>(command: C, groupId = 'g'): Promise<GroupReplies[C['type']]> =>
    (await (raw as unknown as { ask(id: string, c: GroupCommand): Promise<unknown> }).ask(groupId, command)) as never
  return { raw, ask }
}

async function recordsOf(raw: ReturnType<typeof aCoordinator>['raw']) {
  const read = (await (raw as unknown as { read(r: object): Promise<unknown> }).read({
    offset: 0,
    maxBytes: 1_000_000,
  })) as { records: Uint8Array }
  return readBatches(read.records).flatMap(batch => {
    const records = decodeBatch(batch)
    if (isFailure(records)) throw new Error(records.message)
    return records.map(({ key, value }) => decodeRecord({ key: key!, value })!)
  })
}

const tables = (raw: ReturnType<typeof aCoordinator>['raw']) =>
  runInDurableObject(raw, (_, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  )

describe('a coordinator', () => {
  it('writes nothing for those who only look', async () => {
    const { raw, ask } = aCoordinator()
    expect(await ask(fetchAll)).toEqual({ topics: [] })
    expect(await ask({ type: 'describeClassic' })).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    expect(await recordsOf(raw)).toEqual([])
    expect(await tables(raw)).toEqual([])
  })

  it('knows after an eviction what was committed, one record a commit', async () => {
    const { raw, ask } = aCoordinator()
    await ask(commitTo(orders, { 0: 5, 3: 8 }))
    await ask(commitTo(orders, { 0: 6 }))
    expect(await recordsOf(raw)).toMatchObject([
      { type: 'offset', key: { groupId: 'g', partition: 0 }, value: { offset: 5 } },
      { type: 'offset', key: { partition: 3 }, value: { offset: 8 } },
      { type: 'offset', key: { partition: 0 }, value: { offset: 6 } },
    ])
    await evictDurableObject(raw)
    expect(await ask(fetchAll)).toMatchObject({
      topics: [{ partitions: [{ offset: 6 }, { partition: 3, offset: 8 }] }],
    })
  })

  it('parks who joins until the rebalance is over, and who syncs until the leader did', async () => {
    const { ask } = aCoordinator()
    const [a, b] = await Promise.all([ask(join('', { version: 3 })), ask(join('', { version: 3 }))])
    if ('error' in a || 'error' in b) throw new Error('not joined')
    const [leader, follower] = a.leader === a.memberId ? [a, b] : [b, a]
    const waits = ask(sync(follower.memberId, 1))
    await ask(sync(leader.memberId, 1, { [follower.memberId]: 'yours' }))
    expect(await waits).toMatchObject({ assignment: new TextEncoder().encode('yours') })
  })

  it('begins sessions anew after an eviction, and heartbeats write nothing', async () => {
    const { raw, ask } = aCoordinator()
    const joined = await ask(consume('me', 0))
    expect(joined).toMatchObject({ memberEpoch: 2, assignment: [{ partitions: [0, 1, 2, 3] }] })
    const before = (await recordsOf(raw)).length
    for (let i = 0; i < 5; i++) expect(await ask(consume('me', 2))).toMatchObject({ memberEpoch: 2 })
    await evictDurableObject(raw)
    expect(await ask(consume('me', 2))).toMatchObject({ memberEpoch: 2, assignment: null })
    await runDurableObjectAlarm(raw)
    expect(await ask({ type: 'describeConsumer' })).toMatchObject({ state: 'Stable', members: [{ memberId: 'me' }] })
    expect(await recordsOf(raw)).toHaveLength(before)
  })

  it('asks the cluster for its topics when a member subscribes anew, not for each heartbeat that names them', async () => {
    const { raw, ask } = aCoordinator()
    let asked = 0
    await runInDurableObject(raw, instance => {
      const { env: own } = instance as unknown as { env: Env }
      const getByName = (name: string) => {
        asked++
        return own.CLUSTER.getByName(name)
      }
      Object.assign(instance, { env: { ...own, CLUSTER: { getByName } } })
    })
    await ask(consume('me', 0))
    expect(asked).toBe(1)
    for (let i = 0; i < 20; i++) {
      const beat = consume('me', 2, { subscribedTopicNames: ['orders'], rebalanceTimeoutMs: 60_000 })
      expect(await ask(beat)).toMatchObject({ memberEpoch: 2 })
    }
    // Once every three seconds it looks anyway.
    expect(asked).toBeLessThan(10)
    const before = asked
    await ask(consume('me', 2, { subscribedTopicNames: ['orders', 'later'] }))
    expect(asked).toBe(before + 1)
  })

  it('sees new partitions and topics that are gone', { timeout: 20_000 }, async () => {
    await broker.cluster.createTopics([{ name: 'short', partitions: 1 }])
    const topic = (await broker.topic('short')) as { topicId: string }
    const { ask } = aCoordinator()
    await ask(consume('me', 0, { subscribedTopicNames: ['short'] }))
    expect(await ask({ ...commitTo(topic.topicId, { 0: 1 }), memberId: 'me', generationId: 2 })).not.toHaveProperty(
      'error',
    )
    await broker.cluster.createPartitions([{ name: 'short', count: 2 }])
    let epoch = 2
    const hasGrown = async () => {
      const reply = await ask(consume('me', epoch))
      if ('error' in reply) throw new Error(reply.message)
      epoch = reply.memberEpoch
      expect(await ask({ type: 'describeConsumer' })).toMatchObject({ epoch: 3 })
    }
    await vi.waitFor(hasGrown, { timeout: 15_000, interval: 100 })
    await broker.cluster.deleteTopics([{ name: 'short' }])
    await ask(consume('you', 0, { subscribedTopicNames: ['short'] }))
    expect(await ask(fetchAll)).toEqual({ topics: [] })
  })
})

describe('the broker', () => {
  it('makes __consumer_offsets with the first group, and lists groups of all coordinators', async () => {
    for (const groupId of ['one', 'two', 'three']) await broker.groups.ask(groupId, commit({ 0: 1 }))
    expect(await broker.groups.list()).toEqual(
      ['one', 'three', 'two'].map(groupId => ({ groupId, protocolType: '', state: 'Empty', type: 'classic' })),
    )
    const topic = await broker.topic('__consumer_offsets')
    expect(topic).toMatchObject({ partitions: 50, internal: true })
    expect(await broker.cluster.deleteTopics([{ name: '__consumer_offsets' }])).toMatchObject([
      { error: 'INVALID_REQUEST' },
    ])
    if (isFailure(topic)) return
    expect(await broker.offsetFor(topic, 49, -1)).toMatchObject({ offset: 0 })
    expect(await broker.append(topic, 0, { records: new Uint8Array(0) })).toMatchObject({
      error: 'INVALID_TOPIC_EXCEPTION',
    })
  })
})
