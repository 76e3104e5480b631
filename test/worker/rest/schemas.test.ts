// The REST Proxy's formats that need a schema: written through v2 and v3, in the registry, as Confluent's serializers write
// them, and read back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client, type Reply } from '../../support/http.ts'

const V2 = 'application/vnd.kafka.v2+json'
const media = (format: string) => `application/vnd.kafka.${format}.v2+json`

let broker: Broker
let api: ReturnType<typeof client>
let cluster: string
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
  cluster = (await api('GET /v3/clusters')).json.data[0].cluster_id
})
afterAll(() => broker?.close())

const AVRO =
  '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":["null","int"]}]}'
const formats = [
  {
    format: 'avro',
    type: 'AVRO',
    registry: 'AVRO',
    schema: AVRO,
    value: { name: 'Ann', age: { int: 7 } },
    wrong: { name: 1 },
  },
  {
    format: 'jsonschema',
    type: 'JSONSCHEMA',
    registry: 'JSON',
    schema: '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}',
    value: { name: 'Ann', more: [1, null] },
    wrong: { name: 1 },
  },
  {
    format: 'protobuf',
    type: 'PROTOBUF',
    registry: 'PROTOBUF',
    schema: 'syntax = "proto3"; message User { string name = 1; int32 age = 2; }',
    value: { name: 'Ann', age: 7 },
    wrong: { age: 'x' },
  },
]

/** All that a new instance of the format finds. */
async function read(topic: string, format: string): Promise<Reply> {
  const made = await api(`POST /consumers/${topic}`, { type: V2, body: { format, 'auto.offset.reset': 'earliest' } })
  const path = new URL(made.json.base_uri).pathname
  await api(`POST ${path}/assignments`, { type: V2, body: { partitions: [{ topic, partition: 0 }] } })
  return api(`GET ${path}/records`, { headers: { accept: media(format) } })
}
const results = ({ text }: Reply) =>
  text
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
const v3 = (topic: string, ...records: readonly object[]) =>
  api(`POST /v3/clusters/${cluster}/topics/${topic}/records`, {
    type: 'application/json',
    body: records.map(record => JSON.stringify(record)).join(''),
  })

describe.each(formats)('$format', ({ format, type, registry, schema, value, wrong }) => {
  const subject = `v2-${format}-value`

  it('goes through v2 by its text, then by its id, and comes back', async () => {
    const topic = `v2-${format}`
    const first = await api(`POST /topics/${topic}`, {
      type: media(format),
      body: { value_schema: schema, records: [{ value }, { value: null }] },
    })
    expect(first).toMatchObject({
      status: 200,
      json: { offsets: [{ offset: 0 }, { offset: 1 }], key_schema_id: null, value_schema_id: expect.any(Number) },
    })
    const id = first.json.value_schema_id
    expect((await api(`GET /subjects/${subject}/versions/latest`)).json).toMatchObject({ id, version: 1 })
    const again = await api(`POST /topics/${topic}`, {
      type: media(format),
      body: { value_schema_id: id, records: [{ value }] },
    })
    expect(again).toMatchObject({ status: 200, json: { value_schema_id: id, offsets: [{ offset: 2 }] } })
    const stored = await api(`GET /v1/topics/${topic}/partitions/0/records?format=base64`)
    expect(Buffer.from(stored.json.records[0].value, 'base64').readUInt32BE(1)).toBe(id)
    expect(stored.json.records[2].value).toBe(stored.json.records[0].value)
    const reply = await read(topic, format)
    expect(reply.headers.get('content-type')).toBe(media(format))
    expect(reply.json).toEqual([
      { topic, key: null, value, partition: 0, offset: 0 },
      { topic, key: null, value: null, partition: 0, offset: 1 },
      { topic, key: null, value, partition: 0, offset: 2 },
    ])
  })

  it('goes through v3 by text, id, version and as the latest', async () => {
    const topic = `v3-${format}`
    const [first] = results(await v3(topic, { value: { type, schema, data: value } }))
    const told = { type, subject: `${topic}-value`, schema_id: expect.any(Number), schema_version: 1 }
    expect(first).toMatchObject({ error_code: 200, value: { ...told, size: expect.any(Number) } })
    const id = first.value.schema_id
    const found = results(
      await v3(
        topic,
        { value: { schema_id: id, data: value } },
        { value: { schema_version: 1, data: value } },
        { value: { data: value } },
        { value: { subject: `${topic}-value`, data: value } },
        { value: { subject_name_strategy: 'TOPIC_NAME', schema_id: id, data: value } },
        { value: { data: null } },
      ),
    )
    for (const result of found.slice(0, -1)) expect(result).toMatchObject({ error_code: 200, value: first.value })
    expect(found.at(-1)).toMatchObject({ error_code: 200, value: { ...told, size: 0 } })
    expect((await read(topic, format)).json.map((record: { value: unknown }) => record.value)).toEqual([
      ...Array.from({ length: 6 }, () => value),
      null,
    ])
  })

  it('refuses what does not fit, and nothing else', async () => {
    const topic = `wrong-${format}`
    await api(`POST /subjects/${topic}-value/versions`, { body: { schema, schemaType: registry } })
    expect(
      results(await v3(topic, { value: { data: wrong } }, { value: { data: value } }, { value: { data: wrong } })),
    ).toMatchObject([{ error_code: 400 }, { error_code: 200 }, { error_code: 400 }])
    const body = { value_schema: schema, records: [{ value }, { value: wrong }] }
    expect(await api(`POST /topics/${topic}`, { type: media(format), body })).toMatchObject({
      status: 400,
      json: { error_code: 400, message: expect.stringContaining('Bad Request') },
    })
  })
})

