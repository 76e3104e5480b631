// The records a member of a group was sent and has not yet asked beyond, in the order sent: what of a partition may be
// committed ends before the first of them.

import type { Place } from './session.ts'

/** Offsets one after the other, of one partition. */
interface Run {
  readonly place: Place
  offset: number
  count: number
}

export class Unconfirmed {
  #runs: Run[] = []
  #first = 0
  /** Records; whoever sends them bounds it. */
  size = 0
  /** Below these offsets records are done with, although they were not confirmed in turn. */
  readonly #done = new Map<Place, number>()

  sent(place: Place, offset: number): void {
    this.size++
    const last = this.#first < this.#runs.length ? this.#runs.at(-1) : undefined
    if (last?.place === place && offset === last.offset + last.count) last.count++
    else this.#runs.push({ place, offset, count: 1 })
  }

  /** The reader is done with the oldest `count` of them. */
  confirm(count: number): void {
    let left = Math.min(count, this.size)
    this.size -= left
    while (left > 0) {
      const run = this.#runs[this.#first]!
      const taken = Math.min(left, run.count)
      run.offset += taken
      run.count -= taken
      left -= taken
      if (run.count === 0) this.#first++
    }
    if (this.size === 0) this.#done.clear()
    if (this.#first * 2 < this.#runs.length) return
    this.#runs = this.#runs.slice(this.#first)
    this.#first = 0
  }

  /** The reader is done with everything of this partition below the offset. */
  doneBelow(place: Place, offset: number): void {
    if (this.size > 0) this.#done.set(place, Math.max(offset, this.#done.get(place) ?? 0))
  }

  /** The partition is no longer read. Its records still count where others are confirmed in turn. */
  forget(place: Place): void {
    if (this.size > 0) this.#done.set(place, Number.POSITIVE_INFINITY)
  }

  /** The first offset of each partition that is not done with. Partitions without one are left out. */
  firsts(): ReadonlyMap<Place, number> {
    const firsts = new Map<Place, number>()
    for (let i = this.#first; i < this.#runs.length; i++) {
      const { place, offset, count } = this.#runs[i]!
      const done = this.#done.get(place) ?? 0
      if (!firsts.has(place) && done < offset + count) firsts.set(place, Math.max(offset, done))
    }
    return firsts
  }
}
