// Records as every HTTP door answers them: {"partition","offset","timestamp","key","value","headers"}, straight from stored
// bytes to JSON bytes. Content that is not of the asked format comes back readable and flagged, never as an error.

import { isUtf8 } from 'node:buffer'
import type { Header, LogRecord } from '../log/records.ts'
import type { AskedFormat, ContentReader, ReadFormat } from './formats.ts'
import { JsonError, JsonReader } from './json.ts'
import type { JsonWriter } from './json-writer.ts'

/** What a record of one partition begins with. Topics are named where a door serves several. */
export function recordPrefix(partition: number, topic?: string): string {
  return `${topic === undefined ? '{' : `{"topic":${JSON.stringify(topic)},`}"partition":${partition},"offset":`
}

export function writeRecord(
  out: JsonWriter,
  prefix: string,
  record: LogRecord,
  { format, keyFormat, schemas }: ReadFormat,
): void {
  out.ascii(prefix).integer(record.offset).ascii(',"timestamp":').integer(record.timestamp).ascii(',"key":')
  writeContent(out, record.key, keyFormat, ',"keyFormat":', schemas)
  out.ascii(',"value":')
  writeContent(out, record.value, format, ',"valueFormat":', schemas)
  out.ascii(',"headers":')
  writeHeaders(out, record.headers)
  out.ascii('}')
}

function writeContent(
  out: JsonWriter,
  content: Uint8Array | null,
  format: AskedFormat,
  flag: string,
  schemas: ContentReader | undefined,
): void {
  if (content === null) out.ascii('null')
  else if (format === 'base64') out.base64(content)
  else if (format === 'json') writeJson(out, content, flag)
  else if (format === 'schema') writeDecoded(out, content, flag, schemas)
  else if (isText(content)) out.text(content)
  else out.base64(content).ascii(flag).ascii('"base64"')
}

function writeJson(out: JsonWriter, content: Uint8Array, flag: string): void {
  const text = jsonTextOf(content)
  if (text !== undefined) out.raw(text)
  else if (isText(content)) out.text(content).ascii(flag).ascii('"text"')
  else out.base64(content).ascii(flag).ascii('"base64"')
}

const encoder = new TextEncoder()

/** What no schema wrote is flagged, even if it is JSON. */
function writeDecoded(out: JsonWriter, content: Uint8Array, flag: string, schemas: ContentReader | undefined): void {
  const json = schemas?.jsonOf(content)
  if (json !== undefined) return void out.raw(encoder.encode(json))
  const text = jsonTextOf(content)
  if (text === undefined) writeJson(out, content, flag)
  else out.raw(text).ascii(flag).ascii('"json"')
}

/**
 * The JSON that stored bytes are, without white space between its tokens (a line break would end a line of NDJSON);
 * undefined if they are something else. The text `null` counts as something else: null is the record without a value.
 */
function jsonTextOf(content: Uint8Array): Uint8Array | undefined {
  const reader = new JsonReader(content)
  try {
    const text = reader.text()
    reader.finish()
    if (text.length === 4 && text[0] === 0x6e) return undefined
    // Outside of strings JSON is ASCII, so only their bytes can be wrong.
    return reader.seen < 0x80 || isUtf8(text) ? text : undefined
  } catch (thrown) {
    if (thrown instanceof JsonError) return undefined
    throw thrown
  }
}

function isText(content: Uint8Array): boolean {
  for (let at = 0; at < content.length; at++) if (content[at]! >= 0x80) return isUtf8(content)
  return true
}

/** An object, a repeated name's values in an array; if that would lose the order of names, a list of {"key","value"}. */
function writeHeaders(out: JsonWriter, headers: readonly Header[]): void {
  if (headers.length === 0) out.ascii('{}')
  else if (scattered(headers)) writePairs(out, headers)
  else writeObject(out, headers)
}

/** Whether a name comes again after another one. */
function scattered(headers: readonly Header[]): boolean {
  if (headers.length < 3) return false
  const seen = new Set<string>()
  let previous: string | undefined
  for (const { key } of headers) {
    if (key !== previous && seen.has(key)) return true
    seen.add(key)
    previous = key
  }
  return false
}

function writeObject(out: JsonWriter, headers: readonly Header[]): void {
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i]!
    const again = headers[i - 1]?.key === key
    const goesOn = headers[i + 1]?.key === key
    if (!again)
      out
        .ascii(i === 0 ? '{' : ',')
        .value(key)
        .ascii(goesOn ? ':[' : ':')
    else out.ascii(',')
    writeHeaderValue(out, value)
    if (again && !goesOn) out.ascii(']')
  }
  out.ascii('}')
}

function writePairs(out: JsonWriter, headers: readonly Header[]): void {
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i]!
    out
      .ascii(i === 0 ? '[{"key":' : ',{"key":')
      .value(key)
      .ascii(',"value":')
    writeHeaderValue(out, value)
    out.ascii('}')
  }
  out.ascii(']')
}

function writeHeaderValue(out: JsonWriter, value: Uint8Array | null): void {
  if (value === null) out.ascii('null')
  else if (isText(value)) out.text(value)
  else out.ascii('{"base64":').base64(value).ascii('}')
}
