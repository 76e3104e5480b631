// Groups of KafkaJS consumers over TCP against a whole broker, and a member of the consumer protocol among them.

import { type Admin, type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeRecord } from '../../../src/coordinator/records.ts'
import { codeOf } from '../../../src/protocol/errors.ts'
import { consumerGroupHeartbeat } from '../../../src/worker/kafka/apis/68-consumer-group-heartbeat.ts'
import { consumerGroupDescribe } from '../../../src/worker/kafka/apis/69-consumer-group-describe.ts'
import { offsetCommit } from '../../../src/worker/kafka/apis/08-offset-commit.ts'
import { joinGroup } from '../../../src/worker/kafka/apis/11-join-group.ts'
import { listGroups } from '../../../src/worker/kafka/apis/16-list-groups.ts'
import { offsetFetch } from '../../../src/worker/kafka/apis/09-offset-fetch.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { KafkaClient } from '../../support/kafka-client.ts'

let broker: Broker
let kafka: Kafka
let admin: Admin
const consumers: Consumer[] = []
beforeAll(async () => {
  broker = await startBroker({ vars: { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '100' } })
  kafka = new Kafka({ clientId: 'test', brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
})
afterAll(async () => {
  await Promise.all(consumers.map(consumer => consumer.disconnect()))
  await admin.disconnect()
  await broker.close()
})

/** Resolves when `what` holds, looked at after each of the things that may bring it about. */
function watch() {
  const waiting = new Set<() => void>()
  return {
    happened: () => waiting.forEach(look => look()),
    until: (what: () => boolean) =>
      new Promise<void>(resolve => {
        const look = () => {
          if (!what()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

interface Reader {
  readonly consumer: Consumer
  readonly seen: string[]
  owned: number[]
}

async function consume(groupId: string, topic: string, { happened }: ReturnType<typeof watch>): Promise<Reader> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 200,
    rebalanceTimeout: 5_000,
    maxWaitTimeInMs: 100,
  })
  consumers.push(consumer)
  const reader: Reader = { consumer, seen: [], owned: [] }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    reader.owned = payload.memberAssignment[topic] ?? []
    happened()
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      reader.seen.push(message.value!.toString())
      happened()
    },
  })
  return reader
}

async function produce(topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ retry: { retries: 0 } })
  await producer.connect()
  await producer.send({ topic, messages: values.map(value => ({ key: value, value })) })
  await producer.disconnect()
}

const values = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `v${from + i}`)

describe('a group of KafkaJS consumers', () => {
  it('shares partitions, hands them over, commits, and goes on where it was', { timeout: 60_000 }, async () => {
    await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 6 }] })
    await produce('shared', values(0, 300))
    const changes = watch()
    const a = await consume('sharing', 'shared', changes)
    await changes.until(() => a.seen.length === 300)
    expect(a.owned).toEqual([0, 1, 2, 3, 4, 5])
    const b = await consume('sharing', 'shared', changes)
    await changes.until(() => a.owned.length === 3 && b.owned.length === 3)
    expect([...a.owned, ...b.owned].sort()).toEqual([0, 1, 2, 3, 4, 5])
    await produce('shared', values(300, 600))
    await changes.until(() => a.seen.length + b.seen.length >= 600)
    expect(b.seen.length).toBeGreaterThan(0)

    const { groups } = await admin.describeGroups(['sharing'])
    expect(groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer', members: [{}, {}] })
    expect((await admin.listGroups()).groups).toContainEqual({ groupId: 'sharing', protocolType: 'consumer' })
    await a.consumer.disconnect()
    await changes.until(() => b.owned.length === 6)
    await produce('shared', values(600, 700))
    await changes.until(() => new Set([...a.seen, ...b.seen]).size === 700)
    await b.consumer.disconnect()

    const [offsets] = await admin.fetchOffsets({ groupId: 'sharing', topics: ['shared'] })
    const sum = offsets!.partitions.reduce((all, { offset }) => all + Number(offset), 0)
    expect(sum).toBe(700)
    expect([...a.seen, ...b.seen].sort()).toEqual(values(0, 700).sort())
    await admin.deleteGroups(['sharing'])
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain('sharing')
  })

  it('resets and deletes only when nobody is there', { timeout: 30_000 }, async () => {
    await admin.createTopics({ topics: [{ topic: 'reset', numPartitions: 1 }] })
    await produce('reset', values(0, 10))
    const changes = watch()
    const a = await consume('resetting', 'reset', changes)
    await changes.until(() => a.seen.length === 10)
    const hasty = kafka.admin({ retry: { retries: 0 } })
    await hasty.connect()
    await expect(hasty.deleteGroups(['resetting'])).rejects.toThrow()
    await hasty.disconnect()
    await a.consumer.disconnect()
    await admin.setOffsets({ groupId: 'resetting', topic: 'reset', partitions: [{ partition: 0, offset: '4' }] })
    const b = await consume('resetting', 'reset', changes)
    await changes.until(() => b.seen.length === 6)
    expect(b.seen).toEqual(values(4, 10))
  })
})

