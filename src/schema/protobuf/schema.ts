// A .proto file as the registry keeps it, and its incompatibilities in Confluent's words.

import { Invalid } from '../json-text.ts'
import type { ResolvedReference, SchemaFacts } from '../schema.ts'
import { compareProto, worded } from './compatibility.ts'
import { fileOfDescriptor } from './descriptor.ts'
import type { ProtoFile, Type } from './file.ts'
import { parseProto } from './parse.ts'
import { printProto } from './print.ts'
import { type MessageType, Types } from './types.ts'

export interface ProtobufSchema extends SchemaFacts<'PROTOBUF'> {
  readonly file: ProtoFile
  /** Where its messages are. */
  readonly main: ProtoFile
  readonly types: Types
}

/** Throws Invalid. */
export function protobufSchema(source: string, references: readonly ResolvedReference[]): ProtobufSchema {
  const written = read(source)
  const known = new Types(written, references, read)
  // The custom options of a descriptor can only be read once its imports are known.
  const file = fileOfDescriptor(source, known) ?? written
  const types = file === written ? known : new Types(file, references, read)
  const text = printProto(file)
  const main = mainFile(file, types)
  return {
    type: 'PROTOBUF',
    text,
    normalized: printProto(file, types),
    names: namesOf(main.types, main.package),
    file,
    main,
    types,
  }
}

/** Whose messages data can be of: of a file that only passes another on, that other's. */
function mainFile(file: ProtoFile, types: Types): ProtoFile {
  const [passedOn] = file.publicImports
  const isWrapper = file.types.length === 0 && file.publicImports.length === 1
  return (isWrapper ? types.file(passedOn!) : undefined) ?? file
}

/** Text, or what clients send instead: a FileDescriptorProto in base64. */
function read(source: string): ProtoFile {
  try {
    return parseProto(source)
  } catch (error) {
    const file = error instanceof Invalid ? fileOfDescriptor(source) : undefined
    if (file === undefined) throw error
    return file
  }
}

function namesOf(types: readonly Type[], scope: string): string[] {
  return types.flatMap(type => {
    if (type.kind === 'enum') return []
    const fullName = scope === '' ? type.name : `${scope}.${type.name}`
    return [fullName, ...namesOf(type.types, fullName)]
  })
}

/** The message at a path of indexes: among those of the file, then of those inside. */
export function messageAt({ main, types }: ProtobufSchema, indexes: readonly number[]): MessageType | undefined {
  let within = main.types
  let fullName = main.package
  for (const index of indexes) {
    const message = within.filter(type => type.kind === 'message')[index]
    if (message === undefined) return undefined
    fullName = fullName === '' ? message.name : `${fullName}.${message.name}`
    within = message.types
  }
  const found = types.get(fullName)
  return found?.kind === 'message' ? found : undefined
}

export function protobufIncompatibilities(
  reader: ProtobufSchema,
  writer: ProtobufSchema,
  [readerName, writerName]: readonly [string, string],
): readonly string[] {
  return compareProto(writer, reader).map(difference => worded(difference, readerName, writerName))
}
