// One transaction from one request: a producer is found or made, records are written and offsets committed, all at once, and
// then all of it counts or none. Whoever goes away in the middle leaves an open transaction, which its coordinator aborts
// when its time is up. What is written and answered is transacted.ts.

import type { TopicView } from '../cluster/cluster.ts'
import type { Commit } from '../coordinator/offsets.ts'
import { partitionFor as coordinatorFor } from '../coordinator/partition-for.ts'
import { PASSING_ID } from '../coordinator/transaction-commands.ts'
import type { TopicPartition } from '../coordinator/transaction-state.ts'
import { partitionFor } from '../log/partitioner.ts'
import { type ErrorName, type Failure, failure, isFailure } from '../protocol/errors.ts'
import type { Accumulator } from './accumulator.ts'
import type { Broker } from './broker.ts'
import { topicsToCommit, type Wrong } from './group-offsets.ts'
import type { NamedProducer } from './passing-producers.ts'
import { appendAll, noSuchPartition, startTransactional, stickyPartition, topicToProduce } from './producing.ts'
import { addRun, decodeTransacted, encodeTransacted, type Run, type Transacted } from './transacted.ts'
import type { TransactionBody } from './transaction-body.ts'

/** Until what was before is out of the way; each try waits for that a while already. */
const MAX_TRIES = 5
const FIRST_PAUSE_MS = 20
/** Topics of one transaction: each may have to be made. */
const MAX_TOPICS = 1_000
/** TxnOffsetCommit's, of members of either protocol. */
const COMMIT_VERSION = 5
/** The last epoch a producer is given; with the end of this one it gets another id. */
const LAST_EPOCH = 32_766

export interface TransactRequest {
  readonly body: TransactionBody
  readonly nowMs: number
  readonly digest: string
  /** What an Idempotency-Key comes to: text that nobody else has. */
  readonly key?: string | undefined
  /** What chooses the partition of records that have neither partition nor key: the same for a request that comes again. */
  readonly sticky: string
}

/** Which part of the request failed, and whether everything is taken back for sure. */
export interface NotTransacted extends Wrong {
  readonly part: 'records' | 'offsets' | 'transaction'
  /** 'unknown': it may have been committed. */
  readonly outcome: 'aborted' | 'unknown'
  readonly members?: Readonly<Record<string, unknown>>
}

interface Written {
  readonly topics: ReadonlyMap<string, TopicView>
  /** Of each record. */
  readonly partitions: readonly number[]
}

export async function transact(
  broker: Broker,
  request: TransactRequest,
): Promise<{ readonly transacted: Transacted } | NotTransacted> {
  const { body, key, sticky } = request
  // What was answered is answered again, whatever has become of its topics.
  const first = key === undefined ? undefined : await retried(() => newProducer(broker, body, key))
  if (isFailure(first)) return { ...inWordsOf(request, first), part: 'transaction', outcome: 'aborted' }
  if (first !== undefined && 'answer' in first) return { transacted: decodeTransacted(first.answer) }
  const found = await topicsOf(broker, body)
  if (isFailure(found)) return { ...found, part: 'records', outcome: 'aborted' }
  const offsets = body.offsets && (await topicsToCommit(broker, body.offsets.offsets))
  if (isFailure(offsets)) return { ...offsets, field: `offsets.${offsets.field}`, part: 'offsets', outcome: 'aborted' }
  const counts = (topic: string): number => found.get(topic)!.partitions
  const written = { topics: found, partitions: partitionsOf(body, counts, sticky) }
  const begun = await begin(broker, request, first, await placesOf(broker, body, written.partitions))
  if (isFailure(begun)) return { ...inWordsOf(request, begun), part: 'transaction', outcome: 'aborted' }

  const accumulators = new Map<string, Accumulator>()
  const [, refused] = await Promise.all([
    write(broker, body, written, begun, accumulators),
    offsets && commit(broker, body, offsets, begun),
  ])
  const failed = firstFailed(body, written.partitions, accumulators) ?? refused
  const transacted = failed === undefined ? transactedBy(request, written, accumulators) : undefined
  const kept = key === undefined || transacted === undefined ? undefined : encodeTransacted(transacted)
  const wrong = failed ?? (isFailure(kept) ? { ...kept, part: 'records' as const } : undefined)
  if (wrong !== undefined) {
    const aborted = await end(broker, begun, false)
    if (!isFailure(aborted)) release(broker, body, key, aborted)
    return { ...inWordsOf(request, wrong), outcome: 'aborted' }
  }
  const ended = await end(broker, begun, true, kept as Uint8Array | undefined, key)
  if (isFailure(ended)) return unended(request, ended)
  release(broker, body, key, ended)
  return { transacted: transacted! }
}

