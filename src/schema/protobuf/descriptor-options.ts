// The options in a FileDescriptorProto: the standard ones by their numbers, custom ones by the extensions that the file and
// its imports define. What neither knows is left out.

import { Reader } from '../../protocol/bytes.ts'
import { type Field, mapOf, type OptionValue, type ProtoOption, SCALARS } from './file.ts'
import type { Types } from './types.ts'
import {
  BYTES,
  FIXED32,
  FIXED64,
  readBytes,
  readTag,
  readVarint,
  skip,
  unzigzag,
  VARINT,
  viewOf,
  wireTypes,
} from './wire.ts'

/** Messages inside the value of an option. */
const MAX_DEPTH = 50

type Standard = readonly [tag: number, name: string, type: 'string' | 'bool' | readonly string[]]

const DEPRECATED = 'deprecated'

/** Enums are the names of their constants by number. */
const standard = {
  FileOptions: [
    [1, 'java_package', 'string'],
    [8, 'java_outer_classname', 'string'],
    [10, 'java_multiple_files', 'bool'],
    [27, 'java_string_check_utf8', 'bool'],
    [9, 'optimize_for', ['', 'SPEED', 'CODE_SIZE', 'LITE_RUNTIME']],
    [11, 'go_package', 'string'],
    [16, 'cc_generic_services', 'bool'],
    [17, 'java_generic_services', 'bool'],
    [18, 'py_generic_services', 'bool'],
    [23, DEPRECATED, 'bool'],
    [31, 'cc_enable_arenas', 'bool'],
    [36, 'objc_class_prefix', 'string'],
    [37, 'csharp_namespace', 'string'],
    [39, 'swift_prefix', 'string'],
    [40, 'php_class_prefix', 'string'],
    [41, 'php_namespace', 'string'],
    [44, 'php_metadata_namespace', 'string'],
    [45, 'ruby_package', 'string'],
  ],
  MessageOptions: [
    [2, 'no_standard_descriptor_accessor', 'bool'],
    [3, DEPRECATED, 'bool'],
  ],
  FieldOptions: [
    [1, 'ctype', ['STRING', 'CORD', 'STRING_PIECE']],
    [2, 'packed', 'bool'],
    [6, 'jstype', ['JS_NORMAL', 'JS_STRING', 'JS_NUMBER']],
    [5, 'lazy', 'bool'],
    [3, DEPRECATED, 'bool'],
  ],
  OneofOptions: [],
  EnumOptions: [
    [2, 'allow_alias', 'bool'],
    [3, DEPRECATED, 'bool'],
  ],
  EnumValueOptions: [[1, DEPRECATED, 'bool']],
  ServiceOptions: [[33, DEPRECATED, 'bool']],
  MethodOptions: [
    [33, DEPRECATED, 'bool'],
    [34, 'idempotency_level', ['IDEMPOTENCY_UNKNOWN', 'NO_SIDE_EFFECTS', 'IDEMPOTENT']],
  ],
} satisfies Record<string, readonly Standard[]>

export type OptionsOf = keyof typeof standard

/** A field and where its type is looked up from. */
interface Known {
  readonly field: Field
  readonly scope: string
}

/** `encoded` are the bytes of the options message, in as many parts as it came. Throws RangeError. */
export function optionsOf(kind: OptionsOf, encoded: readonly Uint8Array[], types: Types | undefined): ProtoOption[] {
  const ours = new Map((standard[kind] as readonly Standard[]).map(([tag, name, type]) => [tag, [name, type] as const]))
  const options: ProtoOption[] = []
  for (const bytes of encoded) {
    const reader = new Reader(bytes)
    while (reader.remaining > 0) {
      const [tag, wireType] = readTag(reader)
      const mine = ours.get(tag)
      const extension = types?.extensionOf(`google.protobuf.${kind}`, tag)
      if (mine !== undefined) {
        options.push({ name: mine[0], custom: false, value: standardValue(reader, mine[1], tag, wireType) })
      } else if (extension === undefined) skip(reader, tag, wireType)
      else {
        for (const value of valuesOf(extension, reader, tag, wireType, types!, 0)) {
          options.push({ name: extension.fullName, custom: true, value })
        }
      }
    }
  }
  return options
}

function standardValue(reader: Reader, type: Standard[2], tag: number, wireType: number): OptionValue {
  if (wireType === BYTES) return { kind: 'string', text: text(readBytes(reader)) }
  if (wireType !== VARINT) skip(reader, tag, wireType)
  const number = wireType === VARINT ? Number(readVarint(reader)) : 0
  if (typeof type === 'string') return { kind: 'word', text: String(number === 1) }
  return { kind: 'word', text: type[number] ?? String(number) }
}

