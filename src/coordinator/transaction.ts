// One transactional id as a state machine: who its producer is, what its transaction writes to, and how that ends. Markers
// are not written here: what is prepared is told to its partitions by the host, until `marked` says that all have answered.
// Kafka's TransactionCoordinator and TransactionMetadata, for KIP-98, 360, 447 and 890. The states: transaction-state.ts.

import type { Machine, Outcome, Ticket } from '../machine.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import {
  type AddReply,
  type ByProducer,
  type DescribeReply,
  PASSING_ID,
  type TransactionCommand,
  type TransactionReply,
} from './transaction-commands.ts'
import {
  decode,
  emptyTransaction,
  encode,
  isPrepared,
  type KeptAnswer,
  replay,
  type TopicPartition,
  type Transactional,
  type TransactionFact,
  type TransactionPartitions,
  type TransactionState,
} from './transaction-state.ts'

/** Partitions of one transaction: it is one record, and every partition is told of its end. */
const MAX_PARTITIONS = 10_000
const MAX_EPOCH = 32_767
/** When markers are told again if nobody said how it went: an eviction forgets who was telling them. */
const RETRY_MS = 30_000
/** After a failure sooner, the wait doubling up to RETRY_MS. */
const FIRST_RETRY_MS = 500
/** How long ids that begin with PASSING_ID are remembered after the last transaction. */
const PASSING_KEPT_MS = 900_000
/** Answers kept for requests that may come again, and for how long; the oldest give way, as batches do (producers.ts). */
const MAX_ANSWERS = 5
const ANSWER_KEPT_MS = 900_000

export interface TransactionSettings {
  readonly 'transaction.max.timeout.ms': number
  readonly 'transactional.id.expiration.ms': number
}

type TransactionOutcome = Outcome<TransactionFact, TransactionReply>
type Decision = readonly [facts: readonly TransactionFact[], reply: TransactionReply]

export const transactionMachine = (
  settings: TransactionSettings,
): Machine<TransactionState, TransactionCommand, TransactionFact, TransactionReply> => ({
  empty: emptyTransaction,
  decide: (state, command, ticket, nowMs) => outcome(ticket, decide(state, command, nowMs, settings)),
  replay,
  tick: (state, nowMs) => ({ facts: tick(state, nowMs, settings), replies: [] }),
  deadline: state => deadline(state, settings),
  isEmpty: ({ value }) => value === undefined,
  encode,
  decode,
})

const outcome = (ticket: Ticket, [facts, reply]: Decision): TransactionOutcome => ({
  facts,
  replies: [[ticket, reply]],
})

function decide(
  state: TransactionState,
  command: TransactionCommand,
  nowMs: number,
  settings: TransactionSettings,
): Decision {
  const { value } = state
  switch (command.type) {
    case 'init':
      return init(value, command, nowMs, settings)
    case 'initOnce': {
      const kept = value?.answers.find(({ key }) => key === command.key)
      if (kept !== undefined) return [[], { answer: kept.answer }]
      return init(value, { ...command, type: 'init', expected: null }, nowMs, settings)
    }
    case 'add':
      return add(value, command, nowMs)
    case 'verify':
      return [[], verify(value, command)]
    case 'end':
      return end(value, command, nowMs)
    case 'describe':
      return [[], describe(state)]
    case 'marked':
      return [marked(state, command.transaction, command.partitions, nowMs), null]
    case 'unmarked': {
      if (value === undefined || !isPrepared(value) || value.startMs !== command.transaction) return [[], null]
      const failures = state.failures + 1
      const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(state.failures, 10), RETRY_MS)
      return [[{ type: 'retry', atMs: nowMs + waitMs, failures, volatile: true }], null]
    }
  }
}

type Command<T extends TransactionCommand['type']> = Extract<TransactionCommand, { type: T }>

