// format=schema, on the way out: bytes that begin with the id of a schema become JSON. The ids in what was read are learned
// first, so that writing it out waits for nothing.

import { isControl, readBatches } from '../../log/batch.ts'
import { decodeBatch } from '../../log/records.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import { Allowance } from '../../schema/datum.ts'
import { decodeDatum, type ParsedSchema } from '../../schema/schema.ts'
import type { Broker } from '../broker.ts'
import type { AskedFormat, ContentReader, ReadFormat } from '../formats.ts'
import { type KnownSchemas, PREFIX_BYTES, schemaIdOf } from './known.ts'

/** The depth of a message in the one it is declared in. */
const MAX_INDEXES = 64

/** What writing records out takes, besides how it was asked for. */
export const readFormat = (
  { registry }: Broker,
  { format, keyFormat }: { readonly format: AskedFormat; readonly keyFormat: AskedFormat },
): ReadFormat =>
  format === 'schema' || keyFormat === 'schema'
    ? { format, keyFormat, schemas: new SchemaReader(registry.schemas, format, keyFormat) }
    : { format, keyFormat }

class SchemaReader implements ContentReader {
  readonly #schemas: KnownSchemas
  readonly #value: boolean
  readonly #key: boolean
  /** Of what was learned last. */
  #allowance = new Allowance(0)

  constructor(schemas: KnownSchemas, format: AskedFormat, keyFormat: AskedFormat) {
    this.#schemas = schemas
    this.#value = format === 'schema'
    this.#key = keyFormat === 'schema'
  }

  async learn(bytes: Uint8Array): Promise<Failure | undefined> {
    this.#allowance = new Allowance(bytes.length)
    const ids = new Set<number>()
    const see = (content: Uint8Array | null): void => {
      const id = content === null ? undefined : schemaIdOf(content)
      if (id !== undefined) ids.add(id)
    }
    for (const batch of readBatches(bytes)) {
      if (isControl(batch)) continue
      const records = decodeBatch(batch)
      // Whoever writes it out says why it cannot be opened.
      if (isFailure(records)) break
      for (const { key, value } of records) {
        if (this.#value) see(value)
        if (this.#key) see(key)
      }
    }
    const refused = await this.#schemas.learn(ids)
    return refused && failure('COORDINATOR_NOT_AVAILABLE', refused.message)
  }

  jsonOf(content: Uint8Array): string | undefined {
    const id = schemaIdOf(content)
    const parsed = id === undefined ? undefined : this.#schemas.get(id)
    if (parsed === undefined) return undefined
    const message = parsed.type === 'PROTOBUF' ? messageOf(content) : { path: [0], end: PREFIX_BYTES }
    return message && decoded(parsed, content.subarray(message.end), message.path, this.#allowance)
  }
}

function decoded(
  parsed: ParsedSchema,
  datum: Uint8Array,
  path: readonly number[],
  allowance: Allowance,
): string | undefined {
  const opened = decodeDatum(parsed, datum, path, allowance)
  return 'error' in opened ? undefined : JSON.stringify(opened.value)
}

/** Confluent's message indexes: how many, then each, as zigzag varints; a single zero is short for the first message. */
function messageOf(content: Uint8Array): { readonly path: readonly number[]; readonly end: number } | undefined {
  let at = PREFIX_BYTES
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = content[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    return Number.NaN
  }
  const count = next()
  if (count === 0) return { path: [0], end: at }
  if (!(count > 0 && count <= MAX_INDEXES)) return undefined
  const path = Array.from({ length: count }, next)
  return path.every(index => index >= 0) ? { path, end: at } : undefined
}
