import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

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
})
