// The calls that the errands of a cluster come to: which partition to tell what, next. Whoever makes them (objects/cluster.ts)
// reports back with the command `carriedOut`.

import { type Overrides, partitionConfig, type TopicConfig } from './configs.ts'
import { type ErrandKey, partitionsOf } from './errands.ts'
import type { ClusterState } from './state.ts'

/** One partition to tell something. */
export interface Call extends ErrandKey {
  readonly partition: number
  /** The same for the same partition told the same. */
  readonly id: string
  /** The overrides that say where the partition lives. */
  readonly place: Overrides
  /** That it is born, or its config; undefined: that its topic is gone. */
  readonly birth?: { readonly topic: string; readonly config: TopicConfig }
}

/** The next `most` calls of errands that are ready, without those in `except`. */
export function nextCalls(state: ClusterState, most: number, except: ReadonlySet<string>): readonly Call[] {
  const calls: Call[] = []
  for (const [topicId, { kind, configVersion, late, place, pending, ready }] of state.errands) {
    if (!ready) continue
    const topic = kind === 'tell' ? state.topics.get(topicId) : undefined
    const birth = topic && { topic: topic.name, config: partitionConfig(topic.config, state.broker) }
    for (const partition of partitionsOf(pending)) {
      if (calls.length >= most) return calls
      const id = `${topicId}-${partition}-${late ? 'late-' : ''}${kind}-${configVersion}`
      if (!except.has(id))
        calls.push({ topicId, kind, configVersion, late, partition, id, place, ...(birth && { birth }) })
    }
  }
  return calls
}
