// Edgelog's answers against those that Apache Kafka gave to the same scenarios: once over TCP from a broker in workerd, once
// from the same code in this thread.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { InProcess } from '../support/in-process.ts'
import { KafkaClient } from '../support/kafka-client.ts'
import { compare } from './compare.ts'
import { play } from './play.ts'
import { readRecorded } from './recorded.ts'
import { scenarios } from './scenarios.ts'

vi.mock('cloudflare:workers', () => import('../support/cloudflare-workers.ts'))

/** As the Kafka that was asked has it. */
const vars = { EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' }

let broker: Broker
beforeAll(async () => {
  broker = await startBroker({ vars })
})
afterAll(() => broker.close())

const recorded = readRecorded()
const inProcess = new InProcess(vars)

describe.each([
  { where: 'in workerd', dial: () => KafkaClient.connect(broker.kafka) },
  { where: 'in process', dial: () => inProcess.connect() },
])('answers as Apache Kafka 4.3 does, $where', ({ dial }) => {
  it.each(scenarios.map(scenario => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const played = await play(dial, [scenario])
    expect(compare(name, recorded.get(name) ?? [], played.get(name)!)).toEqual([])
  })
})
