// How the APIs that ask many partitions do it: each that exists is asked, no more than a wave at the same time.

import type { TopicView } from '../../cluster/cluster.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { byIdOrName } from './topics.ts'

/** Partitions asked at the same time, in one request. */
const MAX_WAVE = 64

/** What `ask` says of each item, in order. */
export async function inWaves<T, R>(items: readonly T[], ask: (item: T) => R | Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += MAX_WAVE)
    results.push(...(await Promise.all(items.slice(at, at + MAX_WAVE).map(ask))))
  return results
}

/** What `ask` says of each partition of a request, topic by topic; UNKNOWN_TOPIC_OR_PARTITION is said here. */
export async function eachPartition<P, R>(
  broker: Broker,
  topics: readonly { readonly name: string; readonly partitions: readonly P[] }[],
  indexOf: (partition: P) => number,
  ask: (topic: TopicView, partition: P) => R | Failure | Promise<R | Failure>,
): Promise<(R | Failure)[][]> {
  const named = topics.map(({ name }) => ({ topic: name, topicId: '' }))
  const find = await byIdOrName(broker, named, false)
  const all = topics.flatMap(({ partitions }, t) => partitions.map(partition => ({ t, partition })))
  const results = await inWaves<(typeof all)[number], R | Failure>(all, ({ t, partition }) => {
    const topic = find(named[t]!)
    if (isFailure(topic)) return topic
    const index = indexOf(partition)
    return index >= 0 && index < topic.partitions ? ask(topic, partition) : UNKNOWN_PARTITION
  })
  const answers: (R | Failure)[][] = topics.map(() => [])
  all.forEach(({ t }, i) => answers[t]!.push(results[i]!))
  return answers
}

const UNKNOWN_PARTITION: Failure = failure('UNKNOWN_TOPIC_OR_PARTITION', 'There is no such partition.')
