import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { Api, EventClient, LiveClient, type LiveRecord, workerdMemory } from '../../support/live-client.ts'

/** Older records would be gone at once: they are past retention.ms. */
const NOW = Date.now() - 60_000

let broker: Broker
let api: Api
const clients: { cut(): void }[] = []

beforeAll(async () => {
  broker = await startBroker()
  api = new Api(broker.http)
})
afterAll(async () => {
  for (const client of clients) client.cut()
  await broker.close()
})

function socket(path: string, options: ConstructorParameters<typeof LiveClient>[1] = {}): LiveClient {
  const client = new LiveClient(api.url(path), options)
  clients.push(client)
  return client
}

function events(path: string, lastId?: string): EventClient {
  const client = new EventClient(api.url(path), lastId === undefined ? {} : { 'last-event-id': lastId })
  clients.push(client)
  return client
}

const values = (records: readonly LiveRecord[]): unknown[] => records.map(({ value }) => value)
const numbered = (count: number, from = 0): { value: number; key: string }[] =>
  Array.from({ length: count }, (_, i) => ({ value: from + i, key: `k${(from + i) % 7}` }))

/** Each partition's values rise without a gap, and together they are 0 to count - 1. */
function expectAllOnce(records: readonly LiveRecord[], count: number): void {
  expect(records).toHaveLength(count)
  const offsets = new Map<number, number>()
  for (const { partition, offset } of records) {
    expect(offset).toBe(offsets.get(partition) ?? 0)
    offsets.set(partition, offset + 1)
  }
  expect(values(records).toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: count }, (_, i) => i))
}

describe('records', () => {
  it('come as they are appended, over both doors alike', async () => {
    const topic = await api.topic()
    const live = await socket(`/v1/topics/${topic}/live`).opened()
    const stream = await events(`/v1/topics/${topic}/records`).opened()
    expect(stream.response!.headers['content-type']).toBe('text/event-stream')
    await api.produce(topic, [
      { key: 'a', value: { x: [1, 'é'] }, headers: { h: '1' }, timestamp: NOW },
      { value: null },
    ])
    await live.until(() => live.records.length === 2)
    await stream.until(() => stream.records.length === 2)
    expect(live.records[0]).toEqual({
      partition: 0,
      offset: 0,
      timestamp: NOW,
      key: 'a',
      value: { x: [1, 'é'] },
      headers: { h: '1' },
    })
    expect(stream.records).toEqual(live.records)
    expect(stream.lastId).toBe(live.resume)
  })

  it('come in the format asked for', async () => {
    const topic = await api.topic()
    await api.produce(topic, [{ key: 'a', value: [1] }])
    const live = socket(`/v1/topics/${topic}/live?offset=earliest&format=text&keyFormat=base64`)
    await live.until(() => live.records.length === 1)
    expect(live.records[0]).toMatchObject({ key: 'YQ==', value: '[1]' })
  })

  it('of several topics say which they are of', async () => {
    const [one, two] = [await api.topic(2), await api.topic()]
    const live = await socket(`/v1/live?topics=${one},${two}`).opened()
    const stream = await events(`/v1/live?topics=${one},${two}`).opened()
    await api.produce(one, [{ value: 1 }])
    await api.produce(two, [{ value: 2 }])
    await live.until(() => live.records.length === 2)
    await stream.until(() => stream.records.length === 2)
    for (const { records } of [live, stream])
      expect(records.map(({ topic, value }) => [topic, value]).toSorted()).toEqual(
        [
          [one, 1],
          [two, 2],
        ].toSorted(),
      )
  })

  it.each([
    ['nothing said', '', []],
    ['latest', '?offset=latest', []],
    ['earliest', '?offset=earliest', [0, 1, 2, 3, 4]],
    ['an offset', '?offset=3', [3, 4]],
    ['some before the end', '?offset=-2', [3, 4]],
    ['more before the end than there are', '?offset=-99', [0, 1, 2, 3, 4]],
    ['a time', `?timestamp=${NOW + 200}`, [2, 3, 4]],
    ['a time to come', `?timestamp=${NOW + 9_000}`, []],
  ])('begin where it is asked: %s', async (_, query, then) => {
    const topic = await api.topic()
    await api.produce(
      topic,
      [0, 1, 2, 3, 4].map(i => ({ value: i, timestamp: NOW + i * 100 })),
    )
    const live = await socket(`/v1/topics/${topic}/live${query}`).opened()
    await api.produce(topic, [{ value: 'last' }])
    await live.until(() => values(live.records).includes('last'))
    expect(values(live.records)).toEqual([...then, 'last'])
  })

  it('of chosen partitions only', async () => {
    const topic = await api.topic(4)
    const live = await socket(`/v1/topics/${topic}/live?partitions=1,3`).opened()
    await api.produce(
      topic,
      [0, 1, 2, 3].map(partition => ({ partition, value: partition })),
    )
    await live.until(() => live.records.length === 2)
    expect(values(live.records).toSorted()).toEqual([1, 3])
  })

  it('of partitions that are added while somebody reads', async () => {
    const topic = await api.topic(1)
    const live = await socket(`/v1/topics/${topic}/live`).opened()
    const stream = await events(`/v1/topics/${topic}/records`).opened()
    await api.call('PATCH', `/v1/topics/${topic}`, { partitions: 3 })
    await api.produce(topic, [{ partition: 2, value: 'new' }])
    await live.until(() => live.records.length === 1)
    await stream.until(() => stream.records.length === 1)
    expect(values(live.records)).toEqual(['new'])
  })

  it('of a partition added between two connections come from its beginning', async () => {
    const topic = await api.topic(1)
    const before = await socket(`/v1/topics/${topic}/live`).opened()
    before.cut()
    await api.call('PATCH', `/v1/topics/${topic}`, { partitions: 2 })
    await api.produce(topic, [{ partition: 1, value: 'missed' }])
    const after = socket(`/v1/topics/${topic}/live?resume=${before.resume}`)
    await after.until(() => after.records.length === 1)
    expect(values(after.records)).toEqual(['missed'])
  })
})

