import { array, bool, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * What each log directory holds, in bytes.
 * v2 is flexible, v3 has an error code for the whole response, v4 tells the size of the volume (KIP-827), v5 whether the
 * directory is cordoned (KIP-1066).
 */
export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5',
  flexible: '2+',
  request: {
    topics: array({
      topic: string(),
      partitions: array(int32()),
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('3+'),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64().in('4+').or(-1),
      usableBytes: int64().in('4+').or(-1),
      isCordoned: bool().in('5+').or(false),
    }),
  },
})
