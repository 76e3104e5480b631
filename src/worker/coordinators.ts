// Coordinators: the objects that keep a topic of the coordinators', a partition each. The one that has an id is asked, or
// all of them are.

import type { TopicView } from '../cluster/cluster.ts'
import { partitionFor } from '../coordinator/partition-for.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'

/** Asked at once when all are. */
const MAX_AT_ONCE = 25

export interface Kept<Stub> {
  readonly topic: string
  /** `group`, `transaction`: what a coordinator coordinates. */
  readonly what: string
  stub(partition: number): Stub
}

export class Coordinators<Stub> {
  readonly #broker: Broker
  readonly #kept: Kept<Stub>
  readonly #stubs = new Map<number, Stub>()

  constructor(broker: Broker, kept: Kept<Stub>) {
    this.#broker = broker
    this.#kept = kept
  }

  /** COORDINATOR_NOT_AVAILABLE, upon which clients try again, where it does not answer. */
  async ask<R>(id: string, { partitions }: TopicView, ask: (stub: Stub) => Promise<R>): Promise<R | Failure> {
    const partition = partitionFor(id, partitions)
    this.#broker.calls++
    try {
      return await ask(this.#stub(partition))
    } catch (error) {
      this.#stubs.delete(partition)
      return this.#unanswered(error)
    }
  }

  /** What all of them say; one that does not answer fails the whole, so that nobody takes a part for all. */
  async askAll<R>(ask: (stub: Stub) => Promise<readonly R[]>): Promise<R[] | Failure> {
    const { topic: name } = this.#kept
    const known = (await this.#broker.topics()).byName.get(name)
    const { partitions = 0 } = known ?? (await this.#broker.topics({ fresh: true })).byName.get(name) ?? {}
    const said: R[] = []
    for (let first = 0; first < partitions; first += MAX_AT_ONCE) {
      const wave = Array.from({ length: Math.min(MAX_AT_ONCE, partitions - first) }, (_, i) => first + i)
      this.#broker.calls += wave.length
      try {
        for (const part of await Promise.all(wave.map(partition => ask(this.#stub(partition))))) said.push(...part)
      } catch (error) {
        this.#stubs.clear()
        return this.#unanswered(error)
      }
    }
    return said
  }

  #stub(partition: number): Stub {
    let stub = this.#stubs.get(partition)
    if (stub === undefined) this.#stubs.set(partition, (stub = this.#kept.stub(partition)))
    return stub
  }

  #unanswered(error: unknown): Failure {
    const why = error instanceof Error ? error.message : String(error)
    return failure('COORDINATOR_NOT_AVAILABLE', `The ${this.#kept.what}'s coordinator did not answer: ${why}`)
  }
}
