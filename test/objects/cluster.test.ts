import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { TopicView } from '../../src/cluster/cluster.ts'
import type { ClusterObject } from '../../src/objects/cluster.ts'
import { type PartitionStub, partitionStub, type Rpc } from '../../src/objects/place.ts'
import { partitionConfig } from '../../src/cluster/configs.ts'
import { type Failure, isFailure } from '../../src/protocol/errors.ts'
import type { Env } from '../../src/worker/env.ts'
import { aBatch } from '../support/log.ts'

const { CLUSTER, PARTITION } = env as unknown as Env
type Cluster = Rpc<Omit<ClusterObject, 'fetch' | 'alarm'>>

let clusters = 0
/** A cluster of its own; `raw` is its stub for the test harness. A new one after an abort, which breaks stubs. */
function aCluster(name = `cluster-${clusters++}`) {
  const raw = CLUSTER.getByName(name)
  return { name, raw, cluster: raw as unknown as Cluster }
}

const one = async (results: Promise<readonly (TopicView | Failure)[]>): Promise<TopicView> => {
  const [topic] = await results
  if (topic === undefined || isFailure(topic)) throw new Error(topic?.message)
  return topic
}

const partitionOf = ({ topicId, config }: TopicView, partition = 0): PartitionStub =>
  partitionStub(PARTITION, topicId, partition, config)

const append = async (partition: PartitionStub, value = 'v'): Promise<unknown> =>
  (await partition.append([{ records: aBatch([value], { timestamp: Date.now() }) }]))[0]

const tablesOf = (topic: TopicView, partition = 0): Promise<number> =>
  runInDurableObject(
    PARTITION.getByName(`${topic.topicId}-${partition}`),
    (_, state) =>
      state.storage.sql
        .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'")
        .toArray().length,
  )

/** The cluster takes its decisions, then the process dies before any partition has heard of them. */
async function dyingAfter(
  { name, raw }: { name: string; raw: DurableObjectStub<ClusterObject> },
  decisions: readonly ((cluster: ClusterObject) => Promise<unknown>)[],
) {
  const silence = (): Promise<never> => new Promise(() => {})
  const partitions = { getByName: () => ({ birth: silence, remove: silence }) }
  const death = runInDurableObject(raw, async (cluster, state) => {
    Object.defineProperty(cluster, 'env', { value: { PARTITION: partitions } })
    for (const decide of decisions) {
      const before = (await cluster.view())!.version
      decide(cluster).catch(() => {})
      while ((await cluster.view(before)) === null) continue
    }
    state.abort('the power went out')
  })
  await expect(death).rejects.toThrow('the power went out')
  return aCluster(name)
}

