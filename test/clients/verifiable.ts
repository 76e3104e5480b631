// Kafka's verifiable producer and consumer, which its own system tests drive: every record is acknowledged at the offset it
// is at, and a group of consumers over which members come, go and are killed misses none.

import { type Checks, expectEqual } from './checks.ts'
import { expectNoComplaints, type Program, startJava, until } from './jvm.ts'
import { tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk } from './run.ts'

const RECORDS = 5_000
const PARTITIONS = 6

/** A line that these tools say; each is one object. */
interface Said {
  readonly name: string
  readonly key: string | null
  readonly value: string
  readonly partition: number
  readonly offset: number
  readonly sent: number
  readonly acked: number
  readonly partitions: readonly unknown[]
}

const said = ({ log }: Program): Said[] =>
  log
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}'))
    .map(line => JSON.parse(line) as Said)

const named = (program: Program, name: string): Said[] => said(program).filter(one => one.name === name)

export async function verifiable(checks: Checks, { port }: Killable): Promise<void> {
  const bootstrap = ['--bootstrap-server', `localhost:${port}`]
  const create = async (topic: string) =>
    expectOk(
      await tool('TopicCommand', [...bootstrap, '--create', '--topic', topic, '--partitions', String(PARTITIONS)]),
    )
  const produce = (topic: string, ...more: string[]): Program =>
    startJava(
      'org.apache.kafka.tools.VerifiableProducer',
      [...bootstrap, '--topic', topic, '--max-messages', String(RECORDS), ...more],
      { name: 'verifiable-producer' },
    )
  const consume = (topic: string, groupId: string, ...more: string[]): Program =>
    startJava(
      'org.apache.kafka.tools.VerifiableConsumer',
      [...bootstrap, '--topic', topic, '--group-id', groupId, '--verbose', '--reset-policy', 'earliest', ...more],
      { name: 'verifiable-consumer' },
    )

  for (const acks of ['-1', '1', '0'])
    await checks.check(`VerifiableProducer: acks ${acks}, every record acknowledged and there`, async () => {
      const topic = `verifiable-acks${acks}`
      await create(topic)
      const producer = produce(topic, '--acks', acks)
      expectEqual(await producer.end(), 0, 'the exit code')
      const successes = named(producer, 'producer_send_success')
      expectEqual(successes.length, RECORDS, 'successes')
      const { sent, acked } = said(producer).find(({ name }) => name === 'tool_data')!
      expectEqual({ sent, acked }, { sent: RECORDS, acked: RECORDS }, 'what it counted')
      const args = ['--topic', topic, '--from-beginning', '--max-messages', String(RECORDS), '--timeout-ms', '20000']
      const show = ['partition', 'offset'].flatMap(what => ['--formatter-property', `print.${what}=true`])
      const { stdout } = expectOk(await tool('ConsoleConsumer', [...bootstrap, ...args, ...show]))
      // Without acknowledgements a producer is told no offsets.
      const place = (partition: string, offset: string) => (acks === '0' ? '' : `${partition} ${offset} `)
      const there = stdout
        .trimEnd()
        .split('\n')
        .map(line => line.split('\t'))
        .map(([partition, offset, value]) => place(partition!.split(':')[1]!, offset!.split(':')[1]!) + value)
      const told = successes.map(({ partition, offset, value }) => place(String(partition), String(offset)) + value)
      expectEqual(there.toSorted(), told.toSorted(), 'records')
      expectNoComplaints(producer.log, [])
    })
  await checks.check('VerifiableProducer: repeating keys keep to their partitions', async () => {
    await create('verifiable-keys')
    const producer = produce('verifiable-keys', '--repeating-keys', '10', '--value-prefix', '7')
    expectEqual(await producer.end(), 0, 'the exit code')
    const places = new Map<string, Set<number>>()
    for (const { key, partition } of named(producer, 'producer_send_success'))
      places.set(key!, (places.get(key!) ?? new Set()).add(partition))
    expectEqual([...places.keys()].toSorted(), Array.from('0123456789'), 'keys')
    expectEqual(
      [...places.values()].filter(({ size }) => size !== 1),
      [],
      'keys in several partitions',
    )
  })
  for (const protocol of ['classic', 'consumer'])
    await checks.check(
      `VerifiableConsumer: a ${protocol} group misses nothing as members come, go and die`,
      async () => {
        const topic = `verifiable-${protocol}`
        await create(topic)
        const how = protocol === 'classic' ? ['--session-timeout', '6000'] : []
        const start = () => consume(topic, `group-${protocol}`, '--group-protocol', protocol, ...how)
        const first = start()
        const second = start()
        const all = [first, second]
        const consumed = () => all.flatMap(member => named(member, 'record_data'))
        const assigned = (member: Program) =>
          until('partitions', () => named(member, 'partitions_assigned').some(one => one.partitions.length > 0), {
            programs: [member],
          })
        await Promise.all(all.map(assigned))
        const keys = ['--repeating-keys', '50', '--throughput', '500']
        const producer = produce(topic, ...keys)
        await until('some records at both members', () => all.every(one => named(one, 'record_data').length > 50), {
          programs: all,
        })
        await first.kill()
        const third = start()
        all.push(third)
        await assigned(third)
        const more = produce(topic, ...keys)
        await until('records at the one that came', () => named(third, 'record_data').length > 50, {
          programs: [second, third],
        })
        await second.stop()
        expectEqual(named(second, 'shutdown_complete').length, 1, 'an orderly end')
        for (const one of [producer, more]) expectEqual(await one.end(), 0, 'the exit code of a producer')
        const places = (records: readonly Said[]) =>
          [...new Set(records.map(({ partition, offset }) => `${partition} ${offset}`))].toSorted()
        const sent = places([producer, more].flatMap(one => named(one, 'producer_send_success')))
        await until('all records', () => places(consumed()).length >= sent.length, { programs: [third] })
        expectEqual(places(consumed()), sent, 'records')
        await third.stop()
        for (const member of all) expectNoComplaints(member.log, EXPECTED)
      },
    )
}

/** What a consumer of the consumer protocol says when it is stopped in the middle of an assignment. */
const EXPECTED = [/Reconciliation failed\./]
