import { array, bool, int16, int32, string, uuid } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Brokers, topics, partitions and who leads them.
 * v0 asks for all topics with an empty array, later versions with null. v4 can forbid creating topics on the way, v8 can ask for
 * the operations allowed on topics and, up to v10, on the cluster, v9 is flexible, v10 tells topic ids, v12 goes by topic id
 * (KIP-516), v13 has an error code for the whole response.
 */
export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexible: '9+',
  request: {
    topics: array({
      topicId: uuid().in('10+'),
      name: string().nullable('10+'),
    }).nullable('1+'),
    allowAutoTopicCreation: bool().in('4+').or(true),
    includeClusterAuthorizedOperations: bool().in('8-10'),
    includeTopicAuthorizedOperations: bool().in('8+'),
  },
  response: {
    throttleTimeMs: int32().in('3+'),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().in('1+').nullable().or(null),
    }),
    clusterId: string().in('2+').nullable().or(null),
    controllerId: int32().in('1+').or(-1),
    topics: array({
      errorCode: int16(),
      name: string().nullable('12+'),
      topicId: uuid().in('10+'),
      isInternal: bool().in('1+').or(false),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().in('7+').or(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32()).in('5+'),
      }),
      topicAuthorizedOperations: int32().in('8+').or(-2147483648),
    }),
    clusterAuthorizedOperations: int32().in('8-10').or(-2147483648),
    errorCode: int16().in('13+'),
  },
})
