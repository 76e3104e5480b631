// How topics come into being by being asked about: those of one request together, and never too many at once. Kafka's
// AutoTopicCreationManager; unlike there, the topic is there when the answer comes.

import type { TopicView } from '../../cluster/cluster.ts'
import { SCHEMAS_TOPIC } from '../../cluster/internal.ts'
import { type Failure, failure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { change } from './changing.ts'

/** Topics that one request creates so; clients ask again for the others, and get the next. */
const MAX_CREATED = 200

/** The topics of these unknown names, where `auto.create.topics.enable` lets them be created. */
export async function createAsked(
  broker: Broker,
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, TopicView | Failure>> {
  const found = new Map<string, TopicView | Failure>()
  if (broker.configs['auto.create.topics.enable'] === 'false') return found
  // Whoever looks at the registry's topic before anybody registered anything shall not take its name.
  if (names.has(SCHEMAS_TOPIC)) found.set(SCHEMAS_TOPIC, await broker.schemasTopic())
  const next = [...names].filter(name => !found.has(name)).slice(0, MAX_CREATED)
  if (next.length === 0) return found
  const results = await change(broker, next, cluster => cluster.createTopics(next.map(name => ({ name }))))
  const { byName } = await broker.topics()
  next.forEach((name, i) => found.set(name, byName.get(name) ?? results[i]!))
  for (const name of names) if (!found.has(name)) found.set(name, LATER)
  return found
}

const LATER = failure('LEADER_NOT_AVAILABLE')
