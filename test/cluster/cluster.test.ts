import { describe, expect, it } from 'vitest'
import type { TopicView } from '../../src/cluster/cluster.ts'
import { ClusterUnderTest } from './cluster-under-test.ts'

const withTopic = (config: Record<string, string> = {}): ClusterUnderTest => {
  const cluster = new ClusterUnderTest()
  cluster.create({ name: 'flights', partitions: 3, config })
  cluster.answer()
  return cluster
}

describe('creating topics', () => {
  it('gives an id, a first config version and the default partitions', () => {
    const cluster = new ClusterUnderTest()
    const created = { name: 'flights', topicId: 'id-1', partitions: 1, config: {}, configVersion: 1, internal: false }
    expect(cluster.create({ name: 'flights' })).toEqual([created])
    expect(cluster.view).toEqual({ clusterId: 'cluster-id-of-22-chars', version: 1_000_000, topics: [created] })
  })

  it('stores configs as they are shown', () => {
    const [topic] = new ClusterUnderTest().create({ name: 'a', config: { 'cleanup.policy': 'delete, compact' } })
    expect(topic).toMatchObject({ config: { 'cleanup.policy': 'delete,compact' } })
  })

  it('takes the partitions that the broker is set to', () => {
    const cluster = new ClusterUnderTest()
    cluster.run({ type: 'configureBroker', broker: { 'num.partitions': '6' } })
    expect(cluster.create({ name: 'a' }, { name: 'b', partitions: -1 }, { name: 'c', partitions: 2 })).toMatchObject([
      { partitions: 6 },
      { partitions: 6 },
      { partitions: 2 },
    ])
  })

  it('remembers how many copies were asked for, as far as there are brokers to name', () => {
    const cluster = new ClusterUnderTest()
    const results = cluster.create(
      { name: 'one', replicationFactor: 1, brokers: 3 },
      { name: 'three', replicationFactor: 3, brokers: 3 },
      { name: 'default', replicationFactor: -1, brokers: 3 },
      { name: 'zero', replicationFactor: 0, brokers: 3 },
      { name: 'negative', replicationFactor: -2, brokers: 3 },
      { name: 'four', replicationFactor: 4, brokers: 3 },
    )
    expect(results[0]).not.toHaveProperty('replicationFactor')
    expect(results[2]).not.toHaveProperty('replicationFactor')
    const positive = 'Replication factor must be larger than 0, or -1 to use the default value.'
    expect(results).toMatchObject([
      { name: 'one' },
      { replicationFactor: 3 },
      { name: 'default' },
      { error: 'INVALID_REPLICATION_FACTOR', message: positive },
      { error: 'INVALID_REPLICATION_FACTOR', message: positive },
      {
        error: 'INVALID_REPLICATION_FACTOR',
        message:
          'Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) are registered.',
      },
    ])
    cluster.run({ type: 'configureBroker', broker: { 'default.replication.factor': '2' } })
    expect(cluster.create({ name: 'two' })).toMatchObject([{ replicationFactor: 2 }])
  })

  it('judges each topic of a request by itself', () => {
    const cluster = withTopic()
    cluster.create({ name: 'a.b' })
    const results = cluster.create(
      { name: 'good' },
      { name: 'flights' },
      { name: 'twice' },
      { name: 'twice' },
      { name: 'no/slash' },
      { name: 'a_b' },
      { name: 'c.d' },
      { name: 'c_d' },
      { name: 'p0', partitions: 0 },
      { name: 'p-2', partitions: -2 },
      { name: 'nulls', config: { 'retention.ms': null, 'flush.ms': null } },
      { name: 'wrong', config: { 'retention.ms': 'x' } },
      { name: 'unknown', config: { error: 'NONE' } },
      { name: 'lags', config: { 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '8' } },
      { name: 'long', config: { 'leader.replication.throttled.replicas': '1:1,'.repeat(600) + '2:2' } },
      { name: '__consumer_offsets' },
    )
    expect(results).toMatchObject([
      { name: 'good' },
      { error: 'TOPIC_ALREADY_EXISTS', message: "Topic 'flights' already exists." },
      { error: 'INVALID_REQUEST', message: 'Duplicate topic name.' },
      { error: 'INVALID_REQUEST', message: 'Duplicate topic name.' },
      { error: 'INVALID_TOPIC_EXCEPTION' },
      { error: 'INVALID_TOPIC_EXCEPTION', message: "Topic 'a_b' collides with existing topic: a.b" },
      { name: 'c.d' },
      { error: 'INVALID_TOPIC_EXCEPTION' },
      { error: 'INVALID_PARTITIONS', message: 'Number of partitions was set to an invalid non-positive value.' },
      { error: 'INVALID_PARTITIONS' },
      { error: 'INVALID_CONFIG', message: 'Null value not supported for topic configs: retention.ms,flush.ms' },
      { error: 'INVALID_CONFIG' },
      { error: 'INVALID_CONFIG', message: 'Unknown topic config name: error' },
      { error: 'INVALID_CONFIG' },
      { name: 'long' },
      { error: 'INVALID_REQUEST', message: 'Creation of internal topic __consumer_offsets is prohibited.' },
    ])
    expect(cluster.view.topics.map(topic => topic.name)).toEqual(['a.b', 'c.d', 'flights', 'good', 'long'])
  })

  it('bounds the configs of a topic, the topics and the partitions', () => {
    const cluster = new ClusterUnderTest()
    const replicas = Array.from({ length: 500 }, (_, i) => `${i}:1`).join(',')
    expect(cluster.create({ name: 'a', config: { 'leader.replication.throttled.replicas': replicas } })).toMatchObject([
      { error: 'INVALID_CONFIG' },
    ])
    expect(cluster.create(...Array.from({ length: 1001 }, (_, i) => ({ name: `t${i}` })))[0]).toEqual({
      error: 'POLICY_VIOLATION',
      message: 'Unable to perform excessively large batch operation.',
    })
    expect(cluster.create({ name: 'a', partitions: 5001 }, { name: 'b', partitions: 5000 })).toMatchObject([
      { error: 'POLICY_VIOLATION' },
      { error: 'POLICY_VIOLATION' },
    ])
    expect(cluster.create({ name: 'a', partitions: 10_001 }, { name: 'b' })).toMatchObject([
      { error: 'POLICY_VIOLATION', message: 'Excessively large number of partitions per request.' },
      { error: 'POLICY_VIOLATION' },
    ])
    expect(cluster.view.topics).toEqual([])
    for (let i = 0; i < 20; i++) cluster.create({ name: `big${i}`, partitions: 10_000 })
    expect(cluster.create({ name: 'one-more' })).toMatchObject([{ error: 'POLICY_VIOLATION' }])
    cluster.delete('big0')
    expect(cluster.create({ name: 'one-more' })).toMatchObject([{ name: 'one-more' }])
  })

  it('only validates when asked to', () => {
    const cluster = withTopic()
    const stored = cluster.records.length
    const topics = [{ name: 'a' }, { name: 'flights' }]
    expect(cluster.run({ type: 'create', topics, topicIds: ['x', 'y'], validateOnly: true })).toMatchObject([
      { name: 'a', partitions: 1 },
      { error: 'TOPIC_ALREADY_EXISTS' },
    ])
    expect(cluster.records).toHaveLength(stored)
    expect(cluster.view.topics).toHaveLength(1)
  })

  it('gives a recreated topic another id', () => {
    const cluster = withTopic()
    cluster.delete('flights')
    expect(cluster.create({ name: 'flights' })).toMatchObject([{ topicId: 'id-2', partitions: 1 }])
  })
})

