// One batch without the records that compaction drops. It keeps its offsets, sequences and times: records that stay are
// copied as they stand. Which ones stay is the caller's to say. Kafka's MemoryRecords.filterTo.

import { joined, Writer } from '../protocol/bytes.ts'
import { isFailure } from '../protocol/errors.ts'
import { type Batch, BATCH_HEADER_BYTES, codecOf, readBatches, usesLogAppendTime, writeHeader } from './batch.ts'
import { compress } from './compression.ts'
import { RecordCursor } from './record-cursor.ts'
import { openRecords } from './records.ts'

/** The base timestamp of such a batch is the time from which its tombstones, or it as a marker, may go: no record's (KIP-534). */
const DELETE_HORIZON_BIT = 0x40
const CODEC_BITS = 0x07

/** One record in the opened bytes of its batch. The walk hands out the same one for every record. */
export interface Place {
  readonly bytes: Uint8Array
  offset: number
  timestamp: number
  start: number
  /** Behind the timestamp: what follows does not depend on where and when the record is. */
  restAt: number
  end: number
  /** -1 for a record without a key. */
  keyAt: number
  keyEnd: number
  isTombstone: boolean
}

/**
 * Walks the records of a batch. False if they cannot be read or are not as the header says, which is known only at the end:
 * what was visited until then does not count.
 */
export function walk(batch: Batch, opened: Uint8Array, visit: (place: Place) => void): boolean {
  const cursor = new RecordCursor(opened)
  const place: Place = {
    bytes: opened,
    offset: -1,
    timestamp: -1,
    start: 0,
    restAt: 0,
    end: 0,
    keyAt: -1,
    keyEnd: -1,
    isTombstone: false,
  }
  let previous = -1
  for (let i = 0; i < batch.count; i++) {
    place.start = cursor.at
    cursor.startRecord()
    place.timestamp = batch.baseTimestamp + cursor.varlong()
    place.restAt = cursor.at
    const offsetDelta = cursor.varint()
    const keyLength = cursor.varint()
    place.keyAt = keyLength < 0 ? -1 : cursor.at
    place.keyEnd = cursor.at + Math.max(keyLength, 0)
    cursor.at = place.keyEnd
    place.isTombstone = cursor.varint() < 0
    cursor.skipRecord()
    place.end = cursor.at
    if (cursor.wrong || offsetDelta <= previous || offsetDelta > batch.lastOffsetDelta) return false
    if (!Number.isSafeInteger(place.timestamp)) return false
    previous = offsetDelta
    place.offset = batch.baseOffset + offsetDelta
    visit(place)
  }
  return cursor.at === opened.length
}

/** From when on the tombstones of a batch, or it as a marker, may go, ms; undefined as long as nobody has said. */
export const deleteHorizonMs = (batch: Pick<Batch, 'attributes' | 'baseTimestamp'>): number | undefined =>
  (batch.attributes & DELETE_HORIZON_BIT) === 0 ? undefined : batch.baseTimestamp

/**
 * The batch with the records that `stays` says, itself if these are all, 'empty' if there are none. Tombstones that stay
 * get `horizonMs` as the time from which they may go, unless they have one. A batch that cannot be read stays as it is.
 */
export function cleaned(
  batch: Batch,
  opened: Uint8Array,
  stays: (place: Place) => boolean,
  horizonMs: number,
): Batch | 'empty' {
  const kept = new Kept(opened)
  if (!walk(batch, opened, place => stays(place) && kept.add(place))) return batch
  if (kept.count === 0) return 'empty'
  const sets = kept.tombstones > 0 && deleteHorizonMs(batch) === undefined && kept.mayCountFrom(horizonMs)
  if (kept.count === batch.count && !sets) return batch
  return closed(sets ? kept.from(batch.baseTimestamp, horizonMs) : kept.bytes(), {
    ...batch,
    attributes: sets ? batch.attributes | DELETE_HORIZON_BIT : batch.attributes,
    baseTimestamp: sets ? horizonMs : batch.baseTimestamp,
    maxTimestamp: usesLogAppendTime(batch) ? batch.maxTimestamp : kept.maxTimestamp,
    count: kept.count,
  })
}

