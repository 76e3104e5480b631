// The REST Proxy's v3 as its clients meet it: resources with their links, changes, and records one by one or as a stream.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client, type Reply } from '../../support/http.ts'

let broker: Broker
let api: ReturnType<typeof client>
let cluster: string
beforeAll(async () => {
  broker = await startBroker({ kafka: [0, 0] })
  api = client(broker.http)
  cluster = (await api('GET /v3/clusters')).json.data[0].cluster_id
  await api('POST /v1/topics', { body: { name: 'orders', partitions: 2 } })
})
afterAll(() => broker?.close())

const get = (path: string) => api(`GET /v3/clusters/${cluster}${path}`)
const send = (method: string, path: string, body?: object | string) =>
  api(`${method} /v3/clusters/${cluster}${path}`, {
    type: 'application/json',
    ...(body !== undefined && { body }),
  })
const url = (path: string) => new URL(`/v3/clusters/${cluster}${path}`, broker.http).href
const related = (path: string) => ({ related: url(path) })

describe('resources', () => {
  it('lead from one to the next', async () => {
    const seen = new Set<string>()
    const follow = async (href: string): Promise<void> => {
      if (seen.has(href) || seen.size > 150) return
      seen.add(href)
      const reply = await api(`GET ${href}`)
      if (href.endsWith('/acls')) return expect(reply).toMatchObject({ status: 400, json: { error_code: 40002 } })
      // There is no reassignment of one partition, as the proxy says.
      if (/\d\/reassignment$/.test(href)) return expect(reply).toMatchObject({ status: 404 })
      expect(reply, href).toMatchObject({ status: 200, json: { metadata: { self: href } } })
      const next = JSON.stringify(reply.json).matchAll(/"(?:self|related)":"([^"]+)"/g)
      for (const [, found] of next) if (!found!.includes('/configs/')) await follow(found!)
    }
    await follow(new URL('/v3/clusters', broker.http).href)
    expect(seen.size).toBeGreaterThan(25)
  })

  it.each([
    {
      path: '',
      json: () => ({
        kind: 'KafkaCluster',
        metadata: { self: url(''), resource_name: `crn:///kafka=${cluster}` },
        cluster_id: cluster,
        controller: related('/brokers/0'),
        acls: related('/acls'),
        brokers: related('/brokers'),
        broker_configs: related('/broker-configs'),
        consumer_groups: related('/consumer-groups'),
        topics: related('/topics'),
        partition_reassignments: related('/topics/-/partitions/-/reassignment'),
      }),
    },
    {
      path: '/brokers/1',
      json: () => ({
        kind: 'KafkaBroker',
        metadata: { self: url('/brokers/1'), resource_name: `crn:///kafka=${cluster}/broker=1` },
        cluster_id: cluster,
        broker_id: 1,
        host: expect.any(String),
        port: broker.kafkaPorts[1],
        rack: null,
        configs: related('/brokers/1/configs'),
        partition_replicas: related('/brokers/1/partition-replicas'),
      }),
    },
    {
      path: '/topics/orders',
      json: () => ({
        kind: 'KafkaTopic',
        metadata: { self: url('/topics/orders'), resource_name: `crn:///kafka=${cluster}/topic=orders` },
        cluster_id: cluster,
        topic_name: 'orders',
        is_internal: false,
        replication_factor: 1,
        partitions_count: 2,
        partitions: related('/topics/orders/partitions'),
        configs: related('/topics/orders/configs'),
        partition_reassignments: related('/topics/orders/partitions/-/reassignment'),
        authorized_operations: [],
      }),
    },
    {
      path: '/topics/orders/partitions/1',
      json: () => ({
        kind: 'KafkaPartition',
        metadata: {
          self: url('/topics/orders/partitions/1'),
          resource_name: `crn:///kafka=${cluster}/topic=orders/partition=1`,
        },
        cluster_id: cluster,
        topic_name: 'orders',
        partition_id: 1,
        leader: { related: expect.stringMatching(/\/topics\/orders\/partitions\/1\/replicas\/[01]$/) },
        replicas: related('/topics/orders/partitions/1/replicas'),
        reassignment: related('/topics/orders/partitions/1/reassignment'),
      }),
    },
    {
      path: '/topics/orders/configs/cleanup.policy',
      json: () => ({
        kind: 'KafkaTopicConfig',
        metadata: {
          self: url('/topics/orders/configs/cleanup.policy'),
          resource_name: `crn:///kafka=${cluster}/topic=orders/config=cleanup.policy`,
        },
        cluster_id: cluster,
        topic_name: 'orders',
        name: 'cleanup.policy',
        value: 'delete',
        is_default: true,
        is_read_only: false,
        is_sensitive: false,
        source: 'DEFAULT_CONFIG',
        synonyms: [{ name: 'log.cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' }],
      }),
    },
    {
      path: '/topics/orders/partitions/0/offset',
      json: () => expect.objectContaining({ kind: 'KafkaPartitionWithOffsets', earliest_offset: 0, latest_offset: 0 }),
    },
  ])('GET $path', async ({ path, json }) => {
    const reply = await get(path)
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual(json())
  })

  it.each([
    { path: '/nothing', json: { error_code: 404, message: 'HTTP 404 Not Found' } },
    { path: '/brokers/2', json: { error_code: 404 } },
    { path: '/brokers/2/configs', json: { error_code: 404, message: expect.stringContaining('Broker 2') } },
    { path: '/brokers/0/configs/none', json: { error_code: 404 } },
    {
      path: '/topics/none',
      json: { error_code: 40403, message: 'This server does not host this topic-partition.' },
    },
    { path: '/topics/none/configs', json: { error_code: 40403 } },
    { path: '/topics/orders/configs/none', json: { error_code: 404 } },
    { path: '/topics/orders/partitions/2', json: { error_code: 40402, message: 'Partition not found.' } },
    { path: '/topics/orders/partitions/x', json: { error_code: 404 } },
    { path: '/topics/orders/partitions/0/replicas/7', json: { error_code: 404 } },
    { path: '/consumer-groups/none', json: { error_code: 404 } },
    { path: '/consumer-groups/none/lag-summary', json: { error_code: 404 } },
  ])('GET $path is not found', async ({ path, json }) => {
    expect(await get(path)).toMatchObject({ status: 404, json })
  })

  it('are those of this cluster alone', async () => {
    const message = 'Cluster other cannot be found.'
    expect(await api('GET /v3/clusters/other/topics')).toMatchObject({
      status: 404,
      json: { error_code: 404, message },
    })
    expect(await api('POST /v3/clusters')).toMatchObject({ status: 405, json: { error_code: 405 } })
  })
})

