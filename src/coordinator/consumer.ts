// A group of the consumer protocol (KIP-848), whose partitions the broker assigns: what it is and how facts change it.
// What a heartbeat brings about is consumer-heartbeat.ts; how a member gets from what it has to what it shall have,
// reconciliation.ts. Kafka's ConsumerGroup.
//
// Empty        nobody is in it
// Assigning    the group epoch rose: somebody came, left or subscribed anew; the target assignment is older
// Reconciling  the target is set, members give up and take over partitions
// Stable       everyone has what it shall have

import type { Assignment } from './assignors.ts'
import type { Protocol } from './classic.ts'

/** By topic id, then partition: the epoch at which the member got it. */
export type Owned = ReadonlyMap<string, ReadonlyMap<number, number>>

/**
 * Stable               has what the target of its epoch gives it
 * UnrevokedPartitions  has to give up partitions, and says it still owns them
 * UnreleasedPartitions has what it can have; what is missing is still with others
 */
export type MemberState = 'Stable' | 'UnrevokedPartitions' | 'UnreleasedPartitions' | 'Unknown'

/** Epochs by which members say that they leave. */
export const LEAVES = -1
/** A static member that will be back under the same instance id. */
export const LEAVES_FOR_NOW = -2

export interface MemberMetadata {
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Sorted. */
  readonly subscribedTopicNames: readonly string[]
  /** Null or empty: none. */
  readonly subscribedTopicRegex: string | null
  readonly rebalanceTimeoutMs: number
  readonly serverAssignor: string | null
  /** Of a member that speaks the classic protocol in this group. */
  readonly classic: { readonly sessionTimeoutMs: number; readonly supportedProtocols: readonly Protocol[] } | null
}

export interface MemberAssignment {
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly assigned: Owned
  readonly revoking: Owned
}

/** Never stored: a restart starts sessions again and forgets the rest until the next heartbeat. */
export interface MemberTimers {
  readonly expiresMs?: number | undefined
  /** Until when partitions have to be given up. */
  readonly revokeByMs?: number | undefined
  /** Classic members: until when they have to join again, and to sync. */
  readonly joinByMs?: number | undefined
  readonly syncByMs?: number | undefined
}

export interface ConsumerMember extends MemberMetadata, MemberAssignment {
  readonly memberId: string
  readonly timers: MemberTimers
}

export interface Regex {
  readonly topics: readonly string[]
  /** The cluster's version that it was matched against, and when. */
  readonly version: number
  readonly matchedMs: number
}

export interface ConsumerGroup {
  epoch: number
  /** Of the topics subscribed to, with their partitions: another hash, another assignment. */
  metadataHash: number
  /** The cluster's version for which the hash was last taken. */
  hashedVersion: number
  /** The group epoch of the target assignment, and when it was computed. */
  assignmentEpoch: number
  assignedMs: number
  readonly members: Map<string, ConsumerMember>
  readonly targets: Map<string, Assignment>
  readonly regexes: Map<string, Regex>
}

export type ConsumerFact =
  | { readonly type: 'epoch'; readonly value: { readonly epoch: number; readonly metadataHash: number } | null }
  | { readonly type: 'member'; readonly memberId: string; readonly value: MemberMetadata | null }
  | { readonly type: 'targetEpoch'; readonly value: { readonly epoch: number; readonly assignedMs: number } | null }
  | { readonly type: 'target'; readonly memberId: string; readonly value: Assignment | null }
  | { readonly type: 'current'; readonly memberId: string; readonly value: MemberAssignment | null }
  | { readonly type: 'regex'; readonly regex: string; readonly value: Regex | null }
  | { readonly type: 'timers'; readonly memberId: string; readonly value: MemberTimers; readonly volatile: true }
  | { readonly type: 'hashed'; readonly version: number; readonly volatile: true }

export const emptyConsumer = (): ConsumerGroup => ({
  epoch: 0,
  metadataHash: 0,
  hashedVersion: -1,
  assignmentEpoch: 0,
  assignedMs: 0,
  members: new Map(),
  targets: new Map(),
  regexes: new Map(),
})

/** Epoch 0 is how members say that they join, so the first they get is higher, as in Kafka. */
export const newConsumer = (): ConsumerGroup => ({ ...emptyConsumer(), epoch: 1 })

const NO_MEMBER: Omit<ConsumerMember, 'memberId'> = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: [],
  subscribedTopicRegex: '',
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classic: null,
  memberEpoch: 0,
  previousMemberEpoch: -1,
  state: 'Stable',
  assigned: new Map(),
  revoking: new Map(),
  timers: {},
}

export const newMember = (memberId: string): ConsumerMember => ({ ...NO_MEMBER, memberId })