/** The partition of each record: its own, its key's, or one for all those of a topic that have neither. */
export function partitionsOf(
  { records, topics }: TransactionBody,
  countOf: (topic: string) => number,
  sticky: string,
): number[] {
  const chosen = new Map<string, number>()
  return records.map((record, i) => {
    if (record.partition >= 0) return record.partition
    const topic = topics[i]!
    if (record.key !== null) return partitionFor(record.key, countOf(topic))
    let partition = chosen.get(topic)
    if (partition === undefined) chosen.set(topic, (partition = stickyPartition(countOf(topic), sticky)))
    return partition
  })
}

async function topicsOf(
  broker: Broker,
  { records, topics: names }: TransactionBody,
): Promise<ReadonlyMap<string, TopicView> | Wrong> {
  const topics = new Map<string, TopicView>()
  for (const [i, name] of names.entries()) {
    const { partition } = records[i]!
    let topic = topics.get(name)
    if (topic === undefined) {
      if (topics.size === MAX_TOPICS)
        return {
          ...failure('POLICY_VIOLATION', `A transaction has at most ${MAX_TOPICS} topics.`),
          field: `records[${i}]`,
        }
      const found = await topicToProduce(broker, name)
      if (isFailure(found)) return { ...found, field: `records[${i}].topic` }
      topics.set(name, (topic = found))
    }
    if (partition >= topic.partitions) return { ...noSuchPartition(topic, partition), field: `records[${i}].partition` }
  }
  return topics
}

/** Everything that the transaction is about, each once. */
async function placesOf(
  broker: Broker,
  { topics, offsets }: TransactionBody,
  partitions: readonly number[],
): Promise<TopicPartition[]> {
  const places = new Map<string, TopicPartition>()
  for (const [i, topic] of topics.entries())
    places.set(`${topic}-${partitions[i]}`, { topic, partition: partitions[i]! })
  if (offsets === undefined) return [...places.values()]
  const { name, partitions: coordinators } = await broker.offsetsTopic()
  return [...places.values(), { topic: name, partition: coordinatorFor(offsets.group, coordinators) }]
}

interface Begun {
  readonly producer: NamedProducer
  readonly transaction: number
}

/** A transaction with all its partitions, of a producer that is there already, that is idle, or that is new. */
async function begin(
  broker: Broker,
  { body, key, nowMs }: TransactRequest,
  given: NamedProducer | undefined,
  places: readonly TopicPartition[],
): Promise<Begun | Failure> {
  const isPassing = body.transactionalId === undefined && key === undefined
  const idle = isPassing ? broker.transactions.passing.take(body.timeoutMs, nowMs) : undefined
  if (idle !== undefined) {
    const added = await broker.transactions.numberOf(idle.transactionalId, idle, places, true)
    if (!isFailure(added)) return { producer: idle, transaction: added.transaction }
    // Forgotten, or still busy: nothing was written, so another one will do.
  }
  const producer = given ?? (await retried(() => newProducer(broker, body)))
  if (isFailure(producer)) return producer
  const added = await retried(() => broker.transactions.numberOf(producer.transactionalId, producer, places, true))
  return isFailure(added) ? added : { producer, transaction: added.transaction }
}

