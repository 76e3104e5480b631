// /v1/topics: create, list, look at, change and delete topics.

import * as z from 'zod'
import type { TopicView } from '../cluster/cluster.ts'
import { MAX_PARTITIONS_PER_TOPIC } from '../cluster/topics.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import { type App, route } from './app.ts'
import type { Broker } from './broker.ts'
import { readChecked, unknownMembers } from './json-body.ts'
import { nothing, topicParam } from './parameters.ts'
import { problem } from './problem.ts'
import { topicSchema } from './schemas.ts'

/** Partitions asked at once for what a topic looks like, and in all for one list. */
const ASKED_TOGETHER = 50
const MAX_LISTED_PARTITIONS = 1_000

const A_CONFIG = 'must be a string, a number, a boolean or null; a number beyond 2^53 is a string'
const number = z.number().refine(value => !Number.isInteger(value) || Number.isSafeInteger(value), A_CONFIG)
const configValue = z.union([z.string(), number, z.boolean(), z.null(), z.array(z.string())], A_CONFIG)
const config = z.record(z.string(), configValue, 'must be an object of configs').meta({
  id: 'TopicConfig',
  description: "Kafka's topic configs by name. Null: the default.",
  example: { 'retention.ms': 3_600_000, 'cleanup.policy': 'delete' },
})
type Configs = z.output<typeof config>
const A_COUNT = `must be an integer from 1 to ${MAX_PARTITIONS_PER_TOPIC}`
const partitions = z.int(A_COUNT).min(1, A_COUNT).max(MAX_PARTITIONS_PER_TOPIC, A_COUNT)

const newTopicSchema = z
  .strictObject(
    { name: z.string('must be a string'), partitions: partitions.optional(), config: config.optional() },
    unknownMembers('name, partitions, config'),
  )
  .meta({ id: 'NewTopic' })
const topicChangesSchema = z
  .strictObject({ partitions: partitions.optional(), config: config.optional() }, unknownMembers('partitions, config'))
  .meta({ id: 'TopicChanges' })

const aTopic = { 'application/json': { schema: topicSchema } }
const params = z.object({ topic: topicParam })
const tag = 'Topics'

export function mountTopics(app: App): void {
  route(
    app,
    {
      method: 'post',
      path: '/v1/topics',
      tag,
      summary: 'Create a topic',
      description: "Without `partitions` it has as many as the broker's `num.partitions` says.",
      params: nothing,
      query: nothing,
      body: { 'application/json': { schema: newTopicSchema } },
      answers: { 201: { description: 'The topic.', content: aTopic } },
    },
    async c => {
      const asked = await readChecked(c.req.raw, newTopicSchema)
      if (asked instanceof Response) return asked
      const { name, partitions, config = {} } = asked
      const [created] = await c.var.broker.cluster.createTopics([
        { name, config: texts(config, 'absent'), ...(partitions === undefined ? {} : { partitions }) },
      ])
      await c.var.broker.view({ fresh: true })
      return answer(c.var.broker, created!, 201, { location: `/v1/topics/${encodeURIComponent(name)}` })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/topics',
      tag,
      summary: 'List the topics',
      description: `Of more than ${MAX_LISTED_PARTITIONS} partitions, the rest come with their number alone.`,
      params: nothing,
      query: nothing,
      answers: {
        200: {
          description: 'All topics, by name.',
          content: { 'application/json': { schema: z.object({ topics: z.array(topicSchema) }) } },
        },
      },
    },
    async c => {
      const { broker } = c.var
      const { topics } = await broker.view({ fresh: true })
      const sorted = topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      return c.json({ topics: await described(broker, sorted, MAX_LISTED_PARTITIONS) })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/topics/{topic}',
      tag,
      summary: 'Look at a topic',
      params,
      query: nothing,
      answers: { 200: { description: 'The topic.', content: aTopic } },
    },
    async (c, { params }) => {
      const { broker } = c.var
      await broker.view({ fresh: true })
      return answer(broker, await broker.topic(params.topic))
    },
  )
  route(
    app,
    {
      method: 'patch',
      path: '/v1/topics/{topic}',
      tag,
      summary: 'Add partitions to a topic, or change its configs',
      description:
        'What is not named stays; a config of null goes back to its default. Partitions can only become more.',
      params,
      query: nothing,
      body: { 'application/json': { schema: topicChangesSchema } },
      answers: { 200: { description: 'The topic as it is now.', content: aTopic } },
    },
    async (c, { params: { topic } }) => {
      const asked = await readChecked(c.req.raw, topicChangesSchema)
      if (asked instanceof Response) return asked
      return answer(c.var.broker, await change(c.var.broker, topic, asked))
    },
  )
  route(
    app,
    {
      method: 'delete',
      path: '/v1/topics/{topic}',
      tag,
      summary: 'Delete a topic and everything in it',
      params,
      query: nothing,
      answers: { 204: { description: 'It is gone.' } },
    },
    async (c, { params: { topic } }) => {
      const [deleted] = await c.var.broker.cluster.deleteTopics([{ name: topic }])
      await c.var.broker.view({ fresh: true })
      return isFailure(deleted) ? problem(deleted) : c.body(null, 204)
    },
  )
}

