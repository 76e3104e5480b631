import { array, type Decoded, int16, int32, int64, records, string, struct, uuid } from '../../../protocol/schema.ts'
import type { TopicPartition } from '../../../coordinator/transaction-state.ts'
import type { AppendResult } from '../../../log/append.ts'
import { type Batch, isTransactional, readBatches } from '../../../log/batch.ts'
import { codeOf, type ErrorName, type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import { compressionOf } from '../../compression.ts'
import { api, type Call } from '../api.ts'
import { checkProduced, compressedAs } from '../producing.ts'
import { byIdOrName } from '../topics.ts'

/**
 * Appends record batches to partitions. acks 0 gets no response at all.
 * v5 tells the log start offset, v8 names the records that spoiled a batch (KIP-467), v9 is flexible, v10 tells the current
 * leader with an error (KIP-951), v12 adds partitions to a transaction implicitly (KIP-890), v13 goes by topic id (KIP-516).
 */
export const produce = api({
  key: 0,
  name: 'Produce',
  versions: '3-13',
  flexible: '9+',
  request: {
    transactionalId: string().nullable().or(null),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitionData: array({
        index: int32(),
        records: records().nullable(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64().or(-1),
        logStartOffset: int64().in('5+').or(-1),
        recordErrors: array({
          batchIndex: int32(),
          batchIndexErrorMessage: string().nullable().or(null),
        }).in('8+'),
        errorMessage: string().in('8+').nullable().or(null),
        currentLeader: struct({
          leaderId: int32().or(-1),
          leaderEpoch: int32().or(-1),
        }).tagged(0, '10+'),
      }),
    }),
    throttleTimeMs: int32().or(0),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
    }).tagged(0, '10+'),
  },
  async handle(request, call) {
    if (request.acks < -1 || request.acks > 1) return answer(request, () => INVALID_ACKS)
    const named = request.topicData.map(({ name, topicId }) => ({ topic: name, topicId }))
    const topics = await byIdOrName(call.broker, named, call.version >= 13)
    const transaction = await transactionOf(request, topics, call)
    // From here to `sent` nothing waits: the appends leave in the order in which the client sent them.
    const results = request.topicData.map(({ name, topicId, partitionData }) => {
      const topic = topics({ topic: name, topicId })
      return partitionData.map(({ index, records }) => {
        if (isFailure(topic)) return topic
        if (index < 0 || index >= topic.partitions) return UNKNOWN_PARTITION
        const refused = checkProduced(records)
        if (refused !== undefined) return refused
        const compressed = compressedAs(compressionOf(topic, call.broker.configs), records!)
        if (isFailure(compressed)) return compressed
        if (transaction === NO_TRANSACTION) return transaction
        if (transaction === undefined || !isWithin(records!))
          return call.broker.append(topic, index, { records: compressed })
        if (isFailure(transaction)) return transaction
        const overtaking = call.broker.transactions.overtaking.judge(
          { topic: topic.name, partition: index },
          readBatches(records!)[0]!,
        )
        return overtaking ?? call.broker.append(topic, index, { records: compressed, ...transaction })
      })
    })
    call.sent()
    const settled = Promise.all(results.map(partitions => Promise.all(partitions)))
    if (request.acks !== 0) {
      const answers = await settled
      return answer(request, (topic, partition) => answers[topic]![partition]!)
    }
    await unacknowledged(settled, call)
    return undefined
  },
})

const INVALID_ACKS: Failure = { error: 'INVALID_REQUIRED_ACKS', message: 'acks must be -1, 0 or 1.' }
const UNKNOWN_PARTITION: Failure = { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'There is no such partition.' }

