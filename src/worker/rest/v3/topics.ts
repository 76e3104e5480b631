// /v3/clusters/{id}/topics: list, look at, create, grow and delete topics.

import * as z from 'zod'
import type { TopicView } from '../../../cluster/cluster.ts'
import { checkTopicName } from '../../../cluster/topics.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { readChecked } from '../../json-body.ts'
import { change } from '../../kafka/changing.ts'
import { replicationFactorOf } from '../../kafka/nodes.ts'
import { restFailure } from '../errors.ts'
import { type Call, noContent, route } from './route.ts'

const AN_INTEGER = 'must be an integer'
const newTopic = z.object(
  {
    topic_name: z.string('must be a string'),
    partitions_count: z.int32(AN_INTEGER).nullish(),
    replication_factor: z.int32(AN_INTEGER).nullish(),
    replicas_assignments: z.record(z.string(), z.array(z.int32(AN_INTEGER))).nullish(),
    configs: z.array(z.object({ name: z.string('must be a string'), value: z.string().nullish() })).nullish(),
    validate_only: z.boolean('must be true or false').nullish(),
  },
  'must be an object',
)
const growth = z.object({ partitions_count: z.int32(AN_INTEGER) }, 'must be an object')

export function mountTopics(app: App): void {
  route(app, 'GET', '/topics', async call => {
    const { topics } = await call.broker.view({ fresh: true })
    const sorted = topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    return call.links.list(
      'KafkaTopic',
      ['topics'],
      sorted.map(topic => topicData(call, topic)),
    )
  })
  route(app, 'POST', '/topics', createTopic)
  route(app, 'GET', '/topics/:topic', async call => {
    const topic = await topicOf(call)
    return isFailure(topic) ? topic : topicData(call, topic)
  })
  route(app, 'PATCH', '/topics/:topic', async call => {
    const asked = await readChecked(call.c.req.raw, growth)
    if (asked instanceof Response) return asked
    const wanted = [{ name: call.param('topic'), count: asked.partitions_count }]
    const [grown] = await change(call.broker, wanted, cluster => cluster.createPartitions(wanted))
    return isFailure(grown) ? grown : topicData(call, grown!)
  })
  route(app, 'DELETE', '/topics/:topic', async call => {
    const wanted = [{ name: call.param('topic') }]
    const [deleted] = await change(call.broker, wanted, cluster => cluster.deleteTopics(wanted))
    return isFailure(deleted) ? deleted : noContent()
  })
}

/** The topic that the path names, as it is now. */
export async function topicOf({ broker, param }: Call): Promise<TopicView | Failure> {
  const { byName } = await broker.topics({ fresh: true })
  return byName.get(param('topic')) ?? failure('UNKNOWN_TOPIC_OR_PARTITION')
}

async function createTopic(call: Call) {
  const { c, broker, nodes } = call
  if (c.req.raw.body === null) return restFailure(42206, 'Payload error. Request body is empty. Data is required.')
  const asked = await readChecked(c.req.raw, newTopic)
  if (asked instanceof Response) return asked
  const { topic_name: name, partitions_count, replication_factor, configs, validate_only } = asked
  if (checkTopicName(name) !== undefined) return restFailure(42206, 'Payload error. Invalid topic name.')
  if (Object.keys(asked.replicas_assignments ?? {}).length > 0)
    return failure('INVALID_REQUEST', 'Replicas are placed by the platform; leave replicas_assignments out.')
  const topic = {
    name,
    partitions: partitions_count ?? -1,
    replicationFactor: replication_factor ?? -1,
    brokers: nodes.all.length,
    config: Object.fromEntries((configs ?? []).map(config => [config.name, config.value ?? null])),
  }
  const validateOnly = validate_only === true
  const [created] = await change(broker, [topic], cluster => cluster.createTopics([topic], { validateOnly }))
  if (isFailure(created)) return created
  const data = topicData(call, created!)
  return Response.json(data, { status: validateOnly ? 200 : 201, headers: { location: data.metadata.self } })
}

function topicData({ links }: Call, topic: TopicView) {
  const { name } = topic
  return links.resource('KafkaTopic', ['topics', name], ['topic', name], {
    topic_name: name,
    is_internal: topic.internal,
    replication_factor: replicationFactorOf(topic),
    partitions_count: topic.partitions,
    partitions: links.related('topics', name, 'partitions'),
    configs: links.related('topics', name, 'configs'),
    partition_reassignments: links.related('topics', name, 'partitions', '-', 'reassignment'),
    authorized_operations: [],
  })
}
