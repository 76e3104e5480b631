// Transactional producers for requests that name none: each isolate has some, which its requests use in turns. The epoch rises
// with every transaction (KIP-890), so one that was given back whole needs nothing to go on. Ids of isolates that are gone
// are forgotten by their coordinators 15 minutes after the last transaction (PASSING_ID).

import { PASSING_ID } from '../coordinator/transaction-commands.ts'
import type { TransactionalProducer } from './lane.ts'

/** Kept for later requests; as many are in use as requests are under way. */
const MAX_IDLE = 100
/** Not used for so long, its coordinator may be about to forget it. */
const MAX_IDLE_MS = 600_000
/** Long before the epochs run out. */
const MAX_EPOCH = 30_000

export interface NamedProducer extends TransactionalProducer {
  readonly transactionalId: string
}
interface Idle extends NamedProducer {
  readonly timeoutMs: number
  readonly sinceMs: number
}

export class PassingProducers {
  /** Oldest first: the partitions of its last transaction have been told by now. */
  #idle: Idle[] = []

  /** One that is ready for a transaction; undefined: make one, with newId(). */
  take(timeoutMs: number, nowMs: number): NamedProducer | undefined {
    this.#idle = this.#idle.filter(({ sinceMs }) => nowMs - sinceMs < MAX_IDLE_MS)
    const at = this.#idle.findIndex(idle => idle.timeoutMs === timeoutMs)
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0]
  }

  newId(): string {
    return PASSING_ID + crypto.randomUUID()
  }

  /** Its last transaction has ended, and this is who it is now. */
  giveBack(producer: NamedProducer, timeoutMs: number, nowMs: number): void {
    if (producer.producerEpoch < MAX_EPOCH && this.#idle.length < MAX_IDLE)
      this.#idle.push({ ...producer, timeoutMs, sinceMs: nowMs })
  }
}

const pools = new WeakMap<object, PassingProducers>()

/** Those of this isolate: plain data, which requests may share. */
export function passingProducers(namespace: object): PassingProducers {
  let pool = pools.get(namespace)
  if (pool === undefined) pools.set(namespace, (pool = new PassingProducers()))
  return pool
}
