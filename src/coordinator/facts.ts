// What is remembered of one group, the facts that change it, and the records of __consumer_offsets they are stored as.

import type { FactRecord } from '../machine.ts'
import type { Assignment } from './assignors.ts'
import { type ClassicGroup, type ClassicMember, emptyClassic, metadataOf, subscribedTopics } from './classic.ts'
import {
  applyTo,
  type ConsumerFact,
  type ConsumerGroup,
  emptyConsumer,
  type MemberAssignment,
  type MemberState,
  type Owned,
} from './consumer.ts'
import type { CommittedOffset, OffsetFact } from './offsets.ts'
import { decodeRecord, encodeRecord, type GroupRecord, type Value } from './records.ts'
import {
  noTransactionalOffsets,
  type PendingOffset,
  replayTransactional,
  type TransactionalFact,
  type TransactionalOffsets,
} from './transaction-offsets.ts'

export type GroupFact =
  | (OffsetFact & { readonly volatile?: never })
  | { readonly type: 'classic'; readonly group: ClassicGroup | null; readonly volatile?: true }
  /** A member of a classic group was heard of. */
  | { readonly type: 'seen'; readonly memberId: string; readonly expiresMs: number; readonly volatile: true }
  /** Offsets were looked through for old ones, and will be again. */
  | { readonly type: 'checked'; readonly nextMs: number; readonly volatile: true }
  | (ConsumerFact & { readonly volatile?: true })
  | TransactionalFact

/** At most one of the two protocols; neither, with offsets: somebody commits without being a member of anything. */
export interface GroupState extends TransactionalOffsets {
  readonly groupId: string
  readonly offsets: Map<string, Map<number, CommittedOffset>>
  classic: ClassicGroup | undefined
  consumer: ConsumerGroup | undefined
  /** When to look for old offsets, or whether the group itself is of use to anyone; undefined: now. */
  checkMs: number | undefined
}

export const emptyGroup = (groupId: string): GroupState => ({
  groupId,
  offsets: new Map(),
  classic: undefined,
  consumer: undefined,
  checkMs: undefined,
  ...noTransactionalOffsets(),
})

/** `idleMs` is how long a classic group without members and offsets is kept. */
export function replay(state: GroupState, fact: GroupFact, idleMs: number): void {
  switch (fact.type) {
    case 'offset':
      return replayOffset(state, fact)
    case 'classic':
      state.classic = fact.group ?? undefined
      if (fact.group?.state === 'Empty' && state.checkMs !== undefined)
        state.checkMs = Math.min(state.checkMs, fact.group.stateSinceMs + idleMs)
      return
    case 'seen': {
      const member = state.classic?.members.get(fact.memberId)
      // Written in place: a heartbeat must not cost a copy of the group, and no turn looks at it meanwhile.
      if (member !== undefined)
        (state.classic!.members as Map<string, ClassicMember>).set(fact.memberId, {
          ...member,
          expiresMs: fact.expiresMs,
        })
      return
    }
    case 'checked':
      state.checkMs = fact.nextMs
      return
    case 'pending':
    case 'ended':
      return replayTransactional(state, fact)
    default:
      replayConsumer(state, fact)
  }
}

function replayOffset({ offsets }: GroupState, { topic, partition, value }: OffsetFact): void {
  const partitions = offsets.get(topic)
  if (value !== null) {
    if (partitions === undefined) offsets.set(topic, new Map([[partition, value]]))
    else partitions.set(partition, value)
  } else if (partitions?.delete(partition) && partitions.size === 0) offsets.delete(topic)
}

function replayConsumer(state: GroupState, fact: ConsumerFact): void {
  if (state.consumer === undefined && 'volatile' in fact) return
  const group = (state.consumer ??= emptyConsumer())
  const before = group.members.size
  applyTo(group, fact)
  if (before > 0 && group.members.size === 0) state.checkMs = undefined
  const { epoch, assignmentEpoch, members, targets, regexes } = group
  if (epoch === 0 && assignmentEpoch === 0 && members.size === 0 && targets.size === 0 && regexes.size === 0)
    state.consumer = undefined
}

