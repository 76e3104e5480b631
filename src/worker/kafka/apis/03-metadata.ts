import { array, bool, int16, int32, string, uuid } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { checkTopicName } from '../../../cluster/topics.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import { codeOf, type ErrorName, isFailure } from '../../../protocol/errors.ts'
import { CLUSTER_OPERATIONS, NO_OPERATIONS, TOPIC_OPERATIONS } from '../answers.ts'
import { api, type Call } from '../api.ts'
import { type Nodes, replicationFactorOf } from '../nodes.ts'

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
  async handle(request, call) {
    const { view, byName, byId } = await call.broker.topics({ fresh: true })
    const all = request.topics === null || (call.version === 0 && request.topics.length === 0)
    const topics = all
      ? view.topics.map(topic => found(topic, call.nodes))
      : await Promise.all(
          (request.topics ?? []).map(async ({ topicId, name }) => {
            if (topicId !== ZERO_UUID) {
              const topic = byId.get(topicId)
              return topic === undefined ? missing(null, topicId, 'UNKNOWN_TOPIC_ID') : found(topic, call.nodes)
            }
            if (name === null) return missing(null, topicId, 'INVALID_REQUEST')
            const topic = byName.get(name) ?? (await create(name, request.allowAutoTopicCreation, call))
            return typeof topic === 'string' ? missing(name, ZERO_UUID, topic) : found(topic, call.nodes)
          }),
        )
    return {
      brokers: call.nodes.all,
      clusterId: view.clusterId,
      controllerId: call.nodes.controllerId,
      topics: request.includeTopicAuthorizedOperations ? topics.map(allowed) : topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NO_OPERATIONS,
      errorCode: 0,
    }
  },
})

/** A topic that a client may create by asking for it answers LEADER_NOT_AVAILABLE in Kafka; here it is there at once. */
async function create(name: string, allowed: boolean, call: Call): Promise<TopicView | ErrorName> {
  const illegal = checkTopicName(name)
  if (illegal !== undefined) return illegal.error
  // Before v4 a client could not say.
  const topic = allowed || call.version < 4 ? await call.broker.topicOrCreate(name) : await call.broker.topic(name)
  return isFailure(topic) ? topic.error : topic
}

/** Told of topics that are there, to those who ask (KIP-430). */
const allowed = <T extends { readonly errorCode: number }>(topic: T) => ({
  ...topic,
  topicAuthorizedOperations: topic.errorCode === 0 ? TOPIC_OPERATIONS : NO_OPERATIONS,
})

const missing = (name: string | null, topicId: string, error: ErrorName) => ({
  errorCode: codeOf(error),
  name,
  topicId,
  partitions: [],
})

const found = (topic: TopicView, nodes: Nodes) => ({
  errorCode: 0,
  name: topic.name,
  topicId: topic.topicId,
  isInternal: topic.internal,
  partitions: Array.from({ length: topic.partitions }, (_, partition) => {
    const replicas = nodes.replicasOf(topic.topicId, partition, replicationFactorOf(topic))
    return {
      errorCode: 0,
      partitionIndex: partition,
      leaderId: nodes.leaderOf(topic.topicId, partition),
      leaderEpoch: 0,
      replicaNodes: replicas,
      isrNodes: replicas,
      offlineReplicas: [],
    }
  }),
})
