// How a member of the consumer protocol gets from the partitions it has to those it shall have: it gives up first what
// it must, and gets what it may only once nobody else has it. Kafka's CurrentAssignmentBuilder.
//
// Stable, UnreleasedPartitions  → next target: gives up → UnrevokedPartitions, else takes what is free → Stable or UnreleasedPartitions
// UnrevokedPartitions           → says that it owns none of them any more → as above, at the target's epoch

import { type Failure, failure } from '../protocol/errors.ts'
import type { Assignment } from './assignors.ts'
import type { ConsumerMember, MemberAssignment, Owned } from './consumer.ts'

/** What a heartbeat says the member owns; null: nothing changed since the last. */
export type Reported = readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null

export interface Step {
  readonly targetEpoch: number
  readonly target: Assignment
  /** Topics that the member is subscribed to and that exist. */
  readonly topicIds: ReadonlySet<string>
  readonly hasSubscriptionChanged: boolean
  readonly reported: Reported
  /** Whether any member of the group still has this partition, given up or not. */
  isOwned(topicId: string, partition: number): boolean
}

/** The member's next assignment; the present one if nothing is to be done yet. */
export function reconcile(member: ConsumerMember, step: Step): MemberAssignment | Failure {
  switch (member.state) {
    case 'Stable':
      if (member.memberEpoch !== step.targetEpoch) return advance(member, step, member.memberEpoch)
      return step.hasSubscriptionChanged ? unsubscribe(member, step) : member
    case 'UnrevokedPartitions':
      if (!stillOwns(step.reported, member.revoking)) return advance(member, step, member.memberEpoch)
      return step.hasSubscriptionChanged ? unsubscribe(member, step) : member
    case 'UnreleasedPartitions':
      return advance(member, step, member.memberEpoch)
    default:
      if (step.reported === null || step.reported.length > 0)
        return failure(
          'FENCED_MEMBER_EPOCH',
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      return advance(member, step, step.targetEpoch)
  }
}

/** Towards the target: first the giving up, at the epoch the member is at; then, at the target's, the taking over. */
function advance(member: ConsumerMember, step: Step, memberEpoch: number): MemberAssignment {
  const { targetEpoch } = step
  const assigned = new Map<string, Map<number, number>>()
  const revoking = new Map<string, Map<number, number>>()
  for (const [topicId, partitions] of member.assigned)
    for (const [partition, epoch] of partitions) {
      const stays = step.topicIds.has(topicId) && step.target.get(topicId)?.has(partition) === true
      put(stays ? assigned : revoking, topicId, partition, epoch)
    }
  if (revoking.size > 0 && stillOwns(step.reported, revoking))
    return { state: 'UnrevokedPartitions', ...epochs(member, memberEpoch), assigned, revoking }

  let hasUnreleased = false
  for (const [topicId, partitions] of step.target) {
    if (!step.topicIds.has(topicId)) continue
    for (const partition of partitions) {
      if (assigned.get(topicId)?.has(partition)) continue
      const wasItsOwn = member.revoking.get(topicId)?.has(partition) === true
      if (step.isOwned(topicId, partition) && !wasItsOwn) hasUnreleased = true
      else put(assigned, topicId, partition, targetEpoch)
    }
  }
  const state = hasUnreleased ? 'UnreleasedPartitions' : 'Stable'
  return { state, ...epochs(member, targetEpoch), assigned, revoking: new Map() }
}

/** The member is told at once to give up what it no longer subscribes to; the target comes later. */
function unsubscribe(member: ConsumerMember, step: Step): MemberAssignment {
  const assigned = new Map<string, ReadonlyMap<number, number>>()
  const revoking = new Map(member.revoking)
  for (const [topicId, partitions] of member.assigned)
    if (step.topicIds.has(topicId)) assigned.set(topicId, partitions)
    else revoking.set(topicId, new Map([...(revoking.get(topicId) ?? []), ...partitions]))
  if (assigned.size === member.assigned.size) return member
  const next = { ...epochs(member, member.memberEpoch), assigned }
  return stillOwns(step.reported, revoking)
    ? { ...next, state: 'UnrevokedPartitions', revoking }
    : { ...next, state: member.state, revoking: member.revoking }
}

/** A member that does not say what it owns is taken to own all of it still. */
function stillOwns(reported: Reported, revoking: Owned): boolean {
  if (reported === null) return true
  return reported.some(({ topicId, partitions }) => partitions.some(partition => revoking.get(topicId)?.has(partition)))
}

/** The epoch before stays good for a member that did not get the answer. */
const epochs = (member: ConsumerMember, memberEpoch: number) => ({
  memberEpoch,
  previousMemberEpoch: memberEpoch === member.memberEpoch ? member.previousMemberEpoch : member.memberEpoch,
})

function put(into: Map<string, Map<number, number>>, topicId: string, partition: number, epoch: number): void {
  const partitions = into.get(topicId)
  if (partitions === undefined) into.set(topicId, new Map([[partition, epoch]]))
  else partitions.set(partition, epoch)
}
