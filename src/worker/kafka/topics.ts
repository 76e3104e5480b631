// Topics as Kafka's requests name them: by name, or since KIP-516 by id.

import type { TopicView } from '../../cluster/cluster.ts'
import { type Failure, failure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'

interface Named {
  readonly topic: string
  readonly topicId: string
}

/** A look-up of these topics; the cluster is asked afresh, once, if one is not known yet. */
export async function byIdOrName(
  broker: Broker,
  wanted: Iterable<Named>,
  byId: boolean,
): Promise<(one: Named) => TopicView | Failure> {
  let topics = await broker.topics()
  const find = (one: Named): TopicView | undefined =>
    byId ? topics.byId.get(one.topicId) : topics.byName.get(one.topic)
  for (const one of wanted) {
    if (find(one) !== undefined) continue
    topics = await broker.topics({ fresh: true })
    break
  }
  return one =>
    find(one) ??
    (byId ? failure('UNKNOWN_TOPIC_ID') : failure('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${one.topic}'.`))
}
