// Apache Kafka's command-line tools, as an administrator runs them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../testing/broker.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { tool } from './kafka.ts'
import { expectOk } from './run.ts'

/** A consumer ends with the last record that is there; it waits long only for what must come, however slow the machine. */
const until = (count: number): string[] =>
  count === 0 ? ['--timeout-ms', '3000'] : ['--max-messages', String(count), '--timeout-ms', '60000']

const linesOf = (text: string): string[] => text.split('\n').filter(line => line.trim() !== '')

export async function kafkaTools(checks: Checks, port: number, prefix: string): Promise<void> {
  const bootstrap = ['--bootstrap-server', `localhost:${port}`]
  const topic = `${prefix}-tools`
  const about = ['--topic', topic]
  const ok = async (name: string, ...args: string[]) => expectOk(await tool(name, [...bootstrap, ...args])).stdout

  await checks.check('TopicCommand creates, and says what is there already', async () => {
    const create = ['--create', ...about, '--partitions', '3', '--config', 'retention.ms=86400000']
    expectSaid(await ok('TopicCommand', ...create), /Created topic/)
    const again = await tool('TopicCommand', [...bootstrap, ...create])
    expectSaid(again.stdout + again.stderr, /already exists/)
    await ok('TopicCommand', ...create, '--if-not-exists')
  })
  await checks.check('TopicCommand lists and describes', async () => {
    expectEqual(linesOf(await ok('TopicCommand', '--list')).includes(topic), true, 'the list')
    const described = await ok('TopicCommand', '--describe', ...about)
    expectSaid(described, /PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=86400000/)
    expectSaid(described, /Partition: 2\s+Leader: 0\s+Replicas: 0\s+Isr: 0/)
  })
  await checks.check('TopicCommand adds partitions', async () => {
    await ok('TopicCommand', '--alter', ...about, '--partitions', '4')
    expectSaid(await ok('TopicCommand', '--describe', ...about), /PartitionCount: 4/)
    const fewer = await tool('TopicCommand', [...bootstrap, '--alter', ...about, '--partitions', '2'])
    expectSaid(fewer.stdout + fewer.stderr, /would not be an increase/)
  })
  await checks.check('TopicCommand finds no partition under-replicated, unavailable or below its minimum', async () => {
    for (const which of ['under-replicated-partitions', 'unavailable-partitions', 'under-min-isr-partitions'])
      expectEqual(linesOf(await ok('TopicCommand', '--describe', `--${which}`)), [], which)
  })
  const words = ['zero', 'one', 'two', 'three', 'four']
  const consume = async (count: number, ...from: string[]) =>
    linesOf(await ok('ConsoleConsumer', ...about, '--partition', '0', ...from, ...until(count)))
  await checks.check('ConsoleProducer produces with acks=all', async () => {
    const single = ['--topic', `${topic}-one`, '--producer-property', 'acks=all']
    await ok('TopicCommand', '--create', '--topic', `${topic}-one`)
    expectOk(await tool('ConsoleProducer', [...bootstrap, ...single], `${words.join('\n')}\n`))
    about[1] = `${topic}-one`
  })
  await checks.check('ConsoleConsumer reads from the beginning and from an offset', async () => {
    expectEqual(await consume(5, '--from-beginning'), words, 'all')
    expectEqual(await consume(2, '--offset', '3'), words.slice(3), 'from offset 3')
    expectEqual(await consume(0, '--offset', 'latest'), [], 'from the end')
  })
  await checks.check('GetOffsetShell tells both ends', async () => {
    expectEqual(linesOf(await ok('GetOffsetShell', ...about)), [`${topic}-one:0:5`], 'the end')
    expectEqual(linesOf(await ok('GetOffsetShell', ...about, '--time', 'earliest')), [`${topic}-one:0:0`], 'the start')
    expectEqual(linesOf(await ok('GetOffsetShell', ...about, '--time', 'max-timestamp')).length, 1, 'the newest')
    expectEqual(
      linesOf(await ok('GetOffsetShell', ...about, '--time', '0')),
      [`${topic}-one:0:0`],
      'the first since 1970',
    )
  })
  await checks.check('DeleteRecordsCommand moves the start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'witness-'))
    const file = join(folder, 'offsets.json')
    writeFileSync(
      file,
      JSON.stringify({ partitions: [{ topic: `${topic}-one`, partition: 0, offset: 2 }], version: 1 }),
    )
    expectSaid(await ok('DeleteRecordsCommand', '--offset-json-file', file), /low_watermark: 2/)
    rmSync(folder, { recursive: true })
    expectEqual(linesOf(await ok('GetOffsetShell', ...about, '--time', 'earliest')), [`${topic}-one:0:2`], 'the start')
    expectEqual(await consume(3, '--from-beginning'), words.slice(2), 'what is left')
  })
  await checks.check('ConfigCommand alters, describes and removes', async () => {
    const of = ['--entity-type', 'topics', '--entity-name', topic]
    await ok('ConfigCommand', '--alter', ...of, '--add-config', 'retention.ms=1000,cleanup.policy=[compact,delete]')
    const described = await ok('ConfigCommand', '--describe', ...of)
    expectSaid(described, /retention\.ms=1000 .*DYNAMIC_TOPIC_CONFIG:retention\.ms=1000/)
    expectSaid(described, /cleanup\.policy=compact,delete/)
    await ok('ConfigCommand', '--alter', ...of, '--delete-config', 'retention.ms,cleanup.policy')
    expectEqual(/retention\.ms=1000/.test(await ok('ConfigCommand', '--describe', ...of)), false, 'the removed config')
    expectSaid(await ok('ConfigCommand', '--describe', '--all', ...of), /segment\.bytes=67108864/)
    const wrong = await tool('ConfigCommand', [...bootstrap, '--alter', ...of, '--add-config', 'retention.ms=soon'])
    expectSaid(wrong.stdout + wrong.stderr, /Invalid value soon for configuration retention\.ms/)
  })
  await checks.check('ConfigCommand describes brokers, and is told that they cannot be altered', async () => {
    const of = ['--entity-type', 'brokers', '--entity-name', '0']
    expectSaid(await ok('ConfigCommand', '--describe', '--all', ...of), /num\.partitions=1/)
    const altered = await tool('ConfigCommand', [...bootstrap, '--alter', ...of, '--add-config', 'log.retention.ms=1'])
    expectSaid(altered.stdout + altered.stderr, /Cannot update these configs dynamically/)
  })
  await checks.check('ProducerPerformance sends 100,000 records with acks=all', async () => {
    const size = ['--num-records', '100000', '--record-size', '100', '--throughput', '-1']
    const props = ['--producer-props', `bootstrap.servers=localhost:${port}`, 'acks=all', 'compression.type=lz4']
    const { stdout } = expectOk(await tool('ProducerPerformance', ['--topic', topic, ...size, ...props]))
    expectSaid(stdout, /100000 records sent, .*99\.9th/)
    const ends = linesOf(await ok('GetOffsetShell', '--topic', topic)).map(line => Number(line.split(':')[2]))
    expectEqual(
      ends.reduce((sum, end) => sum + end, 0),
      100_000,
      'the ends of all partitions',
    )
  })
  await checks.check('LogDirsCommand tells sizes', async () => {
    const said = await ok('LogDirsCommand', '--describe', '--topic-list', `${topic},${topic}-one`)
    const found = JSON.parse(linesOf(said).find(line => line.startsWith('{'))!) as {
      brokers: { logDirs: { error: string | null; partitions: { partition: string; size: number }[] }[] }[]
    }
    const { error, partitions } = found.brokers[0]!.logDirs[0]!
    expectEqual(error, null, 'the error')
    expectEqual(partitions.length, 5, 'partitions')
    expectEqual(
      partitions.some(({ size }) => size > 0),
      true,
      'some size',
    )
  })
  await checks.check(
    'ClusterTool, BrokerApiVersionsCommand and TransactionsCommand find what they look for',
    async () => {
      expectSaid(expectOk(await tool('ClusterTool', ['cluster-id', ...bootstrap])).stdout, /Cluster ID: \S{22}/)
      expectSaid(await ok('BrokerApiVersionsCommand'), /Produce\(0\): .*usable: 13/)
      const producers = ['describe-producers', '--topic', topic, '--partition', '0']
      expectSaid(expectOk(await tool('TransactionsCommand', [...bootstrap, ...producers])).stdout, /ProducerId/)
    },
  )
  await checks.check('LeaderElectionCommand and ReassignPartitionsCommand find nothing to do', async () => {
    expectOk(
      await tool('LeaderElectionCommand', [...bootstrap, '--election-type', 'preferred', '--all-topic-partitions']),
    )
    expectSaid(await ok('ReassignPartitionsCommand', '--list'), /No partition reassignments found/)
  })
  await checks.check('TopicCommand deletes', async () => {
    for (const name of [topic, `${topic}-one`]) await ok('TopicCommand', '--delete', '--topic', name)
    expectEqual(linesOf(await ok('TopicCommand', '--list')).includes(topic), false, 'the list')
    const again = await tool('TopicCommand', [...bootstrap, '--delete', '--topic', topic])
    expectSaid(again.stdout + again.stderr, /does not exist/)
  })
}

