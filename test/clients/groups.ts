// Consumers of every kind in one group at once, live ones among them, while records flow: those who leave in peace make
// nobody read a record twice, those who are killed make nobody miss one.

import { startBroker } from '../../testing/broker.ts'
import type { Checks } from './checks.ts'
import { type Client, Member, type Place } from './group-members.ts'

const PARTITIONS = 12
/** Records a second while members come and go; what is left to make the number full comes at once after. */
const RATE = 1_500
const BATCH = 150
/** Records that a member has read before it leaves. */
const TAKES_PART = 1_000
const SETTLE_TIMEOUT_MS = 120_000

interface Sums {
  readonly missing: number
  /** For each record that was read again, by whom, in turn: `websocket, then Java`. */
  readonly twice: readonly string[]
}

const after = (record: string): string => {
  const [partition, offset] = record.split('-')
  return `${partition}-${Number(offset) + 1}`
}

interface Flow {
  readonly count: number
  readonly members: readonly Client[]
  /** What happens while records flow, one after the other; after each the group settles. */
  readonly moves: readonly (readonly ['stop' | 'kill' | 'start', Client])[]
}

class Group {
  readonly #place: Place
  readonly #members: Member[] = []
  readonly #ended = new Set<Member>()
  #produced = 0

  constructor(place: Place) {
    this.#place = place
  }

  /** Every record of every member there ever was. */
  get records(): string[] {
    return this.#members.flatMap(({ records }) => records)
  }

  get produced(): number {
    return this.#produced
  }

  start(client: Client): void {
    this.#members.push(new Member(client, this.#place))
  }

  running(client: Client): Member {
    const member = this.#members.find(one => one.client === client)
    if (member === undefined) throw new Error(`${client} is not running`)
    return member
  }

  /** What was not read at all, and what more than once, and by whom. */
  sums(): Sums {
    const readers = new Map<string, { client: string; arrival: number }[]>()
    for (const { client, records, arrivals } of this.#members)
      for (const [i, record] of records.entries())
        readers.set(record, [...(readers.get(record) ?? []), { client, arrival: arrivals[i]! }])
    const twice = [...readers.values()]
      .filter(({ length }) => length > 1)
      .map(times =>
        times
          .toSorted((a, b) => a.arrival - b.arrival)
          .map(({ client }) => client)
          .join(', then '),
      )
    const by = [...Map.groupBy(twice, clients => clients)].map(([clients, { length }]) => `${length} by ${clients}`)
    if (by.length > 0) console.log(`        read twice: ${by.join(', ')}`)
    return { missing: this.#produced - readers.size, twice }
  }

  /** After which records, and by whom they were read, the first that nobody read come. */
  #missing(): string {
    const reader = new Map(this.#members.flatMap(({ client, records }) => records.map(record => [record, client])))
    const before = [...reader].filter(([record]) => !reader.has(after(record)))
    return before.map(([record, client]) => `${record} by ${client}`).join(', ')
  }

  async produce(count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, i) => ({ key: `k${(this.#produced + i) % 1_000}`, value: i }))
    this.#produced += count
    const answer = await fetch(new URL(`/v1/topics/${this.#place.topic}/records`, this.#place.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(records),
    })
    if (answer.status !== 200) throw new Error(await answer.text())
    await answer.arrayBuffer()
  }

  /** Until the group is stable with as many members as run, each with its part. */
  async settled(): Promise<void> {
    await this.#until('as many members with a part as run', async () => {
      const running = this.#members.filter(({ isRunning }) => isRunning).length
      const answer = await fetch(new URL(`/v1/groups/${this.#place.group}`, this.#place.http))
      const { state, members = [] } = (await answer.json()) as {
        state?: string
        members?: { assignment: { partitions: number[] }[] }[]
      }
      const parts = members.map(({ assignment }) => assignment.flatMap(({ partitions }) => partitions).length)
      const all = parts.reduce((sum, part) => sum + part, 0)
      return state === 'Stable' && parts.length === running && parts.every(part => part > 0) && all === PARTITIONS
    })
  }

  /** Until the member has taken part for a while. */
  async hasRead(member: Member): Promise<void> {
    await this.#until(`${TAKES_PART} records read by ${member.client}`, async () => member.records.length >= TAKES_PART)
  }

  async everyRecordSeen(): Promise<void> {
    await this.#until(`${this.#produced} records seen`, async () => new Set(this.records).size >= this.#produced)
  }