function init(
  value: Transactional | undefined,
  { timeoutMs, expected, freshProducerId }: Command<'init'>,
  nowMs: number,
  settings: TransactionSettings,
): Decision {
  if (timeoutMs <= 0 || timeoutMs > settings['transaction.max.timeout.ms'])
    return refused('INVALID_TRANSACTION_TIMEOUT')
  if (value === undefined) return begun({ ...newTransactional(freshProducerId, nowMs), timeoutMs })
  const isOther =
    expected !== null &&
    expected.producerId !== value.producerId &&
    !(expected.producerId === value.previousProducerId && isExhausted(expected.producerEpoch))
  if (isOther) return refused('PRODUCER_FENCED')
  if (isPrepared(value)) return refused('CONCURRENT_TRANSACTIONS')
  // The epoch of the one who wrote is fenced; who asks comes again, and gets the one after.
  if (value.status === 'Ongoing') return [fenced(value, nowMs), failure('CONCURRENT_TRANSACTIONS')]
  const fresh = {
    ...value,
    status: 'Empty' as const,
    partitions: NO_PARTITIONS,
    startMs: -1,
    updatedMs: nowMs,
    timeoutMs,
  }
  if (isExhausted(value.producerEpoch) && (expected === null || expected.producerEpoch === value.producerEpoch)) {
    const lastProducerEpoch = expected === null ? -1 : value.producerEpoch
    const previousProducerId = value.producerId
    return begun({ ...fresh, producerId: freshProducerId, previousProducerId, producerEpoch: 0, lastProducerEpoch })
  }
  if (expected === null || expected.producerEpoch === value.producerEpoch) {
    const lastProducerEpoch = expected === null ? -1 : value.producerEpoch
    return begun({ ...fresh, producerEpoch: value.producerEpoch + 1, lastProducerEpoch })
  }
  // The same question again, whose answer was lost.
  return expected.producerEpoch === value.lastProducerEpoch ? begun(fresh) : refused('PRODUCER_FENCED')
}

function add(value: Transactional | undefined, command: Command<'add'>, nowMs: number): Decision {
  const wrong = wrongProducer(value, command)
  if (wrong !== undefined) return [[], wrong]
  const known = value!
  if (isPrepared(known)) return refused('CONCURRENT_TRANSACTIONS')
  const isOngoing = known.status === 'Ongoing'
  if (isOngoing && hasAll(known.partitions, command.partitions)) return [[], { transaction: known.startMs }]
  const partitions = withPartitions(isOngoing ? known.partitions : NO_PARTITIONS, command.partitions)
  if (partitions === undefined)
    return [[], failure('POLICY_VIOLATION', `A transaction has at most ${MAX_PARTITIONS} partitions.`)]
  // Later than the one before, whatever the clock says: that makes it a number.
  const startMs = isOngoing ? known.startMs : Math.max(nowMs, known.startMs + 1)
  const { clientVersion } = command
  const ongoing = { ...known, status: 'Ongoing' as const, partitions, startMs, updatedMs: nowMs, clientVersion }
  return [[stored(ongoing)], { transaction: startMs }]
}

/** For a producer's batch: is its partition part of the transaction (KIP-890)? */
function verify(value: Transactional | undefined, command: Command<'verify'>): AddReply {
  const wrong = wrongProducer(value, command)
  if (wrong !== undefined) return wrong
  const known = value!
  if (isPrepared(known)) return failure('CONCURRENT_TRANSACTIONS')
  if (known.status === 'Ongoing' && hasAll(known.partitions, command.partitions)) return { transaction: known.startMs }
  return failure('TRANSACTION_ABORTABLE', 'The partition is not part of an ongoing transaction of this producer.')
}

function end(value: Transactional | undefined, command: Command<'end'>, nowMs: number): Decision {
  return command.clientVersion >= 2 ? endAndBump(value, command, nowMs) : endInEpoch(value, command, nowMs)
}

function endInEpoch(value: Transactional | undefined, command: Command<'end'>, nowMs: number): Decision {
  const wrong = wrongProducer(value, command)
  if (wrong !== undefined) return [[], wrong]
  const known = value!
  const { committed } = command
  if (known.status === 'Ongoing') return prepared({ ...known, ...ending(committed, nowMs) }, known)
  const again = committed ? 'Commit' : 'Abort'
  if (known.status === `Prepare${again}`) return refused('CONCURRENT_TRANSACTIONS')
  return known.status === `Complete${again}` ? [[], producerOf(known)] : refused('INVALID_TXN_STATE')
}