const states: Readonly<Record<MemberState, number>> = {
  Stable: 0,
  UnrevokedPartitions: 1,
  UnreleasedPartitions: 2,
  Unknown: 127,
}
const stateOfCode = new Map(Object.entries(states).map(([state, code]) => [code, state as MemberState]))

/** A fact that is stored, as its record. */
export function encode(fact: GroupFact, groupId: string): FactRecord {
  switch (fact.type) {
    case 'offset': {
      const { topic, partition, value } = fact
      return encodeRecord(
        'offset',
        { groupId, topic, partition },
        value && {
          offset: value.offset,
          leaderEpoch: value.leaderEpoch,
          metadata: value.metadata,
          commitTimestamp: value.committedMs,
          expireTimestamp: value.expiresMs,
          topicId: value.topicId,
        },
      )
    }
    case 'pending': {
      const { producerId, topic, partition, value } = fact
      return encodeRecord('pending', { groupId, producerId, topic, partition }, value && pendingValue(value))
    }
    case 'ended':
      return encodeRecord('ended', { groupId, producerId: fact.producerId }, fact.value)
    case 'classic':
      return encodeRecord('classic', { groupId }, fact.group && classicValue(fact.group))
    case 'epoch':
      return encodeRecord('epoch', { groupId }, fact.value)
    case 'member': {
      const { memberId, value } = fact
      const metadata = value && { ...value, classicMemberMetadata: value.classic }
      return encodeRecord('member', { groupId, memberId }, metadata)
    }
    case 'targetEpoch': {
      const { value } = fact
      const target = value && { assignmentEpoch: value.epoch, assignmentTimestamp: value.assignedMs }
      return encodeRecord('targetEpoch', { groupId }, target)
    }
    case 'target': {
      const { memberId, value } = fact
      const topicPartitions =
        value && [...value].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
      return encodeRecord('target', { groupId, memberId }, topicPartitions && { topicPartitions })
    }
    case 'current':
      return encodeRecord('current', { groupId, memberId: fact.memberId }, fact.value && currentValue(fact.value))
    case 'regex': {
      const { regex, value } = fact
      const matched = value && { topics: value.topics, version: value.version, timestamp: value.matchedMs }
      return encodeRecord('regex', { groupId, regularExpression: regex }, matched)
    }
    default:
      throw new Error(`a fact '${fact.type}' is not stored`)
  }
}

/** Undefined: of a kind that this version does not know. */
export function decode(record: FactRecord): { readonly of: string; readonly fact: GroupFact } | undefined {
  const opened = decodeRecord(record)
  return opened && { of: opened.key.groupId, fact: factOf(opened) }
}

