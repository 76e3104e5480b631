// Where the records of a transaction came to stand: what its request is answered, and what is kept of that for the same
// request when it comes again. Records stand in runs, so that a hundred thousand of them take little.

import { failure, type Failure } from '../protocol/errors.ts'
import type { TransactionBody } from './transaction-body.ts'

/** What is kept of one answer: it is part of a record of __transaction_state. */
const MAX_KEPT_BYTES = 65_536

/** Neighbours in the log: first offset, how many, and the time the log gave them, -1 where they keep their own. */
export type Run = [baseOffset: number, count: number, logAppendTime: number]

export interface Transacted {
  /** The timestamp of records that said none, ms. */
  readonly nowMs: number
  /** Of the request: another one under the same key is no repetition. */
  readonly digest: string
  readonly topics: ReadonlyMap<string, TransactedTopic>
}

/** A topic as it was then: how many partitions, and what was written to which. */
export interface TransactedTopic {
  readonly partitions: number
  readonly runs: ReadonlyMap<number, readonly Run[]>
}

/** Puts records behind those that stand already. */
export function addRun(runs: Run[], [baseOffset, count, logAppendTime]: Run): void {
  const last = runs.at(-1)
  if (last !== undefined && last[0] + last[1] === baseOffset && last[2] === logAppendTime) last[1] += count
  else runs.push([baseOffset, count, logAppendTime])
}

export function encodeTransacted({ nowMs, digest, topics }: Transacted): Uint8Array | Failure {
  const plain: Plain = [nowMs, digest, [...topics].map(([name, { partitions, runs }]) => [name, partitions, [...runs]])]
  const bytes = new TextEncoder().encode(JSON.stringify(plain))
  return bytes.length <= MAX_KEPT_BYTES
    ? bytes
    : failure('POLICY_VIOLATION', 'With an Idempotency-Key, a transaction cannot write to so many places.')
}

export function decodeTransacted(bytes: Uint8Array): Transacted {
  const [nowMs, digest, topics] = JSON.parse(new TextDecoder().decode(bytes)) as Plain
  return {
    nowMs,
    digest,
    topics: new Map(topics.map(([name, partitions, runs]) => [name, { partitions, runs: new Map(runs) }])),
  }
}

type Plain = readonly [
  nowMs: number,
  digest: string,
  topics: readonly (readonly [
    name: string,
    partitions: number,
    runs: readonly (readonly [number, readonly Run[]])[],
  ])[],
]

/** `{"transactionalId","records":[{"topic","partition","offset","timestamp"}],"offsets":[…]}`; `partitions` of each record. */
export function transactedAnswer(
  { transactionalId, records, topics, offsets }: TransactionBody,
  partitions: readonly number[],
  transacted: Transacted,
): Response {
  const cursors = new Map<readonly Run[], { run: number; taken: number }>()
  const names = new Map<string, string>()
  const parts: string[] = []
  for (const [i, { timestamp }] of records.entries()) {
    const topic = topics[i]!
    const runs = transacted.topics.get(topic)!.runs.get(partitions[i]!)!
    let cursor = cursors.get(runs)
    if (cursor === undefined) cursors.set(runs, (cursor = { run: 0, taken: 0 }))
    const [baseOffset, count, logAppendTime] = runs[cursor.run]!
    const at = logAppendTime >= 0 ? logAppendTime : timestamp
    let name = names.get(topic)
    if (name === undefined) names.set(topic, (name = JSON.stringify(topic)))
    parts.push(`{"topic":${name},"partition":${partitions[i]},"offset":${baseOffset + cursor.taken},"timestamp":${at}}`)
    if (++cursor.taken === count) {
      cursor.run++
      cursor.taken = 0
    }
  }
  const committed = offsets && { group: offsets.group, offsets: offsets.offsets.map(placeOf) }
  const id = transactionalId === undefined ? '' : `"transactionalId":${JSON.stringify(transactionalId)},`
  const end = committed === undefined ? '' : `,"offsets":${JSON.stringify(committed)}`
  return new Response(`{${id}"records":[${parts.join(',')}]${end}}`, {
    headers: { 'content-type': 'application/json' },
  })
}

const placeOf = ({ topic, partition, offset }: { topic: string; partition: number; offset: number }) => ({
  topic,
  partition,
  offset,
})
