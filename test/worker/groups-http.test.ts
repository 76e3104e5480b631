// Groups over HTTP, against a whole broker: those of KafkaJS, of the consumer protocol, and of offsets alone.

import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consumerGroupHeartbeat } from '../../src/worker/kafka/apis/68-consumer-group-heartbeat.ts'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client } from '../support/http.ts'
import { KafkaClient } from '../support/kafka-client.ts'

let broker: Broker
let kafka: Kafka
let admin: Admin
let api: ReturnType<typeof client>
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({
    vars: { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '100' },
    log: (level, message) => logged.push(`${level}: ${message}`),
  })
  api = client(broker.http)
  kafka = new Kafka({ clientId: 'test', brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  await admin.connect()
  // Ten records, one a second, in each of two partitions; the first two of partition 1 are gone.
  await api('POST /v1/topics', { body: { name: 'log', partitions: 2, config: { 'retention.ms': -1 } } })
  for (const partition of [0, 1]) {
    const records = Array.from({ length: 10 }, (_, i) => ({ value: i, partition, timestamp: T0 + i * 1_000 }))
    await api('POST /v1/topics/log/records', { body: { records } })
  }
  await api('DELETE /v1/topics/log/partitions/1/records?before=2')
})
afterAll(async () => {
  await admin?.disconnect()
  await broker?.close()
  expect(logged).toEqual([])
})

/** 2025-01-01T00:00:00Z */
const T0 = 1_735_689_600_000

const put = (group: string, ...offsets: readonly [number, number][]) =>
  api(`PUT /v1/groups/${group}/offsets`, {
    body: { offsets: offsets.map(([partition, offset]) => ({ topic: 'log', partition, offset })) },
  })
const offsetsOf = async (group: string): Promise<(number | null)[]> =>
  (await api(`GET /v1/groups/${group}/offsets`)).json.offsets.map(({ offset }: { offset: number | null }) => offset)

/** A KafkaJS consumer that has read and committed all of the topic. */
async function reader(groupId: string, topic: string, count: number) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 200, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let seen = 0
  await new Promise<void>(resolve => {
    consumer.on(consumer.events.COMMIT_OFFSETS, () => seen === count && resolve())
    void consumer.run({ autoCommitThreshold: 1, eachMessage: async () => void seen++ })
  })
  return consumer
}

describe('a group with a KafkaJS consumer', () => {
  it('is looked at, keeps its offsets while it has members, and is deleted after', { timeout: 30_000 }, async () => {
    const consumer = await reader('readers', 'log', 18)
    const { json: group } = await api('GET /v1/groups/readers')
    expect(group).toEqual({
      group: 'readers',
      state: 'Stable',
      type: 'classic',
      protocolType: 'consumer',
      protocol: 'RoundRobinAssigner',
      members: [
        {
          memberId: expect.stringMatching(/^test-/),
          groupInstanceId: null,
          clientId: 'test',
          clientHost: '/127.0.0.1',
          assignment: [{ topic: 'log', partitions: [0, 1] }],
        },
      ],
      offsets: [
        { topic: 'log', partition: 0, offset: 10, metadata: '', endOffset: 10, lag: 0 },
        { topic: 'log', partition: 1, offset: 10, metadata: '', endOffset: 10, lag: 0 },
      ],
      totalLag: 0,
    })
    expect((await api('GET /v1/groups?state=stable')).json.groups).toContainEqual({
      group: 'readers',
      state: 'Stable',
      type: 'classic',
      protocolType: 'consumer',
    })
    const nonEmpty = { status: 409, json: { code: 'NON_EMPTY_GROUP' } }
    expect(await put('readers', [0, 3])).toMatchObject(nonEmpty)
    expect(await api('POST /v1/groups/readers/offsets/reset', { body: { to: 'earliest' } })).toMatchObject(nonEmpty)
    const dry = { to: 'earliest', dryRun: true }
    expect(await api('POST /v1/groups/readers/offsets/reset', { body: dry })).toMatchObject(nonEmpty)
    expect(await api('DELETE /v1/groups/readers')).toMatchObject(nonEmpty)
    expect(await api('DELETE /v1/groups/readers/offsets?topic=log')).toMatchObject({
      status: 409,
      json: { code: 'GROUP_SUBSCRIBED_TO_TOPIC' },
    })
    expect(await offsetsOf('readers')).toEqual([10, 10])

    await consumer.disconnect()
    expect((await put('readers', [0, 3])).status).toBe(204)
    expect((await api('GET /v1/groups/readers')).json).toMatchObject({ state: 'Empty', members: [], totalLag: 7 })
    const again = await reader('readers', 'log', 7)
    await again.disconnect()
    expect(await offsetsOf('readers')).toEqual([10, 10])
    expect((await api('DELETE /v1/groups/readers')).status).toBe(204)
    expect(await api('GET /v1/groups/readers')).toMatchObject({ status: 404, json: { code: 'GROUP_ID_NOT_FOUND' } })
  })
})

