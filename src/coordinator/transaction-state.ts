// What is remembered of one transactional id, the facts that change it, and the record of __transaction_state it is stored as.
//
//   Empty ─add─▶ Ongoing ─end─▶ PrepareCommit ─all marked─▶ CompleteCommit ─add─▶ Ongoing …
//                   └─ end, timeout, a newer producer ─▶ PrepareAbort ─all marked─▶ CompleteAbort
// A prepared transaction is decided: nothing takes it back, and its markers are told again until every partition has answered.
// That all have is not stored at once: mostly the next transaction's record soon says so too. A start that finds the prepared
// one tells its markers again, which changes nothing.

import type { FactRecord } from '../machine.ts'
import { decodeTransactionRecord, encodeTransactionRecord, type TransactionValue } from './transaction-records.ts'

/** Kafka's ids of the states are their places here, its names begin with a capital. */
export const STATUSES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const
export type Status = Exclude<(typeof STATUSES)[number], 'Dead' | 'PrepareEpochFence'>

/** What a request was answered that may come again, under the key it is recognised by (an Idempotency-Key). */
export interface KeptAnswer {
  readonly key: string
  readonly atMs: number
  readonly answer: Uint8Array
}

/** By topic name. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>

export interface Transactional {
  readonly producerId: number
  /** Of before the epochs ran out; -1: none. */
  readonly previousProducerId: number
  /** What follows when the transaction is complete, as the epochs have run out; -1: none. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /** Which epoch the producer had before it asked for a new one; not stored, as in Kafka. -1: not known. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly status: Status
  readonly partitions: TransactionPartitions
  readonly updatedMs: number
  /** When the transaction began, and so its number: always more than the one before of the same epoch. -1: none yet. */
  readonly startMs: number
  /** 2: the producer's epoch rises with every transaction (KIP-890). */
  readonly clientVersion: number
  /** Of transactions that were committed, oldest first. */
  readonly answers: readonly KeptAnswer[]
}

export interface TransactionState {
  readonly transactionalId: string
  value: Transactional | undefined
  /** When what is known only in memory is stored, unless something else is before: that a transaction is complete. */
  storeMs: number | undefined
  /** Of a prepared transaction, the partitions that have not answered yet. */
  unmarked: Map<string, Set<number>>
  /** When the markers are told again; undefined: now. */
  retryMs: number | undefined
  /** How often telling them has failed. */
  failures: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export type TransactionFact =
  | { readonly type: 'transaction'; readonly value: Transactional | null; readonly volatile?: never }
  | { readonly type: 'completed'; readonly value: Transactional; readonly storeMs: number; readonly volatile: true }
  | { readonly type: 'marked'; readonly partitions: readonly TopicPartition[]; readonly volatile: true }
  | { readonly type: 'retry'; readonly atMs: number; readonly failures: number; readonly volatile: true }

export const emptyTransaction = (transactionalId: string): TransactionState => ({
  transactionalId,
  value: undefined,
  storeMs: undefined,
  unmarked: new Map(),
  retryMs: undefined,
  failures: 0,
})

export const isPrepared = ({ status }: Transactional): boolean =>
  status === 'PrepareCommit' || status === 'PrepareAbort'

export function replay(state: TransactionState, fact: TransactionFact): void {
  switch (fact.type) {
    case 'transaction': {
      const { value } = fact
      state.value = value ?? undefined
      state.storeMs = undefined
      const left = value !== null && isPrepared(value) ? value.partitions : new Map<string, ReadonlySet<number>>()
      state.unmarked = new Map([...left].map(([topic, partitions]) => [topic, new Set(partitions)]))
      state.retryMs = undefined
      state.failures = 0
      return
    }
    case 'completed':
      state.value = fact.value
      state.storeMs = fact.storeMs
      state.unmarked = new Map()
      state.retryMs = undefined
      state.failures = 0
      return
    case 'marked':
      for (const { topic, partition } of fact.partitions) {
        const partitions = state.unmarked.get(topic)
        if (partitions?.delete(partition) && partitions.size === 0) state.unmarked.delete(topic)
      }
      return
    case 'retry':
      state.retryMs = fact.atMs
      state.failures = fact.failures
  }
}

export function encode(fact: TransactionFact, transactionalId: string): FactRecord {
  if (fact.type !== 'transaction') throw new Error(`a fact '${fact.type}' is not stored`)
  const { value } = fact
  if (value === null) return encodeTransactionRecord(transactionalId, null)
  const partitions = [...value.partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] }))
  return encodeTransactionRecord(transactionalId, {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    transactionTimeoutMs: value.timeoutMs,
    transactionStatus: STATUSES.indexOf(value.status),
    transactionPartitions: value.status === 'Empty' ? null : partitions,
    transactionLastUpdateTimestampMs: value.updatedMs,
    transactionStartTimestampMs: value.startMs,
    clientTransactionVersion: value.clientVersion,
    answers: value.answers,
  })
}

export function decode(record: FactRecord): { readonly of: string; readonly fact: TransactionFact } | undefined {
  const opened = decodeTransactionRecord(record)
  if (opened === undefined) return undefined
  const value = opened.value && transactionalOf(opened.value)
  if (value === undefined) return undefined
  return { of: opened.transactionalId, fact: { type: 'transaction', value } }
}

/** Undefined for a state that is never stored. */
function transactionalOf(value: TransactionValue): Transactional | undefined {
  const status = STATUSES[value.transactionStatus]
  if (status === undefined || status === 'Dead' || status === 'PrepareEpochFence') return undefined
  return {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: -1,
    timeoutMs: value.transactionTimeoutMs,
    status,
    partitions: new Map(
      (value.transactionPartitions ?? []).map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]),
    ),
    updatedMs: value.transactionLastUpdateTimestampMs,
    startMs: value.transactionStartTimestampMs,
    clientVersion: value.clientTransactionVersion,
    answers: value.answers.map(({ key, atMs, answer }) => ({ key, atMs, answer: answer.slice() })),
  }
}
