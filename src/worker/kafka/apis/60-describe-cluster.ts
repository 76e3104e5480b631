import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Cluster id, brokers and controller (KIP-700).
 * v1 says which kind of endpoint is meant (KIP-919), v2 includes fenced brokers on demand (KIP-1073).
 */
export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8().in('1+').or(1),
    includeFencedBrokers: bool().in('2+'),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    endpointType: int8().in('1+').or(1),
    clusterId: string(),
    controllerId: int32().or(-1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
      isFenced: bool().in('2+'),
    }),
    clusterAuthorizedOperations: int32().or(-2147483648),
  },
})
