// The schema registry over HTTP, against a whole broker: paths, media types, errors and contexts, as Confluent's clients
// use them. What each call decides is test/schema/registry.test.ts.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client } from '../../support/http.ts'
import { aRecord } from '../../support/registry.ts'

const V1 = 'application/vnd.schemaregistry.v1+json'

let broker: Broker
let api: ReturnType<typeof client>
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({ log: (level, message) => logged.push(`${level}: ${message}`) })
  api = client(broker.http)
})
afterAll(async () => {
  await broker?.close()
  expect(logged).toEqual([])
})

const register = (subject: string, schema: string, more: object = {}) =>
  api(`POST /subjects/${encodeURIComponent(subject)}/versions`, { body: { schema, ...more }, type: V1 })

describe('a schema', () => {
  it('is registered, found by id, by version and by itself, and deleted', async () => {
    const schema = aRecord('life', 'a')
    const registered = await register('life', schema)
    expect(registered.headers.get('content-type')).toBe(V1)
    expect(registered).toMatchObject({ status: 200, json: { id: expect.any(Number) } })
    const { id } = registered.json
    const { schema: asSchema } = (await api(`GET /schemas/ids/${id}`)).json
    expect(JSON.parse(asSchema)).toEqual(JSON.parse(schema))
    expect((await api(`GET /schemas/ids/${id}/schema`)).text).toBe(asSchema)
    expect((await api(`GET /schemas/ids/${id}/subjects`)).json).toEqual(['life'])
    expect((await api(`GET /schemas/ids/${id}/versions`)).json).toEqual([{ subject: 'life', version: 1 }])
    const full = { subject: 'life', version: 1, id, schema: asSchema }
    for (const version of ['1', 'latest', '-1', 'LATEST'])
      expect((await api(`GET /subjects/life/versions/${version}`)).json).toEqual(full)
    expect((await api('GET /subjects/life/versions/1/schema')).text).toBe(asSchema)
    expect((await api('POST /subjects/life', { body: { schema } })).json).toEqual(full)
    expect((await api('DELETE /subjects/life/versions/1')).json).toBe(1)
    expect((await api('GET /subjects/life/versions/1')).json).toEqual({
      error_code: 40401,
      message: "Subject 'life' not found.",
    })
    expect((await api('GET /subjects/life/versions/1?deleted=true')).json).toEqual(full)
    expect((await api('GET /subjects/life/versions?deletedAsNegative=true')).json).toEqual([-1])
    expect((await api('DELETE /subjects/life?permanent=true')).json).toEqual([1])
  })

  it('is told with all there is to those who say that they can take it', async () => {
    const headers = { 'confluent-accept-unknown-properties': 'true' }
    const body = { schema: '"double"' }
    const { json } = await api('POST /subjects/rich/versions', { body, headers })
    const { id, guid } = json
    expect(json).toEqual({ id, version: 1, guid: expect.stringMatching(/^[\da-f-]{36}$/), schemaType: 'AVRO' })
    const all = { subject: 'rich', version: 1, guid, schemaType: 'AVRO', schema: '"double"' }
    expect((await api(`GET /schemas/ids/${id}?subject=rich`, { headers })).json).toEqual({ ...all, id })
    expect((await api(`GET /schemas/guids/${guid}`)).json).toEqual(body)
    await api('DELETE /subjects/rich')
    const deleted = await api('GET /subjects/rich/versions/1?deleted=true', { headers })
    expect(deleted.json).toEqual({ ...all, id, deleted: true })
  })

  it('comes in the form that is asked for', async () => {
    await register('point', JSON.stringify({ type: 'record', name: 'Point', fields: [] }))
    const line = JSON.stringify({ type: 'record', name: 'Line', fields: [{ name: 'from', type: 'Point' }] })
    const references = [{ name: 'Point', subject: 'point', version: 1 }]
    const { id } = (await register('line', line, { references })).json
    expect((await api('GET /subjects/line/versions/1')).json).toMatchObject({ schema: line, references })
    const resolved = (await api(`GET /schemas/ids/${id}/schema?format=resolved`)).json
    expect(resolved.fields[0].type).toEqual({ type: 'record', name: 'Point', fields: [] })
    // Written out, it is the same.
    const body = { schema: JSON.stringify(resolved) }
    expect((await api('POST /subjects/line', { body })).json).toMatchObject({ id, version: 1 })
    const proto = 'syntax = "proto3";\nmessage M {\n  map<string, int32> counts = 1;\n}\n'
    await register('proto', proto, { schemaType: 'PROTOBUF' })
    const { schema } = (await api('GET /subjects/proto/versions/1?format=serialized')).json
    expect((await register('proto-again', schema, { schemaType: 'PROTOBUF' })).status).toBe(200)
    expect((await api('GET /subjects/proto-again/versions/1/schema')).text.trim()).toBe(
      (await api('GET /subjects/proto/versions/1/schema')).text.trim(),
    )
  })

  it('is compatible, or says why not', async () => {
    await register('compatible', aRecord('r', 'a'))
    const check = (path: string, schema: string) =>
      api(`POST /compatibility/subjects/compatible/versions${path}`, { body: { schema } })
    expect((await check('/latest', aRecord('r', 'a', '?b'))).json).toEqual({ is_compatible: true })
    expect((await check('?verbose=true', aRecord('r', 'a'))).json).toEqual({ is_compatible: true, messages: [] })
    const { json } = await check('/1?verbose=true', aRecord('r', 'a', 'b'))
    expect(json).toMatchObject({ is_compatible: false })
    expect(json.messages[0]).toContain('READER_FIELD_MISSING_DEFAULT_VALUE')
    expect((await check('/7', '"int"')).json).toMatchObject({ error_code: 40402 })
    expect((await check('/1', '{')).json).toMatchObject({ error_code: 42201 })
    expect((await check('/1?verbose=true', '{')).json).toMatchObject({ is_compatible: false })
    const refused = await register('compatible', aRecord('r', 'a', 'b'))
    expect(refused).toMatchObject({ status: 409, json: { error_code: 409 } })
  })

  it('may have a subject with any name, and a context', async () => {
    for (const subject of ['with/slash', 'ü ber', 'a%b', ':.ctx:inner'])
      expect(await register(subject, '"int"')).toMatchObject({ status: 200 })
    const all = (await api('GET /subjects')).json
    expect(all).toEqual(expect.arrayContaining(['with/slash', 'ü ber', 'a%b', ':.ctx:inner']))
    expect((await api('GET /contexts')).json).toEqual(['.', '.ctx'])
    expect((await api('GET /contexts/.ctx/subjects')).json).toEqual([':.ctx:inner'])
    expect((await api('GET /contexts/:.ctx:/subjects/inner/versions')).json).toEqual([1])
    expect((await api('PUT /contexts/.ctx/config', { body: { compatibility: 'none' } })).json).toEqual({
      compatibility: 'NONE',
    })
    expect((await api('GET /config/:.ctx:')).json).toEqual({ compatibilityLevel: 'NONE' })
    expect((await api('GET /config')).json).toEqual({ compatibilityLevel: 'BACKWARD' })
    expect((await api('DELETE /contexts/.ctx')).json).toMatchObject({ error_code: 42211 })
    expect((await api('GET /contexts/a:b/subjects')).json).toMatchObject({ error_code: 400 })
    expect((await api('GET /subjects?subjectPrefix=with')).json).toEqual(['with/slash'])
    expect((await api('GET /subjects?offset=1&limit=1')).json).toEqual([all[1]])
  })

  it('is found with a slash at the end as without', async () => {
    await register('slashed', '"int"')
    for (const path of [
      '/subjects',
      '/subjects/slashed/versions',
      '/subjects/slashed/versions/latest',
      '/config',
      '/schemas/types',
    ])
      expect(await api(`GET ${path}/`)).toMatchObject({ status: 200, json: (await api(`GET ${path}`)).json })
    expect((await api('GET /contexts/.ctx/subjects/')).json).toEqual([':.ctx:inner'])
  })
})

