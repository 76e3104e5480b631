// An Avro schema as the registry keeps it, and its incompatibilities in Confluent's words.

import type { ResolvedReference, SchemaFacts } from '../schema.ts'
import { compareAvro, type Finding } from './compatibility.ts'
import { parseAvro } from './parse.ts'
import { printAvro } from './print.ts'
import type { AvroType } from './types.ts'

export interface AvroSchema extends SchemaFacts<'AVRO'> {
  readonly root: AvroType
}

/** Throws Invalid. */
export function avroSchema(source: string, references: readonly ResolvedReference[], asNew: boolean): AvroSchema {
  const { root, known, defined } = parseAvro(
    source,
    references.map(({ schema }) => schema),
    asNew,
  )
  const text = printAvro(root, { known, normalized: false })
  return {
    type: 'AVRO',
    text,
    normalized: printAvro(root, { known, normalized: true }),
    names: defined,
    root,
  }
}

const descriptions: Record<Finding['type'], (finding: Finding, reader: string, writer: string) => string> = {
  FIXED_SIZE_MISMATCH: ({ path }, reader, writer) =>
    `The size of FIXED type field at path '${path}' in the ${reader} schema does not match with the ${writer} schema`,
  TYPE_MISMATCH: ({ path }, reader, writer) =>
    `The type (path '${path}') of a field in the ${reader} schema does not match with the ${writer} schema`,
  NAME_MISMATCH: ({ path }) => `The name of the schema has changed (path '${path}')`,
  MISSING_ENUM_SYMBOLS: ({ path, message }, reader, writer) =>
    `The ${reader} schema is missing enum symbols '${message}' at path '${path}' in the ${writer} schema`,
  MISSING_UNION_BRANCH: ({ path }, reader, writer) =>
    `The ${reader} schema is missing a type inside a union field at path '${path}' in the ${writer} schema`,
  READER_FIELD_MISSING_DEFAULT_VALUE: ({ path, message }, reader, writer) =>
    `The field '${message}' at path '${path}' in the ${reader} schema has no default value and is missing in the ` +
    `${writer} schema`,
  SEVERAL_WRITER_FIELDS: ({ message }) => message,
  TOO_LARGE_TO_COMPARE: () => 'The schemas are too large or too deep to be compared',
}

export function avroIncompatibilities(
  reader: AvroSchema,
  writer: AvroSchema,
  [readerName, writerName]: readonly [string, string],
): readonly string[] {
  return compareAvro(reader.root, writer.root).map(finding => {
    const { type, message } = finding
    if (type === 'SEVERAL_WRITER_FIELDS') return `Unexpected exception during compatibility check: ${message}`
    const description = descriptions[type](finding, readerName, writerName)
    return `{errorType:'${type}', description:'${description}', additionalInfo:'${message}'}`
  })
}
