// Partitions of v3 with their offsets, the replicas they are said to have, and reassignments, of which there never are any.

import type { TopicView } from '../../../cluster/cluster.ts'
import { isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { replicationFactorOf } from '../../kafka/nodes.ts'
import { fromKafka, isRestFailure, PARTITION_NOT_FOUND, type RestFailure, restFailure } from '../errors.ts'
import { nodeOf } from './clusters.ts'
import { type Call, NOT_FOUND, route } from './route.ts'
import { topicOf } from './topics.ts'

/** Replicas in one list of a broker's. */
const MAX_REPLICAS = 100_000

export function mountPartitions(app: App): void {
  route(app, 'GET', '/topics/:topic/partitions', async call => {
    const topic = await topicOf(call)
    if (isFailure(topic)) return topic
    const partitions = Array.from({ length: topic.partitions }, (_, p) => partitionData(call, topic, p))
    return call.links.list('KafkaPartition', ['topics', topic.name, 'partitions'], partitions)
  })
  // Before the partition itself: '-' is all of them.
  for (const path of ['/topics/-/partitions/-/reassignment', '/topics/:topic/partitions/-/reassignment'])
    route(app, 'GET', path, async call => {
      const named = path.includes(':topic')
      const topic = named ? await topicOf(call) : undefined
      if (isFailure(topic)) return topic
      const self = ['topics', topic?.name ?? '-', 'partitions', '-', 'reassignment']
      return call.links.list('KafkaReassignment', self, [])
    })
  route(app, 'GET', '/topics/:topic/partitions/:partition/reassignment', async call => {
    const found = await partitionOf(call)
    return isRestFailure(found) ? found : NOT_FOUND
  })
  route(app, 'GET', '/topics/:topic/partitions/:partition', async call => {
    const found = await partitionOf(call)
    return isRestFailure(found) ? found : partitionData(call, found.topic, found.partition)
  })
  route(app, 'GET', '/topics/:topic/partitions/:partition/offset', offsets)
  mountReplicas(app)
}

function mountReplicas(app: App): void {
  route(app, 'GET', '/topics/:topic/partitions/:partition/replicas', async call => {
    const found = await partitionOf(call)
    if (isRestFailure(found)) return found
    const { topic, partition } = found
    const self = ['topics', topic.name, 'partitions', partition, 'replicas']
    const replicas = replicasOf(call, topic, partition).map(broker => replicaData(call, topic, partition, broker))
    return call.links.list('KafkaReplica', self, replicas)
  })
  route(app, 'GET', '/topics/:topic/partitions/:partition/replicas/:broker', async call => {
    const found = await partitionOf(call)
    if (isRestFailure(found)) return found
    const node = nodeOf(call)
    if (node === undefined || !replicasOf(call, found.topic, found.partition).includes(node.nodeId)) return NOT_FOUND
    return replicaData(call, found.topic, found.partition, node.nodeId)
  })
  route(app, 'GET', '/brokers/:broker/partition-replicas', async call => {
    const node = nodeOf(call)
    if (node === undefined) return NOT_FOUND
    const { topics } = await call.broker.view({ fresh: true })
    const replicas = []
    for (const topic of topics)
      for (let partition = 0; partition < topic.partitions && replicas.length < MAX_REPLICAS; partition++)
        if (replicasOf(call, topic, partition).includes(node.nodeId))
          replicas.push(replicaData(call, topic, partition, node.nodeId))
    return call.links.list('KafkaReplica', ['brokers', node.nodeId, 'partition-replicas'], replicas)
  })
}

/** The partition that the path names. */
async function partitionOf(
  call: Call,
): Promise<{ readonly topic: TopicView; readonly partition: number } | RestFailure> {
  const topic = await topicOf(call)
  if (isFailure(topic)) return fromKafka(topic)
  const text = call.param('partition')
  if (!/^-?\d{1,10}$/.test(text)) return NOT_FOUND
  const partition = Number(text)
  return partition >= 0 && partition < topic.partitions ? { topic, partition } : PARTITION_NOT_FOUND
}

async function offsets(call: Call) {
  const type = call.c.req.query('offset_type') ?? 'earliest_and_latest'
  if (type !== 'earliest_and_latest') return restFailure(400, `Bad Request: offset_type:${type} is invalid`)
  const found = await partitionOf(call)
  if (isRestFailure(found)) return found
  const { topic, partition } = found
  const log = await call.broker.describe(topic, partition)
  if (isFailure(log)) return log
  const { name } = topic
  const crn = ['topic', name, 'partition', String(partition), 'offset_type', type]
  return call.links.resource('KafkaPartitionWithOffsets', ['topics', name, 'partitions', partition, 'offset'], crn, {
    topic_name: name,
    partition_id: partition,
    earliest_offset: log.logStartOffset,
    latest_offset: log.highWatermark,
  })
}

const replicasOf = ({ nodes }: Call, topic: TopicView, partition: number): number[] =>
  nodes.replicasOf(topic.topicId, partition, replicationFactorOf(topic))

function partitionData({ links, nodes }: Call, { name, topicId }: TopicView, partition: number) {
  const self = ['topics', name, 'partitions', partition]
  return links.resource('KafkaPartition', self, ['topic', name, 'partition', String(partition)], {
    topic_name: name,
    partition_id: partition,
    leader: links.related(...self, 'replicas', nodes.leaderOf(topicId, partition)),
    replicas: links.related(...self, 'replicas'),
    reassignment: links.related(...self, 'reassignment'),
  })
}

function replicaData({ links, nodes }: Call, { name, topicId }: TopicView, partition: number, broker: number) {
  const crn = ['topic', name, 'partition', String(partition), 'replica', String(broker)]
  return links.resource('KafkaReplica', ['topics', name, 'partitions', partition, 'replicas', broker], crn, {
    topic_name: name,
    partition_id: partition,
    broker_id: broker,
    is_leader: broker === nodes.leaderOf(topicId, partition),
    is_in_sync: true,
    broker: links.related('brokers', broker),
  })
}
