// Producing, whatever door the records came through: the topic found or made, partitions chosen, everything appended.

import { type Overrides, topicConfig } from '../cluster/configs.ts'
import type { TopicView } from '../cluster/cluster.ts'
import { readBatches } from '../log/batch.ts'
import { partitionFor } from '../log/partitioner.ts'
import { decodeBatch } from '../log/records.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { Accumulator, cutKey } from './accumulator.ts'
import type { Broker } from './broker.ts'
import { compressionOf } from './compression.ts'
import type { Topic, TransactionalProducer } from './lane.ts'
import type { Draft } from './records-in.ts'

/** How long after a topic grew a repeated request may still be one that was first made before. Partitions remember as long. */
const GROWN_REMEMBERED_MS = 900_000
/** Partitions asked whether they know a repeated request from before the topic grew. */
const MAX_ASKED = 100

export interface Producing {
  readonly idempotencyKey?: string | undefined
  /** Nobody waits for the answer: acks=0. */
  readonly unanswered?: boolean
}

const encoder = new TextEncoder()

/** The topic to produce to: created where the cluster lets producers do that; never one of the broker's own. */
export async function topicToProduce(broker: Broker, name: string, partition?: number): Promise<TopicView | Failure> {
  const topic = await broker.topicOrCreate(name)
  if (isFailure(topic)) return topic
  if (topic.internal)
    return failure('INVALID_TOPIC_EXCEPTION', `Topic '${name}' is the broker's own; it cannot be written to.`)
  if (partition !== undefined && partition >= topic.partitions) return noSuchPartition(topic, partition)
  return topic
}

export const noSuchPartition = (topic: TopicView, partition: number): Failure =>
  failure(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `Topic '${topic.name}' has partitions 0 to ${topic.partitions - 1}, not ${partition}.`,
  )

/** What carries one request's records to the topic; `drafts` are its first ones, if it may be a repeated request. */
export async function startProducing(
  broker: Broker,
  topic: TopicView,
  options: Producing,
  drafts: readonly Draft[] = [],
): Promise<Accumulator> {
  const { idempotencyKey } = options
  const partitions =
    idempotencyKey === undefined ? topic.partitions : await partitionsThen(broker, topic, idempotencyKey, drafts)
  return new Accumulator(
    { ...producible(topic, broker.configs), partitions },
    async (partition, request) => {
      const result = await broker.append(topic, partition, request)
      if ('error' in result || !result.duplicate) return result
      const timestamps = await storedTimestamps(broker, topic, partition, result.baseOffset)
      return timestamps === undefined ? result : { ...result, timestamps }
    },
    { ...options, sticky: stickyPartition(partitions, idempotencyKey) },
  )
}

/** What carries the records of a transaction to one of its topics; each says its partition. */
export const startTransactional = (
  broker: Broker,
  topic: TopicView,
  producer: TransactionalProducer,
  transaction: number,
): Accumulator =>
  new Accumulator(
    producible(topic, broker.configs),
    (partition, request) => broker.append(topic, partition, { ...request, transaction }),
    { sticky: 0, producer },
  )

/** The timestamps that the batch of a repeated request got the first time. Undefined: it is gone again. */
async function storedTimestamps(
  broker: Broker,
  topic: TopicView,
  partition: number,
  offset: number,
): Promise<number[] | undefined> {
  const read = await broker.read(topic, partition, { offset, maxBytes: 1 })
  const batch = 'error' in read ? undefined : readBatches(read.records)[0]
  const records = batch && decodeBatch(batch)
  return records === undefined || isFailure(records) ? undefined : records.map(({ timestamp }) => timestamp)
}

/** Appends all of them; what came of each is in the accumulator's answer. */
export async function appendAll(accumulator: Accumulator, drafts: readonly Draft[]): Promise<void> {
  for (const draft of drafts) {
    accumulator.add(draft)
    if (accumulator.full) await accumulator.room()
  }
  accumulator.flush()
  await accumulator.settled()
}

/** One partition for everything in a request that has neither key nor partition: the same one if the request comes again. */
export const stickyPartition = (partitions: number, idempotencyKey: string | undefined): number =>
  idempotencyKey === undefined
    ? Math.floor(Math.random() * partitions)
    : partitionFor(encoder.encode(idempotencyKey), partitions)

/**
 * The partition count a request's records were spread over when it was first made: a topic that has grown meanwhile would
 * put them elsewhere, where nobody remembers them.
 */
async function partitionsThen(
  broker: Broker,
  topic: TopicView,
  idempotencyKey: string,
  drafts: readonly Draft[],
): Promise<number> {
  const { grown } = topic
  if (grown === undefined || Date.now() - grown.at > GROWN_REMEMBERED_MS) return topic.partitions
  const sticky = stickyPartition(grown.from, idempotencyKey)
  const asked = new Set<number>()
  for (const { partition, key } of drafts) {
    const then = partition >= 0 ? partition : key === null ? sticky : partitionFor(key, grown.from)
    if (then >= grown.from || asked.has(then)) continue
    if (asked.size >= MAX_ASKED) break
    asked.add(then)
  }
  const first = cutKey(idempotencyKey, grown.from, 0)
  const known = await Promise.all([...asked].map(partition => broker.knowsIdempotencyKey(topic, partition, first)))
  return known.includes(true) ? grown.from : topic.partitions
}

const producibles = new WeakMap<TopicView, Topic>()

function producible(topic: TopicView, broker: Overrides): Topic {
  let known = producibles.get(topic)
  if (known === undefined) {
    const config = topicConfig(topic.config, broker)
    known = {
      name: topic.name,
      partitions: topic.partitions,
      // 'producer' keeps what a producer chose, and JSON chooses nothing.
      compression: compressionOf(topic, broker) ?? { codec: 'none' },
      maxMessageBytes: config['max.message.bytes'],
    }
    producibles.set(topic, known)
  }
  return known
}
