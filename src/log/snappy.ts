// Snappy as Kafka's clients write and read it: the Java client frames raw blocks (xerial's stream), most others send
// one raw block. Both are read; the framed form is written, for every client reads it.
// https://github.com/google/snappy/blob/main/format_description.txt

import { copyForward, copyMatch, matchSlot, matchTable, TooLarge } from './matches.ts'

/** 0x82 SNAPPY 0, then version 1 and the lowest version that can read it, 1. */
const XERIAL_HEADER = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]
const XERIAL_MAGIC_BYTES = 8
/** As the Java client's SnappyOutputStream. */
const BLOCK_BYTES = 32 * 1024
/** Two bytes of snappy can stand for 64, so no honest block grows by more. */
const MAX_RATIO = 32

const MIN_MATCH = 4
const MAX_COPY = 64

/** A xerial stream, a view of a larger buffer. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const worst = bytes.length + blocks * (4 + 32 + Math.ceil(BLOCK_BYTES / 6))
  const out = new Uint8Array(XERIAL_HEADER.length + worst)
  const view = new DataView(out.buffer)
  const table = matchTable()
  out.set(XERIAL_HEADER)
  let to = XERIAL_HEADER.length
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = compressBlock(bytes, start, Math.min(bytes.length, start + BLOCK_BYTES), out, to + 4, table)
    view.setInt32(to, end - to - 4)
    to = end
  }
  return out.subarray(0, to)
}

/** Throws TooLarge beyond maxBytes, RangeError where the bytes are not snappy. */
export function snappyDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const blocks = isXerial(bytes) ? xerialBlocks(bytes) : [rawBlock(bytes, 0, bytes.length)]
  let total = 0
  for (const block of blocks) total += block.size
  if (total > maxBytes) throw new TooLarge()
  const out = new Uint8Array(total)
  let to = 0
  for (const block of blocks) {
    decompressBlock(bytes, block, out, to)
    to += block.size
  }
  return out
}

interface Block {
  /** Where its elements are. */
  readonly at: number
  readonly end: number
  /** What it says it decompresses to. */
  readonly size: number
}

function isXerial(bytes: Uint8Array): boolean {
  for (let i = 0; i < XERIAL_MAGIC_BYTES; i++) if (bytes[i] !== XERIAL_HEADER[i]) return false
  return true
}

function xerialBlocks(bytes: Uint8Array): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: Block[] = []
  let at = XERIAL_HEADER.length
  while (at < bytes.length) {
    const length = view.getInt32(at)
    at += 4
    if (length < 0 || length > bytes.length - at) throw new RangeError('a block is cut off')
    blocks.push(rawBlock(bytes, at, at + length))
    at += length
  }
  return blocks
}

/** A block opens with its decompressed size as an unsigned varint. */
function rawBlock(bytes: Uint8Array, start: number, end: number): Block {
  let size = 0
  let at = start
  for (let unit = 1; unit <= 0x1000_0000 && at < end; unit *= 0x80) {
    const byte = bytes[at++]!
    size += (byte & 0x7f) * unit
    if (byte < 0x80) {
      if (size > (end - at) * MAX_RATIO) throw new RangeError('a block cannot be that large')
      return { at, end, size }
    }
  }
  throw new RangeError('a block is cut off')
}

function decompressBlock(bytes: Uint8Array, block: Block, out: Uint8Array, outAt: number): void {
  const { end } = block
  const outEnd = outAt + block.size
  let at = block.at
  let to = outAt
  while (at < end) {
    const tag = bytes[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = tag >> 2
      if (length >= 60) {
        const extra = length - 59
        if (extra > end - at) throw new RangeError('a length is cut off')
        length = 0
        for (let i = extra - 1; i >= 0; i--) length = length * 256 + bytes[at + i]!
        at += extra
      }
      length++
      if (length > end - at || length > outEnd - to) throw new RangeError('a literal is cut off')
      copyForward(bytes, at, out, to, length)
      at += length
      to += length
      continue
    }
    let length = (tag >> 2) + 1
    let distance: number
    if (kind === 1) {
      length = ((tag >> 2) & 7) + 4
      distance = ((tag >> 5) << 8) | (bytes[at] ?? 0)
      at += 1
    } else {
      distance = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
      if (kind === 3) distance += ((bytes[at + 2] ?? 0) << 16) + (bytes[at + 3] ?? 0) * 0x100_0000
      at += kind === 2 ? 2 : 4
    }
    if (at > end || distance === 0 || distance > to - outAt || length > outEnd - to)
      throw new RangeError('a copy is out of range')
    copyMatch(out, to, distance, length)
    to += length
  }
  if (to !== outEnd) throw new RangeError('a block is shorter than it says')
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
  let to = outAt
  let size = end - start
  for (; size >= 0x80; size >>>= 7) out[to++] = (size & 0x7f) | 0x80
  out[to++] = size
  let anchor = start
  let misses = 0
  for (let at = start; at + MIN_MATCH <= end;) {
    const word = view.getInt32(at, true)
    const slot = matchSlot(word)
    const match = table[slot]!
    table[slot] = at
    if (match < start || view.getInt32(match, true) !== word) {
      at += 1 + (misses++ >> 5) // hurry through what does not compress
      continue
    }
    misses = 0
    let length = MIN_MATCH
    while (at + length < end && bytes[match + length] === bytes[at + length]) length++
    to = writeLiteral(bytes, anchor, at, out, to)
    to = writeCopies(out, to, at - match, length)
    at += length
    anchor = at
  }
  return writeLiteral(bytes, anchor, end, out, to)
}

/** A literal of at most one block, which two bytes of length cover. */
function writeLiteral(bytes: Uint8Array, from: number, end: number, out: Uint8Array, to: number): number {
  const length = end - from
  if (length === 0) return to
  const field = length - 1
  if (field < 60) out[to++] = field << 2
  else if (field < 256) {
    out[to++] = 60 << 2
    out[to++] = field
  } else {
    out[to++] = 61 << 2
    out[to++] = field & 0xff
    out[to++] = field >> 8
  }
  copyForward(bytes, from, out, to, length)
  return to + length
}

/** Copies of at most 64 bytes each, with a distance of two bytes. */
function writeCopies(out: Uint8Array, to: number, distance: number, length: number): number {
  for (let rest = length; rest > 0;) {
    const part = Math.min(rest, MAX_COPY)
    out[to++] = ((part - 1) << 2) | 2
    out[to++] = distance & 0xff
    out[to++] = distance >> 8
    rest -= part
  }
  return to
}
