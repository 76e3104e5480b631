// A record batch (Kafka's format v2) as its 61-byte header: found, checked and stamped; its records stay closed.
// Who may append what (base offset 0, no control batches, sequences, sizes) is append.ts; what is inside is records.ts.
//
//   0 baseOffset i64 · 8 length i32 · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32 · 21 attributes i16
//   23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 · 43 producerId i64 · 51 producerEpoch i16
//   53 baseSequence i32 · 57 count i32 · 61 records, compressed as one
// The CRC covers everything after itself, so base offset and leader epoch are stamped without touching it.

import { type Failure, failure } from '../protocol/errors.ts'
import { type Codec, codecs } from './codecs.ts'
import { crc32c } from './crc32c.ts'

export const BATCH_HEADER_BYTES = 61
/** Seven numbers of one byte each: the record of a null key and a null value. */
const MIN_RECORD_BYTES = 7
/** More than that is a claim to use up offsets with, and no batch that its readers could open. */
const MAX_COMPRESSED_RECORDS = 10_000_000
/** Base offset and length: what a batch is longer than its length field says. */
export const BATCH_OVERHEAD = 12

const MAGIC = 2
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const MAX_TIMESTAMP_AT = 35
/** The shortest message of any format ever (v0), below which Kafka calls the length itself corrupt. */
const SHORTEST_LENGTH = 14

const CODEC_BITS = 0x07
const LOG_APPEND_TIME_BIT = 0x08
const TRANSACTIONAL_BIT = 0x10
const CONTROL_BIT = 0x20

export interface Batch {
  /** Exactly this batch: usually a view of a larger buffer. */
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Records inside; after compaction fewer than the offsets that the batch spans. */
  readonly count: number
  /** The number of its transaction (transactions.ts), which is not part of its bytes. */
  readonly transaction?: number
}

export const lastOffset = (batch: Pick<Batch, 'baseOffset' | 'lastOffsetDelta'>): number =>
  batch.baseOffset + batch.lastOffsetDelta

/** The checksum over everything in a batch but its place in the log, as it stands there. */
export const crcOf = ({ bytes }: Pick<Batch, 'bytes'>): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(CRC_AT)

/** What that checksum has to be. */
export const checksumOf = ({ bytes }: Pick<Batch, 'bytes'>): number => crc32c(bytes, ATTRIBUTES_AT)

/** Sequences go on at 0 after 2^31 - 1; -1 where the producer numbers nothing. */
export function lastSequence(batch: Pick<Batch, 'baseSequence' | 'lastOffsetDelta'>): number {
  if (batch.baseSequence < 0) return -1
  return (batch.baseSequence + batch.lastOffsetDelta) % 0x8000_0000
}

export const isControl = (batch: Pick<Batch, 'attributes'>): boolean => (batch.attributes & CONTROL_BIT) !== 0
export const isTransactional = (batch: Pick<Batch, 'attributes'>): boolean =>
  (batch.attributes & TRANSACTIONAL_BIT) !== 0
export const usesLogAppendTime = (batch: Pick<Batch, 'attributes'>): boolean =>
  (batch.attributes & LOG_APPEND_TIME_BIT) !== 0
/** Codecs 5 to 7 do not exist; parseBatches refuses them. */
export const codecOf = (batch: Batch): Codec => codecs[batch.attributes & CODEC_BITS] ?? 'none'

/**
 * Walks consecutive batches that somebody sent, and checks each as Kafka's leader does (ByteBufferLogInputStream,
 * DefaultRecordBatch.ensureValid, LogValidator.validateBatch). One bad batch refuses all. Batches are views of `bytes`.
 */
export function parseBatches(bytes: Uint8Array): Batch[] | Failure {
  if (bytes.length === 0) return failure('INVALID_RECORD', 'There is no record batch here.')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const batches: Batch[] = []
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at
    if (left <= MAGIC_AT) return failure('INVALID_RECORD', `The last record batch is cut off after ${left} bytes.`)
    const length = view.getInt32(at + 8)
    if (length < SHORTEST_LENGTH) return failure('CORRUPT_MESSAGE', `A record batch cannot have length ${length}.`)
    const magic = view.getInt8(at + MAGIC_AT)
    if (magic !== MAGIC)
      return failure('UNSUPPORTED_FOR_MESSAGE_FORMAT', `Record batches have magic 2; this one has magic ${magic}.`)
    const size = length + BATCH_OVERHEAD
    if (size < BATCH_HEADER_BYTES)
      return failure('CORRUPT_MESSAGE', `A record batch of ${size} bytes is shorter than its header.`)
    if (size > left)
      return failure('INVALID_RECORD', `The last record batch is cut off: it has ${left} of its ${size} bytes.`)
    const end = at + size
    const stored = view.getUint32(at + CRC_AT)
    const computed = crc32c(bytes, at + ATTRIBUTES_AT, end)
    if (stored !== computed)
      return failure('CORRUPT_MESSAGE', `Record batch checksum is ${hex(stored)}, its bytes have ${hex(computed)}.`)
    const batch = readHeader(bytes, view, at, size)
    const wrong = check(batch)
    if (wrong) return wrong
    batches.push(batch)
    at = end
  }
  return batches
}

