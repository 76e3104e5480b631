// Members of a group that only take part in it: they join, say that they are alive, take what they are given, and leave.
// One of the classic protocol, one of KIP-848's, alike from outside, so that a test or a bench may have hundreds.

import {
  CONSUMER_PROTOCOL,
  readAssignment,
  writeAssignment,
  writeSubscription,
} from '../../src/coordinator/consumer-protocol.ts'
import { errorOf } from '../../src/protocol/errors.ts'
import { joinGroup } from '../../src/worker/kafka/apis/11-join-group.ts'
import { heartbeat } from '../../src/worker/kafka/apis/12-heartbeat.ts'
import { leaveGroup } from '../../src/worker/kafka/apis/13-leave-group.ts'
import { syncGroup } from '../../src/worker/kafka/apis/14-sync-group.ts'
import { consumerGroupHeartbeat } from '../../src/worker/kafka/apis/68-consumer-group-heartbeat.ts'
import { KafkaClient } from './kafka-client.ts'

const SESSION_TIMEOUT_MS = 45_000
const REBALANCE_TIMEOUT_MS = 300_000

export interface Place {
  readonly port: number
  readonly groupId: string
  readonly topic: string
  readonly partitions: number
}

/** One member on a connection of its own. */
export abstract class GroupMember {
  /** Partitions it has; undefined while it has no part in the group. */
  owned: readonly number[] | undefined
  /** The generation, or the member epoch, that it has them by. */
  epoch = 0
  protected readonly place: Place
  protected readonly client: KafkaClient
  #stopped = false

  constructor(place: Place, client: KafkaClient) {
    this.place = place
    this.client = client
  }

  /** Joins or says that it is alive; resolves with whether anything changed by it. */
  abstract step(): Promise<boolean>
  protected abstract depart(): Promise<unknown>

  get groupId(): string {
    return this.place.groupId
  }

  /** Takes part until it is stopped; `changed` is called whenever something is otherwise than before. */
  async run(heartbeatMs: number, changed: () => void): Promise<void> {
    this.#stopped = false
    while (!this.#stopped) {
      if (await this.step()) changed()
      else await new Promise(resolve => setTimeout(resolve, heartbeatMs))
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async leave(): Promise<void> {
    this.stop()
    await this.depart()
    this.client.close()
  }

  /** Gone without a word. */
  drop(): void {
    this.stop()
    this.client.close()
  }
}

class ClassicMember extends GroupMember {
  #memberId = ''

  async step(): Promise<boolean> {
    if (this.owned === undefined) return this.#join()
    const { groupId } = this.place
    const request = { groupId, generationId: this.epoch, memberId: this.#memberId }
    const error = errorOf((await this.client.call(heartbeat, 4, request)).errorCode)
    if (error === 'NONE') return false
    if (error !== 'REBALANCE_IN_PROGRESS') throw new Error(`Heartbeat: ${error}`)
    this.owned = undefined
    return true
  }

  async #join(): Promise<boolean> {
    const { groupId, topic } = this.place
    const joined = await this.client.call(joinGroup, 9, {
      groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      protocolType: CONSUMER_PROTOCOL,
      protocols: [{ name: 'range', metadata: writeSubscription([topic]) }],
    })
    this.#memberId = joined.memberId
    const error = errorOf(joined.errorCode)
    if (error === 'MEMBER_ID_REQUIRED' || error === 'REBALANCE_IN_PROGRESS') return this.#join()
    if (error !== 'NONE') throw new Error(`JoinGroup: ${error}`)
    const synced = await this.client.call(syncGroup, 5, {
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      protocolType: CONSUMER_PROTOCOL,
      protocolName: joined.protocolName,
      assignments: joined.leader === joined.memberId ? this.#assign(joined.members) : [],
    })
    const refused = errorOf(synced.errorCode)
    if (refused === 'REBALANCE_IN_PROGRESS') return true
    if (refused !== 'NONE') throw new Error(`SyncGroup: ${refused}`)
    this.epoch = joined.generationId
    this.owned = readAssignment(synced.assignment)!.assignedPartitions.flatMap(({ partitions }) => partitions)
    return true
  }

  /** In turn, as it leads: member i gets every partition that leaves i. */
  #assign(members: readonly { readonly memberId: string }[]) {
    const { topic, partitions } = this.place
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    return members.map(({ memberId }, i) => {
      const own = all.filter(partition => partition % members.length === i)
      return { memberId, assignment: writeAssignment([{ topic, partitions: own }], 1) }
    })
  }

  protected depart(): Promise<unknown> {
    const members = [{ memberId: this.#memberId, groupInstanceId: null }]
    return this.client.call(leaveGroup, 5, { groupId: this.place.groupId, members })
  }
}

class ConsumerMember extends GroupMember {
  readonly #memberId = crypto.randomUUID()
  /** What it is to say that it owns with its next heartbeat, which is nothing unless that changed. */
  #toReport: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null = []

  async step(): Promise<boolean> {
    const isNew = this.epoch === 0
    const answer = await this.client.call(consumerGroupHeartbeat, 1, {
      groupId: this.place.groupId,
      memberId: this.#memberId,
      memberEpoch: this.epoch,
      rebalanceTimeoutMs: isNew ? REBALANCE_TIMEOUT_MS : -1,
      subscribedTopicNames: isNew ? [this.place.topic] : null,
      topicPartitions: this.#toReport,
    })
    if (answer.errorCode !== 0) throw new Error(`ConsumerGroupHeartbeat: ${answer.errorMessage}`)
    const { memberEpoch, assignment } = answer
    const changed = memberEpoch !== this.epoch || assignment !== null
    this.epoch = memberEpoch
    this.#toReport = assignment?.topicPartitions ?? null
    if (assignment !== null) this.owned = assignment.topicPartitions.flatMap(({ partitions }) => partitions)
    return changed
  }

  protected depart(): Promise<unknown> {
    const { groupId } = this.place
    return this.client.call(consumerGroupHeartbeat, 1, { groupId, memberId: this.#memberId, memberEpoch: -1 })
  }
}

export type GroupProtocol = 'classic' | 'consumer'

export async function groupMember(protocol: GroupProtocol, place: Place): Promise<GroupMember> {
  const client = await KafkaClient.connect(place.port)
  return protocol === 'classic' ? new ClassicMember(place, client) : new ConsumerMember(place, client)
}

/** Whether they have all partitions between them, each once and as many as the next, by the same generation or epoch. */
export function isShared(members: readonly GroupMember[], partitions: number): boolean {
  if (members.some(({ owned, epoch }) => owned === undefined || epoch !== members[0]!.epoch)) return false
  const all = members.flatMap(({ owned }) => owned!)
  const counts = members.map(({ owned }) => owned!.length)
  // Who has joined may still have nothing while the others have everything.
  const isEven = Math.max(...counts) - Math.min(...counts) <= 1
  return isEven && all.length === partitions && new Set(all).size === partitions
}
