// What operators look at: the cluster and its configs, a topic's configs with where they come from, a partition's
// segments, and transactions.

import * as z from 'zod'
import { isFailure } from '../protocol/errors.ts'
import { type App, route } from './app.ts'
import { brokerEntries, type ConfigEntry, topicEntries } from './kafka/configs.ts'
import { Nodes } from './kafka/nodes.ts'
import { nothing, partitionParam, topicParam } from './parameters.ts'
import { problem } from './problem.ts'
import { topicToRead } from './reading.ts'

/** Transactions in one answer. */
const MAX_LISTED = 10_000

/** Kafka's ConfigSource, by number. */
const SOURCES: Readonly<Record<number, string>> = { 1: 'TOPIC', 4: 'STATIC_BROKER', 5: 'DEFAULT' }

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

const configSchema = z
  .object({
    name: z.string(),
    value: z.string().nullable(),
    source: z.enum(['TOPIC', 'STATIC_BROKER', 'DEFAULT']).meta({ description: 'Who set it, in the words of Kafka.' }),
    readOnly: z.boolean(),
    documentation: z.string(),
  })
  .meta({ id: 'Config' })

const clusterSchema = z
  .object({
    clusterId: z.string(),
    controllerId: z.int(),
    brokers: z.array(z.object({ nodeId: z.int(), host: z.string(), port: z.int() })),
    topics: z.int(),
    partitions: z.int(),
    config: z.array(configSchema),
  })
  .meta({ id: 'Cluster' })

const segmentSchema = z
  .object({
    baseOffset: z.int(),
    nextOffset: z.int(),
    sizeBytes: z.int(),
    chunks: z.int().meta({ description: 'Rows it is stored in: commits, as a rule.' }),
    createdMs: z.int(),
    maxTimestamp: z.int().meta({ description: '-1 while it is empty.' }),
    generation: z.int().meta({ description: 'How often compaction has rewritten it.' }),
    active: z.boolean(),
  })
  .meta({ id: 'Segment' })

const transactionSchema = z
  .object({ transactionalId: z.string(), producerId: z.int(), state: z.string(), startMs: z.int() })
  .meta({ id: 'ListedTransaction' })

export function mountLooking(app: App): void {
  route(
    app,
    {
      method: 'get',
      path: '/v1/cluster',
      tag: 'Cluster',
      summary: 'Look at the cluster: its brokers and their configs',
      params: nothing,
      query: nothing,
      answers: { 200: { description: 'The cluster.', content: json(clusterSchema) } },
    },
    async c => {
      const { broker } = c.var
      const nodes = Nodes.parse(c.env.EDGELOG_BROKERS)
      const { clusterId, topics } = await broker.view()
      return c.json({
        clusterId,
        controllerId: nodes.controllerId,
        brokers: nodes.all,
        topics: topics.length,
        partitions: topics.reduce((sum, { partitions }) => sum + partitions, 0),
        config: brokerEntries(broker.configs, nodes.all[0]!).map(shown),
      })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/topics/{topic}/config',
      tag: 'Topics',
      summary: "A topic's configs, with where each comes from",
      params: z.object({ topic: topicParam }),
      query: nothing,
      answers: {
        200: { description: 'All configs.', content: json(z.object({ config: z.array(configSchema) })) },
      },
    },
    async (c, { params }) => {
      const topic = await c.var.broker.topic(params.topic)
      if (isFailure(topic)) return problem(topic)
      return c.json({ config: topicEntries(topic.config, c.var.broker.configs).map(shown) })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/topics/{topic}/partitions/{partition}/segments',
      tag: 'Topics',
      summary: "A partition's segments",
      params: z.object({ topic: topicParam, partition: partitionParam }),
      query: nothing,
      answers: {
        200: {
          description: 'From the oldest to the active one.',
          content: json(z.object({ segments: z.array(segmentSchema) })),
        },
      },
    },
    async (c, { params: { topic: name, partition } }) => {
      const { broker } = c.var
      const topic = await topicToRead(broker, name, partition)
      if (isFailure(topic)) return problem(topic)
      const segments = await broker.segments(topic, partition)
      if (isFailure(segments)) return problem(segments)
      return c.json({ segments: segments.map((segment, i) => ({ ...segment, active: i === segments.length - 1 })) })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/transactions',
      tag: 'Transactions',
      summary: 'List transactional ids and how their transactions stand',
      params: nothing,
      query: z.object({
        after: z.string().default('').meta({ description: 'Those whose id comes after this one only.' }),
      }),
      answers: {
        200: {
          description: `By transactional id, ${MAX_LISTED} at most.`,
          content: json(z.object({ transactions: z.array(transactionSchema), next: z.string().optional() })),
        },
      },
    },
    async (c, { query: { after } }) => {
      const listed = await c.var.broker.transactions.list()
      if (isFailure(listed)) return problem(listed)
      const behind = listed.filter(({ transactionalId }) => after === '' || transactionalId > after)
      const transactions = behind.slice(0, MAX_LISTED).map(({ transactionalId, producerId, status, startMs }) => ({
        transactionalId,
        producerId,
        state: status,
        startMs,
      }))
      const next = transactions.length < behind.length ? { next: transactions.at(-1)!.transactionalId } : {}
      return c.json({ transactions, ...next })
    },
  )
}

const shown = ({ name, value, configSource, readOnly, documentation }: ConfigEntry) => ({
  name,
  value,
  source: SOURCES[configSource],
  readOnly,
  documentation,
})
