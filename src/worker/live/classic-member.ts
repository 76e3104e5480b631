// A live consumer as a member of a classic group: it joins, gets its part of the assignment, heartbeats, and gives
// everything up before it joins again (eager, as every client that also has eager assignors). It may be made leader, and
// then assigns for all. Kafka's AbstractCoordinator and ConsumerCoordinator.

import type { GroupCommand, GroupReplies } from '../../coordinator/commands.ts'
import type { JoinedMember, JoinReply } from '../../coordinator/classic.ts'
import { clientAssignors, type Subscriber } from '../../coordinator/client-assignors.ts'
import {
  CONSUMER_PROTOCOL,
  type NamedPartitions,
  readAssignment,
  readSubscription,
  readTopics,
  writeAssignment,
  writeSubscription,
} from '../../coordinator/consumer-protocol.ts'
import type { Commit, PartitionErrors } from '../../coordinator/offsets.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Topics } from '../broker.ts'
import {
  CLIENT_ID,
  isPassing,
  type MemberOptions,
  type Membership,
  Pause,
  REBALANCE_TIMEOUT_MS,
  Retries,
  topicsOf,
} from './membership.ts'

/** Kafka's heartbeat.interval.ms, or a third of a shorter session. */
const MAX_HEARTBEAT_MS = 3_000
/** JoinGroup gives out ids first, and a leader that came back leaves the assignment as it is. */
const JOIN_VERSION = 9
const COMMIT_VERSION = 9
const ASSIGNMENT_VERSION = 1

type Joined = Exclude<JoinReply, Failure>

export class ClassicMember implements Membership {
  readonly #options: MemberOptions
  readonly #pause = new Pause()
  readonly #retries = new Retries()
  readonly #intervalMs: number
  #memberId = ''
  #generation = -1
  #owned: NamedPartitions = []
  /** Leader: the partitions of everyone's topics when it assigned them. */
  #assignedFor = ''
  #left = false

  constructor(options: MemberOptions) {
    this.#options = options
    this.#memberId = options.memberId ?? ''
    this.#intervalMs = Math.min(MAX_HEARTBEAT_MS, Math.ceil(options.sessionTimeoutMs / 3))
  }

  /** A static member, or one that is known, is parked at once, so it can only be seen later what is wrong. */
  async begin(): Promise<Failure | undefined> {
    if (this.#options.instanceId !== null || this.#memberId !== '') return undefined
    const reply = await this.#join()
    if (!('error' in reply)) return undefined
    return this.#afterFailure(reply)
  }

  async run(): Promise<Failure | undefined> {
    while (!this.#left) {
      const failed = await this.#takePart()
      if (failed !== undefined && !this.#left) return failed
    }
    return undefined
  }

  commit(topics: Commit['topics']): Promise<PartitionErrors | Failure> {
    return this.#ask({
      type: 'commit',
      version: COMMIT_VERSION,
      memberId: this.#memberId,
      groupInstanceId: this.#options.instanceId,
      generationId: this.#generation,
      retentionTimeMs: -1,
      topics,
    })
  }

