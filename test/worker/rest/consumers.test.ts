// Consumer instances of the REST Proxy's v2: as clients meet them, beside Kafka's own, over evictions and restarts.

import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startBroker, type TestBroker } from '../../../testing/index.ts'
import { client } from '../../support/http.ts'

const V2 = 'application/vnd.kafka.v2+json'
const JSON_V2 = 'application/vnd.kafka.json.v2+json'
const BINARY = 'application/vnd.kafka.binary.v2+json'
const MINUTES = 60_000

let broker: TestBroker
let api: ReturnType<typeof client>
const start = async () => {
  broker = await startBroker({ config: { 'group.initial.rebalance.delay.ms': 0 } })
  api = client(broker.http)
}
beforeAll(start)
afterAll(() => broker?.close())

let made = 0
const aName = (what: string) => `${what}-${made++}`
async function aTopic(partitions = 1, values: readonly unknown[] = []): Promise<string> {
  const name = aName('topic')
  await api('POST /v1/topics', { body: { name, partitions } })
  if (values.length > 0) await produce(name, values)
  return name
}
const produce = (topic: string, values: readonly unknown[], partition = 0) =>
  api(`POST /topics/${topic}/partitions/${partition}`, {
    type: JSON_V2,
    body: { records: values.map(value => ({ value })) },
  })

interface Read {
  readonly topic: string
  readonly key: unknown
  readonly value: unknown
  readonly partition: number
  readonly offset: number
}

/** One instance, by its address. */
class Instance {
  readonly path: string
  readonly group: string
  constructor(path: string, group: string) {
    this.path = path
    this.group = group
  }
  get(what: string, accept = V2) {
    return api(`GET ${this.path}/${what}`, { headers: { accept } })
  }
  post(what: string, body?: object) {
    return api(`POST ${this.path}/${what}`, { type: V2, ...(body && { body }) })
  }
  delete(what = '') {
    return api(`DELETE ${this.path}${what}`)
  }
  async records(query = ''): Promise<Read[]> {
    const reply = await this.get(`records${query}`, JSON_V2)
    expect(reply).toMatchObject({ status: 200 })
    expect(reply.headers.get('content-type')).toBe(JSON_V2)
    return reply.json
  }
  /** Reads on until there are so many. */
  async until(count: number): Promise<Read[]> {
    const found: Read[] = []
    for (let tries = 0; found.length < count && tries < 60; tries++) found.push(...(await this.records()))
    return found
  }
}

async function anInstance(options: object = {}, group = aName('group')): Promise<Instance> {
  const body = { format: 'json', 'auto.offset.reset': 'earliest', ...options }
  const { status, json } = await api(`POST /consumers/${group}`, { type: V2, body })
  expect(status).toBe(200)
  expect(json.base_uri).toBe(`${broker.http}/consumers/${group}/instances/${json.instance_id}`)
  return new Instance(new URL(json.base_uri).pathname, group)
}
const values = (records: readonly Read[]) => records.map(({ value }) => value)