/** Batches that are already in the log: nothing is checked again, and a partial last batch is left out. */
export function readBatches(bytes: Uint8Array): Batch[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const batches: Batch[] = []
  for (let at = 0; bytes.length - at >= BATCH_HEADER_BYTES;) {
    const size = view.getInt32(at + 8) + BATCH_OVERHEAD
    if (size < BATCH_HEADER_BYTES || size > bytes.length - at) break
    batches.push(readHeader(bytes, view, at, size))
    at += size
  }
  return batches
}

/** What the leader decides about a batch. With logAppendTime the batch says when it came, not when it was made. */
export interface Stamp {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly logAppendTime?: number | undefined
}

/** Writes the stamp into the batch's own bytes and answers the batch as it now reads. Its base timestamp stays. */
export function stamp(batch: Batch, { baseOffset, leaderEpoch, logAppendTime }: Stamp): Batch {
  const { bytes } = batch
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  setInt64(view, 0, baseOffset)
  view.setInt32(12, leaderEpoch)
  if (logAppendTime === undefined) return { ...batch, baseOffset, leaderEpoch }
  const attributes = batch.attributes | LOG_APPEND_TIME_BIT
  view.setInt16(ATTRIBUTES_AT, attributes)
  setInt64(view, MAX_TIMESTAMP_AT, logAppendTime)
  view.setUint32(CRC_AT, crc32c(bytes, ATTRIBUTES_AT))
  return { ...batch, baseOffset, leaderEpoch, attributes, maxTimestamp: logAppendTime }
}

/** The header of a batch still to be written; its length and checksum follow from the bytes. */
export type BatchHeader = Omit<Batch, 'bytes'>

/** Writes the header at the start of a finished batch, whose records already stand in their place. */
export function writeHeader(bytes: Uint8Array, header: BatchHeader): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  setInt64(view, 0, header.baseOffset)
  view.setInt32(8, bytes.length - BATCH_OVERHEAD)
  view.setInt32(12, header.leaderEpoch)
  view.setInt8(MAGIC_AT, MAGIC)
  view.setInt16(ATTRIBUTES_AT, header.attributes)
  view.setInt32(23, header.lastOffsetDelta)
  setInt64(view, 27, header.baseTimestamp)
  setInt64(view, MAX_TIMESTAMP_AT, header.maxTimestamp)
  setInt64(view, 43, header.producerId)
  view.setInt16(51, header.producerEpoch)
  view.setInt32(53, header.baseSequence)
  view.setInt32(57, header.count)
  view.setUint32(CRC_AT, crc32c(bytes, ATTRIBUTES_AT))
}

/** The attribute bits of a batch. */
export function attributesOf(is: { codec: Codec; transactional: boolean; control: boolean }): number {
  return codecs.indexOf(is.codec) | (is.transactional ? TRANSACTIONAL_BIT : 0) | (is.control ? CONTROL_BIT : 0)
}

function readHeader(bytes: Uint8Array, view: DataView, at: number, size: number): Batch {
  return {
    bytes: new Uint8Array(bytes.buffer, bytes.byteOffset + at, size),
    baseOffset: getInt64(view, at),
    lastOffsetDelta: view.getInt32(at + 23),
    leaderEpoch: view.getInt32(at + 12),
    attributes: view.getInt16(at + ATTRIBUTES_AT),
    baseTimestamp: getInt64(view, at + 27),
    maxTimestamp: getInt64(view, at + MAX_TIMESTAMP_AT),
    producerId: getInt64(view, at + 43),
    producerEpoch: view.getInt16(at + 51),
    baseSequence: view.getInt32(at + 53),
    count: view.getInt32(at + 57),
  }
}

function check(batch: Batch): Failure | undefined {
  const { count, lastOffsetDelta } = batch
  if (lastOffsetDelta < 0) return failure('INVALID_RECORD', `A batch cannot span ${lastOffsetDelta + 1} offsets.`)
  if (count <= 0) return failure('INVALID_RECORD', `A batch cannot hold ${count} records.`)
  if (lastOffsetDelta + 1 !== count)
    return failure('INVALID_RECORD', `The batch spans ${lastOffsetDelta + 1} offsets but holds ${count} records.`)
  const codec = codecs[batch.attributes & CODEC_BITS]
  const most = codec === 'none' ? (batch.bytes.length - BATCH_HEADER_BYTES) / MIN_RECORD_BYTES : MAX_COMPRESSED_RECORDS
  if (count > most)
    return failure('INVALID_RECORD', `A batch of ${batch.bytes.length} bytes cannot hold ${count} records.`)
  if (!codec)
    return failure('UNSUPPORTED_COMPRESSION_TYPE', `There is no compression codec ${batch.attributes & CODEC_BITS}.`)
  for (const name of int64s)
    if (!Number.isSafeInteger(batch[name])) return failure('INVALID_RECORD', `The ${name} of a batch is beyond 2^53.`)
  return undefined
}

const int64s = ['baseOffset', 'baseTimestamp', 'maxTimestamp', 'producerId'] as const

/** Exact within 2^53; beyond, a number that Number.isSafeInteger refuses. */
const getInt64 = (view: DataView, at: number): number => view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4)

function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value >>> 0)
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0')