const text = (bytes: Uint8Array): string => new Reader(bytes).string(bytes.length)

/** More than one if numbers come packed. */
function valuesOf(
  { field, scope }: Known,
  reader: Reader,
  tag: number,
  wireType: number,
  types: Types,
  depth: number,
): OptionValue[] {
  if (depth > MAX_DEPTH) throw new RangeError(`options nested deeper than ${MAX_DEPTH}`)
  const map = mapOf(field.type)
  if (map !== undefined) {
    const entry = (name: string, type: string, tag: number): readonly [number, Known] => [
      tag,
      { field: { label: undefined, type, name, tag, options: [] }, scope },
    ]
    const fields = new Map([entry('key', map[0], 1), entry('value', map[1], 2)])
    return [messageValue(readBytes(reader), key => fields.get(key), types, depth)]
  }
  const type = SCALARS.has(field.type) ? undefined : types.resolve(field.type, scope)
  if (type?.kind === 'message') {
    const inner = (key: number): Known | undefined => {
      const known = type.byTag.get(key)
      return known === undefined ? undefined : { field: known, scope: type.fullName }
    }
    return [messageValue(readBytes(reader), inner, types, depth)]
  }
  const expected = type === undefined ? (wireTypes[field.type] ?? VARINT) : VARINT
  const one = (from: Reader): OptionValue => {
    if (type?.kind !== 'enum') return scalarValue(field.type, from)
    const number = Number(BigInt.asIntN(32, readVarint(from)))
    return { kind: 'word', text: type.enum.constants.find(({ tag }) => tag === number)?.name ?? String(number) }
  }
  if (wireType === expected) return [one(reader)]
  if (wireType !== BYTES) {
    skip(reader, tag, wireType)
    return []
  }
  const packed = new Reader(readBytes(reader))
  const values: OptionValue[] = []
  while (packed.remaining > 0) values.push(one(packed))
  return values
}

function messageValue(
  bytes: Uint8Array,
  known: (tag: number) => Known | undefined,
  types: Types,
  depth: number,
): OptionValue {
  const entries = new Map<string, { readonly isMany: boolean; readonly values: OptionValue[] }>()
  const reader = new Reader(bytes)
  while (reader.remaining > 0) {
    const [tag, wireType] = readTag(reader)
    const inner = known(tag)
    if (inner === undefined) {
      skip(reader, tag, wireType)
      continue
    }
    const { name, label, type } = inner.field
    for (const value of valuesOf(inner, reader, tag, wireType, types, depth + 1)) {
      const isMany = label === 'repeated' || mapOf(type) !== undefined
      const before = entries.get(name)
      if (!isMany || before === undefined) entries.set(name, { isMany, values: [value] })
      else before.values.push(value)
    }
  }
  return {
    kind: 'map',
    entries: [...entries].map(([name, { isMany, values }]) => [
      name,
      isMany ? { kind: 'list', items: values } : values[0]!,
    ]),
  }
}

function scalarValue(type: string, reader: Reader): OptionValue {
  const number = (value: number | bigint): OptionValue => {
    const special = { Infinity: 'inf', '-Infinity': '-inf', NaN: 'nan' }[String(value)]
    return special === undefined ? { kind: 'number', text: String(value) } : { kind: 'word', text: special }
  }
  if (type === 'string') return { kind: 'string', text: text(readBytes(reader)) }
  if (type === 'bytes') return { kind: 'string', text: String.fromCharCode(...readBytes(reader)) }
  switch (wireTypes[type] ?? VARINT) {
    case FIXED32: {
      const view = viewOf(reader.slice(4))
      if (type === 'float') return number(view.getFloat32(0, true))
      return number(type === 'fixed32' ? view.getUint32(0, true) : view.getInt32(0, true))
    }
    case FIXED64: {
      const view = viewOf(reader.slice(8))
      if (type === 'double') return number(view.getFloat64(0, true))
      return number(type === 'fixed64' ? view.getBigUint64(0, true) : view.getBigInt64(0, true))
    }
    default: {
      const value = readVarint(reader)
      if (type === 'bool') return { kind: 'word', text: String(value !== 0n) }
      if (type.startsWith('sint')) return number(unzigzag(value))
      if (type.startsWith('uint')) return number(value)
      return number(type === 'int32' ? BigInt.asIntN(32, value) : BigInt.asIntN(64, value))
    }
  }
}
