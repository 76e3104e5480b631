import { array, bool, int16, int32, int64, string } from '../../../protocol/schema.ts'
import type { TopicPartition } from '../../../coordinator/transaction-state.ts'
import { codeOf, type ErrorName, isFailure } from '../../../protocol/errors.ts'
import { api, type Call } from '../api.ts'
import { byIdOrName } from '../topics.ts'
import { inWordsOf } from '../transactional.ts'

const topics = () => array({ name: string(), partitions: array(int32()) })
const results = () =>
  array({
    name: string(),
    resultsByPartition: array({
      partitionIndex: int32(),
      partitionErrorCode: int16(),
    }),
  })

/**
 * Makes partitions part of a producer's transaction; the first begins it. v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible,
 * v4 is for brokers, with many transactions at once and the question whether they have the partitions (KIP-890), to which
 * TRANSACTION_ABORTABLE is the no; v5 knows that everywhere.
 */
export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactions: array({
      transactionalId: string(),
      producerId: int64(),
      producerEpoch: int16(),
      verifyOnly: bool().or(false),
      topics: topics(),
    }).in('4+'),
    v3AndBelowTransactionalId: string().in('0-3'),
    v3AndBelowProducerId: int64().in('0-3'),
    v3AndBelowProducerEpoch: int16().in('0-3'),
    v3AndBelowTopics: topics().in('0-3'),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('4+').or(0),
    resultsByTransaction: array({
      transactionalId: string(),
      topicResults: results(),
    }).in('4+'),
    resultsByTopicV3AndBelow: results().in('0-3'),
  },
  async handle(request, call) {
    if (call.version < 4) {
      const resultsByTopicV3AndBelow = await add(
        {
          transactionalId: request.v3AndBelowTransactionalId,
          producerId: request.v3AndBelowProducerId,
          producerEpoch: request.v3AndBelowProducerEpoch,
          verifyOnly: false,
          topics: request.v3AndBelowTopics,
        },
        call,
      )
      return { resultsByTransaction: [], resultsByTopicV3AndBelow }
    }
    if (request.transactions.length > MAX_TRANSACTIONS)
      return { errorCode: codeOf('INVALID_REQUEST'), resultsByTransaction: [], resultsByTopicV3AndBelow: [] }
    const resultsByTransaction = []
    for (const transaction of request.transactions)
      resultsByTransaction.push({
        transactionalId: transaction.transactionalId,
        topicResults: await add(transaction, call),
      })
    return { resultsByTransaction, resultsByTopicV3AndBelow: [] }
  },
})

/** Transactions in one request. */
const MAX_TRANSACTIONS = 1_000

interface Asked {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly verifyOnly: boolean
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
}

/** All of them are added, or none: beside one that does not exist, the others are not tried. Each is verified by itself. */
async function add({ transactionalId, producerId, producerEpoch, verifyOnly, topics: asked }: Asked, call: Call) {
  const named = asked.map(({ name }) => ({ topic: name, topicId: '' }))
  const find = await byIdOrName(call.broker, named, false)
  const isThere = ({ topic, partition }: TopicPartition): boolean => {
    const known = find({ topic, topicId: '' })
    return !isFailure(known) && partition >= 0 && partition < known.partitions
  }
  const partitions = asked.flatMap(({ name, partitions: ids }) => ids.map(partition => ({ topic: name, partition })))
  const missing = new Set(partitions.filter(partition => !isThere(partition)).map(keyOf))
  const known = new Set<string>()
  const error = await result()
  return asked.map(({ name, partitions: ids }) => ({
    name,
    resultsByPartition: ids.map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: codeOf(errorOf(keyOf({ topic: name, partition: partitionIndex }))),
    })),
  }))

  function errorOf(place: string): ErrorName {
    if (missing.has(place)) return 'UNKNOWN_TOPIC_OR_PARTITION'
    return known.has(place) ? 'NONE' : error
  }

  async function result(): Promise<ErrorName> {
    if (transactionalId === '') return 'INVALID_REQUEST'
    if (missing.size > 0) return 'OPERATION_NOT_ATTEMPTED'
    const clientVersion = call.version >= 4 ? 2 : 0
    const reply = await call.broker.transactions.ask(
      transactionalId,
      verifyOnly
        ? { type: 'verify', producerId, producerEpoch, partitions }
        : { type: 'add', producerId, producerEpoch, partitions, clientVersion },
    )
    if (!isFailure(reply)) return 'NONE'
    if (reply.error === 'TRANSACTION_ABORTABLE') {
      const described = await call.broker.transactions.ask(transactionalId, { type: 'describe' })
      if (!isFailure(described) && described.status === 'Ongoing')
        for (const { topic, partitions: ids } of described.topics)
          for (const partition of ids) known.add(keyOf({ topic, partition }))
    }
    return inWordsOf(call.version, 2, reply.error)
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
