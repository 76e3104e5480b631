// From one protocol to the other while members stay (KIP-848): the first member of the consumer protocol turns a classic
// group into a consumer group, in which the classic members are served as before (classic-in-consumer.ts); when only
// classic members are left, it becomes a classic group again.

import { type Failure, failure } from '../protocol/errors.ts'
import type { Assignment } from './assignors.ts'
import {
  type ClassicGroup,
  type ClassicMember,
  emptyClassic,
  metadataOf,
  selectProtocol,
  subscribedTopics,
} from './classic.ts'
import {
  type ConsumerFact,
  type ConsumerGroup,
  type ConsumerMember,
  applyTo,
  emptyConsumer,
  type Owned,
} from './consumer.ts'
import { CONSUMER_PROTOCOL, readAssignment, readSubscription, versionOf, writeAssignment } from './consumer-protocol.ts'
import type { GroupSettings, Topics } from './settings.ts'
import { hashOf } from './targets.ts'

/** The facts of a consumer group in which every member of the classic group has what it had. */
export function upgraded(
  groupId: string,
  classic: ClassicGroup,
  settings: GroupSettings,
  topics: Topics,
): readonly ConsumerFact[] | Failure {
  const policy = settings['group.consumer.migration.policy']
  const refuse = (why: string) =>
    failure('GROUP_ID_NOT_FOUND', `Cannot upgrade classic group ${groupId} to consumer group because ${why}.`)
  if (policy !== 'bidirectional' && policy !== 'upgrade') return refuse('online upgrade is disabled')
  if (classic.protocolType !== CONSUMER_PROTOCOL) return refuse('the group does not use the consumer embedded protocol')
  if (classic.members.size > settings['group.consumer.max.size'])
    return refuse('the group size exceeds the consumer group maximum size')
  const epoch = classic.generation
  const facts: ConsumerFact[] = []
  for (const member of classic.members.values()) {
    const assignment = readAssignment(member.assignment)
    const subscription = readSubscription(metadataOf(member, classic.protocol ?? member.protocols[0]!.name))
    if (assignment === undefined || subscription === undefined)
      return refuse('the embedded consumer protocol is malformed')
    if (assignment.userData !== null && assignment.userData.length > 0)
      return refuse(
        'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor ' +
          'before re-attempting the upgrade',
      )
    const { memberId } = member
    const owned = byTopicId(assignment.assignedPartitions, topics)
    const target: Assignment = new Map([...owned].map(([topicId, partitions]) => [topicId, new Set(partitions)]))
    const assigned: Owned = new Map(
      [...owned].map(([topicId, partitions]) => [topicId, new Map(partitions.map(partition => [partition, epoch]))]),
    )
    facts.push(
      {
        type: 'member',
        memberId,
        value: {
          instanceId: member.groupInstanceId,
          rackId: subscription.rackId || null,
          clientId: member.clientId,
          clientHost: member.clientHost,
          subscribedTopicNames: [...new Set(subscription.topics)].sort(),
          subscribedTopicRegex: '',
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          serverAssignor: null,
          classic: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
        },
      },
      { type: 'target', memberId, value: target },
      {
        type: 'current',
        memberId,
        value: { memberEpoch: epoch, previousMemberEpoch: epoch, state: 'Stable', assigned, revoking: new Map() },
      },
    )
  }
  const group = emptyConsumer()
  for (const fact of facts) applyTo(group, fact)
  return [
    { type: 'epoch', value: { epoch, metadataHash: hashOf(group, topics) } },
    ...facts,
    { type: 'targetEpoch', value: { epoch, assignedMs: 0 } },
  ]
}

function byTopicId(
  partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  topics: Topics,
): ReadonlyMap<string, readonly number[]> {
  const known = partitions.filter(({ topic }) => topics.byName(topic) !== undefined)
  return new Map(known.map(({ topic, partitions: owned }) => [topics.byName(topic)!.topicId, owned]))
}

/** Whether a group without these members is one that a classic group can be made of. */
export function canDowngrade(
  group: Readonly<ConsumerGroup>,
  without: ReadonlySet<string>,
  settings: GroupSettings,
): boolean {
  const policy = settings['group.consumer.migration.policy']
  if (policy !== 'bidirectional' && policy !== 'downgrade') return false
  const left = [...group.members.values()].filter(({ memberId }) => !without.has(memberId))
  return left.length > 0 && left.length <= settings['group.max.size'] && left.every(({ classic }) => classic !== null)
}

/** The classic group of those who are left, each with its target assignment. */
export function downgraded(
  group: Readonly<ConsumerGroup>,
  without: ReadonlySet<string>,
  topics: Topics,
  nowMs: number,
): ClassicGroup {
  const left = [...group.members.values()].filter(({ memberId }) => !without.has(memberId))
  const members = new Map(left.map(member => [member.memberId, classicMember(member, nowMs)]))
  const protocol = selectProtocol({ members })
  for (const [memberId, member] of members) {
    const version = versionOf(metadataOf(member, protocol))
    const assignment = writeAssignment(byName(group.targets.get(memberId) ?? new Map(), topics), version)
    members.set(memberId, { ...member, assignment })
  }
  const classic = {
    ...emptyClassic(nowMs),
    state: 'Stable' as const,
    generation: group.epoch,
    protocolType: CONSUMER_PROTOCOL,
    protocol,
    leader: left[0]!.memberId,
    members,
  }
  return { ...classic, topics: subscribedTopics(classic) }
}

const classicMember = (member: ConsumerMember, nowMs: number): ClassicMember => ({
  memberId: member.memberId,
  groupInstanceId: member.instanceId,
  clientId: member.clientId,
  clientHost: member.clientHost,
  rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  sessionTimeoutMs: member.classic!.sessionTimeoutMs,
  protocols: member.classic!.supportedProtocols,
  assignment: new Uint8Array(0),
  joining: undefined,
  syncing: undefined,
  isNew: false,
  expiresMs: nowMs + member.classic!.sessionTimeoutMs,
})

/** As the classic protocol says it: by topic name. Topics that are gone are left out. */
export const byName = (
  owned: ReadonlyMap<string, { keys(): Iterable<number> }>,
  topics: Topics,
): { topic: string; partitions: number[] }[] =>
  [...owned].flatMap(([topicId, partitions]) => {
    const topic = topics.byId(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: [...partitions.keys()].sort((a, b) => a - b) }]
  })
