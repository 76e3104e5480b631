// Members of one group or of many, on a topic that has a partition for each member of a group: they come, one leaves or
// comes, and whoever measures or checks is told when all groups have settled.

import { createTopics } from '../../src/worker/kafka/apis/19-create-topics.ts'
import { type GroupMember, type GroupProtocol, groupMember, isShared } from './group-member.ts'
import { KafkaClient } from './kafka-client.ts'
import { aTopic } from './kafka-requests.ts'

/** Much more often than clients do, so that what is seen is the broker and not how long a member had not asked. */
export const HEARTBEAT_MS = 100
const CONNECTS_AT_ONCE = 50

export interface Gathered {
  readonly port: number
  readonly protocol: GroupProtocol
  readonly groupIds: readonly string[]
  readonly membersEach: number
  readonly settleWithinMs: number
}

export class Gathering {
  readonly members: GroupMember[] = []
  readonly #gathered: Gathered
  readonly #topic = `gathering-${crypto.randomUUID()}`
  #running: Promise<void>[] = []
  #changed: () => void = () => {}
  #failed: (error: unknown) => void = () => {}

  private constructor(gathered: Gathered) {
    this.#gathered = gathered
  }

  /** They are connected; with `settled` they join. */
  static async of(gathered: Gathered): Promise<Gathering> {
    const gathering = new Gathering(gathered)
    const { port, groupIds, membersEach } = gathered
    const admin = await KafkaClient.connect(port)
    await admin.call(createTopics, 7, aTopic(gathering.#topic, membersEach))
    admin.close()
    const wanted = groupIds.flatMap(groupId => Array.from({ length: membersEach }, () => groupId))
    for (let first = 0; first < wanted.length; first += CONNECTS_AT_ONCE) {
      const wave = wanted.slice(first, first + CONNECTS_AT_ONCE)
      gathering.members.push(...(await Promise.all(wave.map(groupId => gathering.#connect(groupId)))))
    }
    return gathering
  }

  #connect(groupId: string): Promise<GroupMember> {
    const { port, protocol, membersEach } = this.#gathered
    return groupMember(protocol, { port, groupId, topic: this.#topic, partitions: membersEach })
  }

  /** Does what is to be done, has all take part, and resolves with the ms until each group's partitions are shared. */
  async settled(act?: () => Promise<void>): Promise<number> {
    const { settleWithinMs } = this.#gathered
    const start = performance.now()
    const whole = new Promise<void>((resolve, reject) => {
      this.#changed = () => this.unsettled.length === 0 && resolve()
      this.#failed = reject
    })
    const late = setTimeout(
      () => this.#failed(new Error(`${this.unsettled.length} groups unsettled after ${settleWithinMs} ms`)),
      settleWithinMs,
    )
    try {
      await act?.()
      if (this.#running.length === 0) for (const member of this.members) this.#run(member)
      await whole
      return performance.now() - start
    } finally {
      clearTimeout(late)
    }
  }

  /** Groups whose partitions are not shared among all their members, each once. */
  get unsettled(): string[] {
    const byGroup = Map.groupBy(this.members, ({ groupId }) => groupId)
    return [...byGroup].filter(([, members]) => !isShared(members, this.#gathered.membersEach)).map(([id]) => id)
  }

  /** One more in the first group. */
  async join(): Promise<void> {
    const member = await this.#connect(this.#gathered.groupIds[0]!)
    this.members.push(member)
    this.#run(member)
  }

  /** The one who came last. */
  async leave(): Promise<void> {
    await this.members.pop()!.leave()
  }

  /** Until the next `settled` nobody does anything of itself. */
  async pause(): Promise<void> {
    for (const member of this.members) member.stop()
    await Promise.all(this.#running)
    this.#running = []
  }

  /** All gone without a word. */
  async disperse(): Promise<void> {
    await this.pause()
    for (const member of this.members) member.drop()
  }

  #run(member: GroupMember): void {
    const running = member.run(HEARTBEAT_MS, () => this.#changed()).catch((error: unknown) => this.#failed(error))
    this.#running.push(running)
  }
}