it('names subjects by record where it is asked to', async () => {
  const told = async (subject_name_strategy: string) =>
    results(
      await v3('named', {
        value: { type: 'AVRO', subject_name_strategy, schema: AVRO, data: { name: 'a', age: null } },
      }),
    )[0].value.subject
  expect(await told('RECORD_NAME')).toBe('User')
  expect(await told('TOPIC_RECORD_NAME')).toBe('named-User')
})

it('keeps keys in their own subjects', async () => {
  const body = { key_schema: '"string"', value_schema: '"int"', records: [{ key: 'k', value: 7 }] }
  const reply = await api('POST /topics/keyed', { type: media('avro'), body })
  expect(reply).toMatchObject({ status: 200, json: { key_schema_id: expect.any(Number) } })
  expect((await api('GET /subjects?subjectPrefix=keyed')).json.sort()).toEqual(['keyed-key', 'keyed-value'])
  expect((await read('keyed', 'avro')).json).toMatchObject([{ key: 'k', value: 7 }])
})

it('tells of records that no schema wrote when they come', async () => {
  await api('POST /topics/plain', { type: media('binary'), body: { records: [{ value: 'aGk=' }] } })
  expect(await read('plain', 'avro')).toMatchObject({ status: 408, json: { error_code: 40801 } })
})

describe('schemas that are not there', () => {
  it.each([
    { body: { records: [{ value: 1 }] }, status: 422, error_code: 42202 },
    { body: { value_schema: '"int"', records: [{ key: 1, value: 1 }] }, status: 422, error_code: 42201 },
    { body: { value_schema: '{"type":', records: [{ value: 1 }] }, status: 422, error_code: 42205 },
    { body: { value_schema_id: 4711, records: [{ value: 1 }] }, status: 422, error_code: 42207 },
    { body: { value_schema_id: 'x', records: [{ value: 1 }] }, status: 400, error_code: 400 },
  ])('are told in v2: $body', async ({ body, status, error_code }) => {
    expect(await api('POST /topics/none', { type: media('avro'), body })).toMatchObject({
      status,
      json: { error_code },
    })
  })

  it.each([
    { value: { data: 1 }, error_code: 422, message: /^Error: 42207 : .*latest schema version.*none3-value/ },
    { value: { schema_id: 4711, data: 1 }, error_code: 422, message: /schemaId = 4711/ },
    { value: { schema_version: 3, data: 1 }, error_code: 400, message: /subject: none3-value, version: 3/ },
    { value: { type: 'AVRO', schema: '{', data: 1 }, error_code: 422, message: /^Error: 42205 : Invalid schema/ },
    { value: { subject_name_strategy: 'RECORD_NAME', data: 1 }, error_code: 400, message: /RECORD_NAME/ },
  ])('are told in v3: $value', async ({ value, error_code, message }) => {
    expect(results(await v3('none3', { value }))).toMatchObject([
      { error_code, message: expect.stringMatching(message) },
    ])
  })
})

describe('a batch of records', () => {
  const batch = (body: object | string) =>
    api(`POST /v3/clusters/${cluster}/topics/batched/records:batch`, { type: 'application/json', body })

  it('is told in two lists', async () => {
    const entries = [
      { id: 'a', value: { type: 'STRING', data: 'one' } },
      { id: 'b', value: { type: 'BINARY', data: '#' } },
      { id: 'c', partition_id: 7 },
      { id: 'd', key: { type: 'JSON', data: [1] }, value: { type: 'AVRO', schema: '"int"', data: 5 } },
    ]
    const { status, json } = await batch({ entries })
    expect(status).toBe(207)
    const stored = { cluster_id: cluster, topic_name: 'batched', partition_id: 0, timestamp: expect.any(String) }
    expect(json).toEqual({
      successes: [
        { id: 'a', ...stored, offset: 0, value: { type: 'STRING', size: 3 } },
        {
          id: 'd',
          ...stored,
          offset: 1,
          key: { type: 'JSON', size: 3 },
          value: expect.objectContaining({ type: 'AVRO' }),
        },
      ],
      failures: [
        { id: 'b', error_code: 400, message: expect.any(String) },
        { id: 'c', error_code: 40402, message: 'Partition not found.' },
      ],
    })
  })

  it.each([
    { body: '', status: 422, message: 'Request body is empty. Data is required.' },
    { body: { entries: [] }, status: 422, message: 'Empty batch.' },
    { body: {}, status: 422, message: 'Empty batch.' },
    { body: { entries: [{ id: 'a' }, { id: 'a' }] }, status: 422, message: 'Batch entry IDs are not distinct.' },
    { body: { entries: [{}] }, status: 422, message: 'Batch entry identifier is not a valid string.' },
    { body: { entries: [7] }, status: 422, message: 'Batch entry identifier is not a valid string.' },
    { body: '[]', status: 400, message: expect.stringContaining('entries') },
    { body: '{"entries":[', status: 400, message: expect.stringContaining('JSON') },
  ])('cannot be $body', async ({ body, status, message }) => {
    expect(await batch(body)).toMatchObject({ status, json: { message } })
  })
})
