// When a segment rolls, and which segments retention by time, by size and DeleteRecords let go. Kafka's LogSegment.shouldRoll
// and UnifiedLog.deleteOldSegments.

import type { Chunk } from './chunk.ts'
import { isCompacted, isDeleted, type LogConfig } from './config.ts'

/** Rows a segment holds at most: what a start reads again is bounded, however small the appends were. */
export const MAX_SEGMENT_CHUNKS = 65_536

/** One segment: the offsets from `baseOffset` up to but not including `nextOffset`. */
export interface Segment {
  readonly baseOffset: number
  /** Counts up as compaction rewrites the segment; part of its table's name. */
  readonly generation: number
  /** When its first chunk was written, ms. */
  readonly createdMs: number
  readonly nextOffset: number
  /** -1 while it is empty. */
  readonly maxTimestamp: number
  readonly sizeBytes: number
  readonly chunks: number
}

export const emptySegment = (baseOffset: number, nowMs: number): Segment => ({
  baseOffset,
  generation: 0,
  createdMs: nowMs,
  nextOffset: baseOffset,
  maxTimestamp: -1,
  sizeBytes: 0,
  chunks: 0,
})

/** The segment with one more chunk. */
export const grown = (segment: Segment, chunk: Chunk): Segment => ({
  ...segment,
  nextOffset: Math.max(segment.nextOffset, chunk.lastOffset + 1),
  maxTimestamp: Math.max(segment.maxTimestamp, chunk.maxTimestamp),
  sizeBytes: segment.sizeBytes + chunk.sizeBytes,
  chunks: segment.chunks + 1,
})

/** Must the next chunk of `bytes` go to a new segment? An empty segment never rolls. */
export function shouldRoll(active: Segment, bytes: number, config: LogConfig, nowMs: number): boolean {
  if (active.chunks === 0) return false
  // The newest segment is never compacted, so it may not stay the newest for longer than compaction may take.
  const maxMs = Math.min(
    config['segment.ms'],
    isCompacted(config) ? config['max.compaction.lag.ms'] : Number.POSITIVE_INFINITY,
  )
  return (
    active.sizeBytes + bytes > config['segment.bytes'] ||
    active.chunks >= MAX_SEGMENT_CHUNKS ||
    nowMs - active.createdMs >= maxMs
  )
}

/** How many segments from the oldest on may go. The newest may be among them: the log then rolls to an empty one. */
export function expired(
  segments: readonly Segment[],
  logStartOffset: number,
  config: LogConfig,
  nowMs: number,
): number {
  return Math.max(belowStart(segments, logStartOffset), byTime(segments, config, nowMs), bySize(segments, config))
}

/** When retention will next let a segment go, ms: 0 if there are too many bytes already; undefined if never. */
export function nextExpiryMs(segments: readonly Segment[], config: LogConfig): number | undefined {
  if (bySize(segments, config) > 0) return 0
  const oldest = segments.find(segment => segment.chunks > 0)
  if (oldest === undefined || !isDeleted(config) || config['retention.ms'] < 0) return undefined
  const at = retainedSince(oldest) + config['retention.ms'] + 1
  return Number.isSafeInteger(at) ? at : undefined
}

function belowStart(segments: readonly Segment[], logStartOffset: number): number {
  let n = 0
  while (n < segments.length - 1 && segments[n]!.nextOffset <= logStartOffset) n++
  return n
}

function byTime(segments: readonly Segment[], config: LogConfig, nowMs: number): number {
  const retentionMs = config['retention.ms']
  if (!isDeleted(config) || retentionMs < 0) return 0
  let n = 0
  while (n < segments.length && segments[n]!.chunks > 0 && nowMs - retainedSince(segments[n]!) > retentionMs) n++
  return n
}

function bySize(segments: readonly Segment[], config: LogConfig): number {
  const retentionBytes = config['retention.bytes']
  if (!isDeleted(config) || retentionBytes < 0) return 0
  let over = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) - retentionBytes
  let n = 0
  while (n < segments.length && segments[n]!.chunks > 0 && over - segments[n]!.sizeBytes >= 0)
    over -= segments[n++]!.sizeBytes
  return n
}

/** The time from which retention counts: the newest record's, or the segment's own where records carry none. */
const retainedSince = (segment: Segment): number =>
  segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.createdMs
