// The bytes of an Avro datum as JSON, in Avro's JSON encoding: a value of a union says which branch it is, bytes are text
// of code points up to 255.

import { Reader } from '../../protocol/bytes.ts'
import { type Allowance, BadDatum, exact, floatToJson, Limits, type Path, shortFloat } from '../datum.ts'
import { type AvroType, branchName, isRecord } from './types.ts'
import { readLong } from './long.ts'

/** Throws BadDatum. */
export function decodeAvro(root: AvroType, bytes: Uint8Array, allowance?: Allowance): unknown {
  if (root.type === 'bytes') return byteText(bytes)
  const reader = new Reader(bytes)
  const limits = new Limits(allowance)

  const decode = (type: AvroType, path: Path, depth: number): unknown => {
    limits.take(path, depth)
    if (isRecord(type)) {
      return Object.fromEntries(
        type.fields.map(field => {
          limits.text(path, field.name.length)
          return [field.name, decode(field.type, { step: field.name, outer: path }, depth + 1)]
        }),
      )
    }
    switch (type.type) {
      case 'null':
        return null
      case 'boolean': {
        const byte = reader.uint8()
        if (byte > 1) throw new BadDatum(path, `boolean expected, found byte ${byte}`)
        return byte === 1
      }
      case 'int': {
        const value = Number(readLong(reader))
        if (value !== (value | 0)) throw new BadDatum(path, `int expected, found ${value}`)
        return value
      }
      case 'long':
        return exact(readLong(reader))
      case 'float':
        return floatToJson(shortFloat(view(reader.slice(4)).getFloat32(0, true)))
      case 'double':
        return floatToJson(view(reader.slice(8)).getFloat64(0, true))
      case 'bytes':
        return byteText(reader.slice(length(path)))
      case 'string':
        return reader.string(length(path))
      case 'fixed':
        return byteText(reader.slice(type.size))
      case 'enum': {
        const index = Number(readLong(reader))
        const symbol = type.symbols[index]
        if (symbol === undefined) throw new BadDatum(path, `${type.fullName} has no symbol number ${index}`)
        limits.text(path, symbol.length)
        return symbol
      }
      case 'array': {
        const items: unknown[] = []
        blocks(path, () => items.push(decode(type.items, { step: items.length, outer: path }, depth + 1)))
        return items
      }
      case 'map': {
        const entries: [string, unknown][] = []
        blocks(path, () => {
          const key = reader.string(length(path))
          entries.push([key, decode(type.values, { step: key, outer: path }, depth + 1)])
        })
        return Object.fromEntries(entries)
      }
      case 'union': {
        const index = Number(readLong(reader))
        const branch = type.branches[index]
        if (branch === undefined) throw new BadDatum(path, `the union has no branch number ${index}`)
        const value = decode(branch, path, depth + 1)
        if (branch.type === 'null') return null
        const name = branchName(branch)
        limits.text(path, name.length)
        return { [name]: value }
      }
    }
  }

  const length = (path: Path): number => {
    const length = Number(readLong(reader))
    if (length < 0 || length > reader.remaining) {
      throw new BadDatum(path, `${length} bytes expected, ${reader.remaining} there`)
    }
    return length
  }

  /** Items come in blocks; a negative count is followed by the block's size. */
  const blocks = (path: Path, item: () => void): void => {
    for (;;) {
      let count = Number(readLong(reader))
      if (count === 0) return
      if (count < 0) {
        count = -count
        length(path)
      }
      for (let i = 0; i < count; i++) item()
    }
  }

  try {
    const value = decode(root, undefined, 0)
    if (reader.remaining > 0) throw new BadDatum(undefined, `${reader.remaining} bytes are left over`)
    return value
  } catch (error) {
    if (error instanceof RangeError) throw new BadDatum(undefined, `the bytes end too early: ${error.message}`)
    throw error
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function byteText(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192))
  return text
}
