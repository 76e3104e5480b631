// MD5 of a key, so that a map of a million keys holds no key. Whoever may choose keys must not be able to choose one that
// counts as somebody else's: that takes a second preimage, which nobody has for MD5, while fast hashes give it away. Kafka's
// cleaner relies on the same. Written out because a call into the platform costs more than the hash of a short key.

/** 32-bit words of a hash. */
export const HASH_WORDS = 4

const BLOCK_BYTES = 64
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))))
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
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
  tail.fill(0)
  for (let i = 0; i < left; i++) tail[i] = bytes[at + i]!
  tail[left] = 0x80
  const end = left + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES
  const bits = (to - from) * 8
  for (let i = 0; i < 6; i++) tail[end - 8 + i] = Math.floor(bits / 2 ** (8 * i))
  for (let i = 0; i < end; i += BLOCK_BYTES) mix(tail, i, hash)
}

function mix(bytes: Uint8Array, from: number, hash: Int32Array): void {
  for (let i = 0, at = from; i < 16; i++, at += 4)
    block[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  let a = hash[0]!
  let b = hash[1]!
  let c = hash[2]!
  let d = hash[3]!
  for (let i = 0; i < 64; i++) {
    const round = i >>> 4
    let mixed: number
    let word: number
    if (round === 0) {
      mixed = (b & c) | (~b & d)
      word = i
    } else if (round === 1) {
      mixed = (d & b) | (~d & c)
      word = (5 * i + 1) & 15
    } else if (round === 2) {
      mixed = b ^ c ^ d
      word = (3 * i + 5) & 15
    } else {
      mixed = c ^ (b | ~d)
      word = (7 * i) & 15
    }
    const sum = (a + mixed + SINES[i]! + block[word]!) | 0
    const shift = SHIFTS[(round << 2) | (i & 3)]!
    a = d
    d = c
    c = b
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
  }
  hash[0] = (hash[0]! + a) | 0
  hash[1] = (hash[1]! + b) | 0
  hash[2] = (hash[2]! + c) | 0
  hash[3] = (hash[3]! + d) | 0
}
