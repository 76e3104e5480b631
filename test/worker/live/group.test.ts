// Live consumers as members of groups, against a whole broker: among themselves and with KafkaJS's consumers.

import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { joinGroup } from '../../../src/worker/kafka/apis/11-join-group.ts'
import { KafkaClient } from '../../support/kafka-client.ts'
import { Api, EventClient, LiveClient, type LiveRecord } from '../../support/live-client.ts'

let broker: Broker
let api: Api
let kafka: Kafka
let clients: { cut(): void }[] = []
let consumers: Consumer[] = []
const logged: string[] = []

beforeAll(async () => {
  broker = await startBroker({
    vars: {
      EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '50',
      EDGELOG_GROUP_MIN_SESSION_TIMEOUT_MS: '500',
      EDGELOG_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '300',
    },
    log: (level, message) => logged.push(`${level}: ${message}`),
  })
  api = new Api(broker.http)
  kafka = new Kafka({ brokers: [`localhost:${broker.kafka}`], logLevel: logLevel.NOTHING })
})
afterEach(async () => {
  for (const client of clients) client.cut()
  for (const consumer of consumers) await consumer.disconnect()
  clients = []
  consumers = []
})
afterAll(async () => {
  await broker?.close()
  expect(logged).toEqual([])
})

let groups = 0
const aGroup = (): string => `g${++groups}`

/** Heartbeats every 300 ms. */
const QUICK = 'sessionTimeoutMs=900&offset=earliest'

function socket(topic: string, query: string, options: ConstructorParameters<typeof LiveClient>[1] = {}): LiveClient {
  const client = new LiveClient(api.url(`/v1/topics/${topic}/live?${QUICK}&${query}`), options)
  clients.push(client)
  return client
}

function events(topic: string, query: string): EventClient {
  const client = new EventClient(api.url(`/v1/topics/${topic}/records?${QUICK}&${query}`))
  clients.push(client)
  return client
}

const values = (records: readonly LiveRecord[]): unknown[] => records.map(({ value }) => value)
const numbered = (count: number, from = 0): { value: number; key: string }[] =>
  Array.from({ length: count }, (_, i) => ({ value: from + i, key: `k${(from + i) % 50}` }))

const committed = async (group: string): Promise<Record<string, number>> => {
  const { body } = await api.call('GET', `/v1/groups/${group}/offsets`)
  return Object.fromEntries(
    (body.offsets as { partition: number; offset: number }[]).map(({ partition, offset }) => [partition, offset]),
  )
}

/** Until something that is looked up is so. */
async function eventually<T>(look: () => Promise<T>, is: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look()
    if (is(found)) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

it('shares the partitions among sockets, and gives those of one that leaves to the others', async () => {
  const [topic, group] = [await api.topic(4), aGroup()]
  const one = socket(topic, `group=${group}`)
  await one.until(() => one.owned.size === 4)
  await api.produce(topic, numbered(100))
  await one.until(() => one.records.length === 100)
  const two = socket(topic, `group=${group}`)
  await two.until(() => two.owned.size === 2 && one.owned.size === 2)
  await api.produce(topic, numbered(100, 100))
  await two.until(() => one.records.length + two.records.length === 200)
  one.socket.close()
  await two.until(() => two.owned.size === 4)
  await api.produce(topic, numbered(100, 200))
  await two.until(() => one.records.length + two.records.length === 300)
  expect(new Set(values([...one.records, ...two.records])).size).toBe(300)
})

/** A KafkaJS consumer of the group, and what it has read. */
async function kafkaConsumer(
  groupId: string,
  topic: string,
): Promise<{ records: LiveRecord[]; stop(): Promise<void> }> {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 100, maxWaitTimeInMs: 50 })
  consumers.push(consumer)
  const records: LiveRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const value = JSON.parse(String(message.value)) as unknown
      records.push({ partition, offset: Number(message.offset), key: String(message.key), value })
    },
  })
  await joined
  return {
    records,
    async stop() {
      consumers.splice(consumers.indexOf(consumer), 1)
      await consumer.disconnect()
    },
  }
}

