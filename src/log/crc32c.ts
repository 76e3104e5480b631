// CRC-32C (Castagnoli), the checksum of every record batch: sixteen bytes a step over sixteen tables ("slicing by 16").
// It reads the bytes as little-endian words, which is what every machine that runs V8 has.

const POLYNOMIAL = 0x82f63b78 // reflected

/** table[k * 256 + b] is byte b pushed through k further zero bytes. */
const table = new Int32Array(16 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  table[byte] = crc
}
for (let i = 256; i < table.length; i++) table[i] = (table[i - 256]! >>> 8) ^ table[table[i - 256]! & 255]!

/** The unsigned CRC-32C of bytes[start, end). `seed` is the checksum of what came before, so parts can be chained. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  const t = table
  let crc = ~seed
  let at = start
  while (at < end && (bytes.byteOffset + at) & 3) crc = (crc >>> 8) ^ t[(crc ^ bytes[at++]!) & 255]!
  const words = new Int32Array(bytes.buffer, at < end ? bytes.byteOffset + at : 0, (end - at) >> 2)
  let word = 0
  for (const stop = words.length - 3; word < stop; word += 4) {
    const a = crc ^ words[word]!
    const b = words[word + 1]!
    const c = words[word + 2]!
    const d = words[word + 3]!
    crc =
      t[3840 + (a & 255)]! ^
      t[3584 + ((a >>> 8) & 255)]! ^
      t[3328 + ((a >>> 16) & 255)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 255)]! ^
      t[2560 + ((b >>> 8) & 255)]! ^
      t[2304 + ((b >>> 16) & 255)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 255)]! ^
      t[512 + ((d >>> 8) & 255)]! ^
      t[256 + ((d >>> 16) & 255)]! ^
      t[d >>> 24]!
  }
  for (at += word * 4; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 255]!
  return ~crc >>> 0
}
