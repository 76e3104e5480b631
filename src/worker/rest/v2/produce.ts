// POST /topics/{topic} and …/partitions/{partition}: records in one of v2's formats, and where each of them went.

import type { Context } from 'hono'
import type { TopicView } from '../../../cluster/cluster.ts'
import { type ErrorName, errors, type Failure, isFailure } from '../../../protocol/errors.ts'
import type { App, AppEnv } from '../../app.ts'
import { readBody } from '../../body.ts'
import { appendAll, startProducing, topicToProduce } from '../../producing.ts'
import type { Draft } from '../../records-in.ts'
import type { Broker } from '../../broker.ts'
import { embed } from '../embedded.ts'
import { isRestFailure, PARTITION_NOT_FOUND, type RestFailure, restFailure, TOPIC_NOT_FOUND } from '../errors.ts'
import { encodeJson, type Part, Schemas } from '../schemas.ts'
import { type EmbeddedFormat, formatOfBody, V2_JSON } from './media.ts'
import { parseProduce, type ProduceIn } from './records-in.ts'
import { type Found, route } from './route.ts'
import { partitionNumber } from './topics.ts'

export function mountProduce(app: App): void {
  route(app, 'POST', '/topics/:topic', c => produce(c, undefined))
  route(app, 'POST', '/topics/:topic/partitions/:partition', c =>
    produce(c, partitionNumber(c.req.param('partition')!)),
  )
}

async function produce(c: Context<AppEnv>, partition: number | RestFailure | undefined): Promise<Found> {
  if (isRestFailure(partition)) return partition
  const request = c.req.raw
  const format = formatOfBody(request.headers.get('content-type'))
  if (isRestFailure(format)) return format
  const body = await readBody(request)
  if (body instanceof Response) return body
  const asked = parseProduce(body)
  if (isRestFailure(asked)) return asked
  const { broker } = c.var
  const topic = await topicToProduce(broker, c.req.param('topic')!)
  if (isFailure(topic)) return topic.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? TOPIC_NOT_FOUND : topic
  if (partition !== undefined && partition >= topic.partitions) return PARTITION_NOT_FOUND
  const encoded = await encode(broker, format, asked, topic, partition)
  if (isRestFailure(encoded)) return encoded
  const accumulator = await startProducing(broker, topic, {}, encoded.drafts)
  await appendAll(accumulator, encoded.drafts)
  const offsets: object[] = []
  let status = 200
  accumulator.answer.tell((partition, offset, _, failed) => {
    if (failed === undefined) offsets.push({ partition, offset, error_code: null, error: null })
    else {
      const error_code = codeOf(failed)
      if (error_code === AUTHENTICATION || error_code === AUTHORIZATION) status = Math.floor(error_code / 100)
      offsets.push({ partition: null, offset: null, error_code, error: failed.message })
    }
  })
  const { keySchemaId, valueSchemaId } = encoded
  return new Response(JSON.stringify({ offsets, key_schema_id: keySchemaId, value_schema_id: valueSchemaId }), {
    status,
    headers: { 'content-type': V2_JSON },
  })
}

const AUTHENTICATION = 40101
const AUTHORIZATION = 40301

/** What v2 says of a record that was not stored: whether the client may try again. */
function codeOf({ error }: Failure): number {
  const { status, retriable } = errors[error satisfies ErrorName]
  if (status === 401) return AUTHENTICATION
  if (status === 403) return AUTHORIZATION
  return retriable ? 50003 : 50002
}

interface Encoded {
  readonly drafts: readonly Draft[]
  readonly keySchemaId: number | null
  readonly valueSchemaId: number | null
}

/** What makes bytes of the keys or values of a request, and by which schema. */
interface Encoder {
  readonly schemaId: number | null
  encode(json: Uint8Array): Uint8Array | null | RestFailure
}

/** All records of the request as they are stored, or what is wrong with the first that cannot be. */
async function encode(
  broker: Broker,
  format: EmbeddedFormat,
  asked: ProduceIn,
  topic: TopicView,
  partition: number | undefined,
): Promise<Encoded | RestFailure> {
  const key = await encoderOf(broker, format, asked, topic, 'key')
  if (isRestFailure(key)) return key
  const value = await encoderOf(broker, format, asked, topic, 'value')
  if (isRestFailure(value)) return value
  const timestamp = Date.now()
  const drafts: Draft[] = []
  for (const record of asked.records) {
    const keyBytes = record.key === undefined ? null : key.encode(record.key)
    if (isRestFailure(keyBytes)) return keyBytes
    const valueBytes = record.value === undefined ? null : value.encode(record.value)
    if (isRestFailure(valueBytes)) return valueBytes
    const to = record.partition >= 0 ? record.partition : (partition ?? -1)
    if (to >= topic.partitions) return PARTITION_NOT_FOUND
    drafts.push({ timestamp, key: keyBytes, value: valueBytes, headers: [], partition: to })
  }
  return { drafts, keySchemaId: key.schemaId, valueSchemaId: value.schemaId }
}

const schemaTypes = { avro: 'AVRO', jsonschema: 'JSON', protobuf: 'PROTOBUF' } as const

async function encoderOf(
  broker: Broker,
  format: EmbeddedFormat,
  asked: ProduceIn,
  { name }: TopicView,
  part: Part,
): Promise<Encoder | RestFailure> {
  if (format === 'binary' || format === 'json') {
    const type = format === 'binary' ? 'BINARY' : 'JSON'
    return { schemaId: null, encode: json => embed(type, json) }
  }
  const id = asked[`${part}_schema_id`]
  const text = asked[`${part}_schema`]
  if (id === undefined && text === undefined) return WITHOUT_SCHEMA[part]
  const schemas = new Schemas(broker, name)
  const schema = await schemas.find(part, id === undefined ? { text, type: schemaTypes[format] } : { id })
  return isRestFailure(schema) ? schema : { schemaId: schema.id, encode: json => encodeJson(schema, json) }
}

/** Fine for as long as there are none. */
const withoutSchema = (errorCode: number, part: string): Encoder => {
  const missing = restFailure(errorCode, `Request includes ${part}s but does not include ${part} schema`)
  return { schemaId: null, encode: () => missing }
}
const WITHOUT_SCHEMA = { key: withoutSchema(42201, 'key'), value: withoutSchema(42202, 'value') }
