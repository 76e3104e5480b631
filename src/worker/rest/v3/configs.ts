// Configs of v3: of topics, which change; of brokers and of the whole cluster, which the environment sets.

import * as z from 'zod'
import type { ConfigChange, TopicView } from '../../../cluster/cluster.ts'
import { failure, isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { readChecked } from '../../json-body.ts'
import { brokerEntries, type ConfigEntry, topicEntries } from '../../kafka/configs.ts'
import { change } from '../../kafka/changing.ts'
import { type RestFailure, restFailure } from '../errors.ts'
import { nodeOf } from './clusters.ts'
import { type Call, type Found, NOT_FOUND, noContent, route } from './route.ts'
import { topicOf } from './topics.ts'

/** Configs in one list of all topics: as many as 5,000 topics have. */
const MAX_ENTRIES = 175_000

const A_STRING = 'must be a string or null'
const update = z.object({ value: z.string(A_STRING).nullish() }, 'must be an object')
const batch = z.object(
  {
    data: z.array(
      z.object(
        {
          name: z.string('must be a string'),
          value: z.string(A_STRING).nullish(),
          operation: z.enum(['SET', 'DELETE'], 'must be SET or DELETE').nullish(),
        },
        'must be an object',
      ),
      'must be a list of changes',
    ),
    validate_only: z.boolean('must be true or false').nullish(),
  },
  'must be an object',
)

export function mountConfigs(app: App): void {
  mountTopicConfigs(app)
  mountBrokerConfigs(app)
  mountClusterConfigs(app)
}

function mountTopicConfigs(app: App): void {
  route(app, 'GET', '/topics/-/configs', async call => {
    const { topics } = await call.broker.view({ fresh: true })
    const configs = []
    for (const topic of topics.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      if (configs.length < MAX_ENTRIES) configs.push(...ofTopic(call, topic))
    return call.links.list('KafkaTopicConfig', ['topics', '-', 'configs'], configs)
  })
  route(app, 'GET', '/topics/:topic/configs', async call => {
    const topic = await topicOf(call)
    if (isFailure(topic)) return topic
    return call.links.list('KafkaTopicConfig', ['topics', topic.name, 'configs'], ofTopic(call, topic))
  })
  route(app, 'POST', '/topics/:topic/:action{configs:alter}', async call => {
    const asked = await readChecked(call.c.req.raw, batch)
    if (asked instanceof Response) return asked
    const changes = asked.data.map(({ name, value, operation }) => ({
      key: name,
      operation: operation ?? 'SET',
      value: value ?? null,
    }))
    return alter(call, changes, asked.validate_only === true)
  })
  const path = '/topics/:topic/configs/:name'
  route(app, 'GET', path, async call => {
    const topic = await topicOf(call)
    if (isFailure(topic)) return topic
    return ofTopic(call, topic).find(({ name }) => name === call.param('name')) ?? NOT_FOUND
  })
  route(app, 'PUT', path, async call => {
    const asked = await readChecked(call.c.req.raw, update)
    if (asked instanceof Response) return asked
    return alter(call, [{ key: call.param('name'), operation: 'SET', value: asked.value ?? null }])
  })
  route(app, 'DELETE', path, call => alter(call, [{ key: call.param('name'), operation: 'DELETE', value: null }]))
}

/** All changes or none. */
async function alter(call: Call, changes: readonly ConfigChange[], validateOnly = false): Promise<Found> {
  const topic = await topicOf(call)
  if (isFailure(topic)) return topic
  const { name } = topic
  const known = new Set(topicEntries(topic.config, call.broker.configs).map(entry => entry.name))
  const unknown = changes.find(({ key }) => !known.has(key))
  if (unknown !== undefined) return noConfig(call, unknown.key, 'TOPIC', name)
  const empty = changes.find(({ operation, value }) => operation !== 'DELETE' && value === null)
  if (empty !== undefined) return failure('INVALID_REQUEST', `Null value not supported for : ${empty.key}`)
  const [altered] = await change(call.broker, [topic], cluster =>
    cluster.alterConfigs([{ name, changes }], { validateOnly }),
  )
  return isFailure(altered) ? altered : noContent()
}

function mountBrokerConfigs(app: App): void {
  route(app, 'GET', '/brokers/-/configs', call => {
    const configs = call.nodes.all.flatMap(({ nodeId }) => ofBroker(call, nodeId))
    return call.links.list('KafkaBrokerConfig', ['brokers', '-', 'configs'], configs)
  })
  route(app, 'GET', '/brokers/:broker/configs', call => {
    const node = nodeOf(call)
    if (node === undefined) return noBroker(call)
    return call.links.list('KafkaBrokerConfig', ['brokers', node.nodeId, 'configs'], ofBroker(call, node.nodeId))
  })
  route(app, 'GET', '/brokers/:broker/configs/:name', call => {
    const node = nodeOf(call)
    if (node === undefined) return noBroker(call)
    return ofBroker(call, node.nodeId).find(({ name }) => name === call.param('name')) ?? NOT_FOUND
  })
  const fixed = (call: Call): Found => (nodeOf(call) === undefined ? noBroker(call) : FIXED)
  route(app, 'POST', '/brokers/:broker/:action{configs:alter}', fixed)
  route(app, 'PUT', '/brokers/:broker/configs/:name', fixed)
  route(app, 'DELETE', '/brokers/:broker/configs/:name', fixed)
}

/** Configs of all brokers that were set at run time: there are none. */
function mountClusterConfigs(app: App): void {
  route(app, 'GET', '/broker-configs', ({ links }) => links.list('KafkaClusterConfig', ['broker-configs'], []))
  route(app, 'POST', '/:action{broker-configs:alter}', () => FIXED)
  const path = '/broker-configs/:name'
  route(app, 'GET', path, () => NOT_FOUND)
  route(app, 'PUT', path, () => FIXED)
  route(app, 'DELETE', path, call => noConfig(call, call.param('name'), 'BROKER', ''))
}

const FIXED = failure(
  'INVALID_REQUEST',
  'The environment of the broker sets its configs, as EDGELOG_LOG_RETENTION_HOURS sets log.retention.hours; they cannot be changed here.',
)

const noConfig = ({ clusterId }: Call, key: string, type: 'TOPIC' | 'BROKER', name: string): RestFailure =>
  restFailure(404, `Config ${key} cannot be found for ${type} ${name} in cluster ${clusterId}.`)

const noBroker = ({ param, clusterId }: Call): RestFailure =>
  restFailure(404, `Broker ${param('broker')} cannot be found in cluster ${clusterId}.`)

const ofTopic = ({ links, broker }: Call, { name, config }: TopicView) =>
  topicEntries(config, broker.configs).map(entry =>
    links.resource('KafkaTopicConfig', ['topics', name, 'configs', entry.name], ['topic', name, 'config', entry.name], {
      topic_name: name,
      ...configData(entry),
    }),
  )

const ofBroker = ({ links, broker, nodes }: Call, id: number) =>
  brokerEntries(broker.configs, nodes.all[id]!).map(entry =>
    links.resource(
      'KafkaBrokerConfig',
      ['brokers', id, 'configs', entry.name],
      ['broker', String(id), 'config', entry.name],
      { broker_id: id, ...configData(entry) },
    ),
  )

/** Kafka's ConfigSource by number. */
const SOURCES: Readonly<Record<number, string>> = {
  1: 'DYNAMIC_TOPIC_CONFIG',
  4: 'STATIC_BROKER_CONFIG',
  5: 'DEFAULT_CONFIG',
}
const DEFAULT = 5

const sourceOf = (source: number): string => SOURCES[source] ?? 'UNKNOWN'

const configData = ({ name, value, configSource, readOnly, isSensitive, synonyms }: ConfigEntry) => ({
  name,
  value,
  is_default: configSource === DEFAULT,
  is_read_only: readOnly,
  is_sensitive: isSensitive,
  source: sourceOf(configSource),
  synonyms: synonyms.map(synonym => ({
    name: synonym.name,
    value: synonym.value,
    source: sourceOf(synonym.source),
  })),
})