function factOf(record: GroupRecord): GroupFact {
  switch (record.type) {
    case 'offset': {
      const { topic, partition } = record.key
      return { type: 'offset', topic, partition, value: record.value && committed(record.value) }
    }
    case 'pending': {
      const { producerId, topic, partition } = record.key
      return { type: 'pending', producerId, topic, partition, value: record.value && pendingOf(record.value) }
    }
    case 'ended':
      return { type: 'ended', producerId: record.key.producerId, value: record.value }
    case 'classic':
      return { type: 'classic', group: record.value && restored(record.value) }
    case 'epoch':
      return { type: 'epoch', value: record.value }
    case 'member': {
      const { value } = record
      if (value === null) return { type: 'member', memberId: record.key.memberId, value }
      const { classicMemberMetadata: classic, ...metadata } = value
      return { type: 'member', memberId: record.key.memberId, value: { ...metadata, classic } }
    }
    case 'targetEpoch': {
      const { value } = record
      return {
        type: 'targetEpoch',
        value: value && { epoch: value.assignmentEpoch, assignedMs: value.assignmentTimestamp },
      }
    }
    case 'target': {
      const { value } = record
      const target: Assignment | null =
        value && new Map(value.topicPartitions.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
      return { type: 'target', memberId: record.key.memberId, value: target }
    }
    case 'current':
      return { type: 'current', memberId: record.key.memberId, value: record.value && assignmentOf(record.value) }
    case 'regex': {
      const { value } = record
      return {
        type: 'regex',
        regex: record.key.regularExpression,
        value: value && { topics: value.topics, version: value.version, matchedMs: value.timestamp },
      }
    }
  }
}

const committed = (value: Value<'offset'>): CommittedOffset => ({
  offset: value.offset,
  leaderEpoch: value.leaderEpoch,
  metadata: value.metadata,
  committedMs: value.commitTimestamp,
  expiresMs: value.expireTimestamp,
  topicId: value.topicId,
})

const pendingValue = ({ producerEpoch, transaction, committed: { offset, ...of } }: PendingOffset) => ({
  producerEpoch,
  transaction,
  offset,
  leaderEpoch: of.leaderEpoch,
  metadata: of.metadata,
  commitTimestamp: of.committedMs,
  topicId: of.topicId,
})

const pendingOf = (value: Value<'pending'>): PendingOffset => ({
  producerEpoch: value.producerEpoch,
  transaction: value.transaction,
  committed: committed({ ...value, expireTimestamp: -1 }),
})

const classicValue = (group: ClassicGroup) => ({
  protocolType: group.protocolType ?? '',
  generation: group.generation,
  protocol: group.protocol,
  leader: group.leader,
  currentStateTimestamp: group.stateSinceMs,
  members: [...group.members.values()].map(member => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    subscription: metadataOf(member, group.protocol),
    assignment: member.assignment,
  })),
})

/** A group as a restart finds it: stable, every session to start again. */
function restored(value: Value<'classic'>): ClassicGroup {
  const members = new Map(
    value.members.map((member): [string, ClassicMember] => [
      member.memberId,
      {
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
        sessionTimeoutMs: member.sessionTimeout,
        protocols: [{ name: value.protocol ?? '', metadata: member.subscription.slice() }],
        assignment: member.assignment.slice(),
        joining: undefined,
        syncing: undefined,
        isNew: false,
        expiresMs: undefined,
      },
    ]),
  )
  const group: ClassicGroup = {
    ...emptyClassic(value.currentStateTimestamp),
    state: members.size > 0 ? 'Stable' : 'Empty',
    generation: value.generation,
    protocolType: value.protocolType === '' ? null : value.protocolType,
    protocol: value.protocol,
    leader: value.leader,
    members,
  }
  return { ...group, topics: subscribedTopics(group) }
}

const currentValue = (value: MemberAssignment) => ({
  memberEpoch: value.memberEpoch,
  previousMemberEpoch: value.previousMemberEpoch,
  state: states[value.state],
  assignedPartitions: ownedValue(value.assigned),
  partitionsPendingRevocation: ownedValue(value.revoking),
})

const ownedValue = (owned: Owned) =>
  [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()],
    assignmentEpochs: [...partitions.values()],
  }))

const assignmentOf = (value: Value<'current'>): MemberAssignment => ({
  memberEpoch: value.memberEpoch,
  previousMemberEpoch: value.previousMemberEpoch,
  state: stateOfCode.get(value.state) ?? 'Unknown',
  assigned: owned(value.assignedPartitions, value.memberEpoch),
  revoking: owned(value.partitionsPendingRevocation, value.memberEpoch),
})

/** Before Kafka 4.2 the epoch of each partition was not told: then it is the member's. */
const owned = (value: Value<'current'>['assignedPartitions'], memberEpoch: number): Owned =>
  new Map(
    value.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? memberEpoch])),
    ]),
  )
