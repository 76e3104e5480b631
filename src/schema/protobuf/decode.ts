// The bytes of a message as JSON, by proto3's mapping in the manner of Confluent's tools: fields have their names of the
// file, and those that are not there their defaults, except in oneofs and for messages. Unknown fields are left out.

import { Buffer } from 'node:buffer'
import { Reader } from '../../protocol/bytes.ts'
import { type Allowance, BadDatum, floatToJson, Limits, type Path, shortFloat } from '../datum.ts'
import { allFields, type Field, mapOf, optionText, SCALARS } from './file.ts'
import { type MessageType, type NamedType, type Types } from './types.ts'
import { wellKnown } from './well-known.ts'
import { BYTES, readBytes, readTag, readVarint, skip, unzigzag, VARINT, viewOf, wireTypes } from './wire.ts'

/** Throws BadDatum. */
export function decodeProto(types: Types, type: MessageType, bytes: Uint8Array, allowance?: Allowance): unknown {
  try {
    return new Decoder(types, allowance).message(type, [bytes], undefined, 0)
  } catch (error) {
    if (error instanceof RangeError) throw new BadDatum(undefined, `not a ${type.fullName}: ${error.message}`)
    throw error
  }
}

type Kind = string | NamedType

class Decoder {
  readonly #types: Types
  readonly #limits: Limits
  readonly #names = new Map<NamedType, ReadonlyMap<number, string>>()
  readonly #defaults = new Map<Field, unknown>()

  constructor(types: Types, allowance: Allowance | undefined) {
    this.#types = types
    this.#limits = new Limits(allowance)
  }

  /** A message that is there in parts is all of them together. */
  message(type: MessageType, parts: readonly Uint8Array[], path: Path, depth: number): unknown {
    this.#limits.take(path, depth)
    const found = new Map<Field, unknown[]>()
    for (const part of parts) this.#read(type, new Reader(part), found, path, depth)

    if (type.fullName === 'google.protobuf.Any') return this.#any(type, found, path, depth)
    const form = wellKnown(type.fullName)
    const entries: [string, unknown][] = []
    for (const field of allFields(type.message)) {
      const values = found.get(field)
      const at = { step: field.name, outer: path }
      this.#limits.take(at, depth)
      this.#limits.text(at, field.name.length)
      if (values !== undefined) entries.push([field.name, this.#join(type, field, values, at, depth)])
      else {
        const value = this.#default(type, field)
        if (value === undefined) continue
        this.#limits.text(at, typeof value === 'string' ? value.length : 1)
        entries.push([field.name, value])
      }
    }
    const fields = Object.fromEntries(entries)
    return form === undefined ? fields : form.to(fields)
  }

  #kind(type: MessageType, name: string): Kind {
    return SCALARS.has(name) ? name : this.#types.resolve(name, type.fullName)!
  }

  #read(type: MessageType, reader: Reader, found: Map<Field, unknown[]>, path: Path, depth: number): void {
    while (reader.remaining > 0) {
      const [tag, wireType] = readTag(reader)
      if (tag === 0) throw new RangeError('a field has number 0')
      const field = type.byTag.get(tag)
      const expected = field === undefined ? undefined : this.#wireType(type, field)
      // Repeated numbers may come packed or not, whatever the schema says.
      const packed = field?.label === 'repeated' && wireType === BYTES && expected !== BYTES
      if (field === undefined || (wireType !== expected && !packed)) {
        skip(reader, tag, wireType)
        continue
      }
      this.#limits.take(path, depth)
      const values = this.#valuesFor(type, field, found)
      const at = { step: field.name, outer: path }
      if (packed) {
        const inner = new Reader(readBytes(reader))
        while (inner.remaining > 0) {
          this.#limits.take(at, depth)
          values.push(this.#scalar(this.#kind(type, field.type), inner))
        }
      } else values.push(expected === BYTES ? readBytes(reader) : this.#scalar(this.#kind(type, field.type), reader))
    }
  }

  /** Of a oneof the last that came is there. */
  #valuesFor(type: MessageType, field: Field, found: Map<Field, unknown[]>): unknown[] {
    let values = found.get(field)
    if (values !== undefined) return values
    const oneOf = type.oneOfs.get(field)
    if (oneOf !== undefined) for (const other of found.keys()) if (type.oneOfs.get(other) === oneOf) found.delete(other)
    found.set(field, (values = []))
    return values
  }

  #wireType(type: MessageType, field: Field): number {
    if (mapOf(field.type) !== undefined) return BYTES
    const kind = this.#kind(type, field.type)
    return typeof kind === 'string' ? (wireTypes[kind] ?? VARINT) : kind.kind === 'message' ? BYTES : VARINT
  }

