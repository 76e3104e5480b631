// The tools that measure, and those that look at transactions, groups, ACLs and reassignments: they work, or say in one
// sentence why not.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientOf, firstAndLast } from './beside.ts'
import { type Checks, expectEqual, expectSaid } from './checks.ts'
import { tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk, type Ran, temporaryFolder } from './run.ts'

const RECORDS = 50_000

export async function performance(checks: Checks, { port }: Killable): Promise<void> {
  const bootstrap = ['--bootstrap-server', `localhost:${port}`]
  const topic = 'measured'
  const run = (name: string, ...args: string[]) => tool(name, [...bootstrap, ...args])
  const ok = async (name: string, ...args: string[]) => expectOk(await run(name, ...args)).stdout
  const all = ({ stdout, stderr }: Ran): string => stdout + stderr

  await checks.check(
    'ProducerPerformance produces in transactions, ConsumerPerformance consumes them all',
    async () => {
      await ok('TopicCommand', '--create', '--topic', topic, '--partitions', '2')
      const size = ['--num-records', String(RECORDS), '--record-size', '100', '--throughput', '-1']
      const how = ['--transactional-id', 'measuring', '--transaction-duration-ms', '100']
      expectSaid(
        await ok('ProducerPerformance', '--topic', topic, ...size, ...how),
        new RegExp(`${RECORDS} records sent`),
      )
      const many = ['--topic', topic, '--num-records', String(RECORDS), '--timeout', '30000']
      const line = (await ok('ConsumerPerformance', ...many)).trim().split('\n').at(-1)!
      expectEqual(line.split(', ')[4], String(RECORDS), 'records consumed')
    },
  )
  await checks.check('EndToEndLatency measures', async () => {
    const how = ['--num-records', '200', '--producer-acks', 'all', '--record-size', '100']
    expectSaid(await ok('EndToEndLatency', '--topic', topic, ...how), /Percentiles: 50th = /)
  })
  await checks.check('TransactionsCommand lists, describes and finds none that hangs, in any topic', async () => {
    expectSaid(await ok('TransactionsCommand', 'list'), /^measuring\s+0\s+\d+\s+CompleteCommit/m)
    expectSaid(await ok('TransactionsCommand', 'describe', '--transactional-id', 'measuring'), /CompleteCommit\s+60000/)
    const found = await run('TransactionsCommand', 'find-hanging', '--broker-id', '0')
    expectEqual([found.code, found.stdout.trim().split('\n').length, found.stderr], [0, 1, ''], 'what it found')
    const [code] = [(await run('TransactionsCommand', 'describe', '--transactional-id', 'nobody')).code]
    expectEqual(code, 1, 'the exit code for an unknown id')
  })
  await checks.check('TransactionsCommand aborts by hand what hangs', async () => {
    const client = clientOf(port)
    const [before] = await firstAndLast(client, topic)
    const producer = client.producer({ transactionalId: 'hanging', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: before!.partition, value: 'hangs' }] })
    const at = ['--topic', topic, '--partition', String(before!.partition)]
    const open = async (): Promise<boolean> =>
      (await ok('TransactionsCommand', 'describe-producers', ...at)).includes(`\t${before!.high} `)
    expectEqual(await open(), true, 'it is open')
    await ok('TransactionsCommand', 'abort', ...at, '--start-offset', String(before!.high))
    expectEqual(await open(), false, 'it is open still')
    await producer.disconnect()
  })
  await checks.check('GroupsCommand and ConsumerGroupCommand show groups', async () => {
    expectSaid(await ok('GroupsCommand', '--list'), /perf-consumer-\d+\s+Classic\s+consumer/)
    expectSaid(await ok('ConsumerGroupCommand', '--list', '--state'), /perf-consumer-\d+\s+Empty/)
  })
  await checks.check('AclCommand hears that there is no authorizer', async () => {
    expectSaid(all(await run('AclCommand', '--list')), /SecurityDisabledException: No Authorizer is configured/)
  })
  await checks.check('ReassignPartitionsCommand verifies, and hears that nothing is moved', async () => {
    const file = join(temporaryFolder(), 'reassign.json')
    writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas: [0] }] }))
    const how = ['--reassignment-json-file', file]
    expectSaid(await ok('ReassignPartitionsCommand', '--verify', ...how), /partition measured-0 is completed/)
    expectSaid(all(await run('ReassignPartitionsCommand', '--execute', ...how)), /does not support ALTER_PARTITION/)
  })
  await checks.check('ConfigCommand lists resources of every kind that is there', async () => {
    for (const nothing of ['client-metrics', 'users', 'clients', 'ips'])
      expectEqual(await ok('ConfigCommand', '--entity-type', nothing, '--describe'), '', nothing)
    expectSaid(await ok('ConfigCommand', '--entity-type', 'brokers', '--describe'), /Dynamic configs for broker 0/)
  })
  await checks.check('what is not served is refused in a sentence', async () => {
    for (const [name, args, said] of [
      ['MetadataQuorumCommand', ['describe', '--status'], /does not support DESCRIBE_QUORUM/],
      ['StreamsGroupCommand', ['--describe', '--group', 'x'], /does not support STREAMS_GROUP_DESCRIBE/],
      ['FeatureCommand', ['upgrade', '--feature', 'group.version=1'], /does not support UPDATE_FEATURES/],
      ['ClusterTool', [], /does not support the broker unregistration API/],
    ] as const)
      expectSaid(
        all(
          name === 'ClusterTool'
            ? await tool(name, ['unregister', ...bootstrap, '--id', '0'])
            : await run(name, ...args),
        ),
        said,
      )
  })
}
