// Protobuf's wire format: tags, varints of 64 bits, and bytes with their length before them.

import { Reader, Writer } from '../../protocol/bytes.ts'

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
const START_GROUP = 3
const END_GROUP = 4
export const FIXED32 = 5

/** Groups inside groups, of fields that nobody asked for. */
const MAX_GROUPS = 100

export function readVarint(reader: Reader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.uint8()
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asUintN(64, value)
  }
  throw new RangeError(`a varint longer than 10 bytes at ${reader.at}`)
}

export function writeVarint(writer: Writer, value: bigint): void {
  if (value >= 0n && value <= 0xffff_ffffn) return writer.uvarint(Number(value))
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    writer.int8(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  writer.int8(Number(rest))
}

export const writeTag = (writer: Writer, tag: number, wireType: number): void =>
  writer.uvarint(((tag << 3) | wireType) >>> 0)

export function readTag(reader: Reader): readonly [tag: number, wireType: number] {
  const key = reader.uvarint()
  return [key >>> 3, key & 7]
}

export function readBytes(reader: Reader): Uint8Array {
  return reader.slice(Number(readVarint(reader)))
}

/** A field that the schema does not know. */
export function skip(reader: Reader, tag: number, wireType: number, depth = 0): void {
  switch (wireType) {
    case VARINT:
      readVarint(reader)
      return
    case FIXED64:
      return reader.skip(8)
    case BYTES:
      readBytes(reader)
      return
    case FIXED32:
      return reader.skip(4)
    case START_GROUP:
      if (depth > MAX_GROUPS) throw new RangeError(`groups nested deeper than ${MAX_GROUPS}`)
      for (;;) {
        const [inner, innerType] = readTag(reader)
        if (innerType === END_GROUP) {
          if (inner !== tag) throw new RangeError(`group ${tag} ends as ${inner}`)
          return
        }
        skip(reader, inner, innerType, depth + 1)
      }
    default:
      throw new RangeError(`unknown wire type ${wireType} at ${reader.at}`)
  }
}

const scratch = (): DataView => new DataView(new ArrayBuffer(8))
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export function writeFixed(writer: Writer, length: 4 | 8, write: (view: DataView) => void): void {
  const view = scratch()
  write(view)
  writer.bytes(new Uint8Array(view.buffer, 0, length))
}

/** Zigzag: small for small negative numbers too. */
export const zigzag = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
export const unzigzag = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n)

/** How a scalar goes over the wire. Enums are as int32. */
export const wireTypes: Record<string, number> = {
  double: FIXED64,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  float: FIXED32,
  fixed32: FIXED32,
  sfixed32: FIXED32,
  string: BYTES,
  bytes: BYTES,
}
