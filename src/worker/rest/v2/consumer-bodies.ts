// What is sent to a consumer instance of v2, checked: how it is made, what it subscribes to, which partitions and offsets are
// meant.

import * as z from 'zod'
import { isUtf8 } from 'node:buffer'
import { readBody } from '../../body.ts'
import { timeOf } from '../../times.ts'
import type { NewConsumer } from '../consumer/stored.ts'
import { isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import { checkBody, embeddedFormats } from './media.ts'

const MAX_BODY_BYTES = 1_048_576
/** Partitions or offsets in one request. */
const MAX_ENTRIES = 10_000
const MAX_NAME_CHARS = 249
/** The proxy's fetch.min.bytes and consumer.request.timeout.ms; a request here may last no longer than this. */
const MAX_MIN_BYTES = 10_000_000
const DEFAULT_WAIT_MS = 1_000
const MAX_WAIT_MS = 300_000
const DISABLED = -1

const AN_INTEGER = 'must be an integer'
const text = z.string('must be a string')
const partition = z.int32(AN_INTEGER).min(0, 'must be greater than or equal to 0')
const offset = z.int(AN_INTEGER).min(0, 'must be greater than or equal to 0')
const place = { topic: text.min(1, 'must not be empty'), partition }
const list = <T extends z.ZodType>(entry: T) =>
  z.array(entry, 'must be a list').max(MAX_ENTRIES, `may have ${MAX_ENTRIES} entries`)
/** As the proxy reads them: numbers and texts of numbers. */
const number = z.union(
  [
    z.int32(),
    z
      .string()
      .regex(/^-?\d{1,9}$/)
      .transform(Number),
  ],
  AN_INTEGER,
)
const flag = z.union([z.boolean(), z.string()], 'must be true or false')

const newConsumer = z.object({
  id: text.nullish(),
  name: text.nullish(),
  format: text.nullish(),
  'auto.offset.reset': text.nullish(),
  'auto.commit.enable': flag.nullish(),
  'fetch.min.bytes': number.nullish(),
  responseMinBytes: number.nullish(),
  'consumer.request.timeout.ms': number.nullish(),
  requestWaitMs: number.nullish(),
})

const strict = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape)
export const subscriptionBody = strict({ topics: list(text).nullish(), topic_pattern: text.nullish() })
export const partitionsBody = strict({ partitions: list(z.object(place)) })
export const offsetsBody = strict({
  offsets: list(z.object({ ...place, offset, metadata: text.nullish() })).nullish(),
})
export const positionsBody = strict({
  offsets: list(z.object({ ...place, offset, metadata: text.nullish() })).nullish(),
  timestamps: list(
    z.object({
      ...place,
      timestamp: text.transform(timeOf).refine(ms => ms !== undefined, 'must be a time as 2021-02-05T19:14:42Z'),
      metadata: text.nullish(),
    }),
  ).nullish(),
})

/** The body as the schema has it; undefined: there is none. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T | RestFailure | undefined> {
  const bytes = await readBody(request, MAX_BODY_BYTES)
  if (bytes instanceof Response) return restFailure(bytes.status, `The body may have ${MAX_BODY_BYTES} bytes.`)
  if (bytes.length === 0) return undefined
  const wrongType = checkBody(request.headers.get('content-type'))
  if (wrongType !== undefined) return wrongType
  let body: unknown
  try {
    if (!isUtf8(bytes)) return restFailure(400, 'The body is not UTF-8.')
    body = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    return restFailure(400, `The body is not JSON: ${String(error)}`)
  }
  const checked = schema.safeParse(body)
  if (checked.success) return checked.data
  const issue = checked.error.issues[0]!
  if (issue.code === 'unrecognized_keys') return restFailure(422, `Unrecognized field: ${issue.keys[0]}`)
  return restFailure(422, `${issue.path.join('.') || 'The body'} ${issue.message}`)
}

/** The same, where there has to be one. */
export async function requireJson<T>(request: Request, schema: z.ZodType<T>): Promise<T | RestFailure> {
  return (await readJson(request, schema)) ?? restFailure(422, 'The request body may not be null')
}

/** Of an empty body as of an empty object. */
export async function readNewConsumer(request: Request, group: string): Promise<NewConsumer | RestFailure> {
  const body = await readJson(request, newConsumer)
  return isRestFailure(body) ? body : judge(body ?? {}, group)
}

function judge(body: z.output<typeof newConsumer>, group: string): NewConsumer | RestFailure {
  // The proxy: an explicit id always overrides a name.
  const name = body.id ?? body.name ?? `rest-consumer-${crypto.randomUUID()}`
  if (group.length > MAX_NAME_CHARS || name.length > MAX_NAME_CHARS || name === '')
    return restFailure(422, `Names of groups and instances have 1 to ${MAX_NAME_CHARS} characters`)
  const format = embeddedFormats.find(known => known === (body.format ?? 'binary').toLowerCase())
  if (format === undefined) return restFailure(422, 'Invalid format type.')
  const reset = body['auto.offset.reset'] ?? 'latest'
  if (reset !== 'earliest' && reset !== 'latest' && reset !== 'none')
    return invalid(`Invalid value ${reset} for configuration auto.offset.reset: it must be earliest, latest or none`)
  const commit = String(body['auto.commit.enable'] ?? true).toLowerCase()
  if (commit !== 'true' && commit !== 'false')
    return invalid(
      `Invalid value ${commit} for configuration enable.auto.commit: Expected value to be either true or false`,
    )
  const minBytes = body['fetch.min.bytes'] ?? body.responseMinBytes ?? DISABLED
  if (minBytes < DISABLED || minBytes > MAX_MIN_BYTES)
    return {
      errorCode: 40001,
      status: 422,
      message: `Invalid consumer configuration. It does not abide by the constraints: Invalid value ${minBytes} for configuration fetch.min.bytes: Value must be no ${minBytes < 0 ? `less than ${DISABLED}` : `more than ${MAX_MIN_BYTES}`}`,
    }
  const waitMs = body['consumer.request.timeout.ms'] ?? body.requestWaitMs ?? DEFAULT_WAIT_MS
  if (waitMs < 0) return invalid(`Invalid value ${waitMs} for configuration consumer.request.timeout.ms`)
  return {
    group,
    name,
    format,
    reset,
    autoCommit: commit === 'true',
    minBytes: Math.max(1, minBytes),
    waitMs: Math.min(waitMs, MAX_WAIT_MS),
  }
}

const invalid = (why: string): RestFailure => restFailure(42204, `Invalid consumer configuration: ${why}`)
