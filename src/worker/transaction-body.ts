// The body of a transaction: {"transactionalId", "records", "offsets", "timeoutMs"}. Its records are read in one walk like
// all others (records-in.ts), but each names its topic; the rest is small, and checked by a schema.

import * as z from 'zod'
import { PASSING_ID } from '../coordinator/transaction-commands.ts'
import { groupName, newOffsets } from './group-schemas.ts'
import { fieldOf, unknownMembers } from './json-body.ts'
import { type Malformed, NotARecord, readJson } from './malformed.ts'
import { type Draft, readRecords, type RecordOptions } from './records-in.ts'
import { recordSchema } from './schemas.ts'

/** As Kafka's producers have it. */
const DEFAULT_TIMEOUT_MS = 60_000
const MAX_TRANSACTIONAL_ID_BYTES = 32_767
const MEMBERS = 'transactionalId, records, offsets, timeoutMs'
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b

const isId = (id: string): boolean => new TextEncoder().encode(id).length <= MAX_TRANSACTIONAL_ID_BYTES
const A_TIMEOUT = 'must be an integer from 1 to 2147483647'
const A_GENERATION = 'must be an integer from -1 to 2147483647'

const offsetsSchema = z
  .strictObject(
    {
      group: groupName,
      generation: z.int(A_GENERATION).min(-1, A_GENERATION).max(0x7fff_ffff, A_GENERATION).default(-1).meta({
        description: "The member's generation, or its epoch; left out by those who are no members.",
      }),
      memberId: z.string('must be a string').default(''),
      groupInstanceId: z.string('must be a string or null').nullable().default(null),
      offsets: newOffsets,
    },
    unknownMembers('group, generation, memberId, groupInstanceId, offsets'),
  )
  .meta({ id: 'TransactionOffsets' })

/** All but the records. */
const restSchema = z.strictObject({
  transactionalId: z
    .string('must be a string')
    .min(1, 'must not be empty')
    .refine(isId, `must have ${MAX_TRANSACTIONAL_ID_BYTES} bytes at most`)
    .refine(id => !id.startsWith(PASSING_ID), `must not begin with ${PASSING_ID}`)
    .optional()
    .meta({
      description:
        'A newer request with the same id takes over: what an older one has under way is aborted (PRODUCER_FENCED). Left out: nobody is in the way.',
      example: 'orders-to-invoices-0',
    }),
  timeoutMs: z
    .int(A_TIMEOUT)
    .min(1, A_TIMEOUT)
    .max(0x7fff_ffff, A_TIMEOUT)
    .default(DEFAULT_TIMEOUT_MS)
    .meta({ description: 'After so long the broker aborts it by itself.' }),
  offsets: offsetsSchema.optional(),
})

export const transactionSchema = restSchema
  .extend({
    records: z
      .array(recordSchema.extend({ topic: z.string() }).meta({ id: 'TransactionRecord' }))
      .optional()
      .meta({ description: '100,000 at most.' }),
  })
  .meta({
    id: 'Transaction',
    example: {
      records: [{ topic: 'invoices', key: 'customer-7', value: { total: 9.5 } }],
      offsets: { group: 'invoicing', offsets: [{ topic: 'orders', partition: 0, offset: 42 }] },
    },
  })

export interface TransactionBody extends z.output<typeof restSchema> {
  readonly records: readonly Draft[]
  /** Of each record. */
  readonly topics: readonly string[]
}

export function parseTransaction(bytes: Uint8Array, options: RecordOptions): TransactionBody | Malformed {
  return readJson(bytes, (reader, place) => {
    const topics: string[] = []
    let records: Draft[] = []
    const rest: Record<string, unknown> = {}
    if (reader.peek() !== OPEN_OBJECT) {
      reader.pass()
      return { malformed: `The body must be an object: a transaction has ${MEMBERS}` }
    }
    for (let more = reader.enterObject(); more; more = reader.nextMember()) {
      const name = reader.name()
      switch (name) {
        case 'records':
          if (reader.peek() !== OPEN_ARRAY) {
            reader.pass()
            throw new NotARecord('records', 'must be an array of records')
          }
          topics.length = 0
          records = readRecords(reader, { ...options, namedTopics: topics }, place)
          break
        case 'transactionalId':
        case 'timeoutMs':
        case 'offsets':
          rest[name] = JSON.parse(new TextDecoder().decode(reader.text()))
          break
        default:
          throw new NotARecord(name, `is unknown: a transaction has ${MEMBERS}`)
      }
    }
    const checked = restSchema.safeParse(rest)
    if (!checked.success) {
      const { path, message } = checked.error.issues[0]!
      throw new NotARecord(fieldOf(path), message)
    }
    if (records.length === 0 && checked.data.offsets === undefined)
      return { malformed: 'A transaction has records, or offsets, or both; this one has neither' }
    return { ...checked.data, records, topics }
  })
}

export const transactedSchema = z
  .object({
    transactionalId: z.string().optional(),
    records: z
      .array(z.object({ topic: z.string(), partition: z.int(), offset: z.int(), timestamp: z.int() }))
      .meta({ description: 'One entry a record, in request order.' }),
    offsets: z
      .object({
        group: z.string(),
        offsets: z.array(z.object({ topic: z.string(), partition: z.int(), offset: z.int() })),
      })
      .optional(),
  })
  .meta({ id: 'Transacted' })
