// Which segments of a compacted log may be cleaned, when that is worth it, and which become one by it. Kafka's
// LogCleanerManager.cleanableOffsets, LogToClean and Cleaner.groupSegmentsBySize.

import { isCompacted, isDeleted, type LogConfig } from './config.ts'
import { MAX_SEGMENT_CHUNKS, type Segment } from './segments.ts'

/** What only compaction takes from a log is merged up to this size, however small the segments roll. */
const MERGED_BYTES = 67_108_864

/** A log as compaction sees it. */
export interface CleanableLog {
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  /** Below it everything is durable and no transaction is open. */
  readonly lastStableOffset: number
  readonly config: LogConfig
}

/** Not yet cleaned, in order, each with the time from which it may be: none of the newest segment, none that is unstable. */
function dirty(log: CleanableLog, firstDirtyOffset: number): { readonly segment: Segment; readonly fromMs: number }[] {
  const found: { readonly segment: Segment; readonly fromMs: number }[] = []
  const lagMs = log.config['min.compaction.lag.ms']
  let fromMs = 0
  for (const segment of log.segments.slice(0, -1)) {
    if (segment.nextOffset > log.lastStableOffset) break
    if (segment.nextOffset <= firstDirtyOffset) continue
    if (lagMs > 0) fromMs = Math.max(fromMs, segment.maxTimestamp + lagMs)
    found.push({ segment, fromMs })
  }
  return found
}

/** When cleaning is next worth it, ms: when so much is dirty as min.cleanable.dirty.ratio says, or for too long. */
export function cleanableMs(log: CleanableLog, firstDirtyOffset: number): number | undefined {
  if (!isCompacted(log.config)) return undefined
  const segments = dirty(log, firstDirtyOffset)
  const cleanBytes = sizeOf(log.segments.filter(segment => segment.nextOffset <= firstDirtyOffset))
  let dirtyBytes = 0
  let first = Number.POSITIVE_INFINITY
  for (const { segment, fromMs } of segments) {
    dirtyBytes += segment.sizeBytes
    if (dirtyBytes <= log.config['min.cleanable.dirty.ratio'] * (cleanBytes + dirtyBytes)) continue
    first = fromMs
    break
  }
  for (const { segment, fromMs } of segments)
    first = Math.min(first, Math.max(segment.createdMs + log.config['max.compaction.lag.ms'], fromMs))
  return Number.isSafeInteger(first) ? first : undefined
}

/** Up to where cleaning may go now: the first offset of the first segment that must wait. */
export function cleanableUpTo(log: CleanableLog, firstDirtyOffset: number, nowMs: number): number {
  return dirty(log, firstDirtyOffset).findLast(({ fromMs }) => fromMs <= nowMs)?.segment.nextOffset ?? firstDirtyOffset
}

/** The segments from `offset` on, below `upTo`, that become one: a single one, or as many as stay small together. */
export function nextGroup(log: CleanableLog, offset: number, upTo: number): Segment[] {
  const { segments, config } = log
  const maxBytes = isDeleted(config) ? config['segment.bytes'] : Math.max(config['segment.bytes'], MERGED_BYTES)
  const group: Segment[] = []
  let chunks = 0
  for (const segment of segments.slice(0, -1)) {
    if (segment.baseOffset < offset) continue
    chunks += segment.chunks
    const fits = sizeOf(group) + segment.sizeBytes <= maxBytes && chunks <= MAX_SEGMENT_CHUNKS
    if (segment.baseOffset >= upTo || (group.length > 0 && !fits)) break
    group.push(segment)
  }
  return group
}

const sizeOf = (segments: readonly Segment[]): number => segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
