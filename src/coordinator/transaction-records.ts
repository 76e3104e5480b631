// What __transaction_state holds: its keys and values, byte for byte as Kafka 4.3 writes them, so that Kafka's own formatters
// print them. One tagged field is ours, and passed over by Kafka. What a record means is left to transaction.ts.

import type { FactRecord } from '../machine.ts'
import { Reader, Writer } from '../protocol/bytes.ts'
import { codecFor } from '../protocol/codec.ts'
import { array, bytes, type Decoded, type Encodable, int16, int32, int64, int8, string } from '../protocol/schema.ts'

const KEY_VERSION = 0
/** Version 0 is the same without the compact encoding and its tagged fields. */
const VALUE_VERSION = 1
/** Far from those that Kafka may give out. */
const OWN_TAG = 10_000

const key = { transactionalId: string() }
const value = {
  producerId: int64(),
  previousProducerId: int64().tagged(0, '1+').or(-1),
  nextProducerId: int64().tagged(1, '1+').or(-1),
  producerEpoch: int16(),
  nextProducerEpoch: int16().tagged(3, '1+').or(-1),
  transactionTimeoutMs: int32(),
  transactionStatus: int8(),
  transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }).nullable(),
  transactionLastUpdateTimestampMs: int64(),
  transactionStartTimestampMs: int64(),
  clientTransactionVersion: int16().tagged(2, '1+').or(0),
  answers: array({ key: string(), atMs: int64(), answer: bytes() }).tagged(OWN_TAG, '1+').or([]),
}

export type TransactionValue = Decoded<typeof value>

export function encodeTransactionRecord(transactionalId: string, written: Encodable<typeof value> | null): FactRecord {
  const w = new Writer()
  w.int16(KEY_VERSION)
  codecFor(key, KEY_VERSION, false).write(w, { transactionalId })
  return { key: w.done().slice(), value: written && encodeValue(written) }
}

function encodeValue(written: Encodable<typeof value>): Uint8Array {
  const w = new Writer()
  w.int16(VALUE_VERSION)
  codecFor(value, VALUE_VERSION, true).write(w, written)
  return w.done().slice()
}

/** Undefined for a version that this one does not know. */
export function decodeTransactionRecord(
  record: FactRecord,
): { readonly transactionalId: string; readonly value: TransactionValue | null } | undefined {
  const r = new Reader(record.key)
  if (r.int16() !== KEY_VERSION) return undefined
  const { transactionalId } = codecFor(key, KEY_VERSION, false).read(r)
  if (record.value === null) return { transactionalId, value: null }
  const v = new Reader(record.value)
  const version = v.int16()
  if (version < 0 || version > VALUE_VERSION) return undefined
  return { transactionalId, value: codecFor(value, version, version >= 1).read(v) }
}
