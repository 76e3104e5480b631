import { array, bool, int16, int32, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/** Adds partitions to topics. v2 is flexible, v3 may be throttled (KIP-599). */
export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({
        brokerIds: array(int32()),
      }).nullable(),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
    }),
  },
})
