// Transactional producers of Java, KafkaJS and librdkafka, and the same work done by a program that is killed ten times, and
// under a broker that is killed: 100,000 records are read, changed and written, each exactly once.

import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { compile, type Program, startJava, until } from './jvm.ts'
import { haveEcosystem } from './kafka.ts'
import { type Killable, startKillable } from './killable.ts'
import { python, pythons } from './python.ts'
import { expectOk, run } from './run.ts'

const RECORDS = 100_000
const PARTITIONS = 4
const CHUNK = 2_000
const KILLS = 10
const BROKER_KILLS = 5
/** Records that each life of the program commits before it is killed. */
const BETWEEN_KILLS = 7_000
const LONG_MS = 300_000

export async function transactions(checks: Checks): Promise<void> {
  let classes = ''
  await checks.check('Java with its compiler and Kafka are there', async () => {
    if (!(await haveEcosystem())) throw new Error('Java 17 with its compiler and Maven are needed')
  })
  if (checks.failed > 0) return
  const broker = await startKillable({ EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' })
  const bootstrap = `localhost:${broker.port}`
  await checks.check('Java: transactions are all or nothing, offsets with them, and fence', async () => {
    classes = await compile('Transactions.java')
    const program = startJava('Transactions', [bootstrap, 'java'], { classPath: [classes], name: 'transactions' })
    expectEqual(await program.end(LONG_MS), 0, `the end of it, which said\n${program.log.slice(-2_000)}\n, `)
    const said = program.log
      .split('\n')
      .filter(line => !/^\d\d:\d\d:\d\d,/.test(line))
      .join('\n')
    expectSaid(said, /all or nothing, offsets[^]*read_uncommitted all 60[^]*fenced by[^]*described as CompleteCommit/)
  })
  await checks.check('KafkaJS: every other transaction is aborted, and not to be seen', () => kafkajs(broker.port))
  await checks.check('confluent-kafka: every other transaction is aborted, offsets with it', () => confluent(bootstrap))
  await broker.close()

  await checks.check(
    `Java reads, changes and writes ${RECORDS} records, killed ${KILLS} times midway: each is there exactly once`,
    () => etl('program'),
  )
  await checks.check(
    `the same under a broker that is killed ${BROKER_KILLS} times and starts again on its data: each exactly once`,
    () => etl('broker'),
  )
}

async function kafkajs(port: number): Promise<void> {
  const kafka = clientOf(port)
  await createTopic(kafka, 'kafkajs', 1)
  const producer = kafka.producer({ transactionalId: 'kafkajs', maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  const expected: string[] = []
  for (let i = 0; i < 20; i++) {
    const values = [0, 1, 2].map(j => `${i}/${j}`)
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'kafkajs', messages: values.map(value => ({ value })) })
    if (i % 2 === 0) expected.push(...values)
    await (i % 2 === 0 ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
  expectEqual(await committed(kafka, 'kafkajs', expected.length), expected, 'what is committed')
}

async function confluent(bootstrap: string): Promise<void> {
  const why = await pythons[0]!.install()
  if (why !== undefined) throw new Error(why)
  const script = join(import.meta.dirname, 'transactions.py')
  const { stdout } = expectOk(
    await run(python, [script, bootstrap, 'confluent', 'confluent-group'], { timeoutMs: LONG_MS }),
  )
  const { values, offsets } = JSON.parse(stdout) as { values: string[]; offsets: number[] }
  const each = [0, 2, 4, 6, 8].flatMap(i => [0, 1, 2, 3, 4].map(j => `${i}/${j}`))
  expectEqual(values, each, 'what is committed')
  expectEqual(offsets, [100, 100, 102, 102, 104, 104, 106, 106, 108, 108], 'the offsets')
}

async function etl(victim: 'program' | 'broker'): Promise<void> {
  const broker = await startKillable({ EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' })
  const kafka = clientOf(broker.port)
  const classes = await compile('Etl.java')
  await createTopic(kafka, 'in', PARTITIONS)
  await createTopic(kafka, 'out', PARTITIONS)
  await fill(kafka)
  const start = (): Program =>
    startJava('Etl', [`localhost:${broker.port}`, 'etl', 'in', 'out'], { classPath: [classes], name: `etl-${victim}` })
  let program = start()
  if (victim === 'program')
    for (let i = 0; i < KILLS; i++) {
      // Somewhere in the middle of a transaction.
      await until(`life ${i}`, () => committedBy(program) >= BETWEEN_KILLS, { programs: [program], timeoutMs: LONG_MS })
      await program.kill()
      program = start()
    }
  else await killBroker(broker, program)
  await until('the end', () => program.ended, { timeoutMs: LONG_MS })
  expectSaid(program.log.slice(-200), /done\s*$/)
  const values = await committed(kafka, 'out', RECORDS)
  const numbers = values.map(value => Number(value.replace('done ', ''))).toSorted((a, b) => a - b)
  expectEqual(numbers.length, RECORDS, 'how many')
  expectEqual(
    numbers.findIndex((number, i) => number !== i),
    -1,
    'the first that is missing or twice',
  )
  const aborted = (await committed(kafka, 'out', RECORDS, true)).length - RECORDS
  console.log(`        ${aborted} more records were written and aborted on the way`)
  await broker.close()
}

async function killBroker(broker: Killable, program: Program): Promise<void> {
  for (let i = 1; i <= BROKER_KILLS; i++) {
    const least = (i * RECORDS) / (BROKER_KILLS + 1)
    await until(`${least} records`, () => committedBy(program) >= least, { programs: [program], timeoutMs: LONG_MS })
    await broker.restart()
  }
}

const committedBy = ({ log }: Program): number => Number([...log.matchAll(/^committed (\d+)$/gm)].at(-1)?.[1] ?? 0)

const clientOf = (port: number): Kafka =>
  new Kafka({ clientId: 'witness', brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING })

async function createTopic(kafka: Kafka, topic: string, numPartitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions }] })
  await admin.disconnect()
}

async function fill(kafka: Kafka): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  for (let first = 0; first < RECORDS; first += CHUNK) {
    const messages = Array.from({ length: CHUNK }, (_, i) => ({
      partition: (first + i) % PARTITIONS,
      value: String(first + i),
    }))
    await producer.send({ topic: 'in', messages })
  }
  await producer.disconnect()
}

/** What a reader of what is committed (or of everything) gets: so many, and whatever comes soon after them. */
async function committed(kafka: Kafka, topic: string, count: number, readUncommitted = false): Promise<string[]> {
  const values: string[] = []
  const consumer = kafka.consumer({
    groupId: `readers of ${topic} ${readUncommitted}`,
    maxWaitTimeInMs: 200,
    readUncommitted,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void values.push(message.value!.toString()) })
  await until(`${count} records of ${topic}`, () => values.length >= count)
  await new Promise(resolve => setTimeout(resolve, 1_000))
  await consumer.disconnect()
  return values
}
