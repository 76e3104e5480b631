// Groups: a group's id to its coordinator, and one question to it; or one to all coordinators.

import { OFFSETS_TOPIC, OFFSETS_TOPIC_ID } from '../cluster/internal.ts'
import type { GroupCommand, GroupReplies } from '../coordinator/commands.ts'
import type { ListedGroup } from '../coordinator/describe.ts'
import { partitionFor } from '../coordinator/partition-for.ts'
import type { CoordinatorObject } from '../objects/coordinator.ts'
import type { Rpc } from '../objects/place.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'

/** Coordinators asked at once when all are. */
const MAX_AT_ONCE = 25

type Stub = Rpc<Pick<CoordinatorObject, 'ask' | 'list'>>

export class Groups {
  readonly #broker: Broker
  readonly #namespace: DurableObjectNamespace<CoordinatorObject>
  readonly #stubs = new Map<number, Stub>()

  constructor(broker: Broker, namespace: DurableObjectNamespace<CoordinatorObject>) {
    this.#broker = broker
    this.#namespace = namespace
  }

  /** What the group answers; COORDINATOR_NOT_AVAILABLE, upon which clients try again, where its coordinator does not. */
  async ask<C extends GroupCommand>(groupId: string, command: C): Promise<GroupReplies[C['type']] | Failure> {
    const topic = await this.#broker.offsetsTopic()
    if (isFailure(topic)) return topic
    const partition = partitionFor(groupId, topic.partitions)
    this.#broker.calls++
    try {
      return (await this.#stub(partition).ask(groupId, command)) as GroupReplies[C['type']]
    } catch (error) {
      this.#stubs.delete(partition)
      return unanswered(error)
    }
  }

  /** All groups; a coordinator that does not answer fails the whole, so that nobody takes a part for all. */
  async list(): Promise<readonly ListedGroup[] | Failure> {
    const { byName } = await this.#broker.topics()
    const topic = byName.get(OFFSETS_TOPIC) ?? (await this.#broker.topics({ fresh: true })).byName.get(OFFSETS_TOPIC)
    const groups: ListedGroup[] = []
    for (let first = 0; first < (topic?.partitions ?? 0); first += MAX_AT_ONCE) {
      const wave = Array.from({ length: Math.min(MAX_AT_ONCE, topic!.partitions - first) }, (_, i) => first + i)
      this.#broker.calls += wave.length
      try {
        for (const listed of await Promise.all(wave.map(partition => this.#stub(partition).list())))
          groups.push(...listed)
      } catch (error) {
        this.#stubs.clear()
        return unanswered(error)
      }
    }
    return groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  #stub(partition: number): Stub {
    let stub = this.#stubs.get(partition)
    if (stub === undefined) {
      stub = this.#namespace.getByName(`${OFFSETS_TOPIC_ID}-${partition}`) as unknown as Stub
      this.#stubs.set(partition, stub)
    }
    return stub
  }
}

function unanswered(error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error)
  return failure('COORDINATOR_NOT_AVAILABLE', `The group's coordinator did not answer: ${why}`)
}
