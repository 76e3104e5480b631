// Compaction, beside Apache Kafka's: the same flights keyed by distance through both come to the same last ones, at the same
// offsets, which are those that a Map in plain code finds.

import { startBroker } from '../../testing/broker.ts'
import { allFlights, compactFlights, type Flight, lastOfEach } from '../support/flights.ts'
import { type Checks, expectEqual } from './checks.ts'
import { haveKafka, startKafka } from './kafka.ts'
import { startKillable } from './killable.ts'

const PORT = Number(process.env['EDGELOG_APACHE_KAFKA_PORT'] ?? 21_092)
/** Kafka's cleaner looks for work every 15 s, unless told otherwise. */
const EAGER = ['log.cleaner.backoff.ms=200']

export async function compaction(checks: Checks): Promise<void> {
  const flights = allFlights()
  const expected = lastOfEach(flights)
  const compacted = async (port: number): Promise<readonly Flight[]> => {
    const { left, keptMs } = await compactFlights(port, flights, { count: expected.length })
    console.log(`        ${flights.length} flights are ${left.length}, ${keptMs} ms after the last was produced`)
    return left
  }
  let edgelog: readonly Flight[] = []
  await checks.check(`Edgelog compacts flights to one for each of ${expected.length} distances, the last`, async () => {
    const broker = await startBroker()
    try {
      edgelog = await compacted(broker.kafka)
    } finally {
      await broker.close()
    }
    expectEqual(edgelog, expected, 'flights')
  })
  await checks.check('Edgelog, killed again and again while it compacts, comes to the same', async () => {
    const broker = await startKillable()
    let kills = 0
    try {
      const by = async (): Promise<void> => {
        kills++
        await broker.restart()
      }
      const count = expected.length
      const { left } = await compactFlights(broker.port, flights, { count, interrupt: { every: 20_000, by } })
      console.log(`        killed ${kills} times`)
      expectEqual(left, expected, 'flights')
      if (/not compacted/.test(broker.log)) throw new Error(broker.log)
    } finally {
      await broker.close()
    }
  })
  await checks.check('Apache Kafka comes to the same flights at the same offsets', async () => {
    if (!(await haveKafka()))
      throw new Error('Apache Kafka could not be had: it needs Java 17, Maven and its registry.')
    const kafka = await startKafka(PORT, { properties: EAGER })
    try {
      expectEqual(await compacted(kafka.port), edgelog, 'flights')
    } finally {
      await kafka.close()
    }
  })
}
