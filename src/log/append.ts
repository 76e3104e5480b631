// May these batches be appended, and as what: accepted, duplicate, or refused with which error. Judges by batch
// headers and the facts a door found inside; nothing is written here. Kafka's UnifiedLog.append and LogValidator.

import { failure, type ErrorName, type Failure } from '../protocol/errors.ts'
import { type Batch, isControl, usesLogAppendTime } from './batch.ts'
import { isCompacted, type LogConfig, validatesSchemas } from './config.ts'
import type { Producers } from './producers.ts'
import type { Transactions } from './transactions.ts'

/** What only someone who opened the records can know; the doors open them, the log does not. */
export interface RecordFacts {
  /** Index of the first record without a key; null if all have one. */
  readonly recordWithoutKey: number | null
  /** The earliest timestamp of any record, ms; -1 if none has one. */
  readonly minTimestamp: number
  /** The first record whose key or value has no schema it may have, and why; absent: nobody looked. */
  readonly schemaFault?: SchemaFault | null
}

export interface SchemaFault {
  readonly index: number
  readonly message: string
}

/** One append, judged as a whole: all its batches or none. */
export interface AppendRequest {
  /** One or more whole v2 batches; the log stamps them in place, so the caller gives them away. */
  readonly records: Uint8Array
  readonly facts?: RecordFacts
  /** The same key again within minutes gets the first answer again, and nothing is appended. */
  readonly idempotencyKey?: string
  /** The open transaction that its coordinator says the producer is in, and this partition a part of. */
  readonly transaction?: number
}

export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  /** ms; -1 where the records keep the time their producer gave them. */
  readonly logAppendTime: number
  readonly logStartOffset: number
  readonly duplicate?: true
}

export interface Refused {
  readonly error: ErrorName
  readonly message: string
  readonly logStartOffset?: number
  readonly recordErrors?: readonly { readonly index: number; readonly message: string }[]
  /** The log cannot judge without these facts: open the records and ask again. */
  readonly ask?: 'facts'
}

export type AppendResult = Appended | Refused

/** Who appends: clients may not write control batches, the coordinators of this broker may. */
export type Origin = 'client' | 'coordinator'

export type Judgement =
  | 'accept'
  | { readonly duplicateOf: { readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number } }
  | Refused

/** Judges one append against the log's config, producers and transactions, which still have to be told of what is accepted. */
export function judge(
  batches: readonly Batch[],
  { facts, transaction }: Pick<AppendRequest, 'facts' | 'transaction'>,
  producers: Producers,
  transactions: Transactions,
  config: LogConfig,
  nowMs: number,
  origin: Origin,
): Judgement {
  for (const batch of batches) {
    const refused = judgeBatch(batch, config, nowMs, origin)
    if (refused !== undefined) return refused
  }
  if (origin === 'client') {
    const refused = judgeRecords(facts, config, nowMs)
    if (refused !== undefined) return refused
  }
  const judged = judgeSequences(batches, producers, nowMs)
  if (judged !== 'accept' || origin === 'coordinator') return judged
  for (const batch of batches) {
    const refused = transactions.judge(batch, transaction)
    if (refused !== undefined) return refused
  }
  return 'accept'
}

function judgeBatch(batch: Batch, config: LogConfig, nowMs: number, origin: Origin): Failure | undefined {
  const limit = config['max.message.bytes']
  if (batch.bytes.length > limit) {
    return failure(
      'MESSAGE_TOO_LARGE',
      `The record batch size is ${batch.bytes.length} bytes, which exceeds the maximum configured value of ${limit} (max.message.bytes).`,
    )
  }
  if (origin === 'coordinator') return undefined
  if (isControl(batch)) return failure('INVALID_RECORD', 'Clients are not allowed to write control records.')
  if (usesLogAppendTime(batch))
    return failure('INVALID_TIMESTAMP', 'Producers must not set timestamp type to LogAppendTime.')
  if (batch.producerId >= 0 && batch.baseSequence < 0)
    return failure(
      'INVALID_RECORD',
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId}.`,
    )
  if (
    config['message.timestamp.type'] === 'CreateTime' &&
    batch.maxTimestamp - nowMs > config['message.timestamp.after.max.ms']
  )
    return outOfTime(batch.maxTimestamp, nowMs, config)
  return undefined
}

function judgeRecords(facts: RecordFacts | undefined, config: LogConfig, nowMs: number): Refused | undefined {
  const compacted = isCompacted(config)
  // No clock reaches further back than the epoch, so a limit beyond now asks nothing of anyone.
  const bounded = config['message.timestamp.type'] === 'CreateTime' && config['message.timestamp.before.max.ms'] < nowMs
  const validated = validatesSchemas(config)
  if (!compacted && !bounded && !validated) return undefined
  if (facts === undefined || (validated && facts.schemaFault === undefined))
    return { ...failure('INVALID_RECORD', 'The records have to be opened to be judged.'), ask: 'facts' }
  if (compacted && facts.recordWithoutKey !== null) {
    const message = 'Compacted topic cannot accept message without key.'
    return { ...failure('INVALID_RECORD', message), recordErrors: [{ index: facts.recordWithoutKey, message }] }
  }
  if (validated && facts.schemaFault)
    return { ...failure('INVALID_RECORD', facts.schemaFault.message), recordErrors: [facts.schemaFault] }
  if (bounded && facts.minTimestamp >= 0 && nowMs - facts.minTimestamp > config['message.timestamp.before.max.ms'])
    return outOfTime(facts.minTimestamp, nowMs, config)
  return undefined
}

function outOfTime(timestamp: number, nowMs: number, config: LogConfig): Failure {
  const low = nowMs - config['message.timestamp.before.max.ms']
  const high = nowMs + config['message.timestamp.after.max.ms']
  return failure(
    'INVALID_TIMESTAMP',
    `Timestamp ${timestamp} of a message is out of range. The timestamp should be within [${low}, ${high}]`,
  )
}

function judgeSequences(batches: readonly Batch[], producers: Producers, nowMs: number): Judgement {
  // A later batch of the same append follows on from the earlier ones, which are not told to `producers` yet.
  const several = batches.length > 1 && batches.some(batch => batch.producerId >= 0)
  const draft = several ? producers.fork() : producers
  for (const batch of batches) {
    const sequenced = draft.judge(batch)
    if ('error' in sequenced) return sequenced
    if (sequenced.kind === 'duplicate') return { duplicateOf: sequenced.written }
    if (several) draft.wrote(batch, nowMs)
  }
  return 'accept'
}
