// The clock of a broker in a test: everything in this isolate that asks for the time is told it here. Loaded first of all by
// testing/on-clock.ts, and by nothing that is deployed.

import { env } from 'cloudflare:workers'

const real = Date.now

let aheadMs = Number((env as { EDGELOG_TESTING_AHEAD_MS?: string }).EDGELOG_TESTING_AHEAD_MS ?? 0)

Date.now = () => real() + aheadMs

/** How far it is ahead of the machine's. */
export const ahead = (): number => aheadMs

export function setAhead(ms: number): void {
  aheadMs = ms
}
