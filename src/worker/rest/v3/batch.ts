// POST …/records:batch: a list of records that each have an id of their own in, and two lists out: what was stored, and what
// was not.

import { isFailure } from '../../../protocol/errors.ts'
import type { App } from '../../app.ts'
import { readBody } from '../../body.ts'
import { JsonError, JsonReader } from '../../json.ts'
import { checkUtf8 } from '../../malformed.ts'
import { mediaType } from '../../media.ts'
import { topicToProduce } from '../../producing.ts'
import { badRequest } from '../embedded.ts'
import { fromKafka, isRestFailure, type RestFailure, restFailure, UNSUPPORTED_MEDIA } from '../errors.ts'
import { Production, type Result } from './production.ts'
import { type Call, type Found, route } from './route.ts'

const MAX_ENTRIES = 10_000
const MAX_ID_CHARS = 80
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b

interface Entry {
  readonly id: string
  /** The record, as JSON text. */
  readonly text: Uint8Array
}

export function mountBatch(app: App): void {
  route(app, 'POST', '/topics/:topic/:action{records:batch}', produce)
}

async function produce(call: Call): Promise<Found> {
  const { c, broker, clusterId } = call
  if (mediaType(c.req.raw.headers.get('content-type')) !== 'application/json') return UNSUPPORTED_MEDIA
  const body = await readBody(c.req.raw)
  if (body instanceof Response) return body
  if (body.length === 0) return refused('Request body is empty. Data is required.')
  const entries = parse(body)
  if (isRestFailure(entries)) return entries
  const topic = await topicToProduce(broker, call.param('topic'))
  if (isFailure(topic)) return fromKafka(topic)
  const production = await Production.start(broker, topic, clusterId)
  for (const { id, text } of entries) {
    const added = production.add(text, id)
    if (added) await added
  }
  const headers = { 'content-type': 'application/json' }
  return new Response(told(await production.all()), { status: 207, headers })
}

function told(results: readonly Result[]): string {
  const list = (failed: boolean) =>
    results
      .filter(result => result.failed === failed)
      .map(({ id, members }) => `{"id":${JSON.stringify(id)},${members}}`)
      .join(',')
  return `{"successes":[${list(false)}],"failures":[${list(true)}]}`
}

function parse(bytes: Uint8Array): readonly Entry[] | RestFailure {
  const notUtf8 = checkUtf8(bytes)
  if (notUtf8) return badRequest(notUtf8.malformed)
  const reader = new JsonReader(bytes)
  try {
    const entries = readEntries(reader)
    if (isRestFailure(entries)) return entries
    reader.finish()
    return check(entries)
  } catch (thrown) {
    if (thrown instanceof JsonError) return badRequest(`Error processing JSON: ${thrown.message}`)
    throw thrown
  }
}

function readEntries(reader: JsonReader): Entry[] | RestFailure {
  const entries: Entry[] = []
  if (reader.peek() !== OPEN_OBJECT) {
    reader.pass()
    return badRequest('The body must be an object with entries.')
  }
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    if (reader.name() !== 'entries' || reader.peek() !== OPEN_ARRAY) reader.pass()
    else
      for (let next = reader.enterArray(); next; next = reader.nextElement()) {
        if (entries.length === MAX_ENTRIES) return refused('Too many entries in batch.')
        const text = reader.text()
        const entry = JSON.parse(new TextDecoder().decode(text)) as { id?: unknown } | null
        const id = entry?.id
        if (typeof id !== 'string' || id === '' || id.length > MAX_ID_CHARS)
          return refused('Batch entry identifier is not a valid string.')
        entries.push({ id, text })
      }
  }
  return entries
}

function check(entries: readonly Entry[]): readonly Entry[] | RestFailure {
  if (entries.length === 0) return refused('Empty batch.')
  if (new Set(entries.map(({ id }) => id)).size < entries.length) return refused('Batch entry IDs are not distinct.')
  return entries
}

const refused = (why: string): RestFailure => restFailure(42208, why)
