// Configs: shown with where they come from, and changed in both ways.

import { describeConfigs } from '../../../src/worker/kafka/apis/32-describe-configs.ts'
import { alterConfigs } from '../../../src/worker/kafka/apis/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../../src/worker/kafka/apis/44-incremental-alter-configs.ts'
import type { Scenario, Transcript } from '../transcript.ts'
import { aTopic } from './topics.ts'

const TOPIC = 2
const BROKER = 4
const LOGGER = 8
const METRICS = 16
const GROUP = 32
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3]

const about = (resourceType: number, resourceName: string, ...keys: string[]) => ({
  resourceType,
  resourceName,
  configurationKeys: keys.length === 0 ? null : keys,
})

/** Names of the configs that both have. Edgelog's own are its own; Kafka's groups of them say little about a topic. */
async function shown(to: Transcript, what: string, keys: string[]): Promise<void> {
  await to.settle()
  for (const version of [1, 2, 3, 4])
    await to.call(what, describeConfigs, version, {
      resources: [about(TOPIC, to.topic('t'), ...keys)],
      includeSynonyms: version > 1,
      includeDocumentation: version > 3,
    })
}

const show: Scenario = {
  name: 'showing configs',
  async run(to) {
    await aTopic(to, 't', { configs: { 'retention.ms': '5000', 'cleanup.policy': 'compact,delete' } })
    const { results } = await to.ask(describeConfigs, 4, {
      resources: [about(TOPIC, to.topic('t'))],
      includeSynonyms: true,
      includeDocumentation: true,
    })
    const known = results[0]!.configs.filter(({ name }) => !/^(edgelog|confluent)\./.test(name))
    to.note('all configs of a topic', known)
    await shown(to, 'some configs', ['retention.ms', 'segment.ms', 'max.message.bytes', 'no.such'])
    await to.call('an empty list is all', describeConfigs, 4, { resources: [about(TOPIC, to.topic('unknown'))] })
    const resources = [
      about(TOPIC, to.topic('unknown')),
      about(TOPIC, to.topic('no/slash')),
      about(TOPIC, ''),
      about(BROKER, ''),
      about(BROKER, '77'),
      about(BROKER, 'x'),
      about(BROKER, '0', 'log.retention.ms', 'log.retention.hours', 'message.max.bytes'),
      about(LOGGER, ''),
      about(METRICS, ''),
      about(METRICS, 'x'),
      about(GROUP, ''),
    ]
    for (const resource of resources)
      await to.call(`${resource.resourceType} ${resource.resourceName}`, describeConfigs, 4, {
        resources: [resource],
        includeSynonyms: true,
      })
  },
}

const change = (name: string, configOperation: number, value: string | null) => ({ name, configOperation, value })

