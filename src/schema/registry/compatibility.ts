// May a schema come after those before it? Confluent's seven levels over what each format says of two schemas, in the
// sentences of its CompatibilityChecker.

import { incompatibilities, type ParsedSchema } from '../schema.ts'
import type { Metadata } from './metadata.ts'
import { isRefusal, type Refusal } from './refusals.ts'
import type { Config } from './settings.ts'
import type { SchemaVersion } from './state.ts'

const MAX_QUOTED = 10_240

export interface Candidate {
  readonly parsed: ParsedSchema
  readonly metadata?: Metadata | undefined
}

/** Why not; nothing, if it may. `earlier` has the versions that are not deleted, oldest first; only some need parsing. */
export function incompatibleWith(
  config: Config,
  { parsed, metadata }: Candidate,
  earlier: readonly SchemaVersion[],
  parse: (schema: SchemaVersion) => ParsedSchema | Refusal,
): readonly string[] {
  const { compatibilityLevel: level, compatibilityGroup: group } = config
  if (level === 'NONE') return []
  const inGroup =
    group === undefined
      ? earlier
      : earlier.filter(other => other.metadata?.properties?.[group] === metadata?.properties?.[group])
  for (const other of level.endsWith('_TRANSITIVE') ? inGroup.toReversed() : inGroup.slice(-1)) {
    const before = parse(other)
    const why = isRefusal(before) ? [before.message] : between(level, parsed, before, other)
    if (why.length > 0)
      return [...why, `{validateFields: '${config.validateFields ?? false}', compatibility: '${level}'}`]
  }
  return []
}

function between(
  level: string,
  next: ParsedSchema,
  before: ParsedSchema,
  { version }: SchemaVersion,
): readonly string[] {
  if (next.type !== before.type) return ['Incompatible because of different schema type']
  const told = (why: readonly string[]): readonly string[] =>
    why.length === 0 ? why : [...why, `{oldSchemaVersion: ${version}}`, oldSchema(before)]
  const backward = (): readonly string[] => told(incompatibilities(next, before, ['new', 'old']))
  const forward = (): readonly string[] => incompatibilities(before, next, ['old', 'new'])
  if (level.startsWith('BACKWARD')) return backward()
  if (level.startsWith('FORWARD')) return told(forward())
  return [...forward(), ...backward()]
}

function oldSchema({ text }: ParsedSchema): string {
  return text.length <= MAX_QUOTED
    ? `{oldSchema: '${text}'}`
    : `{oldSchema: <truncated> '${text.slice(0, MAX_QUOTED)}...'}`
}
