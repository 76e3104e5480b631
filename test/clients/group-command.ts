// ConsumerGroupCommand against Edgelog and against Apache Kafka: the same commands on the same groups, and the same words.

import { Kafka, logLevel } from 'kafkajs'
import { startBroker } from '../../testing/broker.ts'
import { type Checks, expectSaid } from './checks.ts'
import { haveKafka, startKafka, tool } from './kafka.ts'

const KAFKA_PORT = 39_292
const TOPIC = 'commanded'
const GROUP = 'idle'
const BUSY = 'busy'
/** Before and after it records were written. */
const BETWEEN = '2026-01-01T00:00:00.000'

const RESETS = [
  ['--to-earliest'],
  ['--to-latest'],
  ['--to-offset', '3'],
  ['--to-offset', '300'],
  ['--shift-by', '-2'],
  ['--shift-by', '100'],
  ['--to-datetime', BETWEEN],
  ['--by-duration', 'P10000D'],
  ['--to-current'],
]

/** What is asked, in order; each changes what comes after it on both sides alike. */
const commands: readonly (readonly string[])[] = [
  ['--list'],
  ['--list', '--state'],
  ['--list', '--type'],
  ['--list', '--state', 'Stable'],
  ['--describe', '--group', GROUP],
  ['--describe', '--group', GROUP, '--verbose'],
  ['--describe', '--group', GROUP, '--state'],
  ['--describe', '--group', GROUP, '--members'],
  ['--describe', '--group', BUSY],
  ['--describe', '--group', BUSY, '--members'],
  ['--describe', '--group', BUSY, '--members', '--verbose'],
  ['--describe', '--group', BUSY, '--state', '--verbose'],
  ['--describe', '--all-groups', '--state'],
  ['--describe', '--group', 'nobody'],
  ...RESETS.flatMap(to => [
    ['--reset-offsets', '--group', GROUP, '--topic', TOPIC, ...to, '--dry-run'],
    ['--reset-offsets', '--group', GROUP, '--all-topics', ...to, '--execute'],
    ['--describe', '--group', GROUP, '--offsets'],
  ]),
  ['--reset-offsets', '--group', GROUP, '--topic', `${TOPIC}:1`, '--to-offset', '1', '--execute'],
  ['--reset-offsets', '--group', GROUP, '--topic', TOPIC, '--to-earliest', '--export', '--dry-run'],
  ['--reset-offsets', '--group', BUSY, '--topic', TOPIC, '--to-earliest', '--execute'],
  ['--reset-offsets', '--group', 'fresh', '--topic', TOPIC, '--to-latest', '--execute'],
  ['--delete-offsets', '--group', GROUP, '--topic', `${TOPIC}:0`],
  ['--delete-offsets', '--group', BUSY, '--topic', TOPIC],
  ['--delete-offsets', '--group', 'nobody', '--topic', TOPIC],
  ['--describe', '--group', GROUP],
  ['--delete', '--group', BUSY],
  ['--delete', '--group', GROUP, '--group', 'fresh'],
  ['--delete', '--group', 'nobody'],
  ['--list'],
]

export async function groupCommand(checks: Checks): Promise<void> {
  if (!(await haveKafka())) throw new Error('Apache Kafka could not be had: this needs Java 17, Maven and its registry')
  const broker = await startBroker()
  const kafka = await startKafka(KAFKA_PORT)
  const ends: (() => Promise<void>)[] = []
  for (const port of [broker.kafka, KAFKA_PORT]) ends.push(await prepared(port))
  await checks.check("ConsumerGroupCommand says of Edgelog's groups what it says of Kafka's", async () => {
    const wrong: string[] = []
    for (const command of commands) {
      const [ours, theirs] = await Promise.all([said(broker.kafka, command), said(KAFKA_PORT, command)])
      if (ours !== theirs) wrong.push(`${command.join(' ')}\n--- Edgelog\n${ours}\n--- Kafka\n${theirs}`)
    }
    if (wrong.length > 0) throw new Error(`${wrong.length} of ${commands.length} differ:\n${wrong.join('\n\n')}`)
  })
  // Afterwards: those who read it are groups, too.
  await checks.check("Kafka's own formatters print what is in __consumer_offsets", async () => {
    const offsets = await printed(broker.kafka, 'OffsetsMessageFormatter')
    expectSaid(offsets, /"group":"idle","topic":"commanded","partition":1\}.*"offset":7,/)
    const groups = await printed(broker.kafka, 'GroupMetadataMessageFormatter')
    expectSaid(groups, /"group":"busy"\}.*"protocolType":"consumer","generation":1,.*"clientId":"watcher"/)
  })
  for (const end of ends) await end()
  await Promise.all([broker.close(), kafka.close()])
}

/** The records of groups, until no more have come for a while. */
async function printed(port: number, formatter: string): Promise<string> {
  const { stdout } = await tool('ConsoleConsumer', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', '__consumer_offsets', '--from-beginning'],
    ...['--formatter', `org.apache.kafka.tools.consumer.${formatter}`, '--timeout-ms', '8000'],
  ])
  return stdout
}

/** Two partitions of ten records; one group that has read some of them and gone, one with a member. */
async function prepared(port: number): Promise<() => Promise<void>> {
  const client = new Kafka({ clientId: 'watcher', brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const admin = client.admin()
  await admin.connect()
  const configEntries = [{ name: 'retention.ms', value: '-1' }]
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2, configEntries }] })
  const producer = client.producer()
  await producer.connect()
  for (const partition of [0, 1])
    for (const year of [2025, 2026]) {
      const timestamp = String(Date.UTC(year, 5, 1))
      const messages = Array.from({ length: 5 }, (_, i) => ({ partition, timestamp, value: `${i}` }))
      await producer.send({ topic: TOPIC, messages })
    }
  await producer.disconnect()
  const offsets = [
    { partition: 0, offset: '4' },
    { partition: 1, offset: '7' },
  ]
  await admin.setOffsets({ groupId: GROUP, topic: TOPIC, partitions: offsets })
  await admin.disconnect()
  const consumer = client.consumer({ groupId: BUSY })
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  const read = new Promise<void>(resolve => {
    let records = 0
    void consumer.run({
      autoCommitThreshold: 1,
      eachMessage: async () => {
        if (++records === 20) resolve()
      },
    })
  })
  await read
  await consumer.commitOffsets([0, 1].map(partition => ({ topic: TOPIC, partition, offset: '10' })))
  return () => consumer.disconnect()
}

/** Its words, without what is another one's by nature: addresses, member ids, ports, stack traces, and how wide that makes columns. */
async function said(port: number, command: readonly string[]): Promise<string> {
  const { stdout, stderr } = await tool('ConsumerGroupCommand', ['--bootstrap-server', `127.0.0.1:${port}`, ...command])
  const lines = `${stdout}\n${stderr}`
    .replaceAll(/watcher-[0-9a-f-]{36}/g, 'MEMBER')
    .replaceAll(/\/(127\.0\.0\.1|localhost|::1|0:0:0:0:0:0:0:1)\S*/g, 'HOST')
    .replaceAll(/(localhost|127\.0\.0\.1):\d+/g, 'ADDRESS')
    .split('\n')
    .map(line => line.trim().replaceAll(/\s+/g, ' '))
    .filter(line => line !== '' && !/^(at |\.\.\. \d+ more)/.test(line))
  // Rows come in the order of a hash table.
  return [...lines].sort().join('\n')
}
