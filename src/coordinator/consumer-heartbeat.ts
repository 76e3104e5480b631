// ConsumerGroupHeartbeat (KIP-848), the one request of the consumer protocol: with it members join, say what they
// subscribe to and own, are told what to have, and leave. Kafka's GroupMetadataManager.consumerGroupHeartbeat.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import type { Assignment } from './assignors.ts'
import {
  type ConsumerMember,
  type ConsumerTurn,
  LEAVES,
  LEAVES_FOR_NOW,
  type MemberMetadata,
  newMember,
  withInstance,
} from './consumer.ts'
import type { Reported } from './reconciliation.ts'
import type { GroupSettings, Topics } from './settings.ts'
import { advanceMember, dropRegexes, hashOf, refresh, retarget, sameOwned, subscribe } from './targets.ts'

/** From this version on, members name themselves (KIP-1082). */
const OWN_MEMBER_ID = 1
/** Names that one member subscribes to. */
const MAX_SUBSCRIBED_TOPICS = 10_000

export interface ConsumerHeartbeat {
  readonly type: 'consumerHeartbeat'
  /** Of the ConsumerGroupHeartbeat request. */
  readonly version: number
  readonly clientId: string
  readonly clientHost: string
  readonly memberId: string
  /** 0 joins, -1 leaves, -2 leaves for now (static members). */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  /** In what follows null, and here -1, means: as before. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly topicPartitions: Reported
  /** Random, to name a member with that does not name itself. */
  readonly fresh: string
}

export type ConsumerHeartbeatReply =
  | {
      readonly memberId: string
      readonly memberEpoch: number
      readonly heartbeatIntervalMs: number
      /** By topic id; null: as before. */
      readonly assignment: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null
    }
  | Failure

/** What is wrong with a request whatever the group is like. */
export function invalidHeartbeat(beat: ConsumerHeartbeat, settings: GroupSettings): Failure | undefined {
  const { memberEpoch } = beat
  const wrong = (message: string) => failure('INVALID_REQUEST', message)
  if (beat.memberId === '' && (beat.version >= OWN_MEMBER_ID || memberEpoch > 0 || memberEpoch === LEAVES))
    return wrong("MemberId can't be empty.")
  if (beat.instanceId === '') return wrong("InstanceId can't be empty.")
  if (beat.rackId === '') return wrong("RackId can't be empty.")
  if ((beat.subscribedTopicNames?.length ?? 0) > MAX_SUBSCRIBED_TOPICS)
    return wrong(`SubscribedTopicNames names more than ${MAX_SUBSCRIBED_TOPICS} topics.`)
  if (memberEpoch === 0) {
    if (beat.rebalanceTimeoutMs === -1) return wrong('RebalanceTimeoutMs must be provided in first request.')
    if (beat.topicPartitions === null || beat.topicPartitions.length > 0)
      return wrong('TopicPartitions must be empty when (re-)joining.')
    if (beat.subscribedTopicNames === null && beat.subscribedTopicRegex === null)
      return wrong('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
  } else if (memberEpoch === LEAVES_FOR_NOW && beat.instanceId === null) return wrong("InstanceId can't be null.")
  else if (memberEpoch < LEAVES_FOR_NOW) return wrong('MemberEpoch is invalid.')
  const assignors = settings['group.consumer.assignors']
  if (beat.serverAssignor !== null && !assignors.includes(beat.serverAssignor))
    return failure(
      'UNSUPPORTED_ASSIGNOR',
      `ServerAssignor ${beat.serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  return undefined
}

/** A heartbeat of a member that stays or joins. The turn's facts count only if the reply is no failure. */
export function heartbeatConsumer(
  turn: ConsumerTurn,
  groupId: string,
  beat: ConsumerHeartbeat,
  settings: GroupSettings,
  topics: Topics,
): ConsumerHeartbeatReply {
  const memberId = beat.memberId === '' ? beat.fresh : beat.memberId
  const full = fullGroup(turn, memberId, settings)
  if (full !== undefined) return full
  const member =
    beat.instanceId === null
      ? dynamicMember(turn, groupId, memberId, beat)
      : staticMember(turn, memberId, beat.instanceId, beat)
  if (isFailure(member)) return member

  const changed = subscribe(turn, memberId, metadataAfter(member, beat), topics)
  if (isFailure(changed)) return changed
  refresh(turn, changed, topics)
  const failed =
    retarget(turn, settings, topics) ?? advanceMember(turn, memberId, changed, beat.topicPartitions, topics)
  if (failed !== undefined) return failed

  turn.timers(memberId, { expiresMs: turn.nowMs + settings['group.consumer.session.timeout.ms'] })
  const after = turn.group.members.get(memberId)!
  const isFull =
    beat.rebalanceTimeoutMs !== -1 &&
    (beat.subscribedTopicNames !== null || beat.subscribedTopicRegex !== null) &&
    beat.topicPartitions !== null
  const isTold = beat.memberEpoch === 0 || isFull || !sameOwned(member.assigned, after.assigned)
  return {
    memberId,
    memberEpoch: after.memberEpoch,
    heartbeatIntervalMs: settings['group.consumer.heartbeat.interval.ms'],
    assignment: isTold
      ? [...after.assigned].map(([topicId, partitions]) => ({ topicId, partitions: sorted(partitions.keys()) }))
      : null,
  }
}

const sorted = (partitions: Iterable<number>): number[] => [...partitions].sort((a, b) => a - b)

export function fullGroup(turn: ConsumerTurn, memberId: string, settings: GroupSettings): Failure | undefined {
  const { members } = turn.group
  const max = settings['group.consumer.max.size']
  if (members.size < max || members.has(memberId)) return undefined
  return failure('GROUP_MAX_SIZE_REACHED', `The consumer group has reached its maximum capacity of ${max} members.`)
}

function dynamicMember(
  turn: ConsumerTurn,
  groupId: string,
  memberId: string,
  beat: ConsumerHeartbeat,
): ConsumerMember | Failure {
  const member = turn.group.members.get(memberId)
  if (member === undefined) return beat.memberEpoch === 0 ? newMember(memberId) : unknownMember(groupId, memberId)
  return wrongEpoch(member, beat) ?? member
}

function staticMember(
  turn: ConsumerTurn,
  memberId: string,
  instanceId: string,
  beat: ConsumerHeartbeat,
): ConsumerMember | Failure {
  const holder = withInstance(turn.group, instanceId)
  if (beat.memberEpoch === 0) {
    if (holder === undefined) return turn.group.members.get(memberId) ?? newMember(memberId)
    if (holder.memberId === memberId && holder.memberEpoch !== LEAVES_FOR_NOW) return holder
    if (holder.classic === null && holder.memberEpoch !== LEAVES_FOR_NOW)
      return failure(
        'UNRELEASED_INSTANCE_ID',
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is ` +
          `owned by ${holder.memberId} member.`,
      )
    return replaceMember(turn, holder, memberId)
  }
  return checkStatic(holder, memberId, instanceId) ?? wrongEpoch(holder!, beat) ?? holder!
}