/** Both changes or none, as far as they can be judged before the first is made. */
async function change(
  broker: Broker,
  name: string,
  { partitions, config }: z.output<typeof topicChangesSchema>,
): Promise<TopicView | Failure> {
  const topic = await broker.topic(name)
  if (isFailure(topic)) return topic
  const growth = partitions === undefined || partitions === topic.partitions ? [] : [{ name, count: partitions }]
  const changes = Object.entries(texts(config ?? {}, 'null')).map(([key, value]) => ({
    key,
    operation: value === null ? ('DELETE' as const) : ('SET' as const),
    value,
  }))
  const { cluster } = broker
  if (growth.length > 0 && changes.length > 0) {
    const [refused] = await cluster.alterConfigs([{ name, changes }], { validateOnly: true })
    if (isFailure(refused)) return refused
  }
  let changed: TopicView | Failure = topic
  if (growth.length > 0) changed = (await cluster.createPartitions(growth))[0]!
  if (!isFailure(changed) && changes.length > 0) changed = (await cluster.alterConfigs([{ name, changes }]))[0]!
  await broker.view({ fresh: true })
  return changed
}

/** Configs as the texts Kafka has them in. */
function texts(config: Configs, absent: 'absent' | 'null'): Record<string, string | null> {
  const entries = Object.entries(config)
    .filter(([, value]) => value !== null || absent === 'null')
    .map(([key, value]) => [key, value === null ? null : String(value)] as const)
  return Object.fromEntries(entries)
}

async function answer(
  broker: Broker,
  topic: TopicView | Failure,
  status = 200,
  headers: Record<string, string> = {},
): Promise<Response> {
  if (isFailure(topic)) return problem(topic)
  const [body] = await described(broker, [topic], MAX_PARTITIONS_PER_TOPIC)
  return Response.json(body, { status, headers })
}

/** Topics with what their partitions say of themselves, as many as may be asked. */
async function described(broker: Broker, topics: readonly TopicView[], mayAsk: number) {
  const shown = topics.map(({ name, topicId, partitions, config }) => ({
    name,
    topicId,
    partitions: Array.from({ length: partitions }, (_, partition): Record<string, number> => ({ partition })),
    config,
  }))
  const asked = topics
    .flatMap((topic, i) => shown[i]!.partitions.map(partition => ({ topic, partition })))
    .slice(0, mayAsk)
  for (let at = 0; at < asked.length; at += ASKED_TOGETHER)
    await Promise.all(
      asked.slice(at, at + ASKED_TOGETHER).map(async ({ topic, partition }) => {
        const description = await broker.describe(topic, partition['partition']!)
        if (isFailure(description)) return
        const { logStartOffset, highWatermark, sizeBytes, segments } = description
        Object.assign(partition, { logStartOffset, highWatermark, sizeBytes, segments })
      }),
    )
  return shown
}
