import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import type { Description } from '../../../log/partition-log.ts'
import { codeOf, type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { eachPartition } from '../partitions.ts'

/**
 * Where a leader epoch ends, so that a client notices a truncated log (KIP-320).
 * v3 tells the replica id, by default -2: a consumer that may see past the high watermark. v4 is flexible.
 */
export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '2-4',
  flexible: '4+',
  request: {
    replicaId: int32().in('3+').or(-2),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().or(-1),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32().or(-1),
        endOffset: int64().or(-1),
      }),
    }),
  },
  async handle({ topics }, { broker }) {
    const named = topics.map(({ topic, partitions }) => ({ name: topic, partitions }))
    const results = await eachPartition(
      broker,
      named,
      ({ partition }) => partition,
      async (topic, { partition, currentLeaderEpoch, leaderEpoch }) => {
        const described = await broker.describe(topic, partition)
        return isFailure(described) ? described : endOf(described, currentLeaderEpoch, leaderEpoch)
      },
    )
    return {
      topics: topics.map(({ topic, partitions }, t) => ({
        topic,
        partitions: partitions.map(({ partition }, p) => {
          const result = results[t]![p]!
          return isFailure(result)
            ? { partition, errorCode: codeOf(result.error) }
            : { partition, errorCode: 0, ...result }
        }),
      })),
    }
  },
})

const NO_EPOCH = -1

/** Where `asked` ends in a log that has had one epoch from its first record on. Kafka's LeaderEpochFileCache. */
function endOf(
  { leaderEpoch, logStartOffset, highWatermark }: Description,
  current: number,
  asked: number,
): { leaderEpoch: number; endOffset: number } | Failure {
  if (current !== NO_EPOCH && current < leaderEpoch) return failure('FENCED_LEADER_EPOCH')
  if (current > leaderEpoch) return failure('UNKNOWN_LEADER_EPOCH')
  if (asked === leaderEpoch) return { leaderEpoch, endOffset: highWatermark }
  if (asked === NO_EPOCH || asked > leaderEpoch) return { leaderEpoch: -1, endOffset: -1 }
  return { leaderEpoch: asked, endOffset: logStartOffset }
}
