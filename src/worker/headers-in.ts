// The headers of a record in JSON: `{"name": value, …}`, or `[{"key": "name", "value": value}, …]` where names repeat and
// their order matters. A value is a string, null, `{"base64": "…"}`, or in the first form an array of those.

import type { Header } from '../log/records.ts'
import { fromBase64 } from './formats.ts'
import type { JsonReader } from './json.ts'
import { NotARecord } from './malformed.ts'

/** Headers of one record. */
export const MAX_HEADERS = 1_000

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const NULL = 0x6e
const A_VALUE = 'must be a string, null or {"base64":"…"}'

export const NO_HEADERS: readonly Header[] = []

export function readHeaders(reader: JsonReader): readonly Header[] {
  const first = reader.peek()
  const headers: Header[] = []
  if (first === OPEN_OBJECT)
    for (let more = reader.enterObject(); more; more = reader.nextMember()) {
      const key = checkName(reader.name())
      if (reader.peek() !== OPEN_ARRAY) push(headers, { key, value: readValue(reader, `headers.${key}`) })
      else
        for (let next = reader.enterArray(); next; next = reader.nextElement())
          push(headers, { key, value: readValue(reader, `headers.${key}`) })
    }
  else if (first === OPEN_ARRAY)
    for (let more = reader.enterArray(); more; more = reader.nextElement())
      push(headers, readPair(reader, `headers[${headers.length}]`))
  else {
    reader.pass()
    if (first !== NULL) throw new NotARecord('headers', 'must be an object, or an array of {"key","value"}')
  }
  return headers
}

function push(headers: Header[], header: Header): void {
  if (headers.length >= MAX_HEADERS) throw new NotARecord('headers', `must not be more than ${MAX_HEADERS}`)
  headers.push(header)
}

function readPair(reader: JsonReader, member: string): Header {
  let key: string | undefined
  let value: Uint8Array | null = null
  if (reader.peek() !== OPEN_OBJECT) {
    reader.pass()
    throw new NotARecord(member, 'must be {"key","value"}')
  }
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    if (name === 'key' && reader.peek() === QUOTE) key = checkName(reader.string())
    else if (name === 'key') throw new NotARecord(`${member}.key`, 'must be a string')
    else if (name === 'value') value = readValue(reader, `${member}.value`)
    else throw new NotARecord(`${member}.${name}`, 'is unknown')
  }
  if (key === undefined) throw new NotARecord(`${member}.key`, 'is missing')
  return { key, value }
}

function checkName(name: string): string {
  if (!name.isWellFormed())
    throw new NotARecord('headers', 'has a name with a lone surrogate, which no bytes stand for')
  return name
}

function readValue(reader: JsonReader, member: string): Uint8Array | null {
  const first = reader.peek()
  if (first === QUOTE) {
    const bytes = reader.stringBytes()
    if (bytes === null) throw new NotARecord(member, 'has a lone surrogate, which no bytes stand for')
    return bytes
  }
  if (first === OPEN_OBJECT) {
    if (reader.enterObject() && reader.name() === 'base64' && reader.peek() === QUOTE) {
      const text = reader.stringBytes()
      const bytes = text === null ? null : fromBase64(text)
      if (bytes !== null && !reader.nextMember()) return bytes
    }
    throw new NotARecord(member, A_VALUE)
  }
  reader.pass()
  if (first !== NULL) throw new NotARecord(member, A_VALUE)
  return null
}
