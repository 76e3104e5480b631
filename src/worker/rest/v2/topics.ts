// v2's look at the cluster: /brokers, /topics and their partitions.

import type { Context } from 'hono'
import type { TopicView } from '../../../cluster/cluster.ts'
import { isFailure } from '../../../protocol/errors.ts'
import type { App, AppEnv } from '../../app.ts'
import { topicEntries } from '../../kafka/configs.ts'
import { Nodes, replicationFactorOf } from '../../kafka/nodes.ts'
import { isRestFailure, NOT_FOUND, PARTITION_NOT_FOUND, type RestFailure, TOPIC_NOT_FOUND } from '../errors.ts'
import { route } from './route.ts'

export function mountTopics(app: App): void {
  route(app, 'GET', '/brokers', c => ({ brokers: nodesOf(c).all.map(({ nodeId }) => nodeId) }))
  route(app, 'GET', '/topics', async c => {
    const { topics } = await c.var.broker.view({ fresh: true })
    return topics.map(({ name }) => name).sort()
  })
  route(app, 'GET', '/topics/:topic', async c => {
    const topic = await topicOf(c)
    if (isRestFailure(topic)) return topic
    const configs = topicEntries(topic.config, c.var.broker.configs).map(({ name, value }) => [name, value])
    return { name: topic.name, configs: Object.fromEntries(configs), partitions: partitionsOf(c, topic) }
  })
  route(app, 'GET', '/topics/:topic/partitions', async c => {
    const topic = await topicOf(c)
    return isRestFailure(topic) ? topic : partitionsOf(c, topic)
  })
  route(app, 'GET', '/topics/:topic/partitions/:partition', async c => {
    const found = await partitionOf(c)
    return isRestFailure(found) ? found : partitionData(nodesOf(c), found.topic, found.partition)
  })
  route(app, 'GET', '/topics/:topic/partitions/:partition/offsets', async c => {
    const found = await partitionOf(c)
    if (isRestFailure(found)) return found
    const log = await c.var.broker.describe(found.topic, found.partition)
    return isFailure(log) ? log : { beginning_offset: log.logStartOffset, end_offset: log.highWatermark }
  })
}

async function topicOf(c: Context<AppEnv>): Promise<TopicView | RestFailure> {
  const { byName } = await c.var.broker.topics({ fresh: true })
  return byName.get(c.req.param('topic')!) ?? TOPIC_NOT_FOUND
}

async function partitionOf(
  c: Context<AppEnv>,
): Promise<{ readonly topic: TopicView; readonly partition: number } | RestFailure> {
  const topic = await topicOf(c)
  if (isRestFailure(topic)) return topic
  const partition = partitionNumber(c.req.param('partition')!)
  if (isRestFailure(partition)) return partition
  return partition < topic.partitions ? { topic, partition } : PARTITION_NOT_FOUND
}

/** As the proxy: a path that has no int there is none of its paths, and no topic has a partition below 0. */
export function partitionNumber(text: string): number | RestFailure {
  if (!/^-?\d{1,10}$/.test(text) || Number(text) > MAX_INT) return NOT_FOUND
  return Number(text) < 0 ? PARTITION_NOT_FOUND : Number(text)
}
const MAX_INT = 0x7fff_ffff

const nodesOf = (c: Context<AppEnv>): Nodes => Nodes.parse(c.env.EDGELOG_BROKERS)

const partitionsOf = (c: Context<AppEnv>, topic: TopicView) => {
  const nodes = nodesOf(c)
  return Array.from({ length: topic.partitions }, (_, partition) => partitionData(nodes, topic, partition))
}

function partitionData(nodes: Nodes, topic: TopicView, partition: number) {
  const leader = nodes.leaderOf(topic.topicId, partition)
  const replicas = nodes.replicasOf(topic.topicId, partition, replicationFactorOf(topic))
  return {
    partition,
    leader,
    replicas: replicas.map(broker => ({ broker, leader: broker === leader, in_sync: true })),
  }
}
