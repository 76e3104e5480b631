// JSON, by proto3's mapping, as the bytes of a message. Fields may be called as in the file or as in JSON.

import { Buffer } from 'node:buffer'
import { utf8Length, Writer } from '../../protocol/bytes.ts'
import {
  BadDatum,
  describe,
  floatOf,
  get,
  integerOf,
  isInt32,
  isInt64,
  isRecord,
  isUint32,
  isUint64,
  Limits,
  type Path,
} from '../datum.ts'
import { type Field, mapOf, type OneOf, optionText, SCALARS } from './file.ts'
import { type EnumType, type MessageType, type NamedType, type Types } from './types.ts'
import { takesNull, wellKnown } from './well-known.ts'
import { BYTES, VARINT, wireTypes, writeFixed, writeTag, writeVarint, zigzag } from './wire.ts'

/** Throws BadDatum. */
export function encodeProto(types: Types, type: MessageType, value: unknown): Uint8Array {
  return new Encoder(types).message(type, value, undefined, 0).slice()
}

/** A field's type once its name is resolved. */
type Kind = string | NamedType

class Encoder {
  readonly #types: Types
  readonly #limits = new Limits()

  constructor(types: Types) {
    this.#types = types
  }

  message(type: MessageType, given: unknown, path: Path, depth: number): Uint8Array {
    this.#limits.take(path, depth)
    if (type.fullName === 'google.protobuf.Any') return this.#any(type, given, path, depth)
    const value = wellKnown(type.fullName)?.from(given, path) ?? given
    if (!isRecord(value)) throw new BadDatum(path, `${type.fullName} expected, found ${describe(value)}`)
    const writer = new Writer()
    const present = new Map<Field, unknown>()
    for (const [name, item] of Object.entries(value)) {
      const field = type.byName.get(name)
      if (field === undefined) throw new BadDatum(path, `${type.fullName} has no field '${name.slice(0, 100)}'`)
      if (item === undefined || (item === null && !this.#takesNull(type, field))) continue
      if (present.has(field)) throw new BadDatum({ step: name, outer: path }, 'is there twice')
      present.set(field, item)
    }
    const chosen = new Set<OneOf>()
    for (const field of present.keys()) {
      const oneOf = type.oneOfs.get(field)
      if (oneOf !== undefined && chosen.has(oneOf)) throw new BadDatum(path, `only one of ${oneOf.name} can be there`)
      if (oneOf !== undefined) chosen.add(oneOf)
    }
    for (const field of type.byTag.values()) {
      if (field.label === 'required' && !present.has(field)) {
        throw new BadDatum({ step: field.name, outer: path }, 'is missing and required')
      }
    }
    for (const [field, item] of [...present].sort(([a], [b]) => a.tag - b.tag)) {
      this.#field(writer, type, field, item, { step: field.name, outer: path }, depth + 1)
    }
    return writer.done()
  }

  #kind(type: MessageType, name: string): Kind {
    return SCALARS.has(name) ? name : this.#types.resolve(name, type.fullName)!
  }

  #takesNull(type: MessageType, field: Field): boolean {
    if (field.label === 'repeated') return false
    const kind = mapOf(field.type) === undefined ? this.#kind(type, field.type) : ''
    return typeof kind !== 'string' && (takesNull(kind.fullName) || kind.fullName === 'google.protobuf.NullValue')
  }

  #field(writer: Writer, type: MessageType, field: Field, value: unknown, path: Path, depth: number): void {
    const map = mapOf(field.type)
    if (map !== undefined) return this.#map(writer, type, field, map, value, path, depth)
    const kind = this.#kind(type, field.type)
    if (field.label !== 'repeated') {
      // What is not there and what has its default are the same in proto3, unless it says optional or is one of several.
      const implicit = type.file.syntax === 'proto3' && field.label === undefined && !type.oneOfs.has(field)
      return this.#tagged(writer, field.tag, kind, value, path, depth, implicit)
    }
    if (!Array.isArray(value)) throw new BadDatum(path, `array expected, found ${describe(value)}`)
    const packable = typeof kind === 'string' ? kind !== 'string' && kind !== 'bytes' : kind.kind === 'enum'
    const packed = optionText(field.options, 'packed') ?? String(type.file.syntax === 'proto3')
    if (!packable || packed === 'false') {
      value.forEach((item, index) =>
        this.#tagged(writer, field.tag, kind, item, { step: index, outer: path }, depth, false),
      )
      return
    }
    if (value.length === 0) return
    const inner = new Writer()
    value.forEach((item, index) => this.#value(inner, kind, item, { step: index, outer: path }, depth))
    writeTag(writer, field.tag, BYTES)
    writeBytes(writer, inner.done())
  }

