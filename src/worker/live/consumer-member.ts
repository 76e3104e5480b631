// A live consumer as a member of a group of the consumer protocol (KIP-848): the broker assigns, heartbeats bring what
// this member is to have, and it gets there step by step: it gives up first, says so, and then gets what others gave up.

import type { GroupCommand, GroupReplies } from '../../coordinator/commands.ts'
import type { ConsumerHeartbeatReply } from '../../coordinator/consumer-heartbeat.ts'
import type { NamedPartitions } from '../../coordinator/consumer-protocol.ts'
import { LEAVES, LEAVES_FOR_NOW } from '../../coordinator/consumer.ts'
import type { Commit, PartitionErrors } from '../../coordinator/offsets.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
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

/** Members name themselves (KIP-1082); they may commit. */
const HEARTBEAT_VERSION = 1
const COMMIT_VERSION = 9
const DEFAULT_HEARTBEAT_MS = 5_000
/** Tries of a commit whose epoch was passed by a heartbeat. */
const MAX_STALE_COMMITS = 5

/** Topic id and partition. */
type Owned = ReadonlyMap<string, ReadonlySet<number>>
const NOTHING: Owned = new Map()

export class ConsumerMember implements Membership {
  readonly #options: MemberOptions
  readonly #pause = new Pause()
  readonly #retries = new Retries()
  readonly #memberId: string
  #epoch = 0
  #intervalMs = DEFAULT_HEARTBEAT_MS
  #owned: Owned = NOTHING
  #target: Owned = NOTHING
  /** What it owns is to be told with the next heartbeat. */
  #isUntold = false
  #hasBegun = false
  #isMoving = false
  #broken: Failure | undefined
  #left = false

