// The REST Proxy's v2 as its clients meet it: topics, producing, and what it says of wrong requests.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client } from '../../support/http.ts'

const V2 = 'application/vnd.kafka.v2+json'
const BINARY = 'application/vnd.kafka.binary.v2+json'
const JSON_V2 = 'application/vnd.kafka.json.v2+json'

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker({ kafka: [0, 0] })
  api = client(broker.http)
  await api('POST /v1/topics', { body: { name: 'two', partitions: 2, config: { 'retention.ms': 1_000_000 } } })
})
afterAll(() => broker?.close())

const values = async (topic: string, partition = 0, format = 'text') =>
  (await api(`GET /v1/topics/${topic}/partitions/${partition}/records?format=${format}`)).json.records.map(
    ({ key, value }: { key: string | null; value: unknown }) => [key, value],
  )

describe('metadata', () => {
  const replicas = [{ broker: expect.any(Number), leader: true, in_sync: true }]
  const partition = (number: number) => ({ partition: number, leader: expect.any(Number), replicas })

  it.each([
    { path: '/brokers', json: { brokers: [0, 1] } },
    { path: '/topics', json: expect.arrayContaining(['two']) },
    {
      path: '/topics/two',
      json: {
        name: 'two',
        configs: expect.objectContaining({ 'retention.ms': '1000000', 'cleanup.policy': 'delete' }),
        partitions: [partition(0), partition(1)],
      },
    },
    { path: '/topics/two/partitions', json: [partition(0), partition(1)] },
    { path: '/topics/two/partitions/1', json: partition(1) },
    { path: '/topics/two/partitions/1/offsets', json: { beginning_offset: 0, end_offset: 0 } },
  ])('GET $path', async ({ path, json }) => {
    const reply = await api(`GET ${path}`, { headers: { accept: V2 } })
    expect(reply).toMatchObject({ status: 200, json })
    expect(reply.headers.get('content-type')).toBe(V2)
  })

  it.each([
    { path: '/topics/none', status: 404, json: { error_code: 40401, message: 'Topic not found.' } },
    { path: '/topics/none/partitions', status: 404, json: { error_code: 40401, message: 'Topic not found.' } },
    { path: '/topics/two/partitions/2', status: 404, json: { error_code: 40402, message: 'Partition not found.' } },
    { path: '/topics/two/partitions/-1', status: 404, json: { error_code: 40402, message: 'Partition not found.' } },
    { path: '/topics/two/partitions/x', status: 404, json: { error_code: 404, message: 'HTTP 404 Not Found' } },
    { path: '/topics/two/partitions/x/offsets', status: 404, json: { error_code: 404 } },
    { path: '/topics/two/more', status: 404, json: { error_code: 404, message: 'HTTP 404 Not Found' } },
    { path: '/brokers/1', status: 404, json: { error_code: 404, message: 'HTTP 404 Not Found' } },
  ])('GET $path is refused', async ({ path, status, json }) => {
    const reply = await api(`GET ${path}`)
    expect(reply).toMatchObject({ status, json })
    expect(reply.headers.get('content-type')).toBe(V2)
  })

  it.each([
    { accept: 'text/html', status: 406 },
    { accept: 'application/vnd.kafka.v1+json', status: 406 },
    { accept: 'application/vnd.kafka.v2+json;q=0', status: 406 },
    { accept: 'text/html, */*;q=0.1', status: 200 },
    { accept: 'application/vnd.kafka.v2+json, application/json; q=0.5', status: 200 },
  ])('answers Accept: $accept with $status', async ({ accept, status }) => {
    expect(await api('GET /topics', { headers: { accept } })).toMatchObject({ status })
  })
})