  #join(type: MessageType, field: Field, values: readonly unknown[], path: Path, depth: number): unknown {
    const map = mapOf(field.type)
    if (map !== undefined) return this.#map(type, map, values as Uint8Array[], path, depth)
    const kind = this.#kind(type, field.type)
    if (field.label === 'repeated') {
      return values.map((value, index) => this.#value(kind, [value], { step: index, outer: path }, depth))
    }
    return this.#value(kind, values, path, depth)
  }

  #value(kind: Kind, values: readonly unknown[], path: Path, depth: number): unknown {
    if (typeof kind !== 'string' && kind.kind === 'message') {
      return this.message(kind, values as Uint8Array[], path, depth + 1)
    }
    const value = values.at(-1)
    if (kind === 'string') {
      const bytes = value as Uint8Array
      return new Reader(bytes).string(bytes.length)
    }
    return kind === 'bytes' ? Buffer.from(value as Uint8Array).toString('base64') : value
  }

  #map(
    type: MessageType,
    [keyType, valueType]: readonly [string, string],
    entries: readonly Uint8Array[],
    path: Path,
    depth: number,
  ): unknown {
    const kind = this.#kind(type, valueType)
    return Object.fromEntries(
      entries.map(entry => {
        let key: unknown = keyType === 'string' ? '' : keyType === 'bool' ? false : 0
        const values: unknown[] = []
        const reader = new Reader(entry)
        while (reader.remaining > 0) {
          const [tag, wireType] = readTag(reader)
          const of: Kind = tag === 1 ? keyType : kind
          if ((tag !== 1 && tag !== 2) || wireType !== wireTypeOf(of)) {
            skip(reader, tag, wireType)
            continue
          }
          const value = wireType === BYTES ? readBytes(reader) : this.#scalar(of, reader)
          if (tag === 1) key = this.#value(of, [value], path, depth)
          else values.push(value)
        }
        const at = { step: String(key), outer: path }
        if (values.length > 0) return [String(key), this.#value(kind, values, at, depth)]
        if (typeof kind !== 'string' && kind.kind === 'message')
          return [String(key), this.message(kind, [], at, depth + 1)]
        return [String(key), zero(kind)]
      }),
    )
  }

  #scalar(kind: Kind, reader: Reader): unknown {
    if (typeof kind !== 'string') {
      const number = Number(BigInt.asIntN(32, readVarint(reader)))
      if (kind.fullName === 'google.protobuf.NullValue') return null
      const name = this.#nameOf(kind, number)
      if (name === undefined) return number
      this.#limits.text(undefined, name.length)
      return name
    }
    switch (kind) {
      case 'bool':
        return readVarint(reader) !== 0n
      case 'int32':
        return Number(BigInt.asIntN(32, readVarint(reader)))
      case 'uint32':
        return Number(BigInt.asUintN(32, readVarint(reader)))
      case 'sint32':
        return Number(unzigzag(BigInt.asUintN(32, readVarint(reader))))
      // 64 bits are text in JSON.
      case 'int64':
        return String(BigInt.asIntN(64, readVarint(reader)))
      case 'uint64':
        return String(readVarint(reader))
      case 'sint64':
        return String(unzigzag(readVarint(reader)))
      case 'fixed32':
        return viewOf(reader.slice(4)).getUint32(0, true)
      case 'sfixed32':
        return viewOf(reader.slice(4)).getInt32(0, true)
      case 'fixed64':
        return String(viewOf(reader.slice(8)).getBigUint64(0, true))
      case 'sfixed64':
        return String(viewOf(reader.slice(8)).getBigInt64(0, true))
      case 'float':
        return floatToJson(shortFloat(viewOf(reader.slice(4)).getFloat32(0, true)))
      default:
        return floatToJson(viewOf(reader.slice(8)).getFloat64(0, true))
    }
  }

  /** Of an enum's number; of several, the first. */
  #nameOf(kind: NamedType, number: number): string | undefined {
    if (kind.kind !== 'enum') return undefined
    let names = this.#names.get(kind)
    if (names === undefined) {
      names = new Map(kind.enum.constants.toReversed().map(({ tag, name }) => [tag, name]))
      this.#names.set(kind, names)
    }
    return names.get(number)
  }

  /** Undefined: not in the JSON. */
  #default(type: MessageType, field: Field): unknown {
    if (!this.#defaults.has(field)) this.#defaults.set(field, this.#defaultOf(type, field))
    return this.#defaults.get(field)
  }

  #defaultOf(type: MessageType, field: Field): unknown {
    if (mapOf(field.type) !== undefined) return {}
    if (field.label === 'repeated') return []
    if (type.oneOfs.has(field) || (type.file.syntax === 'proto3' && field.label === 'optional')) return undefined
    const kind = this.#kind(type, field.type)
    if (typeof kind !== 'string' && kind.kind === 'message') return undefined
    const given = optionText(field.options, 'default')
    return given === undefined ? zero(kind) : defaultOf(kind, given)
  }

  #any(type: MessageType, found: ReadonlyMap<Field, unknown[]>, path: Path, depth: number): unknown {
    const bytes = (tag: number): Uint8Array =>
      (found.get(type.byTag.get(tag)!)?.at(-1) as Uint8Array | undefined) ?? new Uint8Array()
    const name = bytes(1)
    const url = new Reader(name).string(name.length)
    if (url === '') return {}
    const held = this.#types.get(url.slice(url.lastIndexOf('/') + 1))
    if (held?.kind !== 'message') throw new BadDatum(path, `@type names no message that is known: ${url.slice(0, 200)}`)
    const value = this.message(held, [bytes(2)], path, depth + 1)
    const isObject = wellKnown(held.fullName) === undefined && held.fullName !== type.fullName
    return isObject ? { '@type': url, ...(value as object) } : { '@type': url, value }
  }
}

function wireTypeOf(kind: Kind): number {
  if (typeof kind === 'string') return wireTypes[kind] ?? VARINT
  return kind.kind === 'message' ? BYTES : VARINT
}

function zero(kind: Kind): unknown {
  if (typeof kind !== 'string' && kind.fullName === 'google.protobuf.NullValue') return null
  if (typeof kind !== 'string') return kind.kind === 'enum' ? kind.enum.constants[0]!.name : undefined
  if (kind === 'bool') return false
  if (kind === 'string' || kind === 'bytes') return ''
  return kind.endsWith('64') ? '0' : 0
}

/** The `default` of a field in proto2. */
function defaultOf(kind: Kind, given: string): unknown {
  if (typeof kind !== 'string') return given
  if (kind === 'bool') return given === 'true'
  if (kind === 'bytes') return Buffer.from(given, 'latin1').toString('base64')
  if (kind === 'string' || kind.endsWith('64')) return given
  if (given === 'inf' || given === '-inf') return given.replace('inf', 'Infinity')
  return given === 'nan' ? 'NaN' : Number(given)
}
