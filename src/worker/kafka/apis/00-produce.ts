import { array, int16, int32, int64, records, string, struct, uuid } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Appends record batches to partitions. acks 0 gets no response at all.
 * v5 tells the log start offset, v8 names the records that spoiled a batch (KIP-467), v9 is flexible, v10 tells the current
 * leader with an error (KIP-951), v12 adds partitions to a transaction implicitly (KIP-890), v13 goes by topic id (KIP-516).
 */
export const produce = api({
  key: 0,
  name: 'Produce',
  versions: '3-13',
  flexible: '9+',
  request: {
    transactionalId: string().nullable().or(null),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitionData: array({
        index: int32(),
        records: records().nullable(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64().or(-1),
        logStartOffset: int64().in('5+').or(-1),
        recordErrors: array({
          batchIndex: int32(),
          batchIndexErrorMessage: string().nullable().or(null),
        }).in('8+'),
        errorMessage: string().in('8+').nullable().or(null),
        currentLeader: struct({
          leaderId: int32().or(-1),
          leaderEpoch: int32().or(-1),
        }).tagged(0, '10+'),
      }),
    }),
    throttleTimeMs: int32().or(0),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
    }).tagged(0, '10+'),
  },
})
