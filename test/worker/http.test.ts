// The HTTP API as its users meet it: a whole broker, real requests.

import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBatches } from '../../src/log/batch.ts'
import { partitionFor } from '../../src/log/partitioner.ts'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client, type Reply } from '../support/http.ts'
import { aBatch } from '../support/log.ts'

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
})
afterAll(() => broker?.close())

let made = 0
/** A topic of its own. */
async function aTopic(options: object = {}): Promise<string> {
  const name = `topic-${made++}`
  const created = await api('POST /v1/topics', { body: { name, partitions: 1, ...options } })
  expect(created.status).toBe(201)
  return name
}

const produce = (topic: string, body: object | string, query = '') =>
  api(`POST /v1/topics/${topic}/records${query}`, { body, type: 'application/json' })
const read = (topic: string, query = '', headers = {}) =>
  api(`GET /v1/topics/${topic}/partitions/0/records${query}`, { headers })
const values = ({ json }: Reply) => json.records.map(({ value }: { value: unknown }) => value)
const offsets = ({ json }: Reply) => json.records.map(({ offset }: { offset: number }) => offset)
const problem = { 'content-type': 'application/problem+json' }
const headersOf = ({ headers }: Reply) => Object.fromEntries(headers)

describe('topics', () => {
  it('are created, listed, looked at, changed and deleted', async () => {
    const created = await api('POST /v1/topics', {
      body: { name: 'orders.eu', partitions: 2, config: { 'retention.ms': 3_600_000, 'cleanup.policy': null } },
    })
    const partition = { logStartOffset: 0, highWatermark: 0, sizeBytes: 0, segments: 1 }
    const topic = {
      name: 'orders.eu',
      topicId: expect.stringMatching(/^[\w-]{22}$/),
      partitions: [
        { partition: 0, ...partition },
        { partition: 1, ...partition },
      ],
      config: { 'retention.ms': '3600000' },
    }
    expect(created).toMatchObject({ status: 201, json: topic })
    expect(created.headers.get('location')).toBe('/v1/topics/orders.eu')
    expect(await api('GET /v1/topics/orders.eu')).toMatchObject({ status: 200, json: topic })
    const listed = await api('GET /v1/topics')
    expect(listed.json.topics).toContainEqual(topic)

    const changes = { partitions: 3, config: { 'retention.ms': null, 'segment.ms': '60000' } }
    const changed = await api('PATCH /v1/topics/orders.eu', { body: changes })
    expect(changed).toMatchObject({ status: 200, json: { config: { 'segment.ms': '60000' } } })
    expect(changed.json.partitions).toHaveLength(3)
    expect(changed.json.config).not.toHaveProperty('retention.ms')

    expect(await api('DELETE /v1/topics/orders.eu')).toMatchObject({ status: 204, text: '' })
    expect(await api('GET /v1/topics/orders.eu')).toMatchObject({
      status: 404,
      json: { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
    })
    expect(await api('DELETE /v1/topics/orders.eu')).toMatchObject({ status: 404 })
  })

  it('begin empty when they are created again', async () => {
    const name = await aTopic()
    await produce(name, { value: 1 })
    await api(`DELETE /v1/topics/${name}`)
    await api('POST /v1/topics', { body: { name } })
    expect(await read(name)).toMatchObject({ json: { records: [], nextOffset: 0, highWatermark: 0 } })
    expect((await produce(name, { value: 2 })).json.records[0].offset).toBe(0)
  })

  it('change in all they are asked to, or in nothing', async () => {
    const name = await aTopic()
    const changes = { partitions: 5, config: { 'retention.ms': 'soon' } }
    expect(await api(`PATCH /v1/topics/${name}`, { body: changes })).toMatchObject({
      status: 400,
      json: { code: 'INVALID_CONFIG' },
    })
    expect((await api(`GET /v1/topics/${name}`)).json.partitions).toHaveLength(1)
    expect(await api(`PATCH /v1/topics/${name}`, { body: { partitions: 1 } })).toMatchObject({ status: 200 })
  })

  it.each([
    { body: { name: 'a/b' }, status: 400, json: { code: 'INVALID_TOPIC_EXCEPTION' } },
    { body: { name: 'x'.repeat(250) }, status: 400, json: { code: 'INVALID_TOPIC_EXCEPTION' } },
    {
      body: { name: 'c', config: { 'no.such': 1 } },
      status: 400,
      json: { code: 'INVALID_CONFIG', detail: expect.stringContaining('no.such') },
    },
    { body: { name: 'c', config: { 'retention.ms': {} } }, status: 400, json: { field: 'config.retention.ms' } },
    { body: { name: 'c', partitions: 0 }, status: 400, json: { field: 'partitions' } },
    { body: { name: 'c', partitions: 1.5 }, status: 400, json: { field: 'partitions' } },
    { body: { name: 'c', partitions: 2 ** 53 }, status: 400, json: { field: 'partitions' } },
    {
      body: { name: 'c', partition: 1 },
      status: 400,
      json: { detail: expect.stringContaining('unknown members (partition)') },
    },
    { body: { partitions: 1 }, status: 400, json: { field: 'name' } },
    { body: [], status: 400, json: { detail: expect.stringContaining('must be an object') } },
  ])('cannot be $body', async ({ body, status, json }) => {
    expect(await api('POST /v1/topics', { body })).toMatchObject({ status, json })
  })
})

describe('producing JSON', () => {
  it('answers in request order', async () => {
    const name = await aTopic({ partitions: 4 })
    const records = Array.from({ length: 50 }, (_, i) => ({ key: `k${i % 7}`, value: i }))
    const { status, json } = await produce(name, { records })
    expect(status).toBe(200)
    const next = [0, 0, 0, 0]
    records.forEach(({ key }, i) => {
      const partition = partitionFor(new TextEncoder().encode(key), 4)
      expect(json.records[i]).toEqual({ partition, offset: next[partition]!++, timestamp: expect.any(Number) })
    })
  })

  it('keeps what cannot be told apart by JSON.parse', async () => {
    const name = await aTopic()
    const body =
      '{"value": {"n": 12345678901234567890.50, "s": "\\u00e9"}, "headers": {"b": {"base64": "/w=="}, "a": ["1", null]}}'
    await produce(name, body)
    expect((await read(name)).text).toContain(
      '"key":null,"value":{"n":12345678901234567890.50,"s":"\\u00e9"},"headers":{"b":{"base64":"/w=="},"a":["1",null]}}',
    )
  })

  it('goes to the partition of the path', async () => {
    const name = await aTopic({ partitions: 3 })
    const { json } = await api(`POST /v1/topics/${name}/partitions/2/records`, {
      body: [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
    })
    expect(json.records).toMatchObject([
      { partition: 2, offset: 0 },
      { partition: 2, offset: 1 },
    ])
  })

  it('creates a topic that is not there', async () => {
    expect(await produce('unheard-of', { value: 1 })).toMatchObject({
      status: 200,
      json: { records: [{ partition: 0, offset: 0 }] },
    })
    expect(await produce('not/legal'.replace('/', '%2f'), { value: 1 })).toMatchObject({
      status: 400,
      json: { code: 'INVALID_TOPIC_EXCEPTION' },
    })
  })

  it('says at each record what failed, and answers the problem itself where all did', async () => {
    const name = await aTopic({ config: { 'max.message.bytes': 1000 } })
    const large = { value: 'x'.repeat(2000) }
    const mixed = await produce(name, [{ value: 1 }, large, { value: 2, partition: 7 }, { value: 3 }])
    expect(mixed.status).toBe(207)
    expect(mixed.json.records).toMatchObject([
      { partition: 0, offset: 0 },
      {
        partition: 0,
        error: { code: 'MESSAGE_TOO_LARGE', errorCode: 10, retriable: false, detail: expect.stringContaining('1000') },
      },
      { partition: 7, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION', errorCode: 3 } },
      { partition: 0, offset: 1 },
    ])
    const none = await produce(name, [large, large])
    expect(none).toMatchObject({ status: 413, json: { code: 'MESSAGE_TOO_LARGE', errorCode: 10 } })
    expect(none.json.records).toHaveLength(2)
    expect(headersOf(none)).toMatchObject(problem)
  })

  it('cuts what is too much for one batch', async () => {
    const name = await aTopic({ config: { 'max.message.bytes': 20_000 } })
    const records = Array.from({ length: 100 }, (_, i) => ({ value: `${i}`.padEnd(1_000) }))
    expect(await produce(name, { records })).toMatchObject({ status: 200 })
    expect(values(await read(name))).toEqual(records.map(({ value }) => value))
  })

  it('refuses a record without key for a compacted topic, and says which', async () => {
    const name = await aTopic({ config: { 'cleanup.policy': 'compact' } })
    const refused = await produce(name, [{ key: 'a', value: 1 }, { value: 2 }])
    expect(refused).toMatchObject({ status: 400, json: { code: 'INVALID_RECORD' } })
    expect(refused.json.records[1].error.detail).toMatch(/key/)
    expect(await produce(name, [{ key: 'a', value: null }])).toMatchObject({ status: 200 })
  })

  it('tells the time of the broker where the topic keeps that', async () => {
    const name = await aTopic({ config: { 'message.timestamp.type': 'LogAppendTime' } })
    const { json } = await produce(name, [{ value: 1, timestamp: 5 }])
    expect(json.records[0].timestamp).toBeGreaterThan(1_700_000_000_000)
    expect((await read(name)).json.records[0].timestamp).toBe(json.records[0].timestamp)
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('compresses with %s where the topic says so', async codec => {
    const name = await aTopic({ config: { 'compression.type': codec } })
    await produce(name, [{ value: 'x'.repeat(5_000) }])
    expect(values(await read(name))).toEqual(['x'.repeat(5_000)])
    expect((await api(`GET /v1/topics/${name}`)).json.partitions[0].sizeBytes).toBeLessThan(1_000)
  })

  it('waits for nothing with acks=0', async () => {
    const name = await aTopic()
    expect(await produce(name, [{ value: 1 }, { value: 2 }], '?acks=0')).toMatchObject({
      status: 202,
      json: { accepted: 2 },
    })
    expect(values(await read(name, '?waitMs=5000'))).toEqual([1, 2])
    expect(await produce(name, { value: 3 }, '?acks=1')).toMatchObject({ status: 200 })
  })

  it('takes a body that is compressed', async () => {
    const name = await aTopic()
    const headers = { 'content-encoding': 'gzip' }
    const call = { type: 'application/json', body: gzipSync('{"value":"small"}'), headers }
    expect(await api(`POST /v1/topics/${name}/records`, call)).toMatchObject({ status: 200 })
    expect(values(await read(name))).toEqual(['small'])
  })
})

describe('a repeated request', () => {
  it('with the same Idempotency-Key is answered the same and appends nothing', async () => {
    const name = await aTopic({ partitions: 4 })
    const records = [{ key: 'a', value: 1 }, { value: 2 }, { key: 'b', value: 3 }, { value: 4 }]
    const call = { body: { records }, headers: { 'Idempotency-Key': 'once' } }
    const first = await api(`POST /v1/topics/${name}/records`, call)
    const again = await api(`POST /v1/topics/${name}/records`, call)
    const places = ({ json }: Reply) =>
      json.records.map(({ partition, offset, timestamp }: Record<string, number>) => [partition, offset, timestamp])
    expect(first.status).toBe(200)
    expect(places(again)).toEqual(places(first))
    const total = async () =>
      (await api(`GET /v1/topics/${name}`)).json.partitions.reduce(
        (sum: number, { highWatermark }: { highWatermark: number }) => sum + highWatermark,
        0,
      )
    expect(await total()).toBe(4)

    await api(`PATCH /v1/topics/${name}`, { body: { partitions: 9 } })
    expect(places(await api(`POST /v1/topics/${name}/records`, call))).toEqual(places(first))
    expect(await total()).toBe(4)
    await api(`POST /v1/topics/${name}/records`, { ...call, headers: { 'Idempotency-Key': 'twice' } })
    expect(await total()).toBe(8)
  })

  it('of lines is cut the same', async () => {
    const name = await aTopic()
    const body = Array.from({ length: 3_000 }, (_, i) => `{"value":"${String(i).padEnd(1_000)}"}\n`).join('')
    const call = { body, type: 'application/x-ndjson', headers: { 'Idempotency-Key': 'lines' } }
    const first = await api(`POST /v1/topics/${name}/records`, call)
    const again = await api(`POST /v1/topics/${name}/records`, call)
    expect(offsets(again)).toEqual(offsets(first))
    expect((await api(`GET /v1/topics/${name}`)).json.partitions[0].highWatermark).toBe(3_000)
  })

  it.each(['', 'x'.repeat(256)])('needs a key of 1 to 255 characters, not "%s"', async key => {
    const reply = await api('POST /v1/topics/any/records', { body: { value: 1 }, headers: { 'Idempotency-Key': key } })
    expect(reply).toMatchObject({ status: 400, json: { field: 'Idempotency-Key' } })
  })
})

describe('other bodies', () => {
  it('are one value, with the key of the query', async () => {
    const name = await aTopic()
    const png = new Uint8Array([0x89, 0x50, 0xff, 0x00])
    await api(`POST /v1/topics/${name}/records?key=k`, { body: png, type: 'application/octet-stream' })
    await api(`POST /v1/topics/${name}/records?key=${encodeURIComponent('{"id": 1}')}&keyFormat=json`, {
      body: 'grün',
      type: 'text/plain; charset=utf-8',
    })
    await api(`POST /v1/topics/${name}/records`, { body: new Uint8Array(0), type: 'application/octet-stream' })
    expect((await read(name)).json.records).toMatchObject([
      { key: 'k', value: 'iVD/AA==', valueFormat: 'base64' },
      { key: '{"id":1}', value: 'grün', valueFormat: 'text' },
      { key: null, value: '', valueFormat: 'text' },
    ])
    const decoded = await read(name, '?format=text&limit=2')
    expect(decoded.json.records[1]).toMatchObject({ value: 'grün' })
    expect(decoded.json.records[1]).not.toHaveProperty('valueFormat')
    expect(decoded.json.nextOffset).toBe(2)
  })

  it('are lines, a record each', async () => {
    const name = await aTopic()
    const body = '{"value":1,"key":"a"}\r\n\n  {"value":{"b": 2}}\n{"value":3}'
    expect(offsets(await api(`POST /v1/topics/${name}/records`, { body, type: 'application/x-ndjson' }))).toEqual([
      0, 1, 2,
    ])
    expect(values(await read(name))).toEqual([1, { b: 2 }, 3])
    expect(await api(`POST /v1/topics/${name}/records`, { body: '\n\n', type: 'application/x-ndjson' })).toMatchObject({
      status: 200,
      json: { records: [] },
    })
    const answered = await api(`POST /v1/topics/${name}/records`, {
      body,
      type: 'application/x-ndjson',
      headers: { accept: 'application/x-ndjson' },
    })
    expect(
      answered.text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).offset),
    ).toEqual([3, 4, 5])
  })

  it("are Kafka's own batches, stored and read back byte for byte", async () => {
    const name = await aTopic()
    const now = Date.now()
    const batches = [aBatch(['a', 'b'], { codec: 'gzip', timestamp: now }), aBatch(['c'], { timestamp: now + 1 })]
    const body = new Uint8Array(Buffer.concat(batches))
    const type = 'application/vnd.edgelog.recordbatch'
    const produced = await api(`POST /v1/topics/${name}/records`, { body, type })
    expect(produced).toMatchObject({
      status: 200,
      json: { records: [0, 1, 2].map((offset, i) => ({ partition: 0, offset, timestamp: [now, now, now + 1][i] })) },
    })
    expect((await read(name, '?format=text')).json.records).toMatchObject([
      { value: 'a' },
      { value: 'b' },
      { value: 'c' },
    ])

    const stored = await fetch(new URL(`/v1/topics/${name}/partitions/0/records?offset=1`, broker.http), {
      headers: { accept: type },
    })
    expect(Object.fromEntries(stored.headers)).toMatchObject({
      'content-type': type,
      'edgelog-next-offset': '3',
      'edgelog-high-watermark': '3',
      'edgelog-log-start-offset': '0',
    })
    const bytes = new Uint8Array(await stored.arrayBuffer())
    expect(bytes.length).toBe(body.length)
    const opened = readBatches(bytes)
    expect(opened.map(({ baseOffset }) => baseOffset)).toEqual([0, 2])
    // All but base offset and leader epoch is as it was sent.
    expect(opened.map(({ bytes }) => [...bytes.subarray(16)])).toEqual(batches.map(batch => [...batch.subarray(16)]))

    const corrupt = body.slice()
    corrupt[70]! ^= 1
    expect(await api(`POST /v1/topics/${name}/records`, { body: corrupt, type })).toMatchObject({
      status: 400,
      json: { code: 'CORRUPT_MESSAGE' },
    })
    expect(await api(`POST /v1/topics/${name}/records`, { body: body.subarray(0, 90), type })).toMatchObject({
      status: 400,
      json: { code: 'INVALID_RECORD' },
    })
    const wide = await aTopic({ partitions: 2 })
    expect(await api(`POST /v1/topics/${wide}/records`, { body, type })).toMatchObject({ status: 400 })
    expect(await api(`POST /v1/topics/${wide}/partitions/1/records`, { body, type })).toMatchObject({ status: 200 })
  })

  it('are CloudEvents in all three modes', async () => {
    const name = await aTopic()
    const event = { specversion: '1.0', id: '1', source: '/s', type: 't', partitionkey: 'p', data: { a: 1 } }
    const path = `POST /v1/topics/${name}/records`
    const structured = { body: JSON.stringify(event), type: 'application/cloudevents+json' }
    expect(await api(path, structured)).toMatchObject({ status: 200 })
    const batch = {
      body: JSON.stringify([event, { ...event, id: '2' }]),
      type: 'application/cloudevents-batch+json; charset=utf-8',
    }
    expect(offsets(await api(path, batch))).toEqual([1, 2])
    const attributes = { 'ce-specversion': '1.0', 'ce-id': '3', 'ce-source': '/s', 'ce-type': 't' }
    const binary = { body: '{"a":1}', type: 'application/json', headers: attributes }
    expect(await api(`${path}?key=mine`, binary)).toMatchObject({ status: 200 })
    const { records } = (await read(name)).json
    expect(records).toMatchObject([
      { key: 'p', value: event, headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' } },
      { value: event },
      { value: { ...event, id: '2' } },
      {
        key: 'mine',
        value: { a: 1 },
        headers: { 'content-type': 'application/json', ce_id: '3', ce_specversion: '1.0' },
      },
    ])
    expect(await api(path, { ...binary, headers: { 'ce-specversion': '1.0' } })).toMatchObject({
      status: 400,
      json: { field: 'ce-id' },
    })
  })
})

describe('reading', () => {
  // Records of long ago would be past their retention.
  const base = Date.now() - 60_000
  let name: string
  beforeAll(async () => {
    name = await aTopic()
    await produce(
      name,
      Array.from({ length: 10 }, (_, i) => ({ value: i, timestamp: base + 1_000 * (i + 1) })),
    )
  })

  it.each([
    { query: '', then: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    { query: '?offset=earliest&limit=2', then: [0, 1] },
    { query: '?offset=8', then: [8, 9] },
    { query: '?offset=10', then: [] },
    { query: '?offset=latest', then: [] },
    { query: '?offset=-3', then: [7, 8, 9] },
    { query: '?offset=-300&limit=1', then: [0] },
    { query: `?timestamp=${base + 3500}&limit=1`, then: [3] },
    { query: `?timestamp=${base + 10000}`, then: [9] },
    { query: `?timestamp=${base + 10001}`, then: [] },
    { query: '?timestamp=0&limit=1&maxBytes=1', then: [0] },
  ])('$query', async ({ query, then }) => {
    const { json } = await read(name, query)
    expect(json.records.map(({ offset }: { offset: number }) => offset)).toEqual(then)
    expect(json).toMatchObject({
      nextOffset: then.length > 0 ? then.at(-1)! + 1 : 10,
      highWatermark: 10,
      logStartOffset: 0,
    })
  })

  it('finds by time only what DeleteRecords left of a batch, or what comes behind it', async () => {
    const cut = await aTopic()
    const early = [1, 5, 2].map(at => ({ value: at, timestamp: base + at }))
    await produce(cut, early)
    await produce(cut, [{ value: 4, timestamp: base + 4 }])
    await api(`DELETE /v1/topics/${cut}/partitions/0/records?before=2`)
    const firstAt = async (ms: number) => (await read(cut, `?timestamp=${base + ms}&limit=1`)).json.records[0]?.offset
    expect([await firstAt(0), await firstAt(2), await firstAt(3), await firstAt(5)]).toEqual([2, 2, 3, undefined])
  })

  it('as lines goes to the end, in several reads', async () => {
    const long = await aTopic()
    for (let i = 0; i < 5; i++)
      await produce(
        long,
        Array.from({ length: 100 }, () => ({ value: i })),
      )
    const accept = { accept: 'application/x-ndjson' }
    const lines = await read(long, '?maxBytes=1', accept)
    expect(
      lines.text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).offset),
    ).toEqual(Array.from({ length: 500 }, (_, i) => i))
    expect(headersOf(lines)).toMatchObject({ 'content-type': 'application/x-ndjson', 'edgelog-high-watermark': '500' })
    expect((await read(long, '?offset=250&limit=7', accept)).text.trimEnd().split('\n')).toHaveLength(7)
    expect((await read(long, '?offset=latest', accept)).text).toBe('')
  })

  it('waits for what comes, and no longer', async () => {
    const empty = await aTopic()
    const waiting = read(empty, '?waitMs=20000')
    await produce(empty, { value: 'now' })
    expect(values(await waiting)).toEqual(['now'])
    const started = performance.now()
    expect(await read(empty, '?offset=1&waitMs=100')).toMatchObject({ json: { records: [], nextOffset: 1 } })
    expect(performance.now() - started).toBeGreaterThan(95)
    const asked = read(empty, '?offset=1&waitMs=20000')
    await api(`DELETE /v1/topics/${empty}`)
    expect(await asked).toMatchObject({ status: 404 })
  })

  it('from where records were deleted says where the log starts now', async () => {
    const log = await aTopic()
    await produce(
      log,
      Array.from({ length: 10 }, (_, i) => ({ value: i })),
    )
    expect(await api(`DELETE /v1/topics/${log}/partitions/0/records?before=4`)).toMatchObject({
      status: 200,
      json: { partition: 0, logStartOffset: 4 },
    })
    expect(await read(log, '?offset=3')).toMatchObject({
      status: 416,
      json: { code: 'OFFSET_OUT_OF_RANGE', errorCode: 1, logStartOffset: 4, highWatermark: 10 },
    })
    expect(await read(log, '?offset=4')).toMatchObject({ json: { logStartOffset: 4 } })
    expect(values(await read(log))).toEqual([4, 5, 6, 7, 8, 9])
    expect(values(await read(log, '?offset=-300'))).toEqual([4, 5, 6, 7, 8, 9])
    expect(await api(`DELETE /v1/topics/${log}/partitions/0/records?before=11`)).toMatchObject({ status: 416 })
  })
})

it('records of a topic that only compacts are not deleted by offset, as in Kafka', async () => {
  const body = { name: 'only-compacts', config: { 'cleanup.policy': 'compact' } }
  await api('POST /v1/topics', { body })
  await produce('only-compacts', [{ key: 'k', value: 1 }])
  expect(await api('DELETE /v1/topics/only-compacts/partitions/0/records?before=1')).toMatchObject({
    status: 403,
    json: { code: 'POLICY_VIOLATION', errorCode: 44, retriable: false },
  })
  expect(values(await read('only-compacts'))).toEqual([1])
})

describe('around the records', () => {
  it('says that it is well, and what it can', async () => {
    expect(await api('GET /healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    const home = await api('GET /', { headers: { accept: 'text/html' } })
    expect(home).toMatchObject({ status: 200, text: expect.stringContaining('/docs') })
    expect((await api('GET /docs')).text).toContain('/v1/topics/{topic}/records')
    const { json } = await api('GET /openapi.json')
    expect(json.openapi).toBe('3.1.0')
    expect(json.components.schemas).toMatchObject({ Transaction: {}, ListedTransaction: {} })
    expect(Object.keys(json.paths)).toContain('/v1/topics/{topic}/live')
  })

  it('lets pages read, and write only where it was told so', async () => {
    const origin = { origin: 'http://elsewhere.example' }
    expect((await api('GET /v1/topics', { headers: origin })).headers.get('access-control-allow-origin')).toBe('*')
    const written = await api('POST /v1/topics/any/records', { body: 'x', type: 'text/plain', headers: origin })
    expect(written).toMatchObject({ status: 403, json: { code: 'CLUSTER_AUTHORIZATION_FAILED' } })
    const asked = await api('OPTIONS /v1/topics', { headers: { ...origin, 'access-control-request-method': 'GET' } })
    expect(asked.headers.get('access-control-allow-methods')).toBe('GET, HEAD')
    expect((await api('GET /kafka', { headers: origin })).status).toBe(403)
  })
})

describe('deployed', () => {
  const deployed = async (vars: Record<string, string>, then: (call: ReturnType<typeof client>) => Promise<void>) => {
    const other = await startBroker({ vars: { EDGELOG_LOCAL: '0', ...vars } })
    try {
      await then(client(other.http))
    } finally {
      await other.close()
    }
  }

  it('is closed without a token, and says what to set', () =>
    deployed({}, async call => {
      for (const path of ['/', '/v1/topics', '/healthz', '/docs'])
        expect(await call(`GET ${path}`)).toMatchObject({ status: 503, json: { code: 'SECURITY_DISABLED' } })
      const page = await call('GET /', { headers: { accept: 'text/html,*/*', authorization: 'Bearer x' } })
      expect(page).toMatchObject({
        status: 503,
        text: expect.stringContaining('wrangler secret put EDGELOG_ADMIN_TOKEN'),
      })
    }))

  it('opens to the token', () =>
    deployed({ EDGELOG_ADMIN_TOKEN: 'sesame', EDGELOG_AUTO_CREATE_TOPICS_ENABLE: 'false' }, async call => {
      const refused = await call('POST /v1/topics', { body: { name: 't' } })
      expect(refused).toMatchObject({ status: 401, json: { code: 'SASL_AUTHENTICATION_FAILED' } })
      expect(refused.headers.get('www-authenticate')).toContain('Bearer')
      expect(await call('GET /healthz')).toMatchObject({ status: 200 })
      const headers = { authorization: 'Bearer sesame' }
      expect(await call('POST /v1/topics', { body: { name: 't' }, headers })).toMatchObject({ status: 201 })
      expect(await call('POST /v1/topics/u/records', { body: { value: 1 }, headers })).toMatchObject({ status: 404 })
      expect(
        (await call('GET /v1/topics', { headers: { ...headers, origin: 'http://a.example' } })).headers.get(
          'access-control-allow-origin',
        ),
      ).toBeNull()
    }))
})
