// POST …/records: bodies of every kind become records or batches, and the answer says what came of each. Streams of lines
// are produce-lines.ts; what carries the records is producing.ts.

import * as z from 'zod'
import type { Context } from 'hono'
import { isFailure } from '../protocol/errors.ts'
import { type App, type AppEnv, route } from './app.ts'
import { drain, readBody } from './body.ts'
import { batchedEvents, binaryEvent, CLOUDEVENT, CLOUDEVENT_BATCH, structuredEvent } from './cloudevents.ts'
import { idempotencyKeyHeader, idempotencyKeyOf } from './idempotency-key.ts'
import { checkUtf8, isMalformed, type Malformed } from './malformed.ts'
import { integer, oneOf, partitionParam, schemaFormatParams, topicParam } from './parameters.ts'
import { badRequest, malformedProblem, problem, unsupportedMedia } from './problem.ts'
import { produceBatches } from './produce-batches.ts'
import { accepted, answered, type ProduceRequest } from './produced.ts'
import { produceLines } from './produce-lines.ts'
import { mediaType, NDJSON, RECORD_BATCH } from './media.ts'
import { appendAll, startProducing, topicToProduce } from './producing.ts'
import { plainFormat, SchemaWriter } from './registry/encoding.ts'
import { type Draft, parseContent, parseRecords } from './records-in.ts'
import { producedSchema, recordSchema, recordsSchema } from './schemas.ts'

const schemaNumber = (description: string) => integer({ min: 1, max: 0x7fff_ffff, description }).optional()

const query = z.object({
  acks: oneOf(['all', '-1', '1', '0'], 'all and 1 wait until the records are on disk; 0 waits for nothing.').default(
    'all',
  ),
  ...schemaFormatParams,
  schemaId: schemaNumber('The id of the schema to write values with, with format=schema.'),
  schemaVersion: schemaNumber('Its version in the subject instead; the latest, if neither is said.'),
  keySchemaId: schemaNumber('The id of the schema to write keys with, with keyFormat=schema.'),
  keySchemaVersion: schemaNumber('Its version in the subject instead.'),
  key: z.string().optional().meta({ description: 'The key where the body is the value, or a CloudEvent.' }),
})

export function mountProduce(app: App): void {
  const shared = {
    method: 'post',
    tag: 'Records',
    query,
    headers: idempotencyKeyHeader(
      'Makes a repeated request safe for 15 minutes: what was appended under the same key is answered again.',
    ),
    body: {
      'application/json': { schema: recordsSchema },
      [NDJSON]: { schema: recordSchema.meta({ description: 'One record a line, any number of them.' }) },
      'application/octet-stream': {
        schema: z.string().meta({ format: 'binary', description: 'The value of one record.' }),
      },
      'text/*': { schema: z.string().meta({ description: 'The value of one record, in UTF-8.' }) },
      [RECORD_BATCH]: {
        schema: z.string().meta({ format: 'binary', description: "Kafka's record batches, format 2." }),
      },
      [CLOUDEVENT]: { schema: z.looseObject({}).meta({ description: 'A structured CloudEvent 1.0.' }) },
      [CLOUDEVENT_BATCH]: {
        schema: z.array(z.looseObject({})).meta({ description: 'CloudEvents, a record each.' }),
      },
    },
    answers: {
      200: { description: 'All records are on disk.', content: { 'application/json': { schema: producedSchema } } },
      202: { description: 'With acks=0: they are on their way.' },
      207: {
        description: 'Some records are on disk; the others say why not.',
        content: { 'application/json': { schema: producedSchema } },
      },
    },
  } as const
  const description =
    'A record goes to its `partition`, or to the one of its `key`; those with neither go to one partition a request. ' +
    'A CloudEvent in binary mode is told by its `ce-` headers. If no record could be appended, the problem of the first is answered.\n\n' +
    `Lines (\`${NDJSON}\`) are appended as they come. A line that is no record ends the stream: if nothing was appended yet ` +
    'all of it is refused, otherwise the answer ends with that `error` and its `line`. The answer to more than 10,000 lines ' +
    `begins before they end (with \`Accept: ${NDJSON}\` at once, an entry a line): whoever sends millions reads meanwhile. ` +
    'With an Idempotency-Key lines wait until they fill a batch or end: whoever waits for an answer to each sends none.'

  route(
    app,
    {
      ...shared,
      path: '/v1/topics/{topic}/records',
      summary: 'Produce records',
      description,
      params: z.object({ topic: topicParam }),
    },
    (c, { params, query }) => produce(c, params.topic, undefined, query),
  )
  route(
    app,
    {
      ...shared,
      path: '/v1/topics/{topic}/partitions/{partition}/records',
      summary: 'Produce records to one partition',
      params: z.object({ topic: topicParam, partition: partitionParam }),
    },
    (c, { params, query }) => produce(c, params.topic, params.partition, query),
  )
}