/** Whether a member may speak for an instance id. */
export function checkStatic(
  holder: ConsumerMember | undefined,
  memberId: string,
  instanceId: string,
): Failure | undefined {
  if (holder === undefined) return failure('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`)
  if (holder.memberId === memberId) return undefined
  return failure(
    'FENCED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.memberId}.`,
  )
}

/** A static member is back: what it shall have and has goes over to its new id. */
export function replaceMember(turn: ConsumerTurn, holder: ConsumerMember, memberId: string): ConsumerMember {
  const target: Assignment = turn.group.targets.get(holder.memberId) ?? new Map()
  removeMember(turn, holder.memberId)
  turn.decide({ type: 'member', memberId, value: metadataOf(holder) })
  turn.decide({ type: 'target', memberId, value: target })
  const { state, assigned, revoking } = holder
  const value = { memberEpoch: 0, previousMemberEpoch: 0, state, assigned, revoking }
  turn.decide({ type: 'current', memberId, value })
  return turn.group.members.get(memberId)!
}

export function removeMember(turn: ConsumerTurn, memberId: string): void {
  turn.decide({ type: 'current', memberId, value: null })
  turn.decide({ type: 'target', memberId, value: null })
  turn.decide({ type: 'member', memberId, value: null })
}

/** Members that leave, or that are shut out: the others get their partitions with the next epoch. */
export function fence(turn: ConsumerTurn, memberIds: readonly string[], topics: Topics): void {
  for (const memberId of memberIds) removeMember(turn, memberId)
  dropRegexes(turn)
  const { group } = turn
  turn.decide({ type: 'epoch', value: { epoch: group.epoch + 1, metadataHash: hashOf(group, topics) } })
}

/** A static member leaves for now: its partitions stay with it until it is back or its session ends. */
export function leaveForNow(
  turn: ConsumerTurn,
  { memberId, previousMemberEpoch, state, assigned }: ConsumerMember,
): void {
  const zeroed = new Map(
    [...assigned].map(([topicId, owned]) => [topicId, new Map([...owned.keys()].map(p => [p, 0]))]),
  )
  const value = { memberEpoch: LEAVES_FOR_NOW, previousMemberEpoch, state, assigned: zeroed, revoking: new Map() }
  turn.decide({ type: 'current', memberId, value })
}

/** The epoch of the last answer, or of the one before if that answer was lost on its way. */
function wrongEpoch(member: ConsumerMember, { memberEpoch, topicPartitions }: ConsumerHeartbeat): Failure | undefined {
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return undefined
  const isLarger = memberEpoch > member.memberEpoch
  if (!isLarger && memberEpoch === member.previousMemberEpoch && ownsNoMore(topicPartitions, member)) return undefined
  return failure(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${isLarger ? 'greater' : 'smaller'} member epoch (${memberEpoch}) than the one ` +
      `known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

const ownsNoMore = (reported: Reported, { assigned }: ConsumerMember): boolean =>
  reported !== null &&
  reported.every(({ topicId, partitions }) => partitions.every(partition => assigned.get(topicId)?.has(partition)))

export const unknownMember = (groupId: string, memberId: string): Failure =>
  failure('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${groupId}.`)

function metadataAfter(member: ConsumerMember, beat: ConsumerHeartbeat): MemberMetadata {
  return {
    instanceId: beat.instanceId ?? member.instanceId,
    rackId: beat.rackId ?? member.rackId,
    clientId: beat.clientId,
    clientHost: beat.clientHost,
    subscribedTopicNames: beat.subscribedTopicNames
      ? [...new Set(beat.subscribedTopicNames)].sort()
      : member.subscribedTopicNames,
    subscribedTopicRegex: beat.subscribedTopicRegex ?? member.subscribedTopicRegex,
    rebalanceTimeoutMs: beat.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : beat.rebalanceTimeoutMs,
    serverAssignor: beat.serverAssignor ?? member.serverAssignor,
    classic: null,
  }
}

export const metadataOf = (member: ConsumerMember): MemberMetadata => ({
  instanceId: member.instanceId,
  rackId: member.rackId,
  clientId: member.clientId,
  clientHost: member.clientHost,
  subscribedTopicNames: member.subscribedTopicNames,
  subscribedTopicRegex: member.subscribedTopicRegex,
  rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  serverAssignor: member.serverAssignor,
  classic: member.classic,
})
