// Compaction of a whole broker, as its users see it: every flight there is, keyed by distance. Apache Kafka does the same in
// `npm run test:clients -- compaction`.

import { expect, it } from 'vitest'
import { startBroker } from '../../testing/broker.ts'
import { allFlights, compactFlights, lastOfEach } from '../support/flights.ts'

it('leaves the last flight of each distance, at its offset', { timeout: 120_000 }, async () => {
  const flights = allFlights()
  const expected = lastOfEach(flights)
  const broker = await startBroker()
  try {
    const { left } = await compactFlights(broker.kafka, flights, { count: expected.length })
    expect(left).toEqual(expected)
  } finally {
    await broker.close()
  }
})