describe('deleting topics', () => {
  it('goes by name or by id, once', () => {
    const cluster = withTopic()
    cluster.create({ name: 'b' }, { name: 'c' })
    const topics = [
      { name: 'flights' },
      { topicId: 'id-1' },
      { topicId: 'id-2' },
      { name: 'nope' },
      { topicId: 'nope' },
      { name: 'c', topicId: 'id-3' },
      {},
    ]
    expect(cluster.run({ type: 'delete', topics })).toMatchObject([
      { name: 'flights', topicId: 'id-1' },
      { error: 'INVALID_REQUEST', message: 'Duplicate topic id.' },
      { name: 'b', topicId: 'id-2' },
      { error: 'UNKNOWN_TOPIC_OR_PARTITION' },
      { error: 'UNKNOWN_TOPIC_ID' },
      { error: 'INVALID_REQUEST', message: 'You may not specify both topic name and topic id.' },
      { error: 'INVALID_REQUEST', message: 'Neither topic name nor id were specified.' },
    ])
    expect(cluster.view.topics.map(topic => topic.name)).toEqual(['c'])
  })

  it('can be turned off', () => {
    const cluster = withTopic()
    cluster.run({ type: 'configureBroker', broker: { 'delete.topic.enable': 'false' } })
    expect(cluster.delete('flights')).toMatchObject([{ error: 'TOPIC_DELETION_DISABLED' }])
    expect(cluster.view.topics).toHaveLength(1)
  })

  it('frees the name, also for names that collided with it', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a.b' })
    cluster.delete('a.b')
    expect(cluster.create({ name: 'a_b' })).toMatchObject([{ name: 'a_b' }])
  })
})