  #map(
    writer: Writer,
    type: MessageType,
    field: Field,
    [keyType, valueType]: readonly [string, string],
    value: unknown,
    path: Path,
    depth: number,
  ): void {
    if (!isRecord(value)) throw new BadDatum(path, `map expected, found ${describe(value)}`)
    const kind = this.#kind(type, valueType)
    for (const [key, item] of Object.entries(value)) {
      const at = { step: key, outer: path }
      const entry = new Writer()
      const keyValue = keyType === 'bool' ? (key === 'true' ? true : key === 'false' ? false : key) : key
      this.#tagged(entry, 1, keyType, keyValue, at, depth, false)
      this.#tagged(entry, 2, kind, item, at, depth, false)
      writeTag(writer, field.tag, BYTES)
      writeBytes(writer, entry.done())
    }
  }

  #tagged(writer: Writer, tag: number, kind: Kind, value: unknown, path: Path, depth: number, implicit: boolean): void {
    const wireType = typeof kind === 'string' ? (wireTypes[kind] ?? VARINT) : kind.kind === 'message' ? BYTES : VARINT
    const start = writer.at
    writeTag(writer, tag, wireType)
    const before = writer.at
    this.#value(writer, kind, value, path, depth)
    const isMessage = typeof kind !== 'string' && kind.kind === 'message'
    // All of its bytes are 0: the default.
    if (
      implicit &&
      !isMessage &&
      writer
        .done()
        .subarray(before)
        .every(byte => byte === 0)
    )
      writer.at = start
  }

  #value(writer: Writer, kind: Kind, value: unknown, path: Path, depth: number): void {
    if (typeof kind !== 'string') {
      if (kind.kind === 'message') return writeBytes(writer, this.message(kind, value, path, depth))
      return writeVarint(writer, BigInt(enumOf(kind, value, path)))
    }
    this.#limits.take(path, depth)
    const refuse = (): never => {
      throw new BadDatum(path, `${kind} expected, found ${describe(value)}`)
    }
    switch (kind) {
      case 'bool':
        return writer.int8(typeof value === 'boolean' ? Number(value) : refuse())
      case 'string': {
        const text = typeof value === 'string' ? value : refuse()
        writer.uvarint(utf8Length(text))
        return writer.string(text)
      }
      case 'bytes':
        return writeBytes(writer, bytesOf(value) ?? refuse())
      case 'float':
      case 'double': {
        const number = floatOf(
          typeof value === 'string' && /^-?[\d.]+(e[+-]?\d+)?$/i.test(value) ? Number(value) : value,
        )
        if (number === undefined) return refuse()
        return writeFixed(writer, kind === 'float' ? 4 : 8, view =>
          kind === 'float' ? view.setFloat32(0, number, true) : view.setFloat64(0, number, true),
        )
      }
      default: {
        const integer = integerOf(value)
        if (integer === undefined || !isWithin(kind, integer)) return refuse()
        if (kind.startsWith('sint')) return writeVarint(writer, zigzag(integer))
        if (kind.endsWith('fixed32'))
          return writeFixed(writer, 4, view => view.setInt32(0, Number(BigInt.asIntN(32, integer)), true))
        if (kind.endsWith('fixed64')) return writeFixed(writer, 8, view => view.setBigInt64(0, integer, true))
        return writeVarint(writer, integer)
      }
    }
  }

  /** The message it holds is named by its last word, and stands beside the name or, if it is no object, under "value". */
  #any(type: MessageType, given: unknown, path: Path, depth: number): Uint8Array {
    if (!isRecord(given)) throw new BadDatum(path, `${type.fullName} expected, found ${describe(given)}`)
    const url = get(given, '@type')
    const writer = new Writer()
    if (url === undefined && Object.keys(given).length === 0) return writer.done()
    const held = typeof url === 'string' ? this.#types.get(url.slice(url.lastIndexOf('/') + 1)) : undefined
    if (held?.kind !== 'message') throw new BadDatum(path, `@type names no message that is known: ${describe(url)}`)
    const { '@type': _, ...fields } = given
    const isObject = wellKnown(held.fullName) === undefined && held.fullName !== type.fullName
    const value = isObject ? fields : get(given, 'value')
    writeTag(writer, 1, BYTES)
    writer.uvarint(utf8Length(url as string))
    writer.string(url as string)
    const bytes = this.message(held, value, path, depth + 1)
    if (bytes.length === 0) return writer.done()
    writeTag(writer, 2, BYTES)
    writeBytes(writer, bytes)
    return writer.done()
  }
}

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writer.uvarint(bytes.length)
  writer.bytes(bytes)
}

function isWithin(type: string, value: bigint): boolean {
  if (type === 'uint32' || type === 'fixed32') return isUint32(value)
  if (type === 'uint64' || type === 'fixed64') return isUint64(value)
  return type.endsWith('32') ? isInt32(value) : isInt64(value)
}

function enumOf(type: EnumType, value: unknown, path: Path): number {
  if (value === null && type.fullName === 'google.protobuf.NullValue') return 0
  const constant = type.enum.constants.find(({ name }) => name === value)
  const integer = typeof value === 'string' ? undefined : integerOf(value)
  if (constant !== undefined) return constant.tag
  if (integer !== undefined && isInt32(integer)) return Number(integer)
  throw new BadDatum(path, `a constant of ${type.fullName} expected, found ${describe(value)}`)
}

/** In base64, of either alphabet. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  return typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value) ? Buffer.from(value, 'base64') : undefined
}
