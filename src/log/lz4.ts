// LZ4 frames as Kafka's clients write and read them: independent blocks of 64 KiB out; in, any block size, linked or
// independent, with or without checksums. Only the header's checksum is verified, for the batch's CRC covers the rest.
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md

import { copyForward, copyMatch, grow, matchSlot, matchTable } from './matches.ts'

/** Magic number, flags (version 1, independent blocks), 64 KiB blocks, and the checksum of these two. */
const FRAME_HEADER = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]
const MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50 // to …5f
const BLOCK_BYTES = 64 * 1024
const STORED_BIT = 0x8000_0000

const MIN_MATCH = 4
/** A block ends in at least five literals, and no match starts within its last twelve bytes. */
const LAST_LITERALS = 5
const LAST_MATCH_START = 12

/** One LZ4 frame, a view of a larger buffer. */
export function lz4Compress(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const worst = bytes.length + blocks * (4 + 16 + Math.ceil(BLOCK_BYTES / 255))
  const out = new Uint8Array(FRAME_HEADER.length + worst + 4)
  const view = new DataView(out.buffer)
  const table = matchTable()
  out.set(FRAME_HEADER)
  let at = FRAME_HEADER.length
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = Math.min(bytes.length, start + BLOCK_BYTES)
    const size = compressBlock(bytes, start, end, out, at + 4, table) - at - 4
    if (size < end - start) {
      view.setUint32(at, size, true)
      at += 4 + size
    } else {
      view.setUint32(at, (end - start) | STORED_BIT, true)
      out.set(bytes.subarray(start, end), at + 4)
      at += 4 + end - start
    }
  }
  view.setUint32(at, 0) // an empty block ends the frame
  return out.subarray(0, at + 4)
}

/** All frames in `bytes`. Throws TooLarge beyond maxBytes, RangeError where the bytes are not LZ4. */
export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let out = new Uint8Array(Math.min(maxBytes, bytes.length * 4))
  let to = 0
  let at = 0
  do {
    const magic = view.getUint32(at, true)
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + view.getUint32(at + 4, true)
      continue
    }
    if (magic !== MAGIC) throw new RangeError('no LZ4 frame')
    const frame = frameHeader(bytes, at + 4)
    at = frame.end
    for (;;) {
      const word = view.getUint32(at, true)
      at += 4
      if (word === 0) break
      const end = at + (word & ~STORED_BIT)
      if (end > bytes.length) throw new RangeError('a block is cut off')
      if (word & STORED_BIT) {
        if (to + end - at > out.length) out = grow(out, to + end - at, maxBytes)
        out.set(bytes.subarray(at, end), to)
        to += end - at
      } else {
        ;[out, to] = decompressBlock(bytes, at, end, out, to, maxBytes)
      }
      at = end + (frame.blockChecksums ? 4 : 0)
    }
    if (frame.contentChecksum) at += 4
  } while (at < bytes.length)
  if (at > bytes.length) throw new RangeError('the frame is cut off')
  return out.subarray(0, to)
}

function frameHeader(bytes: Uint8Array, start: number) {
  const flags = bytes[start] ?? 0
  if (flags >> 6 !== 1) throw new RangeError('not version 1 of the LZ4 frame')
  const end = start + 2 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  if (bytes[end] !== ((shortXxh32(bytes, start, end) >>> 8) & 0xff)) throw new RangeError('the frame header is damaged')
  return { end: end + 1, blockChecksums: (flags & 0x10) !== 0, contentChecksum: (flags & 0x04) !== 0 }
}

function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  dest: Uint8Array<ArrayBuffer>,
  destAt: number,
  maxBytes: number,
): [Uint8Array<ArrayBuffer>, number] {
  let out = dest
  let to = destAt
  let at = start
  for (;;) {
    const token = bytes[at++]!
    let literals = token >> 4
    if (literals === 15)
      for (let byte = 255; byte === 255; literals += byte) {
        if (at >= end) throw new RangeError('a length is cut off')
        byte = bytes[at++]!
      }
    if (literals > end - at) throw new RangeError('literals are cut off')
    if (to + literals > out.length) out = grow(out, to + literals, maxBytes)
    copyForward(bytes, at, out, to, literals)
    at += literals
    to += literals
    if (at === end) return [out, to] // a block ends after literals
    if (at + 2 > end) throw new RangeError('a distance is cut off')
    const distance = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    if (distance === 0 || distance > to) throw new RangeError('a match reaches before the start')
    let length = token & 15
    if (length === 15)
      for (let byte = 255; byte === 255; length += byte) {
        if (at >= end) throw new RangeError('a length is cut off')
        byte = bytes[at++]!
      }
    length += MIN_MATCH
    if (to + length > out.length) out = grow(out, to + length, maxBytes)
    copyMatch(out, to, distance, length)
    to += length
    if (at >= end) throw new RangeError('a block ends in a match')
  }
}

/** Greedy: the latest place with the same four bytes is the match. Answers where the block ends in `out`. */
function compressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outAt: number,
  table: Int32Array,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lastStart = end - LAST_MATCH_START
  const matchEnd = end - LAST_LITERALS
  let to = outAt
  let anchor = start
  let misses = 0
  for (let at = start; at <= lastStart;) {
    const word = view.getInt32(at, true)
    const slot = matchSlot(word)
    const match = table[slot]!
    table[slot] = at
    if (match < start || view.getInt32(match, true) !== word) {
      at += 1 + (misses++ >> 6) // hurry through what does not compress
      continue
    }
    misses = 0
    let length = MIN_MATCH
    while (at + length < matchEnd && bytes[match + length] === bytes[at + length]) length++
    to = writeLiterals(bytes, anchor, at, out, to, length - MIN_MATCH)
    out[to++] = (at - match) & 0xff
    out[to++] = (at - match) >> 8
    to = writeLength(out, to, length - MIN_MATCH)
    at += length
    anchor = at
  }
  return writeLiterals(bytes, anchor, end, out, to, 0)
}

/** A token with both lengths as far as they fit in four bits each, and the literals. */
function writeLiterals(
  bytes: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  to: number,
  matchLength: number,
): number {
  const count = end - from
  out[to] = (Math.min(count, 15) << 4) | Math.min(matchLength, 15)
  to = writeLength(out, to + 1, count)
  copyForward(bytes, from, out, to, count)
  return to + count
}

/** What of a length does not fit in the token. */
function writeLength(out: Uint8Array, to: number, length: number): number {
  if (length < 15) return to
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out[to++] = 255
  out[to++] = rest
  return to
}

/** xxHash32 (seed 0) of fewer than 16 bytes, all that a frame header has. */
function shortXxh32(bytes: Uint8Array, start: number, end: number): number {
  let hash = (0x165667b1 + (end - start)) | 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = Math.imul(rotate(hash + Math.imul(word, 0xc2b2ae3d), 17), 0x27d4eb2f)
  }
  for (; at < end; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, 0x165667b1), 11), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d)
  return (hash ^ (hash >>> 16)) >>> 0
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))