async function newProducer(broker: Broker, body: TransactionBody): Promise<NamedProducer | Failure>
async function newProducer(
  broker: Broker,
  body: TransactionBody,
  key: string,
): Promise<NamedProducer | { readonly answer: Uint8Array } | Failure>
async function newProducer(broker: Broker, { transactionalId: given, timeoutMs }: TransactionBody, key?: string) {
  const freshProducerId = await broker.producerId()
  if (isFailure(freshProducerId)) return freshProducerId
  const transactionalId = given ?? (key === undefined ? broker.transactions.passing.newId() : `${PASSING_ID}key/${key}`)
  const asked = { timeoutMs, freshProducerId }
  const reply =
    key === undefined
      ? await broker.transactions.ask(transactionalId, { ...asked, type: 'init', expected: null })
      : await broker.transactions.ask(transactionalId, { ...asked, type: 'initOnce', key })
  return isFailure(reply) || 'answer' in reply ? reply : { ...reply, transactionalId }
}

async function write(
  broker: Broker,
  { records, topics: names }: TransactionBody,
  { topics, partitions }: Written,
  { producer: { producerId, producerEpoch }, transaction }: Begun,
  accumulators: Map<string, Accumulator>,
): Promise<void> {
  for (const [name, topic] of topics)
    accumulators.set(name, startTransactional(broker, topic, { producerId, producerEpoch }, transaction))
  const byTopic = Map.groupBy(
    records.map((record, i) => ({ ...record, partition: partitions[i]!, topic: names[i]! })),
    ({ topic }) => topic,
  )
  await Promise.all([...byTopic].map(([name, drafts]) => appendAll(accumulators.get(name)!, drafts)))
}

async function commit(
  broker: Broker,
  { offsets }: TransactionBody,
  topics: Commit['topics'],
  { producer: { producerId, producerEpoch }, transaction }: Begun,
): Promise<Omit<NotTransacted, 'outcome'> | undefined> {
  const { group, generation, memberId, groupInstanceId, offsets: given } = offsets!
  const reply = await broker.groups.ask(group, {
    type: 'commitInTransaction',
    version: COMMIT_VERSION,
    memberId,
    groupInstanceId,
    generationId: generation,
    retentionTimeMs: -1,
    topics,
    producerId,
    producerEpoch,
    transaction,
  })
  if (isFailure(reply)) return { ...reply, part: 'offsets', field: 'offsets' }
  const errors = reply.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, error }) => ({ name, partition, error })),
  )
  const refused = errors.find(({ error }) => error !== 'NONE')
  if (refused === undefined) return undefined
  const at = given.findIndex(({ topic, partition }) => topic === refused.name && partition === refused.partition)
  return { ...failure(refused.error), part: 'offsets', field: `offsets.offsets[${at}]` }
}

/** The first record of the request that could not be written. */
function firstFailed(
  body: TransactionBody,
  partitions: readonly number[],
  accumulators: ReadonlyMap<string, Accumulator>,
): Omit<NotTransacted, 'outcome'> | undefined {
  let first: { record: number; topic: string; partition: number } | undefined
  let why: Failure | undefined
  for (const [topic, { lanes }] of accumulators)
    for (const [partition, { cuts }] of lanes) {
      const at = cuts.findIndex(({ result }) => result !== undefined && 'error' in result)
      const result = cuts[at]?.result
      if (result === undefined || !('error' in result)) continue
      const own = 'recordErrors' in result ? result.recordErrors?.[0] : undefined
      const before = cuts.slice(0, at).reduce((sum, { count }) => sum + count, 0)
      const record = nth(body, partitions, topic, partition, before + (own?.index ?? 0))
      if (first !== undefined && first.record < record) continue
      first = { record, topic, partition }
      why = failure(result.error, own?.message ?? result.message)
    }
  return first && why && { ...why, part: 'records', field: `records[${first.record}]`, members: first }
}

/** Which record of the request is the n-th of a partition. */
function nth(
  body: TransactionBody,
  partitions: readonly number[],
  topic: string,
  partition: number,
  n: number,
): number {
  let left = n
  return body.topics.findIndex((name, i) => name === topic && partitions[i] === partition && left-- === 0)
}

function transactedBy(
  { nowMs, digest }: TransactRequest,
  { topics }: Written,
  accumulators: ReadonlyMap<string, Accumulator>,
): Transacted {
  const runsOf = (topic: string): [number, Run[]][] =>
    [...accumulators.get(topic)!.lanes].map(([partition, { cuts }]) => {
      const runs: Run[] = []
      for (const { count, result } of cuts)
        if (result !== undefined && !('error' in result)) addRun(runs, [result.baseOffset, count, result.logAppendTime])
      return [partition, runs]
    })
  return {
    nowMs,
    digest,
    topics: new Map([...topics].map(([name, { partitions }]) => [name, { partitions, runs: new Map(runsOf(name)) }])),
  }
}