describe('a reader that is cut again and again', () => {
  const COUNT = 3_000

  it('loses nothing and gets nothing twice over WebSockets', async () => {
    const topic = await api.topic(3)
    const got: LiveRecord[] = []
    let resume = (await socket(`/v1/topics/${topic}/live`).opened()).resume
    const producing = (async () => {
      for (let from = 0; from < COUNT; from += 100) await api.produce(topic, numbered(100, from))
    })()
    for (let cut = 1; cut <= 10; cut++) {
      const live = socket(`/v1/topics/${topic}/live?resume=${resume}`)
      await live.until(() => got.length + live.records.length >= (cut * COUNT) / 10 - 100)
      live.cut()
      got.push(...live.records)
      resume = live.resume
    }
    await producing
    const last = socket(`/v1/topics/${topic}/live?resume=${resume}`)
    await last.until(() => got.length + last.records.length >= COUNT)
    expectAllOnce([...got, ...last.records], COUNT)
  })

  it('loses nothing and gets nothing twice over event streams', async () => {
    const topic = await api.topic(3)
    const got: LiveRecord[] = []
    const first = await events(`/v1/topics/${topic}/records`).opened()
    let { lastId } = first
    first.cut()
    const producing = (async () => {
      for (let from = 0; from < COUNT; from += 100) await api.produce(topic, numbered(100, from))
    })()
    for (let cut = 1; cut <= 10; cut++) {
      const stream = events(`/v1/topics/${topic}/records`, lastId)
      await stream.until(() => got.length + stream.records.length >= (cut * COUNT) / 10 - 100)
      stream.cut()
      got.push(...stream.records)
      ;({ lastId } = stream)
    }
    await producing
    const last = events(`/v1/topics/${topic}/records`, lastId)
    await last.until(() => got.length + last.records.length >= COUNT)
    expectAllOnce([...got, ...last.records], COUNT)
  })
})

