// What edgelog/testing says to the broker it runs (on-clock.ts).

/** The header with the secret that only who started the broker knows. */
export const SECRET_HEADER = 'edgelog-testing'

export interface Word {
  /** Sets the clock, then wakes the objects: what has fallen due is done when it is answered. */
  readonly aheadMs?: number
  /** Drops the objects' memory. */
  readonly evict?: true
  /** Every object there is: ids by binding. */
  readonly objects: Readonly<Record<string, readonly string[]>>
}