describe('a group of sockets, event streams and KafkaJS', () => {
  it('reads everything, and nothing twice, while members come and go in peace', { timeout: 60_000 }, async () => {
    const [topic, group] = [await api.topic(6), aGroup()]
    const count = 6_000
    const producing = (async () => {
      for (let from = 0; from < count; from += 100) {
        await api.produce(topic, numbered(100, from))
        await new Promise(resolve => setTimeout(resolve, 30))
      }
    })()
    const one = socket(topic, `group=${group}`)
    await one.until(() => one.owned.size === 6)
    const kafkaOne = await kafkaConsumer(group, topic)
    const two = socket(topic, `group=${group}`)
    await two.until(() => two.owned.size === 2 && one.owned.size === 2)
    const stream = events(topic, `group=${group}`)
    await stream.until(() => stream.owned.size > 0 && one.owned.size + two.owned.size + stream.owned.size < 6)
    await kafkaOne.stop()
    await stream.until(() => one.owned.size + two.owned.size + stream.owned.size === 6)
    one.say({ type: 'leave' })
    expect(await one.ended()).toMatchObject({ code: 1000 })
    await stream.until(() => two.owned.size + stream.owned.size === 6)
    await producing
    const all = () => [one, two, stream, kafkaOne].flatMap(({ records }) => records)
    await eventually(
      async () => new Set(values(all())).size,
      size => size === count,
    )
    // The event stream was cut off nowhere: it, too, gave up its partitions only when it had taken what it was sent.
    expect(values(all())).toHaveLength(count)
    for (const { records } of [two, stream, kafkaOne]) expect(records.length).toBeGreaterThan(0)
    await eventually(
      () => committed(group),
      offsets => Object.values(offsets).reduce((a, b) => a + b, 0) === count,
    )
  })

  it(
    'reads everything although sockets are killed, and what was not confirmed again',
    { timeout: 60_000 },
    async () => {
      const [topic, group] = [await api.topic(4), aGroup()]
      const seen: LiveRecord[] = []
      const steady = socket(topic, `group=${group}`)
      await steady.until(() => steady.owned.size === 4)
      let count = 0
      for (let kills = 0; kills < 4; kills++) {
        const victim = socket(topic, `group=${group}`)
        await victim.until(() => victim.owned.size === 2 && steady.owned.size === 2)
        const cut = victim.until(() => victim.records.length > 0).then(() => victim.cut())
        for (let more = 0; more < 10; more++, count += 100) await api.produce(topic, numbered(100, count))
        await cut
        seen.push(...victim.records)
        await steady.until(() => steady.owned.size === 4)
      }
      await steady.until(() => new Set(values([...seen, ...steady.records])).size === count)
    },
  )
})