it('a group of the consumer protocol shows its assignor, and partitions without an offset', async () => {
  const kip848 = await KafkaClient.connect(broker.kafka)
  await kip848.call(consumerGroupHeartbeat, 1, {
    groupId: 'modern',
    memberId: 'me',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['log'],
    topicPartitions: [],
  })
  expect((await api('GET /v1/groups/modern')).json).toMatchObject({
    type: 'consumer',
    protocol: 'uniform',
    members: [{ memberId: 'me', assignment: [{ topic: 'log', partitions: [0, 1] }] }],
    offsets: [
      { partition: 0, offset: null, metadata: null, endOffset: 10, lag: null },
      { partition: 1, offset: null, metadata: null, endOffset: 10, lag: null },
    ],
    totalLag: 0,
  })
  expect((await api('GET /v1/groups?type=Consumer')).json.groups).toMatchObject([{ group: 'modern' }])
  expect(await put('modern', [0, 1])).toMatchObject({ status: 409, json: { code: 'NON_EMPTY_GROUP' } })
  kip848.close()
})

describe('offsets', () => {
  it('are committed for a group that was not there, seen by Kafka, and forgotten', async () => {
    const offsets = [{ topic: 'log', partition: 0, offset: 4, metadata: 'here' }]
    expect((await api('PUT /v1/groups/new/offsets', { body: { offsets } })).status).toBe(204)
    expect((await put('new', [1, 7])).status).toBe(204)
    const [seen] = await admin.fetchOffsets({ groupId: 'new', topics: ['log'] })
    expect(seen!.partitions).toMatchObject([{ partition: 0, offset: '4', metadata: 'here' }, { offset: '7' }])
    expect((await api('GET /v1/groups/new/offsets')).json).toEqual({
      offsets: [
        { topic: 'log', partition: 0, offset: 4, metadata: 'here', endOffset: 10, lag: 6 },
        { topic: 'log', partition: 1, offset: 7, metadata: '', endOffset: 10, lag: 3 },
      ],
      totalLag: 9,
    })
    expect((await api('GET /v1/groups/new/offsets?topic=other')).json).toEqual({ offsets: [], totalLag: 0 })
    const named = { offsets: [{ topic: 'log', partition: 1 }] }
    expect((await api('DELETE /v1/groups/new/offsets', { body: named })).status).toBe(204)
    expect(await offsetsOf('new')).toEqual([4])
    expect((await api('DELETE /v1/groups/new/offsets?topic=log')).status).toBe(204)
    expect((await api('GET /v1/groups/new')).status).toBe(404)
  })

  it('are committed all or none', async () => {
    const good = { topic: 'log', partition: 0, offset: 1 }
    const put = (bad: object) => api('PUT /v1/groups/none/offsets', { body: { offsets: [good, bad] } })
    const cases = [
      { bad: { ...good, partition: 2 }, code: 'UNKNOWN_TOPIC_OR_PARTITION', field: 'offsets[1].partition' },
      { bad: { ...good, topic: 'x' }, code: 'UNKNOWN_TOPIC_OR_PARTITION', field: 'offsets[1].topic' },
      { bad: good, code: 'INVALID_REQUEST', field: 'offsets[1]' },
      { bad: { ...good, offset: -1 }, code: 'INVALID_REQUEST', field: 'offsets[1].offset' },
      { bad: { ...good, offset: '1' }, code: 'INVALID_REQUEST', field: 'offsets[1].offset' },
      { bad: { ...good, lag: 1 }, code: 'INVALID_REQUEST', field: 'offsets[1]' },
      { bad: { ...good, partition: 1, metadata: 7 }, code: 'INVALID_REQUEST', field: 'offsets[1].metadata' },
      {
        bad: { ...good, partition: 1, metadata: 'm'.repeat(4_097) },
        code: 'OFFSET_METADATA_TOO_LARGE',
        field: 'offsets[1].metadata',
      },
    ]
    for (const { bad, code, field } of cases) expect((await put(bad)).json).toMatchObject({ code, field })
    expect((await api('GET /v1/groups/none')).status).toBe(404)
  })
})