  constructor(options: MemberOptions) {
    this.#options = options
    this.#memberId = options.memberId ?? crypto.randomUUID()
    options.named?.(this.#memberId)
  }

  async begin(): Promise<Failure | undefined> {
    const failed = await this.#beat()
    return failed && this.#afterFailure(failed)
  }

  async run(): Promise<Failure | undefined> {
    while (!this.#left) {
      if (!this.#isUntold && this.#epoch > 0) await this.#pause.for(this.#intervalMs)
      if (this.#left) break
      if (this.#broken !== undefined) return this.#broken
      const failed = await this.#beat()
      const lasting = failed && (await this.#afterFailure(failed))
      if (lasting !== undefined && !this.#left) return lasting
    }
    return undefined
  }

  async commit(topics: Commit['topics']): Promise<PartitionErrors | Failure> {
    for (let tries = 1; ; tries++) {
      const epoch = this.#epoch
      const reply = await this.#ask({
        type: 'commit',
        version: COMMIT_VERSION,
        memberId: this.#memberId,
        groupInstanceId: this.#options.instanceId,
        generationId: epoch,
        retentionTimeMs: -1,
        topics,
      })
      if (!isFailure(reply) || reply.error !== 'STALE_MEMBER_EPOCH' || tries === MAX_STALE_COMMITS) return reply
      if (epoch === this.#epoch) await this.#beat()
    }
  }

  async leave(): Promise<void> {
    this.#left = true
    this.#pause.wake()
    await this.#sayLeave()
  }

  #sayLeave(): Promise<ConsumerHeartbeatReply> {
    return this.#ask(this.#heartbeat(this.#options.instanceId === null ? LEAVES : LEAVES_FOR_NOW, null))
  }

  /** Undefined: it counted. */
  async #beat(): Promise<Failure | undefined> {
    const joins = this.#epoch === 0
    const tells = joins || this.#isUntold
    this.#isUntold = false
    const reply = await this.#ask(this.#heartbeat(this.#epoch, tells ? listed(this.#owned) : null))
    if (isFailure(reply)) {
      this.#isUntold ||= tells && !joins
      return reply
    }
    this.#epoch = reply.memberEpoch
    this.#intervalMs = reply.heartbeatIntervalMs
    this.#retries.reset()
    if (this.#left) {
      if (joins) await this.#sayLeave()
      return undefined
    }
    if (reply.assignment === null) return undefined
    this.#target = new Map(reply.assignment.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
    if (!this.#isMoving)
      void this.#moveToTarget().catch((error: unknown) => {
        this.#broken = failure('UNKNOWN_SERVER_ERROR', String(error))
        this.#pause.wake()
      })
    return undefined
  }

  #heartbeat(memberEpoch: number, topicPartitions: ReturnType<typeof listed> | null) {
    const joins = memberEpoch === 0
    const { clientHost, instanceId, topics } = this.#options
    return {
      type: 'consumerHeartbeat' as const,
      version: HEARTBEAT_VERSION,
      clientId: this.#options.clientId ?? CLIENT_ID,
      clientHost,
      memberId: this.#memberId,
      memberEpoch,
      instanceId,
      rackId: null,
      rebalanceTimeoutMs: joins ? REBALANCE_TIMEOUT_MS : -1,
      subscribedTopicNames: joins ? topics : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions,
      fresh: '',
    }
  }

  /** Heartbeats go on meanwhile, and may move the target; being fenced takes everything. */
  async #moveToTarget(): Promise<void> {
    const { reader } = this.#options
    this.#isMoving = true
    while (!this.#left) {
      const before = this.#owned
      const gone = minus(before, this.#target)
      if (gone.size > 0) {
        await reader.revoked(await this.#named(gone))
        if (this.#owned !== before) continue
        this.#owned = minus(before, gone)
      } else {
        const added = minus(this.#target, before)
        if (added.size === 0 && this.#hasBegun) break
        this.#hasBegun = true
        this.#owned = this.#target
        await reader.assigned(await this.#named(added))
      }
      this.#isUntold = true
      this.#pause.wake()
    }
    this.#isMoving = false
  }

  async #lose(): Promise<void> {
    const lost = this.#owned
    this.#owned = NOTHING
    this.#target = NOTHING
    this.#isUntold = false
    this.#epoch = 0
    this.#options.reader.lost(await this.#named(lost))
  }

  /** Undefined: it can be tried again, after a while. */
  async #afterFailure(failed: Failure): Promise<Failure | undefined> {
    const { error } = failed
    const isFenced = error === 'FENCED_MEMBER_EPOCH' || error === 'UNKNOWN_MEMBER_ID'
    // Whoever had this instance id may be about to leave.
    const again = isFenced || error === 'UNRELEASED_INSTANCE_ID' || isPassing(error)
    if (isFenced || !again) await this.#lose()
    if (!again || this.#retries.isOver) return failed
    if (!this.#left) await this.#pause.for(this.#retries.nextMs())
    return undefined
  }

  /** By name; topics that are gone are left out. */
  async #named(owned: Owned): Promise<NamedPartitions> {
    const { broker } = this.#options
    const known = await topicsOf({ topics: () => broker.topics() })
    const isOld = [...owned.keys()].some(id => !known.byId.has(id))
    const { byId } = isOld ? await topicsOf({ topics: () => broker.topics({ fresh: true }) }) : known
    return listed(owned).flatMap(({ topicId, partitions }) => {
      const topic = byId.get(topicId)
      return topic === undefined ? [] : [{ topic: topic.name, partitions }]
    })
  }

  #ask<C extends GroupCommand>(command: C): Promise<GroupReplies[C['type']] | Failure> {
    const { broker, groupId } = this.#options
    return broker.groups.ask(groupId, command)
  }
}

const listed = (owned: Owned) => [...owned].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))

function minus(some: Owned, others: Owned): Owned {
  const left = new Map<string, Set<number>>()
  for (const [topicId, partitions] of some) {
    const rest = [...partitions].filter(partition => others.get(topicId)?.has(partition) !== true)
    if (rest.length > 0) left.set(topicId, new Set(rest))
  }
  return left
}
