// Compaction of one log, in passes of bounded steps: a map of where each key stands last in the dirty part (map-filling.ts),
// then all segments up to there written anew without what it outdates (cleaning.ts), neighbours merged, each put in place
// of its originals in one transaction. When that is worth it is cleanable.ts. Kafka's Cleaner.
//
// A step writes its share of a new segment together with how far it got, so an eviction costs only the map, which is filled
// again from a dirty part whose latest records are all still there. What the map does not cover is kept: a pass may end
// early for any reason, and the next one begins there. The oldest goes first, so that a tombstone outlives what it deletes.

import { type CleanableLog, cleanableMs, cleanableUpTo, nextGroup } from './cleanable.ts'
import { toChunks } from './chunk.ts'
import { Cleaning, type CleaningPass, READ_BYTES } from './cleaning.ts'
import { isCompacted } from './config.ts'
import { MapFilling } from './map-filling.ts'
import type { OffsetMap } from './offset-map.ts'
import type { Producers } from './producers.ts'
import { emptySegment, grown, type Segment } from './segments.ts'
import type { Store } from './store.ts'

/** Stored with every step that writes. */
interface State {
  /** Below it no key stands twice. */
  readonly firstDirtyOffset: number
  /** Bytes a map may be filled from: half of what the last attempt wanted, which did not get to its end. */
  readonly mapBytes?: number
  readonly pass?: Pass
}

interface Pass {
  /** The map knows the records from the first dirty one up to here. */
  readonly endOffset: number
  /** Where the segments end that could be cleaned when the pass began. */
  readonly upTo: number
  /** Everything before is written anew. */
  readonly position: number
  /** Producers whose transactions reach beyond the position (Cleaning.found): bounded, as open transactions are. */
  readonly found?: readonly number[]
  /** The half-built segment; its offsets are those of the segments it is made of. */
  readonly output?: Segment | undefined
}

interface Begun {
  readonly group: readonly Segment[]
  readonly output: Segment | undefined
  readonly position: number
  readonly found: readonly number[]
}

interface Step {
  /** As they now are. */
  readonly segments: readonly Segment[]
  /** Nothing of it is done again after an eviction. */
  readonly isStored: boolean
}

export class Cleaner {
  readonly #store: Store
  readonly #maxKeys: number | undefined
  #state: State
  #filling: MapFilling | undefined
  /** The filled map of the pass. */
  #map: OffsetMap | undefined

  constructor(store: Store, maxKeys?: number) {
    this.#store = store
    this.#maxKeys = maxKeys
    const stored = store.cleaner()
    this.#state = stored === undefined ? { firstDirtyOffset: 0 } : (JSON.parse(stored) as State)
  }

