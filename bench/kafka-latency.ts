// How long one record takes: to be acknowledged, and to reach a reader whose fetch is waiting. The same raw client speaks to
// every broker, so that what is compared is the brokers.

import { encodeBatch } from '../src/log/records.ts'
import { ZERO_UUID } from '../src/protocol/bytes.ts'
import { produce } from '../src/worker/kafka/apis/00-produce.ts'
import { fetch as fetchApi } from '../src/worker/kafka/apis/01-fetch.ts'
import { metadata } from '../src/worker/kafka/apis/03-metadata.ts'
import { KafkaClient } from '../test/support/kafka-client.ts'

/** Versions that any Kafka 4 serves. */
const PRODUCE = 12
const FETCH = 12
const METADATA = 12
const WARM_UP = 200
const MAX_WAIT_MS = 5_000
const TOPIC_TRIES = 100

let topics = 0

/** µs until a record of 100 B is acknowledged, one at a time. */
export async function synchronous(port: number, calls: number, quantile: number): Promise<number> {
  const client = await KafkaClient.connect(port)
  const topic = await aTopic(client)
  const took: number[] = []
  for (let i = 0; i < WARM_UP + calls; i++) {
    const start = performance.now()
    await send(client, topic)
    if (i >= WARM_UP) took.push(performance.now() - start)
  }
  client.close()
  return atQuantile(took, quantile)
}

/** µs from sending a record until a fetch that waited for it has answered. */
export async function endToEnd(port: number, calls: number, quantile: number): Promise<number> {
  const [producer, consumer] = [await KafkaClient.connect(port), await KafkaClient.connect(port)]
  const topic = await aTopic(producer)
  const took: number[] = []
  for (let offset = 0; offset < WARM_UP + calls; offset++) {
    const waiting = consumer.call(fetchApi, FETCH, {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_048_576 }] }],
    })
    // The fetch has to be waiting, not on its way, when the record is sent.
    await new Promise(resolve => setTimeout(resolve, 1))
    const start = performance.now()
    const sent = send(producer, topic)
    const { responses } = await waiting
    if (responses[0]?.partitions[0]?.records?.length === 0) throw new Error(`nothing came at offset ${offset}`)
    if (offset >= WARM_UP) took.push(performance.now() - start)
    await sent
  }
  producer.close()
  consumer.close()
  return atQuantile(took, quantile)
}

async function send(client: KafkaClient, topic: string): Promise<void> {
  const record = { timestamp: Date.now(), key: null, value: new Uint8Array(100), headers: [] }
  const { responses } = await client.call(produce, PRODUCE, {
    acks: -1,
    timeoutMs: MAX_WAIT_MS,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: encodeBatch([record]) }] }],
  })
  const { errorCode } = responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`produce answered error ${errorCode}`)
}

/** A topic that is there and has a leader. */
async function aTopic(client: KafkaClient): Promise<string> {
  const name = `latency-${process.pid}-${topics++}`
  for (let i = 0; i < TOPIC_TRIES; i++) {
    const { topics: found } = await client.call(metadata, METADATA, { topics: [{ topicId: ZERO_UUID, name }] })
    if (found[0]?.errorCode === 0 && (found[0].partitions[0]?.leaderId ?? -1) >= 0) return name
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`topic ${name} did not come to be`)
}

function atQuantile(took: number[], quantile: number): number {
  const sorted = took.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]! * 1_000
}