describe('what is committed', () => {
  it('is what the client asked beyond, at the latest when it goes', async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    await api.produce(topic, numbered(10))
    const reader = socket(topic, `group=${group}&credit=4`, { generous: false })
    await reader.until(() => reader.records.length === 4)
    reader.say({ type: 'credit', records: 3 })
    await reader.until(() => reader.records.length === 7)
    reader.socket.close()
    expect(
      await eventually(
        () => committed(group),
        ({ 0: offset }) => offset !== 0,
      ),
    ).toEqual({ 0: 3 })
    const next = socket(topic, `group=${group}`)
    await next.until(() => next.records.length === 7)
    expect(values(next.records)).toEqual([3, 4, 5, 6, 7, 8, 9])
    expect(await next.frame('assigned')).toEqual({
      type: 'assigned',
      partitions: [{ topic, partition: 0, offset: 3 }],
    })
  })

  it('is, without autoCommit, what the client says, and of its own partitions only', async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    await api.produce(topic, numbered(10))
    const reader = socket(topic, `group=${group}&autoCommit=false`)
    await reader.until(() => reader.records.length === 10)
    reader.say({ type: 'commit', id: 1, offsets: [{ partition: 0, offset: 5, metadata: 'half' }] })
    expect(await reader.frame('committed')).toEqual({ type: 'committed', id: 1 })
    reader.say({ type: 'commit', id: 2, offsets: [{ topic, partition: 1, offset: 5 }] })
    expect(await reader.frame('committed', 1)).toMatchObject({ id: 2, error: { code: 'ILLEGAL_GENERATION' } })
    reader.say({ type: 'commit', id: 3, offsets: [{ topic, partition: 0, offset: 6, metadata: 'x'.repeat(5_000) }] })
    expect(await reader.frame('committed', 2)).toMatchObject({ id: 3, error: { code: 'OFFSET_METADATA_TOO_LARGE' } })
    const { body } = await api.call('GET', `/v1/groups/${group}`)
    expect(body).toMatchObject({
      state: 'Stable',
      type: 'classic',
      members: [{ clientId: 'live', assignment: [{ topic, partitions: [0] }] }],
      offsets: [{ partition: 0, offset: 5, metadata: 'half', lag: 5 }],
    })
    reader.socket.close()
    await eventually(
      () => api.call('GET', `/v1/groups/${group}`),
      found => found.body.state === 'Empty',
    )
    expect(await committed(group)).toEqual({ 0: 5 })
  })

  it('waits for a client to be done with what it gives up', async () => {
    const [topic, group] = [await api.topic(2), aGroup()]
    await api.produce(
      topic,
      [0, 1].map(partition => ({ partition, value: partition })),
    )
    const slow = socket(topic, `group=${group}`, { generous: false })
    await slow.until(() => slow.records.length === 2)
    const other = socket(topic, `group=${group}`)
    await slow.frame('revoked')
    slow.say({ type: 'credit', records: 2 })
    await other.until(() => other.owned.size === 1 && slow.owned.size === 1)
    expect(other.records).toEqual([])
    expect(await committed(group)).toEqual({ 0: 1, 1: 1 })
  })

  it('does not wait for one that says it needs no more time', async () => {
    const [topic, group] = [await api.topic(2), aGroup()]
    await api.produce(
      topic,
      [0, 1].map(partition => ({ partition, value: partition })),
    )
    const slow = socket(topic, `group=${group}`, { generous: false })
    await slow.until(() => slow.records.length === 2)
    const other = socket(topic, `group=${group}`)
    await slow.frame('revoked')
    const startMs = performance.now()
    slow.say({ type: 'revoked' })
    await other.until(() => other.records.length === 1)
    expect(performance.now() - startMs).toBeLessThan(8_000)
  })

  it('begins at the end where nothing is, and passes nothing over from then on', async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    await api.produce(topic, numbered(3))
    const first = new LiveClient(api.url(`/v1/topics/${topic}/live?group=${group}&sessionTimeoutMs=900`))
    clients.push(first)
    await first.until(() => first.owned.size === 1)
    await eventually(
      () => committed(group),
      ({ 0: offset }) => offset === 3,
    )
    first.cut()
    await api.produce(topic, numbered(3, 3))
    const second = new LiveClient(api.url(`/v1/topics/${topic}/live?group=${group}&sessionTimeoutMs=900`))
    clients.push(second)
    await second.until(() => second.records.length === 3)
    expect(values(second.records)).toEqual([3, 4, 5])
  })
})