it('configs and modes are said, inherited and forgotten', async () => {
  expect((await api('GET /config/s')).json).toMatchObject({ error_code: 40408 })
  expect((await api('PUT /config/s', { body: { compatibility: 'FULL', normalize: true, alias: null } })).json).toEqual({
    compatibility: 'FULL',
    normalize: true,
  })
  expect((await api('GET /config/s')).json).toEqual({ compatibilityLevel: 'FULL', normalize: true })
  expect((await api('DELETE /config/s')).json).toEqual({ compatibilityLevel: 'FULL', normalize: true })
  expect((await api('GET /config/s?defaultToGlobal=true')).json).toEqual({ compatibilityLevel: 'BACKWARD' })
  expect((await api('PUT /mode/s', { body: { mode: 'READONLY' } })).json).toEqual({ mode: 'READONLY' })
  expect((await api('GET /mode/s')).json).toEqual({ mode: 'READONLY' })
  expect((await register('s', '"int"')).json).toMatchObject({ error_code: 42205 })
  expect((await api('DELETE /mode/s')).json).toEqual({ mode: 'READONLY' })
  expect((await api('GET /mode/s')).json).toMatchObject({ error_code: 40409 })
  expect((await api('GET /mode')).json).toEqual({ mode: 'READWRITE' })
})

