// Members of the classic protocol in a consumer group: JoinGroup takes a step of reconciliation, SyncGroup fetches the
// assignment, a heartbeat sends them to join again. Nobody is parked: the broker assigns. Kafka's
// GroupMetadataManager.classicGroupJoinToConsumerGroup and its like.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import type { JoinReply, SyncReply } from './classic.ts'
import type { Join } from './classic-join.ts'
import type { Heartbeat, Leave, LeaveReply, Sync } from './classic-members.ts'
import { type ConsumerGroup, type ConsumerMember, type ConsumerTurn, newMember, withInstance } from './consumer.ts'
import { checkStatic, fullGroup, replaceMember, unknownMember } from './consumer-heartbeat.ts'
import { CONSUMER_PROTOCOL, readSubscription, versionOf, writeAssignment } from './consumer-protocol.ts'
import { byName } from './migration.ts'
import type { GroupSettings, Topics } from './settings.ts'
import { advanceMember, ownedByOthers, refresh, retarget, subscribe } from './targets.ts'

const KNOWN_MEMBER_ID = 4

/** The turn's facts count only if the reply is no failure. */
export function joinConsumer(
  turn: ConsumerTurn,
  groupId: string,
  join: Join,
  settings: GroupSettings,
  topics: Topics,
): JoinReply {
  const memberId = join.memberId === '' ? join.fresh : join.memberId
  const refused = (why: Failure) => ({ ...why, memberId })
  const inconsistent = (why: string) => refused(failure('INCONSISTENT_GROUP_PROTOCOL', why))
  if (settings['group.consumer.migration.policy'] === 'disabled')
    return inconsistent(
      `Cannot join the consumer group ${groupId} with the classic protocol because the group migration is disabled.`,
    )
  const full = fullGroup(turn, memberId, settings)
  if (full !== undefined) return refused(full)
  if (!supports(turn.group, join)) return inconsistent(`Member ${memberId}'s protocols are not supported.`)
  const subscription = readSubscription(join.protocols[0]!.metadata)
  if (subscription === undefined) return inconsistent('The embedded consumer protocol is malformed.')
  if (join.memberId === '' && join.groupInstanceId === null && join.version >= KNOWN_MEMBER_ID)
    return refused(failure('MEMBER_ID_REQUIRED'))

  const member = join.groupInstanceId === null ? known(turn, memberId) : staticMember(turn, join, memberId)
  if (isFailure(member)) return refused(member)
  const changed = subscribe(
    turn,
    memberId,
    {
      instanceId: join.groupInstanceId ?? member.instanceId,
      rackId: subscription.rackId || member.rackId,
      clientId: join.clientId,
      clientHost: join.clientHost,
      subscribedTopicNames: [...new Set(subscription.topics)].sort(),
      subscribedTopicRegex: '',
      rebalanceTimeoutMs: join.rebalanceTimeoutMs < 0 ? join.sessionTimeoutMs : join.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classic: { sessionTimeoutMs: join.sessionTimeoutMs, supportedProtocols: join.protocols },
    },
    topics,
  )
  if (isFailure(changed)) return refused(changed)
  refresh(turn, changed, topics)
  const owned = subscription.ownedPartitions.flatMap(({ topic, partitions }) => {
    const topicId = topics.byName(topic)?.topicId
    return topicId === undefined ? [] : [{ topicId, partitions }]
  })
  const failed = retarget(turn, settings, topics) ?? advanceMember(turn, memberId, changed, owned, topics)
  if (failed !== undefined) return refused(failed)
  const { memberEpoch, rebalanceTimeoutMs } = turn.group.members.get(memberId)!
  turn.timers(memberId, {
    joinByMs: undefined,
    expiresMs: turn.nowMs + join.sessionTimeoutMs,
    syncByMs: turn.nowMs + rebalanceTimeoutMs,
  })
  return {
    memberId,
    generationId: memberEpoch,
    protocolType: CONSUMER_PROTOCOL,
    protocolName: join.protocols[0]!.name,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}

function supports({ members }: Readonly<ConsumerGroup>, { protocolType, protocols }: Join): boolean {
  if (protocolType !== CONSUMER_PROTOCOL || protocols.length === 0) return false
  const classics = [...members.values()].map(({ classic }) => classic).filter(classic => classic !== null)
  return protocols.some(({ name }) =>
    classics.every(({ supportedProtocols }) => supportedProtocols.some(other => other.name === name)),
  )
}

const known = (turn: ConsumerTurn, memberId: string): ConsumerMember =>
  turn.group.members.get(memberId) ?? newMember(memberId)

function staticMember(turn: ConsumerTurn, join: Join, memberId: string): ConsumerMember | Failure {
  const instanceId = join.groupInstanceId!
  const holder = withInstance(turn.group, instanceId)
  if (join.memberId !== '') return checkStatic(holder, memberId, instanceId) ?? holder!
  return holder === undefined ? newMember(memberId) : replaceMember(turn, holder, memberId)
}

export function syncConsumer(turn: ConsumerTurn, groupId: string, sync: Sync, topics: Topics): SyncReply {
  const { group } = turn
  const member = classicMember(group, groupId, sync)
  if (isFailure(member)) return member
  const { memberId, memberEpoch, classic } = member
  const protocolName = classic!.supportedProtocols[0]!.name
  if (sync.generationId !== memberEpoch) return failure('ILLEGAL_GENERATION')
  if (
    (sync.protocolType ?? CONSUMER_PROTOCOL) !== CONSUMER_PROTOCOL ||
    (sync.protocolName ?? protocolName) !== protocolName
  )
    return failure('INCONSISTENT_GROUP_PROTOCOL')
  if (group.assignmentEpoch > memberEpoch && member.state !== 'UnrevokedPartitions') {
    joinAgain(turn, member)
    return failure('REBALANCE_IN_PROGRESS')
  }
  turn.timers(memberId, { syncByMs: undefined, expiresMs: turn.nowMs + classic!.sessionTimeoutMs })
  const version = versionOf(classic!.supportedProtocols[0]!.metadata)
  return {
    protocolType: sync.protocolType,
    protocolName: sync.protocolName,
    assignment: writeAssignment(byName(member.assigned, topics), version),
  }
}

/** REBALANCE_IN_PROGRESS sends the member to join again; it is alive all the same. */
export function heartbeatInConsumer(turn: ConsumerTurn, groupId: string, beat: Heartbeat): Failure | undefined {
  const { group } = turn
  const member = classicMember(group, groupId, beat)
  if (isFailure(member)) return member
  if (beat.generationId !== member.memberEpoch) return failure('ILLEGAL_GENERATION')
  turn.timers(member.memberId, { expiresMs: turn.nowMs + member.classic!.sessionTimeoutMs })
  const mustJoin =
    member.memberEpoch < group.assignmentEpoch ||
    member.state === 'UnrevokedPartitions' ||
    (member.state === 'UnreleasedPartitions' && !waitsForOthers(group, member))
  if (!mustJoin) return undefined
  joinAgain(turn, member)
  return failure('REBALANCE_IN_PROGRESS')
}

/** Who of them may leave, and what each is answered. */
export function leavers(
  group: Readonly<ConsumerGroup>,
  { members }: Leave,
): { readonly memberIds: readonly string[]; readonly reply: LeaveReply } {
  const memberIds: string[] = []
  const answers = members.map(({ memberId, groupInstanceId }) => {
    const member = groupInstanceId === null ? group.members.get(memberId) : withInstance(group, groupInstanceId)
    const isFenced = groupInstanceId !== null && memberId !== '' && member !== undefined && member.memberId !== memberId
    if (member !== undefined && !isFenced) memberIds.push(member.memberId)
    const error =
      member === undefined
        ? ('UNKNOWN_MEMBER_ID' as const)
        : isFenced
          ? ('FENCED_INSTANCE_ID' as const)
          : ('NONE' as const)
    return { memberId, groupInstanceId, error }
  })
  return { memberIds: [...new Set(memberIds)], reply: { members: answers } }
}

function classicMember(
  group: Readonly<ConsumerGroup>,
  groupId: string,
  { memberId, groupInstanceId }: { memberId: string; groupInstanceId: string | null },
): ConsumerMember | Failure {
  const member = groupInstanceId === null ? group.members.get(memberId) : withInstance(group, groupInstanceId)
  if (member === undefined) return unknownMember(groupId, memberId)
  if (member.memberId !== memberId) return checkStatic(member, memberId, groupInstanceId!)!
  return member.classic === null
    ? failure('UNKNOWN_MEMBER_ID', `Member ${memberId} does not use the classic protocol.`)
    : member
}

const joinAgain = (turn: ConsumerTurn, { memberId, timers, rebalanceTimeoutMs }: ConsumerMember): void =>
  turn.timers(memberId, { joinByMs: timers.joinByMs ?? turn.nowMs + rebalanceTimeoutMs })

/** Partitions of its target are still with others, so joining again would bring nothing. */
function waitsForOthers(group: Readonly<ConsumerGroup>, { memberId, assigned }: ConsumerMember): boolean {
  const others = ownedByOthers(group, memberId)
  for (const [topicId, partitions] of group.targets.get(memberId) ?? [])
    for (const partition of partitions)
      if (!assigned.get(topicId)?.has(partition) && others.get(topicId)?.has(partition)) return true
  return false
}
