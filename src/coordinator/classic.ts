// A group of the classic protocol, whose members assign partitions among themselves: what it is, and the moves between its
// states. Who may make which move is classic-join.ts, classic-sync.ts and classic-members.ts. Kafka's ClassicGroup.
//
// Empty               join  → PreparingRebalance, after the initial delay the next generation begins
// PreparingRebalance  joins are parked; all joined, or time is up → CompletingRebalance; nobody did → Empty
// CompletingRebalance syncs are parked; the leader's sync brings the assignment → Stable; join, leave, expiry → PreparingRebalance
// Stable              heartbeats; join, leave, expiry → PreparingRebalance
// Kafka's Dead is a group that is not there.

import type { Ticket } from '../machine.ts'
import type { ErrorName, Failure } from '../protocol/errors.ts'
import { failure } from '../protocol/errors.ts'
import { CONSUMER_PROTOCOL, readTopics } from './consumer-protocol.ts'
import type { GroupSettings } from './settings.ts'

export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export interface Protocol {
  readonly name: string
  readonly metadata: Uint8Array
}

export interface ClassicMember {
  readonly memberId: string
  /** Set by static members: it outlives their restarts. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** In the order of preference. */
  readonly protocols: readonly Protocol[]
  readonly assignment: Uint8Array
  /** Parked in JoinGroup, in SyncGroup. */
  readonly joining: Ticket | undefined
  readonly syncing: Ticket | undefined
  /** Has not been in a generation yet: parked or not, it may expire. */
  readonly isNew: boolean
  /** When the session ends; undefined after a restart until the first tick, which starts it again. */
  readonly expiresMs: number | undefined
}

export interface ClassicGroup {
  readonly state: ClassicState
  readonly stateSinceMs: number
  readonly generation: number
  readonly protocolType: string | null
  readonly protocol: string | null
  readonly leader: string | null
  readonly members: ReadonlyMap<string, ClassicMember>
  /** Ids given out with MEMBER_ID_REQUIRED, and until when. */
  readonly pending: ReadonlyMap<string, number>
  /** Members of this generation who did not sync yet, and until when they may. */
  readonly unsynced: ReadonlySet<string>
  readonly syncDeadlineMs: number | undefined
  /** PreparingRebalance: when it ends, whoever has not joined by then. */
  readonly joinDeadlineMs: number | undefined
  /** PreparingRebalance out of Empty: the last delay, how much more there may be, and whether there is a reason for more. */
  readonly initial: { readonly delayMs: number; readonly remainingMs: number; readonly joined: boolean } | undefined
  /** Null: nobody subscribes to topics here, or not in a way that can be read. */
  readonly topics: ReadonlySet<string> | null
}

/** What the leader needs to assign. */
export interface JoinedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Uint8Array
}

export type JoinReply =
  | {
      readonly memberId: string
      readonly generationId: number
      readonly protocolType: string | null
      readonly protocolName: string | null
      readonly leader: string
      readonly skipAssignment: boolean
      /** For the leader. */
      readonly members: readonly JoinedMember[]
    }
  | (Failure & { readonly memberId: string })

export type SyncReply =
  | { readonly protocolType: string | null; readonly protocolName: string | null; readonly assignment: Uint8Array }
  | Failure

const NO_BYTES = new Uint8Array(0)

export const emptyClassic = (nowMs: number): ClassicGroup => ({
  state: 'Empty',
  stateSinceMs: nowMs,
  generation: 0,
  protocolType: null,
  protocol: null,
  leader: null,
  members: new Map(),
  pending: new Map(),
  unsynced: new Set(),
  syncDeadlineMs: undefined,
  joinDeadlineMs: undefined,
  initial: undefined,
  topics: null,
})

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Draft = Mutable<Omit<ClassicGroup, 'members' | 'pending' | 'unsynced'>> & {
  members: Map<string, ClassicMember>
  pending: Map<string, number>
  unsynced: Set<string>
}

/** One turn of a group: a copy that changes, the answers that this brings, and whether the outcome is to be stored. */
export class ClassicTurn {
  readonly group: Draft
  readonly settings: GroupSettings
  readonly nowMs: number
  readonly replies: [Ticket, JoinReply | SyncReply][] = []
  /** A generation was completed, or a static member took another's place in one. */
  stored = false

  constructor(group: ClassicGroup, settings: GroupSettings, nowMs: number) {
    const { members, pending, unsynced } = group
    this.group = { ...group, members: new Map(members), pending: new Map(pending), unsynced: new Set(unsynced) }
    this.settings = settings
    this.nowMs = nowMs
  }

