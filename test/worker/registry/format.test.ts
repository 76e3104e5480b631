// format=schema against a whole broker: JSON in and out, and on the log what Confluent's serializers would have written.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client } from '../../support/http.ts'

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
  await api('POST /subjects/orders-value/versions', { body: { schema: ORDER } })
})
afterAll(async () => {
  await broker?.close()
})

const ORDER = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'item', type: 'string' },
    { name: 'count', type: 'long', default: 1 },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
})
const records = (topic: string) => `/v1/topics/${topic}/partitions/0/records`
const values = async (topic: string, query = '?format=schema'): Promise<unknown[]> =>
  (await api(`GET ${records(topic)}${query}`)).json.records.map(({ value }: { value: unknown }) => value)
const order = (item: string, count = 1, note: string | null = null) => ({ item, count, note })

describe('a topic with a schema', () => {
  it('takes JSON and keeps bytes, and gives JSON back', async () => {
    await api('POST /v1/topics', { body: { name: 'orders', partitions: 1 } })
    const sent = await api(`POST ${records('orders')}?format=schema`, {
      body: {
        records: [{ key: 'k', value: order('tea', 2, 'hot') }, { value: order('milk') }, { key: 'k', value: null }],
      },
    })
    expect(sent).toMatchObject({ status: 200, json: { records: [{ offset: 0 }, { offset: 1 }, { offset: 2 }] } })
    // As Avro writes JSON, a union says which of its types it is.
    expect(await values('orders')).toEqual([{ ...order('tea', 2), note: { string: 'hot' } }, order('milk'), null])
    // zero, id 1, "tea", 2, the second branch, "hot"
    const [first] = await values('orders', '?format=base64')
    expect([...Buffer.from(first as string, 'base64')]).toEqual([
      0, 0, 0, 0, 1, 6, 116, 101, 97, 4, 2, 6, 104, 111, 116,
    ])
  })

  it('takes lines, and stops at the one that does not fit', async () => {
    await api('POST /v1/topics', { body: { name: 'lines', partitions: 1 } })
    await api('POST /subjects/lines-value/versions', { body: { schema: ORDER } })
    const line = (value: unknown) => `${JSON.stringify({ value })}\n`
    const type = 'application/x-ndjson'
    expect(
      (await api(`POST ${records('lines')}?format=schema`, { body: line(order('a')) + line(order('b')), type })).status,
    ).toBe(200)
    const refused = await api(`POST ${records('lines')}?format=schema`, {
      body: line(order('c')) + line({ item: 7 }),
      type,
    })
    expect(refused.status).toBe(400)
    expect(refused.json).toMatchObject({ record: 1, field: 'records[1].value.item' })
    expect(await values('lines')).toEqual([order('a'), order('b')])
    const read = await api(`GET ${records('lines')}?format=schema`, { headers: { accept: type } })
    expect(
      read.text
        .trim()
        .split('\n')
        .map(each => JSON.parse(each).value),
    ).toEqual([order('a'), order('b')])
  })

  it('gives so much JSON at a time that nobody runs out of memory, and the rest as it is read on', async () => {
    const fields = Array.from({ length: 500 }, (_, i) => ({ name: `f${i}${'n'.repeat(900)}`, type: 'null' }))
    await api('POST /v1/topics', { body: { name: 'wide', partitions: 1 } })
    const schema = JSON.stringify({ type: 'record', name: 'Wide', fields })
    const { id } = (await api('POST /subjects/wide-value/versions', { body: { schema } })).json
    const value = Buffer.from([0, 0, 0, 0, id]).toString('base64')
    await api(`POST ${records('wide')}?format=base64`, { body: Array.from({ length: 80 }, () => ({ value })) })
    let offset = 0
    for (let pages = 0; offset < 80; pages++) {
      expect(pages).toBeLessThan(4)
      const page = await api(`GET ${records('wide')}?format=schema&offset=${offset}`)
      expect(page.text.length).toBeLessThan(18_000_000)
      for (const each of page.json.records) expect(Object.keys(each.value)).toHaveLength(500)
      offset = page.json.nextOffset
    }
    const lines = await api(`GET ${records('wide')}?format=schema`, { headers: { accept: 'application/x-ndjson' } })
    expect(lines.text.trim().split('\n')).toHaveLength(80)
    expect(lines.text).not.toContain('valueFormat')
  })

  it('takes one value as a body, and refuses what does not fit', async () => {
    await api('POST /v1/topics', { body: { name: 'whole', partitions: 1 } })
    await api('POST /subjects/whole-value/versions', { body: { schema: ORDER } })
    const post = (body: string) => api(`POST ${records('whole')}?format=schema`, { body, type: 'text/plain' })
    expect((await post(JSON.stringify(order('x')))).status).toBe(200)
    expect((await post('not json')).json).toMatchObject({ code: 'INVALID_REQUEST', field: 'records[0].value' })
    expect((await post('{"count":1}')).json.detail).toContain('does not fit schema 1')
  })

  it('holds numbers beyond 2^53 exactly', async () => {
    await api('POST /v1/topics', { body: { name: 'big', partitions: 1 } })
    await api('POST /subjects/big-value/versions', { body: { schema: '"long"' } })
    const body = '{"value":9007199254740993}'
    expect((await api(`POST ${records('big')}?format=schema`, { body, type: 'application/json' })).status).toBe(200)
    expect((await api(`GET ${records('big')}?format=schema`)).text).toContain('"value":9007199254740993')
  })

  it('evolves: new records get the latest schema or the one asked for, old ones are read with theirs', async () => {
    await api('POST /v1/topics', { body: { name: 'grows', partitions: 1 } })
    const schema = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'G', fields })
    const a = { name: 'a', type: 'int' }
    await api('POST /subjects/grows-value/versions', { body: { schema: schema(a) } })
    const { id } = (
      await api('POST /subjects/grows-value/versions', {
        body: { schema: schema(a, { name: 'b', type: 'int', default: 0 }) },
      })
    ).json
    const post = (value: object, query = '') =>
      api(`POST ${records('grows')}?format=schema${query}`, { body: { value } })
    expect((await post({ a: 1, b: 2 })).status).toBe(200)
    expect((await post({ a: 1 }, '&schemaVersion=1')).status).toBe(200)
    expect((await post({ a: 1, b: 3 }, `&schemaId=${id}`)).status).toBe(200)
    expect(await values('grows')).toEqual([{ a: 1, b: 2 }, { a: 1 }, { a: 1, b: 3 }])
    expect((await post({ a: 1 }, '&schemaId=999')).json.detail).toContain('Schema 999 not found')
    expect((await post({ a: 1 }, '&schemaVersion=9')).json.detail).toContain('Version 9 not found')
  })

  it('may have keys with one, too', async () => {
    await api('POST /v1/topics', { body: { name: 'keyed', partitions: 1 } })
    await api('POST /subjects/keyed-key/versions', { body: { schema: '"int"' } })
    const sent = await api(`POST ${records('keyed')}?keyFormat=schema`, { body: { key: 7, value: { any: 'json' } } })
    expect(sent.status).toBe(200)
    const { json } = await api(`GET ${records('keyed')}?keyFormat=schema`)
    expect(json.records).toMatchObject([{ key: 7, value: { any: 'json' } }])
  })
})