describe('producing', () => {
  it('stores JSON as it is written, by key, by partition, or anywhere', async () => {
    const records = [
      { key: { id: 1 }, value: [1, 2.5] },
      { value: 'text', partition: 1 },
      { key: null, value: null, partition: 1 },
    ]
    const reply = await api('POST /topics/by-json', { type: JSON_V2, body: { records: [records[0]] } })
    expect(reply).toMatchObject({ status: 200 })
    expect(reply.json).toEqual({
      offsets: [{ partition: 0, offset: 0, error_code: null, error: null }],
      key_schema_id: null,
      value_schema_id: null,
    })
    expect(await values('by-json')).toEqual([['{"id":1}', '[1,2.5]']])
    const two = await api('POST /topics/two', { type: JSON_V2, body: { records: records.slice(1) } })
    expect(two.json.offsets).toEqual([
      { partition: 1, offset: 0, error_code: null, error: null },
      { partition: 1, offset: 1, error_code: null, error: null },
    ])
    expect(await values('two', 1)).toEqual([
      [null, '"text"'],
      [null, null],
    ])
  })

  it('takes a slash at the end, and numbers in texts', async () => {
    const body = { records: [{ value: 'YQ==', partition: '0' }] }
    expect(await api('POST /topics/slash/', { type: BINARY, body })).toMatchObject({
      status: 200,
      json: { offsets: [{ partition: 0, offset: 0 }] },
    })
    expect((await api('GET /topics/slash/partitions/0/')).json).toMatchObject({ partition: 0 })
  })

  it('stores base64 as the bytes it stands for', async () => {
    const body = { records: [{ key: 'a2V5', value: 'dmFsdWU=' }, { value: '' }] }
    expect(await api('POST /topics/binary/partitions/0', { type: BINARY, body })).toMatchObject({ status: 200 })
    expect(await values('binary')).toEqual([
      ['key', 'value'],
      [null, ''],
    ])
  })

  it('says of each record that it was not stored', async () => {
    await api('POST /v1/topics', { body: { name: 'compacted', config: { 'cleanup.policy': 'compact' } } })
    const body = { records: [{ value: 'dmFsdWU=' }] }
    const { status, json } = await api('POST /topics/compacted', { type: BINARY, body })
    expect(status).toBe(200)
    expect(json.offsets).toEqual([
      { partition: null, offset: null, error_code: 50002, error: expect.stringMatching(/key/i) },
    ])
  })

  const one = '{"records":[{"value":"YQ=="}]}'
  it.each([
    { type: V2, body: one, status: 415, json: { error_code: 415, message: 'HTTP 415 Unsupported Media Type' } },
    { type: 'application/json', body: one, status: 415, json: { error_code: 415 } },
    { body: '{}', status: 422, json: { error_code: 422, message: 'records must not be empty' } },
    { body: '{"records":[]}', status: 422, json: { error_code: 422 } },
    { body: '[]', status: 400, json: { error_code: 400 } },
    { body: '{"records":"list"}', status: 400, json: { error_code: 400 } },
    { body: '{"records":["YQ=="]}', status: 400, json: { error_code: 400 } },
    {
      body: '{"records":[{"value":"YQ==","patition":0}]}',
      status: 422,
      json: { message: 'Unrecognized field: patition' },
    },
    { body: '{"records":[{"value":"YQ==","partition":-2}]}', status: 422, json: { error_code: 422 } },
    { body: '{"records":[{"value":"YQ==","partition":2}]}', status: 404, json: { error_code: 40402 } },
    {
      body: '{"records":[{"value":"#"}]}',
      status: 400,
      json: { message: 'Bad Request: data="#" is not a valid base64 string.' },
    },
    {
      body: '{"records":[{"value":1}]}',
      status: 400,
      json: { message: 'Bad Request: data=1 is not a base64 string.' },
    },
    { body: '{"records":[', status: 400, json: { error_code: 400 } },
    { body: '', status: 400, json: { error_code: 400 } },
    { path: '/topics/two/partitions/9', body: one, status: 404, json: { error_code: 40402 } },
    { path: '/topics/two/partitions/9999999999', body: one, status: 404, json: { error_code: 404 } },
    { path: '/topics/not%20a%20name', body: one, status: 400, json: { error_code: 40002 } },
    { path: '/topics/__consumer_offsets', body: one, status: 400, json: { error_code: 40002 } },
  ])('refuses $body as $type', async ({ path = '/topics/two', type = BINARY, body, status, json }) => {
    expect(await api(`POST ${path}`, { type, body })).toMatchObject({ status, json })
  })
})
