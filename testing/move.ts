// What edgelog/testing says to the broker it runs (on-clock.ts) when its clock is moved.

/** The header with the secret that only who started the broker knows. */
export const MOVE_HEADER = 'edgelog-testing'

/** Sets the clock, then wakes all of these objects: what has fallen due is done when it is answered. */
export interface Move {
  readonly aheadMs: number
  /** Ids by binding. */
  readonly objects: Readonly<Record<string, readonly string[]>>
}
