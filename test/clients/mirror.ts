// MirrorMaker 2 between Apache Kafka and Edgelog, both ways at once: the same records, configs and partitions on the other
// side, heartbeats, and groups that find there where they were. It is killed on the way, and writes exactly once.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { expectNoComplaints, startJava, until } from './jvm.ts'
import { startKafka, tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk } from './run.ts'

const KAFKA_PORT = Number(process.env['EDGELOG_APACHE_KAFKA_PORT'] ?? 19_192)
const RECORDS = 2_000
const PARTITIONS = 3

/** What MirrorMaker says of itself, which changes the work of tasks that have hardly begun, and what Kafka's side tells it. */
const EXPECTED = [
  /consider reconfiguring plugin.discovery=service_load/,
  /Graceful stop of task \S+ failed/,
  /Failed to fetch offsets from namespace/,
  /After being scheduled for shutdown, the orphan task threw/,
  /edgelog->kafka.* Got error produce response .* CONCURRENT_TRANSACTIONS/,
  /Catching up to assignment's config offset/,
  /Close timed out with 1 pending requests to coordinator/,
]

interface Side {
  readonly name: string
  readonly bootstrap: readonly string[]
}

export async function mirror(checks: Checks, { port }: Killable): Promise<void> {
  const apache = await startKafka(KAFKA_PORT, { heap: '384m' })
  const kafka: Side = { name: 'kafka', bootstrap: ['--bootstrap-server', `localhost:${KAFKA_PORT}`] }
  const edgelog: Side = { name: 'edgelog', bootstrap: ['--bootstrap-server', `localhost:${port}`] }
  const folder = mkdtempSync(join(tmpdir(), 'witness-mirror-'))
  const properties = join(folder, 'mm2.properties')
  writeFileSync(properties, MIRROR(port))
  const logs: string[] = []
  const start = () => startJava('org.apache.kafka.connect.mirror.MirrorMaker', [properties], { name: 'mirrormaker' })

  const ways = [
    { from: kafka, to: edgelog },
    { from: edgelog, to: kafka },
  ]
  const topicOf = ({ name }: Side): string => `of-${name}`
  const copyOf = (side: Side): string => `${side.name}.${topicOf(side)}`
  for (const side of [kafka, edgelog]) {
    const configs = ['--config', 'retention.ms=172800000', '--config', 'cleanup.policy=compact,delete']
    await ok(side, 'TopicCommand', '--create', '--topic', topicOf(side), '--partitions', String(PARTITIONS), ...configs)
    await produce(side, topicOf(side), 0)
    // One group has read everything, one half of it.
    await consume(side, topicOf(side), RECORDS, ['--group', `all-${side.name}`])
    await consume(side, topicOf(side), RECORDS / 2, ['--group', `half-${side.name}`])
  }
  let maker = start()
  for (const { from, to } of ways) {
    const way = `MirrorMaker: from ${from.name} to ${to.name}`
    await checks.check(`${way}: the same records, partitions, headers, timestamps and configs`, async () => {
      await until(`${copyOf(from)}`, async () => (await sizeOf(to, copyOf(from))) >= RECORDS, { programs: [maker] })
      expectEqual(await everything(to, copyOf(from)), await everything(from, topicOf(from)), 'records')
      const described = await ok(to, 'TopicCommand', '--describe', '--topic', copyOf(from))
      expectSaid(described, new RegExp(`PartitionCount: ${PARTITIONS}`))
      expectSaid(described, /retention\.ms=172800000/)
      expectSaid(described, /cleanup\.policy=(compact,delete|delete,compact)/)
    })
    await checks.check(`${way}: heartbeats`, async () => {
      const beats = () => sizeOf(to, `${from.name}.heartbeats`)
      const before = await beats()
      await until('more heartbeats', async () => (await beats()) > before, { programs: [maker] })
    })
    await checks.check(`${way}: a group goes on where it was`, async () => {
      const offsets = async (group: string) => {
        const said = await tool('ConsumerGroupCommand', [...to.bootstrap, '--describe', '--group', group, '--offsets'])
        const rows = said.stdout.split('\n').map(line => line.trim().split(/\s+/))
        return rows.filter(([, topic]) => topic === copyOf(from)).map(row => row.slice(2, 6).map(Number))
      }
      await until('translated offsets', async () => (await offsets(`all-${from.name}`)).length === PARTITIONS, {
        programs: [maker],
      })
      // Behind the last record there is the marker of its transaction.
      const behind = async () => (await offsets(`all-${from.name}`)).filter(([, at, end]) => at! < end! - 1)
      await until('nothing behind', async () => (await behind()).length === 0, { programs: [maker] })
      // Half of it is translated to what was read or less, never beyond.
      const rest = await consume(to, copyOf(from), RECORDS / 2, ['--group', `half-${from.name}`])
      expectEqual(rest.length >= RECORDS / 2, true, 'what the other group has still to read')
    })
  }
  await checks.check('MirrorMaker: killed on the way it loses and repeats nothing', async () => {
    for (let kill = 1; kill <= 2; kill++) {
      await Promise.all([kafka, edgelog].map(side => produce(side, topicOf(side), kill * RECORDS)))
      await until('some of them there', async () => (await sizeOf(edgelog, copyOf(kafka))) > kill * RECORDS + 10, {
        programs: [maker],
      })
      await maker.kill()
      logs.push(maker.log)
      maker = start()
    }
    for (const { from, to } of ways) {
      const all = 3 * RECORDS
      await until(`all in ${copyOf(from)}`, async () => (await consumable(to, copyOf(from))) >= all, {
        programs: [maker],
      })
      expectEqual(await everything(to, copyOf(from)), await everything(from, topicOf(from)), 'records')
    }
  })
  await checks.check('MirrorMaker: new partitions and new topics follow', async () => {
    await ok(kafka, 'TopicCommand', '--alter', '--topic', topicOf(kafka), '--partitions', String(PARTITIONS + 2))
    await ok(edgelog, 'TopicCommand', '--create', '--topic', 'of-edgelog-new', '--partitions', '2')
    const count = async (side: Side, topic: string) =>
      /PartitionCount: (\d+)/.exec(
        (await tool('TopicCommand', [...side.bootstrap, '--describe', '--topic', topic])).stdout,
      )?.[1]
    await until('more partitions', async () => (await count(edgelog, copyOf(kafka))) === String(PARTITIONS + 2), {
      programs: [maker],
    })
    await until('a new topic', async () => (await count(kafka, 'edgelog.of-edgelog-new')) === '2', {
      programs: [maker],
    })
  })
  await maker.stop()
  logs.push(maker.log)
  await apache.close()
  await checks.check('MirrorMaker: nothing in its log that the broker is to blame for', async () =>
    expectNoComplaints(logs.join('\n'), EXPECTED),
  )
}

