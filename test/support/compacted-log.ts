// A compacted log, committed at once, with producers' transactions: what tests of compaction put in and get out.

import { expect } from 'vitest'
import { type Batch, isControl, isTransactional, readBatches } from '../../src/log/batch.ts'
import type { Codec } from '../../src/log/compression.ts'
import type { LogConfig } from '../../src/log/config.ts'
import { decodeBatch, encodeBatch } from '../../src/log/records.ts'
import { TestLog } from './log.ts'

const FACTS = { recordWithoutKey: null, minTimestamp: 1 }
const text = new TextEncoder()
const untext = new TextDecoder()

export interface Seen {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}
export type Pairs = readonly (readonly [key: string, value: string | null])[]
export interface Options {
  readonly codec?: Codec
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transaction?: number
}

/** Segments of a batch each: all but the newest may be cleaned. */
export class CompactedLog extends TestLog {
  constructor(config: Partial<LogConfig> = {}) {
    super({ 'cleanup.policy': ['compact'], 'segment.bytes': 1, ...config }, 1_000_000)
  }

  put(pairs: Pairs, { transaction, ...options }: Options = {}) {
    const records = pairs.map(([key, value], i) => ({
      timestamp: this.now + i,
      key: text.encode(key),
      value: value === null ? null : text.encode(value),
      headers: [{ key: 'h', value: text.encode(key) }],
    }))
    const batch = encodeBatch(records, { ...options, ...(transaction !== undefined && { transactional: true }) })
    return this.append(batch, { facts: FACTS, ...(transaction !== undefined && { transaction }) })
  }

  end(producerId: number, transaction: number, committed: boolean) {
    const result = this.log.endTransaction({ producerId, producerEpoch: 0, transaction, committed }, this.now)
    this.commit()
    return result
  }

  get isCleanable(): boolean {
    return (this.log.cleanableMs() ?? Number.POSITIVE_INFINITY) <= this.now
  }

  /** As many steps as it takes. Returns how many. */
  clean(maxBytes = 1_000_000): number {
    let steps = 0
    for (; this.isCleanable; steps++) {
      if (steps > 10_000) throw new Error('it never ends')
      this.log.clean(this.now, maxBytes)
    }
    return steps
  }

  all(offset = this.log.bounds.logStartOffset, maxBytes = 1_000_000): Seen[] {
    return this.batches(offset, maxBytes).flatMap(batch => (isControl(batch) ? [] : seenIn(batch)))
  }

  /** What a read_committed reader sees, as Kafka's clients work it out of batches and aborted transactions. */
  committed(offset = this.log.bounds.logStartOffset, maxBytes = 1_000_000): Seen[] {
    const found: Seen[] = []
    for (let at = offset; ;) {
      const read = this.log.read({ offset: at, maxBytes, isolation: 'read_committed' })
      if ('error' in read) throw new Error(read.message)
      const waiting = [...read.aborted!]
      const aborting = new Set<number>()
      for (const batch of readBatches(read.records)) {
        while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.baseOffset + batch.lastOffsetDelta)
          aborting.add(waiting.shift()!.producerId)
        if (isControl(batch)) {
          if (isAbort(batch)) aborting.delete(batch.producerId)
        } else if (!isTransactional(batch) || !aborting.has(batch.producerId)) found.push(...seenIn(batch))
      }
      if (read.nextOffset === at) return found
      at = read.nextOffset
    }
  }

  /** Offsets of the markers that are left. */
  get markers(): number[] {
    return this.batches(this.log.bounds.logStartOffset)
      .filter(isControl)
      .map(({ baseOffset }) => baseOffset)
  }

  /** Every batch from an offset on, read as a reader does who always goes on at `nextOffset`. */
  batches(offset: number, maxBytes = 1_000_000) {
    const found = []
    for (let at = offset; ;) {
      const read = this.log.read({ offset: at, maxBytes })
      if ('error' in read) throw new Error(read.message)
      found.push(...readBatches(read.records))
      if (read.nextOffset === at) {
        expect(at).toBe(this.log.highWatermark)
        return found
      }
      at = read.nextOffset
    }
  }

  /** Offsets of what is left, and the values. */
  get left(): string {
    return this.all()
      .map(({ offset, key, value }) => `${offset}:${key}=${value}`)
      .join(' ')
  }
}

function seenIn(batch: Batch): Seen[] {
  const records = decodeBatch(batch)
  if ('error' in records) throw new Error(records.message)
  return records.map(record => ({
    offset: record.offset,
    key: untext.decode(record.key!),
    value: record.value === null ? null : untext.decode(record.value),
    timestamp: record.timestamp,
  }))
}

/** The last byte of a marker's key, before a value of six bytes and no headers. */
const isAbort = ({ bytes }: Batch): boolean => bytes.at(-9) === 0

export const latest = (seen: readonly Seen[]): Map<string, string> => {
  const map = new Map<string, string>()
  for (const { key, value } of seen) {
    map.delete(key)
    if (value !== null) map.set(key, value)
  }
  return map
}
export const sorted = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
