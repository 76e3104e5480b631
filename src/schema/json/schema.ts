// A JSON schema as the registry keeps it, and its incompatibilities in Confluent's words.

import { writeJson } from '../json-text.ts'
import type { ResolvedReference, SchemaFacts } from '../schema.ts'
import { compareJson } from './compatibility.ts'
import { worded } from './differences.ts'
import { checkKeywords } from './keywords.ts'
import { Resources } from './resources.ts'

export interface JsonSchema extends SchemaFacts<'JSON'> {
  readonly resources: Resources
}

/** Throws Invalid. */
export function jsonSchema(source: string, references: readonly ResolvedReference[]): JsonSchema {
  const resources = new Resources(source, references)
  const { root } = resources
  checkKeywords(root)
  const text = writeJson(root)
  const title = typeof root === 'boolean' ? undefined : root.get('title')
  return {
    type: 'JSON',
    text,
    normalized: writeJson(root, { sorted: true }),
    names: typeof title === 'string' ? [title] : [],
    resources,
  }
}

export function jsonIncompatibilities(
  reader: JsonSchema,
  writer: JsonSchema,
  [readerName, writerName]: readonly [string, string],
): readonly string[] {
  return compareJson(writer, reader).map(difference => worded(difference, readerName, writerName))
}