it('what has no schema comes back readable, and flagged', async () => {
  await api('POST /v1/topics', { body: { name: 'mixed', partitions: 1 } })
  const bytes = [Buffer.from('{"a":1}'), Buffer.from('text'), Buffer.from([0, 0, 0, 3, 231, 1]), Buffer.from([255])]
  await api(`POST ${records('mixed')}?format=base64`, {
    body: bytes.map(value => ({ value: value.toString('base64') })),
  })
  const { json } = await api(`GET ${records('mixed')}?format=schema`)
  expect(json.records).toMatchObject([
    { value: { a: 1 }, valueFormat: 'json' },
    { value: 'text', valueFormat: 'text' },
    { value: 'AAAAA+cB', valueFormat: 'base64' },
    { value: '/w==', valueFormat: 'base64' },
  ])
})

it('a topic without a schema says so', async () => {
  const refused = await api('POST /v1/topics/bare/records?format=schema', { body: { value: 1 } })
  expect(refused).toMatchObject({
    status: 400,
    json: { detail: "There is no schema to write the value with: Subject 'bare-value' not found." },
  })
  expect((await api('GET /v1/topics/bare')).status).toBe(404)
})

it('live sockets and event streams speak it, too', async () => {
  await api('POST /v1/topics', { body: { name: 'live', partitions: 1 } })
  await api('POST /subjects/live-value/versions', { body: { schema: ORDER } })
  const socket = new WebSocket(
    new URL('/v1/topics/live/live?format=schema&offset=earliest', broker.http).href.replace('http', 'ws'),
  )
  const seen = new Promise<unknown>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', data => {
      const frame = JSON.parse(String(data)) as { type?: string; records?: { value: unknown }[] }
      const [record] = frame.records ?? []
      if (frame.type === 'records' && record !== undefined) resolve(record.value)
    })
  })
  await new Promise(resolve => socket.on('open', resolve))
  socket.send(JSON.stringify({ type: 'produce', id: 1, records: [{ value: order('live') }] }))
  expect(await seen).toEqual(order('live'))
  socket.close()
  const stream = await fetch(new URL('/v1/topics/live/records?format=schema&offset=earliest', broker.http), {
    headers: { accept: 'text/event-stream' },
  })
  let text = ''
  for await (const chunk of stream.body!) {
    text += Buffer.from(chunk).toString()
    if (text.includes('"item"')) break
  }
  expect(text).toContain('"value":{"item":"live","count":1,"note":null}')
})