/** Ends it, and says who the producer is now. May be asked again: it is answered the same. */
async function end(
  broker: Broker,
  { producer }: Begun,
  committed: boolean,
  answer?: Uint8Array,
  key?: string,
): Promise<NamedProducer | Failure> {
  const { transactionalId, producerId, producerEpoch } = producer
  const freshProducerId = producerEpoch >= LAST_EPOCH ? await broker.producerId() : -1
  if (isFailure(freshProducerId)) return freshProducerId
  const kept = answer === undefined || key === undefined ? {} : { kept: { key, answer } }
  const asked = { producerId, producerEpoch, committed, clientVersion: 2, freshProducerId, ...kept }
  let wasUnanswered = false
  const reply = await retried(async () => {
    const answered = await broker.transactions.ask(transactionalId, { type: 'end', ...asked })
    wasUnanswered ||= isFailure(answered) && answered.error === 'COORDINATOR_NOT_AVAILABLE'
    return answered
  })
  if (!isFailure(reply)) return { transactionalId, producerId: reply.producerId, producerEpoch: reply.producerEpoch }
  // It was asked before, and is being told to its partitions: that is decided.
  if (reply.error === 'CONCURRENT_TRANSACTIONS') return { ...producer, producerEpoch: LAST_EPOCH }
  // Whoever took over may have done so before the first try came, or after it had ended the transaction.
  return wasUnanswered && TAKEN_OVER.has(reply.error) ? failure('COORDINATOR_NOT_AVAILABLE', reply.message) : reply
}

function release(broker: Broker, body: TransactionBody, key: string | undefined, producer: NamedProducer): void {
  if (body.transactionalId === undefined && key === undefined)
    broker.transactions.passing.giveBack(producer, body.timeoutMs, Date.now())
}

const TAKEN_OVER = new Set<ErrorName>(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'])
const ENDED = new Set<ErrorName>([...TAKEN_OVER, 'INVALID_TXN_STATE'])

/** What became of a transaction that somebody else has ended, as who asked for it understands it. */
function inWordsOf<F extends Failure>({ body: { transactionalId, timeoutMs }, key }: TransactRequest, failed: F): F {
  const { error } = failed
  if (!ENDED.has(error)) return failed
  return { ...failed, ...ended() }

  function ended(): Failure {
    if (TAKEN_OVER.has(error) && key !== undefined)
      return failure('CONCURRENT_TRANSACTIONS', 'The same request came again and took over: ask again for its answer.')
    if (TAKEN_OVER.has(error) && transactionalId !== undefined)
      return failure('PRODUCER_FENCED', `A newer request with transactionalId '${transactionalId}' took over.`)
    return failure('REQUEST_TIMED_OUT', `The transaction took longer than its ${timeoutMs} ms, so it was aborted.`)
  }
}

/** An end without an answer may have been decided all the same. */
function unended(request: TransactRequest, failed: Failure): NotTransacted {
  if (ENDED.has(failed.error)) return { ...inWordsOf(request, failed), part: 'transaction', outcome: 'aborted' }
  const how =
    request.key === undefined
      ? 'with an Idempotency-Key it could be asked again'
      : 'ask again with the same Idempotency-Key'
  const message = `Whether the transaction was committed is not known: ${how}. ${failed.message}`
  return { error: failed.error, message, part: 'transaction', outcome: 'unknown' }
}

/** Tries again what may pass and was not done, a little later each time. */
async function retried<T extends object>(ask: () => Promise<T | Failure>): Promise<T | Failure> {
  for (let tries = 1; ; tries++) {
    const reply = await ask()
    const passes =
      isFailure(reply) && (reply.error === 'CONCURRENT_TRANSACTIONS' || reply.error === 'COORDINATOR_NOT_AVAILABLE')
    if (!passes || tries === MAX_TRIES) return reply
    await new Promise(resolve => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** tries))
  }
}