it('those who accept no JSON are told so', async () => {
  const at = (accept: string) => api(`GET /v3/clusters/${cluster}/topics`, { headers: { accept } })
  for (const accept of ['application/json', '*/*', 'text/html, application/json;q=0.5'])
    expect(await at(accept)).toMatchObject({ status: 200 })
  for (const accept of ['text/html', 'application/xml', 'application/json;q=0'])
    expect(await at(accept)).toMatchObject({
      status: 406,
      json: { error_code: 406, message: 'HTTP 406 Not Acceptable' },
    })
})

describe('topics', () => {
  it('are created, configured, grown and deleted', async () => {
    const created = await send('POST', '/topics', {
      topic_name: 'made',
      partitions_count: 1,
      replication_factor: 2,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    })
    expect(created).toMatchObject({ status: 201, json: { topic_name: 'made', replication_factor: 2 } })
    expect(created.headers.get('location')).toBe(url('/topics/made'))

    expect(await send('PUT', '/topics/made/configs/retention.ms', { value: '60000' })).toMatchObject({ status: 204 })
    expect(await send('DELETE', '/topics/made/configs/cleanup.policy')).toMatchObject({ status: 204 })
    const data = [
      { name: 'retention.ms', operation: 'DELETE' },
      { name: 'segment.ms', value: '70000' },
    ]
    const alter = '/topics/made/configs:alter'
    expect(await send('POST', alter, { data, validate_only: true })).toMatchObject({ status: 204 })
    expect((await get('/topics/made/configs/retention.ms')).json.value).toBe('60000')
    expect(await send('POST', alter, { data })).toMatchObject({ status: 204 })
    const configs = (await get('/topics/made/configs')).json.data
    const set = configs.filter(({ source }: { source: string }) => source === 'DYNAMIC_TOPIC_CONFIG')
    expect(set).toMatchObject([{ name: 'segment.ms', value: '70000', is_default: false }])

    expect(await send('PATCH', '/topics/made', { partitions_count: 3 })).toMatchObject({
      status: 200,
      json: { partitions_count: 3 },
    })
    expect((await get('/topics/made/partitions')).json.data).toHaveLength(3)
    expect(await send('DELETE', '/topics/made')).toMatchObject({ status: 204, text: '' })
    expect(await send('DELETE', '/topics/made')).toMatchObject({ status: 404, json: { error_code: 40403 } })
  })

  it('are only thought of with validate_only', async () => {
    const body = { topic_name: 'thought', validate_only: true }
    expect(await send('POST', '/topics', body)).toMatchObject({ status: 200, json: { topic_name: 'thought' } })
    expect(await get('/topics/thought')).toMatchObject({ status: 404 })
  })

  it.each([
    { body: { topic_name: 'orders' }, status: 400, error_code: 40002 },
    { body: { topic_name: 'a/b' }, status: 422, error_code: 42206 },
    { body: { topic_name: 'x', replication_factor: 3 }, status: 400, error_code: 40002 },
    { body: { topic_name: 'x', partitions_count: 0 }, status: 400, error_code: 40002 },
    { body: { topic_name: 'x', configs: [{ name: 'no.such', value: '1' }] }, status: 400, error_code: 40002 },
    { body: { topic_name: 'x', replicas_assignments: { 0: [0] } }, status: 400, error_code: 40002 },
    { body: { partitions_count: 1 }, status: 400, error_code: 400 },
    { body: { topic_name: 'x', partitions_count: 'A' }, status: 400, error_code: 400 },
    { body: '{"topic_name":', status: 400, error_code: 400 },
  ])('cannot be $body', async ({ body, status, error_code }) => {
    expect(await send('POST', '/topics', body)).toMatchObject({ status, json: { error_code } })
  })

  it.each([
    { what: 'PATCH /topics/orders', body: { partitions_count: 1 }, status: 400, error_code: 40002 },
    { what: 'PUT /topics/orders/configs/no.such', body: { value: '1' }, status: 404, error_code: 404 },
    { what: 'PUT /topics/orders/configs/retention.ms', body: { value: 'soon' }, status: 400, error_code: 40002 },
    { what: 'PUT /topics/orders/configs/retention.ms', body: {}, status: 400, error_code: 40002 },
    { what: 'POST /topics/orders/configs:alter', body: { data: [{ name: 'no.such' }] }, status: 404, error_code: 404 },
    { what: 'POST /topics/orders/configs:alter', body: { data: {} }, status: 400, error_code: 400 },
    { what: 'POST /topics/orders/configs:other', body: { data: [] }, status: 404, error_code: 404 },
    { what: 'PUT /brokers/0/configs/log.retention.ms', body: { value: '1' }, status: 400, error_code: 40002 },
    { what: 'POST /broker-configs:alter', body: { data: [] }, status: 400, error_code: 40002 },
    { what: 'POST /acls', body: {}, status: 400, error_code: 40002 },
  ])('refuse $what with $body', async ({ what, body, status, error_code }) => {
    const [method, path] = what.split(' ') as [string, string]
    expect(await send(method, path, body)).toMatchObject({ status, json: { error_code } })
  })
})

