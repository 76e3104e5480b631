// A key or value of v3 as the bytes that are stored, and what the answer tells of it.

import type { SchemaType } from '../../../schema/schema.ts'
import { embed } from '../embedded.ts'
import { isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import { encodeJson, type Part, type SchemaAsked, type Schemas, TYPES } from '../schemas.ts'
import { type EmbeddedData, isPlainType } from './record.ts'

/** In an answer, by the names it has there. */
export interface Told {
  readonly type: string
  readonly size: number
  readonly subject?: string
  readonly schema_id?: number
  readonly schema_version?: number
}

export interface Encoded {
  readonly bytes: Uint8Array | null
  readonly told: Told | undefined
}

const NONE: Encoded = { bytes: null, told: undefined }

/** A promise only where the registry has to be asked. */
export function encode(
  part: Part,
  data: EmbeddedData | undefined,
  schemas: Schemas,
): Encoded | RestFailure | Promise<Encoded | RestFailure> {
  if (data === undefined) return NONE
  const { type } = data
  if (type === undefined || !isPlainType(type)) return encodeBySchema(part, data, schemas)
  const bytes = embed(type, data.data)
  return isRestFailure(bytes) ? bytes : { bytes, told: { type, size: bytes?.length ?? 0 } }
}

const schemaTypes: Readonly<Record<string, SchemaType>> = { AVRO: 'AVRO', JSONSCHEMA: 'JSON', PROTOBUF: 'PROTOBUF' }

async function encodeBySchema(part: Part, data: EmbeddedData, schemas: Schemas): Promise<Encoded | RestFailure> {
  const found = await schemas.find(part, {
    subject: data.subject,
    strategy: data.subject_name_strategy as SchemaAsked['strategy'],
    id: data.schema_id,
    version: data.schema_version,
    text: data.schema,
    type: schemaTypes[data.type ?? ''],
  })
  if (isRestFailure(found)) return inWords(found)
  const bytes = encodeJson(found, data.data)
  if (isRestFailure(bytes)) return inWords(bytes)
  const { id, version, subject, parsed } = found
  const told = {
    type: TYPES[parsed.type],
    subject,
    schema_id: id,
    schema_version: version,
    size: bytes?.length ?? 0,
  }
  return { bytes, told }
}

/** What the proxy says of a record's schema in v3 has its code in the sentence. */
const inWords = (failed: RestFailure): RestFailure =>
  failed.errorCode >= 42_200 && failed.errorCode < 42_300
    ? restFailure(422, `Error: ${failed.errorCode} : ${failed.message}`)
    : failed
