import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/** Elects leaders for partitions: the preferred one, or since v1 any that is left (KIP-460). v2 is flexible. */
export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: {
    electionType: int8().in('1+'),
    topicPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }).nullable(),
    timeoutMs: int32().or(60000),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('1+'),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string().nullable(),
      }),
    }),
  },
})