describe('a member', () => {
  it('that neither answers nor takes anything gives its partitions back', { timeout: 30_000 }, async () => {
    const [topic, group] = [await api.topic(2), aGroup()]
    const dead = socket(topic, `group=${group}`, { generous: false })
    await dead.until(() => dead.owned.size === 2)
    const alive = socket(topic, `group=${group}`)
    await alive.until(() => alive.owned.size === 2)
    expect(await dead.ended()).toMatchObject({ code: 1012 })
  })

  it('that is static comes back to its partitions without a rebalance', async () => {
    const [topic, group] = [await api.topic(4), aGroup()]
    const open = (instance: string) => {
      const query = `group=${group}&instanceId=${instance}&sessionTimeoutMs=3000`
      const client = new LiveClient(api.url(`/v1/topics/${topic}/live?${query}`))
      clients.push(client)
      return client
    }
    const one = open('one')
    await one.until(() => one.owned.size === 4)
    const two = open('two')
    await two.until(() => two.owned.size === 2 && one.owned.size === 2)
    const had = [...one.owned].toSorted()
    const moves = two.frames.filter(({ type }) => type === 'revoked').length
    one.socket.close()
    await one.ended()
    const again = open('one')
    await again.until(() => again.owned.size === 2)
    expect([...again.owned].toSorted()).toEqual(had)
    expect(two.frames.filter(({ type }) => type === 'revoked')).toHaveLength(moves)
  })

  it('of a topic that is deleted is told so, and the group is empty', { timeout: 30_000 }, async () => {
    const [topic, group] = [await api.topic(2), aGroup()]
    const member = socket(topic, `group=${group}`)
    await member.until(() => member.owned.size === 2)
    await api.call('DELETE', `/v1/topics/${topic}`)
    expect(await member.frame('error')).toMatchObject({ code: 'UNKNOWN_TOPIC_ID' })
    await eventually(
      () => api.call('GET', `/v1/groups/${group}`),
      ({ status, body }) => status === 404 || body.state === 'Empty',
    )
  })

  it('whose place another one of its name takes is told so', async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    const first = socket(topic, `group=${group}&instanceId=me`)
    await first.until(() => first.owned.size === 1)
    const second = socket(topic, `group=${group}&instanceId=me`)
    await second.until(() => second.owned.size === 1)
    expect(await first.frame('error')).toMatchObject({ code: 'FENCED_INSTANCE_ID' })
    expect(await first.ended()).toMatchObject({ code: 4082 })
  })

  it('of several topics shares them all, and says which it commits of', async () => {
    const [one, two, group] = [await api.topic(2), await api.topic(3), aGroup()]
    const open = () => {
      const client = new LiveClient(api.url(`/v1/live?topics=${one},${two}&group=${group}&${QUICK}`))
      clients.push(client)
      return client
    }
    const members = [open(), open()]
    const owned = () => members.flatMap(({ owned }) => [...owned]).toSorted()
    await members[0]!.until(() => new Set(owned()).size === 5 && members.every(({ owned }) => owned.size > 0))
    expect(owned()).toHaveLength(5)
    members[0]!.say({ type: 'commit', id: 1, offsets: [{ partition: 0, offset: 0 }] })
    expect(await members[0]!.frame('committed')).toMatchObject({ id: 1, error: { code: 'INVALID_REQUEST' } })
    const [topic, partition] = [...members[0]!.owned][0]!.split('-')
    members[0]!.say({ type: 'commit', id: 2, offsets: [{ topic, partition: Number(partition), offset: 0 }] })
    expect(await members[0]!.frame('committed', 1)).toEqual({ type: 'committed', id: 2 })
  })

  it('of a topic that grows gets the new partitions, too', { timeout: 30_000 }, async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    const members = [socket(topic, `group=${group}`), socket(topic, `group=${group}`)]
    await members[0]!.until(() => members.some(({ owned }) => owned.size === 1))
    await api.call('PATCH', `/v1/topics/${topic}`, { partitions: 4 })
    for (const member of members) await member.until(() => member.owned.size === 2)
  })
})

