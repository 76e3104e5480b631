// The records inside a batch: closed by encodeBatch and opened by decodeBatch, for doors that speak JSON and for
// compaction. Both are hot paths: one buffer is written, views of one buffer are read, nothing else is allocated.
//
// A record: length · attributes i8 (0) · timestampDelta · offsetDelta · keyLength key · valueLength value ·
// headerCount (keyLength key valueLength value)…   All numbers are zigzag varints; a length of -1 is null.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { attributesOf, type Batch, BATCH_HEADER_BYTES, codecOf, usesLogAppendTime, writeHeader } from './batch.ts'
import { type Codec, compress, decompress } from './compression.ts'
import { RecordCursor } from './record-cursor.ts'

/** What one batch may take in memory when it is opened; one that takes more is refused. */
export const MAX_OPENED_BYTES = 64 * 1024 * 1024
/** What a record and a header take besides their bytes: objects and views, measured in V8. */
const RECORD_OBJECT_BYTES = 256
const HEADER_OBJECT_BYTES = 128
const NO_HEADERS: readonly Header[] = []
/** Seven numbers of one byte each: length, attributes, two deltas, key length, value length, header count. */
const SMALLEST_RECORD_BYTES = 7

export interface Header {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A record that has no place in a log yet. */
export interface NewRecord {
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
}

export interface LogRecord extends NewRecord {
  readonly offset: number
}

export interface BatchOptions {
  readonly codec?: Codec
  /** How hard the codec tries; its default where absent. */
  readonly level?: number | undefined
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
}

/**
 * One batch at base offset 0 with a right checksum. It throws where the caller has a bug: no record at all, or
 * timestamps that are not whole numbers within 2^53 of each other.
 */
export function encodeBatch(records: readonly NewRecord[], options: BatchOptions = {}): Uint8Array {
  const first = records[0]
  if (!first) throw new RangeError('a batch has at least one record')
  const { codec = 'none', transactional = false, control = false } = options
  const names = new HeaderNames()
  const baseTimestamp = first.timestamp
  let maxTimestamp = baseTimestamp
  let size = 0
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    const timestampDelta = record.timestamp - baseTimestamp
    if (!Number.isSafeInteger(timestampDelta)) throw new RangeError(`timestamp ${record.timestamp} is beyond 2^53`)
    const body = bodySize(record, timestampDelta, i, names)
    size += varintSize(body) + body
  }

  const bytes = new Uint8Array(BATCH_HEADER_BYTES + size)
  let at = BATCH_HEADER_BYTES
  for (let i = 0; i < records.length; i++) at = writeRecord(bytes, at, records[i]!, baseTimestamp, i, names)

  const batch = codec === 'none' ? bytes : withCompressedRecords(codec, bytes, options.level)
  writeHeader(batch, {
    baseOffset: 0,
    lastOffsetDelta: records.length - 1,
    leaderEpoch: -1,
    attributes: attributesOf({ codec, transactional, control }),
    baseTimestamp,
    maxTimestamp,
    producerId: options.producerId ?? -1,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    count: records.length,
  })
  return batch
}

/**
 * The records of a batch, keys and values as views. Records that do not read as the header says are CORRUPT_MESSAGE;
 * those that take more than `maxBytes` of memory, decompressed and as objects, are MESSAGE_TOO_LARGE.
 */
export function decodeBatch(batch: Batch, maxBytes = MAX_OPENED_BYTES): LogRecord[] | Failure {
  const { baseOffset, baseTimestamp, count } = batch
  if (count === 0) return [] // compaction may leave a bare header
  const bytes = openRecords(batch, maxBytes)
  if (isFailure(bytes)) return bytes
  const appendTime = usesLogAppendTime(batch) ? batch.maxTimestamp : undefined
  const cursor = new RecordCursor(bytes)
  let room = maxBytes - bytes.length - count * RECORD_OBJECT_BYTES
  if (room < 0) return tooLarge(maxBytes)
  const records: LogRecord[] = []
  let previous = -1
  for (let i = 0; i < count; i++) {
    cursor.startRecord()
    const timestamp = baseTimestamp + cursor.varlong()
    const offsetDelta = cursor.varint()
    const key = cursor.nullableBytes()
    const value = cursor.nullableBytes()
    const headerCount = cursor.headerCount()
    room -= headerCount * HEADER_OBJECT_BYTES
    if (room < 0) return tooLarge(maxBytes)
    const headers = headerCount === 0 ? NO_HEADERS : cursor.headers(headerCount)
    cursor.endRecord()
    if (!Number.isSafeInteger(timestamp)) cursor.wrong ||= 'a timestamp is out of range'
    if (offsetDelta <= previous || offsetDelta > batch.lastOffsetDelta) cursor.wrong ||= 'an offset is out of order'
    if (cursor.wrong) return corrupt(i, cursor.wrong)
    previous = offsetDelta
    records.push({ offset: baseOffset + offsetDelta, timestamp: appendTime ?? timestamp, key, value, headers })
  }
  if (cursor.at !== bytes.length) return corrupt(count, `${bytes.length - cursor.at} bytes are left over`)
  return records
}

