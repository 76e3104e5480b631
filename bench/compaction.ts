// How fast a log is compacted, and how long producers wait meanwhile. No API says when compaction begins or ends, so it is
// withheld by min.compaction.lag.ms until everything is there, and over when the log has become as small as it can be: seen
// through Kafka's protocol, the same for every broker.

import { encodeBatch } from '../src/log/records.ts'
import { produce } from '../src/worker/kafka/apis/00-produce.ts'
import { createTopics } from '../src/worker/kafka/apis/19-create-topics.ts'
import { deleteTopics } from '../src/worker/kafka/apis/20-delete-topics.ts'
import { describeLogDirs } from '../src/worker/kafka/apis/35-describe-log-dirs.ts'
import { incrementalAlterConfigs } from '../src/worker/kafka/apis/44-incremental-alter-configs.ts'
import { KafkaClient } from '../test/support/kafka-client.ts'
import { percentiles } from './load.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

/** Versions that any Kafka 4 serves. */
const PRODUCE = 9
const CREATE_TOPICS = 7
const DELETE_TOPICS = 5
const DESCRIBE_LOG_DIRS = 2
const ALTER_CONFIGS = 1

const BATCH_BYTES = 500_000
/** Header, lengths, key and the like, per record. */
const OVERHEAD_BYTES = 20
const IN_FLIGHT = 5
const DAY_MS = '86400000'
/** What a broker takes to carry a config everywhere. */
const SETTLE_MS = 1_000
const POLL_MS = 2
const TIMEOUT_MS = 60_000

export interface Compaction {
  /** Of a value. */
  readonly bytes: number
  readonly keys: number
  readonly megabytes: number
}

export const compactions = (quick: boolean): Compaction[] => [
  { bytes: 1_024, keys: 10_000, megabytes: quick ? 80 : 200 },
  { bytes: 100, keys: 100_000, megabytes: quick ? 80 : 200 },
]

export interface Compacted {
  /** Of the log as it was stored. */
  readonly megabytesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Between a produce of one record and its answer. */
  readonly longestMs: number
}

let topics = 0

export async function* compactionRows(target: Target, quick: boolean): AsyncGenerator<Row> {
  for (const compaction of compactions(quick)) {
    const { megabytesPerSecond, p50Ms, p99Ms, longestMs } = await compacted(target.kafka, compaction)
    yield {
      what: `compact ${nameOf(compaction)}`,
      megabytesPerSecond,
      p50Ms,
      p99Ms,
      note: `times are those of producing one record meanwhile, ${longestMs.toFixed(0)} ms the longest`,
    }
  }
}

export const nameOf = ({ bytes, keys, megabytes }: Compaction): string =>
  `${megabytes} MB of ${bytes} B to ${keys.toLocaleString('en-US')} keys`

export async function compacted(port: number, { bytes, keys, megabytes }: Compaction): Promise<Compacted> {
  const [client, watcher] = [await KafkaClient.connect(port), await KafkaClient.connect(port)]
  const topic = `compaction-${topics++}`
  const cleanup = { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': DAY_MS, 'segment.bytes': '67108864' }
  const configs = Object.entries(cleanup).map(([name, value]) => ({ name, value }))
  await client.call(createTopics, CREATE_TOPICS, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs }],
  })
  await settled()
  await fill(client, topic, { bytes, keys, megabytes })
  // The newest segment is never compacted: that becomes one with a single record.
  await alter(client, topic, { 'segment.ms': '1' })
  await put(client, topic, batch([0], bytes, 1))
  await alter(client, topic, { 'segment.ms': DAY_MS })
  const before = await sizeOf(client, topic)
  const small = keys * (bytes + OVERHEAD_BYTES) * 1.2 + 2_000_000
  const waits: number[] = []
  const start = performance.now()
  const altered = alter(watcher, topic, { 'min.compaction.lag.ms': '0' })
  let seconds = 0
  while ((await sizeOf(client, topic)) > small) {
    const from = performance.now()
    await put(client, topic, batch([0], bytes, 1))
    waits.push(performance.now() - from)
    seconds = (performance.now() - start) / 1_000
    if (seconds * 1_000 > TIMEOUT_MS) throw new Error(`${topic} was not compacted`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  await altered
  await client.call(deleteTopics, DELETE_TOPICS, { topicNames: [topic], timeoutMs: 10_000 })
  client.close()
  watcher.close()
  return { megabytesPerSecond: before / 1e6 / seconds, ...percentiles(waits), longestMs: Math.max(...waits) }
}

/** Each key again and again, in another order each time. */
async function fill(client: KafkaClient, topic: string, { bytes, keys, megabytes }: Compaction): Promise<void> {
  const perBatch = Math.floor(BATCH_BYTES / (bytes + OVERHEAD_BYTES))
  const batches = Math.ceil((megabytes * 1e6) / BATCH_BYTES)
  let at = 0
  const turn = async (): Promise<void> => {
    while (at < batches) {
      const n = at++
      const numbers = Array.from({ length: perBatch }, (_, i) => n * perBatch + i)
      await put(client, topic, batch(numbers, bytes, keys))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, turn))
}

function batch(numbers: readonly number[], bytes: number, keys: number): Uint8Array {
  const encoder = new TextEncoder()
  const timestamp = Date.now()
  return encodeBatch(
    numbers.map(n => ({
      timestamp,
      key: encoder.encode(`key-${(n * 104_729) % keys}`),
      value: encoder.encode(`${n} `.repeat(bytes).slice(0, bytes)),
      headers: [],
    })),
  )
}

async function put(client: KafkaClient, topic: string, records: Uint8Array): Promise<void> {
  const partitionData = [{ index: 0, records }]
  const answer = await client.call(produce, PRODUCE, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData }],
  })
  const { errorCode } = answer.responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`produce: error ${errorCode}`)
}

async function alter(client: KafkaClient, topic: string, changes: Readonly<Record<string, string>>): Promise<void> {
  const configs = Object.entries(changes).map(([name, value]) => ({ name, configOperation: 0, value }))
  const resources = [{ resourceType: 2, resourceName: topic, configs }]
  const { responses } = await client.call(incrementalAlterConfigs, ALTER_CONFIGS, { resources, validateOnly: false })
  if (responses[0]?.errorCode !== 0) throw new Error(`alter: ${responses[0]?.errorMessage}`)
  await settled()
}

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, SETTLE_MS))

async function sizeOf(client: KafkaClient, topic: string): Promise<number> {
  const { results } = await client.call(describeLogDirs, DESCRIBE_LOG_DIRS, { topics: [{ topic, partitions: [0] }] })
  return results[0]!.topics[0]!.partitions[0]!.partitionSize
}