const alterOne: Scenario = {
  name: 'changing single configs',
  async run(to) {
    for (const name of ['t', 'u', 'twice']) await aTopic(to, name)
    const alter = (what: string, resourceType: number, resourceName: string, ...configs: ReturnType<typeof change>[]) =>
      to.call(what, incrementalAlterConfigs, 1, {
        resources: [{ resourceType, resourceName, configs }],
        validateOnly: false,
      })
    const t = to.topic('t')
    await alter('set', TOPIC, t, change('retention.ms', SET, '9000'), change('max.message.bytes', SET, '5000'))
    await alter('delete', TOPIC, t, change('max.message.bytes', DELETE, null))
    await alter('append', TOPIC, t, change('cleanup.policy', APPEND, 'compact'))
    await shown(to, 'appended', ['retention.ms', 'max.message.bytes', 'cleanup.policy'])
    await alter('append again', TOPIC, t, change('cleanup.policy', APPEND, 'compact'))
    await alter('subtract', TOPIC, t, change('cleanup.policy', SUBTRACT, 'delete'))
    await shown(to, 'subtracted', ['cleanup.policy'])
    const toList = async (what: string, key: string, operation: number, value: string) => {
      await alter(what, TOPIC, t, change(key, operation, value))
      await to.settle()
      const resources = [about(TOPIC, t, key)]
      await to.call(`${what}: it is`, describeConfigs, 4, { resources })
    }
    await toList('append nothing', 'cleanup.policy', APPEND, '')
    await toList('subtract nothing', 'cleanup.policy', SUBTRACT, '')
    await toList('append nothing to nothing', 'leader.replication.throttled.replicas', APPEND, '')
    await toList('append a comma', 'cleanup.policy', APPEND, ',')
    await toList('append with a gap', 'cleanup.policy', APPEND, 'delete,,compact')
    await toList('append the same twice', 'cleanup.policy', APPEND, 'delete,delete')
    await toList('append with a comma at the end', 'cleanup.policy', APPEND, 'compact,')
    await toList('subtract what is not there', 'cleanup.policy', SUBTRACT, 'keep')
    await toList('subtract all', 'cleanup.policy', SUBTRACT, 'delete,compact')
    await toList('append nothing to an empty policy', 'cleanup.policy', APPEND, '')
    await toList('append to an empty policy', 'cleanup.policy', APPEND, 'compact')
    await toList('set a policy to nothing', 'cleanup.policy', SET, '')
    await toList('set a policy again', 'cleanup.policy', SET, 'compact')
    await alter('append to what is no list', TOPIC, t, change('retention.ms', APPEND, '1'))
    await alter('an unknown config', TOPIC, t, change('no.such', SET, '1'))
    await alter('an unknown config deleted', TOPIC, t, change('no.such', DELETE, null))
    await alter('a wrong value', TOPIC, t, change('retention.ms', SET, 'soon'))
    await alter('a value too low', TOPIC, t, change('segment.ms', SET, '0'))
    await alter('no value', TOPIC, t, change('retention.ms', SET, null), change('segment.ms', SET, null))
    await alter('a config twice', TOPIC, t, change('retention.ms', SET, '1'), change('retention.ms', DELETE, null))
    await alter('nothing', TOPIC, t)
    await alter('one good, one not', TOPIC, t, change('retention.ms', SET, '7'), change('segment.ms', SET, 'x'))
    await shown(to, 'so nothing changed', ['retention.ms', 'segment.ms'])
    await alter('an unknown topic', TOPIC, to.topic('unknown'), change('retention.ms', SET, '1'))
    await alter('an unknown topic, a wrong value', TOPIC, to.topic('unknown'), change('retention.ms', SET, 'x'))
    await alter('an illegal topic', TOPIC, to.topic('no/slash'), change('retention.ms', SET, '1'))
    await alter('no topic', TOPIC, '', change('retention.ms', SET, '1'))
    await alter('another broker', BROKER, '77', change('log.retention.ms', SET, '1'))
    await alter('no broker', BROKER, 'x', change('log.retention.ms', SET, '1'))
    await alter('what no broker has, deleted', BROKER, '', change('leader.replication.throttled.rate', DELETE, null))
    await alter('no resource', 3, 'x', change('log.retention.ms', SET, '1'))
    await alter(
      'conflicting lags',
      TOPIC,
      t,
      change('min.compaction.lag.ms', SET, '9'),
      change('max.compaction.lag.ms', SET, '8'),
    )
    const twice = { resourceType: TOPIC, resourceName: to.topic('twice'), configs: [change('retention.ms', SET, '1')] }
    const { responses } = await to.ask(incrementalAlterConfigs, 1, { resources: [twice, twice], validateOnly: false })
    to.note('a resource twice', responses[0])
    await to.call('only validating', incrementalAlterConfigs, 0, {
      resources: [
        { resourceType: TOPIC, resourceName: t, configs: [change('retention.ms', SET, '1')] },
        { resourceType: TOPIC, resourceName: to.topic('u'), configs: [change('retention.ms', SET, 'x')] },
      ],
      validateOnly: true,
    })
    await shown(to, 'so nothing changed', ['retention.ms'])
  },
}

const alterAll: Scenario = {
  name: 'replacing all configs',
  async run(to) {
    await aTopic(to, 't', { configs: { 'retention.ms': '5000', 'segment.ms': '6000' } })
    const alter = (what: string, version: number, resourceName: string, configs: Record<string, string | null>) =>
      to.call(what, alterConfigs, version, {
        resources: [
          {
            resourceType: TOPIC,
            resourceName,
            configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
          },
        ],
        validateOnly: false,
      })
    const t = to.topic('t')
    for (const version of [0, 1, 2]) await alter('set', version, t, { 'retention.ms': String(7000 + version) })
    await shown(to, 'what was not named is the default', ['retention.ms', 'segment.ms'])
    await alter('a wrong value', 2, t, { 'retention.ms': 'x' })
    await alter('no value', 2, t, { 'retention.ms': null })
    await alter('an unknown config', 2, t, { 'no.such': '1' })
    await alter('an unknown topic', 2, to.topic('unknown'), { 'retention.ms': '1' })
    await alter('nothing', 2, t, {})
    await shown(to, 'all are defaults', ['retention.ms', 'segment.ms'])
    await to.call('loggers', alterConfigs, 2, {
      resources: [{ resourceType: LOGGER, resourceName: '0', configs: [{ name: 'x', value: 'INFO' }] }],
      validateOnly: false,
    })
  },
}

export const configs = [show, alterOne, alterAll]
