// How many transactions a broker commits in a second, each of one record of 100 B, and how fast what was written in
// transactions is read again. The same raw client commits everywhere, as newer producers do: a produce that adds its
// partition, and an end that brings the next epoch.

import { encodeBatch } from '../src/log/records.ts'
import { ZERO_UUID } from '../src/protocol/bytes.ts'
import { errorOf } from '../src/protocol/errors.ts'
import { produce } from '../src/worker/kafka/apis/00-produce.ts'
import { findCoordinator } from '../src/worker/kafka/apis/10-find-coordinator.ts'
import { initProducerId } from '../src/worker/kafka/apis/22-init-producer-id.ts'
import { endTxn } from '../src/worker/kafka/apis/26-end-txn.ts'
import { KafkaClient } from '../test/support/kafka-client.ts'
import { createTopic } from './kafka-topics.ts'

/** The first versions with KIP-890's second part. */
const PRODUCE = 12
const END = 5
const VALUE = new Uint8Array(100).fill(120)
const MAX_TRIES = 5_000

let topics = 0

interface Load {
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** Each producer on a connection and a partition of its own, one transaction after the other. */
export async function transactionsPerSecond(
  port: number,
  producers: number,
  { seconds, warmUpSeconds }: Load,
): Promise<number> {
  const topic = `transactions-${process.pid}-${topics++}`
  const clients = await Promise.all(Array.from({ length: producers }, () => KafkaClient.connect(port)))
  await createTopic(port, topic, producers)
  const commits = await Promise.all(clients.map((client, i) => aProducer(client, topic, i)))
  const fromMs = performance.now() + warmUpSeconds * 1_000
  const toMs = fromMs + seconds * 1_000
  let count = 0
  await Promise.all(
    commits.map(async commit => {
      while (performance.now() < toMs) {
        await commit()
        const now = performance.now()
        if (now >= fromMs && now < toMs) count++
      }
    }),
  )
  for (const client of clients) client.close()
  return count / seconds
}

/** What commits one transaction. */
async function aProducer(client: KafkaClient, topic: string, partition: number): Promise<() => Promise<void>> {
  const transactionalId = `${topic}-${partition}`
  let me = { producerId: -1, producerEpoch: -1 }
  await untilDone(async () => {
    await client.call(findCoordinator, 3, { key: transactionalId, keyType: 1, coordinatorKeys: [] })
    const { errorCode, producerId, producerEpoch } = await client.call(initProducerId, 5, {
      transactionalId,
      transactionTimeoutMs: 60_000,
    })
    me = { producerId, producerEpoch }
    return errorCode
  })
  return async () => {
    const record = { timestamp: Date.now(), key: null, value: VALUE, headers: [] }
    const records = encodeBatch([record], { ...me, baseSequence: 0, transactional: true })
    // The end of the last one may still be on its way to the partition.
    await untilDone(async () => {
      const { responses } = await client.call(produce, PRODUCE, {
        transactionalId,
        acks: -1,
        timeoutMs: 5_000,
        topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: partition, records }] }],
      })
      return responses[0]!.partitionResponses[0]!.errorCode
    })
    await untilDone(async () => {
      const ended = await client.call(endTxn, END, { transactionalId, ...me, committed: true })
      me = { producerId: ended.producerId, producerEpoch: ended.producerEpoch }
      return ended.errorCode
    })
  }
}

const PASSES = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'CONCURRENT_TRANSACTIONS',
])

async function untilDone(ask: () => Promise<number>): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const error = errorOf(await ask())
    if (error === 'NONE') return
    if (!PASSES.has(error)) throw new Error(error)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  throw new Error('it does not pass')
}