describe('what is wrong', () => {
  it.each([
    { call: 'GET /subjects/none/versions', then: [404, 40401] },
    { call: 'GET /subjects/none/versions/0', then: [422, 42202] },
    { call: 'GET /subjects/none/versions/one', then: [422, 42202] },
    { call: 'GET /subjects/none/versions/2147483648', then: [422, 42202] },
    { call: 'GET /schemas/ids/999', then: [404, 40403] },
    { call: 'GET /schemas/ids/x', then: [404, 404] },
    { call: 'GET /schemas/guids/x', then: [404, 40403] },
    { call: 'POST /subjects/s/versions', body: {}, then: [422, 42201] },
    { call: 'POST /subjects/s/versions', body: { schema: '"int"', schemaType: 'XML' }, then: [422, 42201] },
    { call: 'POST /subjects/s/versions', body: { schema: 7 }, then: [400, 400] },
    { call: 'POST /subjects/s/versions', body: { schema: '"int"', references: [{}] }, then: [400, 400] },
    { call: 'POST /subjects/s/versions', body: '{', type: V1, then: [400, 400] },
    { call: 'POST /subjects/s/versions', body: '', type: V1, then: [400, 400] },
    { call: 'POST /subjects/s/versions', body: '{}', type: 'text/plain', then: [415, 415] },
    { call: 'POST /subjects/__GLOBAL/versions', body: { schema: '"int"' }, then: [422, 42208] },
    { call: 'PUT /config', body: { compatibility: 'SOME' }, then: [422, 42203] },
    { call: 'PUT /mode', body: { mode: 'SOME' }, then: [422, 42204] },
    { call: 'PATCH /config', body: {}, then: [405, 405] },
    { call: 'GET /subjects/a/b/c', then: [404, 404] },
    { call: 'DELETE /subjects/none', then: [404, 40401] },
  ])('$call $body', async ({ call, body, type, then: [status, code] }) => {
    const answer = await api(call, { ...(body === undefined ? {} : { body }), ...(type === undefined ? {} : { type }) })
    expect(answer).toMatchObject({ status, json: { error_code: code, message: expect.any(String) } })
    expect(answer.headers.get('content-type')).toBe(V1)
  })

  it('hostile schemas are refused quickly', async () => {
    const deep = (depth: number) => `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`
    const symbols = Array.from({ length: 200_000 }, (_, i) => `s${i}`)
    const hostile = [
      deep(10_000),
      `{"type":"record","name":"${'x'.repeat(1_000_001)}","fields":[]}`,
      JSON.stringify({ type: 'enum', name: 'e', symbols }),
      '{"type":"record","name":"r","fields":[{"name":"f","type":"nowhere.Known"}]}',
    ]
    for (const schema of hostile) {
      const startedMs = performance.now()
      expect([422, 200]).toContain((await register('hostile', schema)).status)
      expect(performance.now() - startedMs).toBeLessThan(5_000)
    }
    expect((await register('big', 'x'.repeat(9_000_000))).status).toBe(413)
  })
})

