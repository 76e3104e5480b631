// CloudEvents 1.0 over HTTP as records, mapped as the CloudEvents Kafka binding maps them: a structured event is a record's
// value with content-type application/cloudevents+json; a binary event's data is the value and its attributes are ce_ headers.

import type { Header } from '../log/records.ts'
import type { JsonReader } from './json.ts'
import { type Malformed, NotARecord, readJson, TooMany } from './malformed.ts'
import { type Draft, MAX_RECORDS } from './records-in.ts'

export const CLOUDEVENT = 'application/cloudevents+json'
export const CLOUDEVENT_BATCH = 'application/cloudevents-batch+json'

/** Extension of CloudEvents whose value keys the record, unless the caller gives a key. */
const KEY_ATTRIBUTE = 'partitionkey'
const REQUIRED = ['id', 'source', 'specversion', 'type'] as const
const SPEC_VERSION = '1.0'
/** Attributes of one event; HTTP has no more headers than that either. */
const MAX_ATTRIBUTES = 100

const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const QUOTE = 0x22
const NULL = 0x6e

const encoder = new TextEncoder()
const STRUCTURED: readonly Header[] = [{ key: 'content-type', value: encoder.encode(`${CLOUDEVENT}; charset=UTF-8`) }]

export interface EventOptions {
  /** The caller's own key, before the event's. */
  readonly key: Uint8Array | null
  /** ms */
  readonly now: number
}

/** One structured event, as its JSON text. */
export function structuredEvent(bytes: Uint8Array, options: EventOptions): Draft[] | Malformed {
  return readJson(bytes, reader => [readEvent(reader, options)])
}

/** A batch of structured events, each of them a record. */
export function batchedEvents(bytes: Uint8Array, options: EventOptions): Draft[] | Malformed {
  return readJson(bytes, (reader, place) => {
    if (reader.peek() !== OPEN_ARRAY) {
      reader.pass()
      throw new NotARecord('', 'must be one of an array: a batch of CloudEvents is an array')
    }
    const drafts: Draft[] = []
    for (let more = reader.enterArray(); more; more = reader.nextElement()) {
      if (drafts.length >= MAX_RECORDS) throw new TooMany(`A batch holds ${MAX_RECORDS} events at most`)
      place.record = drafts.length
      drafts.push(readEvent(reader, options))
    }
    return drafts
  })
}

/** A binary event: attributes in `ce-` headers of HTTP, data as the body. */
export function binaryEvent(body: Uint8Array, headers: Headers, { key, now }: EventOptions): Draft[] | Malformed {
  const attributes = new Map<string, string>()
  for (const [header, text] of headers) {
    if (!header.startsWith('ce-')) continue
    const name = header.slice(3)
    if (!isAttributeName(name)) return malformed(header, 'is no name of a CloudEvents attribute: a-z and 0-9')
    if (attributes.size >= MAX_ATTRIBUTES) return malformed(header, `is more than ${MAX_ATTRIBUTES} attributes`)
    const value = decodeHeader(text)
    if (value === undefined) return malformed(header, 'is not percent-encoded UTF-8')
    attributes.set(name, value)
  }
  const wrong = checkAttributes(attributes)
  if (wrong) return malformed(`ce-${wrong.name}`, wrong.says)
  const mapped: Header[] = []
  const contentType = headers.get('content-type')
  if (contentType) mapped.push({ key: 'content-type', value: encoder.encode(contentType) })
  for (const [name, value] of attributes) mapped.push({ key: `ce_${name}`, value: encoder.encode(value) })
  const partitionKey = attributes.get(KEY_ATTRIBUTE)
  return [
    {
      timestamp: now,
      key: key ?? (partitionKey === undefined ? null : encoder.encode(partitionKey)),
      value: body.length === 0 ? null : body,
      headers: mapped,
      partition: -1,
    },
  ]
}

function readEvent(reader: JsonReader, { key, now }: EventOptions): Draft {
  if (reader.peek() !== OPEN_OBJECT) {
    reader.pass()
    throw new NotARecord('', 'must be an object: a CloudEvent')
  }
  const start = reader.at
  const value = reader.text()
  const end = reader.at
  reader.at = start
  const attributes = readAttributes(reader)
  reader.at = end
  const wrong = checkAttributes(attributes)
  if (wrong) throw new NotARecord(wrong.name, wrong.says)
  const partitionKey = attributes.get(KEY_ATTRIBUTE)
  const own = partitionKey === undefined ? null : encoder.encode(partitionKey)
  return { timestamp: now, key: key ?? own, value, headers: STRUCTURED, partition: -1 }
}

/** The event's attributes as text: null is absent, numbers and booleans are what JSON writes. */
function readAttributes(reader: JsonReader): Map<string, string> {
  const attributes = new Map<string, string>()
  let data: string | undefined
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    const first = reader.peek()
    if (name === 'data' || name === 'data_base64') {
      reader.pass()
      if (data !== undefined && data !== name) throw new NotARecord(name, `cannot stand beside ${data}`)
      data = name
      continue
    }
    if (!isAttributeName(name)) throw new NotARecord(name, 'is no name of a CloudEvents attribute: a-z and 0-9')
    if (first === OPEN_OBJECT || first === OPEN_ARRAY)
      throw new NotARecord(name, 'must be a string, a number or a boolean: it is a CloudEvents attribute')
    if (attributes.size >= MAX_ATTRIBUTES) throw new NotARecord(name, `is more than ${MAX_ATTRIBUTES} attributes`)
    if (first === QUOTE) attributes.set(name, reader.string())
    else {
      const text = new TextDecoder().decode(reader.text())
      if (first !== NULL) attributes.set(name, text)
    }
  }
  return attributes
}

function checkAttributes(attributes: ReadonlyMap<string, string>): { name: string; says: string } | undefined {
  for (const name of REQUIRED)
    if (!attributes.get(name)) return { name, says: 'is missing: a CloudEvent has id, source, specversion and type' }
  if (attributes.get('specversion') !== SPEC_VERSION) return { name: 'specversion', says: `must be ${SPEC_VERSION}` }
  return undefined
}

const isAttributeName = (name: string): boolean => /^[a-z0-9]+$/.test(name)

/** The HTTP binding: header values are percent-encoded, and may be quoted. */
function decodeHeader(text: string): string | undefined {
  const unquoted = /^".*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text
  try {
    return decodeURIComponent(unquoted)
  } catch {
    return undefined
  }
}

const malformed = (field: string, says: string): Malformed => ({ malformed: `${field} ${says}`, field })