describe('the consumer protocol', () => {
  it('is spoken when asked for, and by those who join a group that speaks it', { timeout: 30_000 }, async () => {
    const [topic, group] = [await api.topic(4), aGroup()]
    const one = socket(topic, `group=${group}&groupProtocol=consumer`)
    await one.until(() => one.owned.size === 4)
    await api.produce(topic, numbered(100))
    await one.until(() => one.records.length === 100)
    const two = socket(topic, `group=${group}`)
    await two.until(() => two.owned.size === 2 && one.owned.size === 2)
    const { body } = await api.call('GET', `/v1/groups/${group}`)
    expect(body).toMatchObject({ type: 'consumer', state: 'Stable' })
    expect(body.members).toHaveLength(2)
    // Only what moves is given up.
    expect((await one.frame('revoked'))['partitions']).toHaveLength(2)
    await api.produce(topic, numbered(100, 100))
    await two.until(() => one.records.length + two.records.length === 200)
    expect(two.records.length).toBeGreaterThan(0)
    one.socket.close()
    await two.until(() => two.owned.size === 4)
    await api.produce(topic, numbered(100, 200))
    await two.until(() => one.records.length + two.records.length === 300)
    expect(new Set(values([...one.records, ...two.records])).size).toBe(300)
    two.socket.close()
    await eventually(
      () => api.call('GET', `/v1/groups/${group}`),
      found => found.body.state === 'Empty',
    )
  })

  it('has classic members in its groups, while both stay', { timeout: 30_000 }, async () => {
    const [topic, group] = [await api.topic(4), aGroup()]
    const modern = socket(topic, `group=${group}&groupProtocol=consumer`)
    await modern.until(() => modern.owned.size === 4)
    const classic = socket(topic, `group=${group}&groupProtocol=classic`)
    await classic.until(() => classic.owned.size === 2 && modern.owned.size === 2)
    await api.produce(topic, numbered(100))
    await classic.until(() => modern.records.length + classic.records.length === 100)
    modern.socket.close()
    await classic.until(() => classic.owned.size === 4)
    expect(new Set(values([...modern.records, ...classic.records])).size).toBe(100)
  })
})

describe('what cannot be', () => {
  it.each([
    ['group=g&resume=AQ', 'resume'],
    ['group=g&partitions=1', 'partitions'],
    ['group=g&offset=5', 'offset'],
    ['group=g&offset=-5', 'offset'],
    ['group=g&timestamp=5', 'timestamp'],
    ['group=', 'group'],
    ['instanceId=me', 'instanceId'],
    ['autoCommit=false', 'autoCommit'],
    ['group=g&autoCommit=no', 'autoCommit'],
    ['group=g&groupProtocol=share', 'groupProtocol'],
    ['group=g&sessionTimeoutMs=0', 'sessionTimeoutMs'],
    ['group=g&instanceId=', 'instanceId'],
  ])('%s is refused', async (query, field) => {
    const topic = await api.topic(1)
    const answer = await fetch(api.url(`/v1/topics/${topic}/records?${query}`), {
      headers: { accept: 'text/event-stream' },
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'INVALID_REQUEST', field })
  })

  it('a session too short or a topic that is not there, on both doors', async () => {
    const topic = await api.topic(1)
    const refusals = [
      [`/v1/topics/${topic}/records?group=g&sessionTimeoutMs=100`, 'INVALID_SESSION_TIMEOUT', 400],
      [`/v1/topics/none/records?group=g`, 'UNKNOWN_TOPIC_OR_PARTITION', 404],
    ] as const
    for (const [path, code, status] of refusals) {
      const answer = await fetch(api.url(path), { headers: { accept: 'text/event-stream' } })
      expect([answer.status, await answer.json()]).toMatchObject([status, { code }])
      const live = new LiveClient(api.url(path.replace('/records', '/live')))
      clients.push(live)
      expect(await live.frame('error')).toMatchObject({ code })
      await live.ended()
    }
  })

  it('a group of something else', async () => {
    const [topic, group] = [await api.topic(1), aGroup()]
    const client = await KafkaClient.connect(broker.kafka)
    const worker = {
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: 'worker',
      protocolType: 'connect',
      protocols: [{ name: 'default', metadata: new Uint8Array(0) }],
    }
    await client.call(joinGroup, 5, worker)
    const live = socket(topic, `group=${group}`)
    expect(await live.frame('error')).toMatchObject({ code: 'INCONSISTENT_GROUP_PROTOCOL' })
    expect(await live.ended()).toMatchObject({ code: 4023 })
    client.close()
  })

  it('a commit of who is in no group', async () => {
    const topic = await api.topic(1)
    const live = new LiveClient(api.url(`/v1/topics/${topic}/live`))
    clients.push(live)
    await live.opened()
    live.say({ type: 'commit', id: 'x', offsets: [{ partition: 0, offset: 0 }] })
    expect(await live.frame('committed')).toMatchObject({ id: 'x', error: { code: 'INVALID_REQUEST' } })
  })
})
