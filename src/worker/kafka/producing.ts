// What the Kafka door sees to before a batch goes to its partition: that a request carries exactly one batch a partition,
// and that it is compressed as its topic wants. Kafka's ProduceRequest.validateRecords and BrokerCompressionType.

import {
  type Batch,
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD,
  codecOf,
  isControl,
  isTransactional,
  parseBatches,
  readBatches,
} from '../../log/batch.ts'
import { decodeBatch, encodeBatch } from '../../log/records.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Compression } from '../compression.ts'

const MAGIC_AT = 16

/** The batch's checksum and header are the log's to judge; here only that there is one batch. */
export function checkProduced(records: Uint8Array | null): Failure | undefined {
  if (records === null || records.length === 0)
    return failure(
      'INVALID_RECORD',
      'Produce requests must have exactly one record batch per partition, this one has none.',
    )
  const magic = records[MAGIC_AT]
  if (magic !== undefined && magic !== 2)
    return failure(
      'INVALID_RECORD',
      `Produce requests may only contain record batches with magic version 2, this one has ${magic}.`,
    )
  if (records.length < BATCH_HEADER_BYTES) return failure('CORRUPT_MESSAGE', 'The record batch is cut off.')
  const view = new DataView(records.buffer, records.byteOffset)
  if (view.getBigInt64(0) !== 0n)
    return failure(
      'INVALID_RECORD',
      `The baseOffset of the record batch should be 0, but it is ${view.getBigInt64(0)}.`,
    )
  if (view.getInt32(8) + BATCH_OVERHEAD < records.length)
    return failure(
      'INVALID_RECORD',
      'Produce requests must have exactly one record batch per partition, this one has more.',
    )
  return undefined
}

/** The batch compressed as its topic wants, if that is not what was sent. */
export function compressedAs(wanted: Compression | undefined, records: Uint8Array): Uint8Array | Failure {
  if (wanted === undefined) return records
  const [batch] = readBatches(records)
  if (batch !== undefined && codecOf(batch) === wanted.codec) return records
  const batches = parseBatches(records)
  return isFailure(batches) ? batches : again(batches[0]!, wanted)
}

function again(batch: Batch, { codec, level }: Compression): Uint8Array | Failure {
  const records = decodeBatch(batch)
  if (isFailure(records)) return records
  const { producerId, producerEpoch, baseSequence } = batch
  return encodeBatch(records, {
    codec,
    level,
    producerId,
    producerEpoch,
    baseSequence,
    transactional: isTransactional(batch),
    control: isControl(batch),
  })
}
