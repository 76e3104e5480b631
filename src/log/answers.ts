// What requests with an idempotency key were answered, for when they come again: written with the append it tells of, so that
// there is never one without the other. Answers are kept in generations, each a table of its own: letting one go is one DROP
// TABLE, which costs no rows, and what is kept takes no memory.

import type { Appended } from './append.ts'
import type { Store } from './store.ts'

/** How long a repeated request is recognised for sure; up to twice as long it may be. */
export const ANSWER_KEPT_MS = 900_000
/** Answers of one generation; the next begins when there are as many, or after ANSWER_KEPT_MS. */
const MAX_IN_GENERATION = 250_000
/** Beyond them the oldest goes before its time. */
const MAX_GENERATIONS = 4

export class Answers {
  readonly #store: Store
  /** When each began, ms, oldest first: their names, too. */
  #generations: readonly number[]
  /** Answers in the newest. */
  #count: number
  /** Decided, and written with the next commit. */
  #pending = new Map<string, Appended>()

  constructor(store: Store) {
    this.#store = store
    this.#generations = store.answerGenerations()
    const newest = this.#generations.at(-1)
    this.#count = newest === undefined ? 0 : store.countAnswers(newest)
  }

  get dirty(): boolean {
    return this.#pending.size > 0
  }

  get(key: string): Appended | undefined {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    for (const generation of this.#generations.toReversed()) {
      const kept = this.#store.answer(generation, key)
      if (kept !== undefined) return JSON.parse(kept) as Appended
    }
    return undefined
  }

  keep(key: string, answer: Appended): void {
    this.#pending.set(key, answer)
  }

  /** Inside the host's transaction. */
  write(nowMs: number): void {
    if (this.#pending.size === 0) return
    const newest = this.#generations.at(-1)
    const isDone = newest === undefined || nowMs - newest >= ANSWER_KEPT_MS || this.#count >= MAX_IN_GENERATION
    const generation = isDone ? this.#begin(Math.max(nowMs, (newest ?? 0) + 1)) : newest
    for (const [key, answer] of this.#pending) this.#store.keepAnswer(generation, key, JSON.stringify(answer))
    this.#count += this.#pending.size
    this.#pending = new Map()
  }

  /** Forgets what is old. Inside the host's transaction. */
  expire(nowMs: number): void {
    const isOld = (_: number, i: number): boolean => this.#expiryMs(i) <= nowMs
    const old = this.#generations.filter(isOld)
    if (old.length > 0) this.#drop(old)
  }

  /** When `expire` is next worth calling, ms; undefined while nothing is kept. */
  get deadlineMs(): number | undefined {
    return this.#generations.length === 0 ? undefined : this.#expiryMs(0)
  }

  /** The youngest answer of a generation is as old as the next one, or, at most, ANSWER_KEPT_MS younger than itself. */
  #expiryMs(i: number): number {
    const ended = this.#generations[i + 1] ?? Infinity
    return Math.min(ended, this.#generations[i]! + ANSWER_KEPT_MS) + ANSWER_KEPT_MS
  }

  #begin(generation: number): number {
    this.#store.beginAnswers(generation)
    this.#generations = [...this.#generations, generation]
    this.#count = 0
    if (this.#generations.length > MAX_GENERATIONS) this.#drop(this.#generations.slice(0, -MAX_GENERATIONS))
    return generation
  }

  #drop(old: readonly number[]): void {
    for (const generation of old) this.#store.dropAnswers(generation)
    this.#generations = this.#generations.filter(generation => !old.includes(generation))
    if (this.#generations.length === 0) this.#count = 0
  }
}