describe('an instance', () => {
  it('reads its topics as a member of its group, and commits', async () => {
    const topic = await aTopic(1, [1, 'two', { three: [3] }])
    const instance = await anInstance({ name: 'me', 'auto.commit.enable': 'false' })
    expect(instance.path).toBe(`/consumers/${instance.group}/instances/me`)
    expect(await instance.post('subscription', { topics: [topic] })).toMatchObject({ status: 204, text: '' })
    expect((await instance.get('subscription')).json).toEqual({ topics: [topic] })
    expect(await instance.until(3)).toEqual([
      { topic, key: null, value: 1, partition: 0, offset: 0 },
      { topic, key: null, value: 'two', partition: 0, offset: 1 },
      { topic, key: null, value: { three: [3] }, partition: 0, offset: 2 },
    ])
    expect((await instance.get('assignments')).json).toEqual({ partitions: [{ topic, partition: 0 }] })
    expect((await api(`GET /v1/groups/${instance.group}`)).json).toMatchObject({
      state: 'Stable',
      members: [{ assignment: [{ topic, partitions: [0] }] }],
    })
    const asked = encodeURIComponent(JSON.stringify([{ topic, partition: 0 }]))
    expect((await instance.get(`offsets?partitions=${asked}`)).json).toEqual({ offsets: [] })
    expect(await instance.post('offsets')).toMatchObject({ status: 200 })
    expect((await instance.get(`offsets?partitions=${asked}`)).json).toEqual({
      offsets: [{ topic, partition: 0, offset: 3, metadata: '' }],
    })
    await instance.post('offsets', { offsets: [{ topic, partition: 0, offset: 1, metadata: 'mine' }] })
    expect((await instance.get(`offsets?partitions=${asked}`)).json.offsets).toMatchObject([
      { offset: 2, metadata: 'mine' },
    ])
    expect(await instance.delete()).toMatchObject({ status: 204, text: '' })
    expect((await api(`GET /v1/groups/${instance.group}`)).json).toMatchObject({ state: 'Empty', members: [] })
    const next = await anInstance({}, instance.group)
    await next.post('subscription', { topics: [topic] })
    expect(values(await next.until(1))).toEqual([{ three: [3] }])
  })

  it('reads bytes as base64, whatever they are', async () => {
    const topic = await aTopic()
    await api(`POST /topics/${topic}`, {
      type: BINARY,
      body: { records: [{ key: '/w==', value: 'AAEC' }, { value: null }] },
    })
    const instance = await anInstance({ format: 'binary' })
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    for (const [accept, type] of [
      ['*/*', BINARY],
      [BINARY, BINARY],
      [V2, V2],
    ] as const) {
      await instance.post('positions/beginning', { partitions: [{ topic, partition: 0 }] })
      const reply = await instance.get('records', accept)
      expect(reply.json).toEqual([
        { topic, key: '/w==', value: 'AAEC', partition: 0, offset: 0 },
        { topic, key: null, value: null, partition: 0, offset: 1 },
      ])
      expect(reply.headers.get('content-type')).toBe(type)
    }
  })

  it('reads partitions it is given by hand from where it is told', async () => {
    const topic = await aTopic(2, [0, 1, 2, 3])
    const instance = await anInstance({ 'auto.commit.enable': false })
    const place = { topic, partition: 0 }
    expect(await instance.post('assignments', { partitions: [place, { topic, partition: 1 }] })).toMatchObject({
      status: 204,
    })
    expect((await instance.get('assignments')).json.partitions).toEqual([place, { topic, partition: 1 }])
    expect(values(await instance.until(4))).toEqual([0, 1, 2, 3])
    await instance.post('positions', { offsets: [{ ...place, offset: 2 }] })
    expect(values(await instance.until(2))).toEqual([2, 3])
    await instance.post('positions/beginning', { partitions: [place] })
    expect(values(await instance.records())).toEqual([0, 1, 2, 3])
    await instance.post('positions/end', { partitions: [place] })
    expect(await instance.records('?timeout=1')).toEqual([])
    await instance.post('positions', { timestamps: [{ ...place, timestamp: '2001-01-01T00:00:00Z' }] })
    expect(values(await instance.records())).toEqual([0, 1, 2, 3])
    await instance.post('positions', { timestamps: [{ ...place, timestamp: '2999-01-01T00:00:00Z' }] })
    expect(await instance.records('?timeout=1')).toEqual([])
    expect(await instance.delete('/subscription')).toMatchObject({ status: 204 })
    expect((await instance.get('assignments')).json).toEqual({ partitions: [] })
  })

  it('returns no more bytes than asked for, but always something', async () => {
    const topic = await aTopic(1, ['aaaa', 'bbbb', 'cccc'])
    const instance = await anInstance()
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    expect(values(await instance.records('?max_bytes=13'))).toEqual(['aaaa', 'bbbb'])
    expect(values(await instance.records('?max_bytes=1'))).toEqual(['cccc'])
  })

  it('waits for what comes, and no longer than for that', async () => {
    const topic = await aTopic()
    const instance = await anInstance({ 'consumer.request.timeout.ms': 15_000 })
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    const started = performance.now()
    const reading = instance.records()
    await produce(topic, ['late'])
    expect(values(await reading)).toEqual(['late'])
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(await instance.records('?timeout=10')).toEqual([])
  })

  it('waits for as much as it was made to', async () => {
    const topic = await aTopic(1, ['first'])
    const instance = await anInstance({ 'fetch.min.bytes': 12, 'consumer.request.timeout.ms': 15_000 })
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    const reading = instance.records()
    await produce(topic, ['second'])
    expect(values(await reading)).toEqual(['first', 'second'])
  })

  it('tells of a record it cannot read when it comes, and goes on behind it', async () => {
    const topic = await aTopic(1, [1])
    await api(`POST /topics/${topic}`, { type: BINARY, body: { records: [{ value: '/w==' }, { value: 'Mw==' }] } })
    const instance = await anInstance()
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    expect(values(await instance.until(1))).toEqual([1])
    expect(await instance.get('records', JSON_V2)).toMatchObject({
      status: 408,
      json: { error_code: 40801, message: expect.stringContaining(`partition ${topic}-0 at offset 1`) },
    })
    await instance.post('positions', { offsets: [{ topic, partition: 0, offset: 2 }] })
    expect(values(await instance.until(1))).toEqual([3])
  })

  it('reads a topic that was deleted and created again from its beginning', async () => {
    const topic = await aTopic(1, ['old', 'older'])
    const instance = await anInstance()
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    await instance.until(2)
    await api(`DELETE /v1/topics/${topic}`)
    await api('POST /v1/topics', { body: { name: topic, partitions: 1 } })
    await produce(topic, ['new'])
    expect(values(await instance.until(1))).toEqual(['new'])
  })

  it('is gone when nobody asked for it for five minutes, and its partitions are others’', async () => {
    const topic = await aTopic(1, [1])
    const instance = await anInstance()
    await instance.post('subscription', { topics: [topic] })
    await instance.until(1)
    await instance.post('offsets')
    await broker.advance(4 * MINUTES)
    expect(await instance.get('subscription')).toMatchObject({ status: 200 })
    await broker.advance(4 * MINUTES)
    expect(await instance.get('subscription')).toMatchObject({ status: 200 })
    await broker.advance(6 * MINUTES)
    expect(await instance.get('subscription')).toMatchObject({ status: 404, json: { error_code: 40403 } })
    await vi.waitFor(
      async () =>
        expect((await api(`GET /v1/groups/${instance.group}`)).json).toMatchObject({ members: [], totalLag: 0 }),
      10_000,
    )
    await anInstance({ name: instance.path.split('/').at(-1) }, instance.group)
  })

  it('stays while it waits for records, however long', async () => {
    const topic = await aTopic()
    const instance = await anInstance({ 'consumer.request.timeout.ms': 300_000 })
    await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
    const reading = instance.records()
    // What is answered after it was sent came after it.
    for (let i = 0; i < 5; i++) expect(await instance.get('assignments')).toMatchObject({ status: 200 })
    await broker.advance(6 * MINUTES)
    await produce(topic, ['late'])
    expect(values(await reading)).toEqual(['late'])
    expect(await instance.get('assignments')).toMatchObject({ status: 200 })
  })

  it('follows a pattern to topics that come later', async () => {
    const prefix = aName('pattern')
    await api('POST /v1/topics', { body: { name: `${prefix}.a`, partitions: 1 } })
    const instance = await anInstance()
    await instance.post('subscription', { topic_pattern: `${prefix}\\..*` })
    await produce(`${prefix}.a`, ['a'])
    expect(values(await instance.until(1))).toEqual(['a'])
    await produce(`${prefix}.b`, ['b'])
    await broker.advance(20_000)
    expect(values(await instance.until(1))).toEqual(['b'])
    expect((await instance.get('subscription')).json.topics).toEqual([`${prefix}.a`, `${prefix}.b`])
    // One way of subscribing until it is given up.
    expect(await instance.post('subscription', { topics: [`${prefix}.a`] })).toMatchObject({ status: 409 })
    await instance.delete('/subscription')
    expect(await instance.post('subscription', { topics: [`${prefix}.a`] })).toMatchObject({ status: 204 })
  })
})