/** KIP-890's second part: every end raises the epoch, so that nothing sent before can reach the next transaction. */
function endAndBump(value: Transactional | undefined, command: Command<'end'>, nowMs: number): Decision {
  const { producerId, producerEpoch, committed, freshProducerId, kept } = command
  if (value === undefined) return refused('INVALID_PRODUCER_ID_MAPPING')
  const overflowed =
    value.previousProducerId === producerId && producerEpoch === MAX_EPOCH - 1 && value.producerEpoch === 0
  if (value.producerId !== producerId && !overflowed) return refused('INVALID_PRODUCER_ID_MAPPING')
  const isSame = value.producerId === producerId && value.producerEpoch === producerEpoch
  const isAgain = overflowed || (value.producerId === producerId && value.producerEpoch === producerEpoch + 1)
  const isPreparing = isPrepared(value)
  const mayBe = isPreparing ? isAgain : isSame || (isAgain && value.status.startsWith('Complete'))
  if (!mayBe) return refused('PRODUCER_FENCED')
  const again = committed ? 'Commit' : 'Abort'
  if (isPreparing) return refused(value.status === `Prepare${again}` ? 'CONCURRENT_TRANSACTIONS' : 'INVALID_TXN_STATE')
  if (isAgain) return value.status === `Complete${again}` ? [[], producerOf(value)] : refused('INVALID_TXN_STATE')
  // An abort of nothing raises the epoch, too.
  if (value.status !== 'Ongoing' && committed) return refused('INVALID_TXN_STATE')
  const nextProducerId = isExhausted(value.producerEpoch) ? freshProducerId : -1
  const told =
    nextProducerId < 0
      ? { producerId, producerEpoch: producerEpoch + 1 }
      : { producerId: nextProducerId, producerEpoch: 0 }
  const bumped = {
    ...value,
    ...ending(committed, nowMs),
    ...(value.status !== 'Ongoing' && { startMs: Math.max(nowMs, value.startMs + 1), partitions: NO_PARTITIONS }),
    producerEpoch: value.producerEpoch + 1,
    lastProducerEpoch: value.producerEpoch,
    nextProducerId,
    clientVersion: 2,
    answers: committed && kept !== undefined ? withAnswer(value.answers, { ...kept, atMs: nowMs }) : value.answers,
  }
  return prepared(bumped, told)
}

const withAnswer = (answers: readonly KeptAnswer[], added: KeptAnswer): KeptAnswer[] =>
  [...answers.filter(({ atMs }) => added.atMs - atMs < ANSWER_KEPT_MS), added].slice(-MAX_ANSWERS)

/** Nothing to mark is complete at once. */
function prepared(value: Transactional, told: ByProducer): Decision {
  const reply = { producerId: told.producerId, producerEpoch: told.producerEpoch }
  if (value.partitions.size === 0) return [[stored(complete(value))], reply]
  return [preparing(value), { ...reply, transaction: value.startMs }]
}

function marked(
  state: TransactionState,
  transaction: number,
  partitions: readonly TopicPartition[],
  nowMs: number,
): TransactionFact[] {
  const { value, unmarked } = state
  if (value === undefined || !isPrepared(value) || value.startMs !== transaction) return []
  const answered = partitions.filter(({ topic, partition }) => unmarked.get(topic)?.has(partition) ?? false)
  const left = [...unmarked.values()].reduce((sum, { size }) => sum + size, -answered.length)
  if (left === 0) {
    const completed = complete(value)
    const storeMs = value.updatedMs + RETRY_MS
    // Stored when the markers would be told again, for which the alarm is set anyway; mostly the next one comes before.
    return storeMs <= nowMs ? [stored(completed)] : [{ type: 'completed', value: completed, storeMs, volatile: true }]
  }
  return answered.length === 0 ? [] : [{ type: 'marked', partitions: answered, volatile: true }]
}

/** Its id is remembered from the end of its last transaction on, however long telling that took. */
function complete(value: Transactional): Transactional {
  const status = value.status === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
  const done = { ...value, status, partitions: NO_PARTITIONS } as const
  if (value.nextProducerId < 0) return done
  const { producerId: previousProducerId, nextProducerId: producerId } = value
  return { ...done, producerId, previousProducerId, nextProducerId: -1, producerEpoch: 0 }
}

