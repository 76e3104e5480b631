import { array, int16, int32, int64, int8, string } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { EARLIEST, MAX_TIMESTAMP, type OffsetAndTimestamp } from '../../../log/partition-log.ts'
import { codeOf, type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { Broker } from '../../broker.ts'
import { api } from '../api.ts'
import { repeated } from '../changing.ts'
import { eachPartition } from '../partitions.ts'

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
  async handle({ topics, isolationLevel }, call) {
    if (isolationLevel !== 0 && isolationLevel !== 1) return { topics: topics.map(unexpected) }
    const asked = eachOnce(topics)
    const results = await eachPartition(
      call.broker,
      asked,
      ({ partitionIndex }) => partitionIndex,
      (topic, { partitionIndex, timestamp, currentLeaderEpoch }) =>
        timestamp < lowestTimestamp(call.version)
          ? failure('UNSUPPORTED_VERSION')
          : find(call.broker, topic, partitionIndex, timestamp, currentLeaderEpoch, isolationLevel === 1),
    )
    const answers = asked.map(({ name, partitions, twice }, t) => ({
      name,
      partitions: [
        ...[...twice].map(partitionIndex => ({ partitionIndex, errorCode: codeOf('INVALID_REQUEST') })),
        ...partitions.map(({ partitionIndex }, p) => {
          const result = results[t]![p]!
          if (isFailure(result)) return { partitionIndex, errorCode: codeOf(result.error) }
          // What is nowhere has no epoch either.
          return { partitionIndex, errorCode: 0, ...result, leaderEpoch: result.offset < 0 ? -1 : result.leaderEpoch }
        }),
      ],
    }))
    return { topics: answers }
  },
})

interface Topic<P> {
  readonly name: string
  readonly partitions: readonly P[]
}

/** Each topic once, with those of its partitions that are asked for once, and the others. */
function eachOnce<P extends { readonly partitionIndex: number }>(topics: readonly Topic<P>[]) {
  const byName = new Map<string, P[]>()
  for (const { name, partitions } of topics) {
    const together = byName.get(name)
    if (together === undefined) byName.set(name, [...partitions])
    else for (const one of partitions) together.push(one)
  }
  return Array.from(byName, ([name, partitions]) => {
    const twice = repeated(partitions.map(({ partitionIndex }) => partitionIndex))
    return { name, twice, partitions: partitions.filter(({ partitionIndex }) => !twice.has(partitionIndex)) }
  })
}

/** As Kafka answers an isolation level that it does not know. */
const unexpected = ({ name, partitions }: Topic<{ readonly partitionIndex: number }>) => ({
  name,
  partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codeOf('UNKNOWN_SERVER_ERROR') })),
})

async function find(
  broker: Broker,
  topic: TopicView,
  partition: number,
  timestamp: number,
  currentLeaderEpoch: number,
  committed: boolean,
): Promise<OffsetAndTimestamp | Failure> {
  if (currentLeaderEpoch > 0) return failure('UNKNOWN_LEADER_EPOCH')
  // -1 is none.
  if (currentLeaderEpoch < -1) return failure('FENCED_LEADER_EPOCH')
  const wanted = untiered(timestamp)
  // Nothing is tiered here, so there is no last tiered offset.
  if (wanted === undefined) return NOWHERE
  return broker.offsetFor(topic, partition, wanted, committed ? 'read_committed' : 'read_uncommitted')
}

const NOWHERE: OffsetAndTimestamp = { offset: -1, timestamp: -1, leaderEpoch: -1 }

/** The most special timestamp that a version knows (Kafka's ListOffsetsRequest and its isTimestampSupported). */
function lowestTimestamp(version: number): number {
  if (version >= 11) return EARLIEST_PENDING_UPLOAD
  if (version >= 9) return LATEST_TIERED
  if (version >= 8) return EARLIEST_LOCAL
  return version >= 7 ? MAX_TIMESTAMP : EARLIEST
}

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