describe('a cluster', () => {
  it('writes nothing while it has nothing to keep, and is known all the same', async () => {
    const { raw, cluster } = aCluster()
    const view = (await cluster.view())!
    expect(view).toMatchObject({ version: 0, topics: [] })
    expect(view.clusterId).toMatch(/^[\w-]{22}$/)
    const tables = await runInDurableObject(raw, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    )
    expect(tables).toEqual([])
    await evictDurableObject(raw)
    expect(await cluster.view()).toEqual(view)
    expect(await cluster.view(0)).toBeNull()
  })

  it('creates topics whose partitions are born when it answers', async () => {
    const { cluster } = aCluster()
    const topic = await one(
      cluster.createTopics([{ name: 'flights', partitions: 3, config: { 'retention.ms': '-1' } }]),
    )
    expect(topic.topicId).toMatch(/^\w[\w-]{21}$/)
    for (const partition of [0, 1, 2])
      expect(await partitionOf(topic, partition).describe()).toMatchObject({ highWatermark: 0 })
    expect(await partitionOf(topic, 3).describe()).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    const view = (await cluster.view())!
    expect(view.topics).toEqual([topic])
    expect(await cluster.view(view.version)).toBeNull()
    expect(await cluster.view(view.version - 1)).toEqual(view)
  })

  it('finds its topics again after an eviction', async () => {
    const { raw, cluster } = aCluster()
    await cluster.createTopics([{ name: 'a' }, { name: 'b', partitions: 2 }])
    await cluster.deleteTopics([{ name: 'a' }])
    const before = await cluster.view()
    const ids = await cluster.allocateProducerIds()
    await evictDurableObject(raw)
    expect(await cluster.view()).toEqual(before)
    expect((await cluster.allocateProducerIds()).first).toBe(ids.first + ids.count)
  })

  it('answers each topic of a request by itself', async () => {
    const { cluster } = aCluster()
    expect(await cluster.createTopics([{ name: 'a' }, { name: 'no/slash' }])).toMatchObject([
      { name: 'a' },
      { error: 'INVALID_TOPIC_EXCEPTION' },
    ])
    expect(await cluster.createTopics([{ name: 'b' }], { validateOnly: true })).toMatchObject([{ name: 'b' }])
    expect(await cluster.deleteTopics([{ name: 'b' }])).toMatchObject([{ error: 'UNKNOWN_TOPIC_OR_PARTITION' }])
  })

  it('lets one of many who create the same topic win, and answers all when it is ready', async () => {
    const { cluster } = aCluster()
    const results = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const [result] = await cluster.createTopics([{ name: 'raced', partitions: 4 }])
        const topic = (await cluster.view())!.topics[0]!
        return { result: result!, born: await partitionOf(topic, 3).describe() }
      }),
    )
    expect(results.filter(({ result }) => !isFailure(result))).toHaveLength(1)
    for (const { result, born } of results) {
      if (isFailure(result)) expect(result.error).toBe('TOPIC_ALREADY_EXISTS')
      expect(born).toMatchObject({ highWatermark: 0 })
    }
  })

  it('starts a recreated topic empty', async () => {
    const { cluster } = aCluster()
    const first = await one(cluster.createTopics([{ name: 'flights' }]))
    expect(await append(partitionOf(first))).toMatchObject({ baseOffset: 0 })
    await cluster.deleteTopics([{ name: 'flights' }])
    const second = await one(cluster.createTopics([{ name: 'flights' }]))
    expect(second.topicId).not.toBe(first.topicId)
    expect(await partitionOf(second).describe()).toMatchObject({ highWatermark: 0 })
  })

  it('frees the storage of a deleted topic, which no stale producer can raise again', async () => {
    const { cluster } = aCluster()
    const topic = await one(cluster.createTopics([{ name: 'flights', partitions: 2 }]))
    const stale = partitionOf(topic)
    await append(stale)
    expect(await tablesOf(topic)).toBeGreaterThan(0)
    await cluster.deleteTopics([{ topicId: topic.topicId }])
    expect(await tablesOf(topic, 0)).toBe(0)
    expect(await tablesOf(topic, 1)).toBe(0)
    expect(await append(stale)).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await partitionOf(topic).read({ offset: 0, maxBytes: 1 })).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await tablesOf(topic)).toBe(0)
  })

  it('adds partitions', async () => {
    const { cluster } = aCluster()
    const topic = await one(cluster.createTopics([{ name: 'a' }]))
    const grown = await one(cluster.createPartitions([{ name: 'a', count: 3 }]))
    expect(grown).toMatchObject({ topicId: topic.topicId, partitions: 3, grown: { from: 1 } })
    expect(await append(partitionOf(grown, 2))).toMatchObject({ baseOffset: 0 })
  })

  it('configures partitions before it answers', async () => {
    const { cluster } = aCluster()
    const topic = await one(cluster.createTopics([{ name: 'a' }]))
    const changes = [{ key: 'max.message.bytes', operation: 'SET' as const, value: '80' }]
    expect(await append(partitionOf(topic), 'x'.repeat(100))).toMatchObject({ baseOffset: 0 })
    await one(cluster.alterConfigs([{ name: 'a', changes }]))
    expect(await append(partitionOf(topic), 'x'.repeat(100))).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })

  for (const [key, value] of [
    ['edgelog.location', 'weur'],
    ['edgelog.jurisdiction', 'eu'],
  ] as const)
    it(`takes ${key}, which means nothing on your own machine`, async () => {
      const { cluster } = aCluster()
      const topic = await one(cluster.createTopics([{ name: 'a', config: { [key]: value } }]))
      expect(await append(partitionOf(topic))).toMatchObject({ baseOffset: 0 })
      await cluster.deleteTopics([{ name: 'a' }])
      expect(await append(partitionOf(topic))).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    })

  it('creates and deletes more partitions than it calls at once', async () => {
    const { cluster } = aCluster()
    const topic = await one(cluster.createTopics([{ name: 'wide', partitions: 120 }]))
    expect(await partitionOf(topic, 119).describe()).toMatchObject({ highWatermark: 0 })
    await cluster.deleteTopics([{ name: 'wide' }])
    expect(await partitionOf(topic, 119).describe()).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
  })
})