/** What time does: transactions that take too long are aborted, markers told again, ids that nobody uses forgotten. */
function tick(state: TransactionState, nowMs: number, settings: TransactionSettings): TransactionFact[] {
  const { value } = state
  if (value === undefined || nowMs < (deadline(state, settings) ?? Infinity)) return []
  if (state.storeMs !== undefined) return [stored(value)]
  if (value.status === 'Ongoing') return fenced(value, nowMs)
  if (isPrepared(value)) return [{ type: 'retry', atMs: nowMs + RETRY_MS, failures: state.failures, volatile: true }]
  return [{ type: 'transaction', value: null }]
}

function deadline(state: TransactionState, settings: TransactionSettings): number | undefined {
  const { value, storeMs, retryMs, transactionalId } = state
  if (value === undefined || storeMs !== undefined) return storeMs
  if (value.status === 'Ongoing') return value.startMs + value.timeoutMs
  if (isPrepared(value)) return retryMs ?? 0
  const keptMs = settings['transactional.id.expiration.ms']
  return value.updatedMs + (transactionalId.startsWith(PASSING_ID) ? Math.min(keptMs, PASSING_KEPT_MS) : keptMs)
}

function describe({ value, unmarked }: TransactionState): DescribeReply {
  if (value === undefined) return failure('TRANSACTIONAL_ID_NOT_FOUND')
  const { producerId, producerEpoch, status, timeoutMs, startMs } = value
  const partitions: TransactionPartitions = isPrepared(value) ? unmarked : value.partitions
  const topics = [...partitions].map(([topic, ids]) => ({ topic, partitions: [...ids] }))
  return { producerId, producerEpoch, status, timeoutMs, startMs, topics }
}

const NO_PARTITIONS: TransactionPartitions = new Map()

const newTransactional = (producerId: number, nowMs: number): Transactional => ({
  producerId,
  previousProducerId: -1,
  nextProducerId: -1,
  producerEpoch: 0,
  lastProducerEpoch: -1,
  timeoutMs: 0,
  status: 'Empty',
  partitions: NO_PARTITIONS,
  updatedMs: nowMs,
  startMs: -1,
  clientVersion: 0,
  answers: [],
})

const stored = (value: Transactional): TransactionFact => ({ type: 'transaction', value })
const refused = (error: Failure['error']): Decision => [[], failure(error)]
const begun = (value: Transactional): Decision => [[stored(value)], producerOf(value)]
const producerOf = ({ producerId, producerEpoch }: ByProducer): ByProducer => ({ producerId, producerEpoch })
/** The last epoch but one: the last is kept for fencing. */
const isExhausted = (producerEpoch: number): boolean => producerEpoch >= MAX_EPOCH - 1

const ending = (committed: boolean, nowMs: number) =>
  ({ status: committed ? 'PrepareCommit' : 'PrepareAbort', updatedMs: nowMs }) as const

/** Decided; who told the partitions may be gone before they have answered. */
const preparing = (value: Transactional): TransactionFact[] => [
  stored(value),
  { type: 'retry', atMs: value.updatedMs + RETRY_MS, failures: 0, volatile: true },
]

/** Aborted, in an epoch that nobody was told: its producer may ask for it and go on (KIP-588). */
const fenced = (value: Transactional, nowMs: number): TransactionFact[] =>
  preparing({
    ...value,
    ...ending(false, nowMs),
    producerEpoch: Math.min(value.producerEpoch + 1, MAX_EPOCH),
    lastProducerEpoch: value.producerEpoch,
  })

function wrongProducer(
  value: Transactional | undefined,
  { producerId, producerEpoch }: ByProducer,
): Failure | undefined {
  if (value === undefined || value.producerId !== producerId) return failure('INVALID_PRODUCER_ID_MAPPING')
  return value.producerEpoch === producerEpoch ? undefined : failure('PRODUCER_FENCED')
}

const hasAll = (known: TransactionPartitions, asked: readonly TopicPartition[]): boolean =>
  asked.every(({ topic, partition }) => known.get(topic)?.has(partition))

function withPartitions(
  known: TransactionPartitions,
  added: readonly TopicPartition[],
): TransactionPartitions | undefined {
  const all = new Map([...known].map(([topic, partitions]) => [topic, new Set(partitions)]))
  for (const { topic, partition } of added) {
    const partitions = all.get(topic)
    if (partitions === undefined) all.set(topic, new Set([partition]))
    else partitions.add(partition)
  }
  const count = [...all.values()].reduce((sum, { size }) => sum + size, 0)
  return count > MAX_PARTITIONS ? undefined : all
}
