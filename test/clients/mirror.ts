// MirrorMaker 2 between Apache Kafka and Edgelog, both ways at once: the same records, configs and partitions on the other
// side, heartbeats, and groups that find there where they were. It is killed on the way, and writes exactly once.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kafka } from 'kafkajs'
import { clientOf, firstAndLast, follow } from './beside.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { expectNoComplaints, startJava, until } from './jvm.ts'
import { startKafka, tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk, temporaryFolder } from './run.ts'

const KAFKA_PORT = Number(process.env['EDGELOG_APACHE_KAFKA_PORT'] ?? 19_192)
const RECORDS = 2_000
const PARTITIONS = 3
const KILLS = 3
/** Records that are there when it is killed: it is in the middle of its work. */
const BEGUN = 100
const PATIENCE_MS = 240_000

/** What MirrorMaker says of itself, which changes the work of tasks that have hardly begun, and what Kafka's side tells it. */
const EXPECTED = [
  /consider reconfiguring plugin.discovery=service_load/,
  /Graceful stop of task \S+ failed/,
  /Failed to fetch offsets from namespace/,
  /After being scheduled for shutdown, (the orphan )?task threw/,
  /edgelog->kafka.* Got error produce response .* CONCURRENT_TRANSACTIONS/,
  /Unable to sync offsets for consumer group half-.* consumers currently using this group/,
  /Catching up to assignment's config offset/,
  /Close timed out with 1 pending requests to coordinator/,
]

interface Side {
  readonly name: string
  readonly bootstrap: readonly string[]
  readonly client: Kafka
}

type Followed = Awaited<ReturnType<typeof follow>>

export async function mirror(checks: Checks, { port }: Killable): Promise<void> {
  const apache = await startKafka(KAFKA_PORT, { heap: '384m' })
  const side = (name: string, at: number): Side => ({
    name,
    bootstrap: ['--bootstrap-server', `localhost:${at}`],
    client: clientOf(at),
  })
  const [kafka, edgelog] = [side('kafka', KAFKA_PORT), side('edgelog', port)]
  const properties = join(temporaryFolder(), 'mm2.properties')
  writeFileSync(properties, MIRROR(port))
  const logs: string[] = []
  const start = () => startJava('org.apache.kafka.connect.mirror.MirrorMaker', [properties], { name: 'mirrormaker' })

  const ways = [
    { from: kafka, to: edgelog },
    { from: edgelog, to: kafka },
  ]
  const followed = new Map<string, Followed>()
  const watch = async ({ name, client }: Side, topic: string): Promise<Followed> => {
    const known = followed.get(`${name} ${topic}`) ?? (await follow(client, [topic]))
    followed.set(`${name} ${topic}`, known)
    return known
  }
  const expectSame = async (from: Side, to: Side, count: number): Promise<void> => {
    const [one, other] = [await watch(from, topicOf(from)), await watch(to, copyOf(from))]
    for (const [topic, records] of [
      [topicOf(from), one.records(topicOf(from))],
      [copyOf(from), other.records(copyOf(from))],
    ] as const)
      await until(`${count} records of ${topic}`, () => records.length >= count, {
        programs: [maker],
        timeoutMs: PATIENCE_MS,
      })
    expectEqual(other.lines(copyOf(from)), one.lines(topicOf(from)), 'records')
  }
  for (const one of [kafka, edgelog]) {
    const configs = ['--config', 'retention.ms=172800000', '--config', 'cleanup.policy=compact,delete']
    await ok(one, 'TopicCommand', '--create', '--topic', topicOf(one), '--partitions', String(PARTITIONS), ...configs)
    await produce(one, topicOf(one), 0)
    // One group has read everything, one half of it.
    await consume(one, topicOf(one), RECORDS, `all-${one.name}`)
    await consume(one, topicOf(one), RECORDS / 2, `half-${one.name}`)
  }
  let maker = start()
  for (const { from, to } of ways) {
    const way = `MirrorMaker: from ${from.name} to ${to.name}`
    const size = async (topic: string): Promise<number> =>
      (await firstAndLast(to.client, topic).catch(() => [])).reduce((sum, { high }) => sum + high, 0)
    await checks.check(`${way}: the same records, partitions, headers, timestamps and configs`, async () => {
      await until(`${copyOf(from)}`, async () => (await topicsOf(to)).includes(copyOf(from)), {
        programs: [maker],
        timeoutMs: PATIENCE_MS,
      })
      await expectSame(from, to, RECORDS)
      const described = await ok(to, 'TopicCommand', '--describe', '--topic', copyOf(from))
      expectSaid(described, new RegExp(`PartitionCount: ${PARTITIONS}`))
      expectSaid(described, /retention\.ms=172800000/)
      expectSaid(described, /cleanup\.policy=(compact,delete|delete,compact)/)
    })
    await checks.check(`${way}: heartbeats`, async () => {
      const before = await size(`${from.name}.heartbeats`)
      await until('more heartbeats', async () => (await size(`${from.name}.heartbeats`)) > before, {
        programs: [maker],
      })
    })
    await checks.check(`${way}: a group goes on where it was`, async () => {
      // Behind the last record there is the marker of its transaction.
      const behind = async (): Promise<number[]> => {
        const at = await offsetsOf(to, `all-${from.name}`, copyOf(from))
        const ends = await firstAndLast(to.client, copyOf(from))
        return ends.filter(({ partition, high }) => (at.get(partition) ?? -1) < high - 1).map(one => one.partition)
      }
      await until('nothing behind', async () => (await behind()).length === 0, { programs: [maker] })
      // The half of it is translated to what was read or less, never beyond: nothing is left out.
      const was = await offsetsOf(from, `half-${from.name}`, topicOf(from))
      for (const [partition, offset] of await offsetsOf(to, `half-${from.name}`, copyOf(from)))
        expectEqual(offset <= was.get(partition)! + 1, true, `partition ${partition}, ${offset}`)
    })
  }
  await checks.check(`MirrorMaker: killed ${KILLS} times on the way it loses and repeats nothing`, async () => {
    const copied = (await watch(edgelog, copyOf(kafka))).records(copyOf(kafka))
    for (let kill = 1; kill <= KILLS; kill++) {
      await Promise.all([kafka, edgelog].map(one => produce(one, topicOf(one), kill * RECORDS)))
      await until('some of them there', () => copied.length > kill * RECORDS - RECORDS + BEGUN, {
        programs: [maker],
        timeoutMs: PATIENCE_MS,
      })
      await maker.kill()
      logs.push(maker.log)
      maker = start()
    }
    for (const { from, to } of ways) await expectSame(from, to, (KILLS + 1) * RECORDS)
  })
  await checks.check('MirrorMaker: new partitions and new topics follow', async () => {
    await ok(kafka, 'TopicCommand', '--alter', '--topic', topicOf(kafka), '--partitions', String(PARTITIONS + 2))
    await ok(edgelog, 'TopicCommand', '--create', '--topic', 'of-edgelog-new', '--partitions', '2')
    const count = async ({ client }: Side, topic: string) => (await firstAndLast(client, topic).catch(() => [])).length
    await until('more partitions', async () => (await count(edgelog, copyOf(kafka))) === PARTITIONS + 2, {
      programs: [maker],
    })
    await until('a new topic', async () => (await count(kafka, 'edgelog.of-edgelog-new')) === 2, { programs: [maker] })
  })
  for (const one of followed.values()) await one.close()
  // As it stops it complains of what it closes itself.
  logs.push(maker.log)
  await maker.stop()
  await apache.close()
  await checks.check('MirrorMaker: nothing in its log that the broker is to blame for', async () =>
    expectNoComplaints(logs.join('\n'), EXPECTED),
  )
}

