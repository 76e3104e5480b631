// Who may commit, fetch and delete: Kafka's Group.validateOffsetCommit and its like.

import { type Failure, failure } from '../protocol/errors.ts'
import { wrongMember } from './classic-join.ts'
import type { ClassicGroup } from './classic.ts'
import { CONSUMER_PROTOCOL } from './consumer-protocol.ts'
import { type ConsumerGroup, type ConsumerMember, isSubscribed } from './consumer.ts'
import { unknownMember } from './consumer-heartbeat.ts'
import { listed } from './describe.ts'
import type { GroupState } from './facts.ts'
import type { Commit, FetchOffsets, TransactionalCommit } from './offsets.ts'

/** From this version of OffsetCommit on, members of the consumer protocol may commit. */
const MEMBER_EPOCHS = 9

export function mayCommit(state: GroupState, request: Commit): Failure | undefined {
  if (state.consumer !== undefined) return mayCommitToConsumer(state.groupId, state.consumer, request)
  if (state.classic !== undefined) return mayCommitToClassic(state.classic, request)
  if (request.generationId < 0) return undefined
  if (listed(state) !== undefined || state.pending.size > 0) return failure('UNKNOWN_MEMBER_ID')
  return request.version >= MEMBER_EPOCHS
    ? failure('GROUP_ID_NOT_FOUND', `Group ${state.groupId} not found.`)
    : failure('ILLEGAL_GENERATION')
}

/** Within a transaction, who does not say that it is a member is not asked. Whoever is one may be of either protocol. */
export function mayCommitInTransaction(state: GroupState, request: TransactionalCommit): Failure | undefined {
  const { generationId, memberId, groupInstanceId } = request
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return undefined
  const refused = mayCommit(state, { ...request, type: 'commit', version: MEMBER_EPOCHS })
  if (refused?.error !== 'GROUP_ID_NOT_FOUND') return refused
  // A group comes to be with the first offsets, whatever becomes of these.
  return failure(state.pending.size > 0 ? 'UNKNOWN_MEMBER_ID' : 'ILLEGAL_GENERATION')
}

function mayCommitToClassic(group: ClassicGroup, request: Commit): Failure | undefined {
  const { memberId, groupInstanceId, generationId } = request
  // An administrator, or a consumer that assigns its partitions itself.
  if (generationId < 0 && group.state === 'Empty') return undefined
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return failure('UNKNOWN_MEMBER_ID')
  const wrong = wrongMember(group, memberId, groupInstanceId)
  if (wrong !== undefined) return failure(wrong)
  if (generationId !== group.generation) return failure('ILLEGAL_GENERATION')
  return group.state === 'CompletingRebalance' ? failure('REBALANCE_IN_PROGRESS') : undefined
}

function mayCommitToConsumer(groupId: string, group: ConsumerGroup, request: Commit): Failure | undefined {
  const { memberId, generationId, version } = request
  if (generationId < 0 && group.members.size === 0) return undefined
  const member = group.members.get(memberId)
  if (member === undefined) return unknownMember(groupId, memberId)
  if (member.classic === null && version < MEMBER_EPOCHS)
    return failure(
      'UNSUPPORTED_VERSION',
      'OffsetCommit version 9 or above must be used by members using the consumer group protocol',
    )
  if (generationId === member.memberEpoch) return undefined
  if (generationId > member.memberEpoch) return otherEpoch(member, generationId)
  // An older epoch is good for partitions that the member has had since then (KIP-1251).
  const hasAll = request.topics.every(({ topicId, partitions }) =>
    partitions.every(({ partition }) => {
      const since = member.assigned.get(topicId)?.get(partition) ?? member.revoking.get(topicId)?.get(partition)
      return since !== undefined && generationId >= since
    }),
  )
  return hasAll ? undefined : otherEpoch(member, generationId)
}

/** Each protocol has its own word for it. */
const otherEpoch = ({ classic, memberEpoch }: ConsumerMember, received: number): Failure =>
  classic === null
    ? failure('STALE_MEMBER_EPOCH', `Received member epoch ${received}, the current one is ${memberEpoch}.`)
    : failure('ILLEGAL_GENERATION', `Received generation id ${received}, the current one is ${memberEpoch}.`)

/** Undefined also where there is no group: then there are no offsets either. */
export function mayFetch({ groupId, consumer }: GroupState, request: FetchOffsets): Failure | undefined {
  const { memberId, memberEpoch } = request
  if (consumer === undefined || (memberId === null && memberEpoch < 0)) return undefined
  const member = consumer.members.get(memberId ?? '')
  if (member === undefined) return unknownMember(groupId, memberId ?? '')
  return memberEpoch === member.memberEpoch ? undefined : otherEpoch(member, memberEpoch)
}

export function mayDeleteOffsets(state: GroupState): Failure | undefined {
  const group = listed(state)
  if (group === undefined) return failure('GROUP_ID_NOT_FOUND', `Group ${state.groupId} not found.`)
  const isShared = group.type === 'classic' && group.state !== 'Empty' && group.protocolType !== CONSUMER_PROTOCOL
  return isShared ? failure('NON_EMPTY_GROUP') : undefined
}

export function mayDelete(state: GroupState): Failure | undefined {
  const group = listed(state)
  if (group === undefined) return failure('GROUP_ID_NOT_FOUND', `Group ${state.groupId} not found.`)
  return group.state === 'Empty' ? undefined : failure('NON_EMPTY_GROUP')
}

/** Where a group's topics cannot be told, it may be subscribed to any. */
export function isSubscribedTo({ classic, consumer }: GroupState, topic: string): boolean {
  if (consumer !== undefined) return isSubscribed(consumer, topic)
  if (classic === undefined) return false
  return classic.topics === null ? classic.protocolType === CONSUMER_PROTOCOL : classic.topics.has(topic)
}
