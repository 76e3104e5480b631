// The body of a v2 produce request: {"records":[{"key","value","partition"}]}, with the schemas of keys and values beside
// them. Keys and values stay JSON text here: what they mean is told by the format, and perhaps a schema that comes later.

import { JsonError, JsonReader } from '../../json.ts'
import { checkUtf8 } from '../../malformed.ts'
import { MAX_RECORDS } from '../../records-in.ts'
import { type RestFailure, restFailure } from '../errors.ts'

export interface RecordIn {
  /** JSON text; undefined: not said, or null. */
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
  /** -1: not said. */
  readonly partition: number
}

export interface ProduceIn {
  readonly records: readonly RecordIn[]
  readonly key_schema?: string
  readonly key_schema_id?: number
  readonly value_schema?: string
  readonly value_schema_id?: number
}

const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const QUOTE = 0x22
const NULL = 0x6e

/** The JSON is right, but nothing that v2 takes: of another type (400), or not to be (422). */
class Wrong extends Error {
  readonly status: 400 | 422

  constructor(message: string, status: 400 | 422 = 400) {
    super(message)
    this.status = status
  }
}

export function parseProduce(bytes: Uint8Array): ProduceIn | RestFailure {
  const notUtf8 = checkUtf8(bytes)
  if (notUtf8) return restFailure(400, `${notUtf8.malformed}.`)
  const reader = new JsonReader(bytes)
  try {
    const request = readRequest(reader)
    reader.finish()
    return request.records.length === 0 ? restFailure(422, 'records must not be empty') : request
  } catch (thrown) {
    if (thrown instanceof Wrong) return restFailure(thrown.status, thrown.message)
    if (thrown instanceof JsonError) return restFailure(400, `The body is not JSON: ${thrown.message}.`)
    throw thrown
  }
}

function readRequest(reader: JsonReader): ProduceIn {
  if (reader.peek() !== OPEN_OBJECT) refuse(reader, 'The body must be an object with records')
  let records: readonly RecordIn[] = []
  const schemas: Record<string, string | number> = {}
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    if (name === 'records') records = readRecords(reader)
    else if (name === 'key_schema' || name === 'value_schema') {
      const text = readText(reader, name)
      if (text !== undefined) schemas[name] = text
    } else if (name === 'key_schema_id' || name === 'value_schema_id') {
      const id = readInteger(reader, name)
      if (id !== undefined) schemas[name] = id
    } else throw new Wrong(`Unrecognized field: ${name}`, 422)
  }
  return { records, ...schemas }
}

function readRecords(reader: JsonReader): RecordIn[] {
  const records: RecordIn[] = []
  if (reader.peek() === NULL) reader.pass()
  else if (reader.peek() !== OPEN_ARRAY) refuse(reader, 'records must be a list')
  else
    for (let more = reader.enterArray(); more; more = reader.nextElement()) {
      if (records.length >= MAX_RECORDS) throw new Wrong(`records may be ${MAX_RECORDS} at most`, 422)
      records.push(readRecord(reader, `records[${records.length}]`))
    }
  return records
}

function readRecord(reader: JsonReader, at: string): RecordIn {
  if (reader.peek() !== OPEN_OBJECT) refuse(reader, `${at} must be an object`)
  let key: Uint8Array | undefined
  let value: Uint8Array | undefined
  let partition = -1
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    if (name === 'value') value = readData(reader)
    else if (name === 'key') key = readData(reader)
    else if (name === 'partition') {
      partition = readInteger(reader, `${at}.partition`) ?? -1
      if (partition < -1) throw new Wrong(`${at}.partition must be greater than or equal to 0`, 422)
    } else throw new Wrong(`Unrecognized field: ${name}`, 422)
  }
  return { key, value, partition }
}

/** Of what is JSON at all. */
function refuse(reader: JsonReader, sentence: string): never {
  reader.pass()
  throw new Wrong(sentence)
}

function readData(reader: JsonReader): Uint8Array | undefined {
  if (reader.peek() === NULL) return void reader.pass()
  return reader.text()
}

/** Undefined: null, which says nothing. */
function readText(reader: JsonReader, at: string): string | undefined {
  const first = reader.peek()
  if (first === QUOTE) return reader.string()
  reader.pass()
  if (first !== NULL) throw new Wrong(`${at} must be a string`)
  return undefined
}

function readInteger(reader: JsonReader, at: string): number | undefined {
  const first = reader.peek()
  if (first === NULL) return void reader.pass()
  // As the proxy reads them, a text of digits is one, too.
  const text = first === QUOTE ? reader.string() : undefined
  const value = text === undefined ? reader.number() : /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isInteger(value) || Math.abs(value) > 0x7fff_ffff) throw new Wrong(`${at} must be an integer`)
  return value
}
