// Schemas parsed, with everything they refer to. What was parsed is remembered for a while: registering a version looks at
// those before it again.

import { createHash } from 'node:crypto'
import {
  parseSchema,
  type ParsedSchema,
  type ParseOptions,
  type ResolvedReference,
  type SchemaType,
} from '../schema.ts'
import type { SchemaReference } from './metadata.ts'
import { type Refusal, refusals } from './refusals.ts'
import { type RegistryState, type SchemaVersion, versionOf } from './state.ts'
import { inContextOf } from './subjects.ts'

/** Characters of a schema. */
export const MAX_SCHEMA_CHARS = 1_000_000
/** Schemas that one refers to, directly or not, and their characters. */
const MAX_REFERENCES = 500
const MAX_REFERENCED_CHARS = 4_000_000
/** Parsed schemas that are remembered, and their characters. */
const MAX_REMEMBERED = 500
const MAX_REMEMBERED_CHARS = 4_000_000

export interface SchemaText {
  readonly schemaType: SchemaType
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

export class Parser {
  readonly #remembered = new Map<string, { readonly parsed: ParsedSchema; readonly chars: number }>()
  #chars = 0

  /** The schema as one of that subject, whose context its references are in; judged as a new one only where it is one. */
  parse(
    state: RegistryState,
    subject: string,
    text: SchemaText,
    { asNew = false }: ParseOptions = {},
  ): ParsedSchema | Refusal {
    const { schemaType, schema, references } = text
    const resolved = resolve(state, subject, references)
    if (!Array.isArray(resolved)) return invalid(schemaType, (resolved as { readonly missing: string }).missing)
    const key = `${asNew} ${keyOf(text, resolved)}`
    const known = this.#remembered.get(key)
    if (known !== undefined) {
      this.#remembered.delete(key)
      this.#remembered.set(key, known)
      return known.parsed
    }
    const parsed = parseSchema(schemaType, schema, resolved, { asNew })
    if ('error' in parsed) return invalid(schemaType, parsed.message)
    this.#remember(key, parsed, schema.length)
    return parsed
  }

  #remember(key: string, parsed: ParsedSchema, chars: number): void {
    this.#remembered.set(key, { parsed, chars })
    this.#chars += chars
    for (const [oldest, each] of this.#remembered) {
      if (this.#remembered.size <= MAX_REMEMBERED && this.#chars <= MAX_REMEMBERED_CHARS) return
      this.#remembered.delete(oldest)
      this.#chars -= each.chars
    }
  }
}

const invalid = (type: SchemaType, why: string): Refusal =>
  refusals.invalidSchema(`Invalid schema of type ${type}, details: ${why}`)

function keyOf({ schemaType, schema }: SchemaText, references: readonly ResolvedReference[]): string {
  const hash = createHash('sha256').update(schemaType).update(schema)
  for (const { name, schema: referred } of references) hash.update(`\0${name}\0${referred.length}\0`).update(referred)
  return hash.digest('base64')
}

/** Everything a schema refers to, what is referred to first. */
export function resolve(
  state: RegistryState,
  subject: string,
  references: readonly SchemaReference[],
): ResolvedReference[] | { readonly missing: string } {
  const resolved = new Map<string, ResolvedReference>()
  const open = new Set<SchemaVersion>()
  let chars = 0
  const visit = (parent: string, each: readonly SchemaReference[]): string | undefined => {
    for (const { name, subject: given, version } of each) {
      const named = inContextOf(parent, given)
      const found = versionOf(state, named, version, { deleted: true })
      if (found === undefined) return `No schema reference found for subject "${given}" and version ${version}`
      if (resolved.has(name) || open.has(found)) continue
      chars += found.schema.length
      if (resolved.size + open.size >= MAX_REFERENCES || chars > MAX_REFERENCED_CHARS)
        return `More than ${MAX_REFERENCES} schemas or ${MAX_REFERENCED_CHARS} characters are referred to`
      open.add(found)
      const missing = visit(found.subject, found.references)
      if (missing !== undefined) return missing
      open.delete(found)
      resolved.set(name, { name, subject: named, version: found.version, schema: found.schema })
    }
    return undefined
  }
  const missing = visit(subject, references)
  return missing === undefined ? [...resolved.values()] : { missing }
}