const results = ({ text }: Reply) =>
  text
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

describe('records', () => {
  const produce = (topic: string, body: string, type = 'application/json') =>
    api(`POST /v3/clusters/${cluster}/topics/${topic}/records`, { body, type })

  it('are stored as they are typed, with headers and their time', async () => {
    // So old a record would not stay for long otherwise.
    await api('POST /v1/topics', { body: { name: 'typed', partitions: 1, config: { 'retention.ms': -1 } } })
    const reply = await send('POST', '/topics/typed/records', {
      partition_id: 0,
      headers: [
        { name: 'h', value: 'aGk=' },
        { name: 'h', value: null },
      ],
      key: { type: 'BINARY', data: 'Zm9vYmFy' },
      value: { type: 'JSON', data: { foo: 'bar' } },
      timestamp: '2021-02-05T19:14:42Z',
    })
    expect(reply.status).toBe(200)
    expect(results(reply)).toEqual([
      {
        error_code: 200,
        cluster_id: cluster,
        topic_name: 'typed',
        partition_id: 0,
        offset: 0,
        timestamp: '2021-02-05T19:14:42Z',
        key: { type: 'BINARY', size: 6 },
        value: { type: 'JSON', size: 13 },
      },
    ])
    expect((await api('GET /v1/topics/typed/partitions/0/records')).json.records).toEqual([
      {
        partition: 0,
        offset: 0,
        timestamp: Date.parse('2021-02-05T19:14:42Z'),
        key: 'foobar',
        value: { foo: 'bar' },
        headers: { h: ['hi', null] },
      },
    ])
  })

  it('may be null, or say nothing at all', async () => {
    const reply = await produce(
      'nulls',
      '{} {"value":null} {"key":{"type":"STRING","data":null}}{"value":{"type":"JSON"}}',
    )
    const stored = { error_code: 200, topic_name: 'nulls' }
    expect(results(reply)).toMatchObject([
      { ...stored, offset: 0 },
      { ...stored, offset: 1 },
      { ...stored, offset: 2, key: { type: 'STRING', size: 0 } },
      { ...stored, offset: 3, value: { type: 'JSON', size: 0 } },
    ])
  })

  const wrong = [
    { record: '{"value":{"type":"BINARY","data":"#"}}', error_code: 400 },
    { record: '{"value":{"type":"STRING","data":7}}', error_code: 400 },
    { record: '{"value":{"type":"OTHER","data":7}}', error_code: 400 },
    { record: '{"value":7}', error_code: 400 },
    { record: '{"partition_id":2}', error_code: 40402 },
    { record: '{"partition_id":-3}', error_code: 40402 },
    { record: '{"partition_id":"0"}', error_code: 400 },
    { record: '{"headers":[{"name":"h","value":"%"}]}', error_code: 400 },
    { record: '{"headers":{"h":"aGk="}}', error_code: 400 },
    { record: '{"headers":[{"value":"aGk="}]}', error_code: 400 },
    { record: '{"timestamp":1612552482}', error_code: 400 },
    { record: '{"value":{"type":"JSON","schema_id":1,"data":7}}', error_code: 400 },
    { record: '{"value":{"schema_id":1,"schema_version":1,"data":7}}', error_code: 400 },
    { record: '{"value":{"subject":"s","subject_name_strategy":"TOPIC_NAME","data":7}}', error_code: 400 },
    { record: '{"value":{"type":"AVRO","schema_id":1,"data":7}}', error_code: 400 },
    { record: '{"value":{"type":"JSON","data":1,}}', error_code: 400 },
    { record: '{"value"}', error_code: 400 },
  ]
  it.each(wrong)('$record is refused alone, between others', async ({ record, error_code }) => {
    const good = '{"partition_id":0,"value":{"type":"JSON","data":1}}'
    const reply = await produce('orders', good + record + good)
    expect(reply.status).toBe(200)
    expect(results(reply)).toMatchObject([
      { error_code: 200 },
      { error_code, message: expect.any(String) },
      { error_code: 200 },
    ])
  })

  it.each([
    { body: '[{"value":null}]', lines: 1 },
    { body: '{"value":null}, {"value":null}', lines: 2 },
    { body: '{"value":null', lines: 1 },
    { body: 'records', lines: 1 },
  ])('end where $body is no longer concatenated objects', async ({ body, lines }) => {
    const told = results(await produce('orders', body))
    expect(told).toHaveLength(lines)
    expect(told.at(-1)).toMatchObject({ error_code: 400, message: expect.stringContaining('Error processing message') })
  })

  it.each([
    { body: '{}', type: 'text/plain', status: 415, error_code: 415 },
    { body: '  ', type: 'application/json', status: 422, error_code: 422 },
    { topic: 'not%20a%20name', body: '{}', type: 'application/json', status: 400, error_code: 40002 },
    { topic: '__consumer_offsets', body: '{}', type: 'application/json', status: 400, error_code: 40002 },
  ])('cannot be $body as $type', async ({ topic = 'orders', body, type, status, error_code }) => {
    expect(await produce(topic, body, type)).toMatchObject({ status, json: { error_code } })
  })

  it('are answered one by one while they are sent, however the stream is cut', async () => {
    const sent = new TransformStream<Uint8Array, Uint8Array>()
    const writer = sent.writable.getWriter()
    const asking = fetch(new URL(`/v3/clusters/${cluster}/topics/stream/records`, broker.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: sent.readable,
      ...{ duplex: 'half' },
    })
    const write = (text: string) => writer.write(new TextEncoder().encode(text))
    void write('{"value":{"type":"JSON","da')
    const reader = (await asking).body!.pipeThrough(new TextDecoderStream()).getReader()
    let held = ''
    const next = async () => {
      while (!held.includes('\r\n')) held += (await reader.read()).value ?? '\r\n'
      const [line, ...rest] = held.split('\r\n')
      held = rest.join('\r\n')
      return line === '' ? undefined : JSON.parse(line!)
    }
    void write('ta":"\\"}"}}{"value":1} ')
    expect(await next()).toMatchObject({ error_code: 200, offset: 0 })
    expect(await next()).toMatchObject({ error_code: 400 })
    for (let offset = 1; offset < 20; offset++) {
      void write('{"value":{"type":"JSON","data":1}}')
      expect(await next()).toMatchObject({ error_code: 200, offset })
    }
    void writer.close()
    expect(await next()).toBeUndefined()
  })

  it('come in any number through one stream, and keep their order', async () => {
    const COUNT = 30_000
    const record = (i: number) => `{"value":{"type":"JSON","data":${i}}}`
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const bytes = new TextEncoder().encode(Array.from({ length: COUNT }, (_, i) => record(i)).join('\n'))
        for (let at = 0; at < bytes.length; at += 9_999) controller.enqueue(bytes.subarray(at, at + 9_999))
        controller.close()
      },
    })
    const reply = await api(`POST /v3/clusters/${cluster}/topics/many/records`, { body, type: 'application/json' })
    const offsets = results(reply).map(({ offset }) => offset)
    expect(offsets).toEqual(Array.from({ length: COUNT }, (_, i) => i))
    const last = await api(`GET /v1/topics/many/partitions/0/records?offset=${COUNT - 1}`)
    expect(last.json.records).toMatchObject([{ value: COUNT - 1 }])
  })
})

