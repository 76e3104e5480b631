// What records and topics look like in JSON, for /openapi.json. Records are checked by hand (records-in.ts) because
// thousands come at once; a test holds both to each other.

import * as z from 'zod'
import { MAX_PARTITION } from './records-in.ts'

const headerValue = z
  .union([z.string(), z.null(), z.strictObject({ base64: z.string() })])
  .meta({ description: 'UTF-8 as a string, other bytes as `{"base64":"…"}`.' })

const headers = z
  .union([
    z.record(z.string(), z.union([headerValue, z.array(headerValue)])),
    z.array(z.strictObject({ key: z.string(), value: headerValue.optional() })),
  ])
  .meta({
    id: 'Headers',
    description:
      'Names to values; a repeated name has an array of them. Where a name comes again after another one, the order is kept by a list of `{"key","value"}`.',
    example: { trace: 'abc' },
  })

export const recordSchema = z
  .strictObject({
    value: z
      .unknown()
      .refine(value => value !== undefined)
      .meta({
        description:
          'Any JSON value, stored as its JSON text as written (`format=json`), or a string (`text`, `base64`). Null deletes its key from a compacted topic.',
        example: { price: 9.5 },
      }),
    key: z.unknown().optional().meta({
      description: 'Decides the partition: murmur2, as every Kafka client. A string, unless `keyFormat=json`.',
      example: 'customer-7',
    }),
    headers: headers.nullable().optional(),
    timestamp: z.int().min(0).nullable().optional().meta({ description: 'ms since 1970; now, if left out.' }),
    partition: z.int().min(0).max(MAX_PARTITION).nullable().optional(),
  })
  .meta({ id: 'Record' })

export const recordsSchema = z
  .union([recordSchema, z.array(recordSchema), z.strictObject({ records: z.array(recordSchema) })])
  .meta({ id: 'Records', description: 'One record, an array of them, or `{"records":[…]}`; 100,000 at most.' })

const recordErrorSchema = z
  .object({ code: z.string(), errorCode: z.int(), retriable: z.boolean(), detail: z.string() })
  .meta({ id: 'RecordError' })

export const producedSchema = z
  .object({
    records: z.array(
      z.object({
        partition: z.int(),
        offset: z.int().optional(),
        timestamp: z.int().optional().meta({ description: 'ms since 1970.' }),
        error: recordErrorSchema.optional(),
      }),
    ),
  })
  .meta({
    id: 'Produced',
    description: 'One entry a record, in request order.',
    example: { records: [{ partition: 0, offset: 41, timestamp: 1_763_726_400_000 }] },
  })

export const fetchedRecordSchema = z
  .object({
    topic: z.string().optional().meta({ description: 'Where several topics are read at once.' }),
    partition: z.int(),
    offset: z.int(),
    timestamp: z.int().meta({ description: 'ms since 1970.' }),
    key: z.unknown(),
    keyFormat: z.enum(['text', 'base64']).optional(),
    value: z.unknown(),
    valueFormat: z.enum(['text', 'base64']).optional().meta({
      description: 'Only where the value is not of the format asked for: how it is written instead.',
    }),
    headers,
  })
  .meta({ id: 'FetchedRecord' })

export const fetchedSchema = z
  .object({
    records: z.array(fetchedRecordSchema),
    nextOffset: z.int().meta({ description: 'The offset to ask for next.' }),
    highWatermark: z.int().meta({ description: 'One past the last record there is.' }),
    logStartOffset: z.int().meta({ description: 'The first offset there still is.' }),
  })
  .meta({ id: 'Fetched' })

export const partitionSchema = z
  .object({
    partition: z.int(),
    logStartOffset: z.int().optional(),
    highWatermark: z.int().optional(),
    sizeBytes: z.int().optional(),
    segments: z.int().optional(),
  })
  .meta({ id: 'Partition' })

const configSchema = z.record(z.string(), z.string())

export const topicSchema = z
  .object({
    name: z.string(),
    topicId: z.string(),
    partitions: z.array(partitionSchema),
    config: configSchema.meta({
      description: 'What differs from the defaults.',
      example: { 'retention.ms': '3600000' },
    }),
  })
  .meta({ id: 'Topic' })
