import { array, bool, int16, int32, string, uuid } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { checkTopicName, isInternalTopic } from '../../../cluster/topics.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import { codeOf, type ErrorName, type Failure, isFailure } from '../../../protocol/errors.ts'
import { CLUSTER_OPERATIONS, NO_OPERATIONS, TOPIC_OPERATIONS } from '../answers.ts'
import { api } from '../api.ts'
import { createAsked } from '../creating.ts'
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
    const wrong = request.topics?.map(one => contradiction(one, call.version)).find(error => error !== undefined)
    if (wrong !== undefined) return nothingTold(request.topics!, wrong, call.version)
    const { view, byName, byId } = await call.broker.topics({ fresh: true })
    const all = request.topics === null || (call.version === 0 && request.topics.length === 0)
    // Each once, however often it is named: what is told of a topic may be long.
    const asked = all ? [] : [...new Map(request.topics!.map(one => [`${one.topicId} ${one.name}`, one])).values()]
    const unknown = new Set<string>()
    for (const { topicId, name } of asked)
      if (name !== null && topicId === ZERO_UUID && !byName.has(name) && checkTopicName(name) === undefined)
        unknown.add(name)
    // Before v4 a client could not say.
    const mayCreate = request.allowAutoTopicCreation || call.version < 4
    const created = mayCreate ? await createAsked(call.broker, unknown) : NONE
    const answers = asked.map(({ topicId, name }) => {
      if (topicId !== ZERO_UUID) {
        const topic = byId.get(topicId)
        return topic === undefined ? missing(null, topicId, 'UNKNOWN_TOPIC_ID') : found(topic, call.nodes)
      }
      const topic = byName.get(name!) ?? created.get(name!)
      if (topic === undefined)
        return missing(name, ZERO_UUID, checkTopicName(name!)?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION')
      return isFailure(topic) ? missing(name, ZERO_UUID, topic.error) : found(topic, call.nodes)
    })
    const topics = all ? view.topics.map(topic => found(topic, call.nodes)) : answers
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

const NONE: ReadonlyMap<string, TopicView | Failure> = new Map()

/** Told of topics that are there, to those who ask (KIP-430). */
const allowed = <T extends { readonly errorCode: number }>(topic: T) => ({
  ...topic,
  topicAuthorizedOperations: topic.errorCode === 0 ? TOPIC_OPERATIONS : NO_OPERATIONS,
})

interface Asked {
  readonly topicId: string
  readonly name: string | null
}

/** v10 and v11 have room for topic ids, but do not take them; nothing at all takes Kafka by surprise. */
function contradiction({ topicId, name }: Asked, version: number): ErrorName | undefined {
  if (version < 12 && (topicId !== ZERO_UUID || name === null)) return 'INVALID_REQUEST'
  return topicId === ZERO_UUID && name === null ? 'UNKNOWN_SERVER_ERROR' : undefined
}

/** One topic that is asked for wrongly spoils the request. */
const nothingTold = (topics: readonly Asked[], error: ErrorName, version: number) => ({
  brokers: [],
  topics: topics.map(({ topicId, name }) => missing(name ?? '', topicId, error)),
  errorCode: version >= 13 ? codeOf(error) : 0,
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
  isInternal: isInternalTopic(topic.name),
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
