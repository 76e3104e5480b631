// Edgelog's answers against those that Apache Kafka gave to the same scenarios.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { compare } from './compare.ts'
import { play } from './play.ts'
import { readRecorded } from './recorded.ts'
import { scenarios } from './scenarios.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.close())

const recorded = readRecorded()

describe('answers as Apache Kafka 4.3 does', () => {
  it.each(scenarios.map(scenario => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const played = await play(broker.kafka, [scenario])
    expect(compare(name, recorded.get(name) ?? [], played.get(name)!)).toEqual([])
  })
})
