// The offsets a group has committed: what a commit, a fetch and a delete come to, and which offsets are too old to keep.
// Whether the caller may commit or fetch for the group is judged before (group.ts). Kafka's OffsetMetadataManager.

import { ZERO_UUID } from '../protocol/bytes.ts'
import type { ErrorName } from '../protocol/errors.ts'

export interface CommittedOffset {
  readonly offset: number
  /** -1: not told. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedMs: number
  /** -1: it lives as long as offsets.retention.minutes say. */
  readonly expiresMs: number
  /** The topic it was committed for: one recreated under the same name begins without. Zeros: not known. */
  readonly topicId: string
}

/** By topic name, then partition. */
export type Offsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>

export interface OffsetFact {
  readonly type: 'offset'
  readonly topic: string
  readonly partition: number
  readonly value: CommittedOffset | null
}

export interface Commit {
  readonly type: 'commit'
  /** Of the OffsetCommit request. */
  readonly version: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Generation or member epoch; -1 from those who are no members. */
  readonly generationId: number
  /** -1: as configured (always, since v5). */
  readonly retentionTimeMs: number
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly {
      readonly partition: number
      readonly offset: number
      readonly leaderEpoch: number
      readonly metadata: string | null
    }[]
  }[]
}

/** A commit that counts when its transaction has ended (TxnOffsetCommit). */
export interface TransactionalCommit extends Omit<Commit, 'type'> {
  readonly type: 'commitInTransaction'
  readonly producerId: number
  readonly producerEpoch: number
  readonly transaction: number
}

export interface PartitionErrors {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorName }[]
  }[]
}

export interface FetchOffsets {
  readonly type: 'fetchOffsets'
  /** Null: not told, nothing is checked. */
  readonly memberId: string | null
  readonly memberEpoch: number
  /** Where a transaction may change the offset, say so instead (KIP-447). */
  readonly requireStable?: boolean
  /** Null: all there are. */
  readonly topics:
    | readonly { readonly name: string; readonly topicId: string; readonly partitions: readonly number[] }[]
    | null
}

export interface FetchedOffsets {
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly FetchedOffset[]
  }[]
}

export interface FetchedOffset {
  readonly partition: number
  /** -1: none. */
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly error?: ErrorName
}

export interface DeleteOffsets {
  readonly type: 'deleteOffsets'
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[]
}

/** The facts of a commit that is allowed, and what each partition is answered. */
export function commit(
  request: Omit<Commit, 'type'>,
  maxMetadata: number,
  nowMs: number,
): { readonly facts: readonly OffsetFact[]; readonly reply: PartitionErrors } {
  const facts: OffsetFact[] = []
  const expiresMs = request.retentionTimeMs < 0 ? -1 : nowMs + request.retentionTimeMs
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch, metadata }) => {
      if (metadata !== null && metadata.length > maxMetadata)
        return { partition, error: 'OFFSET_METADATA_TOO_LARGE' as const }
      const value = { offset, leaderEpoch, metadata: metadata ?? '', committedMs: nowMs, expiresMs, topicId }
      facts.push({ type: 'offset', topic: name, partition, value })
      return { partition, error: 'NONE' as const }
    }),
  }))
  return { facts, reply: { topics } }
}

export function fetchOffsets(
  offsets: Offsets,
  { topics }: FetchOffsets,
  isUnstable: (topic: string, partition: number) => boolean,
): FetchedOffsets {
  const unstable = { offset: -1, leaderEpoch: -1, metadata: '', error: 'UNSTABLE_OFFSET_COMMIT' as const }
  if (topics !== null)
    return {
      topics: topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(partition =>
          isUnstable(name, partition)
            ? { partition, ...unstable }
            : fetched(partition, offsets.get(name)?.get(partition), topicId),
        ),
      })),
    }
  return {
    topics: [...offsets].map(([name, partitions]) => ({
      name,
      topicId: ZERO_UUID,
      partitions: [...partitions].map(([partition, committed]) =>
        isUnstable(name, partition) ? { partition, ...unstable } : fetched(partition, committed, ZERO_UUID),
      ),
    })),
  }
}

function fetched(partition: number, committed: CommittedOffset | undefined, topicId: string): FetchedOffset {
  if (committed === undefined || isOther(committed.topicId, topicId))
    return { partition, offset: -1, leaderEpoch: -1, metadata: '' }
  const { offset, leaderEpoch, metadata } = committed
  return { partition, offset, leaderEpoch, metadata }
}

const isOther = (a: string, b: string): boolean => a !== ZERO_UUID && b !== ZERO_UUID && a !== b

export function deleteOffsets(
  offsets: Offsets,
  { topics }: DeleteOffsets,
  isSubscribed: (topic: string) => boolean,
): { readonly facts: readonly OffsetFact[]; readonly reply: PartitionErrors } {
  const facts: OffsetFact[] = []
  const answered = topics.map(({ name, partitions }) => {
    const error: ErrorName = isSubscribed(name) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE'
    if (error === 'NONE')
      for (const partition of partitions)
        if (offsets.get(name)?.has(partition)) facts.push({ type: 'offset', topic: name, partition, value: null })
    return { name, partitions: partitions.map(partition => ({ partition, error })) }
  })
  return { facts, reply: { topics: answered } }
}

/** Every offset goes, with its group. */
export const deleteAll = (offsets: Offsets): OffsetFact[] => removed(offsets, () => true)

/** Offsets of topics that are no more, by name and id; where the id was not told, by name. */
export const deleteTopics = (
  offsets: Offsets,
  deleted: readonly { readonly name: string; readonly topicId: string }[],
): OffsetFact[] =>
  removed(offsets, (topic, { topicId }) =>
    deleted.some(({ name, topicId: id }) => name === topic && !isOther(topicId, id)),
  )

/**
 * Which offsets are too old. `sinceMs` is what their age counts from: the moment the group was left, or else each commit;
 * undefined keeps them all. Offsets of topics that the group is subscribed to stay.
 */
export function expired(
  offsets: Offsets,
  sinceMs: ((committed: CommittedOffset) => number) | undefined,
  isSubscribed: (topic: string) => boolean,
  retentionMs: number,
  nowMs: number,
): { readonly facts: readonly OffsetFact[]; readonly nextMs: number | undefined } {
  let nextMs: number | undefined
  if (sinceMs === undefined) return { facts: [], nextMs }
  const facts = removed(offsets, (topic, committed) => {
    if (isSubscribed(topic)) return false
    const atMs = committed.expiresMs >= 0 ? committed.expiresMs : sinceMs(committed) + retentionMs
    if (atMs > nowMs) nextMs = Math.min(nextMs ?? Infinity, atMs)
    return atMs <= nowMs
  })
  return { facts, nextMs }
}

function removed(offsets: Offsets, isGone: (topic: string, committed: CommittedOffset) => boolean): OffsetFact[] {
  const facts: OffsetFact[] = []
  for (const [topic, partitions] of offsets)
    for (const [partition, committed] of partitions)
      if (isGone(topic, committed)) facts.push({ type: 'offset', topic, partition, value: null })
  return facts
}
