// format=schema, on the way in: JSON becomes what Confluent's serializers would have made of it — a zero, the id of a
// schema, and the datum — with the latest schema of the subject, or one that the request names.

import type { TopicView } from '../../cluster/cluster.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import { isRefusal } from '../../schema/registry.ts'
import { encodeDatum, type ParsedSchema } from '../../schema/schema.ts'
import type { Broker } from '../broker.ts'
import type { AskedFormat, Format } from '../formats.ts'
import { isMalformed, type Malformed } from '../malformed.ts'
import type { Draft } from '../records-in.ts'
import { MAGIC, PREFIX_BYTES } from './known.ts'
import { subjectNaming } from './validation.ts'

/** Which schema: by its id, by its version in the subject, or, with neither, the subject's latest. */
export interface SchemaChoice {
  readonly format: AskedFormat
  readonly keyFormat: AskedFormat
  readonly schemaId?: number | undefined
  readonly schemaVersion?: number | undefined
  readonly keySchemaId?: number | undefined
  readonly keySchemaVersion?: number | undefined
}

interface Encoder {
  readonly id: number
  readonly parsed: ParsedSchema
}

/** The format a body is read in before a schema has its say. */
export const plainFormat = (format: AskedFormat): Format => (format === 'schema' ? 'json' : format)

export class SchemaWriter {
  readonly #key: Encoder | undefined
  readonly #value: Encoder | undefined

  private constructor(key: Encoder | undefined, value: Encoder | undefined) {
    this.#key = key
    this.#value = value
  }

  /** Undefined where the request asks for no schema. */
  static async open(broker: Broker, name: string, choice: SchemaChoice): Promise<SchemaWriter | Failure | undefined> {
    if (choice.format !== 'schema' && choice.keyFormat !== 'schema') return undefined
    const found = await broker.topic(name)
    const topic = isFailure(found) ? { name, config: {} } : found
    const key =
      choice.keyFormat === 'schema'
        ? await encoderOf(broker, topic, 'key', choice.keySchemaId, choice.keySchemaVersion)
        : undefined
    if (key !== undefined && isFailure(key)) return key
    const value =
      choice.format === 'schema'
        ? await encoderOf(broker, topic, 'value', choice.schemaId, choice.schemaVersion)
        : undefined
    if (value !== undefined && isFailure(value)) return value
    return new SchemaWriter(key, value)
  }

  /** Records whose keys and values are JSON texts, as bytes. `first` counts the records before them. */
  encode(drafts: readonly Draft[] | Malformed, first = 0): Draft[] | Malformed {
    if (isMalformed(drafts)) return drafts
    const encoded: Draft[] = []
    for (const [i, draft] of drafts.entries()) {
      const key = encodedAs(this.#key, draft.key)
      const value = encodedAs(this.#value, draft.value)
      const wrong =
        'wrong' in key ? (['key', key] as const) : 'wrong' in value ? (['value', value] as const) : undefined
      if (wrong !== undefined) {
        const field = `records[${first + i}].${wrong[0]}${wrong[1].path}`
        return { malformed: `${field} ${wrong[1].wrong}`, record: first + i, field }
      }
      encoded.push({ ...draft, key: (key as Encoded).bytes, value: (value as Encoded).bytes })
    }
    return encoded
  }
}

interface Encoded {
  readonly bytes: Uint8Array | null
}

interface Wrong {
  readonly wrong: string
  readonly path: string
}

const decoder = new TextDecoder()

const encodedAs = (encoder: Encoder | undefined, json: Uint8Array | null): Encoded | Wrong =>
  encoder === undefined || json === null ? { bytes: json } : encodeWith(encoder, json)

/** JSON text as the bytes that Confluent's serializers would make of it, or what is wrong with it, and where. */
export function encodeWith({ id, parsed }: Encoder, json: Uint8Array): Encoded | Wrong {
  let value: unknown
  try {
    value = parseExactly(decoder.decode(json))
  } catch {
    return { wrong: 'must be JSON', path: '' }
  }
  const datum = encodeDatum(parsed, value)
  if ('error' in datum) return { wrong: `does not fit schema ${id}: ${datum.message}`, path: pathOf(datum.path) }
  // Protobuf tells which message it is: the first, in its short form.
  const indexes = parsed.type === 'PROTOBUF' ? 1 : 0
  const bytes = new Uint8Array(PREFIX_BYTES + indexes + datum.length)
  bytes[0] = MAGIC
  new DataView(bytes.buffer).setUint32(1, id)
  bytes.set(datum, PREFIX_BYTES + indexes)
  return { bytes }
}

const pathOf = (path: string): string => (path === '' || path.startsWith('[') ? path : `.${path}`)

/** Integers that a number cannot hold become bigints. */
const parseExactly = (text: string): unknown =>
  /\d{16}/.test(text)
    ? JSON.parse(text, ((_: string, value: unknown, { source = '' }: { source?: string }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
          ? BigInt(source)
          : value) as (key: string, value: unknown) => unknown)
    : JSON.parse(text)

async function encoderOf(
  broker: Broker,
  topic: Pick<TopicView, 'name' | 'config'>,
  part: 'key' | 'value',
  id: number | undefined,
  version: number | undefined,
): Promise<Encoder | Failure> {
  const { registry } = broker
  const naming = subjectNaming(topic, part)
  if (id === undefined && naming.byRecord)
    return failure('INVALID_REQUEST', `Subjects of topic '${topic.name}' are named by record: say which with schemaId.`)
  const known = id ?? (await registry.schemas.idOf(naming.subject(''), version ?? -1))
  if (isRefusal(known))
    return failure('INVALID_REQUEST', `There is no schema to write the ${part} with: ${known.message}`)
  const failed = await registry.schemas.learn([known])
  if (failed !== undefined) return failure('COORDINATOR_NOT_AVAILABLE', failed.message)
  const parsed = registry.schemas.get(known)
  return parsed === undefined
    ? failure('INVALID_REQUEST', `There is no schema to write the ${part} with: Schema ${known} not found.`)
    : { id: known, parsed }
}
