// A .proto file as the FileDescriptorProto that protoc makes of it, which clients without a parser ask for. Custom options
// are left out.

import { Writer } from '../../protocol/bytes.ts'
import {
  type Enum,
  type Field,
  mapOf,
  MAX_TAG,
  type Message,
  optionText,
  type ProtoFile,
  type ProtoOption,
  type Reserved,
  SCALARS,
  type Service,
  type Type,
} from './file.ts'
import { jsonName, type Types } from './types.ts'
import { BYTES, VARINT, writeTag, writeVarint } from './wire.ts'

const OPTIONAL = 1
const REQUIRED = 2
const REPEATED = 3
const MESSAGE = 11
const ENUM = 14

/** By number; 0, 10, 11 and 14 are no scalars. */
const scalars =
  ' double float int64 uint64 int32 fixed64 fixed32 bool string   bytes uint32  sfixed32 sfixed64 sint32 sint64'.split(
    ' ',
  )

const textOptions = {
  java_package: 1,
  java_outer_classname: 8,
  go_package: 11,
  objc_class_prefix: 36,
  csharp_namespace: 37,
  swift_prefix: 39,
  php_class_prefix: 40,
  php_namespace: 41,
  ruby_package: 45,
} as const

/** One message under way: fields in the order of their calls. */
class Fields {
  readonly #writer = new Writer()

  text(tag: number, text: string): this {
    return this.bytes(tag, encoder.encode(text))
  }

