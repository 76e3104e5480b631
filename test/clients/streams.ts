// Kafka Streams: the demo that counts words, and an application of ours under exactly_once_v2 whose instances, and once the
// broker, are killed in the middle of their work. What it answers equals what plain code says, record by record.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { type Checks, expectEqual } from './checks.ts'
import { compile, expectNoComplaints, type Program, startJava, until } from './jvm.ts'
import { tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk } from './run.ts'

const CUSTOMERS = 50
const REGIONS = ['north', 'east', 'south', 'west', 'sea']
const ORDERS = 20_000
const CHUNK = 1_000
/** Chunks in the middle of which somebody is killed: an instance of the application, or the broker. */
const KILLS: Readonly<Record<number, 'first' | 'second' | 'both' | 'broker'>> = {
  2: 'first',
  4: 'second',
  6: 'first',
  8: 'second',
  10: 'both',
  12: 'broker',
  14: 'first',
  16: 'second',
}

/** What Streams says of itself, and while topics it has asked for are on their way. */
const EXPECTED = [
  /Explicit naming for internal resources is currently disabled/,
  /Processing exception handler is not enabled for the GlobalThread/,
  /Using an OS temp directory in the state.dir/,
  /The metadata response from the cluster reported a recoverable issue .*=UNKNOWN_TOPIC_OR_PARTITION\}/,
]
/** Where instances are killed, whose stores are then built anew from their changelogs, and once the broker. */
const AFTER_KILLS = [
  /did not find checkpoint offsets while stores are not empty/,
  /corrupted/,
  /Connection to node -?\d+ \S+ could not be established/,
  /Bootstrap broker \S+ .* disconnected/,
]

export async function wordCount(checks: Checks, { port }: Killable): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'witness-streams-'))
  const properties = join(folder, 'streams.properties')
  writeFileSync(properties, `bootstrap.servers=localhost:${port}\nstate.dir=${folder}\ncommit.interval.ms=500\n`)
  const start = () =>
    startJava('org.apache.kafka.streams.examples.wordcount.WordCountDemo', [properties], { name: 'wordcount' })
  const [input, output] = ['streams-plaintext-input', 'streams-wordcount-output']
  const kafka = clientOf(port)
  await createTopics(kafka, [input, output], 1)
  const lines = [
    'all streams lead to kafka',
    'Hello Kafka streams',
    'join kafka summit',
    'all the streams of the world',
  ]
  const expected = new Map<string, number>()
  const seen = await follow(kafka, [output])
  await checks.check('Streams: WordCountDemo counts words, and goes on where it was stopped', async () => {
    const logs = []
    for (let i = 0; i < 2; i++) {
      const demo = start()
      await send(
        kafka,
        input,
        lines.map(value => ({ key: null, value: `${value} ${i}` })),
      )
      for (const line of lines)
        for (const word of `${line} ${i}`.toLowerCase().split(' ')) expected.set(word, (expected.get(word) ?? 0) + 1)
      const found = () => new Map(seen.records(output).map(({ key, value }) => [key, Number(value.readBigInt64BE())]))
      const sorted = (counts: ReadonlyMap<string, number>) => JSON.stringify([...counts].toSorted())
      await until('the counts of plain code', () => sorted(found()) === sorted(expected), { programs: [demo] })
      await demo.stop()
      logs.push(demo.log)
    }
    expectNoComplaints(logs.join('\n'), EXPECTED)
  })
  await seen.close()
}