const topicOf = ({ name }: Side): string => `of-${name}`
const copyOf = (side: Side): string => `${side.name}.${topicOf(side)}`

const ok = async ({ bootstrap }: Side, name: string, ...args: string[]): Promise<string> =>
  expectOk(await tool(name, [...bootstrap, ...args])).stdout

async function produce({ bootstrap }: Side, topic: string, first: number): Promise<void> {
  const lines = Array.from({ length: RECORDS }, (_, i) => `n:${first + i},w:x\tkey ${i % 97}\tvalue ${first + i}\n`)
  const reading = ['parse.key=true', 'parse.headers=true'].flatMap(one => ['--reader-property', one])
  expectOk(await tool('ConsoleProducer', [...bootstrap, '--topic', topic, ...reading], lines.join('')))
}

async function consume({ bootstrap }: Side, topic: string, count: number, group: string): Promise<void> {
  const how = ['--from-beginning', '--max-messages', String(count), '--timeout-ms', '60000', '--group', group]
  expectOk(await tool('ConsoleConsumer', [...bootstrap, '--topic', topic, ...how]))
}

async function topicsOf({ client }: Side): Promise<string[]> {
  const admin = client.admin()
  await admin.connect()
  const topics = await admin.listTopics()
  await admin.disconnect()
  return topics
}

/** Where a group is, by partition; none where it is nowhere. */
async function offsetsOf({ client }: Side, groupId: string, topic: string): Promise<Map<number, number>> {
  const admin = client.admin()
  await admin.connect()
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  const committed = found!.partitions.filter(({ offset }) => offset !== '-1')
  return new Map(committed.map(({ partition, offset }) => [partition, Number(offset)]))
}

const MIRROR = (port: number): string => `clusters=kafka,edgelog
kafka.bootstrap.servers=localhost:${KAFKA_PORT}
edgelog.bootstrap.servers=localhost:${port}
kafka->edgelog.enabled=true
kafka->edgelog.topics=of-.*
edgelog->kafka.enabled=true
edgelog->kafka.topics=of-.*
kafka.exactly.once.source.support=enabled
edgelog.exactly.once.source.support=enabled
replication.factor=1
checkpoints.topic.replication.factor=1
heartbeats.topic.replication.factor=1
offset-syncs.topic.replication.factor=1
offset.storage.replication.factor=1
config.storage.replication.factor=1
status.storage.replication.factor=1
offset.flush.interval.ms=500
offset.lag.max=0
emit.heartbeats.interval.seconds=1
emit.checkpoints.interval.seconds=1
refresh.topics.interval.seconds=2
refresh.groups.interval.seconds=2
sync.topic.configs.interval.seconds=2
sync.group.offsets.enabled=true
sync.group.offsets.interval.seconds=1
session.timeout.ms=6000
heartbeat.interval.ms=1000
producer.transaction.timeout.ms=10000
`
