// Offsets that a group was given within transactions: kept apart until their transaction has ended, then committed or let go.
// Which transactions have ended is remembered per producer, so that what comes late opens nothing. Kafka's
// OffsetMetadataManager does the same with transactional batches; here they are records of their own.

import { type Failure, failure } from '../protocol/errors.ts'
import type { CommittedOffset } from './offsets.ts'

/** The state that remembers ends for all groups of a coordinator; no group is called so. */
export const ENDED = '\u0000ended'
/** Producers whose last end is remembered; the oldest give way. */
const MAX_ENDED = 10_000
const ENDED_KEPT_MS = 86_400_000

/** Which transaction of which producer, in which of its epochs. */
interface Numbered {
  readonly producerEpoch: number
  readonly transaction: number
}

export interface PendingOffset extends Numbered {
  readonly committed: CommittedOffset
}

/** By producer, then `topic` and partition. */
export type PendingOffsets = ReadonlyMap<number, ReadonlyMap<string, ReadonlyMap<number, PendingOffset>>>

export interface Ended extends Numbered {
  readonly endedMs: number
}

export type TransactionalFact =
  | {
      readonly type: 'pending'
      readonly producerId: number
      readonly topic: string
      readonly partition: number
      readonly value: PendingOffset | null
      readonly volatile?: never
    }
  | { readonly type: 'ended'; readonly producerId: number; readonly value: Ended | null; readonly volatile?: never }

/** Of the coordinator of transactions: this one has ended. May be repeated. */
export interface EndTransaction {
  readonly type: 'endTransaction'
  readonly producerId: number
  readonly producerEpoch: number
  /** Undefined: whichever is open. */
  readonly transaction?: number
  readonly committed: boolean
  /** Remember it, too. */
  readonly remember: boolean
}

export interface TransactionalOffsets {
  readonly pending: Map<number, Map<string, Map<number, PendingOffset>>>
  /** In order of time. */
  readonly ended: Map<number, Ended>
}

export const noTransactionalOffsets = (): TransactionalOffsets => ({ pending: new Map(), ended: new Map() })

export function replayTransactional({ pending, ended }: TransactionalOffsets, fact: TransactionalFact): void {
  const { producerId } = fact
  if (fact.type === 'ended') {
    ended.delete(producerId)
    if (fact.value !== null) ended.set(producerId, fact.value)
    return
  }
  const { topic, partition, value } = fact
  const topics = pending.get(producerId) ?? new Map<string, Map<number, PendingOffset>>()
  const partitions = topics.get(topic) ?? new Map<number, PendingOffset>()
  if (value === null) partitions.delete(partition)
  else partitions.set(partition, value)
  if (partitions.size > 0) topics.set(topic, partitions)
  else topics.delete(topic)
  if (topics.size > 0) pending.set(producerId, topics)
  else pending.delete(producerId)
}

/** Does an offset come too late for its transaction? */
export function isLate(ended: Ended | undefined, { producerEpoch, transaction }: Numbered): Failure | undefined {
  if (ended === undefined || producerEpoch > ended.producerEpoch) return undefined
  if (producerEpoch === ended.producerEpoch && transaction > ended.transaction) return undefined
  return producerEpoch < ended.producerEpoch ? failure('INVALID_PRODUCER_EPOCH') : failure('INVALID_TXN_STATE')
}

/** What an end comes to: the offsets to commit, and everything to let go. */
export function endTransaction(
  { pending, ended }: TransactionalOffsets,
  end: EndTransaction,
  nowMs: number,
): {
  readonly committed: readonly { readonly topic: string; readonly partition: number; readonly value: CommittedOffset }[]
  readonly facts: readonly TransactionalFact[]
} {
  const { producerId, producerEpoch, transaction = Infinity } = end
  const committed: { topic: string; partition: number; value: CommittedOffset }[] = []
  const facts: TransactionalFact[] = []
  for (const [topic, partitions] of pending.get(producerId) ?? [])
    for (const [partition, offset] of partitions) {
      if (offset.producerEpoch > producerEpoch || offset.transaction > transaction) continue
      if (end.committed) committed.push({ topic, partition, value: offset.committed })
      facts.push({ type: 'pending', producerId, topic, partition, value: null })
    }
  if (end.remember && end.transaction !== undefined) {
    const known = ended.get(producerId)
    if (isLate(known, { producerEpoch, transaction }) === undefined)
      facts.push({
        type: 'ended',
        producerId,
        value: { producerEpoch, transaction: end.transaction, endedMs: nowMs },
      })
    facts.push(...forgotten(ended, nowMs))
  }
  return { committed, facts }
}

function forgotten(ended: ReadonlyMap<number, Ended>, nowMs: number): TransactionalFact[] {
  const facts: TransactionalFact[] = []
  for (const [producerId, { endedMs }] of ended) {
    if (ended.size - facts.length < MAX_ENDED && nowMs - endedMs < ENDED_KEPT_MS) break
    facts.push({ type: 'ended', producerId, value: null })
  }
  return facts
}

/** Does a transaction that is open have an offset for this partition? */
export function isUnstable(pending: PendingOffsets, topic: string, partition: number): boolean {
  for (const topics of pending.values()) if (topics.get(topic)?.has(partition)) return true
  return false
}

/** All of it goes, or what is of these topics. */
export const dropPending = (
  pending: PendingOffsets,
  isGone: (topic: string, topicId: string) => boolean = () => true,
): TransactionalFact[] => {
  const facts: TransactionalFact[] = []
  for (const [producerId, topics] of pending)
    for (const [topic, partitions] of topics)
      for (const [partition, { committed }] of partitions)
        if (isGone(topic, committed.topicId)) facts.push({ type: 'pending', producerId, topic, partition, value: null })
  return facts
}

/** The facts of a commit within a transaction, made from those it comes to without one. */
export const pendingFacts = (
  committed: readonly { readonly topic: string; readonly partition: number; readonly value: CommittedOffset | null }[],
  producerId: number,
  numbered: Numbered,
): TransactionalFact[] =>
  committed.flatMap(({ topic, partition, value }) =>
    value === null
      ? []
      : [{ type: 'pending' as const, producerId, topic, partition, value: { ...numbered, committed: value } }],
  )
