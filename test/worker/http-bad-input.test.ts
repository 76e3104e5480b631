// What should never arrive, and what is answered when it does. The broker is the same afterwards.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { crc32c } from '../../src/log/crc32c.ts'
import { encodeBatch } from '../../src/log/records.ts'
import { client } from '../support/http.ts'

const MiB = 1_048_576
let broker: Broker
let api: ReturnType<typeof client>
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({ log: (level, message) => logged.push(`${level}: ${message}`) })
  api = client(broker.http)
  await api('POST /v1/topics', { body: { name: 't', partitions: 2 } })
})
afterAll(() => broker?.close())
afterEach(async () => {
  expect(await api('GET /healthz')).toMatchObject({ status: 200 })
  expect(logged).toEqual([])
})

const records = 'POST /v1/topics/t/records'
const json = 'application/json'
const wrong = (status: number, members: object = {}) => ({
  status,
  json: {
    status,
    type: expect.stringMatching(/^\/docs#/),
    title: expect.any(String),
    detail: expect.any(String),
    ...members,
  },
})
const invalid = (members: object = {}) =>
  wrong(400, { code: 'INVALID_REQUEST', errorCode: 42, retriable: false, ...members })

describe('bodies', () => {
  it.each([
    { body: '', says: { position: 0, line: 1, column: 1 } },
    { body: '{"value":1', says: { position: 10 } },
    { body: '[{"value":1},\n{"value":2},\n{"value":}]', says: { position: 36, line: 3, column: 10, record: 2 } },
    { body: '{"value":1}}', says: { position: 11 } },
    { body: "{'value':1}", says: { position: 1 } },
    { body: '{"value":NaN}', says: { position: 9 } },
    { body: `{"value":${'['.repeat(100_000)}`, says: { detail: expect.stringContaining('nested') } },
    { body: '7', says: { detail: expect.stringContaining('must be an object') } },
    { body: '{"vlaue":1}', says: { field: 'vlaue' } },
    { body: '[{"value":1},{"key":"k"}]', says: { field: 'records[1].value', record: 1 } },
  ])('$body', async ({ body, says }) => {
    expect(await api(records, { body, type: json })).toMatchObject(invalid(says))
  })

  it.each([
    { member: '"partition":-1', field: 'partition' },
    { member: '"partition":9007199254740993', field: 'partition' },
    { member: '"partition":1.5', field: 'partition' },
    { member: '"partition":"0"', field: 'partition' },
    { member: '"timestamp":-1', field: 'timestamp' },
    { member: '"timestamp":9007199254740992', field: 'timestamp' },
    { member: '"timestamp":1e300', field: 'timestamp' },
    { member: '"headers":[1]', field: 'headers[0]' },
    { member: '"headers":{"a":1}', field: 'headers.a' },
    { member: `"headers":{"a":[${'"x",'.repeat(1_000)}"x"]}`, field: 'headers' },
    { member: '"key":7', field: 'key' },
    { member: '"key":{"a":1}', field: 'key' },
  ])('$member is named', async ({ member, field }) => {
    const body = `{"records":[{"value":1},{"value":2,${member}}]}`
    expect(await api(records, { body, type: json })).toMatchObject(invalid({ field: `records[1].${field}`, record: 1 }))
  })

  it('of a refused request are not stored in part', async () => {
    const name = 'untouched'
    await api('POST /v1/topics', { body: { name } })
    await api(`POST /v1/topics/${name}/records`, { body: '[{"value":1},{"value":2,"partition":-1}]', type: json })
    await api(`POST /v1/topics/${name}/records`, {
      body: '{"value":1}\n{"value":2}\n{"value":',
      type: 'application/x-ndjson',
    })
    expect((await api(`GET /v1/topics/${name}/partitions/0/records`)).json.highWatermark).toBe(0)
    expect(await api('POST /v1/topics/never-made/records', { body: '{', type: json })).toMatchObject(invalid())
    expect(await api('GET /v1/topics/never-made')).toMatchObject(wrong(404))
  })

  it('with bad UTF-8', async () => {
    const bad = new Uint8Array([...new TextEncoder().encode('{"value":"ü'), 0xc3, 0x28, 0x22, 0x7d])
    const says = invalid({ position: 11, detail: expect.stringContaining('not UTF-8 at byte 12') })
    expect(await api(records, { body: bad, type: json })).toMatchObject(says)
    expect(await api(records, { body: bad, type: 'text/plain' })).toMatchObject(says)
    expect(await api(records, { body: bad, type: 'application/x-ndjson' })).toMatchObject(
      invalid({ line: 1, record: 0 }),
    )
    expect(await api(records, { body: bad, type: 'application/octet-stream' })).toMatchObject({ status: 200 })
    expect(await api(records, { body: bad, type: 'text/plain; charset=latin1' })).toMatchObject({ status: 200 })
  })

  it('not of their format', async () => {
    expect(await api(`${records}?format=base64`, { body: { value: 'no base64!' } })).toMatchObject(
      invalid({ field: 'value' }),
    )
    expect(await api(`${records}?format=text`, { body: { value: 1 } })).toMatchObject(invalid({ field: 'value' }))
    expect(await api(`${records}?keyFormat=base64&key=!`, { body: 'x', type: 'text/plain' })).toMatchObject(
      invalid({ field: 'key' }),
    )
    expect(await api(`${records}?format=text`, { body: '{"value":"\\ud800"}', type: json })).toMatchObject(invalid())
  })

  it.each(['application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'json', ''])(
    'of type "%s"',
    async type => {
      const reply = await api(records, { body: new Uint8Array([0x7b, 0x7d]), headers: { 'content-type': type } })
      expect(reply).toMatchObject(wrong(415, { detail: expect.stringContaining('application/json') }))
    },
  )

  it('of unknown coding, or not of the one they say', async () => {
    const body = '{"value":1}'
    const coded = (coding: string, type = json) => api(records, { body, type, headers: { 'content-encoding': coding } })
    expect(await coded('br')).toMatchObject(wrong(415))
    expect(await coded('gzip')).toMatchObject(wrong(415))
    expect(await coded('gzip', 'application/x-ndjson')).toMatchObject(wrong(400))
    const zipped = gzipSync(body)
    const detail = expect.stringContaining('not what its Content-Encoding says')
    for (const bytes of [zipped.subarray(0, -5), Buffer.concat([zipped, Buffer.from('more')])]) {
      const cut = { body: new Uint8Array(bytes), headers: { 'content-encoding': 'gzip' } }
      expect(await api(records, { ...cut, type: json })).toMatchObject(wrong(415, { detail }))
    }
  })
})

it('numbers of configs that JSON cannot carry are not rounded', async () => {
  const config = (value: string) =>
    api('PATCH /v1/topics/t', { body: `{"config":{"flush.messages":${value}}}`, type: json })
  const refused = invalid({ field: 'config.flush.messages', detail: expect.stringContaining('2^53') })
  expect(await config('9223372036854775807')).toMatchObject(refused)
  expect(await config('9007199254740993')).toMatchObject(refused)
  expect((await config('"9223372036854775807"')).json.config).toEqual({ 'flush.messages': '9223372036854775807' })
  expect((await config('null')).json.config).toEqual({})
})

describe('batches', () => {
  const type = 'application/vnd.edgelog.recordbatch'
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)
  const aBatch = (value: string, change: (view: DataView) => void = () => {}): Uint8Array => {
    const bytes = encodeBatch([{ timestamp: Date.now(), key: null, value: text(value), headers: [] }])
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    change(view)
    view.setUint32(17, crc32c(bytes, 21))
    return bytes
  }
  const holding = (count: number) => (view: DataView) => {
    view.setInt32(23, count - 1)
    view.setInt32(57, count)
  }

  it.each([
    { claim: 'as many records as there are numbers', count: 2 ** 31 - 1, then: wrong(413) },
    { claim: 'more than are answered one by one', count: 500_001, then: wrong(413) },
    { claim: 'more than there are bytes for', count: 500_000, then: wrong(400, { code: 'INVALID_RECORD' }) },
    { claim: 'fewer than none', count: -5, then: wrong(400, { code: 'INVALID_RECORD' }) },
  ])('that claim to hold $claim', async ({ count, then }) => {
    const path = 'POST /v1/topics/t/partitions/0/records'
    expect(await api(path, { body: aBatch('1', holding(count)), type })).toMatchObject(then)
  })

  it('that nobody can open hide nothing that stands before or behind them', async () => {
    await api('POST /v1/topics', { body: { name: 'poisoned' } })
    const path = '/v1/topics/poisoned/partitions/0/records'
    const gzipped = (view: DataView): void => view.setInt16(21, 1)
    for (const body of [aBatch('1'), aBatch('2', gzipped), aBatch('3')])
      expect(await api(`POST ${path}`, { body, type })).toMatchObject({ status: 200 })
    const read = async (offset: number) => (await api(`GET ${path}?offset=${offset}`)).json
    expect(await read(0)).toMatchObject({ records: [{ offset: 0, value: 1 }], nextOffset: 1, highWatermark: 3 })
    expect(await read(1)).toMatchObject({ status: 400, code: 'CORRUPT_MESSAGE', offset: 1, nextOffset: 2 })
    expect(await read(2)).toMatchObject({ records: [{ offset: 2, value: 3 }], nextOffset: 3 })
  })
})

describe('too much', () => {
  it('in one body, said before or not', async () => {
    const body = new Uint8Array(33 * MiB)
    const tooLarge = wrong(413, { code: 'RECORD_LIST_TOO_LARGE' })
    expect(await api(records, { body, type: 'application/octet-stream' })).toMatchObject(tooLarge)
    const chunked = new Blob([body]).stream()
    expect(await api(records, { body: chunked, type: 'application/octet-stream' })).toMatchObject(tooLarge)
    expect(await api('POST /v1/topics', { body: `{"name":"${'x'.repeat(2 * MiB)}"}`, type: json })).toMatchObject(
      tooLarge,
    )
  })

  it('in one record', async () => {
    const tooLarge = wrong(413, { code: 'MESSAGE_TOO_LARGE', errorCode: 10 })
    expect(await api(records, { body: new Uint8Array(2 * MiB), type: 'application/octet-stream' })).toMatchObject(
      tooLarge,
    )
    expect(await api(records, { body: { value: 'x'.repeat(2 * MiB) } })).toMatchObject(tooLarge)
  })

  it('records in one array: a million', async () => {
    const body = `[${Array.from({ length: 1_000_000 }, () => '{"value":1}').join()}]`
    expect(await api(records, { body, type: json })).toMatchObject(
      wrong(413, { code: 'RECORD_LIST_TOO_LARGE', detail: expect.stringContaining('100000 records') }),
    )
    const all = await api('POST /v1/topics/t/partitions/1/records', {
      body: body.slice(1, -1).replaceAll('},', '}\n'),
      type: 'application/x-ndjson',
    })
    expect(all.status).toBe(200)
    expect(all.json.records).toHaveLength(1_000_000)
  })

  it('in one line', async () => {
    const line = new Blob(['{"value":1}\n{"value":"', new Uint8Array(26 * MiB).fill(0x78)]).stream()
    expect(await api(records, { body: line, type: 'application/x-ndjson' })).toMatchObject({ status: 207 })
  })
})

describe('addresses', () => {
  it.each([
    { what: 'GET /v1/topics/none', then: wrong(404, { code: 'UNKNOWN_TOPIC_OR_PARTITION' }) },
    { what: 'GET /v1/topics/none/partitions/0/records', then: wrong(404, { code: 'UNKNOWN_TOPIC_OR_PARTITION' }) },
    { what: 'GET /v1/topics/t/partitions/2/records', then: wrong(404, { code: 'UNKNOWN_TOPIC_OR_PARTITION' }) },
    { what: 'DELETE /v1/topics/t/partitions/2/records?before=0', then: wrong(404) },
    { what: 'PATCH /v1/topics/none', then: wrong(404) },
    { what: 'DELETE /v1/topics/none', then: wrong(404) },
    { what: 'GET /v1/topics/t/partitions/-1/records', then: invalid({ field: 'partition' }) },
    { what: 'GET /v1/topics/t/partitions/9007199254740993/records', then: invalid({ field: 'partition' }) },
    { what: 'GET /v1/topics/t/partitions/2147483648/records', then: invalid({ field: 'partition' }) },
    { what: 'GET /v1/topics/t/partitions/zero/records', then: invalid({ field: 'partition' }) },
    { what: 'GET /v1/topics/t/partitions/0x1/records', then: invalid({ field: 'partition' }) },
    { what: 'GET /nowhere', then: wrong(404, { code: 'RESOURCE_NOT_FOUND' }) },
    { what: 'GET /v1/topics/%ff/partitions/0/records', then: wrong(404) },
    { what: 'PUT /v1/topics/t', then: wrong(405) },
    { what: 'DELETE /v1/topics', then: wrong(405) },
  ])('$what', async ({ what, then }) => {
    expect(await api(what, what.startsWith('PATCH') ? { body: {} } : {})).toMatchObject(then)
  })

  it('without that partition take no records', async () => {
    const body = [{ value: 1 }]
    expect(await api('POST /v1/topics/t/partitions/2/records', { body })).toMatchObject(wrong(404))
    expect(await api('POST /v1/topics/t/records', { body: [{ value: 1, partition: 2 }] })).toMatchObject(wrong(404))
    expect(await api('POST /v1/topics/t/partitions/1/records', { body: [{ value: 1, partition: 0 }] })).toMatchObject(
      invalid({ field: 'records[0].partition' }),
    )
  })

  it('say which methods there are', async () => {
    expect((await api('PUT /v1/topics/t')).headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE')
  })
})

describe('queries', () => {
  it.each([
    [
      'offset',
      [
        '',
        'first',
        '1.5',
        '1e3',
        '0x10',
        ' 1',
        '9007199254740993',
        '-9007199254740993',
        '99999999999999999999',
        '--1',
        '+1',
      ],
    ],
    ['timestamp', ['-1', 'now', '', '9007199254740993']],
    ['limit', ['0', '-1', '10001', '', 'all']],
    ['maxBytes', ['0', '8388609', '-5']],
    ['waitMs', ['-1', '60001', '1.5']],
    ['format', ['xml', '', 'JSON']],
    ['keyFormat', ['avro']],
  ])('%s', async (field, values) => {
    for (const value of values) {
      const reply = await api(`GET /v1/topics/t/partitions/0/records?${field}=${encodeURIComponent(value)}`)
      expect(reply, value).toMatchObject(invalid({ field }))
    }
  })

  it('that contradict themselves or lack something', async () => {
    expect(await api('GET /v1/topics/t/partitions/0/records?offset=0&timestamp=0')).toMatchObject(
      invalid({ field: 'timestamp' }),
    )
    expect(await api('DELETE /v1/topics/t/partitions/0/records')).toMatchObject(invalid({ field: 'before' }))
    expect(await api('DELETE /v1/topics/t/partitions/0/records?before=-1')).toMatchObject(invalid({ field: 'before' }))
    expect(await api(`${records}?acks=2`, { body: { value: 1 } })).toMatchObject(invalid({ field: 'acks' }))
  })

  it.each([
    { query: 'offset=0&offset=5', says: { field: 'offset', detail: 'In the query, offset stands more than once.' } },
    { query: 'limit=1&limit=1', says: { field: 'limit' } },
    { query: 'o%66fset=0&offset=0', says: { field: 'offset' } },
    { query: 'format=%ff', says: { field: 'format', detail: 'In the query, format is not percent-encoded UTF-8.' } },
    { query: 'offset=%', says: { field: 'offset' } },
  ])('that leave open what is meant: $query', async ({ query, says }) => {
    expect(await api(`GET /v1/topics/t/partitions/0/records?${query}`)).toMatchObject(invalid(says))
  })

  it('may say what nobody asks for, and leave parts empty', async () => {
    expect(await api('GET /v1/topics/t/partitions/0/records?&_=1&_=2&%ff&&limit=1&')).toMatchObject({ status: 200 })
  })

  it('with a key where records say their own, which would be lost', async () => {
    const refused = invalid({ field: 'key' })
    expect(await api(`${records}?key=k`, { body: { value: 1 } })).toMatchObject(refused)
    expect(await api(`${records}?key=k`, { body: '{"value":1}', type: 'application/x-ndjson' })).toMatchObject(refused)
    expect(await api(`${records}?key=%ff`, { body: 'x', type: 'text/plain' })).toMatchObject(refused)
  })

  it('for offsets that are not there', async () => {
    expect(await api('GET /v1/topics/t/partitions/0/records?offset=5000')).toMatchObject(
      wrong(416, { code: 'OFFSET_OUT_OF_RANGE', errorCode: 1, logStartOffset: 0 }),
    )
  })
})

describe('HTTP itself', () => {
  /** What comes back for bytes sent as they are. */
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(broker.http.port), '127.0.0.1', () => socket.end(text))
      let got = ''
      socket.setEncoding('utf8').on('data', data => (got += data))
      socket.on('close', () => resolve(got)).on('error', reject)
    })

  it.each([
    { name: 'no HTTP', text: 'hello\r\n\r\n', then: /^HTTP\/1.1 4\d\d/ },
    {
      name: 'a header without a colon',
      text: 'GET /healthz HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n',
      then: /^HTTP\/1.1 400/,
    },
    {
      name: 'a header of 200 kB, which may be too much or not',
      text: `GET /healthz HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(200_000)}\r\n\r\n`,
      then: /^(HTTP\/1.1 (200|4\d\d)|$)/,
    },
    {
      name: 'two lengths',
      text: 'POST /v1/topics HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
      then: /^(HTTP\/1.1 4\d\d|$)/,
    },
    {
      name: 'a negative length',
      text: 'POST /v1/topics HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
      then: /^(HTTP\/1.1 [45]\d\d|$)/,
    },
    {
      name: 'header names and values that mean something elsewhere',
      text: `GET /healthz HTTP/1.1\r\nhost: x\r\n__proto__: x\r\nconstructor: y\r\norigin: ${'a'.repeat(2_000)}\r\nidempotency-key: \u0001\r\n\r\n`,
      then: /^HTTP\/1.1 [24]\d\d/,
    },
  ])('with $name', async ({ text, then }) => {
    expect(await raw(text)).toMatch(then)
  })

  it.each([
    ['another version', ['sec-websocket-version: 12', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==']],
    ['no version', ['sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==']],
    ['no key', ['sec-websocket-version: 13']],
  ])('with a handshake of %s leaves no live consumer behind', async (_, headers) => {
    for (const path of ['/v1/topics/t/live', '/kafka']) {
      const lines = [`GET ${path} HTTP/1.1`, 'host: x', 'connection: upgrade', 'upgrade: websocket', ...headers]
      expect(await raw(`${lines.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1.1 426[^]*application\/problem\+json/)
    }
    expect((await api('GET /v1/connections')).json).toMatchObject({ counts: { websocket: 0, 'kafka-websocket': 0 } })
  })

  it('with headers that a CloudEvent must not have', async () => {
    const event = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`ce-x${i}`, 'x']))
    expect(await api(records, { body: '{}', headers: { ...event, ...many } })).toMatchObject(invalid())
    expect(await api(records, { body: '{}', headers: { ...event, 'ce-subject': '%E0%A4%A' } })).toMatchObject(
      invalid({ field: 'ce-subject' }),
    )
  })
})

describe('races', () => {
  it('to create one topic: one wins', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => api('POST /v1/topics', { body: { name: 'raced', partitions: 3 } })),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(replies.find(({ status }) => status === 409)).toMatchObject(
      wrong(409, { code: 'TOPIC_ALREADY_EXISTS', errorCode: 36 }),
    )
  })

  it('to produce to a topic that is not there: all get in', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, i) => api('POST /v1/topics/fresh/records', { body: { value: i } })),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect((await api('GET /v1/topics/fresh')).json.partitions[0].highWatermark).toBe(8)
  })

  it('between deleting a topic and producing to it', async () => {
    for (let round = 0; round < 5; round++) {
      await api('POST /v1/topics', { body: { name: 'going', partitions: 2 } })
      const produced = Promise.all(
        Array.from({ length: 20 }, (_, i) => api('POST /v1/topics/going/partitions/1/records', { body: { value: i } })),
      )
      expect(await api('DELETE /v1/topics/going')).toMatchObject({ status: 204 })
      for (const reply of await produced) expect([200, 404]).toContain(reply.status)
      await api('DELETE /v1/topics/going')
    }
    expect(await api('GET /v1/topics/going')).toMatchObject(wrong(404))
  })
})
