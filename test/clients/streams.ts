// Kafka Streams under exactly_once_v2: an application of ours whose instances, and once the broker, are killed in the middle
// of their work. What it answers equals what plain code says, record by record.

import { join } from 'node:path'
import { clientOf, createTopics, firstAndLast, follow, send } from './beside.ts'
import { type Checks, expectEqual } from './checks.ts'
import { compile, expectNoComplaints, type Program, startJava, until } from './jvm.ts'
import { tool } from './kafka.ts'
import type { Killable } from './killable.ts'
import { expectOk, temporaryFolder } from './run.ts'
import { EXPECTED_OF_STREAMS } from './wordcount.ts'

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

/** Where instances are killed, whose tasks move and whose stores are built anew from their changelogs, and once the broker. */
const AFTER_KILLS = [
  /did not find checkpoint offsets while stores are not empty/,
  /corrupted/,
  /Connection to node -?\d+ \S+ could not be established/,
  /Bootstrap broker \S+ .* disconnected/,
  /Disconnected from node 0/,
  /The following subscribed topics are not assigned to any members/,
  /Unable to assign 1 of 1 standby tasks/,
  /Unable to acquire lock while closing the state store for STANDBY task/,
  /Not updating last stable offset for partition \S+ as it is no longer assigned/,
]

export async function exactlyOnce(checks: Checks, broker: Killable): Promise<void> {
  const { port } = broker
  const classes = await compile('Orders.java')
  const folder = temporaryFolder()
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
      const purged = await firstAndLast(kafka, 'orders-app-by-customer-repartition')
      expectEqual(
        purged.some(({ low }) => low > 0),
        true,
        'records deleted from the repartition topic once taken',
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
    expectNoComplaints(logs.join('\n'), [...EXPECTED_OF_STREAMS, ...AFTER_KILLS]),
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