  async stop(): Promise<void> {
    for (const member of this.#members) {
      if (!member.isRunning) continue
      this.ends(member)
      await member.stop()
      if (this.#members.some(({ isRunning }) => isRunning)) await this.settled()
    }
  }

  async end(): Promise<void> {
    for (const member of this.#members) await member.kill()
    const read = this.#members.map(({ client, records }) => `${client} ${records.length}`)
    console.log(`        read: ${read.join(', ')}`)
  }

  /** This one is meant to end. */
  ends(member: Member): void {
    this.#ended.add(member)
  }

  async #until(what: string, is: () => Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + SETTLE_TIMEOUT_MS
    while (!(await is())) {
      const complaint = this.#members.find(one => !this.#ended.has(one) && one.complaint !== undefined)?.complaint
      if (complaint !== undefined) throw new Error(complaint)
      if (Date.now() > deadlineMs)
        throw new Error(
          `there are not yet ${what} after ${SETTLE_TIMEOUT_MS} ms: the last records seen are ${this.#missing()}`,
        )
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }
}

/** Records at RATE, until it is stopped or there are enough. */
class Flowing {
  readonly #done: Promise<void>
  #isStopped = false

  constructor(group: Group, count: number) {
    this.#done = this.#flow(group, count)
    this.#done.catch(() => {})
  }

  stop(): Promise<void> {
    this.#isStopped = true
    return this.#done
  }

  async #flow(group: Group, count: number): Promise<void> {
    while (!this.#isStopped && group.produced + BATCH <= count) {
      const due = new Promise(resolve => setTimeout(resolve, (BATCH / RATE) * 1_000))
      await group.produce(BATCH)
      await due
    }
  }
}

/** How often records were read that all of the group's members read. */
async function flow(place: Place, { count, members, moves }: Flow): Promise<Sums> {
  const group = new Group(place)
  try {
    for (const client of members) group.start(client)
    await group.settled()
    const flowing = new Flowing(group, count)
    for (const [what, client] of moves) {
      if (what === 'start') group.start(client)
      else {
        const member = group.running(client)
        await group.hasRead(member)
        group.ends(member)
        await member[what]()
      }
      await group.settled()
    }
    await flowing.stop()
    while (group.produced < count) await group.produce(Math.min(2_000, count - group.produced))
    await group.everyRecordSeen()
    await group.stop()
    return group.sums()
  } finally {
    await group.end()
  }
}

const EVERYONE: readonly Client[] = ['websocket', 'KafkaJS', 'kcat', 'Java', 'kafka-python']

export async function groups(checks: Checks): Promise<void> {
  const broker = await startBroker({
    vars: {
      EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '500',
      EDGELOG_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '6000',
      EDGELOG_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '1000',
    },
  })
  let flows = 0
  const run = async (asked: Flow): Promise<Sums> => {
    const topic = `flow${++flows}`
    const answer = await fetch(new URL('/v1/topics', broker.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: topic, partitions: PARTITIONS }),
    })
    if (answer.status !== 201) throw new Error(await answer.text())
    return flow({ bootstrap: `localhost:${broker.kafka}`, http: broker.http, topic, group: `group-${topic}` }, asked)
  }
  const expectNone = (what: string, count: number): void => {
    if (count > 0) throw new Error(`${count} records were ${what}`)
  }

  await checks.check(
    'KafkaJS, kcat, the Java console, kafka-python and a WebSocket in one group: of 100,000 records each is read once, while each of them leaves in peace and comes back',
    async () => {
      const members = EVERYONE.map(client => (client === 'kcat' ? 'kcat -c 3000' : client))
      const moves = members.flatMap((client, i) => [['stop', client] as const, ['start', EVERYONE[i]!] as const])
      const { missing, twice } = await run({ count: 100_000, members, moves })
      expectNone('not read', missing)
      expectNone('read twice', twice.length)
    },
  )
  await checks.check(
    'the same, each of them killed and another one started: of 100,000 records each is read',
    async () => {
      const moves = EVERYONE.flatMap(client => [['kill', client] as const, ['start', client] as const])
      const { missing } = await run({ count: 100_000, members: EVERYONE, moves })
      expectNone('not read', missing)
    },
  )
  const modern: readonly Client[] = ['Java, KIP-848', 'confluent-kafka, KIP-848', 'websocket']
  await checks.check(
    'the Java console and confluent-kafka with group.protocol=consumer, and a WebSocket that joins as they do: of 30,000 records each is read once, while each leaves in peace and comes back',
    async () => {
      const moves = modern.flatMap(client => [['stop', client] as const, ['start', client] as const])
      const { missing, twice } = await run({ count: 30_000, members: modern, moves })
      expectNone('not read', missing)
      expectNone('read twice', twice.length)
    },
  )
  await checks.check('the same, each of them killed: of 30,000 records each is read', async () => {
    const moves = modern.flatMap(client => [['kill', client] as const, ['start', client] as const])
    const { missing } = await run({ count: 30_000, members: modern, moves })
    expectNone('not read', missing)
  })
  const sticky: readonly Client[] = ['Java, cooperative', 'confluent-kafka, cooperative', 'websocket']
  await checks.check(
    'the Java console and confluent-kafka that know cooperative-sticky only, and a WebSocket: of 30,000 records each is read, and once if the WebSocket read it first, while each leaves in peace and comes back',
    async () => {
      const moves = sticky.flatMap(client => [['stop', client] as const, ['start', client] as const])
      const { missing, twice } = await run({ count: 30_000, members: sticky, moves })
      expectNone('not read', missing)
      // Java's cooperative client goes on reading while it joins again: what it reads meanwhile may be read again.
      expectNone('read again', twice.filter(readers => readers.startsWith('websocket')).length)
    },
  )
  await checks.check(
    '@platformatic/kafka, KafkaJS, confluent-kafka and a WebSocket in one group: of 30,000 records each is read, while each leaves and comes back',
    async () => {
      const members: readonly Client[] = ['@platformatic/kafka', 'KafkaJS', 'confluent-kafka', 'websocket']
      const moves = members.flatMap(client => [['stop', client] as const, ['start', client] as const])
      const { missing } = await run({ count: 30_000, members, moves })
      expectNone('not read', missing)
    },
  )
  await broker.close()
}
