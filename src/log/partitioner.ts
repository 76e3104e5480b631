// Which partition a key goes to: murmur2 exactly as Kafka's Java client (Utils.murmur2), so that every client agrees.
// What happens to records without a key is the caller's choice.

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const ROTATION = 24

/** Java's Utils.murmur2: a signed 32-bit hash. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let hash = SEED ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word ^= word >>> ROTATION
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  const rest = length & 3
  if (rest > 2) hash ^= bytes[whole + 2]! << 16
  if (rest > 1) hash ^= bytes[whole + 1]! << 8
  if (rest > 0) hash = Math.imul(hash ^ bytes[whole]!, MULTIPLIER)
  hash ^= hash >>> 13
  hash = Math.imul(hash, MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/** The partition in [0, partitions) of a record with this key, as the Java client's default partitioner picks it. */
export function partitionFor(key: Uint8Array, partitions: number): number {
  // Utils.toPositive drops the sign bit; it is not Math.abs.
  return (murmur2(key) & 0x7fff_ffff) % partitions
}
