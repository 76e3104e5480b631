// What this isolate has seen: traffic by partition, requests and how long they took, errors. Written by the
// doors and the Broker, read by GET /metrics (metrics.ts). Numbers only, which any request may touch.

import { Durations, Tally } from './exposition.ts'

/** Partitions whose traffic is counted; what more there are is not. */
const MAX_PARTITIONS = 10_000

/** What went in and out of one partition through this isolate. */
export interface Traffic {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  recordsIn: number
  bytesIn: number
  /** Offsets passed on to readers. */
  recordsOut: number
  bytesOut: number
}

const byPartition = new Map<string, Traffic>()

export function trafficOf(topic: { readonly name: string; readonly topicId: string }, partition: number): Traffic {
  const key = `${topic.topicId}-${partition}`
  let traffic = byPartition.get(key)
  if (traffic === undefined) {
    const { name, topicId } = topic
    traffic = { topic: name, topicId, partition, recordsIn: 0, bytesIn: 0, recordsOut: 0, bytesOut: 0 }
    if (byPartition.size < MAX_PARTITIONS) byPartition.set(key, traffic)
  }
  return traffic
}

/** The traffic of the topics that are there; that of others is forgotten. */
export function trafficOfTopics(topicIds: { has(topicId: string): boolean }): readonly Traffic[] {
  for (const [key, { topicId }] of byPartition) if (!topicIds.has(topicId)) byPartition.delete(key)
  return [...byPartition.values()]
}

/** Appends and reads as their partitions answered them. */
export const partitionCalls = new Durations('call')
/** Appends and reads that were refused, by Kafka's name of the error. */
export const errors = new Tally('error')
export const kafkaRequests = new Durations('api')
export const httpRequests = new Durations('status')
