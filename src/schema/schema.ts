// A schema of any of the three formats, as a registry and the doors see it: parsed, compared, and used to turn JSON into
// bytes and back. Subjects, versions and ids are the registry's; the magic byte and the id before a datum are the door's.

import { Invalid, MAX_SCHEMA_CHARACTERS } from './json-text.ts'
import { type Allowance, BadDatum } from './datum.ts'
import { type AvroSchema, avroIncompatibilities, avroSchema } from './avro/schema.ts'
import { decodeAvro } from './avro/decode.ts'
import { encodeAvro } from './avro/encode.ts'
import { decodeJson, encodeJson } from './json/datum.ts'
import { type JsonSchema, jsonIncompatibilities, jsonSchema } from './json/schema.ts'
import { decodeProto } from './protobuf/decode.ts'
import { encodeProto } from './protobuf/encode.ts'
import { messageAt, type ProtobufSchema, protobufIncompatibilities, protobufSchema } from './protobuf/schema.ts'
import type { MessageType } from './protobuf/types.ts'

export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF'

/** What a schema refers to, in the name its format uses: Avro's full name, the uri of a `$ref`, the path of an import. */
export interface ResolvedReference {
  readonly name: string
  readonly subject: string
  readonly version: number
  readonly schema: string
}

/** What every format's schema tells. */
export interface SchemaFacts<T extends SchemaType> {
  readonly type: T
  /** What a registry stores and returns for it; equal for schemas that share an id. */
  readonly text: string
  /** The same for schemas that differ only in what does not matter: what `normalize=true` registers. */
  readonly normalized: string
  /** Full names of the records or messages it defines, the one a datum is of first. */
  readonly names: readonly string[]
}

export type ParsedSchema = AvroSchema | JsonSchema | ProtobufSchema

export interface ParseOptions {
  readonly asNew?: boolean
}

export interface SchemaFailure {
  readonly error: 'INVALID_SCHEMA'
  readonly message: string
}

export interface DatumFailure {
  readonly error: 'INVALID_DATUM'
  readonly message: string
  /** Where in the value, as in `order.lines[3].price`; empty for all of it. */
  readonly path: string
}

/**
 * `references` are all there are, also those of references; their order does not matter. What was kept elsewhere already is
 * not judged as a new one: Avro's namespaces may then have any characters, and defaults need not fit.
 */
export function parseSchema(
  type: SchemaType,
  text: string,
  references: readonly ResolvedReference[] = [],
  { asNew = true }: ParseOptions = {},
): ParsedSchema | SchemaFailure {
  const characters = references.reduce((sum, { schema }) => sum + schema.length, text.length)
  if (characters > MAX_SCHEMA_CHARACTERS) {
    return invalid(`A schema and its references may have ${MAX_SCHEMA_CHARACTERS} characters, these have ${characters}`)
  }
  try {
    switch (type) {
      case 'AVRO':
        return avroSchema(text, references, asNew)
      case 'JSON':
        return jsonSchema(text, references)
      case 'PROTOBUF':
        return protobufSchema(text, references)
      default:
        return invalid(`Unknown schema type ${String(type)}`)
    }
  } catch (error) {
    if (error instanceof Invalid) return invalid(error.message)
    if (isOverflow(error)) return invalid('The schema is nested too deep')
    throw error
  }
}

/** The bounds of each format keep within the stack of today's platforms; what it is tomorrow, nobody knows. */
const isOverflow = (error: unknown): boolean => error instanceof RangeError

const TOO_DEEP = `{errorType:'TOO_LARGE_TO_COMPARE', description:'The schemas are too large or too deep to be compared'}`

const invalid = (message: string): SchemaFailure => ({ error: 'INVALID_SCHEMA', message })

/**
 * Why data written with `writer` cannot be read with `reader`, in the words of Confluent's registry; [] if it can. `called`
 * is what the sentences call the two: when a new schema has to read old data, the reader is the new one.
 */
export function incompatibilities(
  reader: ParsedSchema,
  writer: ParsedSchema,
  called: readonly [reader: string, writer: string] = ['new', 'old'],
): readonly string[] {
  try {
    if (reader.type === 'AVRO' && writer.type === 'AVRO') return avroIncompatibilities(reader, writer, called)
    if (reader.type === 'JSON' && writer.type === 'JSON') return jsonIncompatibilities(reader, writer, called)
    if (reader.type === 'PROTOBUF' && writer.type === 'PROTOBUF')
      return protobufIncompatibilities(reader, writer, called)
  } catch (error) {
    if (isOverflow(error)) return [TOO_DEEP]
    throw error
  }
  return ['Incompatible because of different schema type']
}

/** `message` is Confluent's list of indexes to a Protobuf message: [0], the first, unless given. */
export function encodeDatum(
  schema: ParsedSchema,
  value: unknown,
  message: readonly number[] = [0],
): Uint8Array | DatumFailure {
  return orFailure(() => {
    switch (schema.type) {
      case 'AVRO':
        return encodeAvro(schema.root, value)
      case 'JSON':
        return encodeJson(schema, value)
      case 'PROTOBUF':
        return encodeProto(schema.types, messageOf(schema, message), value)
    }
  })
}

/** Plain JSON values, but integers beyond 2^53 are what JSON.rawJSON makes: JSON.stringify writes their digits. */
export function decodeDatum(
  schema: ParsedSchema,
  bytes: Uint8Array,
  message: readonly number[] = [0],
  allowance?: Allowance,
): { readonly value: unknown } | DatumFailure {
  return orFailure(() => {
    switch (schema.type) {
      case 'AVRO':
        return { value: decodeAvro(schema.root, bytes, allowance) }
      case 'JSON':
        return { value: decodeJson(bytes) }
      case 'PROTOBUF':
        return { value: decodeProto(schema.types, messageOf(schema, message), bytes, allowance) }
    }
  })
}

function messageOf(schema: ProtobufSchema, indexes: readonly number[]): MessageType {
  const message = messageAt(schema, indexes)
  if (message === undefined)
    throw new BadDatum(undefined, `there is no message number [${indexes.slice(0, 20).join(', ')}]`)
  return message
}

function orFailure<T>(run: () => T): T | DatumFailure {
  try {
    return run()
  } catch (error) {
    if (error instanceof BadDatum) return { error: 'INVALID_DATUM', message: error.message, path: error.path }
    // Where a JSON schema has nothing to say, for one, values may be as deep as they like.
    if (isOverflow(error)) return { error: 'INVALID_DATUM', message: 'values are nested too deep', path: '' }
    throw error
  }
}
