// What the client of a live WebSocket says: credit, answers to pings, records to produce, and, as a member of a group,
// offsets to commit.

import * as z from 'zod'
import { JsonError, JsonReader } from '../json.ts'
import { checkUtf8 } from '../malformed.ts'

export type ClientFrame =
  | { readonly type: 'credit'; readonly records: number }
  | { readonly type: 'ping' | 'pong' }
  /** A member of a group needs no more time for the partitions it was told to give up; it gives up all, and ends. */
  | { readonly type: 'revoked' | 'leave' }
  | {
      readonly type: 'commit'
      readonly id: string
      readonly offsets: z.output<typeof offsetsSchema>
    }
  | {
      readonly type: 'produce'
      /** JSON text, to be given back with the answer. */
      readonly id: string
      readonly topic: string | undefined
      /** JSON text of a record or an array of them; produce.ts reads it. */
      readonly records: Uint8Array
    }

const MAX_ID_CHARS = 256
const MAX_OFFSETS = 1_000
const offset = z.int('must be an integer from 0 up').min(0, 'must be an integer from 0 up')
const SENTENCE = `must be a list of 1 to ${MAX_OFFSETS} objects`
const offsetsSchema = z
  .array(
    z.object(
      {
        topic: z.string('must be a string').optional(),
        partition: offset,
        offset,
        metadata: z.string('must be a string or null').nullable().optional(),
      },
      'must be an object',
    ),
    SENTENCE,
  )
  .min(1, SENTENCE)
  .max(MAX_OFFSETS, SENTENCE)
const QUOTE = 0x22
const NULL = 0x6e
const encoder = new TextEncoder()
const decoder = new TextDecoder()

const TOO_LONG = `The id of a frame may have ${MAX_ID_CHARS} characters.`

/** A string says what is wrong with the frame. */
export function readClientFrame(data: string | ArrayBuffer): ClientFrame | string {
  const bytes = typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data)
  if (typeof data !== 'string' && checkUtf8(bytes)) return 'A frame must be UTF-8.'
  try {
    return toFrame(readMembers(bytes))
  } catch (thrown) {
    if (thrown instanceof JsonError) return `A frame must be a JSON object: ${thrown.message} (byte ${thrown.at}).`
    throw thrown
  }
}

interface Members {
  type?: string
  /** Null: there is one that is no text. */
  topic?: string | null
  id?: string
  records?: Uint8Array
  offsets?: Uint8Array
}

/** The members that frames have; others are passed over, for what may come. */
function readMembers(bytes: Uint8Array): Members {
  const reader = new JsonReader(bytes)
  const members: Members = {}
  if (reader.peek() !== 0x7b) reader.fail('expected {')
  for (let more = reader.enterObject(); more; more = reader.nextMember()) {
    const name = reader.name()
    const isString = reader.peek() === QUOTE
    const start = reader.at
    if ((name === 'type' || name === 'topic') && isString) members[name] = reader.string()
    else {
      reader.pass()
      const value = bytes.subarray(start, reader.at)
      if (name === 'records' || name === 'offsets') members[name] = value
      else if (name === 'topic' && value[0] !== NULL) members.topic = null
      else if (name === 'id') members.id = decoder.decode(value)
    }
  }
  reader.finish()
  return members
}

function toFrame({ type, topic, id = 'null', records, offsets }: Members): ClientFrame | string {
  switch (type) {
    case 'ping':
    case 'pong':
    case 'revoked':
    case 'leave':
      return { type }
    case 'commit': {
      if (id.length > MAX_ID_CHARS) return TOO_LONG
      const checked = offsetsSchema.safeParse(offsets && JSON.parse(decoder.decode(offsets)))
      if (checked.success) return { type, id, offsets: checked.data }
      const { path, message } = checked.error.issues[0]!
      const where = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
      return `The offsets${where} of a commit frame ${message}.`
    }
    case 'credit': {
      const credit = records === undefined ? Number.NaN : Number(decoder.decode(records))
      if (!Number.isSafeInteger(credit) || credit < 0)
        return 'The records of a credit frame must be an integer from 0 up.'
      return { type, records: credit }
    }
    case 'produce':
      if (id.length > MAX_ID_CHARS) return TOO_LONG
      if (records === undefined) return 'A produce frame must have records.'
      if (topic === null) return 'The topic of a produce frame must be a string.'
      return { type, id, topic, records }
    default:
      return 'The type of a frame must be credit, produce, commit, revoked, leave, ping or pong.'
  }
}