describe('a reader that takes no more', () => {
  it('gets a first window, is told that there is more, and gets as much as it gives credit for', async () => {
    const topic = await api.topic()
    const live = await socket(`/v1/topics/${topic}/live`, { generous: false }).opened()
    for (let from = 0; from < 3_000; from += 500) await api.produce(topic, numbered(500, from))
    expect(await live.frame('ping')).toEqual({ type: 'ping', credit: 0 })
    expect(live.records).toHaveLength(1_000)
    live.say({ type: 'credit', records: 250 })
    await live.frame('ping', 1)
    expect(live.records).toHaveLength(1_250)
    live.say({ type: 'credit', records: 1_000_000 })
    await live.until(() => live.records.length === 3_000)
    expectAllOnce(live.records, 3_000)
  })

  it('may begin without credit, and is told where it stands all the same', async () => {
    const topic = await api.topic()
    await api.produce(topic, numbered(2))
    const live = await socket(`/v1/topics/${topic}/live?offset=earliest&credit=0`, { generous: false }).opened()
    expect(await live.frame('ping')).toEqual({ type: 'ping', credit: 0 })
    expect(live.records).toEqual([])
    live.say({ type: 'credit', records: 1 })
    await live.until(() => live.records.length === 1)
  })

  it('never makes the broker grow, however much is appended, and loses nothing', { timeout: 60_000 }, async () => {
    const READERS = 15
    const topic = await api.topic()
    const value = 'x'.repeat(2_000)
    const sockets: LiveClient[] = []
    const streams: EventClient[] = []
    for (let i = 0; i < READERS; i++) {
      sockets.push(await socket(`/v1/topics/${topic}/live`, { generous: false }).opened())
      streams.push(await events(`/v1/topics/${topic}/records`).opened())
    }
    // The lying one says it can take everything, and takes nothing.
    const lying = await socket(`/v1/topics/${topic}/live?credit=1000000`, { generous: false }).opened()
    for (const { socket } of [...sockets, lying]) socket.pause()
    for (const { response } of streams) response!.pause()
    const batch = Array.from({ length: 500 }, () => ({ value }))
    await api.produce(topic, batch)
    const before = workerdMemory()
    const BATCHES = 40
    for (let i = 1; i < BATCHES; i++) await api.produce(topic, batch)
    const grownMb = (workerdMemory() - before) / 1_048_576
    // Unbounded, 31 readers of 40 MB would take 1,200 MB.
    console.log(`grown by ${grownMb.toFixed(0)} MB`)
    expect(grownMb).toBeLessThan(300)

    const [one, stream] = [sockets[0]!, streams[0]!]
    for (const each of sockets.slice(1)) each.cut()
    for (const each of streams.slice(1)) each.cut()
    one.generous = true
    one.socket.resume()
    one.say({ type: 'credit', records: 1_000 })
    await one.until(() => one.records.length === BATCHES * batch.length)
    stream.response!.resume()
    await stream.until(() => stream.records.length === BATCHES * batch.length)
    expect(one.records.every(({ offset }, i) => offset === i)).toBe(true)
    expect(stream.records.every(({ offset }, i) => offset === i)).toBe(true)
  })
})