  /** When a step is next worth it, ms; 0 in the middle of a pass, undefined while there is nothing to clean. */
  dueMs(log: CleanableLog): number | undefined {
    if (this.#state.pass !== undefined && isCompacted(log.config)) return 0
    return cleanableMs(log, this.#firstDirty(log))
  }

  /** Goes on for about `maxBytes`, as cleaning.ts counts them. */
  step(log: CleanableLog, producers: Producers, nowMs: number, maxBytes: number): Step {
    const { pass } = this.#state
    if (pass !== undefined && this.#map !== undefined) {
      const deleteRetentionMs = log.config['delete.retention.ms']
      const { endOffset, upTo } = pass
      const cleaning = { endOffset, upTo, map: this.#map, producers, nowMs, deleteRetentionMs }
      return { segments: this.#rewrite(log, pass, cleaning, maxBytes), isStored: true }
    }
    this.#fill(log, nowMs, maxBytes)
    return { segments: log.segments, isStored: false }
  }

  /** The topic is compacted no longer: what is half built goes, what is cleaned stays. */
  abandon(): void {
    const { pass, firstDirtyOffset } = this.#state
    this.rest()
    if (pass === undefined) return
    if (pass.output !== undefined) this.#store.dropTable(pass.output)
    this.#save({ firstDirtyOffset })
  }

  /** Gives back the memory; the pass goes on from what is stored. */
  rest(): void {
    this.#filling = undefined
    this.#map = undefined
  }

  #fill(log: CleanableLog, nowMs: number, maxBytes: number): void {
    const { pass, mapBytes = Number.POSITIVE_INFINITY } = this.#state
    const firstDirtyOffset = this.#firstDirty(log)
    const upTo = pass?.upTo ?? cleanableUpTo(log, firstDirtyOffset, nowMs)
    const endOffset = pass?.endOffset ?? upTo
    // Records were deleted meanwhile, and nothing is left that the pass could clean.
    if (endOffset <= firstDirtyOffset) return this.abandon()
    const begins = this.#filling === undefined
    this.#filling ??= new MapFilling(this.#store, {
      firstDirtyOffset,
      upTo: endOffset,
      maxBytes: mapBytes,
      maxKeys: this.#maxKeys,
    })
    const { map, position } = this.#filling
    if (this.#filling.step(log, maxBytes)) {
      const first = log.segments[0]!.baseOffset
      this.#state = { firstDirtyOffset, pass: { position: first, upTo, ...pass, endOffset: this.#filling.position } }
      this.#filling = undefined
      this.#map = map
    } else if (begins) {
      const wanted = Math.min(mapBytes, bytesWithin(log, position, endOffset))
      this.#save({ ...this.#state, mapBytes: Math.max(maxBytes, Math.floor(wanted / 2)) })
    }
  }

  #rewrite(log: CleanableLog, pass: Pass, of: CleaningPass, maxBytes: number): readonly Segment[] {
    const begun = this.#begun(log, pass)
    const { group, output } = begun
    if (output === undefined) {
      this.#end(pass)
      return log.segments
    }
    const cleaning = new Cleaning(this.#store, of, begun.position, begun.found, maxBytes)
    const isAll = this.#readOn(group, cleaning)
    const chunks = toChunks(cleaning.remaining)
    for (const chunk of chunks) this.#store.insertChunk(output, chunk)
    const larger = chunks.reduce(grown, output)
    const { position } = cleaning
    const found = [...cleaning.found]
    if (!isAll) {
      this.#save({ ...this.#state, pass: { ...pass, position, found, output: larger } })
      return log.segments
    }
    this.#store.replaceSegments(group, larger)
    const segments = log.segments.flatMap(segment =>
      segment === group[0] && larger.chunks > 0 ? [larger] : group.includes(segment) ? [] : [segment],
    )
    const { output: _, ...done } = { ...pass, position, found }
    if (nextGroup({ ...log, segments }, position, pass.endOffset).length > 0) this.#save({ ...this.#state, pass: done })
    else this.#end(done)
    return segments
  }

  /** What is being made into one segment, and where to go on; without a half-built one the pass is over. */
  #begun(log: CleanableLog, pass: Pass): Begun {
    const { output } = pass
    let { position, found = [] } = pass
    if (output !== undefined) {
      const group = log.segments.filter(
        ({ baseOffset }) => baseOffset >= output.baseOffset && baseOffset < output.nextOffset,
      )
      if (group[0]?.baseOffset === output.baseOffset) return { group, output, position, found }
      // Retention took the first of them meanwhile, and so everything before the others.
      this.#store.dropTable(output)
      position = group[0]?.baseOffset ?? output.nextOffset
      found = []
    }
    const group = nextGroup(log, position, pass.endOffset)
    const [first, last] = [group[0], group.at(-1)]
    if (first === undefined || last === undefined) return { group, output: undefined, position, found }
    const { nextOffset, createdMs } = last
    const empty = { ...emptySegment(first.baseOffset, createdMs), nextOffset, generation: first.generation + 1 }
    this.#store.createTable(empty)
    return { group, output: empty, position: first.baseOffset, found }
  }

  /** Reads on where the cleaning is. True at the end of the segments, false if enough was read before. */
  #readOn(group: readonly Segment[], cleaning: Cleaning): boolean {
    for (const segment of group) {
      if (segment.nextOffset <= cleaning.position) continue
      const from = this.#store.chunkStart(segment, cleaning.position)
      for (const chunk of this.#store.chunkBytesFrom(segment, from, READ_BYTES)) {
        cleaning.take(chunk)
        if (cleaning.bytesLeft <= 0) return false
      }
      cleaning.position = segment.nextOffset
    }
    return true
  }

  /** Nothing that was aborted is left below the end, so nobody need know of it. */
  #end(pass: Pass): void {
    this.rest()
    this.#store.forgetAborted(pass.endOffset)
    this.#save({ firstDirtyOffset: pass.endOffset })
  }

  #save(state: State): void {
    this.#store.setCleaner(JSON.stringify(state))
    this.#state = state
  }

  #firstDirty(log: CleanableLog): number {
    return Math.max(this.#state.firstDirtyOffset, log.logStartOffset)
  }
}

const bytesWithin = ({ segments }: CleanableLog, from: number, to: number): number =>
  segments.reduce((sum, { baseOffset, nextOffset, sizeBytes }) => {
    return nextOffset > from && baseOffset < to ? sum + sizeBytes : sum
  }, 0)
