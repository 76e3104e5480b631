// The resume token of a live consumer: topic id → partition → next offset, in base64url, small enough for a header.
//
//   version u8 (1), then for each topic: id 16 bytes · count uvarint · count × (gap uvarint · nextOffset varlong),
//   then CRC-32C of all that, u32.   A gap is how many partitions were left out since the one before.

import { Buffer } from 'node:buffer'
import { crc32c } from '../log/crc32c.ts'
import { Reader, Writer } from '../protocol/bytes.ts'

/** What one live connection may read. With these the longest token is just within MAX_TOKEN_LENGTH. */
export const MAX_LIVE_TOPICS = 50
export const MAX_LIVE_PARTITIONS = 500
/** Characters of a token: a URL or a `Last-Event-ID` header of this length passes every proxy we know of. */
export const MAX_TOKEN_LENGTH = 8_192

const VERSION = 1
const CRC_BYTES = 4
const BASE64URL = /^[A-Za-z0-9_-]+$/

/** Next offsets by topic id, in the form Kafka prints ids, and partition. */
export type NextOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>

/** A vector of next offsets that moves on with what was delivered, and says as a token where it stands. */
export class ResumeVector {
  readonly #topics = new Map<string, Map<number, number>>()
  readonly #writer = new Writer(128)

  set(topicId: string, partition: number, nextOffset: number): void {
    let partitions = this.#topics.get(topicId)
    if (partitions === undefined) this.#topics.set(topicId, (partitions = new Map()))
    partitions.set(partition, nextOffset)
  }

  token(): string {
    const w = this.#writer
    w.at = 0
    w.int8(VERSION)
    for (const [topicId, partitions] of this.#topics) {
      w.uuid(topicId)
      w.uvarint(partitions.size)
      let next = 0
      for (const [partition, nextOffset] of inOrder(partitions)) {
        w.uvarint(partition - next)
        w.varlong(nextOffset)
        next = partition + 1
      }
    }
    w.uint32(crc32c(w.done(), 0, w.at))
    const bytes = w.done()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
  }
}

/** Undefined for what is no token: cut off, garbled, or of a version to come. */
export function decodeResume(token: string): NextOffsets | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !BASE64URL.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  const end = bytes.length - CRC_BYTES
  if (end < 1 || bytes[0] !== VERSION || bytes.readUInt32BE(end) !== crc32c(bytes, 0, end)) return undefined
  try {
    return readTopics(new Reader(bytes.subarray(1, end)))
  } catch {
    return undefined
  }
}

function readTopics(r: Reader): NextOffsets | undefined {
  const topics = new Map<string, Map<number, number>>()
  while (r.remaining > 0) {
    const partitions = new Map<number, number>()
    topics.set(r.uuid(), partitions)
    let next = 0
    for (let n = r.uvarint(); n > 0; n--) {
      const partition = next + r.uvarint()
      const nextOffset = r.varlong()
      if (nextOffset < 0 || partitions.size >= MAX_LIVE_PARTITIONS) return undefined
      partitions.set(partition, nextOffset)
      next = partition + 1
    }
  }
  return topics.size > MAX_LIVE_TOPICS ? undefined : topics
}

/** Partitions are nearly always set in order; a Map keeps the order in which they came. */
function inOrder(partitions: ReadonlyMap<number, number>): Iterable<readonly [number, number]> {
  let previous = -1
  for (const partition of partitions.keys()) {
    if (partition < previous) return [...partitions].toSorted(([a], [b]) => a - b)
    previous = partition
  }
  return partitions
}
