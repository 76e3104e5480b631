// Records as JSON bodies say them — one, an array, {"records":[…]}, or one a line — checked by hand in one walk over the
// bytes, since a thousand of them come at once. Where they go is accumulator.ts.

import type { NewRecord } from '../log/records.ts'
import { type Format, fromBase64, type RecordFormat } from './formats.ts'
import { NO_HEADERS, readHeaders } from './headers-in.ts'
import { JsonError, JsonReader } from './json.ts'
import { type Malformed, NotARecord, type Place, readJson, TooMany } from './malformed.ts'

/** Records one body may hold unless it is a stream of lines: they are all in memory at once. */
export const MAX_RECORDS = 100_000
/** Partition numbers are an int32 in Kafka. */
export const MAX_PARTITION = 0x7fff_ffff

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const NULL = 0x6e
const MEMBERS = 'a record has key, value, headers, timestamp, partition'

/** A record on its way in. */
export interface Draft extends NewRecord {
  /** -1: not said. */
  readonly partition: number
}

/** How the records of one request are written, and what those get that do not say. */
export interface RecordOptions extends RecordFormat {
  /** The timestamp of records without one, ms. */
  readonly now: number
  /** The partition of all of them; they may repeat it. */
  readonly partition?: number | undefined
  /** Where each record has to name its topic: takes the names, in order. */
  readonly namedTopics?: string[]
}

/** All records of a body: `{…}`, `[{…},…]` or `{"records":[{…},…]}`. */
export function parseRecords(bytes: Uint8Array, options: RecordOptions): Draft[] | Malformed {
  return readJson(bytes, (reader, place) => {
    const first = reader.peek()
    if (first === OPEN_ARRAY) return readRecords(reader, options, place)
    if (first === OPEN_OBJECT) return readEnvelope(reader, options, place) ?? [readRecord(reader, options)]
    return refuseRecord(reader)
  })
}

/** The record that a line is. */
export function parseRecord(line: Uint8Array, options: RecordOptions): Draft | Malformed {
  return readJson(line, reader => readRecord(reader, options))
}

/** The record between two places of bytes that are UTF-8; undefined if it is none: parseRecord() says why. */
export function parseRecordAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: RecordOptions,
): Draft | undefined {
  try {
    const reader = new JsonReader(bytes, start, end)
    const draft = readRecord(reader, options)
    reader.finish()
    return draft
  } catch (thrown) {
    if (thrown instanceof JsonError || thrown instanceof NotARecord) return undefined
    throw thrown
  }
}

/** Text that has to be one JSON value, as it is stored: compact. */
export function parseJsonText(bytes: Uint8Array): Uint8Array | Malformed {
  return readJson(bytes, reader => reader.text())
}

/** A key or value that is given as bytes outside of JSON, in a query or as a body; undefined if it is not of the format. */
export function parseContent(bytes: Uint8Array, format: Format): Uint8Array | undefined {
  if (format === 'text') return bytes
  if (format === 'base64') return fromBase64(bytes) ?? undefined
  const text = parseJsonText(bytes)
  return text instanceof Uint8Array ? text : undefined
}

export function readRecords(reader: JsonReader, options: RecordOptions, place: Place): Draft[] {
  const drafts: Draft[] = []
  for (let more = reader.enterArray(); more; more = reader.nextElement()) {
    if (drafts.length >= MAX_RECORDS)
      throw new TooMany(`A body holds ${MAX_RECORDS} records at most; send more as application/x-ndjson`)
    place.record = drafts.length
    drafts.push(readRecord(reader, options))
  }
  place.record = -1
  return drafts
}

/** `{"records":[…]}`, told from a record by its first member; undefined, and nothing read, if it is a record. */
function readEnvelope(reader: JsonReader, options: RecordOptions, place: Place): Draft[] | undefined {
  const start = reader.at
  if (!reader.enterObject() || reader.name() !== 'records') {
    reader.at = start
    return undefined
  }
  if (reader.peek() !== OPEN_ARRAY) {
    reader.pass()
    throw new NotARecord('records', 'must be an array of records')
  }
  const drafts = readRecords(reader, options, place)
  if (reader.nextMember()) throw new NotARecord(reader.name(), 'cannot stand beside records')
  return drafts
}

function refuseRecord(reader: JsonReader): never {
  reader.pass()
  throw new NotARecord('', `must be an object: ${MEMBERS}`)
}

function readRecord(reader: JsonReader, options: RecordOptions): Draft {
  if (reader.peek() !== OPEN_OBJECT) refuseRecord(reader)
  let key: Uint8Array | null = null
  let value: Uint8Array | null | undefined
  let headers = NO_HEADERS
  let timestamp = options.now
  let partition = options.partition ?? -1
  let topic: string | undefined
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    switch (name) {
      case 'value':
        value = readContent(reader, 'value', options.format, 'format')
        break
      case 'key':
        key = readContent(reader, 'key', options.keyFormat, 'keyFormat')
        break
      case 'headers':
        headers = readHeaders(reader)
        break
      case 'timestamp':
        timestamp = readInteger(reader, 'timestamp', Number.MAX_SAFE_INTEGER, options.now)
        break
      case 'partition':
        partition = readPartition(reader, options.partition)
        break
      default:
        if (name !== 'topic' || options.namedTopics === undefined) throw new NotARecord(name, `is unknown: ${MEMBERS}`)
        topic = readTopic(reader)
    }
  }
  if (value === undefined) throw new NotARecord('value', 'is missing; null deletes a key from a compacted topic')
  if (options.namedTopics !== undefined) {
    if (topic === undefined) throw new NotARecord('topic', 'is missing')
    options.namedTopics.push(topic)
  }
  return { timestamp, key, value, headers, partition }
}

function readTopic(reader: JsonReader): string {
  if (reader.peek() === QUOTE) return reader.string()
  reader.pass()
  throw new NotARecord('topic', 'must be a string')
}

function readContent(reader: JsonReader, member: string, format: Format, parameter: string): Uint8Array | null {
  const first = reader.peek()
  if (first === NULL) {
    reader.pass()
    return null
  }
  if (format === 'json') return reader.text()
  if (first !== QUOTE) {
    reader.pass()
    throw new NotARecord(member, `must be a string (${parameter}=${format}) or null`)
  }
  const text = reader.stringBytes()
  if (text === null) throw new NotARecord(member, 'has a lone surrogate, which no bytes stand for')
  if (format === 'text') return text
  const bytes = fromBase64(text)
  if (bytes === null) throw new NotARecord(member, `must be base64 (${parameter}=base64)`)
  return bytes
}

function readPartition(reader: JsonReader, only: number | undefined): number {
  const partition = readInteger(reader, 'partition', MAX_PARTITION, only ?? -1)
  if (only !== undefined && partition !== only)
    throw new NotARecord('partition', `must be ${only} or left out: the path names that partition`)
  return partition
}

/** An integer from 0; null leaves it unsaid. */
function readInteger(reader: JsonReader, member: string, max: number, unsaid: number): number {
  if (reader.peek() === NULL) {
    reader.pass()
    return unsaid
  }
  const value = reader.number()
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new NotARecord(member, `must be an integer from 0 to ${max}`)
  return value
}