describe('consumer groups', () => {
  it('show their members, assignments and lag', async () => {
    await api('POST /v1/topics', { body: { name: 'read', partitions: 2 } })
    for (const value of [1, 2, 3]) await api('POST /v1/topics/read/partitions/1/records', { body: { value } })
    const kafka = new Kafka({ clientId: 'me', brokers: [`127.0.0.1:${broker.kafka}`], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: 'readers' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['read'], fromBeginning: true })
    const third = Promise.withResolvers<void>()
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        if (message.offset === '2') third.resolve()
      },
    })
    await third.promise
    await consumer.commitOffsets([{ topic: 'read', partition: 1, offset: '1' }])

    const group = await get('/consumer-groups/readers')
    expect(group.json).toMatchObject({
      kind: 'KafkaConsumerGroup',
      consumer_group_id: 'readers',
      is_simple: false,
      partition_assignor: 'RoundRobinAssigner',
      state: 'STABLE',
      type: 'CLASSIC',
    })
    expect((await get('/consumer-groups')).json.data).toContainEqual(group.json)
    const [member] = (await get('/consumer-groups/readers/consumers')).json.data
    expect(member).toMatchObject({ kind: 'KafkaConsumer', client_id: 'me', instance_id: null })
    const assignments = await api(`GET ${member.assignments.related}`)
    expect(assignments.json.data).toMatchObject([
      { kind: 'KafkaConsumerAssignment', topic_name: 'read', partition_id: 0 },
      { topic_name: 'read', partition_id: 1 },
    ])
    const lag = { consumer_id: member.consumer_id, client_id: 'me', current_offset: 1, log_end_offset: 3, lag: 2 }
    expect(await api(`GET ${assignments.json.data[1].lag.related}`)).toMatchObject({ status: 200, json: lag })
    expect((await get('/consumer-groups/readers/lags')).json.data).toMatchObject([lag])
    expect((await get('/consumer-groups/readers/lag-summary')).json).toMatchObject({
      kind: 'KafkaConsumerGroupLagSummary',
      max_lag: 2,
      total_lag: 2,
      max_lag_topic_name: 'read',
      max_lag_partition_id: 1,
      max_lag_client_id: 'me',
      max_lag_consumer: { related: url(`/consumer-groups/readers/consumers/${member.consumer_id}`) },
    })
    await consumer.disconnect()
  })
})
