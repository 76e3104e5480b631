import { array, int16, int32, int64, int8, string } from '../../../protocol/schema.ts'
import { EARLIEST, MAX_TIMESTAMP } from '../../../log/partition-log.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { byIdOrName } from '../topics.ts'

/**
 * Finds offsets by timestamp; negative timestamps ask for the ends of the log.
 * v2 brings the isolation level, v4 leader epochs, v6 is flexible. New special timestamps: v7 the largest timestamp (KIP-734),
 * v8 the earliest local offset (KIP-405), v9 the last tiered one (KIP-1005), v11 the earliest not yet tiered (KIP-1023);
 * v10 brings a timeout for tiered look-ups (KIP-1075).
 */
export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '1-11',
  flexible: '6+',
  request: {
    replicaId: int32(),
    isolationLevel: int8().in('2+'),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32().in('4+').or(-1),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32().in('10+'),
  },
  response: {
    throttleTimeMs: int32().in('2+'),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64().or(-1),
        offset: int64().or(-1),
        leaderEpoch: int32().in('4+').or(-1),
      }),
    }),
  },
  async handle(request, call) {
    const named = request.topics.map(({ name }) => ({ topic: name, topicId: '' }))
    const topics = await byIdOrName(call.broker, named, false)
    const answers = await Promise.all(
      request.topics.map(async ({ name, partitions }) => {
        const topic = topics({ topic: name, topicId: '' })
        const found = await Promise.all(
          partitions.map(async ({ partitionIndex, timestamp, currentLeaderEpoch }) => {
            const refused = (error: Parameters<typeof codeOf>[0]) => ({ partitionIndex, errorCode: codeOf(error) })
            if (isFailure(topic)) return refused(topic.error)
            if (partitionIndex < 0 || partitionIndex >= topic.partitions) return refused('UNKNOWN_TOPIC_OR_PARTITION')
            if (currentLeaderEpoch > 0) return refused('UNKNOWN_LEADER_EPOCH')
            const wanted = untiered(timestamp)
            // Nothing is tiered here, so there is no last tiered offset.
            if (wanted === undefined)
              return { partitionIndex, errorCode: 0, timestamp: -1, offset: -1, leaderEpoch: -1 }
            if (wanted < MAX_TIMESTAMP) return refused('UNSUPPORTED_VERSION')
            const at = await call.broker.offsetFor(topic, partitionIndex, wanted)
            if (isFailure(at)) return refused(at.error)
            // What is nowhere has no epoch either.
            return { partitionIndex, errorCode: 0, ...at, leaderEpoch: at.offset < 0 ? -1 : at.leaderEpoch }
          }),
        )
        return { name, partitions: found }
      }),
    )
    return { topics: answers }
  },
})

const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** What the special timestamps of tiered storage come to without tiers; undefined for what does not exist then. */
function untiered(timestamp: number): number | undefined {
  switch (timestamp) {
    case EARLIEST_LOCAL:
      return EARLIEST
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return undefined
    default:
      return timestamp
  }
}