async function produce(
  c: Context<AppEnv>,
  topic: string,
  partition: number | undefined,
  { acks, key, ...choice }: z.output<typeof query>,
): Promise<Response> {
  const idempotencyKey = idempotencyKeyOf(c)
  if (idempotencyKey instanceof Response) return idempotencyKey
  const schemas = await SchemaWriter.open(c.var.broker, topic, choice)
  if (schemas !== undefined && isFailure(schemas)) return problem(schemas)
  const format = plainFormat(choice.format)
  const keyFormat = plainFormat(choice.keyFormat)
  const keyBytes = key === undefined ? null : parseContent(new TextEncoder().encode(key), keyFormat)
  if (keyBytes === undefined) return badRequest(`In the query, key must be ${keyFormat}.`, { field: 'key' })
  const request = {
    topic,
    partition,
    unanswered: acks === '0',
    format,
    keyFormat,
    key: keyBytes,
    idempotencyKey,
    schemas,
  }
  const answer = await answerTo(c, request)
  if (answer.status > 202) await drain(c.req.raw)
  return answer
}

function answerTo(c: Context<AppEnv>, request: ProduceRequest): Response | Promise<Response> {
  const { headers } = c.req.raw
  const contentType = headers.get('content-type') ?? ''
  const media = mediaType(contentType)
  switch (media) {
    case CLOUDEVENT:
      return produceWhole(c, request, bytes => structuredEvent(bytes, { key: request.key, now: Date.now() }))
    case CLOUDEVENT_BATCH:
      return produceWhole(c, request, bytes => batchedEvents(bytes, { key: request.key, now: Date.now() }))
  }
  if (headers.has('ce-specversion'))
    return produceWhole(c, request, bytes => binaryEvent(bytes, headers, { key: request.key, now: Date.now() }))
  switch (media) {
    case 'application/json':
    case NDJSON:
    case RECORD_BATCH:
      if (request.key !== null)
        return badRequest(`A body of ${media} says the keys of its records itself.`, { field: 'key' })
  }
  switch (media) {
    case 'application/json':
      return produceWhole(c, request, bytes =>
        parseRecords(bytes, { ...request, now: Date.now(), partition: request.partition }),
      )
    case NDJSON:
      return produceLines(c, request)
    case RECORD_BATCH:
      return produceBatches(c, request)
    case 'application/octet-stream':
      return produceWhole(c, request, bytes => [whole(bytes, request)])
  }
  if (media.startsWith('text/'))
    return produceWhole(c, request, bytes => (isUtf8Text(contentType) && checkUtf8(bytes)) || [whole(bytes, request)])
  return unsupportedMedia(
    `${media === '' ? 'A body needs a Content-Type' : `Content-Type ${media} is not understood`}: send application/json, ` +
      `${NDJSON}, text/*, application/octet-stream, ${RECORD_BATCH} or a CloudEvent.`,
    { 'accept-post': `application/json, ${NDJSON}, text/*, application/octet-stream, ${RECORD_BATCH}, ${CLOUDEVENT}` },
  )
}

/** The whole body is one record's value. */
const whole = (value: Uint8Array, { key, partition = -1 }: ProduceRequest): Draft => ({
  timestamp: Date.now(),
  key,
  value,
  headers: [],
  partition,
})

const isUtf8Text = (contentType: string): boolean => !/;\s*charset=(?!"?utf-?8)/i.test(contentType)

/** A body that is read whole before anything is appended. */
async function produceWhole(
  c: Context<AppEnv>,
  request: ProduceRequest,
  read: (bytes: Uint8Array) => Draft[] | Malformed,
): Promise<Response> {
  const bytes = await readBody(c.req.raw)
  if (bytes instanceof Response) return bytes
  const plain = read(bytes)
  const drafts = request.schemas?.encode(plain) ?? plain
  if (isMalformed(drafts)) return malformedProblem(drafts)
  const { broker } = c.var
  const topic = await topicToProduce(broker, request.topic, request.partition)
  if (isFailure(topic)) return problem(topic)
  const accumulator = await startProducing(broker, topic, request, drafts)
  const work = appendAll(accumulator, placed(drafts, request.partition))
  if (request.unanswered) {
    broker.background(work)
    return accepted(drafts.length)
  }
  await work
  return answered(accumulator)
}

/** Records that could not say their partition themselves go where the path says. */
const placed = (drafts: readonly Draft[], partition: number | undefined): readonly Draft[] =>
  partition === undefined || drafts.every(draft => draft.partition === partition)
    ? drafts
    : drafts.map(draft => ({ ...draft, partition }))