  reply(ticket: Ticket, reply: JoinReply | SyncReply): void {
    this.replies.push([ticket, reply])
  }

  refuseJoin(ticket: Ticket, error: ErrorName, memberId: string): void {
    this.reply(ticket, { ...failure(error), memberId })
  }

  update(memberId: string, change: Partial<ClassicMember>): void {
    const { members } = this.group
    members.set(memberId, { ...members.get(memberId)!, ...change })
  }

  /** The first member of an empty group brings the protocol type. */
  add(member: ClassicMember, protocolType: string): void {
    const { group } = this
    if (group.members.size === 0) group.protocolType = protocolType
    if (group.initial !== undefined) group.initial = { ...group.initial, joined: true }
    group.members.set(member.memberId, member)
    group.pending.delete(member.memberId)
    group.leader ??= member.memberId
  }

  /** Takes a member out; who was parked under its name is told so. */
  remove(memberId: string): void {
    const { group } = this
    const member = group.members.get(memberId)
    group.members.delete(memberId)
    group.pending.delete(memberId)
    group.unsynced.delete(memberId)
    if (group.leader === memberId) group.leader = group.members.keys().next().value ?? null
    if (member?.joining !== undefined) this.refuseJoin(member.joining, 'UNKNOWN_MEMBER_ID', '')
    if (member?.syncing !== undefined) this.reply(member.syncing, failure('UNKNOWN_MEMBER_ID'))
  }

  /** A rebalance begins, or goes on to its end if everyone is there already. */
  rebalance(): void {
    if (this.group.state === 'PreparingRebalance') this.maybeCompleteJoin()
    else this.prepareRebalance()
  }

  prepareRebalance(): void {
    const { group } = this
    if (group.state === 'CompletingRebalance') this.#dropAssignments()
    group.unsynced.clear()
    group.syncDeadlineMs = undefined
    const fromEmpty = group.state === 'Empty'
    this.#enter('PreparingRebalance')
    if (fromEmpty) {
      const delayMs = this.settings['group.initial.rebalance.delay.ms']
      group.joinDeadlineMs = this.nowMs + delayMs
      group.initial = { delayMs, remainingMs: Math.max(rebalanceTimeoutMs(group) - delayMs, 0), joined: false }
    } else if (allJoined(group)) this.completeJoin()
    else group.joinDeadlineMs = this.nowMs + rebalanceTimeoutMs(group)
  }

  /** Goes on if everyone has joined; out of Empty only time decides, so that one generation takes many members. */
  maybeCompleteJoin(): void {
    const { group } = this
    if (group.state === 'PreparingRebalance' && group.initial === undefined && allJoined(group)) this.completeJoin()
  }

  /** The next generation: those who joined, and static members whether they did or not. */
  completeJoin(): void {
    const { group } = this
    group.joinDeadlineMs = undefined
    for (const { memberId, groupInstanceId, joining } of [...group.members.values()])
      if (joining === undefined && groupInstanceId === null) this.remove(memberId)
    if (group.members.size > 0 && !this.#electJoinedLeader()) {
      group.joinDeadlineMs = this.nowMs + rebalanceTimeoutMs(group)
      return
    }
    group.generation++
    group.initial = undefined
    group.unsynced.clear()
    group.protocol = group.members.size === 0 ? null : selectProtocol(group)
    group.topics = subscribedTopics(group)
    if (group.members.size === 0) {
      this.#enter('Empty')
      this.stored = true
      return
    }
    this.#enter('CompletingRebalance')
    for (const { memberId, joining, sessionTimeoutMs } of [...group.members.values()]) {
      if (joining !== undefined) this.reply(joining, this.joined(memberId))
      this.update(memberId, { joining: undefined, isNew: false, expiresMs: this.nowMs + sessionTimeoutMs })
      group.unsynced.add(memberId)
    }
    group.syncDeadlineMs = this.nowMs + rebalanceTimeoutMs(group)
  }

  /** What a member of the present generation is answered. The leader gets to know everyone. */
  joined(memberId: string): JoinReply {
    const { group } = this
    const isLeader = group.leader === memberId
    return {
      memberId,
      generationId: group.generation,
      protocolType: group.protocolType,
      protocolName: group.protocol,
      leader: group.leader ?? '',
      skipAssignment: false,
      members: isLeader ? joinedMembers(group) : [],
    }
  }

