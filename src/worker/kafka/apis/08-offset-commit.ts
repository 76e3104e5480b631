import { array, int16, int32, int64, string, uuid } from '../../../protocol/schema.ts'
import type { Commit } from '../../../coordinator/offsets.ts'
import { codeOf, type ErrorName, failure, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { byIdOrName } from '../topics.ts'

/**
 * Commits offsets for a group, or for whoever goes by its name. v5 leaves retention to the broker, v6 takes leader epochs
 * (KIP-320), v7 static members, v8 is flexible, v9 takes member epochs (KIP-848), v10 goes by topic id.
 */
export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '2-10',
  flexible: '8+',
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32().in('1+').or(-1),
    memberId: string().in('1+'),
    groupInstanceId: string().in('7+').nullable('7+').or(null),
    retentionTimeMs: int64().in('2-4').or(-1),
    topics: array({
      name: string().in('0-9'),
      topicId: uuid().in('10+'),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32().in('6+').or(-1),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().in('3+'),
    topics: array({
      name: string().in('0-9'),
      topicId: uuid().in('10+'),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
  async handle(request, { broker, version }) {
    const named = request.topics.map(({ name, topicId }) => ({ topic: name, topicId }))
    const topics = await byIdOrName(broker, named, version >= 10)
    const found = request.topics.map(({ name, topicId }) => topics({ topic: name, topicId }))
    const known: Commit['topics'][number][] = []
    request.topics.forEach(({ partitions }, i) => {
      const topic = found[i]!
      if (isFailure(topic)) return
      const there = partitions.filter(({ partitionIndex: p }) => p >= 0 && p < topic.partitions)
      const offsets = there.map(given => ({
        partition: given.partitionIndex,
        offset: given.committedOffset,
        leaderEpoch: given.committedLeaderEpoch,
        metadata: given.committedMetadata,
      }))
      if (offsets.length > 0) known.push({ name: topic.name, topicId: topic.topicId, partitions: offsets })
    })
    const reply =
      known.length === 0
        ? { topics: [] }
        : await broker.groups.ask(request.groupId, {
            type: 'commit',
            version,
            memberId: request.memberId,
            groupInstanceId: request.groupInstanceId,
            generationId: request.generationIdOrMemberEpoch,
            retentionTimeMs: request.retentionTimeMs,
            topics: known,
          })
    const answers = isFailure(reply) ? [] : reply.topics
    const errorOf = (topic: string, partition: number): ErrorName =>
      isFailure(reply)
        ? inOldWords(reply.error, version)
        : (answers.find(({ name }) => name === topic)?.partitions.find(answer => answer.partition === partition)
            ?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION')
    return {
      topics: request.topics.map(({ name, topicId, partitions }, i) => {
        const topic = found[i]!
        return {
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => {
            const isThere = !isFailure(topic) && partitionIndex >= 0 && partitionIndex < topic.partitions
            const error = isThere ? errorOf(topic.name, partitionIndex) : (isFailure(topic) ? topic : MISSING).error
            return { partitionIndex, errorCode: codeOf(error) }
          }),
        }
      }),
    }
  },
})

const MISSING = failure('UNKNOWN_TOPIC_OR_PARTITION')

/** STALE_MEMBER_EPOCH and GROUP_ID_NOT_FOUND are words that older clients do not know here. */
const inOldWords = (error: ErrorName, version: number): ErrorName =>
  version < 9 && (error === 'GROUP_ID_NOT_FOUND' || error === 'STALE_MEMBER_EPOCH') ? 'ILLEGAL_GENERATION' : error
