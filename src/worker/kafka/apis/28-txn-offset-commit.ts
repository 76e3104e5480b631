import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import type { TransactionalCommit } from '../../../coordinator/offsets.ts'
import { partitionFor } from '../../../coordinator/partition-for.ts'
import { codeOf, type ErrorName, type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { api, type Call } from '../api.ts'
import { byIdOrName } from '../topics.ts'

/**
 * Commits a group's offsets within a transaction: they count when it is committed. v2 takes leader epochs (KIP-320), v3 is
 * flexible and tells who commits (KIP-447), v4 knows TRANSACTION_ABORTABLE, v5 makes the offsets part of the transaction
 * implicitly (KIP-890).
 */
export const txnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32().in('3+').or(-1),
    memberId: string().in('3+').or(''),
    groupInstanceId: string().in('3+').nullable('3+').or(null),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32().in('2+').or(-1),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
  async handle(request, call) {
    const named = request.topics.map(({ name }) => ({ topic: name, topicId: '' }))
    const find = await byIdOrName(call.broker, named, false)
    const known = request.topics.flatMap(({ name, partitions }) => {
      const topic = find({ topic: name, topicId: '' })
      if (isFailure(topic)) return []
      const there = partitions.filter(({ partitionIndex: p }) => p >= 0 && p < topic.partitions)
      const offsets = there.map(given => ({
        partition: given.partitionIndex,
        offset: given.committedOffset,
        leaderEpoch: given.committedLeaderEpoch,
        metadata: given.committedMetadata,
      }))
      return offsets.length === 0 ? [] : [{ name, topicId: topic.topicId, partitions: offsets }]
    })
    const reply =
      request.groupId === ''
        ? failure('INVALID_GROUP_ID')
        : known.length === 0
          ? { topics: [] }
          : await commit(request, known, call)
    const errorOf = (topic: string, partition: number): ErrorName => {
      const there = known.find(({ name }) => name === topic)?.partitions.some(one => one.partition === partition)
      if (!there) return 'UNKNOWN_TOPIC_OR_PARTITION'
      if (isFailure(reply)) return inWordsOf(call.version, reply)
      const answered = reply.topics.find(({ name }) => name === topic)?.partitions
      return answered?.find(one => one.partition === partition)?.error ?? 'UNKNOWN_SERVER_ERROR'
    }
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: codeOf(errorOf(name, partitionIndex)),
        })),
      })),
    }
  },
})

/** From this version on, whoever commits offsets adds them to the transaction. */
const ADDS_OFFSETS = 5
const KNOWS_ABORTABLE = 4

interface Asked {
  readonly transactionalId: string
  readonly groupId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

async function commit(request: Asked, topics: TransactionalCommit['topics'], { broker, version }: Call) {
  const { transactionalId, groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId } = request
  const { name, partitions } = await broker.offsetsTopic()
  const found = await broker.transactions.numberOf(
    transactionalId,
    { producerId, producerEpoch },
    [{ topic: name, partition: partitionFor(groupId, partitions) }],
    version >= ADDS_OFFSETS,
  )
  if (isFailure(found)) return found
  return broker.groups.ask(groupId, {
    type: 'commitInTransaction',
    version,
    memberId,
    groupInstanceId,
    generationId,
    retentionTimeMs: -1,
    topics,
    producerId,
    producerEpoch,
    transaction: found.transaction,
  })
}

function inWordsOf(version: number, { error }: Failure): ErrorName {
  switch (error) {
    case 'PRODUCER_FENCED':
      return 'INVALID_PRODUCER_EPOCH'
    case 'STALE_MEMBER_EPOCH':
      return 'ILLEGAL_GENERATION'
    case 'TRANSACTION_ABORTABLE':
      return version >= KNOWS_ABORTABLE ? error : 'INVALID_TXN_STATE'
    default:
      return error
  }
}
