// Avro's int and long: zigzag, seven bits a byte, all 64 bits of them.

import type { Reader, Writer } from '../../protocol/bytes.ts'

export function writeLong(writer: Writer, value: bigint): void {
  if (value >= -0x4000_0000n && value < 0x4000_0000n) return writer.varint(Number(value))
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  while (rest > 0x7fn) {
    writer.int8(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  writer.int8(Number(rest))
}

/** Throws RangeError at the end of the bytes and beyond 64 bits. */
export function readLong(reader: Reader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.uint8()
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
  }
  throw new RangeError(`a number longer than 10 bytes at ${reader.at}`)
}
