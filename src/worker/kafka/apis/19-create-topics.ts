import { array, bool, int16, int32, int8, string, uuid } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import type { Overrides } from '../../../cluster/configs.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'
import { change } from '../changing.ts'
import { topicEntries } from '../configs.ts'
import { replicationFactorOf } from '../nodes.ts'

/**
 * Creates topics, or only says whether that would work.
 * v4 lets the broker choose partitions and replication factor with -1 (KIP-464), v5 is flexible and answers with the configs
 * (KIP-525), v6 may be throttled (KIP-599), v7 answers with the topic id (KIP-516).
 */
export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexible: '5+',
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string().nullable(),
      }),
    }),
    timeoutMs: int32().or(60000),
    validateOnly: bool().or(false),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      topicId: uuid().in('7+'),
      errorCode: int16(),
      errorMessage: string().nullable(),
      topicConfigErrorCode: int16().tagged(0, '5+'),
      numPartitions: int32().in('5+').or(-1),
      replicationFactor: int16().in('5+').or(-1),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().or(-1),
        isSensitive: bool(),
      })
        .in('5+')
        .nullable(),
    }),
  },
  async handle({ topics, validateOnly }, { broker, nodes }) {
    const wanted = topics.filter(({ assignments }) => assignments.length === 0)
    const results = await change(broker, wanted, cluster =>
      cluster.createTopics(
        wanted.map(({ name, numPartitions, replicationFactor, configs }) => ({
          name,
          partitions: numPartitions,
          replicationFactor,
          brokers: nodes.all.length,
          config: Object.fromEntries(configs.map(config => [config.name, config.value])),
        })),
        { validateOnly },
      ),
    )
    const answers = new Map<string, TopicView | Failure>()
    for (const topic of topics) if (topic.assignments.length > 0) answers.set(topic.name, assigned(topic))
    wanted.forEach(({ name }, i) => answers.set(name, results[i]!))
    return { topics: Array.from(answers, ([name, result]) => told(name, result, broker.configs)) }
  },
})

function assigned({ numPartitions, replicationFactor }: { numPartitions: number; replicationFactor: number }): Failure {
  if (replicationFactor !== -1)
    return failure(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  if (numPartitions !== -1)
    return failure(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  return failure(
    'INVALID_REPLICA_ASSIGNMENT',
    'Replicas are placed by the platform and cannot be assigned; leave the assignments out.',
  )
}

function told(name: string, result: TopicView | Failure, broker: Overrides) {
  if (isFailure(result)) return { name, ...refused(result), configs: [] }
  return {
    name,
    topicId: result.topicId,
    ...DONE,
    numPartitions: result.partitions,
    replicationFactor: replicationFactorOf(result),
    configs: topicEntries(result.config, broker),
  }
}
