// GET and DELETE …/partitions/{p}/records: reading a partition from an offset or a time, as JSON, as lines or as stored,
// waiting for records if asked to; and DeleteRecords. What reads on by itself is live.ts.

import * as z from 'zod'
import type { Context } from 'hono'
import type { ReadResult } from '../log/fetch.ts'
import { failure, isFailure } from '../protocol/errors.ts'
import { type App, type AppEnv, route } from './app.ts'
import { FetchedRecords } from './fetched.ts'
import { recordLines } from './fetched-lines.ts'
import { JsonWriter } from './json-writer.ts'
import { integer, isolationParam, partitionParam, schemaFormatParams, topicParam } from './parameters.ts'
import { NDJSON, RECORD_BATCH } from './media.ts'
import { badRequest, problem } from './problem.ts'
import { readFormat } from './registry/decoding.ts'
import { endOf, type From, readAt, readFrom, type Refused, topicToRead } from './reading.ts'
import { fetchedRecordSchema, fetchedSchema } from './schemas.ts'

const MAX_LIMIT = 10_000
const DEFAULT_LIMIT = 500
const MAX_BYTES = 8_388_608
const DEFAULT_BYTES = 1_048_576
const MAX_WAIT_MS = 60_000

const OFFSET = 'must be earliest, latest, an offset, or -N for N before the end'

const query = z.object({
  offset: z
    .string(OFFSET)
    .regex(/^(earliest|latest|-?\d{1,16})$/, OFFSET)
    .refine(text => !/\d/.test(text) || Number.isSafeInteger(Number(text)), OFFSET)
    .optional()
    .meta({
      description: 'Where to begin: earliest (if nothing is said), latest, an offset, or -N: N before the end.',
    }),
  timestamp: integer({
    description: 'Where to begin instead: the first record of this time (ms since 1970) or later.',
  }).optional(),
  limit: integer({
    min: 1,
    max: MAX_LIMIT,
    preset: DEFAULT_LIMIT,
    description: 'Records at most; lines have no limit unless asked for.',
  }).optional(),
  maxBytes: integer({
    min: 1,
    max: MAX_BYTES,
    preset: DEFAULT_BYTES,
    description: 'Stored bytes at most; one batch comes however large it is.',
  }).optional(),
  waitMs: integer({
    max: MAX_WAIT_MS,
    preset: 0,
    description: 'How long to wait where there is no record yet.',
  }).optional(),
  isolation: isolationParam,
  ...schemaFormatParams,
})

type Query = z.output<typeof query>

const params = z.object({ topic: topicParam, partition: partitionParam })
const path = '/v1/topics/{topic}/partitions/{partition}/records'
const before = integer({ description: 'The first offset to keep.' })

export function mountConsume(app: App): void {
  route(
    app,
    {
      method: 'get',
      path,
      tag: 'Records',
      summary: 'Read a partition',
      description:
        'With `Accept: application/x-ndjson` one record a line, up to the end as it was when the request came. With ' +
        `\`Accept: ${RECORD_BATCH}\` whole batches as they are stored, of which the first may begin before the offset. \`edgelog-high-watermark\`, ` +
        '`edgelog-log-start-offset` and, of batches, `edgelog-next-offset` are headers then.',
      params,
      query,
      answers: {
        200: {
          description: 'Records from the offset on.',
          content: {
            'application/json': { schema: fetchedSchema },
            [NDJSON]: { schema: fetchedRecordSchema },
            [RECORD_BATCH]: { schema: z.string().meta({ format: 'binary' }) },
          },
        },
      },
    },
    (c, { params, query }) => consume(c, params.topic, params.partition, query),
  )
  route(
    app,
    {
      method: 'delete',
      path,
      tag: 'Records',
      summary: 'Delete the records before an offset',
      params,
      query: z.object({ before }),
      answers: {
        200: {
          description: 'Where the log starts now.',
          content: { 'application/json': { schema: z.object({ partition: z.int(), logStartOffset: z.int() }) } },
        },
      },
    },
    async (c, { params: { topic: name, partition }, query: { before } }) => {
      const topic = await topicToRead(c.var.broker, name, partition)
      if (isFailure(topic)) return problem(topic)
      const deleted = await c.var.broker.deleteRecords(topic, partition, before)
      return isFailure(deleted) ? problem(deleted) : c.json({ partition, logStartOffset: deleted.logStartOffset })
    },
  )
}