const NO_TRANSACTION: Failure = failure('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'These batches name no transaction.')

const isWithinAny = (topics: Decoded<typeof produce.request>['topicData']): boolean =>
  topics.some(({ partitionData }) => partitionData.some(({ records }) => records !== null && isWithin(records)))

const isWithin = (records: Uint8Array): boolean => readBatches(records).some(isTransactional)

/** The transaction that the request's transactional batches are in; undefined where it has none, or names no transaction. */
async function transactionOf(
  { transactionalId, topicData }: Decoded<typeof produce.request>,
  find: Awaited<ReturnType<typeof byIdOrName>>,
  { broker, version }: Call,
): Promise<{ readonly transaction: number } | Failure | undefined> {
  if (transactionalId === null) return isWithinAny(topicData) ? NO_TRANSACTION : undefined
  broker.release()
  const partitions: TopicPartition[] = []
  const batches: Batch[] = []
  let producer: Batch | undefined
  for (const { name, topicId, partitionData } of topicData) {
    const topic = find({ topic: name, topicId })
    for (const { index, records } of partitionData) {
      if (isFailure(topic) || index < 0 || index >= topic.partitions || checkProduced(records) !== undefined) continue
      const batch = readBatches(records!)[0]
      if (batch === undefined || !isTransactional(batch)) continue
      producer ??= batch
      if (batch.producerId !== producer.producerId || batch.producerEpoch !== producer.producerEpoch)
        return failure('INVALID_PRODUCER_ID_MAPPING', 'A request carries the batches of one transactional producer.')
      partitions.push({ topic: topic.name, partition: index })
      batches.push(batch)
    }
  }
  if (producer === undefined) return undefined
  const found = await broker.transactions.numberOf(transactionalId, producer, partitions, version >= ADDS_PARTITIONS)
  if (!isFailure(found)) return { transaction: found.transaction }
  if (TO_BE_SENT_AGAIN.has(found.error))
    batches.forEach((batch, i) => broker.transactions.overtaking.sendBack(partitions[i]!, batch))
  return inWordsOf(version, found)
}

const TO_BE_SENT_AGAIN: ReadonlySet<ErrorName> = new Set(['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE'])

/** From this version on, whoever produces to a partition adds it to the transaction. */
const ADDS_PARTITIONS = 12
const KNOWS_ABORTABLE = 11

/** What a coordinator refuses, as producers of that version understand it; NOT_ENOUGH_REPLICAS only says: try again. */
function inWordsOf(version: number, refused: Failure): Failure {
  switch (refused.error) {
    case 'PRODUCER_FENCED':
      return failure('INVALID_PRODUCER_EPOCH', refused.message)
    case 'CONCURRENT_TRANSACTIONS':
      return version >= ADDS_PARTITIONS ? refused : failure('NOT_ENOUGH_REPLICAS', refused.message)
    case 'COORDINATOR_NOT_AVAILABLE':
      return failure('NOT_ENOUGH_REPLICAS', refused.message)
    case 'TRANSACTION_ABORTABLE':
      return version >= KNOWS_ABORTABLE ? refused : failure('INVALID_TXN_STATE', refused.message)
    default:
      return refused
  }
}

interface Produced {
  readonly topicData: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitionData: readonly { readonly index: number }[]
  }[]
}

const answer = (request: Produced, resultOf: (topic: number, partition: number) => AppendResult | Failure) => ({
  responses: request.topicData.map(({ name, topicId, partitionData }, t) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }, p) => ({ index, ...told(resultOf(t, p)) })),
  })),
})

function told(result: AppendResult | Failure) {
  if (!('error' in result))
    return {
      errorCode: 0,
      baseOffset: result.baseOffset,
      logAppendTimeMs: result.logAppendTime,
      logStartOffset: result.logStartOffset,
    }
  const { error, message } = result
  const recordErrors = 'recordErrors' in result ? (result.recordErrors ?? []) : []
  return {
    errorCode: codeOf(error),
    baseOffset: -1,
    logStartOffset: ('logStartOffset' in result && !LOG_UNSEEN.has(error) ? result.logStartOffset : undefined) ?? -1,
    errorMessage: message,
    recordErrors: recordErrors.map(({ index, message: why }) => ({ batchIndex: index, batchIndexErrorMessage: why })),
  }
}

/** What Kafka refuses before it looks at the log, as far as its answers tell (ReplicaManager.appendRecordsToLeader). */
const LOG_UNSEEN = new Set<ErrorName>(['MESSAGE_TOO_LARGE', 'CORRUPT_MESSAGE', 'KAFKA_STORAGE_ERROR'])

/** acks 0: an error can only be told by closing the connection, upon which the client looks at fresh metadata. */
async function unacknowledged(settled: Promise<(AppendResult | Failure)[][]>, call: Call): Promise<void> {
  call.broker.background(settled)
  const failed = (await settled).flat().find(isFailure)
  if (failed !== undefined) call.hangUp(`a produce request with acks=0 failed: ${failed.error}: ${failed.message}`)
}
