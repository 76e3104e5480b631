import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { checkTopicName } from '../../../cluster/topics.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { refused } from '../answers.ts'
import { api, type Call } from '../api.ts'
import { brokerEntries, type ConfigEntry, topicEntries } from '../configs.ts'
import { brokerIdOf, idsOf, resourceTypes } from '../resources.ts'

/**
 * The configs of topics and brokers, with where each value comes from.
 * v1 tells sources and synonyms (KIP-226), v3 types and documentation (KIP-569), v4 is flexible.
 */
export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexible: '4+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string()).nullable(),
    }),
    includeSynonyms: bool().or(false),
    includeDocumentation: bool().in('3+').or(false),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().or(-1),
        isSensitive: bool(),
        synonyms: array({
          name: string(),
          value: string().nullable(),
          source: int8(),
        }),
        configType: int8().in('3+').or(0),
        documentation: string().in('3+').nullable(),
      }),
    }),
  },
  async handle({ resources, includeSynonyms, includeDocumentation }, call) {
    const { byName } = await call.broker.topics({ fresh: true })
    let left = MAX_ENTRIES
    const results = resources.map(({ resourceType, resourceName, configurationKeys }) => {
      const found = left > 0 ? entriesOf(resourceType, resourceName, byName, call) : TOO_MANY
      if (isFailure(found)) return { ...refused(found), resourceType, resourceName, configs: [] }
      const keys = new Set(configurationKeys ?? [])
      const configs = keys.size === 0 ? found : found.filter(({ name }) => keys.has(name))
      left -= configs.length
      return {
        errorCode: 0,
        errorMessage: '',
        resourceType,
        resourceName,
        configs: configs.map(({ synonyms, documentation, ...config }) => ({
          ...config,
          synonyms: includeSynonyms ? synonyms : [],
          documentation: includeDocumentation ? documentation : null,
        })),
      }
    })
    return { results }
  },
})

/** Configs in one response: as many as 5,000 topics have. */
const MAX_ENTRIES = 175_000
const TOO_MANY = failure('INVALID_REQUEST', 'These are too many resources for one response; ask for fewer at a time.')

function entriesOf(
  type: number,
  name: string,
  topics: ReadonlyMap<string, TopicView>,
  { broker, nodes }: Call,
): readonly ConfigEntry[] | Failure {
  switch (type) {
    case resourceTypes.topic: {
      const topic = topics.get(name)
      if (topic !== undefined) return topicEntries(topic.config, broker.configs)
      return checkTopicName(name) ?? failure('UNKNOWN_TOPIC_OR_PARTITION')
    }
    case resourceTypes.broker: {
      // The configs of all brokers that were changed at run time: none can be.
      if (name === '') return []
      const id = brokerIdOf(name)
      if (id === undefined) return failure('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`)
      if (nodes.has(id)) return brokerEntries(broker.configs, nodes.all[id]!)
      return failure(
        'INVALID_REQUEST',
        `Unexpected broker id, expected ${idsOf(nodes)} or empty string, but received ${name}`,
      )
    }
    case resourceTypes.brokerLogger:
      if (name === '') return failure('INVALID_REQUEST', 'Broker id must not be empty')
      return failure('INVALID_REQUEST', 'The broker has no loggers whose levels could be shown.')
    case resourceTypes.clientMetrics:
      return name === '' ? failure('INVALID_REQUEST', 'Client metrics subscription name must not be empty') : []
    case resourceTypes.group:
      return name === '' ? failure('INVALID_REQUEST', 'Group name must not be empty') : []
    default:
      return failure('INVALID_REQUEST', `Unsupported resource type: ${type}`)
  }
}
