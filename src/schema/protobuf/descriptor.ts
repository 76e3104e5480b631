// A FileDescriptorProto, which some clients register in base64 instead of text, as the .proto file it was made from.

import { Buffer } from 'node:buffer'
import { Reader } from '../../protocol/bytes.ts'
import type { Enum, Extend, Field, Message, ProtoFile, ProtoOption, Reserved, Service, Type } from './file.ts'
import { MAX_TAG } from './file.ts'
import { type OptionsOf, optionsOf } from './descriptor-options.ts'
import { jsonName, type Types } from './types.ts'
import { BYTES, readBytes, readTag, readVarint, skip, VARINT } from './wire.ts'

const MAX_DEPTH = 100

/** By number, in order: varints and bytes. Nothing else is in what is read here. */
type Raw = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>

/** Undefined if it is none. Custom options are there if `types` know them. */
export function fileOfDescriptor(base64: string, types?: Types): ProtoFile | undefined {
  const text = base64.trim()
  if (text === '' || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  try {
    const file = raw(Buffer.from(text, 'base64'))
    return string(file, 1) === '' && messages(file, 4).length === 0 ? undefined : new Converter(types).file(file)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function raw(bytes: Uint8Array): Raw {
  const reader = new Reader(bytes)
  const fields = new Map<number, (bigint | Uint8Array)[]>()
  while (reader.remaining > 0) {
    const [tag, wireType] = readTag(reader)
    if (tag === 0) throw new RangeError('no field')
    if (wireType !== VARINT && wireType !== BYTES) {
      skip(reader, tag, wireType)
      continue
    }
    const value = wireType === VARINT ? readVarint(reader) : readBytes(reader)
    const before = fields.get(tag)
    if (before === undefined) fields.set(tag, [value])
    else before.push(value)
  }
  return fields
}

const decoder = new TextDecoder()
const all = (fields: Raw, tag: number): Uint8Array[] =>
  (fields.get(tag) ?? []).filter((value): value is Uint8Array => typeof value !== 'bigint')
const strings = (fields: Raw, tag: number): string[] => all(fields, tag).map(bytes => decoder.decode(bytes))
const string = (fields: Raw, tag: number): string => strings(fields, tag).at(-1) ?? ''
const messages = (fields: Raw, tag: number): Raw[] => all(fields, tag).map(raw)
const integer = (fields: Raw, tag: number): number | undefined => {
  const value = fields.get(tag)?.at(-1)
  return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : undefined
}
const flag = (fields: Raw, tag: number): boolean => integer(fields, tag) === 1

const isMapEntry = (message: Raw): boolean => messages(message, 7).some(options => flag(options, 7))

const rangeOf = (first: number, last: number): Reserved => (first === last ? first : [first, Math.min(last, MAX_TAG)])

/** By number; 11 and 14 have a name, and 10 was a group. */
const scalars =
  ' double float int64 uint64 int32 fixed64 fixed32 bool string group  bytes uint32  sfixed32 sfixed64 sint32 sint64'.split(
    ' ',
  )

function typeOf(field: Raw): string {
  return string(field, 6) || (scalars[integer(field, 5) ?? 0] ?? '')
}

function defaultOf(type: string, text: string): ProtoOption {
  const kind = type === 'string' || type === 'bytes' ? 'string' : 'word'
  return { name: 'default', custom: false, value: { kind, text } }
}

class Converter {
  readonly #types: Types | undefined

  constructor(types: Types | undefined) {
    this.#types = types
  }

  file(file: Raw): ProtoFile {
    const syntax = string(file, 12) === 'proto3' ? 'proto3' : 'proto2'
    const imports = strings(file, 3)
    const isPublic = new Set((file.get(10) ?? []).map(Number))
    return {
      syntax,
      package: string(file, 2),
      imports: imports.filter((_, index) => !isPublic.has(index)),
      publicImports: imports.filter((_, index) => isPublic.has(index)),
      options: this.#options(file, 8, 'FileOptions'),
      types: this.#typesIn(file, 4, 5, syntax, 0),
      extends: this.#extends(messages(file, 7), syntax),
      services: messages(file, 6).map(service => this.#service(service)),
    }
  }

  #options(of: Raw, tag: number, kind: OptionsOf): ProtoOption[] {
    return optionsOf(kind, all(of, tag), this.#types)
  }

  #typesIn(fields: Raw, messageTag: number, enumTag: number, syntax: string, depth: number): Type[] {
    if (depth > MAX_DEPTH) throw new RangeError('messages nested too deep')
    return [
      ...messages(fields, messageTag)
        .filter(message => !isMapEntry(message))
        .map(message => this.#message(message, syntax, depth + 1)),
      ...messages(fields, enumTag).map(type => this.#enum(type)),
    ]
  }

  #message(message: Raw, syntax: string, depth: number): Message {
    const entries = new Map(
      messages(message, 3)
        .filter(isMapEntry)
        .map(entry => [string(entry, 1), entry]),
    )
    const given = messages(message, 2)
    const fields = given.map(field => this.#field(field, syntax, entries))
    // An optional field of proto3 stands in a oneof of its own, which nobody wrote.
    const inOneOf = given.map(field => (flag(field, 17) ? undefined : integer(field, 9)))
    const reserved: Reserved[] = messages(message, 9).map(range =>
      rangeOf(integer(range, 1) ?? 0, (integer(range, 2) ?? 0) - 1),
    )
    const names = strings(message, 10)
    return {
      kind: 'message',
      name: string(message, 1),
      fields: fields.filter((_, index) => inOneOf[index] === undefined),
      oneOfs: messages(message, 8)
        .map((oneOf, number) => ({
          name: string(oneOf, 1),
          fields: fields.filter((_, index) => inOneOf[index] === number),
          options: this.#options(oneOf, 2, 'OneofOptions'),
        }))
        .filter(oneOf => oneOf.fields.length > 0),
      reserved: [...(reserved.length > 0 ? [reserved] : []), ...(names.length > 0 ? [names] : [])],
      extensions: messages(message, 5).map(range => ({
        ranges: [rangeOf(integer(range, 1) ?? 0, (integer(range, 2) ?? 0) - 1)],
        options: [],
      })),
      extends: this.#extends(messages(message, 6), syntax),
      options: this.#options(message, 7, 'MessageOptions'),
      types: this.#typesIn(message, 3, 4, syntax, depth),
    }
  }

  #field(field: Raw, syntax: string, entries: ReadonlyMap<string, Raw>): Field {
    const name = string(field, 1)
    const type = typeOf(field)
    const entry = entries.get(type.slice(type.lastIndexOf('.') + 1))
    const [key, value] = entry === undefined ? [] : messages(entry, 2)
    const label = ([undefined, 'optional', 'required', 'repeated'] as const)[integer(field, 4) ?? 0]
    const isMap = key !== undefined && value !== undefined
    const isImplicit = syntax === 'proto3' && label === 'optional' && !flag(field, 17)
    const inOneOf = field.has(9) && !flag(field, 17)
    const json = string(field, 10)
    return {
      label: isMap || isImplicit || inOneOf ? undefined : label,
      type: isMap ? `map<${typeOf(key)}, ${typeOf(value)}>` : type,
      name,
      tag: integer(field, 3) ?? 0,
      options: [
        ...this.#options(field, 8, 'FieldOptions'),
        ...(field.has(7) ? [defaultOf(type, string(field, 7))] : []),
        ...(json !== '' && json !== jsonName(name)
          ? [{ name: 'json_name', custom: false, value: { kind: 'string', text: json } } as const]
          : []),
      ],
    }
  }

  #enum(type: Raw): Enum {
    const reserved: Reserved[] = messages(type, 4).map(range => rangeOf(integer(range, 1) ?? 0, integer(range, 2) ?? 0))
    const names = strings(type, 5)
    return {
      kind: 'enum',
      name: string(type, 1),
      constants: messages(type, 2).map(constant => ({
        name: string(constant, 1),
        tag: integer(constant, 2) ?? 0,
        options: this.#options(constant, 3, 'EnumValueOptions'),
      })),
      reserved: [...(reserved.length > 0 ? [reserved] : []), ...(names.length > 0 ? [names] : [])],
      options: this.#options(type, 3, 'EnumOptions'),
    }
  }

  /** One block for each message that is extended. */
  #extends(fields: readonly Raw[], syntax: string): Extend[] {
    return [...Map.groupBy(fields, field => string(field, 2))].map(([name, same]) => ({
      name,
      fields: same.map(field => this.#field(field, syntax, new Map())),
    }))
  }

  #service(service: Raw): Service {
    return {
      name: string(service, 1),
      rpcs: messages(service, 2).map(rpc => ({
        name: string(rpc, 1),
        request: string(rpc, 2),
        requestStreams: flag(rpc, 5),
        response: string(rpc, 3),
        responseStreams: flag(rpc, 6),
        options: this.#options(rpc, 4, 'MethodOptions'),
      })),
      options: this.#options(service, 3, 'ServiceOptions'),
    }
  }
}