describe('what cannot go on', () => {
  it('an offset that was deleted: told with where the log starts', async () => {
    const topic = await api.topic()
    const before = await socket(`/v1/topics/${topic}/live?offset=latest`).opened()
    before.cut()
    await api.produce(topic, numbered(10))
    await api.call('DELETE', `/v1/topics/${topic}/partitions/0/records?before=4`)

    const live = socket(`/v1/topics/${topic}/live?resume=${before.resume}`)
    const error = { code: 'OFFSET_OUT_OF_RANGE', errorCode: 1, partition: 0, offset: 0, logStartOffset: 4 }
    expect(await live.frame('error')).toMatchObject({ type: 'error', topic, ...error })
    expect(await live.ended()).toEqual({ code: 4_001, reason: 'OFFSET_OUT_OF_RANGE' })
    const { status, body } = await answer(`/v1/topics/${topic}/records?resume=${before.resume}`)
    expect(status).toBe(416)
    expect(body).toMatchObject({ title: expect.any(String), ...error })
    // A page is shown no answer but a stream.
    const page = events(`/v1/topics/${topic}/records`, before.resume)
    await page.until(() => page.ended)
    expect(page.response!.statusCode).toBe(200)
    expect(page.events).toEqual([{ id: '!OFFSET_OUT_OF_RANGE', event: 'error', data: expect.any(String) }])
    expect(JSON.parse(page.events[0]!.data!)).toMatchObject({ topic, ...error })
    // And it would come again for ever, were it not refused.
    expect((await answer(`/v1/topics/${topic}/records`, { 'last-event-id': page.lastId })).status).toBe(400)
  })

  it('an offset that is deleted while the reader is behind: told after what it had been sent', async () => {
    const topic = await api.topic()
    const value = 'x'.repeat(100_000)
    const live = await socket(`/v1/topics/${topic}/live?credit=1`, { generous: false }).opened()
    const stream = await events(`/v1/topics/${topic}/records`).opened()
    stream.response!.pause()
    for (let i = 0; i < 60; i++)
      await api.produce(
        topic,
        numbered(10).map(record => ({ ...record, value })),
      )
    await api.call('DELETE', `/v1/topics/${topic}/partitions/0/records?before=600`)
    live.say({ type: 'credit', records: 10_000 })
    expect(await live.frame('error')).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', logStartOffset: 600 })
    expect(live.records.every(({ offset }, i) => offset === i)).toBe(true)
    stream.response!.resume()
    await stream.until(() => stream.ended)
    const last = stream.events.at(-1)!
    expect(last.event).toBe('error')
    expect(JSON.parse(last.data!)).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', logStartOffset: 600 })
    expect(stream.records.length).toBeGreaterThan(0)
    expect(stream.records.every(({ offset }, i) => offset === i)).toBe(true)
  })

  it('a topic that is deleted, and one that was made again under its name', async () => {
    const topic = await api.topic(2)
    const live = await socket(`/v1/topics/${topic}/live`).opened()
    const stream = await events(`/v1/topics/${topic}/records`).opened()
    await api.call('DELETE', `/v1/topics/${topic}`)
    expect(await live.frame('error')).toMatchObject({ code: 'UNKNOWN_TOPIC_ID', topic })
    expect(await live.ended()).toEqual({ code: 4_100, reason: 'UNKNOWN_TOPIC_ID' })
    await stream.until(() => stream.ended)
    expect(JSON.parse(stream.events.at(-1)!.data!)).toMatchObject({ code: 'UNKNOWN_TOPIC_ID', topic })

    await api.call('POST', '/v1/topics', { name: topic })
    const again = socket(`/v1/topics/${topic}/live?resume=${live.resume}`)
    expect(await again.frame('error')).toMatchObject({ code: 'UNKNOWN_TOPIC_ID' })
    expect(await answer(`/v1/topics/${topic}/records?resume=${live.resume}`)).toMatchObject({
      status: 404,
      body: { code: 'UNKNOWN_TOPIC_ID' },
    })
    const page = events(`/v1/topics/${topic}/records`, live.resume)
    await page.until(() => page.ended)
    expect(JSON.parse(page.events[0]!.data!)).toMatchObject({ code: 'UNKNOWN_TOPIC_ID' })
  })

  it('a token of another topic', async () => {
    const [one, two] = [await api.topic(), await api.topic()]
    const { resume } = await socket(`/v1/live?topics=${one},${two}`).opened()
    const live = socket(`/v1/topics/${one}/live?resume=${resume}`)
    expect(await live.frame('error')).toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringContaining(two) })
  })

  it('a topic there is not', async () => {
    const live = socket('/v1/topics/nowhere/live')
    expect(await live.frame('error')).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION', errorCode: 3 })
    expect(await live.ended()).toEqual({ code: 4_003, reason: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect((await answer('/v1/topics/nowhere/records')).status).toBe(404)
  })

  it.each([
    ['a token that is none', '/records?resume=latest', 400, 'resume'],
    ['an offset that is none', '/records?offset=soon', 400, 'offset'],
    ['an offset beyond 2^53', '/records?offset=9007199254740993', 400, 'offset'],
    ['a time beside an offset', '/records?offset=1&timestamp=1', 400, 'timestamp'],
    ['partitions that are none', '/records?partitions=a', 400, 'partitions'],
    ['a format that is none', '/records?format=xml', 400, 'format'],
    ['a partition there is not', '/records?partitions=0,7', 404, undefined],
    ['an offset past the end', '/records?offset=17', 416, undefined],
    ['no upgrade', '/live', 426, undefined],
    ['credit that is none', '/live?credit=-1', 400, 'credit'],
  ])('is refused: %s', async (_, path, status, field) => {
    const topic = await api.topic()
    const refused = await answer(`/v1/topics/${topic}${path}`)
    expect(refused.status).toBe(status)
    expect(refused.body.field).toBe(field)
  })

  it('is refused: a topic read without Accept: text/event-stream', async () => {
    const { status, body } = await answer(`/v1/topics/${await api.topic()}/records`, { accept: '*/*' })
    expect(status).toBe(406)
    expect(body.detail).toContain('/partitions/0/records')
  })

  it.each(['not JSON', '[]', '{"type":"bogus"}', '{"type":"credit","records":-1}', '{"type":"produce","id":1}'])(
    'is refused: the frame %s',
    async frame => {
      const live = await socket(`/v1/topics/${await api.topic()}/live`).opened()
      live.say(frame)
      expect(await live.frame('error')).toMatchObject({ code: 'INVALID_REQUEST' })
      expect(await live.ended()).toEqual({ code: 4_042, reason: 'INVALID_REQUEST' })
    },
  )
})