describe('over the wire', () => {
  it('a member that joins with the consumer protocol gets its partitions, and leaves', async () => {
    await admin.createTopics({ topics: [{ topic: 'modern', numPartitions: 3 }] })
    const client = await KafkaClient.connect(broker.kafka)
    const beat = (memberEpoch: number) =>
      client.call(consumerGroupHeartbeat, 1, {
        groupId: 'kip848',
        memberId: 'me',
        memberEpoch,
        rebalanceTimeoutMs: memberEpoch === 0 ? 30_000 : -1,
        subscribedTopicNames: memberEpoch === 0 ? ['modern'] : null,
        topicPartitions: memberEpoch === 0 ? [] : null,
      })
    const joined = await beat(0)
    expect(joined).toMatchObject({ errorCode: 0, memberId: 'me', memberEpoch: 2, heartbeatIntervalMs: 5_000 })
    expect(joined.assignment!.topicPartitions).toMatchObject([{ partitions: [0, 1, 2] }])
    const { groups } = await client.call(consumerGroupDescribe, 1, {
      groupIds: ['kip848', 'nobody'],
      includeAuthorizedOperations: false,
    })
    expect(groups).toMatchObject([
      { groupState: 'Stable', assignorName: 'uniform', members: [{ clientHost: '/127.0.0.1', memberType: 1 }] },
      { errorCode: codeOf('GROUP_ID_NOT_FOUND') },
    ])
    expect((await client.call(listGroups, 5, { statesFilter: ['stable'], typesFilter: ['Consumer'] })).groups).toEqual([
      { groupId: 'kip848', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
    ])
    expect(await beat(9)).toMatchObject({ errorCode: codeOf('FENCED_MEMBER_EPOCH') })
    expect(await beat(-1)).toMatchObject({ errorCode: 0, memberEpoch: -1 })
    client.close()
  })

  it('a caller that is gone while it waits does not hold up the others', { timeout: 30_000 }, async () => {
    const join = (client: KafkaClient, memberId: string) =>
      client.call(joinGroup, 9, {
        groupId: 'gone',
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 2_000,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: new Uint8Array([0, 0, 0, 0, 0, 0]) }],
      })
    const [gone, stays] = [await KafkaClient.connect(broker.kafka), await KafkaClient.connect(broker.kafka)]
    const [{ memberId: lost }, { memberId: kept }] = await Promise.all([join(gone, ''), join(stays, '')])
    const waiting = join(gone, lost)
    waiting.catch(() => {})
    const answered = join(stays, kept)
    gone.close()
    expect(await answered).toMatchObject({ errorCode: 0, memberId: kept, generationId: 1 })
    stays.close()
  })

  it('many groups are asked for their offsets at once', async () => {
    const client = await KafkaClient.connect(broker.kafka)
    const groups = Array.from({ length: 40 }, (_, i) => ({ groupId: `g${i}`, topics: null }))
    const { groups: answers } = await client.call(offsetFetch, 9, { groups, requireStable: true })
    expect(answers.map(({ groupId }) => groupId)).toEqual(groups.map(({ groupId }) => groupId))
    client.close()
  })
})

it('__consumer_offsets is listed, read like any topic, and cannot be written', { timeout: 30_000 }, async () => {
  expect(await admin.listTopics()).toContain('__consumer_offsets')
  const client = await KafkaClient.connect(broker.kafka)
  const partitions = [{ partitionIndex: 2, committedOffset: 7, committedMetadata: null }]
  await client.call(offsetCommit, 9, { groupId: 'read', topics: [{ name: 'modern', partitions }] })
  client.close()
  const consumer = kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 })
  consumers.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topics: ['__consumer_offsets'], fromBeginning: true })
  const found = await new Promise(resolve => {
    void consumer.run({
      eachMessage: async ({ message: { key, value } }) => {
        const record = decodeRecord({ key: new Uint8Array(key!), value: value && new Uint8Array(value) })
        if (record?.type === 'offset' && record.key.groupId === 'read') resolve(record)
      },
    })
  })
  expect(found).toMatchObject({ key: { topic: 'modern', partition: 2 }, value: { offset: 7 } })
  await expect(produce('__consumer_offsets', ['no'])).rejects.toThrow()
})
