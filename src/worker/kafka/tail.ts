// What a connection follows: one partition's tail, from where the client has read to, with new batches arriving before the
// client asks for them. A client that jumps elsewhere loses its tail and gets another.

import { joined } from '../../protocol/bytes.ts'
import type { Aborted, LogBounds, ReadRequest } from '../../log/fetch.ts'
import { type Failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Followed, Follower } from '../follower.ts'
import type { TopicView } from '../../cluster/cluster.ts'

export class Tail {
  readonly #follower: Follower
  readonly #arrived: () => void
  #data: Extract<Followed, { type: 'data' }>[] = []
  /** Where the client has read to. */
  position: number
  /** How far the log reached when it last said so. */
  bounds: LogBounds | undefined
  failed: Failure | undefined

  private constructor(follower: Follower, position: number, arrived: () => void) {
    this.#follower = follower
    this.position = position
    this.#arrived = arrived
    void this.#pump()
  }

  /** `creditBytes` bounds what waits here; `arrived` is called whenever there is something new. */
  static async open(
    broker: Broker,
    topic: TopicView,
    partition: number,
    offset: number,
    creditBytes: number,
    isolation: ReadRequest['isolation'],
    arrived: () => void,
  ): Promise<Tail | Failure> {
    const follower = await broker.follow(topic, partition, { offset, creditBytes, isolation })
    return isFailure(follower) ? follower : new Tail(follower, offset, arrived)
  }

  /** Is there anything that a reader at `position` has not been told? */
  get hasNews(): boolean {
    return this.#data.length > 0 || this.failed !== undefined
  }

  /** What has arrived, at most about `maxBytes` but at least one push; the log may then send as much again. */
  take(maxBytes: number): { readonly records: Uint8Array; readonly aborted: readonly Aborted[] } {
    const taken: Uint8Array[] = []
    const aborted: Aborted[] = []
    let bytes = 0
    for (let next = this.#data[0]; next !== undefined; next = this.#data[0]) {
      if (taken.length > 0 && bytes + next.records.length > maxBytes) break
      this.#data.shift()
      taken.push(next.records)
      aborted.push(...(next.aborted ?? []))
      bytes += next.records.length
      this.position = next.nextOffset
    }
    if (bytes > 0) this.#follower.credit(bytes)
    return { records: joined(taken), aborted }
  }

  close(): void {
    this.#follower.close()
  }

  async #pump(): Promise<void> {
    for (;;) {
      const followed = await this.#follower.next()
      if (followed.type === 'error') this.failed = followed
      else this.bounds = followed
      if (followed.type === 'data') this.#data.push(followed)
      this.#arrived()
      if (followed.type === 'error') return
    }
  }
}