async function consume(c: Context<AppEnv>, name: string, partition: number, query: Query): Promise<Response> {
  if (query.offset !== undefined && query.timestamp !== undefined)
    return badRequest('In the query, timestamp cannot stand beside offset.', { field: 'timestamp' })
  const { broker } = c.var
  const topic = await topicToRead(broker, name, partition)
  if (isFailure(topic)) return problem(topic)
  const { maxBytes = DEFAULT_BYTES, waitMs = 0, isolation } = query
  const accept = c.req.header('accept') ?? ''
  const asStored = accept.includes(RECORD_BATCH)
  const asLines = !asStored && accept.includes(NDJSON)
  const maxRecords = asStored ? undefined : (query.limit ?? (asLines ? undefined : DEFAULT_LIMIT))
  const place = { broker, topic, partition, maxBytes, maxRecords, isolation }
  const begun = await readFrom(place, query, waitMs, c.req.raw.signal)
  if ('error' in begun) return outOfRange(begun)
  const { read } = begun
  // What is still wanting then, offsets do not tell.
  const from: From = { ...begun.from, maxRecords: undefined }
  if (asStored) return storedAnswer(read)
  if (asLines)
    return new Response(recordLines(from, read, { ...readFormat(broker, query), limit: query.limit }), {
      headers: { 'content-type': NDJSON, ...boundsHeaders(read) },
    })
  return jsonAnswer(from, read, query)
}

function outOfRange({ error, message, logStartOffset = -1, highWatermark = -1 }: Refused): Response {
  const members = {
    ...(logStartOffset >= 0 ? { logStartOffset } : {}),
    ...(highWatermark >= 0 ? { highWatermark } : {}),
  }
  return problem(failure(error, message), { members })
}

const boundsHeaders = ({ highWatermark, logStartOffset }: ReadResult): Record<string, string> => ({
  'edgelog-high-watermark': String(highWatermark),
  'edgelog-log-start-offset': String(logStartOffset),
})

function storedAnswer(read: ReadResult): Response {
  return new Response(read.records as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': RECORD_BATCH, 'edgelog-next-offset': String(read.nextOffset), ...boundsHeaders(read) },
  })
}

/** A first read asks for as many offsets as records are wanted; where offsets are missing, more is read while there is room. */
const roomLeft = (from: From, bytes: number): From | undefined =>
  bytes * 2 < from.maxBytes ? { ...from, maxBytes: from.maxBytes - bytes, atLeastOne: false } : undefined

async function jsonAnswer(from: From, first: ReadResult, query: Query): Promise<Response> {
  const out = new JsonWriter(Math.min(first.records.length * 2, MAX_BYTES) + 256)
  const format = readFormat(from.broker, query)
  const records = new FetchedRecords(out, from.partition, format, query.limit ?? DEFAULT_LIMIT, from.offset)
  out.ascii('{"records":[')
  let read = first
  let bytes = 0
  for (;;) {
    bytes += read.records.length
    const unknown = await format.schemas?.learn(read.records)
    if (unknown) return problem(unknown)
    const wrong = records.write(read, ',')
    // What stands before it is answered; whoever goes on from there is told.
    if (wrong && records.count === 0)
      return problem(wrong, { members: { offset: records.nextOffset, nextOffset: wrong.nextOffset } })
    if (wrong || records.full || records.isLarge || records.nextOffset >= endOf(from, read)) break
    // Batches without records to show (markers of transactions, compacted ones) are passed over.
    const place = records.count === 0 ? from : roomLeft(from, bytes)
    if (place === undefined) break
    const next = await readAt(place, records.nextOffset)
    if ('error' in next) return outOfRange(next)
    if (next.nextOffset <= records.nextOffset) break
    read = next
  }
  out.ascii('],"nextOffset":').integer(records.nextOffset)
  out.ascii(',"highWatermark":').integer(read.highWatermark)
  out.ascii(',"logStartOffset":').integer(read.logStartOffset).ascii('}')
  return new Response(out.take(), { headers: { 'content-type': 'application/json' } })
}
