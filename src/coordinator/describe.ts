// How a group looks from outside: ListGroups, DescribeGroups, ConsumerGroupDescribe.

import { type Failure, failure } from '../protocol/errors.ts'
import type { Assignment } from './assignors.ts'
import { metadataOf } from './classic.ts'
import { type Owned, stateOf } from './consumer.ts'
import type { GroupState } from './facts.ts'
import type { GroupSettings, Topics } from './settings.ts'
import { preferredAssignor } from './targets.ts'

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly state: string
  readonly type: 'classic' | 'consumer'
}

export interface DescribedClassic {
  readonly groupId: string
  readonly state: string
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Uint8Array
    readonly assignment: Uint8Array
  }[]
}

interface TopicPartitions {
  readonly topicId: string
  readonly topicName: string
  readonly partitions: readonly number[]
}

export interface DescribedConsumer {
  readonly groupId: string
  readonly state: string
  readonly epoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly rackId: string | null
    readonly memberEpoch: number
    readonly clientId: string
    readonly clientHost: string
    readonly subscribedTopicNames: readonly string[]
    readonly subscribedTopicRegex: string | null
    readonly assignment: readonly TopicPartitions[]
    readonly target: readonly TopicPartitions[]
    readonly isClassic: boolean
  }[]
}

/** Undefined: there is no such group. */
export function listed(state: GroupState): ListedGroup | undefined {
  const { groupId, classic, consumer, offsets } = state
  if (consumer !== undefined) return { groupId, protocolType: 'consumer', state: stateOf(consumer), type: 'consumer' }
  if (classic === undefined && offsets.size === 0) return undefined
  return { groupId, protocolType: classic?.protocolType ?? '', state: classic?.state ?? 'Empty', type: 'classic' }
}

export function describeClassic(state: GroupState): DescribedClassic | Failure {
  const { groupId, classic, consumer } = state
  if (consumer !== undefined) return failure('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a classic group.`)
  const group = listed(state)
  if (group === undefined) return failure('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  const isStable = group.state === 'Stable'
  return {
    groupId,
    state: group.state,
    protocolType: group.protocolType,
    protocol: isStable ? (classic?.protocol ?? '') : '',
    members: [...(classic?.members.values() ?? [])].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: metadataOf(member, isStable ? classic!.protocol : null),
      assignment: member.assignment,
    })),
  }
}

export function describeConsumer(
  state: GroupState,
  settings: GroupSettings,
  topics: Topics,
): DescribedConsumer | Failure {
  const { groupId, consumer } = state
  if (consumer === undefined)
    return failure(
      'GROUP_ID_NOT_FOUND',
      listed(state) === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
    )
  return {
    groupId,
    state: stateOf(consumer),
    epoch: consumer.epoch,
    assignmentEpoch: consumer.assignmentEpoch,
    assignor: preferredAssignor(consumer) ?? settings['group.consumer.assignors'][0]!,
    members: [...consumer.members.values()].map(member => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: named([...member.assigned, ...member.revoking], topics),
      target: named([...(consumer.targets.get(member.memberId) ?? [])], topics),
      isClassic: member.classic !== null,
    })),
  }
}

/** Topics that are gone are left out. */
function named(
  owned: readonly (readonly [string, ReturnType<Owned['get']> | ReturnType<Assignment['get']>])[],
  topics: Topics,
): TopicPartitions[] {
  const merged = new Map<string, number[]>()
  for (const [topicId, partitions] of owned)
    merged.set(topicId, [...(merged.get(topicId) ?? []), ...(partitions?.keys() ?? [])])
  return [...merged].flatMap(([topicId, partitions]) => {
    const topicName = topics.byId(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
  })
}
