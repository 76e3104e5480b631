// What can be asked of a transactional id, and what each of it is answered. How that is decided is transaction.ts.

import type { Failure } from '../protocol/errors.ts'
import type { KeptAnswer, TopicPartition } from './transaction-state.ts'

/** Transactional ids that begin so are made up for one request or a few, and forgotten soon after the last. */
export const PASSING_ID = '__http/'

/** Who the producer is that asks, or is told who it is. */
export interface ByProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

export type TransactionCommand =
  | {
      readonly type: 'init'
      readonly timeoutMs: number
      /** What a producer that goes on has (KIP-360); null: it begins anew. */
      readonly expected: ByProducer | null
      /** Nobody else has it: taken where a producer needs a new one. */
      readonly freshProducerId: number
    }
  /** As init, unless a transaction under this key was committed: then with its answer. */
  | {
      readonly type: 'initOnce'
      readonly timeoutMs: number
      readonly key: string
      readonly freshProducerId: number
    }
  | (ByProducer & {
      readonly type: 'add'
      readonly partitions: readonly TopicPartition[]
      /** 2: of a client whose epoch rises with every transaction. */
      readonly clientVersion: number
    })
  | (ByProducer & { readonly type: 'verify'; readonly partitions: readonly TopicPartition[] })
  | (ByProducer & {
      readonly type: 'end'
      readonly committed: boolean
      readonly clientVersion: number
      /** As with init; where the epochs have run out. */
      readonly freshProducerId: number
      /** What initOnce answers under its key from now on. */
      readonly kept?: Omit<KeptAnswer, 'atMs'>
    })
  | { readonly type: 'describe' }
  /** These partitions have answered. */
  | { readonly type: 'marked'; readonly transaction: number; readonly partitions: readonly TopicPartition[] }
  /** Some have not. */
  | { readonly type: 'unmarked'; readonly transaction: number }

/** Who the producer is from now on. */
export type InitReply = ByProducer | Failure
export type InitOnceReply = InitReply | { readonly answer: Uint8Array }
/** The number of the transaction that the partitions are in (DESIGN: transactions are numbered). */
export type AddReply = { readonly transaction: number } | Failure
/** `transaction`: the one that is prepared now, and has to be told to its partitions. */
export type EndReply = (ByProducer & { readonly transaction?: number }) | Failure
export type DescribeReply = DescribedTransaction | Failure

export interface DescribedTransaction extends ByProducer {
  readonly status: string
  readonly timeoutMs: number
  readonly startMs: number
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
}

export interface TransactionReplies {
  init: InitReply
  initOnce: InitOnceReply
  add: AddReply
  verify: AddReply
  end: EndReply
  describe: DescribeReply
  marked: null
  unmarked: null
}
export type TransactionReply = TransactionReplies[keyof TransactionReplies]