export async function exactlyOnce(checks: Checks, broker: Killable): Promise<void> {
  const { port } = broker
  const classes = await compile('Orders.java')
  const folder = mkdtempSync(join(tmpdir(), 'witness-streams-'))
  const logs: string[] = []
  const start = (name: string): Program =>
    startJava('Orders', [`localhost:${port}`, 'orders-app', join(folder, name)], {
      classPath: [classes],
      name: `orders-${name}`,
    })
  const kafka = clientOf(port)
  await createTopics(kafka, ['customers', 'orders', 'totals', 'counts'], 4)
  const regionOf = (customer: number): string => REGIONS[customer % REGIONS.length]!
  await send(
    kafka,
    'customers',
    Array.from({ length: CUSTOMERS }, (_, i) => ({ key: `c${i}`, value: regionOf(i) })),
  )
  const seen = await follow(kafka, ['totals', 'counts'])
  const instances = { first: start('first'), second: start('second') }
  const restart = async (name: 'first' | 'second'): Promise<void> => {
    await instances[name].kill()
    logs.push(instances[name].log)
    instances[name] = start(name)
  }
  const totals = new Map<string, { count: number; sum: number }>()
  const counts = new Map<string, number>()
  await checks.check(
    `Streams: exactly_once_v2 answers ${ORDERS} orders once each, instances killed 8 times and the broker once`,
    async () => {
      for (let chunk = 0; chunk * CHUNK < ORDERS; chunk++) {
        const orders = Array.from({ length: CHUNK }, (_, i) => {
          const id = chunk * CHUNK + i
          return { id, customer: (id * id + 7 * id) % CUSTOMERS, amount: (id * 31) % 97 }
        })
        for (const { customer, amount } of orders) {
          const { count, sum } = totals.get(`c${customer}`) ?? { count: 0, sum: 0 }
          totals.set(`c${customer}`, { count: count + 1, sum: sum + amount })
          counts.set(regionOf(customer), (counts.get(regionOf(customer)) ?? 0) + 1)
        }
        await send(
          kafka,
          'orders',
          orders.map(({ id, customer, amount }) => ({ key: String(id), value: `c${customer} ${amount}` })),
        )
        const begun = chunk * CHUNK + 1
        await until(`orders up to ${begun} answered`, () => seen.records('totals').length >= begun, {
          programs: Object.values(instances),
          timeoutMs: 240_000,
        })
        const kill = KILLS[chunk]
        if (kill === 'broker') await broker.restart()
        if (kill === 'first' || kill === 'both') await restart('first')
        if (kill === 'second' || kill === 'both') await restart('second')
      }
      await until(
        'every order counted',
        () => seen.records('totals').length >= ORDERS && seen.records('counts').length >= ORDERS,
        { programs: Object.values(instances), timeoutMs: 240_000 },
      )
      expectEqual(seen.records('totals').length, ORDERS, 'how many totals')
      expectEqual(seen.records('counts').length, ORDERS, 'how many counts')
      expectEveryStep(
        seen.records('totals').map(({ key, value }) => ({ key, count: Number(value.toString().split(' ')[0]) })),
        new Map([...totals].map(([key, { count }]) => [key, count])),
      )
      expectEveryStep(
        seen.records('counts').map(({ key, value }) => ({ key, count: Number(value.toString()) })),
        counts,
      )
      const last = new Map(seen.records('totals').map(({ key, value }) => [key, value.toString()]))
      for (const [key, { count, sum }] of totals) expectEqual(last.get(key), `${count} ${sum}`, `the total of ${key}`)
    },
  )
  await checks.check("Streams: Apache Kafka's consumer reads the same, committed", async () => {
    const args = ['--bootstrap-server', `localhost:${port}`, '--topic', 'totals', '--from-beginning']
    const how = ['--isolation-level', 'read_committed', '--timeout-ms', '10000', '--max-messages', String(ORDERS)]
    const { stdout } = expectOk(
      await tool('ConsoleConsumer', [...args, ...how, '--formatter-property', 'print.key=true']),
    )
    const found = stdout.trimEnd().split('\n').toSorted()
    const expected = seen.records('totals').map(({ key, value }) => `${key}\t${value.toString()}`)
    expectEqual(found, expected.toSorted(), 'totals')
  })
  for (const instance of Object.values(instances)) {
    await instance.stop()
    logs.push(instance.log)
  }
  await checks.check('Streams: nothing in its logs that the broker is to blame for', async () =>
    expectNoComplaints(logs.join('\n'), [...EXPECTED, ...AFTER_KILLS]),
  )
  await seen.close()
}

/** Of each key every count from 1 up to its last, once and in order: nothing lost, nothing twice. */
function expectEveryStep(
  found: readonly { readonly key: string; readonly count: number }[],
  expected: ReadonlyMap<string, number>,
): void {
  const steps = new Map<string, number[]>()
  for (const { key, count } of found) steps.set(key, [...(steps.get(key) ?? []), count])
  for (const [key, count] of expected)
    expectEqual(
      steps.get(key),
      Array.from({ length: count }, (_, i) => i + 1),
      `the counts of ${key}`,
    )
}

const clientOf = (port: number): Kafka =>
  new Kafka({
    clientId: 'witness',
    brokers: [`localhost:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 2_000 },
  })

async function createTopics(kafka: Kafka, topics: readonly string[], numPartitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions })) })
  await admin.disconnect()
}

async function send(
  kafka: Kafka,
  topic: string,
  messages: readonly { readonly key: string | null; readonly value: string }[],
): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, messages: [...messages] })
  await producer.disconnect()
}

interface Seen {
  readonly key: string
  readonly value: Buffer
}

/** What a read_committed consumer of KafkaJS sees as it comes, each offset once. */
async function follow(kafka: Kafka, topics: readonly string[]) {
  const records = new Map(topics.map(topic => [topic, [] as Seen[]]))
  const seen = new Set<string>()
  const consumer = kafka.consumer({ groupId: `witness-${topics.join('-')}`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { offset, key, value } }) => {
      const place = `${topic} ${partition} ${offset}`
      if (seen.has(place)) return
      seen.add(place)
      records.get(topic)!.push({ key: key!.toString(), value: value! })
    },
  })
  return {
    records: (topic: string): readonly Seen[] => records.get(topic)!,
    close: () => consumer.disconnect(),
  }
}
