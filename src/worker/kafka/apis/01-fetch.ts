import { array, int16, int32, int64, int8, records, string, struct, uuid } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Reads batches from partitions, waiting up to maxWaitMs for minBytes.
 * v5 tells the log start offset, v7 brings incremental sessions (KIP-227), v9 leader epochs (KIP-320), v10 lets zstd through
 * (KIP-110), v11 follower reads (KIP-392), v12 is flexible, v13 goes by topic id (KIP-516), v15 moves the replica's own fields
 * into replicaState (KIP-903), v16 tells where new leaders are (KIP-951), v17 and v18 add what only replicas send.
 */
export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: string().tagged(0, '12+').nullable().or(null),
    replicaId: int32().in('0-14').or(-1),
    replicaState: struct({
      replicaId: int32().or(-1),
      replicaEpoch: int64().or(-1),
    }).tagged(1, '15+'),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().or(0x7fff_ffff),
    isolationLevel: int8().or(0),
    sessionId: int32().in('7+').or(0),
    sessionEpoch: int32().in('7+').or(-1),
    topics: array({
      topic: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().in('9+').or(-1),
        fetchOffset: int64(),
        lastFetchedEpoch: int32().in('12+').or(-1),
        logStartOffset: int64().in('5+').or(-1),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid().tagged(0, '17+'),
        highWatermark: int64().tagged(1, '18+').or(Number.MAX_SAFE_INTEGER),
      }),
    }),
    forgottenTopicsData: array({
      topic: string().in('7-12'),
      topicId: uuid().in('13+'),
      partitions: array(int32()),
    }).in('7+'),
    rackId: string().in('11+').or(''),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('7+'),
    sessionId: int32().in('7+').or(0),
    responses: array({
      topic: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64().or(-1),
        logStartOffset: int64().in('5+').or(-1),
        divergingEpoch: struct({
          epoch: int32().or(-1),
          endOffset: int64().or(-1),
        }).tagged(0, '12+'),
        currentLeader: struct({
          leaderId: int32().or(-1),
          leaderEpoch: int32().or(-1),
        }).tagged(1, '12+'),
        snapshotId: struct({
          endOffset: int64().or(-1),
          epoch: int32().or(-1),
        }).tagged(2, '12+'),
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64(),
        }).nullable(),
        preferredReadReplica: int32().in('11+').or(-1),
        records: records().nullable(),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
    }).tagged(0, '16+'),
  },
})