describe('after its memory is lost', () => {
  it.each(['evict', 'restart'] as const)(
    'an instance that was given partitions reads on where it was (%s)',
    async how => {
      const topic = await aTopic(1, [0, 1, 2, 3])
      const instance = await anInstance({ 'auto.commit.enable': 'false' })
      await instance.post('assignments', { partitions: [{ topic, partition: 0 }] })
      await instance.post('positions', { offsets: [{ topic, partition: 0, offset: 1 }] })
      expect(values(await instance.records('?max_bytes=2'))).toEqual([1])
      await broker[how]()
      expect(values(await instance.until(2))).toEqual([2, 3])
    },
  )

  it('a member of a group is one again, and misses nothing', async () => {
    const topic = await aTopic(2, [0, 1])
    const instance = await anInstance()
    await instance.post('subscription', { topics: [topic] })
    expect(values(await instance.until(2))).toEqual([0, 1])
    await instance.post('offsets')
    const before = (await api(`GET /v1/groups/${instance.group}`)).json.members
    await broker.restart()
    await produce(topic, [2], 1)
    expect(values(await instance.until(1))).toEqual([2])
    expect((await api(`GET /v1/groups/${instance.group}`)).json.members).toEqual(before)
  })
})

describe('a group', () => {
  it('keeps its members while memory is dropped around them, and they go on reading', async () => {
    const topic = await aTopic(1)
    const instances = await Promise.all([0, 1, 2].map(() => anInstance()))
    for (const instance of instances) await instance.post('subscription', { topics: [topic] })
    for (const round of [0, 1, 2]) {
      await produce(topic, [round])
      const read = Promise.all(instances.map(instance => instance.until(1)))
      await Promise.all([broker.evict(), broker.evict()])
      for (const records of await read) expect(values(records)).toEqual([round])
    }
  })

  it('shares partitions among instances and Kafka clients; each record is read once while they come and go', async () => {
    const PARTITIONS = 4
    const COUNT = 60
    const topic = await aTopic(PARTITIONS)
    const group = aName('shared')
    const read = new Map<string, number>()
    const seen = (partition: number, offset: number | string) =>
      read.set(`${partition}/${offset}`, (read.get(`${partition}/${offset}`) ?? 0) + 1)

    const kafka = new Kafka({ brokers: [broker.kafka], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: group, sessionTimeout: 10_000, heartbeatInterval: 500 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommitThreshold: 1,
      eachMessage: async ({ partition, message }) => void seen(partition, message.offset),
    })
    const instances = [await anInstance({}, group), await anInstance({}, group)]
    for (const instance of instances) await instance.post('subscription', { topics: [topic] })

    const all = new Set<string>()
    const write = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const { json } = await produce(topic, [i], i % PARTITIONS)
        all.add(`${i % PARTITIONS}/${json.offsets[0].offset}`)
      }
    }
    const reading = async (some: readonly Instance[], until: () => boolean) => {
      for (let tries = 0; !until() && tries < 100; tries++)
        for (const instance of some)
          for (const { partition, offset } of await instance.records('?timeout=200')) seen(partition, offset)
    }
    const everything = () => [...all].every(key => read.has(key))

    await write(0, COUNT / 2)
    await reading(instances, everything)
    const shares = await Promise.all(instances.map(async one => (await one.get('assignments')).json.partitions))
    expect(shares.flat().length).toBeGreaterThan(0)
    expect(new Set(shares.flat().map(({ partition }) => partition)).size).toBe(shares.flat().length)

    await instances[0]!.delete()
    await write(COUNT / 2, COUNT)
    await reading(instances.slice(1), everything)
    expect(everything()).toBe(true)
    expect([...read.values()].filter(times => times > 1)).toEqual([])
    await consumer.disconnect()
  })
})

