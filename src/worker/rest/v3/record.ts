// One record as v3 takes it: {"partition_id","headers","key","value","timestamp"}, where key and value say their type, or
// how to find their schema, beside their data. What is wrong with one is said of that one; the others go on.

import { isUtf8 } from 'node:buffer'
import type { Header } from '../../../log/records.ts'
import { fromBase64 } from '../../formats.ts'
import { JsonError, JsonReader } from '../../json.ts'
import { MAX_HEADERS } from '../../headers-in.ts'
import { timeOf } from '../../times.ts'
import { badRequest } from '../embedded.ts'
import { PARTITION_NOT_FOUND, type RestFailure } from '../errors.ts'

/** What a key or value says of itself; `data` is JSON text. */
export interface EmbeddedData {
  readonly type?: string
  readonly subject?: string
  readonly subject_name_strategy?: string
  readonly schema_id?: number
  readonly schema_version?: number
  readonly schema?: string
  readonly data: Uint8Array
}

export interface RecordIn {
  /** -1: not said. */
  readonly partition: number
  readonly headers: readonly Header[]
  readonly key: EmbeddedData | undefined
  readonly value: EmbeddedData | undefined
  /** ms */
  readonly timestamp: number | undefined
}

const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const QUOTE = 0x22
const NULL = 0x6e
const NOTHING = Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c)
const TYPES = ['BINARY', 'JSON', 'STRING', 'AVRO', 'JSONSCHEMA', 'PROTOBUF']
const STRATEGIES = ['TOPIC_NAME', 'RECORD_NAME', 'TOPIC_RECORD_NAME']

const NOT_UTF8 = badRequest('Error processing JSON: it is not UTF-8')

/** The JSON is right, but no record. */
class Wrong extends Error {}

/** The record that a whole JSON object is. */
export function parseRecord(bytes: Uint8Array): RecordIn | RestFailure {
  const reader = new JsonReader(bytes)
  try {
    const record = readRecord(reader)
    reader.finish()
    // Outside of strings JSON is ASCII, so only their bytes can be wrong.
    return reader.seen < 0x80 || isUtf8(bytes) ? record : NOT_UTF8
  } catch (thrown) {
    if (!isUtf8(bytes)) return NOT_UTF8
    if (thrown instanceof Wrong) return badRequest(thrown.message)
    if (thrown instanceof JsonError) return badRequest(`Error processing JSON: ${thrown.message}`)
    throw thrown
  }
}

function readRecord(reader: JsonReader): RecordIn {
  if (reader.peek() !== OPEN_OBJECT) throw new Wrong('A record must be an object.')
  let partition = -1
  let headers: readonly Header[] = []
  let key: EmbeddedData | undefined
  let value: EmbeddedData | undefined
  let timestamp: number | undefined
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    switch (name) {
      case 'partition_id':
        partition = readInteger(reader, name) ?? -1
        // Said as what it is: none that could be there.
        if (partition < -1) partition = Number.MAX_SAFE_INTEGER
        break
      case 'headers':
        headers = readHeaders(reader)
        break
      case 'key':
        key = readData(reader, name)
        break
      case 'value':
        value = readData(reader, name)
        break
      case 'timestamp':
        timestamp = readTimestamp(reader)
        break
      default:
        // As the proxy has it, what is unknown is passed over.
        reader.pass()
    }
  }
  return { partition, headers, key, value, timestamp }
}

/** A partition that the topic has, or none said. */
export const checkPartition = ({ partition }: RecordIn, partitions: number): RestFailure | undefined =>
  partition >= partitions ? PARTITION_NOT_FOUND : undefined

function readData(reader: JsonReader, member: string): EmbeddedData | undefined {
  const first = reader.peek()
  if (first === NULL) return void reader.pass()
  if (first !== OPEN_OBJECT) throw new Wrong(`${member} must be an object with data.`)
  const said: Record<string, string | number> = {}
  let data = NOTHING
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    if (name === 'data') data = reader.text() as typeof data
    else if (name === 'type') {
      const type = readType(reader, member)
      if (type !== undefined) said[name] = type
    } else if (name === 'schema_id' || name === 'schema_version') {
      const number = readInteger(reader, `${member}.${name}`)
      if (number !== undefined) said[name] = number
    } else if (name === 'subject' || name === 'subject_name_strategy' || name === 'schema') {
      const text = readText(reader, `${member}.${name}`)
      if (text !== undefined) said[name] = text
    } else reader.pass()
  }
  const found: EmbeddedData = { ...said, data }
  checkTogether(found, member)
  return found
}

const typeBytes = TYPES.map(type => new TextEncoder().encode(type))

