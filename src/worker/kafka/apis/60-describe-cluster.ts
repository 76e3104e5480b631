import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { failure } from '../../../protocol/errors.ts'
import { CLUSTER_OPERATIONS, DONE, NO_OPERATIONS, refused } from '../answers.ts'
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
  async handle({ endpointType, includeClusterAuthorizedOperations }, { broker, nodes }) {
    if (endpointType !== BROKERS)
      return {
        ...refused(endpointType === CONTROLLERS ? MISMATCHED : unknown(endpointType)),
        clusterId: '',
        brokers: [],
      }
    const { clusterId } = await broker.view()
    return {
      ...DONE,
      clusterId,
      controllerId: nodes.controllerId,
      brokers: nodes.all.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port })),
      clusterAuthorizedOperations: includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NO_OPERATIONS,
    }
  },
})

const BROKERS = 1
const CONTROLLERS = 2

const MISMATCHED = failure(
  'MISMATCHED_ENDPOINT_TYPE',
  'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
)
const unknown = (endpointType: number) =>
  failure('UNSUPPORTED_ENDPOINT_TYPE', `Unsupported endpoint type ${endpointType}`)