/** Three listeners are three brokers to a client: leaders and replicas are spread, and a dead port is no matter. */
export async function threeBrokers(checks: Checks): Promise<void> {
  const broker = await startBroker({ kafka: [0, 0, 0] })
  const servers = broker.kafkaPorts.map(port => `localhost:${port}`)
  const bootstrap = ['--bootstrap-server', ['localhost:1', ...servers].join(',')]
  await checks.check('three brokers hold three replicas, each leading its share', async () => {
    const create = ['--create', '--topic', 'spread', '--partitions', '6', '--replication-factor', '3']
    expectOk(await tool('TopicCommand', [...bootstrap, ...create]))
    const { stdout } = expectOk(await tool('TopicCommand', [...bootstrap, '--describe', '--topic', 'spread']))
    const leaders = Array.from(
      stdout.matchAll(/Leader: (\d)\s+Replicas: (\d),(\d),(\d)\s+Isr: \2,\3,\4/g),
      ([, leader]) => leader,
    )
    expectEqual(leaders.toSorted(), ['0', '0', '1', '1', '2', '2'], 'leaders')
    const four = await tool('TopicCommand', [...bootstrap, '--create', '--topic', 'four', '--replication-factor', '4'])
    expectSaid(four.stdout + four.stderr, /only 3 broker\(s\) are registered/)
    const under = await tool('TopicCommand', [...bootstrap, '--describe', '--under-replicated-partitions'])
    expectEqual(linesOf(expectOk(under).stdout), [], 'under-replicated partitions')
  })
  await checks.check('what is produced through all three is consumed from each', async () => {
    const words = Array.from({ length: 60 }, (_, i) => `word ${i}`)
    expectOk(await tool('ConsoleProducer', [...bootstrap, '--topic', 'spread'], `${words.join('\n')}\n`))
    const found: string[] = []
    const ends = linesOf(expectOk(await tool('GetOffsetShell', [...bootstrap, '--topic', 'spread'])).stdout)
    expectEqual(ends.length, 6, 'partitions')
    for (const end of ends) {
      const [, partition, count] = end.split(':')
      const one = ['--topic', 'spread', '--partition', partition!, '--from-beginning', ...until(Number(count))]
      found.push(...linesOf(expectOk(await tool('ConsoleConsumer', [...bootstrap, ...one])).stdout))
    }
    expectEqual(found.toSorted(), words.toSorted(), 'words')
  })
  await broker.close()
}
