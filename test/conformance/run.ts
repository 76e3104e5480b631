// `npm run test:conformance`: the scenarios against Edgelog and against Apache Kafka, both started here, field by field.
// `-- --record` keeps Kafka's answers for `npm test`. Without Java or Maven only the kept answers are compared with.

import { startBroker } from '../../testing/broker.ts'
import { KafkaClient } from '../support/kafka-client.ts'
import { haveKafka, KAFKA_VERSION, startKafka } from '../clients/kafka.ts'
import { compare } from './compare.ts'
import { play } from './play.ts'
import { scenarios } from './scenarios.ts'
import { readRecorded, writeRecorded } from './recorded.ts'

const PORT = Number(process.env['EDGELOG_APACHE_KAFKA_PORT'] ?? 19_192)
/** What Kafka's brokers take to hear of a change that its controller has made. */
const SETTLE_MS = 250
const record = process.argv.includes('--record')

async function playKafka(): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  if (!(await haveKafka())) return undefined
  // It looks for transactions that take too long every ten seconds otherwise.
  const properties = ['transaction.abort.timed.out.transaction.cleanup.interval.ms=500']
  const kafka = await startKafka(PORT, { properties })
  try {
    return await play(() => KafkaClient.connect(kafka.port), scenarios, SETTLE_MS)
  } finally {
    await kafka.close()
  }
}

const live = await playKafka()
if (live === undefined) {
  console.log(
    `\n  !! NO APACHE KAFKA HERE (it needs Java and Maven): comparing with answers kept from ${KAFKA_VERSION} !!\n`,
  )
  if (record) process.exit(1)
} else if (record) writeRecorded(live)
const kafka = live ?? readRecorded()

const broker = await startBroker()
const edgelog = await play(() => KafkaClient.connect(broker.kafka))
await broker.close()

let failed = 0
for (const [name, lines] of edgelog) {
  const unequal = compare(name, kafka.get(name) ?? [], lines)
  console.log(`${unequal.length === 0 ? 'ok     ' : 'UNEQUAL'} ${name} (${lines.length} lines)`)
  for (const one of unequal)
    console.log(`    ${one.line}\n      kafka    ${one.kafka ?? 'nothing'}\n      edgelog  ${one.edgelog ?? 'nothing'}`)
  if (unequal.length > 0) failed++
}
console.log(`\n${edgelog.size - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