  /** The leader has assigned: everyone who waits is told, and the group is stable. */
  assign(assignments: ReadonlyMap<string, Uint8Array>): void {
    const { group } = this
    for (const { memberId, syncing } of [...group.members.values()]) {
      const assignment = assignments.get(memberId) ?? NO_BYTES
      this.update(memberId, { assignment })
      if (syncing === undefined) continue
      this.reply(syncing, { protocolType: group.protocolType, protocolName: group.protocol, assignment })
      this.#synced(memberId)
    }
    this.#enter('Stable')
    this.stored = true
  }

  #dropAssignments(): void {
    for (const { memberId, syncing } of [...this.group.members.values()]) {
      this.update(memberId, { assignment: NO_BYTES })
      if (syncing === undefined) continue
      this.reply(syncing, failure('REBALANCE_IN_PROGRESS'))
      this.#synced(memberId)
    }
  }

  #synced(memberId: string): void {
    const { sessionTimeoutMs } = this.group.members.get(memberId)!
    this.update(memberId, { syncing: undefined, expiresMs: this.nowMs + sessionTimeoutMs })
  }

  /** False: the leader is not there, and nobody else is either. */
  #electJoinedLeader(): boolean {
    const { group } = this
    if (group.leader !== null && group.members.get(group.leader)?.joining !== undefined) return true
    const present = [...group.members.values()].find(({ joining }) => joining !== undefined)
    if (present === undefined) return false
    group.leader = present.memberId
    return true
  }

  #enter(state: ClassicState): void {
    this.group.state = state
    this.group.stateSinceMs = this.nowMs
  }
}

export const allJoined = ({ members, pending }: ClassicGroup): boolean =>
  pending.size === 0 && [...members.values()].every(({ joining }) => joining !== undefined)

export const rebalanceTimeoutMs = ({ members }: Pick<ClassicGroup, 'members'>): number =>
  [...members.values()].reduce((max, member) => Math.max(max, member.rebalanceTimeoutMs), 0)

export const staticMember = ({ members }: ClassicGroup, groupInstanceId: string): ClassicMember | undefined =>
  [...members.values()].find(member => member.groupInstanceId === groupInstanceId)

/** Whether somebody with these protocols can be a member: one of them all others have too. */
export function supportsProtocols(group: ClassicGroup, protocolType: string, protocols: readonly Protocol[]): boolean {
  if (group.state === 'Empty') return protocolType !== '' && protocols.length > 0
  if (group.protocolType !== protocolType) return false
  return protocols.some(({ name }) => everyoneHas(group, name))
}

/** The protocol that everyone has and most prefer. */
export function selectProtocol(group: Pick<ClassicGroup, 'members'>): string {
  const [first] = group.members.values()
  const candidates = new Set(first!.protocols.map(({ name }) => name).filter(name => everyoneHas(group, name)))
  const votes = new Map<string, number>()
  for (const { protocols } of group.members.values()) {
    const vote = protocols.find(({ name }) => candidates.has(name))!.name
    votes.set(vote, (votes.get(vote) ?? 0) + 1)
  }
  return [...votes].reduce((best, candidate) => (candidate[1] > best[1] ? candidate : best))[0]
}

const everyoneHas = ({ members }: Pick<ClassicGroup, 'members'>, protocol: string): boolean =>
  [...members.values()].every(({ protocols }) => protocols.some(({ name }) => name === protocol))

/** Equal in names, order and metadata, so a member that joins again wants nothing new. */
export const sameProtocols = (a: readonly Protocol[], b: readonly Protocol[]): boolean =>
  a.length === b.length &&
  a.every(({ name, metadata }, i) => name === b[i]!.name && sameBytes(metadata, b[i]!.metadata))

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

export const metadataOf = ({ protocols }: ClassicMember, protocol: string | null): Uint8Array =>
  protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES

const joinedMembers = ({ members, protocol }: ClassicGroup): JoinedMember[] =>
  [...members.values()].map(member => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataOf(member, protocol),
  }))

/** The topics that members subscribe to; null if one of them cannot be read, or the group is not about topics. */
export function subscribedTopics(
  group: Pick<ClassicGroup, 'members' | 'protocolType' | 'protocol'>,
): ReadonlySet<string> | null {
  if (group.protocolType !== CONSUMER_PROTOCOL) return null
  const topics = new Set<string>()
  for (const member of group.members.values()) {
    const names = readTopics(metadataOf(member, group.protocol))
    if (names === undefined) return null
    for (const name of names) topics.add(name)
  }
  return topics
}
