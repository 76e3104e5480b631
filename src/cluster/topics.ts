// Which topic names are legal, which names collide, and how many topics and partitions there may be. Rules and sentences of
// Kafka's Topic and ReplicationControlManager.

import { type Failure, failure } from '../protocol/errors.ts'

const MAX_NAME_LENGTH = 249
/** As many as one request of Kafka's controller may create. */
export const MAX_PARTITIONS_PER_TOPIC = 10_000
/** Every one is told of each change of its topic. */
export const MAX_PARTITIONS = 200_000
/** The view of all topics crosses in one call of 32 MiB. */
export const MAX_TOPICS = 10_000
/** Characters in the overrides of one topic, names and values. */
export const MAX_OVERRIDES_LENGTH = 2_048

/** Topics that the coordinators write; a client can only read them. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
])

export const isInternalTopic = (name: string): boolean => INTERNAL_TOPICS.has(name)

/** INVALID_TOPIC_EXCEPTION unless the name is legal. */
export function checkTopicName(name: string): Failure | undefined {
  const why = illegality(name)
  return why === undefined ? undefined : failure('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${why}`)
}

function illegality(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_NAME_LENGTH)
    return `the length of '${name.slice(0, MAX_NAME_LENGTH)}…' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  return undefined
}

/** Names that differ only in '.' and '_' have this in common; Kafka refuses to tell them apart, since metrics cannot. */
export const collisionKey = (name: string): string => name.replaceAll('.', '_')

/** INVALID_PARTITIONS unless a topic may have that many partitions. */
export function checkPartitionCount(count: number): Failure | undefined {
  if (!Number.isInteger(count) || count <= 0)
    return failure('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  if (count > MAX_PARTITIONS_PER_TOPIC)
    return failure(
      'INVALID_PARTITIONS',
      `A topic has ${MAX_PARTITIONS_PER_TOPIC} partitions at most, ${count} were asked for.`,
    )
  return undefined
}
