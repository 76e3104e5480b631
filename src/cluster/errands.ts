// What partitions still have to be told: that they are born and with which config, or that their topic is gone. An errand
// is stored with the decision it comes from and repeated until every partition has answered. Carrying it out is
// objects/cluster.ts; here is what is left to do, and when.
//
// tell   → (answered) gone.   A newer config or more partitions: more to tell.   The topic is deleted: remove.
// remove → (answered) once more, late, since a `tell` may still have been on its way → (answered) gone.

/** Partitions `from` up to, not including, `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface Errand {
  readonly kind: 'tell' | 'remove'
  /** The config to tell; of a removal the last one told. An answer counts only for the same kind, version and time. */
  readonly configVersion: number
  /** Partitions that have not answered. */
  readonly pending: readonly Range[]
  /** Partitions to remove once more, late: what was sent to them before the deletion might arrive after it. */
  readonly again: readonly Range[]
  /** This is that second time, which nobody waits for. */
  readonly late: boolean
  /** To be carried out now; otherwise from `dueMs` on. */
  readonly ready: boolean
  /** When to look after it again, should whoever carries it out have died meanwhile. */
  readonly dueMs: number
  /** Failed attempts in a row. */
  readonly attempts: number
  /** The overrides that say where the partitions live, kept for when the topic itself is gone. */
  readonly place: Readonly<Record<string, string>>
}

/** Which errand an attempt was for, as the one who carried it out saw it. */
export interface ErrandKey {
  readonly topicId: string
  readonly kind: 'tell' | 'remove'
  readonly configVersion: number
  readonly late: boolean
}

/** An errand that is ready is looked after again this late. */
const BEHIND_MS = 10_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 300_000
/** No call is on its way for longer than this. */
const LATE_MS = 60_000

const PLACE_CONFIGS = ['edgelog.jurisdiction', 'edgelog.location']

export const rangesOf = (from: number, to: number): readonly Range[] => (from < to ? [{ from, to }] : [])

/** `tell` the partitions of `ranges`, besides those the topic's errand has not told yet. */
export function telling(
  before: Errand | undefined,
  topic: { readonly config: Readonly<Record<string, string>>; readonly configVersion: number },
  ranges: readonly Range[],
  nowMs: number,
): Errand {
  return {
    kind: 'tell',
    configVersion: topic.configVersion,
    pending: union(before?.pending ?? [], ranges),
    again: [],
    late: false,
    place: placeOf(topic.config),
    attempts: 0,
    ...readyAt(nowMs),
  }
}

/** `remove` all partitions of a topic. */
export function removing(
  topic: {
    readonly config: Readonly<Record<string, string>>
    readonly configVersion: number
    readonly partitions: number
  },
  nowMs: number,
): Errand {
  return {
    kind: 'remove',
    configVersion: topic.configVersion,
    pending: rangesOf(0, topic.partitions),
    again: rangesOf(0, topic.partitions),
    late: false,
    place: placeOf(topic.config),
    attempts: 0,
    ...readyAt(nowMs),
  }
}

/** What is left once these partitions have answered; null: nothing. */
export function answered(errand: Errand, partitions: readonly number[], nowMs: number): Errand | null {
  const pending = without(errand.pending, partitions)
  if (pending.length > 0) return { ...errand, pending, attempts: 0 }
  if (errand.again.length === 0) return null
  return { ...errand, pending: errand.again, again: [], late: true, attempts: 0, ready: false, dueMs: nowMs + LATE_MS }
}

/** The attempt failed for what is left: later again, ever later. */
export function postponed(errand: Errand, nowMs: number): Errand {
  const waitMs = Math.min(FIRST_RETRY_MS * 2 ** errand.attempts, MAX_RETRY_MS)
  return { ...errand, ready: false, dueMs: nowMs + waitMs, attempts: Math.min(errand.attempts + 1, 30) }
}

/** It fell due: to be carried out now. */
export const due = (errand: Errand, nowMs: number): Errand => ({ ...errand, ...readyAt(nowMs) })

export const isFor = (errand: Errand | undefined, key: ErrandKey): errand is Errand =>
  errand !== undefined &&
  errand.kind === key.kind &&
  errand.configVersion === key.configVersion &&
  errand.late === key.late

/** The partitions of some ranges, in order. */
export function* partitionsOf(ranges: readonly Range[]): Iterable<number> {
  for (const { from, to } of ranges) for (let partition = from; partition < to; partition++) yield partition
}

const readyAt = (nowMs: number): { readonly ready: true; readonly dueMs: number } => ({
  ready: true,
  dueMs: nowMs + BEHIND_MS,
})

const placeOf = (config: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(PLACE_CONFIGS.flatMap(key => (config[key] === undefined ? [] : [[key, config[key]]])))

function union(some: readonly Range[], others: readonly Range[]): readonly Range[] {
  const merged: Range[] = []
  for (const range of [...some, ...others].toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && range.from <= last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) }
    else merged.push(range)
  }
  return merged
}

function without(ranges: readonly Range[], partitions: readonly number[]): readonly Range[] {
  const gone = new Set(partitions)
  const left: Range[] = []
  for (const partition of partitionsOf(ranges)) {
    if (gone.has(partition)) continue
    const last = left.at(-1)
    if (last?.to === partition) left[left.length - 1] = { from: last.from, to: partition + 1 }
    else left.push({ from: partition, to: partition + 1 })
  }
  return left
}
