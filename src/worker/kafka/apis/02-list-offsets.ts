import { array, int16, int32, int64, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

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
})
