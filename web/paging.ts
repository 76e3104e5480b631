// Pages of records over several partitions at once: forward and back from a vector of offsets, merged by time, each
// partition in its own order.

import { api, topicPath } from './api.ts'
import { merge } from './merging.ts'
import type { Fetched, LogRecord, Topic } from '../client/answers.ts'

/** Records on one page. */
export const PAGE = 50
/** Partitions read at once. */
export const MAX_PARTITIONS = 32
/** Records looked at for one page of a search. */
const MAX_SCANNED = 20_000
const SCAN_LIMIT = 1_000
/** Where compaction left few records, how often one looks further back. */
const MAX_STEPS_BACK = 6

/** Next offset by partition: a page lies between two of them. */
export type Vector = ReadonlyMap<number, number>

export type Start = 'latest' | 'earliest' | { readonly offset: number } | { readonly timestamp: number }

export interface Source {
  readonly topic: Topic
  readonly partitions: readonly number[]
  readonly format: string
  readonly isolation: string
  readonly matches: ((record: LogRecord) => boolean) | undefined
  readonly signal: AbortSignal
}

export interface Page {
  readonly records: readonly LogRecord[]
  readonly from: Vector
  readonly to: Vector
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  readonly scanned: number
}

function read({ topic, format, isolation, signal }: Source, partition: number, begin: string, limit: number) {
  const formats = `format=${format}&keyFormat=${format === 'json' ? 'text' : format}`
  const query = `${begin}&limit=${limit}&${formats}&isolation=${isolation}`
  return api<Fetched>(`${topicPath(topic.name)}/partitions/${partition}/records?${query}`, { signal })
}

interface Bounds {
  readonly first: Vector
  readonly end: Vector
}

/** As the partitions stand now: the first offset they have and the next one. */
async function boundsOf(source: Source): Promise<Bounds> {
  const { partitions } = await api<Topic>(topicPath(source.topic.name), { signal: source.signal })
  const vector = (figure: 'logStartOffset' | 'highWatermark'): Vector =>
    new Map(source.partitions.map(partition => [partition, partitions[partition]?.[figure] ?? 0]))
  return { first: vector('logStartOffset'), end: vector('highWatermark') }
}

export async function firstPage(source: Source, start: Start): Promise<Page> {
  const bounds = await boundsOf(source)
  if (start === 'latest') return older(source, bounds.end, bounds)
  if (start === 'earliest') return newer(source, bounds.first, bounds)
  const from = new Map(
    await Promise.all(
      source.partitions.map(async partition => {
        const first = bounds.first.get(partition)!
        const end = bounds.end.get(partition)!
        if ('offset' in start) return [partition, Math.min(Math.max(start.offset, first), end)] as const
        const { records, nextOffset } = await read(source, partition, `timestamp=${start.timestamp}`, 1)
        return [partition, records[0]?.offset ?? nextOffset] as const
      }),
    ),
  )
  return newer(source, from, bounds)
}

export async function newer(source: Source, from: Vector, known?: Bounds): Promise<Page> {
  const bounds = known ?? (await boundsOf(source))
  const records: LogRecord[] = []
  let to = from
  let scanned = 0
  do {
    const limit = source.matches ? SCAN_LIMIT : PAGE
    const begun = to
    const read = await Promise.all(
      source.partitions.map(async partition => ({
        partition,
        ...((await readUpTo(source, partition, begun.get(partition)!, bounds.end.get(partition)!, limit)) ?? NOTHING),
      })),
    )
    const merged = merge(read.map(({ records }) => records))
    const next = new Map(
      read.map(({ partition, nextOffset }) => [partition, Math.max(nextOffset, begun.get(partition)!)]),
    )
    let taken = 0
    for (const record of merged) {
      if (records.length >= PAGE) break
      taken++
      if (source.matches?.(record) ?? true) records.push(record)
    }
    for (const left of merged.slice(taken).reverse()) next.set(left.partition, left.offset)
    scanned += taken
    to = next
    if (taken === 0) break
  } while (records.length < PAGE && source.matches && scanned < MAX_SCANNED && before(to, bounds.end))
  return { records, from, to, hasOlder: before(bounds.first, from), hasNewer: before(to, bounds.end), scanned }
}

export async function older(source: Source, to: Vector, known?: Bounds): Promise<Page> {
  const bounds = known ?? (await boundsOf(source))
  const records: LogRecord[] = []
  let from = to
  let scanned = 0
  do {
    const want = source.matches ? SCAN_LIMIT : PAGE
    const ended = from
    const read = await Promise.all(
      source.partitions.map(partition =>
        readBack(source, partition, ended.get(partition)!, bounds.first.get(partition)!, want),
      ),
    )
    const merged = merge(read.map(({ records }) => records)).reverse()
    const next = new Map(source.partitions.map((partition, i) => [partition, read[i]!.from]))
    let taken = 0
    for (const record of merged) {
      if (records.length >= PAGE) break
      taken++
      if (source.matches?.(record) ?? true) records.push(record)
    }
    for (const left of merged.slice(taken).reverse()) next.set(left.partition, left.offset + 1)
    scanned += taken
    from = next
    if (taken === 0) break
  } while (records.length < PAGE && source.matches && scanned < MAX_SCANNED && before(bounds.first, from))
  records.reverse()
  return { records, from, to, hasOlder: before(bounds.first, from), hasNewer: before(to, bounds.end), scanned }
}

const NOTHING = { records: [] as readonly LogRecord[], nextOffset: 0 }

async function readUpTo(source: Source, partition: number, offset: number, end: number, limit: number) {
  if (offset >= end) return { records: [] as readonly LogRecord[], nextOffset: offset }
  return read(source, partition, `offset=${offset}`, limit)
}

/** The last records before an offset, and where they begin. */
async function readBack(source: Source, partition: number, end: number, first: number, want: number) {
  let from = end
  let records: readonly LogRecord[] = []
  for (let step = 1; step <= MAX_STEPS_BACK && from > first && records.length === 0; step++) {
    from = Math.max(first, from - want * 2 ** (step - 1))
    records = await range(source, partition, from, end, want)
  }
  return { records, from }
}

async function range(source: Source, partition: number, from: number, end: number, want: number) {
  const found: LogRecord[] = []
  let offset = from
  while (offset < end) {
    const fetched = await read(source, partition, `offset=${offset}`, Math.min(end - offset, SCAN_LIMIT))
    found.push(...fetched.records.filter(record => record.offset < end))
    if (fetched.nextOffset <= offset) break
    offset = fetched.nextOffset
  }
  return found.slice(-want)
}

const before = (a: Vector, b: Vector): boolean => [...b].some(([partition, offset]) => (a.get(partition) ?? 0) < offset)
