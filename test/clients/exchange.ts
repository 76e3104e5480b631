// Each client produces what all the others consume, in every codec it has: the same keys, values and headers in the same
// order, and the batches stored in the codec they were sent in.

import { codecOf, readBatches } from '../../src/log/batch.ts'
import type { Codec } from '../../src/log/compression.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { fetch } from '../../src/worker/kafka/apis/01-fetch.ts'
import { createTopics } from '../../src/worker/kafka/apis/19-create-topics.ts'
import { KafkaClient } from '../support/kafka-client.ts'
import { aFetch, aTopic } from '../support/kafka-requests.ts'
import { type Checks, expectEqual } from './checks.ts'
import { base64, type Witness, type WitnessRecord } from './witness.ts'

const COUNT = 300
const HEADERS = [
  ['source', base64('witness')],
  ['note', base64('größer')],
] as const

/** Lines of text, which every client can carry. */
const lines: readonly WitnessRecord[] = Array.from({ length: COUNT }, (_, i) => ({
  key: base64(`key ${i % 7}`),
  value: base64(`${i} ${'Flüge über Ærø, 東京 and back. '.repeat(i % 5)}`.trim()),
  headers: HEADERS,
}))

const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)
const bytes = (i: number): string => Buffer.from(everyByte.subarray(i % 100, 256 - (i % 90))).toString('base64')

/** Every byte there is, nulls and nothings. */
const binaries: readonly WitnessRecord[] = Array.from({ length: COUNT }, (_, i) => ({
  key: i % 5 === 1 ? null : i % 5 === 2 ? '' : bytes(i),
  value: i % 5 === 3 ? null : i % 5 === 4 ? '' : bytes(i + 7),
  headers: i % 3 === 0 ? [] : [['h', bytes(i)]],
}))

export async function exchange(
  checks: Checks,
  witnesses: readonly Witness[],
  port: number,
  prefix: string,
): Promise<void> {
  const bootstrap = `localhost:${port}`
  const client = await KafkaClient.connect(port)
  for (const producer of witnesses)
    for (const codec of producer.produce ? producer.produces : [])
      for (const binary of producer.binary ? [false, true] : [false]) {
        const records = binary ? binaries : lines
        const topic = `${prefix}-${producer.name.replaceAll(/\W/g, '')}-${codec}${binary ? '-bytes' : ''}`
        const what = `${producer.name} in ${codec}${binary ? ', any bytes' : ''}`
        await checks.check(`${what}: produced and stored`, async () => {
          await client.call(createTopics, 7, aTopic(topic))
          await producer.produce!(bootstrap, topic, codec, records)
          expectEqual(await stored(client, topic, codec), records, 'stored records')
        })
        const consumers = witnesses.filter(one => one.consume && (!binary || one.binary))
        for (const consumer of consumers)
          await checks.check(`${what}: consumed by ${consumer.name}`, async () => {
            const found = await consumer.consume!(bootstrap, topic, records.length)
            expectEqual(
              found.map(({ key, value, headers }) => ({ key, value, headers })),
              records,
              'records',
            )
          })
      }
  client.close()
}

/** What a fetch brings, opened by Edgelog's own code; every batch in `codec`. */
async function stored(client: KafkaClient, topic: string, codec: Codec): Promise<WitnessRecord[]> {
  const { responses } = await client.call(fetch, 12, aFetch(topic))
  return readBatches(responses[0]!.partitions[0]!.records!).flatMap(batch => {
    // A batch that compression would not make smaller may be sent without.
    if (codecOf(batch) !== codec && batch.bytes.length > 1_000) throw new Error(`stored in ${codecOf(batch)}`)
    const records = decodeBatch(batch)
    if ('error' in records) throw new Error(records.message)
    return records.map(({ key, value, headers }) => ({
      key: text(key),
      value: text(value),
      headers: headers.map(({ key: name, value: one }) => [name, text(one)!] as const),
    }))
  })
}

const text = (part: Uint8Array | null): string | null => (part === null ? null : Buffer.from(part).toString('base64'))
