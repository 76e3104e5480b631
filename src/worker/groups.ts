// Groups: a group's id to its coordinator, and one question to it; or one to all coordinators.

import { OFFSETS_TOPIC, OFFSETS_TOPIC_ID } from '../cluster/internal.ts'
import type { GroupCommand, GroupReplies } from '../coordinator/commands.ts'
import type { ListedGroup } from '../coordinator/describe.ts'
import type { CoordinatorObject } from '../objects/coordinator.ts'
import type { Rpc } from '../objects/place.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import { Coordinators } from './coordinators.ts'

type Stub = Rpc<Pick<CoordinatorObject, 'ask' | 'list'>>

export class Groups {
  readonly #broker: Broker
  readonly #coordinators: Coordinators<Stub>

  constructor(broker: Broker, namespace: DurableObjectNamespace<CoordinatorObject>) {
    this.#broker = broker
    this.#coordinators = new Coordinators(broker, {
      topic: OFFSETS_TOPIC,
      what: 'group',
      stub: partition => namespace.getByName(`${OFFSETS_TOPIC_ID}-${partition}`) as unknown as Stub,
    })
  }

  /** What the group answers; COORDINATOR_NOT_AVAILABLE, upon which clients try again, where its coordinator does not. */
  async ask<C extends GroupCommand>(groupId: string, command: C): Promise<GroupReplies[C['type']] | Failure> {
    const topic = await this.#broker.offsetsTopic()
    const ask = (stub: Stub) => stub.ask(groupId, command) as Promise<GroupReplies[C['type']]>
    return this.#coordinators.ask(groupId, topic, ask)
  }

  /** All groups; a coordinator that does not answer fails the whole. */
  async list(): Promise<readonly ListedGroup[] | Failure> {
    const groups = await this.#coordinators.askAll<ListedGroup>(stub => stub.list())
    return isFailure(groups) ? groups : groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }
}