/** The one writer of a consumer group, of the real one and of the copies that turns are tried on. */
export function applyTo(group: ConsumerGroup, fact: ConsumerFact): void {
  const { members, targets, regexes } = group
  switch (fact.type) {
    case 'epoch':
      group.epoch = fact.value?.epoch ?? 0
      group.metadataHash = fact.value?.metadataHash ?? 0
      return
    case 'member':
      if (fact.value === null) members.delete(fact.memberId)
      else members.set(fact.memberId, { ...(members.get(fact.memberId) ?? newMember(fact.memberId)), ...fact.value })
      return
    case 'targetEpoch':
      group.assignmentEpoch = fact.value?.epoch ?? 0
      group.assignedMs = fact.value?.assignedMs ?? 0
      return
    case 'target':
      if (fact.value === null) targets.delete(fact.memberId)
      else targets.set(fact.memberId, fact.value)
      return
    case 'current': {
      const member = members.get(fact.memberId)
      const { memberEpoch, previousMemberEpoch, state, assigned, revoking } = fact.value ?? {
        ...NO_MEMBER,
        memberEpoch: LEAVES,
      }
      if (member !== undefined || fact.value !== null)
        members.set(fact.memberId, {
          ...(member ?? newMember(fact.memberId)),
          ...{ memberEpoch, previousMemberEpoch, state, assigned, revoking },
        })
      return
    }
    case 'regex':
      if (fact.value === null) regexes.delete(fact.regex)
      else regexes.set(fact.regex, fact.value)
      return
    case 'timers': {
      const member = members.get(fact.memberId)
      if (member !== undefined) members.set(fact.memberId, { ...member, timers: { ...member.timers, ...fact.value } })
      return
    }
    case 'hashed':
      group.hashedVersion = fact.version
  }
}

/** A turn of a consumer group: facts are tried on a copy as they are decided, so later ones build on earlier ones. */
export class ConsumerTurn {
  readonly facts: ConsumerFact[] = []
  readonly nowMs: number
  #group: ConsumerGroup
  #copied = false

  constructor(group: ConsumerGroup, nowMs: number) {
    this.#group = group
    this.nowMs = nowMs
  }

  /** As it is after the facts so far. */
  get group(): Readonly<ConsumerGroup> {
    return this.#group
  }

  decide(fact: ConsumerFact): void {
    this.facts.push(fact)
    if (!this.#copied) {
      const { members, targets, regexes } = this.#group
      this.#group = {
        ...this.#group,
        members: new Map(members),
        targets: new Map(targets),
        regexes: new Map(regexes),
      }
      this.#copied = true
    }
    applyTo(this.#group, fact)
  }

  /** Spares the copy: nothing that a turn decides looks at the timers it sets. */
  timers(memberId: string, value: MemberTimers): void {
    this.facts.push({ type: 'timers', memberId, value, volatile: true })
  }
}

export type ConsumerState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

export function stateOf({ members, epoch, assignmentEpoch }: ConsumerGroup): ConsumerState {
  if (members.size === 0) return 'Empty'
  if (epoch > assignmentEpoch) return 'Assigning'
  return [...members.values()].every(member => isReconciled(member, assignmentEpoch)) ? 'Stable' : 'Reconciling'
}

export const isReconciled = ({ state, memberEpoch }: MemberAssignment, epoch: number): boolean =>
  state === 'Stable' && memberEpoch === epoch

export const withInstance = ({ members }: Readonly<ConsumerGroup>, instanceId: string): ConsumerMember | undefined =>
  [...members.values()].find(member => member.instanceId === instanceId)

export const hasRegex = (member: Pick<MemberMetadata, 'subscribedTopicRegex'>): boolean =>
  member.subscribedTopicRegex !== null && member.subscribedTopicRegex !== ''

/** Names and what its expression matched, sorted. */
export function topicsOf(group: Readonly<ConsumerGroup>, member: MemberMetadata): readonly string[] {
  const { subscribedTopicNames, subscribedTopicRegex } = member
  if (!hasRegex(member)) return subscribedTopicNames
  const matched = group.regexes.get(subscribedTopicRegex!)?.topics ?? []
  return subscribedTopicNames.length === 0 ? matched : [...new Set([...subscribedTopicNames, ...matched])].sort()
}

export const isSubscribed = (group: Readonly<ConsumerGroup>, topic: string): boolean =>
  [...group.members.values()].some(member => topicsOf(group, member).includes(topic))

/** The facts after which nothing is left of the group. */
export function dissolve({ members, targets, regexes }: Readonly<ConsumerGroup>): ConsumerFact[] {
  const ids = [...new Set([...members.keys(), ...targets.keys()])]
  return [
    ...ids.map(memberId => ({ type: 'current' as const, memberId, value: null })),
    ...ids.map(memberId => ({ type: 'target' as const, memberId, value: null })),
    { type: 'targetEpoch', value: null },
    ...ids.map(memberId => ({ type: 'member' as const, memberId, value: null })),
    ...[...regexes.keys()].map(regex => ({ type: 'regex' as const, regex, value: null })),
    { type: 'epoch', value: null },
  ]
}