describe('a process that dies between a decision and its errands', () => {
  it('has its births carried out by the alarm', async () => {
    const { raw, cluster } = await dyingAfter(aCluster(), [
      object => object.createTopics([{ name: 'a', partitions: 2 }]),
    ])
    const topic = (await cluster.view())!.topics[0]!
    expect(await partitionOf(topic).describe()).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    for (const partition of [0, 1])
      expect(await partitionOf(topic, partition).describe()).toMatchObject({ highWatermark: 0 })
  })

  it('has its deletions carried out by the alarm', async () => {
    const before = aCluster()
    const topic = await one(before.cluster.createTopics([{ name: 'a', partitions: 2 }]))
    const { raw, cluster } = await dyingAfter(before, [object => object.deleteTopics([{ name: 'a' }])])
    expect((await cluster.view())!.topics).toEqual([])
    expect(await tablesOf(topic)).toBeGreaterThan(0)
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await tablesOf(topic, 0)).toBe(0)
    expect(await tablesOf(topic, 1)).toBe(0)
  })

  it('frees a topic that was deleted before it was born, while its name is used again', async () => {
    let gone: TopicView | undefined
    const { raw, cluster } = await dyingAfter(aCluster(), [
      object => object.createTopics([{ name: 'a', partitions: 2 }]),
      async object => {
        gone = (await object.view())!.topics[0]!
        return object.deleteTopics([{ name: 'a' }])
      },
    ])
    // A birth that was on its way all the time.
    await partitionOf(gone!).birth({ ...gone!, topic: 'a', partition: 0, config: partitionConfig({}) })
    const again = await one(cluster.createTopics([{ name: 'a' }]))
    expect(await append(partitionOf(again))).toMatchObject({ baseOffset: 0 })
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await tablesOf(gone!)).toBe(0)
    expect(await tablesOf(again)).toBeGreaterThan(0)
  })

  it('tells a changed config after all', async () => {
    const before = aCluster()
    const topic = await one(before.cluster.createTopics([{ name: 'a' }]))
    const changes = [{ key: 'max.message.bytes', operation: 'SET' as const, value: '80' }]
    const { raw } = await dyingAfter(before, [object => object.alterConfigs([{ name: 'a', changes }])])
    expect(await append(partitionOf(topic), 'x'.repeat(100))).toMatchObject({ baseOffset: 0 })
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await append(partitionOf(topic), 'x'.repeat(100))).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })
})

describe('partitions that cannot be reached', () => {
  it('are told later, and hold nobody up for longer than they must', async () => {
    const { raw, cluster } = aCluster()
    let topic: TopicView | undefined
    await runInDurableObject(raw, async object => {
      const env = Object.getOwnPropertyDescriptor(object, 'env')!
      const refuse = (): Promise<never> => Promise.reject(new Error('overloaded'))
      Object.defineProperty(object, 'env', {
        value: { PARTITION: { getByName: () => ({ birth: refuse, remove: refuse }) } },
        configurable: true,
      })
      const created = one(object.createTopics([{ name: 'a' }]))
      while ((await object.view(0)) === null) continue
      Object.defineProperty(object, 'env', env)
      topic = await created
    })
    expect(await partitionOf(topic!).describe()).toMatchObject({ highWatermark: 0 })
    expect((await cluster.view())!.topics).toEqual([topic])
  })
})
