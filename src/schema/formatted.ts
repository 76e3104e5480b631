// A schema in the other forms a registry gives it in, `?format=`: Avro with everything it refers to written out, Protobuf as
// the FileDescriptorProto that clients without a parser want.

import { Buffer } from 'node:buffer'
import { printAvro } from './avro/print.ts'
import { serializedProto } from './protobuf/serialized.ts'
import type { ParsedSchema } from './schema.ts'

/** The text registered where the format means nothing to this kind of schema, as Confluent's registry answers. */
export function formattedSchema(schema: ParsedSchema, format: string): string {
  if (schema.type === 'AVRO' && format === 'resolved')
    return printAvro(schema.root, { known: new Set(), normalized: false })
  if (schema.type === 'PROTOBUF' && format === 'serialized')
    return Buffer.from(serializedProto(schema.file, schema.types)).toString('base64')
  return schema.text
}