/** The index of the first record without a key, which a compacted topic does not take; null if each has one. */
export function firstRecordWithoutKey(batch: Batch, maxBytes = MAX_OPENED_BYTES): number | null | Failure {
  const bytes = openRecords(batch, maxBytes)
  if (isFailure(bytes)) return bytes
  const cursor = new RecordCursor(bytes)
  for (let i = 0; i < batch.count; i++) {
    cursor.startRecord()
    cursor.varlong()
    cursor.varint()
    const keyLength = cursor.varint()
    cursor.skipRecord()
    if (cursor.wrong) return corrupt(i, cursor.wrong)
    if (keyLength < 0) return i
  }
  return null
}

const corrupt = (index: number, what: string): Failure =>
  failure('CORRUPT_MESSAGE', `The batch is corrupt at record ${index}: ${what}.`)

const tooLarge = (maxBytes: number): Failure =>
  failure('MESSAGE_TOO_LARGE', `Opened, the batch takes more than ${maxBytes} bytes.`)

/** The records of a batch as bytes, decompressed; a view where nothing was compressed. */
export function openRecords(batch: Batch, maxBytes = MAX_OPENED_BYTES): Uint8Array | Failure {
  const { bytes } = batch
  const closed = new Uint8Array(bytes.buffer, bytes.byteOffset + BATCH_HEADER_BYTES, bytes.length - BATCH_HEADER_BYTES)
  const opened = decompress(codecOf(batch), closed, maxBytes)
  if (isFailure(opened)) return opened
  if (batch.count < 0 || batch.count * SMALLEST_RECORD_BYTES > opened.length)
    return failure('CORRUPT_MESSAGE', `${opened.length} bytes cannot hold ${batch.count} records.`)
  return opened
}

function withCompressedRecords(codec: Codec, bytes: Uint8Array, level: number | undefined): Uint8Array {
  const records = compress(codec, bytes.subarray(BATCH_HEADER_BYTES), level)
  const batch = new Uint8Array(BATCH_HEADER_BYTES + records.length)
  batch.set(records, BATCH_HEADER_BYTES)
  return batch
}

const text = new TextEncoder()

/** Header names repeat from record to record: each is encoded once a batch. */
class HeaderNames {
  #encoded: Map<string, Uint8Array> | undefined
  encode(name: string): Uint8Array {
    this.#encoded ??= new Map()
    let bytes = this.#encoded.get(name)
    if (!bytes) this.#encoded.set(name, (bytes = text.encode(name)))
    return bytes
  }
}

function bodySize(record: NewRecord, timestampDelta: number, offsetDelta: number, names: HeaderNames): number {
  const { key, value, headers } = record
  let size = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value)
  size += varintSize(headers.length)
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!
    size += nullableSize(names.encode(header.key)) + nullableSize(header.value)
  }
  return size
}

function writeRecord(
  bytes: Uint8Array,
  start: number,
  record: NewRecord,
  baseTimestamp: number,
  offsetDelta: number,
  names: HeaderNames,
): number {
  const { key, value, headers } = record
  const timestampDelta = record.timestamp - baseTimestamp
  let at = writeVarint(bytes, start, bodySize(record, timestampDelta, offsetDelta, names))
  bytes[at++] = 0
  at = writeVarlong(bytes, at, timestampDelta)
  at = writeVarint(bytes, at, offsetDelta)
  at = writeNullable(bytes, at, key)
  at = writeNullable(bytes, at, value)
  at = writeVarint(bytes, at, headers.length)
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!
    at = writeNullable(bytes, at, names.encode(header.key))
    at = writeNullable(bytes, at, header.value)
  }
  return at
}

const nullableSize = (value: Uint8Array | null): number =>
  value === null ? 1 : varintSize(value.length) + value.length

function writeNullable(bytes: Uint8Array, at: number, value: Uint8Array | null): number {
  if (value === null) {
    bytes[at] = 1 // -1
    return at + 1
  }
  at = writeVarint(bytes, at, value.length)
  bytes.set(value, at)
  return at + value.length
}

/** Bytes of a zigzag varint of a number from 0 to 2^31 - 1, which is all that lengths, counts and offset deltas are. */
function varintSize(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = (value << 1) >>> 0
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** Zigzag without 64-bit integers: the sign is the lowest bit, so six bits of the magnitude follow it and then the rest. */
const magnitude = (value: number): number => (value < 0 ? -value - 1 : value)

function varlongSize(value: number): number {
  let size = 1
  for (let rest = magnitude(value); rest >= 0x40; rest /= 0x80) size++
  return size
}

function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value < 0x4000_0000) return writeVarint(bytes, at, value)
  const whole = magnitude(value)
  let low = ((whole % 0x40) << 1) | (value < 0 ? 1 : 0)
  let rest = Math.floor(whole / 0x40)
  while (rest > 0) {
    bytes[at++] = low | 0x80
    low = rest % 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = low
  return at
}
