import { array, bool, int16, int32, string, struct, uuid } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { checkTopicName, isInternalTopic } from '../../../cluster/topics.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import { codeOf, type ErrorName } from '../../../protocol/errors.ts'
import { NO_OPERATIONS, TOPIC_OPERATIONS } from '../answers.ts'
import { api } from '../api.ts'
import { type Nodes, replicationFactorOf } from '../nodes.ts'

/** Topics with their partitions, a page at a time (KIP-966). */
export const describeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32().or(2000),
    cursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    })
      .nullable()
      .or(null),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      errorCode: int16(),
      name: string().nullable(),
      topicId: uuid(),
      isInternal: bool().or(false),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().or(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32()).nullable().or(null),
        lastKnownElr: array(int32()).nullable().or(null),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32().or(-2147483648),
    }),
    nextCursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    })
      .nullable()
      .or(null),
  },
  async handle({ topics, responsePartitionLimit, cursor }, { broker, nodes }) {
    const { view, byName } = await broker.topics({ fresh: true })
    const names = topics.length === 0 ? view.topics.map(({ name }) => name) : topics.map(({ name }) => name)
    const from = cursor?.topicName ?? ''
    const wanted = [...new Set(names)].filter(name => name >= from).sort(byCodeUnit)
    const strange = cursor !== null && (cursor.partitionIndex < 0 || (topics.length > 0 && wanted[0] !== from))
    if (strange)
      return {
        topics: topics.map(({ name }) => ({
          ...missing(name, 'INVALID_REQUEST'),
          topicAuthorizedOperations: NO_OPERATIONS,
        })),
      }
    let left = Math.max(Math.min(responsePartitionLimit, MAX_PARTITIONS), 1)
    const answers = []
    for (const name of wanted) {
      if (left === 0) return { topics: answers, nextCursor: { topicName: name, partitionIndex: 0 } }
      const topic = byName.get(name)
      if (topic === undefined) {
        if (topics.length > 0) answers.push(missing(name, checkTopicName(name)?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION'))
        continue
      }
      const first = name === from ? cursor!.partitionIndex : 0
      const end = Math.min(topic.partitions, first + left)
      answers.push(page(topic, first, end, nodes))
      if (end < topic.partitions) return { topics: answers, nextCursor: { topicName: name, partitionIndex: end } }
      left -= Math.max(end - first, 0)
    }
    return { topics: answers }
  },
})

/** Kafka's `max.request.partition.size.limit`. */
const MAX_PARTITIONS = 2_000

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : 1)

const missing = (name: string, error: ErrorName) => ({
  errorCode: codeOf(error),
  name,
  topicId: ZERO_UUID,
  isInternal: isInternalTopic(name),
  partitions: [],
  topicAuthorizedOperations: TOPIC_OPERATIONS,
})

function page(topic: TopicView, first: number, end: number, nodes: Nodes) {
  const { name, topicId } = topic
  const partitions = []
  for (let partitionIndex = first; partitionIndex < end; partitionIndex++) {
    const replicas = nodes.replicasOf(topicId, partitionIndex, replicationFactorOf(topic))
    partitions.push({
      errorCode: 0,
      partitionIndex,
      leaderId: nodes.leaderOf(topicId, partitionIndex),
      leaderEpoch: 0,
      replicaNodes: replicas,
      isrNodes: replicas,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })
  }
  return {
    errorCode: 0,
    name,
    topicId,
    isInternal: isInternalTopic(topic.name),
    partitions,
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  }
}
