// What LZ4 and snappy have in common: both copy literals and earlier output ("matches"), and find matches in a table.

/** More came out than the caller allows. */
export class TooLarge extends Error {}

/** A larger buffer with the same start, at least `size` and at most `maxBytes` long. */
export function grow(out: Uint8Array, size: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (size > maxBytes) throw new TooLarge()
  const larger = new Uint8Array(Math.min(maxBytes, Math.max(size, out.length * 2)))
  larger.set(out)
  return larger
}

/** From how many bytes on the engine's own copy is faster than a loop. */
const LONG_COPY = 48

export function copyForward(from: Uint8Array, at: number, out: Uint8Array, to: number, length: number): void {
  if (length >= LONG_COPY) out.set(from.subarray(at, at + length), to)
  else for (let i = 0; i < length; i++) out[to + i] = from[at + i]!
}

/** Copies what was written `distance` bytes ago; where it overlaps itself, it repeats. */
export function copyMatch(out: Uint8Array, to: number, distance: number, length: number): void {
  const from = to - distance
  if (length >= LONG_COPY && distance >= length) out.copyWithin(to, from, from + length)
  else for (let i = 0; i < length; i++) out[to + i] = out[from + i]!
}

const TABLE_BITS = 14

/** Where each hash of four bytes was seen last; -1 is nowhere. */
export const matchTable = (): Int32Array => new Int32Array(1 << TABLE_BITS).fill(-1)

/** The slot of four bytes, read as one word (Knuth's multiplicative hash). */
export const matchSlot = (word: number): number => Math.imul(word, 0x9e3779b1) >>> (32 - TABLE_BITS)