describe('producing through the socket', () => {
  it('appends frames in the order they came, and answers in that order', async () => {
    const topic = await api.topic()
    const live = await socket(`/v1/topics/${topic}/live`).opened()
    const FRAMES = 300
    for (let i = 0; i < FRAMES; i++) live.say({ type: 'produce', id: i, records: numbered(3, i * 3) })
    await live.frame('ack', FRAMES - 1)
    const acks = live.frames.filter(({ type }) => type === 'ack')
    expect(acks.map(({ id }) => id)).toEqual(Array.from({ length: FRAMES }, (_, i) => i))
    expect(acks.flatMap(({ records }) => records!.map(({ offset }) => offset))).toEqual(
      Array.from({ length: FRAMES * 3 }, (_, i) => i),
    )
    await live.until(() => live.records.length === FRAMES * 3)
    expectAllOnce(live.records, FRAMES * 3)
  })

  it('keeps the order around a frame of many batches', async () => {
    const topic = await api.topic(1, { 'max.message.bytes': '20000' })
    const live = await socket(`/v1/topics/${topic}/live`).opened()
    const value = 'x'.repeat(1_000)
    for (const count of [3, 400, 3, 200, 3])
      live.say({ type: 'produce', id: count, records: Array.from({ length: count }, () => ({ value })) })
    await live.frame('ack', 4)
    const acks = live.frames.filter(({ type }) => type === 'ack')
    expect(acks.flatMap(({ records }) => records!.map(({ offset }) => offset))).toEqual(
      Array.from({ length: 609 }, (_, i) => i),
    )
  })

  it('goes to the topic a frame says, and needs one where several are read', async () => {
    const [one, two] = [await api.topic(), await api.topic()]
    const live = await socket(`/v1/live?topics=${one},${two}`).opened()
    live.say({ type: 'produce', id: { any: ['JSON'] }, topic: two, records: [{ value: 1 }] })
    live.say({ type: 'produce', records: [{ value: 2 }] })
    expect(await live.frame('ack')).toMatchObject({ id: { any: ['JSON'] }, records: [{ partition: 0, offset: 0 }] })
    expect(await live.frame('ack', 1)).toMatchObject({ id: null, error: { code: 'INVALID_REQUEST' } })
    await live.until(() => live.records.length === 1)
    expect(live.records[0]).toMatchObject({ topic: two, value: 1 })
  })

  it('says what is wrong with a frame, and goes on', async () => {
    const topic = await api.topic(2)
    const live = await socket(`/v1/topics/${topic}/live?partitions=`).opened()
    live.say({ type: 'produce', id: 1, records: [{ value: 1 }, { value: 2, partition: 'x' }] })
    live.say({ type: 'produce', id: 2, topic: 'no spaces allowed', records: [{ value: 1 }] })
    live.say({
      type: 'produce',
      id: 3,
      records: [
        { value: 1, partition: 1 },
        { value: 1, partition: 9 },
      ],
    })
    live.say({ type: 'produce', id: 4, records: { value: 'alone', partition: 1 } })
    await live.frame('ack', 3)
    expect(live.frames.filter(({ type }) => type === 'ack')).toMatchObject([
      { id: 1, error: { code: 'INVALID_REQUEST', record: 1, field: 'records[1].partition' } },
      { id: 2, error: { code: 'INVALID_TOPIC_EXCEPTION' } },
      {
        id: 3,
        records: [
          { partition: 1, offset: 0 },
          { partition: 9, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
        ],
      },
      { id: 4, records: [{ partition: 1, offset: 1 }] },
    ])
    expect(live.records).toEqual([])
  })

  it('keeps every digit of a number', async () => {
    const topic = await api.topic()
    const live = await socket(`/v1/topics/${topic}/live?format=text`).opened()
    live.say('{"type":"produce","id":12345678901234567890,"records":[{"value":"3.141592653589793238462643"}]}')
    await live.until(() => live.records.length === 1)
    expect(live.records[0]!.value).toBe('3.141592653589793238462643')
  })

  it('is not for pages of other origins, unless they are allowed to', async () => {
    const topic = await api.topic()
    const page = await socket(`/v1/topics/${topic}/live`, { headers: { origin: 'https://elsewhere.example' } }).opened()
    page.say({ type: 'produce', id: 1, records: [{ value: 1 }] })
    expect(await page.frame('ack')).toMatchObject({ error: { code: 'CLUSTER_AUTHORIZATION_FAILED' } })
    const own = await socket(`/v1/topics/${topic}/live`, { headers: { origin: broker.http.origin } }).opened()
    own.say({ type: 'produce', id: 1, records: [{ value: 1 }] })
    expect(await own.frame('ack')).toMatchObject({ records: [{ offset: 0 }] })
  })
})

it('answers a ping', async () => {
  const live = await socket(`/v1/topics/${await api.topic()}/live`).opened()
  live.say({ type: 'ping' })
  await live.frame('pong')
})

it('serves many readers of one topic, all of them everything', async () => {
  const topic = await api.topic(2)
  const readers: (LiveClient | EventClient)[] = []
  for (let i = 0; i < 50; i++)
    readers.push(
      await socket(`/v1/topics/${topic}/live`).opened(),
      await events(`/v1/topics/${topic}/records`).opened(),
    )
  for (let from = 0; from < 500; from += 20) await api.produce(topic, numbered(20, from))
  for (const reader of readers) {
    await reader.until(() => reader.records.length >= 500)
    expectAllOnce(reader.records, 500)
  }
})

async function answer(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: any }> {
  const answered = await fetch(api.url(path), { headers: { accept: 'text/event-stream', ...headers } })
  return { status: answered.status, body: await answered.json() }
}
