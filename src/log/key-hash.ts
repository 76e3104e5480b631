// MD5 of a key, so that a map of a million keys holds no key. Whoever may choose keys must not be able to choose one that
// counts as somebody else's: that takes a second preimage, which nobody has for MD5, while fast hashes give it away. Kafka's
// cleaner relies on the same. Written out because a call into the platform costs more than the hash of a short key.

/** 32-bit words of a hash. */
export const HASH_WORDS = 4

const BLOCK_BYTES = 64
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))))
const block = new Int32Array(16)
const tail = new Uint8Array(2 * BLOCK_BYTES)

/** Puts the hash of the bytes from `from` up to `to` into `hash`, in MD5's own order of words. */
export function hashKey(bytes: Uint8Array, from: number, to: number, hash: Int32Array): void {
  hash[0] = 0x67452301
  hash[1] = 0xefcdab89
  hash[2] = 0x98badcfe
  hash[3] = 0x10325476
  let at = from
  for (; to - at >= BLOCK_BYTES; at += BLOCK_BYTES) mix(bytes, at, hash)
  const left = to - at
  const end = left + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES
  for (let i = 0; i < left; i++) tail[i] = bytes[at + i]!
  tail[left] = 0x80
  tail.fill(0, left + 1, end)
  // A key is shorter than 2^28 bytes.
  const bits = (to - from) * 8
  for (let i = 0; i < 4; i++) tail[end - 8 + i] = bits >>> (8 * i)
  for (let i = 0; i < end; i += BLOCK_BYTES) mix(tail, i, hash)
}

function mix(bytes: Uint8Array, from: number, hash: Int32Array): void {
  for (let i = 0, at = from; i < 16; i++, at += 4)
    block[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  let a = hash[0]!
  let b = hash[1]!
  let c = hash[2]!
  let d = hash[3]!
  for (let i = 0; i < 16; i += 4) {
    a = (b + turned(a + (d ^ (b & (c ^ d))) + block[i]! + SINES[i]!, 7)) | 0
    d = (a + turned(d + (c ^ (a & (b ^ c))) + block[i + 1]! + SINES[i + 1]!, 12)) | 0
    c = (d + turned(c + (b ^ (d & (a ^ b))) + block[i + 2]! + SINES[i + 2]!, 17)) | 0
    b = (c + turned(b + (a ^ (c & (d ^ a))) + block[i + 3]! + SINES[i + 3]!, 22)) | 0
  }
  for (let i = 16; i < 32; i += 4) {
    a = (b + turned(a + (c ^ (d & (b ^ c))) + block[(5 * i + 1) & 15]! + SINES[i]!, 5)) | 0
    d = (a + turned(d + (b ^ (c & (a ^ b))) + block[(5 * i + 6) & 15]! + SINES[i + 1]!, 9)) | 0
    c = (d + turned(c + (a ^ (b & (d ^ a))) + block[(5 * i + 11) & 15]! + SINES[i + 2]!, 14)) | 0
    b = (c + turned(b + (d ^ (a & (c ^ d))) + block[(5 * i) & 15]! + SINES[i + 3]!, 20)) | 0
  }
  for (let i = 32; i < 48; i += 4) {
    a = (b + turned(a + (b ^ c ^ d) + block[(3 * i + 5) & 15]! + SINES[i]!, 4)) | 0
    d = (a + turned(d + (a ^ b ^ c) + block[(3 * i + 8) & 15]! + SINES[i + 1]!, 11)) | 0
    c = (d + turned(c + (d ^ a ^ b) + block[(3 * i + 11) & 15]! + SINES[i + 2]!, 16)) | 0
    b = (c + turned(b + (c ^ d ^ a) + block[(3 * i + 14) & 15]! + SINES[i + 3]!, 23)) | 0
  }
  for (let i = 48; i < 64; i += 4) {
    a = (b + turned(a + (c ^ (b | ~d)) + block[(7 * i) & 15]! + SINES[i]!, 6)) | 0
    d = (a + turned(d + (b ^ (a | ~c)) + block[(7 * i + 7) & 15]! + SINES[i + 1]!, 10)) | 0
    c = (d + turned(c + (a ^ (d | ~b)) + block[(7 * i + 14) & 15]! + SINES[i + 2]!, 15)) | 0
    b = (c + turned(b + (d ^ (c | ~a)) + block[(7 * i + 5) & 15]! + SINES[i + 3]!, 21)) | 0
  }
  hash[0] = (hash[0]! + a) | 0
  hash[1] = (hash[1]! + b) | 0
  hash[2] = (hash[2]! + c) | 0
  hash[3] = (hash[3]! + d) | 0
}

/** The lower 32 bits, turned left. */
const turned = (sum: number, by: number): number => (sum << by) | (sum >>> (32 - by))