const ok = async ({ bootstrap }: Side, name: string, ...args: string[]): Promise<string> =>
  expectOk(await tool(name, [...bootstrap, ...args])).stdout

async function produce({ bootstrap }: Side, topic: string, first: number): Promise<void> {
  const lines = Array.from({ length: RECORDS }, (_, i) => `n:${first + i},w:x\tkey ${i % 97}\tvalue ${first + i}\n`)
  const reading = ['parse.key=true', 'parse.headers=true'].flatMap(one => ['--reader-property', one])
  expectOk(await tool('ConsoleProducer', [...bootstrap, '--topic', topic, ...reading], lines.join('')))
}

async function consume({ bootstrap }: Side, topic: string, count: number, more: readonly string[]): Promise<string[]> {
  const show = ['partition', 'timestamp', 'key', 'headers'].flatMap(one => [
    '--formatter-property',
    `print.${one}=true`,
  ])
  const how = ['--max-messages', String(count), '--timeout-ms', '30000', '--isolation-level', 'read_committed']
  const said = await tool('ConsoleConsumer', [
    ...bootstrap,
    '--topic',
    topic,
    '--from-beginning',
    ...how,
    ...show,
    ...more,
  ])
  return expectOk(said).stdout.trimEnd().split('\n')
}

/** Every record of a topic in the order of its partitions. */
const everything = async (side: Side, topic: string): Promise<string[]> => {
  const lines = await consume(side, topic, 1_000_000, []).catch(() => [])
  const partition = (line: string) => Number(/Partition:(\d+)/.exec(line)?.[1])
  return lines
    .map((line, i) => ({ line, i }))
    .toSorted((a, b) => partition(a.line) - partition(b.line) || a.i - b.i)
    .map(({ line }) => line)
}

const consumable = async (side: Side, topic: string): Promise<number> => (await everything(side, topic)).length

/** The ends of its partitions together, markers of transactions and all. */
async function sizeOf({ bootstrap }: Side, topic: string): Promise<number> {
  const { stdout } = await tool('GetOffsetShell', [...bootstrap, '--topic', topic])
  return stdout
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split(':')[2] ?? 0), 0)
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
`