describe('adding partitions', () => {
  const table: readonly { count: number; then: object }[] = [
    { count: 5, then: { partitions: 5, configVersion: 1, grown: { from: 3, at: 1_000_000 } } },
    { count: 3, then: { error: 'INVALID_PARTITIONS', message: 'Topic already has 3 partition(s).' } },
    {
      count: 2,
      then: {
        error: 'INVALID_PARTITIONS',
        message: 'The topic flights currently has 3 partition(s); 2 would not be an increase.',
      },
    },
    { count: -1, then: { error: 'INVALID_PARTITIONS' } },
    { count: 10_001, then: { error: 'INVALID_PARTITIONS' } },
    { count: 3.5, then: { error: 'INVALID_PARTITIONS' } },
  ]
  for (const { count, then } of table)
    it(`from 3 to ${count}`, () => expect(withTopic().grow('flights', count)).toMatchObject(then))
  it('to a topic that is not there', () =>
    expect(withTopic().grow('nope', 5)).toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' }))
})

describe('altering configs', () => {
  type Change = readonly [key: string, value: string | null, operation?: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT']
  const given = { 'retention.ms': '5', 'edgelog.jurisdiction': 'eu' }
  const table: readonly { changes: Change[]; replaceAll?: true; then: object }[] = [
    { changes: [['segment.ms', '7']], then: { config: { ...given, 'segment.ms': '7' }, configVersion: 2 } },
    {
      changes: [['retention.ms', null, 'DELETE']],
      then: { config: { 'edgelog.jurisdiction': 'eu' }, configVersion: 2 },
    },
    { changes: [['retention.ms', ' 5 ']], then: { config: given, configVersion: 1 } },
    { changes: [['segment.ms', null, 'DELETE']], then: { config: given, configVersion: 1 } },
    { changes: [['cleanup.policy', 'compact', 'APPEND']], then: { config: { 'cleanup.policy': 'delete,compact' } } },
    { changes: [['cleanup.policy', 'delete', 'SUBTRACT']], then: { config: { 'cleanup.policy': '' } } },
    {
      changes: [['retention.ms', '1', 'APPEND']],
      then: { error: 'INVALID_CONFIG', message: "Can't APPEND to key retention.ms because its type is not LIST." },
    },
    { changes: [['retention.ms', null]], then: { error: 'INVALID_REQUEST' } },
    {
      changes: [
        ['segment.ms', '1'],
        ['segment.ms', '2'],
      ],
      then: { error: 'INVALID_REQUEST', message: 'Error due to duplicate config keys' },
    },
    { changes: [['retention.ms', '-7']], then: { error: 'INVALID_CONFIG' } },
    { changes: [['nope', '1']], then: { error: 'INVALID_CONFIG' } },
    { changes: [['edgelog.jurisdiction', 'us']], then: { error: 'INVALID_CONFIG' } },
    { changes: [['edgelog.jurisdiction', null, 'DELETE']], then: { error: 'INVALID_CONFIG' } },
    { changes: [['edgelog.location', 'weur']], then: { config: { 'edgelog.location': 'weur' } } },
    {
      changes: [['segment.ms', '7']],
      replaceAll: true,
      then: { config: { 'edgelog.jurisdiction': 'eu', 'segment.ms': '7' } },
    },
  ]
  for (const { changes, replaceAll, then } of table)
    it(`${JSON.stringify(changes)}${replaceAll ? ' and nothing else' : ''}`, () =>
      expect(withTopic(given).alter('flights', changes, replaceAll)).toMatchObject(then))

  it('of a topic that is not there is judged as config first, as Kafka does', () => {
    expect(withTopic().alter('nope', [['nonsense', '1']])).toMatchObject({ error: 'INVALID_CONFIG' })
    expect(withTopic().alter('nope', [['retention.ms', '1']])).toEqual({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: "The topic 'nope' does not exist.",
    })
  })
})

describe('producer ids', () => {
  it('come in blocks that no restart gives out again', () => {
    const cluster = new ClusterUnderTest()
    expect(cluster.run({ type: 'allocateProducerIds' })).toEqual({ first: 0, count: 1000 })
    expect(cluster.run({ type: 'allocateProducerIds' })).toEqual({ first: 1000, count: 1000 })
    expect(cluster.restart().run({ type: 'allocateProducerIds' })).toEqual({ first: 2000, count: 1000 })
  })
})

describe('the view', () => {
  it('has a new version with every change, and only then', () => {
    const cluster = withTopic()
    const versions = [cluster.view.version]
    const after = (change: () => unknown): void => void (change(), versions.push(cluster.view.version))
    after(() => cluster.create({ name: 'flights' }))
    after(() => cluster.alter('flights', [['retention.ms', '9']]))
    after(() => cluster.alter('flights', [['retention.ms', '9']]))
    after(() => cluster.grow('flights', 4))
    after(() => cluster.answer())
    after(() => cluster.delete('flights'))
    expect(versions.map(version => version - versions[0]!)).toEqual([0, 0, 1, 1, 2, 2, 3])
  })

  it('is never the version of an earlier cluster in its place', () => {
    const earlier = withTopic()
    const later = new ClusterUnderTest()
    later.nowMs = earlier.nowMs + 1
    later.create({ name: 'flights' })
    expect(later.view.version).toBeGreaterThan(earlier.view.version)
  })
})

describe('a restart', () => {
  it('finds everything as it was', () => {
    const cluster = withTopic({ 'retention.ms': '5' })
    cluster.create({ name: 'b' }, { name: 'c.d' })
    cluster.grow('b', 2)
    cluster.delete('c.d')
    cluster.run({ type: 'allocateProducerIds' })
    const again = cluster.restart()
    expect(again.state).toEqual(cluster.state)
    expect(again.create({ name: 'c_d' })).toMatchObject([{ name: 'c_d' }])
  })

  it('passes over facts of a kind it does not know', () => {
    const { machine } = new ClusterUnderTest()
    const encoder = new TextEncoder()
    const record = { key: encoder.encode('["quota","x"]'), value: encoder.encode('{}') }
    expect(machine.decode(record)).toBeUndefined()
  })
})

describe('configs of the broker', () => {
  it('change what holds for every topic, and every partition is told', () => {
    const cluster = withTopic()
    cluster.run({ type: 'configureBroker', broker: { 'log.retention.hours': '1' } })
    expect(cluster.calls).toEqual(['id-1-0 v2', 'id-1-1 v2', 'id-1-2 v2'])
    expect(cluster.pending(1)[0]?.birth?.config['retention.ms']).toBe(3_600_000)
    expect((cluster.view.topics[0] as TopicView).config).toEqual({})
    cluster.answer()
    cluster.run({ type: 'configureBroker', broker: { 'log.retention.hours': '1' } })
    expect(cluster.calls).toEqual([])
    expect(cluster.restart().state).toEqual(cluster.state)
  })

  it('that no partition notices are kept, and nobody is told', () => {
    const cluster = withTopic()
    cluster.run({ type: 'configureBroker', broker: { 'num.partitions': '4' } })
    expect(cluster.calls).toEqual([])
    expect(cluster.restart().create({ name: 'a' })).toMatchObject([{ partitions: 4 }])
  })

  it('store nothing while there is nothing to keep', () => {
    const cluster = new ClusterUnderTest()
    cluster.run({ type: 'configureBroker', broker: { 'num.partitions': '4' } })
    expect(cluster.records).toEqual([])
    cluster.create({ name: 'a' })
    expect(cluster.restart().state).toEqual(cluster.state)
  })
})
