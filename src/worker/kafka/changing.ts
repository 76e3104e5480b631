// How the admin APIs change topics: one call to the cluster for a whole request, an answer a topic, and a fresh view after.

import type { TopicView } from '../../cluster/cluster.ts'
import { type Failure, failure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'

/** Topics that are passed on to the cluster, whose own bound is lower: a call carries 32 MiB. */
const MAX_TOPICS = 10_000

/** An answer for each of `topics`, in order. REQUEST_TIMED_OUT: nobody knows whether it happened. */
export async function change<T>(
  broker: Broker,
  topics: readonly T[],
  ask: (cluster: Broker['cluster']) => Promise<readonly (TopicView | Failure)[]>,
): Promise<readonly (TopicView | Failure)[]> {
  if (topics.length === 0) return []
  if (topics.length > MAX_TOPICS) return topics.map(() => TOO_MANY)
  broker.calls++
  try {
    const results = await ask(broker.cluster)
    // Whoever asks next, on any connection of this isolate, sees what has changed.
    await broker.topics({ fresh: true }).catch(() => {})
    return results
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return topics.map(() => failure('REQUEST_TIMED_OUT', `The cluster did not answer: ${why}`))
  }
}

const TOO_MANY = failure('POLICY_VIOLATION', 'Unable to perform excessively large batch operation.')

/** The values that are there more than once. */
export function repeated<T>(values: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>()
  const again = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) again.add(value)
    seen.add(value)
  }
  return again
}