  bytes(tag: number, bytes: Uint8Array): this {
    writeTag(this.#writer, tag, BYTES)
    this.#writer.uvarint(bytes.length)
    this.#writer.bytes(bytes)
    return this
  }

  integer(tag: number, value: number): this {
    writeTag(this.#writer, tag, VARINT)
    writeVarint(this.#writer, BigInt(value))
    return this
  }

  /** Each of them. */
  all<T>(tag: number, items: readonly T[], make: (item: T) => Fields): this {
    for (const item of items) this.bytes(tag, make(item).done())
    return this
  }

  flag(tag: number, options: readonly ProtoOption[], name: string): this {
    const text = optionText(options, name)
    return text === 'true' || text === 'false' ? this.integer(tag, text === 'true' ? 1 : 0) : this
  }

  /** An options message, unless nothing is in it. */
  options(tag: number, options: Fields): this {
    const bytes = options.done()
    return bytes.length === 0 ? this : this.bytes(tag, bytes)
  }

  done(): Uint8Array {
    return this.#writer.done().slice()
  }
}

const encoder = new TextEncoder()

export const serializedProto = (file: ProtoFile, types: Types): Uint8Array => new Descriptors(file, types).file()

class Descriptors {
  readonly #file: ProtoFile
  readonly #types: Types

  constructor(file: ProtoFile, types: Types) {
    this.#file = file
    this.#types = types
  }

  file(): Uint8Array {
    const { syntax, package: scope, imports, publicImports, types, extends: extensions, services, options } = this.#file
    const fields = new Fields().text(1, 'default')
    if (scope !== '') fields.text(2, scope)
    for (const name of [...imports, ...publicImports]) fields.text(3, name)
    this.#nested(fields, types, scope, 4, 5)
    fields.all(6, services, service => this.#service(service))
    for (const { name, fields: extended } of extensions)
      fields.all(7, extended, field => this.#field(field, scope, { extendee: name }))
    fields.options(8, fileOptions(options))
    for (let i = 0; i < publicImports.length; i++) fields.integer(10, imports.length + i)
    if (syntax === 'proto3') fields.text(12, syntax)
    return fields.done()
  }

  #nested(fields: Fields, types: readonly Type[], scope: string, messageTag: number, enumTag: number): void {
    for (const type of types)
      if (type.kind === 'message') fields.bytes(messageTag, this.#message(type, scope).done())
      else fields.bytes(enumTag, enumOf(type).done())
  }

  #message(message: Message, outer: string): Fields {
    const scope = outer === '' ? message.name : `${outer}.${message.name}`
    const isOptional = ({ label }: Field): boolean => this.#file.syntax === 'proto3' && label === 'optional'
    const plain = message.fields.filter(field => isOptional(field))
    const fields = new Fields().text(1, message.name)
    for (const field of message.fields) {
      // As protoc does: a optional field of proto3 stands in a oneof of its own, after those that were written.
      const index = plain.indexOf(field)
      const oneOf = index < 0 ? undefined : message.oneOfs.length + index
      fields.bytes(2, this.#field(field, scope, { oneOf, optional: index >= 0 }).done())
    }
    for (const [oneOf, { fields: chosen }] of message.oneOfs.entries())
      fields.all(2, chosen, field => this.#field(field, scope, { oneOf }))
    this.#nested(fields, message.types, scope, 3, 4)
    fields.all(
      3,
      message.fields.filter(field => mapOf(field.type) !== undefined),
      field => this.#mapEntry(field, scope),
    )
    const ranges = message.extensions.flatMap(extension => extension.ranges)
    fields.all(5, ranges.filter(isRange), range => rangeOf(range, 1))
    for (const { name, fields: extended } of message.extends)
      fields.all(6, extended, field => this.#field(field, scope, { extendee: name }))
    fields.options(7, new Fields().flag(3, message.options, 'deprecated'))
    for (const { name } of message.oneOfs) fields.bytes(8, new Fields().text(1, name).done())
    for (const { name } of plain) fields.bytes(8, new Fields().text(1, `_${name}`).done())
    const reserved = message.reserved.flat()
    fields.all(9, reserved.filter(isRange), range => rangeOf(range, 1))
    for (const name of reserved) if (typeof name === 'string') fields.text(10, name)
    return fields
  }

  #field(
    { label, type, name, tag, options }: Field,
    scope: string,
    { oneOf, optional = false, extendee }: { oneOf?: number | undefined; optional?: boolean; extendee?: string } = {},
  ): Fields {
    const isMap = mapOf(type) !== undefined
    const fields = new Fields().text(1, name)
    if (extendee !== undefined) fields.text(2, this.#fullName(extendee, scope))
    fields.integer(3, tag)
    fields.integer(4, isMap || label === 'repeated' ? REPEATED : label === 'required' ? REQUIRED : OPTIONAL)
    if (isMap) fields.integer(5, MESSAGE).text(6, `.${scope}.${entryName(name)}`)
    else if (SCALARS.has(type)) fields.integer(5, scalars.indexOf(type))
    else
      fields
        .integer(5, this.#types.resolve(type, scope)?.kind === 'enum' ? ENUM : MESSAGE)
        .text(6, this.#fullName(type, scope))
    const preset = optionText(options, 'default')
    if (preset !== undefined) fields.text(7, preset)
    fields.options(8, new Fields().flag(2, options, 'packed').flag(3, options, 'deprecated'))
    if (oneOf !== undefined) fields.integer(9, oneOf)
    fields.text(10, optionText(options, 'json_name') ?? jsonName(name))
    return optional ? fields.integer(17, 1) : fields
  }

  #mapEntry({ name, type }: Field, scope: string): Fields {
    const [key, value] = mapOf(type)!
    const part = (each: string, is: string, tag: number): Field => ({
      label: undefined,
      type: is,
      name: each,
      tag,
      options: [],
    })
    return new Fields()
      .text(1, entryName(name))
      .all(2, [part('key', key, 1), part('value', value, 2)], field => this.#field(field, scope))
      .options(7, new Fields().integer(7, 1))
  }

  #service({ name, rpcs }: Service): Fields {
    const { package: scope } = this.#file
    return new Fields().text(1, name).all(2, rpcs, rpc => {
      const method = new Fields().text(1, rpc.name)
      method.text(2, this.#fullName(rpc.request, scope)).text(3, this.#fullName(rpc.response, scope))
      if (rpc.requestStreams) method.integer(5, 1)
      return rpc.responseStreams ? method.integer(6, 1) : method
    })
  }

  #fullName(name: string, scope: string): string {
    return `.${this.#types.resolve(name, scope)?.fullName ?? name.replace(/^\./, '')}`
  }
}

function fileOptions(options: readonly ProtoOption[]): Fields {
  const fields = new Fields()
  for (const [name, tag] of Object.entries(textOptions)) {
    const text = optionText(options, name)
    if (text !== undefined) fields.text(tag, text)
  }
  return fields.flag(10, options, 'java_multiple_files')
}

function enumOf({ name, constants, reserved, options }: Enum): Fields {
  const fields = new Fields().text(1, name)
  fields.all(2, constants, constant => new Fields().text(1, constant.name).integer(2, constant.tag))
  fields.options(3, new Fields().flag(2, options, 'allow_alias').flag(3, options, 'deprecated'))
  fields.all(4, reserved.flat().filter(isRange), range => rangeOf(range, 0))
  for (const each of reserved.flat()) if (typeof each === 'string') fields.text(5, each)
  return fields
}

type Range = Exclude<Reserved, string>

const isRange = (reserved: Reserved): reserved is Range => typeof reserved !== 'string'

/** Messages say the first number beyond (`beyond` 1), enums the last. */
function rangeOf(range: Range, beyond: number): Fields {
  const [first, last] = typeof range === 'number' ? [range, range] : range
  return new Fields().integer(1, first).integer(2, Math.min(last, MAX_TAG) + beyond)
}

/** `map_of_x` has MapOfXEntry. */
const entryName = (name: string): string => {
  const camel = jsonName(name)
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`
}
