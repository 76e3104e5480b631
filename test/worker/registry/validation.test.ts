// Topics that ask for schemas, against a whole broker: what Kafka's clients and HTTP get for records without a right one.

import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client } from '../../support/http.ts'
import { KafkaClient } from '../../support/kafka-client.ts'
import { aBatch } from '../../support/log.ts'
import { aRecord } from '../../support/registry.ts'

const STRATEGY = 'io.confluent.kafka.serializers.subject'

let broker: Broker
let api: ReturnType<typeof client>
let producer: Producer
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
  const kafka = new Kafka({ brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  producer = kafka.producer()
  await producer.connect()
})
afterAll(async () => {
  await producer?.disconnect()
  await broker?.close()
})

const register = async (subject: string, schema: string): Promise<number> =>
  (await api(`POST /subjects/${subject}/versions`, { body: { schema } })).json.id
const topic = (name: string, config: object) => api('POST /v1/topics', { body: { name, partitions: 1, config } })

/** As a serializer writes it; what follows the id is nobody's business here. */
const withId = (id: number): Uint8Array =>
  Uint8Array.of(0, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff, 2)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const send = (name: string, values: readonly (Uint8Array | null)[], more: object = {}) =>
  api(`POST /v1/topics/${name}/records?format=base64&keyFormat=base64`, {
    body: { records: values.map(value => ({ value: value && base64(value), ...more })) },
  })

describe('a topic whose values need a schema of its own', () => {
  let id: number
  let other: number
  beforeAll(async () => {
    await topic('strict', { 'confluent.value.schema.validation': true })
    id = await register('strict-value', aRecord('r', 'a'))
    other = await register('elsewhere-value', aRecord('other', 'a'))
  })

  it('takes values that begin with its id, and null', async () => {
    expect((await send('strict', [withId(id), null, withId(id)])).status).toBe(200)
    await producer.send({ topic: 'strict', messages: [{ value: Buffer.from(withId(id)) }, { value: null }] })
  })

  it.each([
    { given: () => [withId(id), Uint8Array.of(1, 2, 3)], then: 'The value of record 1 begins with no schema id.' },
    {
      given: () => [withId(99)],
      then: "The value of record 0 has schema id 99, which is not registered under subject 'strict-value'.",
    },
    {
      given: () => [withId(id), withId(id), withId(other)],
      then: "The value of record 2 has schema id 2, which is not registered under subject 'strict-value'.",
    },
  ])('refuses others: $then', async ({ given, then }) => {
    const refused = await send('strict', given())
    expect(refused).toMatchObject({ status: 400, json: { code: 'INVALID_RECORD', detail: then } })
    await expect(
      producer.send({ topic: 'strict', messages: given().map(value => ({ value: Buffer.from(value) })) }),
    ).rejects.toThrow()
  })

  it('names the record to Kafka’s clients', async () => {
    const kafka = await KafkaClient.connect(broker.kafka)
    const answer = await kafka.call(produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        { name: 'strict', topicId: '', partitionData: [{ index: 0, records: aBatch([withId(id), 'text']) }] },
      ],
    } as never)
    kafka.close()
    expect(answer.responses[0]!.partitionResponses[0]).toMatchObject({
      errorCode: 87,
      recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: 'The value of record 1 begins with no schema id.' }],
    })
  })

  it('keeps the order of what one connection sends, looked at or not', async () => {
    await topic('ordered', { 'confluent.value.schema.validation': true })
    await register('ordered-value', aRecord('r', 'a'))
    const kafka = await KafkaClient.connect(broker.kafka)
    const sent = Array.from({ length: 20 }, (_, i) =>
      kafka.call(produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [
          {
            name: 'ordered',
            topicId: '',
            partitionData: [{ index: 0, records: aBatch([i % 2 === 0 ? withId(id) : null], { key: String(i) }) }],
          },
        ],
      } as never),
    )
    const answers = await Promise.all(sent)
    kafka.close()
    expect(answers.map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    )
  })

  it('asks no longer once its config says so', async () => {
    await topic('lax', { 'confluent.value.schema.validation': true })
    expect((await send('lax', [Uint8Array.of(7)])).status).toBe(400)
    await api('PATCH /v1/topics/lax', { body: { config: { 'confluent.value.schema.validation': null } } })
    expect((await send('lax', [Uint8Array.of(7)])).status).toBe(200)
    await api('PATCH /v1/topics/lax', { body: { config: { 'confluent.value.schema.validation': true } } })
    // This view of the cluster may be a moment old; the log asks for what it needs.
    expect((await send('lax', [Uint8Array.of(7)])).status).toBe(400)
  })
})

it.each([
  { strategy: 'RecordNameStrategy', subject: 'by.Name' },
  { strategy: 'TopicRecordNameStrategy', subject: 'TopicRecordNameStrategy-by.Name' },
])('$strategy asks for the subject $subject', async ({ strategy, subject }) => {
  await topic(strategy, {
    'confluent.value.schema.validation': true,
    'confluent.value.subject.name.strategy': `${STRATEGY}.${strategy}`,
  })
  const schema = JSON.stringify({ type: 'record', name: 'Name', namespace: 'by', fields: [] })
  const id = await register('unrelated', schema)
  expect((await send(strategy, [withId(id)])).json.detail).toContain(`subject '${subject}'`)
  await register(subject, schema)
  expect((await send(strategy, [withId(id)])).status).toBe(200)
})

it('keys may need one, too', async () => {
  await topic('keyed', { 'confluent.key.schema.validation': true })
  const id = await register('keyed-key', '"string"')
  expect((await send('keyed', [Uint8Array.of(1)], { key: base64(withId(id)) })).status).toBe(200)
  expect((await send('keyed', [Uint8Array.of(1)], { key: base64(Uint8Array.of(9)) })).json.detail).toBe(
    'The key of record 0 begins with no schema id.',
  )
})

it('a strategy that is none is refused', async () => {
  expect(await topic('wrong', { 'confluent.value.subject.name.strategy': 'MyStrategy' })).toMatchObject({
    status: 400,
    json: { code: 'INVALID_CONFIG' },
  })
})