  async leave(): Promise<void> {
    this.#left = true
    this.#pause.wake()
    if (this.#memberId === '' || this.#options.instanceId !== null) return
    await this.#ask({ type: 'leave', members: [{ memberId: this.#memberId, groupInstanceId: null }] })
  }

  /** From joining to giving up: one generation. */
  async #takePart(): Promise<Failure | undefined> {
    const joined = await this.#join()
    if ('error' in joined) return this.#afterFailure(joined)
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    if (this.#left) return this.leave().then(() => undefined)
    const leads = joined.leader === joined.memberId
    const synced = await this.#ask({
      type: 'sync',
      ...this.#self,
      protocolType: joined.protocolType,
      protocolName: joined.protocolName,
      assignments: leads && !joined.skipAssignment ? await this.#assign(joined) : [],
    })
    if (isFailure(synced)) return this.#afterFailure(synced)
    const assignment = readAssignment(synced.assignment)
    if (assignment === undefined)
      return failure('INCONSISTENT_GROUP_PROTOCOL', "The group's leader assigned what is no assignment.")
    this.#retries.reset()
    const led = leads ? subscribedBy(joined.members) : undefined
    if (led && joined.skipAssignment) this.#assignedFor = shapeOf(await this.#topics(), led)
    const { topics } = this.#options
    this.#owned = assignment.assignedPartitions.filter(({ topic }) => topics.includes(topic))
    await this.#options.reader.assigned(this.#owned)
    return this.#stay(led)
  }

  #join(): Promise<JoinReply | (Failure & { readonly memberId?: string })> {
    const metadata = writeSubscription(this.#options.topics)
    return this.#ask({
      type: 'join',
      version: JOIN_VERSION,
      clientId: this.#options.clientId ?? CLIENT_ID,
      clientHost: this.#options.clientHost,
      memberId: this.#memberId,
      groupInstanceId: this.#options.instanceId,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      rebalanceTimeoutMs: Math.max(REBALANCE_TIMEOUT_MS, this.#options.sessionTimeoutMs),
      protocolType: CONSUMER_PROTOCOL,
      protocols: Object.keys(clientAssignors).map(name => ({ name, metadata })),
      fresh: crypto.randomUUID(),
    })
  }

  /** Our member leads: it assigns for all, those of other clients too. */
  async #assign({ protocolName, members }: Joined) {
    const subscribers = members.map(subscriberOf)
    const topics = await this.#topics(true)
    this.#assignedFor = shapeOf(topics, subscribedBy(members))
    // It offered no other protocols than these.
    const assign = clientAssignors[protocolName!]!
    const shares = assign(subscribers, name => topics.byName.get(name)?.partitions ?? 0)
    return members.map(({ memberId }) => {
      const share = [...shares.get(memberId)!].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }))
      return { memberId, assignment: writeAssignment(share, ASSIGNMENT_VERSION) }
    })
  }

  /** Heartbeats until the next generation. `led`: the topics of all members; when they grow, the leader calls for it. */
  async #stay(led: readonly string[] | undefined): Promise<Failure | undefined> {
    const { sessionTimeoutMs } = this.#options
    let silentMs = 0
    while (!this.#left) {
      await this.#pause.for(this.#intervalMs)
      if (this.#left) return undefined
      const failed = await this.#beat()
      if (failed === null) silentMs = 0
      else if (failed.error === 'REBALANCE_IN_PROGRESS') return this.#giveUp()
      else if (isPassing(failed.error)) silentMs += this.#intervalMs
      else {
        this.#lose()
        return this.#afterFailure(failed)
      }
      if (silentMs >= sessionTimeoutMs) return this.#lose()
      if (led && shapeOf(await this.#topics(), led) !== this.#assignedFor) return this.#giveUp()
    }
    return undefined
  }

  #beat(): Promise<Failure | null> {
    return this.#ask({ type: 'heartbeat', ...this.#self })
  }

  /** Everything is given up, which may take a while: until then the member stays alive. */
  async #giveUp(): Promise<undefined> {
    const given = this.#options.reader.revoked(this.#owned).then(() => 'given' as const)
    while (!this.#left) {
      const first = await Promise.race([given, this.#pause.for(this.#intervalMs)])
      if (first === 'given') break
      await this.#beat()
    }
    await given
    this.#owned = []
  }

  #lose(): undefined {
    this.#options.reader.lost(this.#owned)
    this.#owned = []
  }

  /** Undefined: it can be tried again, after a while. */
  async #afterFailure(failed: Failure & { readonly memberId?: string }): Promise<Failure | undefined> {
    const { error } = failed
    if (error === 'MEMBER_ID_REQUIRED') {
      this.#memberId = failed.memberId!
      this.#options.named?.(this.#memberId)
      if (this.#left) await this.leave()
      return undefined
    }
    if (error === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
    const again = error === 'UNKNOWN_MEMBER_ID' || error === 'ILLEGAL_GENERATION' || error === 'REBALANCE_IN_PROGRESS'
    if (!(again || isPassing(error)) || this.#retries.isOver) return failed
    if (!this.#left) await this.#pause.for(this.#retries.nextMs())
    return undefined
  }

  get #self() {
    return {
      memberId: this.#memberId,
      groupInstanceId: this.#options.instanceId,
      generationId: this.#generation,
    }
  }

  #topics(fresh = false): Promise<Topics> {
    return topicsOf({ topics: () => this.#options.broker.topics({ fresh }) })
  }

  #ask<C extends GroupCommand>(command: C): Promise<GroupReplies[C['type']] | Failure> {
    const { broker, groupId } = this.#options
    return broker.groups.ask(groupId, command)
  }
}

function subscriberOf({ memberId, groupInstanceId, metadata }: JoinedMember): Subscriber {
  const subscription = readSubscription(metadata)
  return {
    memberId,
    groupInstanceId,
    // Some clients say a version and leave out what it added: topics every version begins with.
    topics: readTopics(metadata) ?? [],
    owned: subscription?.ownedPartitions ?? [],
    generation: subscription?.generationId ?? -1,
  }
}

const subscribedBy = (members: readonly JoinedMember[]): readonly string[] => [
  ...new Set(members.map(subscriberOf).flatMap(({ topics }) => topics)),
]

/** How many partitions topics have, to be compared. */
const shapeOf = ({ byName }: Topics, topics: readonly string[]): string =>
  topics.map(name => byName.get(name)?.partitions ?? 0).join()
