// A JSON value as the bytes of an Avro datum. Takes Avro's JSON encoding, where a value of a union says which branch it is,
// and plain JSON, where the first branch that it fits is taken and fields with a default may be left out.

import { Writer, utf8Length } from '../../protocol/bytes.ts'
import {
  BadDatum,
  describe,
  floatOf,
  get,
  integerOf,
  isInt32,
  isInt64,
  isRecord as isJsonRecord,
  type JsonRecord,
  Limits,
  type Path,
} from '../datum.ts'
import { isArray, isObject, type Json, JsonNumber } from '../json-text.ts'
import { type AvroType, branchName, isRecord, type RecordType, type UnionType } from './types.ts'
import { writeLong } from './long.ts'

/** Throws BadDatum. */
export function encodeAvro(root: AvroType, value: unknown): Uint8Array {
  // Confluent's serializers put bytes that are the whole value as they are, without a length.
  if (root.type === 'bytes') return bytesOf(value, undefined)
  const writer = new Writer()
  const limits = new Limits()

  const encode = (type: AvroType, value: unknown, path: Path, depth: number): void => {
    limits.take(path, depth)
    const refuse = (expected: string): never => {
      throw new BadDatum(path, `${expected} expected, found ${describe(value)}`)
    }
    if (isRecord(type))
      return encodeRecord(type, isJsonRecord(value) ? value : refuse(`record ${type.fullName}`), path, depth)
    switch (type.type) {
      case 'null':
        if (value !== null) refuse('null')
        return
      case 'boolean':
        return writer.int8(typeof value === 'boolean' ? Number(value) : refuse('boolean'))
      case 'int':
      case 'long': {
        const integer = integerOf(value)
        if (integer === undefined || (typeof value === 'string' && type.type === 'int')) return refuse(type.type)
        if (!(type.type === 'int' ? isInt32(integer) : isInt64(integer))) refuse(`${type.type} within its range`)
        return writeLong(writer, integer)
      }
      case 'float':
      case 'double':
        return encodeFloat(type.type, floatOf(value) ?? refuse(type.type))
      case 'bytes': {
        const bytes = bytesOf(value, path)
        writeLong(writer, BigInt(bytes.length))
        return writer.bytes(bytes)
      }
      case 'string':
        return encodeString(typeof value === 'string' ? value : refuse('string'))
      case 'fixed': {
        const bytes = bytesOf(value, path)
        if (bytes.length !== type.size) refuse(`${type.size} bytes of ${type.fullName}`)
        return writer.bytes(bytes)
      }
      case 'enum': {
        const position = typeof value === 'string' ? type.positions.get(value) : undefined
        return writeLong(writer, BigInt(position ?? refuse(`symbol of ${type.fullName}`)))
      }
      case 'array': {
        const items = Array.isArray(value) ? (value as unknown[]) : refuse('array')
        if (items.length > 0) writeLong(writer, BigInt(items.length))
        items.forEach((item, index) => encode(type.items, item, { step: index, outer: path }, depth + 1))
        return writeLong(writer, 0n)
      }
      case 'map': {
        const entries = Object.entries(isJsonRecord(value) ? value : refuse('map'))
        if (entries.length > 0) writeLong(writer, BigInt(entries.length))
        for (const [key, item] of entries) {
          encodeString(key)
          encode(type.values, item, { step: key, outer: path }, depth + 1)
        }
        return writeLong(writer, 0n)
      }
      case 'union':
        return encodeUnion(type, value, path, depth)
    }
  }

  const encodeRecord = (type: RecordType, value: JsonRecord, path: Path, depth: number): void => {
    for (const key of Object.keys(value)) {
      if (!type.positions.has(key)) throw new BadDatum(path, `${type.fullName} has no field '${key}'`)
    }
    for (const field of type.fields) {
      const at: Path = { step: field.name, outer: path }
      const given = get(value, field.name)
      if (given !== undefined) encode(field.type, given, at, depth + 1)
      else if (field.default === undefined) throw new BadDatum(at, 'is missing and has no default')
      else encode(field.type, plain(field.default), at, depth + 1)
    }
  }

  const encodeUnion = (type: UnionType, value: unknown, path: Path, depth: number): void => {
    const wrapped = wrappedBranch(type, value)
    const index = wrapped?.index ?? type.branches.findIndex(branch => fits(branch, value))
    const branch = type.branches[index]
    if (branch === undefined) {
      const names = type.branches.map(branchName).join(', ')
      throw new BadDatum(path, `one of ${names} expected, found ${describe(value)}`)
    }
    writeLong(writer, BigInt(index))
    encode(branch, wrapped === undefined ? value : wrapped.value, path, depth + 1)
  }

  const encodeString = (text: string): void => {
    writeLong(writer, BigInt(utf8Length(text)))
    writer.string(text)
  }

  const encodeFloat = (type: 'float' | 'double', value: number): void => {
    const view = new DataView(new ArrayBuffer(type === 'float' ? 4 : 8))
    if (type === 'float') view.setFloat32(0, value, true)
    else view.setFloat64(0, value, true)
    writer.bytes(new Uint8Array(view.buffer))
  }

  encode(root, value, undefined, 0)
  return writer.done().slice()
}

/** Avro's JSON encoding: {"name of the branch": value}. */
function wrappedBranch(
  type: UnionType,
  value: unknown,
): { readonly index: number; readonly value: unknown } | undefined {
  if (!isJsonRecord(value)) return undefined
  const keys = Object.keys(value)
  if (keys.length !== 1) return undefined
  const index = type.branches.findIndex(branch => branch.type !== 'null' && branchName(branch) === keys[0])
  return index < 0 ? undefined : { index, value: value[keys[0]!] }
}

/** By what can be seen without looking inside, except for the names of fields. */
function fits(type: AvroType, value: unknown): boolean {
  if (isRecord(type)) {
    return (
      isJsonRecord(value) &&
      Object.keys(value).every(key => type.positions.has(key)) &&
      type.fields.every(field => field.default !== undefined || Object.hasOwn(value, field.name))
    )
  }
  switch (type.type) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'int':
    case 'long': {
      const integer = typeof value === 'string' ? undefined : integerOf(value)
      return integer !== undefined && (type.type === 'int' ? isInt32(integer) : isInt64(integer))
    }
    case 'float':
    case 'double':
      return typeof value !== 'string' && floatOf(value) !== undefined
    case 'string':
      return typeof value === 'string'
    case 'bytes':
      return isByteText(value) || value instanceof Uint8Array
    case 'fixed':
      return (isByteText(value) || value instanceof Uint8Array) && value.length === type.size
    case 'enum':
      return typeof value === 'string' && type.positions.has(value)
    case 'array':
      return Array.isArray(value)
    case 'map':
      return isJsonRecord(value)
    case 'union':
      return false
  }
}

/** Avro's JSON writes bytes as text of code points up to 255. */
const isByteText = (value: unknown): value is string => typeof value === 'string' && !/[\u0100-\uffff]/.test(value)

function bytesOf(value: unknown, path: Path): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (isByteText(value)) return Uint8Array.from(value, character => character.charCodeAt(0))
  throw new BadDatum(path, `bytes expected, as text of code points up to 255, found ${describe(value)}`)
}

/** A default as a value. Of a union it may be plain whatever its branch. */
function plain(json: Json): unknown {
  if (json instanceof JsonNumber) return json.isInteger ? BigInt(json.text) : json.value
  if (isArray(json)) return json.map(plain)
  if (isObject(json)) return Object.fromEntries([...json].map(([key, item]) => [key, plain(item)]))
  return json
}