it.each([
  { accept: undefined, then: V1 },
  { accept: '*/*', then: V1 },
  { accept: 'text/html, *; q=.2', then: V1 },
  { accept: 'application/json', then: 'application/json' },
  {
    accept: 'application/vnd.schemaregistry+json, application/json;q=0.5',
    then: 'application/vnd.schemaregistry+json',
  },
  { accept: 'text/html', then: undefined },
])('the answer to Accept: $accept is $then', async ({ accept, then }) => {
  const answer = await api('GET /schemas/types', { headers: accept === undefined ? {} : { accept } })
  expect(answer.status).toBe(then === undefined ? 406 : 200)
  expect(answer.headers.get('content-type')).toBe(then ?? V1)
})

it('the root tells clients that it is up, and people what it is', async () => {
  expect((await api('GET /')).json).toEqual({})
  expect((await api('GET /', { headers: { accept: 'text/html' } })).text).toContain('<h1>Edgelog</h1>')
  const { json } = await api('GET /v1/metadata/id')
  expect(json.scope.clusters['kafka-cluster']).toMatch(/^[\w-]{22}$/)
})

it('a deployed registry opens to the token, as a password or by itself', async () => {
  const deployed = await startBroker({ vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: 'sesame' } })
  const ask = (authorization?: string) =>
    client(deployed.http)('GET /subjects', { headers: authorization === undefined ? {} : { authorization } })
  expect(await ask()).toMatchObject({ status: 401, json: { error_code: 401 } })
  expect(await ask(`Basic ${btoa('me:wrong')}`)).toMatchObject({ status: 401 })
  expect(await ask(`Basic ${btoa('me:sesame')}`)).toMatchObject({ status: 200, json: [] })
  expect(await ask('Bearer sesame')).toMatchObject({ status: 200 })
  await deployed.close()
})

it('a registry that runs on Kafka may have the topic, beside this one', async () => {
  const other = await startBroker()
  const ask = client(other.http)
  const kafka = new Kafka({ brokers: [`localhost:${other.kafka}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
  await admin.createTopics({ topics: [{ topic: '_schemas', numPartitions: 1, configEntries }] })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: '_schemas', messages: [{ key: '{"keytype":"NOOP","magic":0}', value: null }] })
  expect((await ask('POST /subjects/s/versions', { body: { schema: '"int"' } })).json).toEqual({ id: 1 })
  expect((await ask('GET /v1/topics/_schemas/partitions/0/records?format=text')).json).toMatchObject({
    records: [{ key: '{"keytype":"NOOP","magic":0}' }],
    highWatermark: 1,
  })
  await producer.disconnect()
  await admin.disconnect()
  await other.close()
})

it('Kafka’s clients read _schemas, and cannot write it', async () => {
  await register('seen', '"boolean"')
  const kafka = new Kafka({ brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const consumer = kafka.consumer({ groupId: 'schemas', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topics: ['_schemas'], fromBeginning: true })
  const value = await new Promise<string>(resolve => {
    void consumer.run({
      eachMessage: async ({ message: { key, value } }) => {
        if (key!.toString() === '{"keytype":"SCHEMA","subject":"seen","version":1,"magic":1}')
          resolve(value!.toString())
      },
    })
  })
  await consumer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  expect(await admin.listTopics()).toContain('_schemas')
  await admin.disconnect()
  expect(JSON.parse(value)).toMatchObject({ subject: 'seen', version: 1, schema: '"boolean"', deleted: false })
  const producer = kafka.producer()
  await producer.connect()
  await expect(producer.send({ topic: '_schemas', messages: [{ key: 'k', value: 'v' }] })).rejects.toThrow()
  await producer.disconnect()
})