describe('requests', () => {
  const place = { topic: 'there', partition: 0 }
  let instance: Instance
  let subscribed: Instance
  beforeAll(async () => {
    await api('POST /v1/topics', { body: { name: 'there', partitions: 1 } })
    instance = await anInstance({ name: 'bad' })
    subscribed = await anInstance({ name: 'subscribed' })
    await subscribed.post('subscription', { topics: ['there'] })
  })

  it.each([
    { body: { name: 'bad' }, group: () => instance.group, status: 409, error_code: 40902 },
    { body: { id: 'bad', name: 'other' }, group: () => instance.group, status: 409, error_code: 40902 },
    { body: { format: 'xml' }, status: 422, error_code: 422 },
    { body: { 'auto.offset.reset': 'bad-config' }, status: 422, error_code: 42204 },
    { body: { 'auto.commit.enable': 'perhaps' }, status: 422, error_code: 42204 },
    { body: { 'fetch.min.bytes': -2 }, status: 422, error_code: 40001 },
    { body: { 'fetch.min.bytes': 10_000_001 }, status: 422, error_code: 40001 },
    { body: { 'fetch.min.bytes': 'x' }, status: 422, error_code: 422 },
    { body: { name: 'x'.repeat(250) }, status: 422, error_code: 422 },
    { body: [], status: 422, error_code: 422 },
  ])('make no instance of $body', async ({ body, group = () => 'g', status, error_code }) => {
    expect(await api(`POST /consumers/${group()}`, { type: V2, body })).toMatchObject({ status, json: { error_code } })
  })

  it('make one of nothing', async () => {
    const { status, json } = await api('POST /consumers/plain', { type: V2 })
    expect({ status, json }).toMatchObject({
      status: 200,
      json: { instance_id: expect.stringMatching(/^rest-consumer-/) },
    })
  })

  const of = {
    free: () => instance,
    subscribed: () => subscribed,
    none: () => new Instance('/consumers/a/instances/b', 'a'),
  }
  it.each([
    { on: 'none', method: 'DELETE', what: '', status: 404, error_code: 40403 },
    { on: 'none', method: 'GET', what: '/records', status: 404, error_code: 40403 },
    { on: 'none', method: 'GET', what: '/subscription', status: 404, error_code: 40403 },
    { on: 'none', method: 'POST', what: '/offsets', status: 404, error_code: 40403 },
    { on: 'none', method: 'POST', what: '/subscription', body: { topics: ['t'] }, status: 404, error_code: 40403 },
    { on: 'free', method: 'GET', what: '/nothing', status: 404, error_code: 404 },
    { on: 'free', method: 'PUT', what: '/subscription', status: 405, error_code: 405 },
    { on: 'free', method: 'GET', what: '/records', accept: BINARY, status: 406, error_code: 40601 },
    { on: 'free', method: 'GET', what: '/records', accept: 'text/plain', status: 406, error_code: 406 },
    { on: 'free', method: 'GET', what: '/records', accept: JSON_V2, status: 409, error_code: 40903 },
    { on: 'free', method: 'GET', what: '/records?timeout=x', accept: JSON_V2, status: 404, error_code: 404 },
    { on: 'free', method: 'GET', what: '/offsets', status: 404, error_code: 40402 },
    { on: 'free', method: 'POST', what: '/subscription', status: 422, error_code: 422 },
    { on: 'free', method: 'POST', what: '/subscription', body: { topic: ['t'] }, status: 422, error_code: 422 },
    { on: 'free', method: 'POST', what: '/subscription', body: { topics: 't' }, status: 422, error_code: 422 },
    { on: 'free', method: 'POST', what: '/subscription', body: { topic_pattern: '(' }, status: 422, error_code: 422 },
    { on: 'free', method: 'POST', what: '/subscription', body: '{"topics":', status: 400, error_code: 400 },
    { on: 'free', method: 'POST', what: '/subscription', body: {}, type: 'text/plain', status: 415, error_code: 415 },
    {
      on: 'subscribed',
      method: 'POST',
      what: '/subscription',
      body: { topic_pattern: 't.*' },
      status: 409,
      error_code: 40903,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/assignments',
      body: { partitions: [{ ...place, partition: -1 }] },
      status: 422,
      error_code: 422,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/assignments',
      body: { partitions: [{ ...place, partition: 9 }] },
      status: 404,
      error_code: 40403,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/positions/end',
      body: { partitions: [place] },
      status: 409,
      error_code: 40903,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/positions',
      body: { offsets: [{ ...place, offset: 0 }] },
      status: 409,
      error_code: 40903,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/positions',
      body: { offsets: [{ ...place, offset: -1 }] },
      status: 422,
      error_code: 422,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/positions',
      body: { timestamps: [{ ...place, timestamp: 'now' }] },
      status: 422,
      error_code: 422,
    },
    {
      on: 'free',
      method: 'POST',
      what: '/offsets',
      body: { offsets: [{ topic: 'none', partition: 0, offset: 0 }] },
      status: 404,
      error_code: 40403,
    },
    {
      on: 'subscribed',
      method: 'POST',
      what: '/assignments',
      body: { partitions: [place] },
      status: 409,
      error_code: 40903,
    },
  ] as const)('$method $what on an instance that is $on is refused with $error_code', async request => {
    const { on, method, what, status, error_code } = request
    const reply = await api(`${method} ${of[on]().path}${what}`, {
      headers: { accept: 'accept' in request ? request.accept : '*/*' },
      ...('body' in request && { body: request.body }),
      ...(method === 'POST' && { type: 'type' in request ? request.type : V2 }),
    })
    expect(reply).toMatchObject({ status, json: { error_code } })
  })
})