/** Every record says it, so it is told by its bytes. */
function readType(reader: JsonReader, member: string): string | undefined {
  if (reader.peek() === NULL) return void reader.pass()
  const said = reader.peek() === QUOTE ? reader.stringBytes() : void reader.pass()
  const found = said && typeBytes.findIndex(bytes => isSame(bytes, said))
  if (found == null || found < 0) throw new Wrong(`${member}.type must be one of ${TYPES.join(', ')}.`)
  return TYPES[found]
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** What excludes each other, as the proxy says it. */
function checkTogether(data: EmbeddedData, member: string): void {
  const { type, subject, subject_name_strategy: strategy, schema_id: id, schema_version: version, schema } = data
  // As most records are: nothing is said of a schema.
  if ((type === undefined || isPlainType(type)) && (strategy ?? subject ?? id ?? version ?? schema) === undefined)
    return
  if (strategy !== undefined && !STRATEGIES.includes(strategy))
    throw new Wrong(`${member}.subject_name_strategy must be one of ${STRATEGIES.join(', ')}.`)
  if (subject !== undefined && strategy !== undefined)
    throw new Wrong("Only one of 'subject_name_strategy' or 'subject' can be used.")
  if ([id, version, schema].filter(said => said !== undefined).length > 1)
    throw new Wrong("Only one of 'schema_id', 'schema_version' or 'schema' can be used.")
  if (type === undefined) return
  if (isPlainType(type)) {
    const stray = Object.entries({
      subject_strategy: strategy,
      subject,
      schema_id: id,
      schema_version: version,
      schema,
    })
    const found = stray.find(([, said]) => said !== undefined)
    if (found !== undefined) throw new Wrong(`'type=${type}' cannot be used with '${found[0]}'.`)
  } else if (id !== undefined) throw new Wrong(`'schema_id=${id}' cannot be used with 'serializer'.`)
  else if (version !== undefined) throw new Wrong(`'schema_version=${version}' cannot be used with 'serializer'.`)
  else if (schema === undefined) throw new Wrong("'schema_version=latest' cannot be used with 'serializer'.")
}

export const isPlainType = (type: string): type is 'BINARY' | 'JSON' | 'STRING' =>
  type === 'BINARY' || type === 'JSON' || type === 'STRING'

/** `[{"name","value"}]`, values in base64 or null. */
function readHeaders(reader: JsonReader): readonly Header[] {
  const first = reader.peek()
  if (first === NULL) {
    reader.pass()
    return []
  }
  if (first !== OPEN_ARRAY) throw new Wrong('headers must be a list of {"name","value"}.')
  const headers: Header[] = []
  for (let more = reader.enterArray(); more; more = reader.nextElement()) {
    if (headers.length >= MAX_HEADERS) throw new Wrong(`A record may have ${MAX_HEADERS} headers.`)
    headers.push(readHeader(reader, `headers[${headers.length}]`))
  }
  return headers
}

function readHeader(reader: JsonReader, at: string): Header {
  if (reader.peek() !== OPEN_OBJECT) throw new Wrong(`${at} must be an object with name and value.`)
  let key: string | undefined
  let value: Uint8Array | null = null
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    if (name === 'name') key = readText(reader, `${at}.name`)
    else if (name === 'value') value = readBase64(reader, `${at}.value`)
    else reader.pass()
  }
  if (key === undefined || !key.isWellFormed()) throw new Wrong(`${at}.name must be a string.`)
  return { key, value }
}

function readBase64(reader: JsonReader, at: string): Uint8Array | null {
  const first = reader.peek()
  if (first === NULL) {
    reader.pass()
    return null
  }
  const text = first === QUOTE ? reader.stringBytes() : null
  const bytes = text && fromBase64(text)
  if (bytes === null) throw new Wrong(`${at} must be base64.`)
  return bytes
}

function readTimestamp(reader: JsonReader): number | undefined {
  const text = readText(reader, 'timestamp')
  if (text === undefined) return undefined
  const ms = timeOf(text)
  if (ms === undefined) throw new Wrong('timestamp must be a time as 2021-02-05T19:14:42Z.')
  return ms
}

/** Undefined: null, which says nothing. */
function readText(reader: JsonReader, at: string): string | undefined {
  const first = reader.peek()
  if (first === QUOTE) return reader.string()
  reader.pass()
  if (first !== NULL) throw new Wrong(`${at} must be a string.`)
  return undefined
}

function readInteger(reader: JsonReader, at: string): number | undefined {
  if (reader.peek() === NULL) return void reader.pass()
  const value = reader.number()
  if (!Number.isInteger(value) || Math.abs(value) > 0x7fff_ffff) throw new Wrong(`${at} must be an integer.`)
  return value
}
