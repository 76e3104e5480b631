// Offsets of a consumer instance's group: committing some, and looking at what is committed, topic by topic.

import type { TopicView } from '../../../cluster/cluster.ts'
import type { Commit, PartitionErrors } from '../../../coordinator/offsets.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { Broker } from '../../broker.ts'
import type { TopicPartition } from './stored.ts'

export interface OffsetToCommit extends TopicPartition {
  /** The next offset to be read. */
  readonly offset: number
  readonly metadata: string | null
}

/** Commits as whoever the instance is to the group. */
export type Committer = (topics: Commit['topics']) => Promise<PartitionErrors | Failure>

/** All partitions are there, or the failure says otherwise. */
export async function commitOffsets(
  broker: Broker,
  commit: Committer,
  offsets: readonly OffsetToCommit[],
): Promise<Failure | undefined> {
  const named = await byTopic(broker, offsets)
  if (isFailure(named)) return named
  const reply = await commit(
    named.map(([{ name, topicId }, placed]) => ({
      name,
      topicId,
      partitions: placed.map(({ partition, offset, metadata }) => ({ partition, offset, leaderEpoch: -1, metadata })),
    })),
  )
  if (isFailure(reply)) return reply
  const refused = reply.topics.flatMap(({ partitions }) => partitions).find(({ error }) => error !== 'NONE')
  return refused && failure(refused.error)
}

/** Those of the partitions that have a committed offset. */
export async function committedOffsets(
  broker: Broker,
  group: string,
  asked: readonly TopicPartition[],
): Promise<OffsetToCommit[] | Failure> {
  const named = await byTopic(broker, asked)
  if (isFailure(named)) return named
  const fetched = await broker.groups.ask(group, {
    type: 'fetchOffsets',
    memberId: null,
    memberEpoch: -1,
    topics: named.map(([{ name, topicId }, placed]) => ({
      name,
      topicId,
      partitions: placed.map(({ partition }) => partition),
    })),
  })
  if (isFailure(fetched)) return fetched
  return fetched.topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ offset }) => offset >= 0)
      .map(({ partition, offset, metadata }) => ({ topic: name, partition, offset, metadata })),
  )
}

async function byTopic<P extends TopicPartition>(
  broker: Broker,
  places: readonly P[],
): Promise<(readonly [TopicView, readonly P[]])[] | Failure> {
  const { byName } = await broker.topics({ fresh: true })
  const groups = [...Map.groupBy(places, ({ topic }) => topic)]
  const named = groups.map(([name, placed]) => [byName.get(name), placed] as const)
  const isThere = (entry: (typeof named)[number]): entry is readonly [TopicView, P[]] =>
    entry[0] !== undefined && entry[1].every(({ partition }) => partition < entry[0]!.partitions)
  return named.every(isThere) ? named : failure('UNKNOWN_TOPIC_OR_PARTITION')
}