describe('a reset', () => {
  it.each([
    { to: 'earliest', then: [0, 2] },
    { to: 'latest', then: [10, 10] },
    { to: { offset: 1 }, then: [1, 2] },
    { to: { offset: 99 }, then: [10, 10] },
    { to: { shiftBy: -4 }, then: [1, 2] },
    { to: { shiftBy: 4 }, then: [9, 9] },
    { to: { shiftBy: 40 }, then: [10, 10] },
    { to: { timestamp: T0 + 3_500 }, then: [4, 4] },
    { to: { timestamp: '2025-01-01T00:00:03Z' }, then: [3, 3] },
    { to: { timestamp: '2025-01-01' }, then: [0, 2] },
    { to: { timestamp: '2099-01-01' }, then: [10, 10] },
    { to: { duration: 'P99999D' }, then: [0, 2] },
    { to: { duration: 'PT1H' }, then: [10, 10] },
  ])('to $to', async ({ to, then }) => {
    await put('reset', [0, 5], [1, 5])
    const offsets = then.map((to, partition) => ({ topic: 'log', partition, from: 5, to }))
    const dry = await api('POST /v1/groups/reset/offsets/reset', { body: { to, dryRun: true } })
    expect(dry).toMatchObject({ status: 200, json: { dryRun: true, offsets } })
    expect(await offsetsOf('reset')).toEqual([5, 5])
    const done = await api('POST /v1/groups/reset/offsets/reset', { body: { to } })
    expect(done).toMatchObject({ status: 200, json: { dryRun: false, offsets } })
    expect(await offsetsOf('reset')).toEqual(then)
  })

  it.each([
    { topics: ['log'], then: [0, 2] },
    { topics: [{ topic: 'log' }], then: [0, 2] },
    { topics: [{ topic: 'log', partitions: [1] }], then: [5, 2] },
    { topics: ['log', { topic: 'log', partitions: [1] }], then: [0, 2] },
  ])('of $topics', async ({ topics, then }) => {
    await put('some', [0, 5], [1, 5])
    expect((await api('POST /v1/groups/some/offsets/reset', { body: { to: 'earliest', topics } })).status).toBe(200)
    expect(await offsetsOf('some')).toEqual(then)
  })

  it('gives a group that is not there its first offsets, if topics are named', async () => {
    const reset = 'POST /v1/groups/coming/offsets/reset'
    expect((await api(reset, { body: { to: 'latest' } })).json).toMatchObject({ code: 'GROUP_ID_NOT_FOUND' })
    expect(await api(reset, { body: { to: { shiftBy: 1 }, topics: ['log'] } })).toMatchObject({ status: 400 })
    const { json } = await api(reset, { body: { to: 'latest', topics: ['log'] } })
    expect(json.offsets).toMatchObject([
      { from: null, to: 10 },
      { from: null, to: 10 },
    ])
    expect(await offsetsOf('coming')).toEqual([10, 10])
  })

  it.each([
    { body: {}, field: 'to' },
    { body: { to: 'newest' }, field: 'to' },
    { body: { to: { offset: 1, shiftBy: 1 } }, field: 'to' },
    { body: { to: { offset: -1 } }, field: 'to.offset' },
    { body: { to: { timestamp: 'noon' } }, field: 'to.timestamp' },
    { body: { to: { duration: '1h' } }, field: 'to.duration' },
    { body: { to: 'latest', dryRun: 'yes' }, field: 'dryRun' },
    { body: { to: 'latest', topics: [] }, field: 'topics' },
    { body: { to: 'latest', topics: [7] }, field: 'topics[0]' },
    { body: { to: 'latest', topics: ['nowhere'] }, field: 'topics[0]', status: 404 },
    { body: { to: 'latest', topics: [{ topic: 'log', partitions: [2] }] }, field: 'topics[0].partitions', status: 404 },
    { body: [], field: undefined },
  ])('is refused: $body', async ({ body, field, status = 400 }) => {
    await put('refused', [0, 5])
    const { json, ...answer } = await api('POST /v1/groups/refused/offsets/reset', { body })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect({ status: answer.status, field: json.field }).toEqual({ status, field })
    expect(await offsetsOf('refused')).toEqual([5])
  })
})

describe('what is wrong', () => {
  it.each([
    { call: 'GET /v1/groups?state=happy', status: 400, says: { field: 'state' } },
    { call: 'GET /v1/groups?type=share', status: 400, says: { field: 'type' } },
    { call: 'GET /v1/groups/nobody', status: 404, says: { code: 'GROUP_ID_NOT_FOUND' } },
    { call: 'GET /v1/groups/nobody/offsets', status: 404, says: { code: 'GROUP_ID_NOT_FOUND' } },
    { call: 'DELETE /v1/groups/nobody', status: 404, says: { code: 'GROUP_ID_NOT_FOUND' } },
    { call: 'DELETE /v1/groups/nobody/offsets?topic=log', status: 404, says: { code: 'GROUP_ID_NOT_FOUND' } },
    { call: 'DELETE /v1/groups/nobody/offsets', status: 415, says: { code: 'INVALID_REQUEST' } },
    { call: 'PATCH /v1/groups/nobody', status: 405, says: { code: 'INVALID_REQUEST' } },
  ])('$call', async ({ call, status, says }) => {
    expect(await api(call)).toMatchObject({ status, json: says })
  })

  it('ids of groups may be any text', async () => {
    const id = encodeURIComponent('a/b ü?')
    expect((await put(id, [0, 1])).status).toBe(204)
    expect((await api(`GET /v1/groups/${id}`)).json).toMatchObject({ group: 'a/b ü?', totalLag: 9 })
    expect((await api(`GET /v1/groups?after=${id}`)).json.groups).not.toContainEqual({ group: 'a/b ü?' })
    expect((await api('GET /v1/groups')).json.groups).toContainEqual(expect.objectContaining({ group: 'a/b ü?' }))
  })
})