/** The marker with the time from which it may go, which stays for good where that is beyond 2^53. */
export function dated(marker: Batch, horizonMs: number): Batch {
  const opened = openRecords(marker)
  if (isFailure(opened)) return marker
  const kept = new Kept(opened)
  if (!walk(marker, opened, place => kept.add(place)) || !kept.mayCountFrom(horizonMs)) return marker
  return closed(kept.from(marker.baseTimestamp, horizonMs), {
    ...marker,
    attributes: marker.attributes | DELETE_HORIZON_BIT,
    baseTimestamp: horizonMs,
  })
}

/** The batch without any record: its offsets and sequences are all it is kept for. No search by time ends at it. */
export function emptied(batch: Batch): Batch {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES)
  const attributes = batch.attributes & ~(CODEC_BITS | DELETE_HORIZON_BIT)
  const empty = { ...batch, attributes, baseTimestamp: -1, count: 0 }
  writeHeader(bytes, empty)
  return { ...empty, bytes, maxTimestamp: -1 }
}

function closed(records: Uint8Array, header: Batch): Batch {
  const compressed = compress(codecOf(header), records)
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + compressed.length)
  bytes.set(compressed, BATCH_HEADER_BYTES)
  writeHeader(bytes, header)
  return readBatches(bytes)[0]!
}

/** The records that stay, as ranges of the opened bytes: neighbours are one. */
class Kept {
  count = 0
  tombstones = 0
  maxTimestamp = -1
  #minTimestamp = -1
  readonly #opened: Uint8Array
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  constructor(opened: Uint8Array) {
    this.#opened = opened
  }

  add(place: Place): void {
    if (this.#ends.at(-1) === place.start) this.#ends[this.#ends.length - 1] = place.end
    else {
      this.#starts.push(place.start)
      this.#ends.push(place.end)
    }
    const { timestamp } = place
    this.maxTimestamp = this.count === 0 ? timestamp : Math.max(this.maxTimestamp, timestamp)
    this.#minTimestamp = this.count === 0 ? timestamp : Math.min(this.#minTimestamp, timestamp)
    this.count++
    if (place.isTombstone) this.tombstones++
  }

  /** Can the times be told from this base? From one that lies beyond 2^53 they cannot: such tombstones stay for good. */
  mayCountFrom(baseMs: number): boolean {
    return Number.isSafeInteger(baseMs) && Number.isSafeInteger(this.#minTimestamp - baseMs)
  }

  bytes(): Uint8Array {
    return joined(this.#starts.map((start, i) => this.#opened.subarray(start, this.#ends[i])))
  }

  /** The same records, their times told from another base. */
  from(baseTimestamp: number, newBase: number): Uint8Array {
    const w = new Writer(this.#opened.length)
    for (const [i, start] of this.#starts.entries()) {
      const cursor = new RecordCursor(this.#opened)
      cursor.at = start
      while (cursor.at < this.#ends[i]!) this.#moved(cursor, baseTimestamp - newBase, w)
    }
    return w.done()
  }

  #moved(cursor: RecordCursor, byMs: number, w: Writer): void {
    cursor.startRecord()
    const attributesAt = cursor.at - 1
    const delta = new Writer(10)
    delta.varlong(cursor.varlong() + byMs)
    const time = delta.done()
    const restAt = cursor.at
    cursor.skipRecord()
    w.varint(1 + time.length + cursor.at - restAt)
    w.bytes(this.#opened.subarray(attributesAt, attributesAt + 1))
    w.bytes(time)
    w.bytes(this.#opened.subarray(restAt, cursor.at))
  }
}
