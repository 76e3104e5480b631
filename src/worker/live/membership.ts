// A live consumer as a member of a group, whichever protocol the group speaks: what the member asks of its reader, what
// the reader asks of it, and how long either waits. The protocols are classic-member.ts and consumer-member.ts.

import type { NamedPartitions } from '../../coordinator/consumer-protocol.ts'
import type { Commit, PartitionErrors } from '../../coordinator/offsets.ts'
import { type ErrorName, type Failure, isFailure } from '../../protocol/errors.ts'
import type { Broker, Topics } from '../broker.ts'

/** What others wait for a member to give up its partitions and join again. */
export const REBALANCE_TIMEOUT_MS = 60_000
/** Tries in a row before a member is given up, the wait doubling from the first to the last. */
const MAX_RETRIES = 20
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/** As the group's members are listed. */
export const CLIENT_ID = 'live'

export interface GroupReader {
  /** Reads these, too, from where the group is. */
  assigned(partitions: NamedPartitions): Promise<void>
  /** Reads these no more; resolves when others may have them. */
  revoked(partitions: NamedPartitions): Promise<void>
  /** Reads these no more: others have them already. */
  lost(partitions: NamedPartitions): void
}

export interface MemberOptions {
  readonly broker: Pick<Broker, 'groups' | 'topics'>
  readonly reader: GroupReader
  readonly groupId: string
  /** Set for static members. */
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly topics: readonly string[]
  readonly clientHost: string
  /** As the group's members are listed, if not as a live consumer. */
  readonly clientId?: string
  /** As the group knew this member before its memory was lost. */
  readonly memberId?: string | undefined
  /** Told how the group knows this member. */
  readonly named?: (memberId: string) => void
}

export interface Membership {
  /** The first word to the group, which answers at once: why there can be no membership at all. */
  begin(): Promise<Failure | undefined>
  /** Takes part until it has left, or cannot go on, which is why. */
  run(): Promise<Failure | undefined>
  commit(topics: Commit['topics']): Promise<PartitionErrors | Failure>
  /** Gives its partitions back at once; a static member keeps its place until its session ends. */
  leave(): Promise<void>
}

/** A wait that can be cut short. */
export class Pause {
  #wake: (() => void) | undefined

  for(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  wake(): void {
    this.#wake?.()
  }
}

/** How often in a row something failed that may be tried again, and the wait before it is. */
export class Retries {
  #count = 0

  get isOver(): boolean {
    return this.#count >= MAX_RETRIES
  }

  nextMs(): number {
    return Math.min(FIRST_RETRY_MS * 2 ** this.#count++, LAST_RETRY_MS)
  }

  reset(): void {
    this.#count = 0
  }
}

/** The cluster's topics; while the cluster is not there for a moment, they are waited for. */
export async function topicsOf({ topics }: { topics: () => Promise<Topics> }): Promise<Topics> {
  const retries = new Retries()
  for (;;)
    try {
      return await topics()
    } catch (error) {
      if (retries.isOver) throw error
      await new Promise(resolve => setTimeout(resolve, retries.nextMs()))
    }
}

/** What is answered once the answer is more than that somebody is not there for a moment. */
export async function whenThere<T>(ask: () => Promise<T | Failure>): Promise<T | Failure> {
  const retries = new Retries()
  for (;;) {
    const answer = await ask()
    if (!isFailure(answer)) return answer
    const passes = answer.error === 'UNSTABLE_OFFSET_COMMIT' || isPassing(answer.error)
    if (!passes || retries.isOver) return answer
    await new Promise(resolve => setTimeout(resolve, retries.nextMs()))
  }
}

/** The coordinator is not there for a moment. */
export const isPassing = (error: ErrorName): boolean =>
  error === 'COORDINATOR_NOT_AVAILABLE' ||
  error === 'COORDINATOR_LOAD_IN_PROGRESS' ||
  error === 'NOT_COORDINATOR' ||
  error === 'REQUEST_TIMED_OUT'
