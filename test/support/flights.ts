// The flights of vega-datasets, keyed by distance, into a compacted topic until one of each distance is left: the same
// requests for Edgelog and for Apache Kafka. Neither can be told to compact now, so the topic asks for it all the time.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isControl, readBatches } from '../../src/log/batch.ts'
import { decodeBatch, encodeBatch } from '../../src/log/records.ts'
import { produce } from '../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../src/worker/kafka/apis/01-fetch.ts'
import { createTopics } from '../../src/worker/kafka/apis/19-create-topics.ts'
import { KafkaClient } from './kafka-client.ts'
import { aFetch, aProduce } from './kafka-requests.ts'

const TOPIC = 'flights-by-distance'
const CONFIGS = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1048576',
  'min.cleanable.dirty.ratio': '0',
  // The newest segment is never compacted: it ends with the first record after that time.
  'max.compaction.lag.ms': '500',
}
/** The key of the records that are there to end the newest segment. */
const LATER = 'later'
const BATCH = 1_000
const POLL_MS = 250

export interface Flight {
  readonly offset: number
  readonly distance: string
  readonly flight: string
}

/** In the order of the file. */
export function allFlights(): Flight[] {
  const path = join(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-200k.json')
  const flights = JSON.parse(readFileSync(path, 'utf8')) as { distance: number }[]
  return flights.map((flight, offset) => ({
    offset,
    distance: String(flight.distance),
    flight: JSON.stringify(flight),
  }))
}

/** What compaction must come to, in plain code: the last flight of each distance, at its offset. */
export function lastOfEach(flights: readonly Flight[]): Flight[] {
  const last = new Map(flights.map(flight => [flight.distance, flight]))
  return [...last.values()].toSorted((a, b) => a.offset - b.offset)
}

interface Options {
  readonly count: number
  readonly timeoutMs?: number
  /** The broker is gone and there again, after so many flights each time. */
  readonly interrupt?: { readonly every: number; readonly by: () => Promise<void> }
}

/** Produces them all, and reads again and again until no more than `count` are left or time is up. */
export async function compactFlights(
  port: number,
  flights: readonly Flight[],
  { count, timeoutMs = 60_000, interrupt }: Options,
): Promise<{ left: Flight[]; keptMs: number }> {
  let client = await KafkaClient.connect(port)
  const configs = Object.entries(CONFIGS).map(([name, value]) => ({ name, value }))
  const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
  const created = await client.call(createTopics, 7, { topics: [topic] })
  if (created.topics[0]!.errorCode !== 0) throw new Error(created.topics[0]!.errorMessage ?? 'not created')
  for (let at = 0; at < flights.length; at += BATCH) {
    await put(client, flights.slice(at, at + BATCH))
    if (interrupt === undefined || (at + BATCH) % interrupt.every !== 0) continue
    client.close()
    await interrupt.by()
    client = await KafkaClient.connect(port)
  }
  const startMs = Date.now()
  for (;;) {
    const left = (await all(client)).filter(({ distance }) => distance !== LATER)
    const keptMs = Date.now() - startMs
    if (left.length <= count || keptMs > timeoutMs) {
      client.close()
      return { left, keptMs }
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    await put(client, [{ offset: -1, distance: LATER, flight: '' }])
  }
}

async function put(client: KafkaClient, flights: readonly Flight[]): Promise<void> {
  const encoder = new TextEncoder()
  const timestamp = Date.now()
  const batch = encodeBatch(
    flights.map(({ distance, flight }) => ({
      timestamp,
      key: encoder.encode(distance),
      value: encoder.encode(flight),
      headers: [],
    })),
  )
  // A broker that has just made the topic may not know yet that it leads it.
  for (let tries = 0; ; tries++) {
    const { responses } = await client.call(produce, 9, aProduce(TOPIC, batch))
    const { errorCode } = responses[0]!.partitionResponses[0]!
    if (errorCode === 0) return
    if (tries === 50) throw new Error(`produce: error ${errorCode}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function all(client: KafkaClient): Promise<Flight[]> {
  const decoder = new TextDecoder()
  const found: Flight[] = []
  for (let offset = 0; ;) {
    const { responses } = await client.call(fetch, 12, aFetch(TOPIC, { offset }))
    const { records, errorCode } = responses[0]!.partitions[0]!
    if (errorCode !== 0) throw new Error(`fetch: error ${errorCode}`)
    const batches = records === null ? [] : readBatches(records)
    const last = batches.at(-1)
    if (last === undefined) return found
    for (const batch of batches) {
      if (isControl(batch)) continue
      const opened = decodeBatch(batch)
      if ('error' in opened) throw new Error(opened.message)
      for (const { offset: at, key, value } of opened)
        if (at >= offset) found.push({ offset: at, distance: decoder.decode(key!), flight: decoder.decode(value!) })
    }
    offset = last.baseOffset + last.lastOffsetDelta + 1
  }
}
