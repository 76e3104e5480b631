// From what members subscribe to, to what each shall have: expressions are matched, a change raises the group epoch, a
// newer epoch gets a new target assignment, and the member who asked takes its next step towards it. Kafka's
// GroupMetadataManager.updateSubscriptionMetadata, maybeUpdateTargetAssignment and maybeReconcile.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { type Assignee, type Assignment, assignors } from './assignors.ts'
import { sameProtocols } from './classic.ts'
import {
  type ConsumerGroup,
  type ConsumerMember,
  type ConsumerTurn,
  hasRegex,
  isReconciled,
  type MemberMetadata,
  type Owned,
  topicsOf,
} from './consumer.ts'
import { reconcile, type Reported } from './reconciliation.ts'
import { compileRegex } from '../protocol/regex.ts'
import type { GroupSettings, Topics } from './settings.ts'

/** What a member's metadata becomes. True: it subscribes to something else now, or is new. */
export function subscribe(
  turn: ConsumerTurn,
  memberId: string,
  metadata: MemberMetadata,
  topics: Topics,
): boolean | Failure {
  const before = turn.group.members.get(memberId)
  if (before !== undefined && sameMetadata(before, metadata)) return false
  const { subscribedTopicRegex: regex } = metadata
  const regexChanged = (before?.subscribedTopicRegex ?? '') !== (regex ?? '')
  if (regexChanged && hasRegex(metadata) && !turn.group.regexes.has(regex!)) {
    const matched = match(regex!, topics)
    if ('error' in matched) return matched
    turn.decide({ type: 'regex', regex: regex!, value: { ...matched, matchedMs: turn.nowMs } })
  }
  turn.decide({ type: 'member', memberId, value: metadata })
  if (regexChanged) dropRegexes(turn)
  const sameNames = before !== undefined && sameList(before.subscribedTopicNames, metadata.subscribedTopicNames)
  return regexChanged || !sameNames
}

/** Expressions that no member subscribes to any more are forgotten. */
export function dropRegexes(turn: ConsumerTurn): void {
  const { members, regexes } = turn.group
  const used = new Set([...members.values()].map(({ subscribedTopicRegex }) => subscribedTopicRegex))
  for (const regex of [...regexes.keys()]) if (!used.has(regex)) turn.decide({ type: 'regex', regex, value: null })
}

/** Raises the group epoch if it must be, or if topics came, went or grew since the last look. */
export function refresh(turn: ConsumerTurn, mustRise: boolean, topics: Topics): void {
  const isNew = turn.group.hashedVersion !== topics.version
  if (!mustRise && !isNew) return
  if (isNew) {
    rematch(turn, topics)
    turn.decide({ type: 'hashed', version: topics.version, volatile: true })
  }
  const metadataHash = hashOf(turn.group, topics)
  if (!mustRise && metadataHash === turn.group.metadataHash) return
  turn.decide({ type: 'epoch', value: { epoch: turn.group.epoch + 1, metadataHash } })
}

function rematch(turn: ConsumerTurn, topics: Topics): void {
  for (const [regex, before] of [...turn.group.regexes]) {
    const matched = match(regex, topics)
    if (!('error' in matched) && !sameList(matched.topics, before.topics))
      turn.decide({ type: 'regex', regex, value: { ...matched, matchedMs: turn.nowMs } })
  }
}

function match(regex: string, topics: Topics): { topics: readonly string[]; version: number } | Failure {
  const matches = compileRegex(regex)
  if (typeof matches !== 'function') return matches
  return { topics: [...topics.names()].filter(matches).sort(), version: topics.version }
}

/** Computes the target assignment of a newer group epoch, though not more often than the settings say (KIP-1263). */
export function retarget(turn: ConsumerTurn, settings: GroupSettings, topics: Topics): Failure | undefined {
  const { group, nowMs } = turn
  if (group.assignmentEpoch >= group.epoch) return undefined
  if (group.assignedMs > 0 && nowMs < group.assignedMs + settings['group.consumer.assignment.interval.ms'])
    return undefined
  const name = preferredAssignor(group) ?? settings['group.consumer.assignors'][0]!
  const assignor = assignors[name]
  if (assignor === undefined) return failure('UNKNOWN_SERVER_ERROR', `There is no assignor '${name}'.`)
  const assignees: Assignee[] = [...group.members.values()].map(member => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    topicIds: idsOf(topicsOf(group, member), topics),
    assigned: group.targets.get(member.memberId) ?? NOTHING,
  }))
  const targets = assignor(assignees, topicId => topics.byId(topicId)?.partitions ?? 0)
  for (const [memberId, value] of targets)
    if (!sameAssignment(group.targets.get(memberId), value)) turn.decide({ type: 'target', memberId, value })
  turn.decide({ type: 'targetEpoch', value: { epoch: group.epoch, assignedMs: nowMs } })
  return undefined
}

const NOTHING: Assignment = new Map()

/** The assignor that most members name. */
export function preferredAssignor({ members }: Readonly<ConsumerGroup>): string | undefined {
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members.values())
    if (serverAssignor !== null) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0]
}

/** The member's next step towards its target. */
export function advanceMember(
  turn: ConsumerTurn,
  memberId: string,
  hasSubscriptionChanged: boolean,
  reported: Reported,
  topics: Topics,
): Failure | undefined {
  const { group } = turn
  const member = group.members.get(memberId)!
  if (!hasSubscriptionChanged && isReconciled(member, group.assignmentEpoch)) return undefined
  let others: Map<string, Set<number>> | undefined
  const next = reconcile(member, {
    targetEpoch: group.assignmentEpoch,
    target: group.targets.get(memberId) ?? NOTHING,
    topicIds: new Set(idsOf(topicsOf(group, member), topics)),
    hasSubscriptionChanged,
    reported,
    isOwned: (topicId, partition) => (others ??= ownedByOthers(group, memberId)).get(topicId)?.has(partition) === true,
  })
  if (isFailure(next)) return next
  const same =
    next.state === member.state &&
    next.memberEpoch === member.memberEpoch &&
    sameOwned(next.assigned, member.assigned) &&
    sameOwned(next.revoking, member.revoking)
  if (same) return undefined
  const { memberEpoch, previousMemberEpoch, state, assigned, revoking } = next
  turn.decide({ type: 'current', memberId, value: { memberEpoch, previousMemberEpoch, state, assigned, revoking } })
  const mustRevoke = state === 'UnrevokedPartitions' && member.classic === null
  turn.timers(memberId, { revokeByMs: mustRevoke ? turn.nowMs + member.rebalanceTimeoutMs : undefined })
  return undefined
}

/** What members other than this one have, given up or not. */
export function ownedByOthers({ members }: Readonly<ConsumerGroup>, memberId: string): Map<string, Set<number>> {
  const owned = new Map<string, Set<number>>()
  for (const member of members.values()) {
    if (member.memberId === memberId) continue
    for (const [topicId, partitions] of [...member.assigned, ...member.revoking]) {
      const taken = owned.get(topicId) ?? new Set()
      for (const partition of partitions.keys()) taken.add(partition)
      owned.set(topicId, taken)
    }
  }
  return owned
}

const idsOf = (names: readonly string[], topics: Topics): string[] =>
  names.map(name => topics.byName(name)?.topicId).filter(id => id !== undefined)

export const sameOwned = (a: Owned, b: Owned): boolean => sameKeyed(a, b)
const sameAssignment = (a: Assignment | undefined, b: Assignment): boolean => a !== undefined && sameKeyed(a, b)

function sameKeyed(
  a: ReadonlyMap<string, { readonly size: number; has(partition: number): boolean; keys(): Iterable<number> }>,
  b: typeof a,
): boolean {
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const other = b.get(topicId)
    if (other === undefined || other.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!other.has(partition)) return false
  }
  return true
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i])

const sameMetadata = (a: ConsumerMember, b: MemberMetadata): boolean =>
  a.instanceId === b.instanceId &&
  a.rackId === b.rackId &&
  a.clientId === b.clientId &&
  a.clientHost === b.clientHost &&
  a.subscribedTopicRegex === b.subscribedTopicRegex &&
  a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
  a.serverAssignor === b.serverAssignor &&
  sameClassic(a.classic, b.classic) &&
  sameList(a.subscribedTopicNames, b.subscribedTopicNames)

function sameClassic(a: MemberMetadata['classic'], b: MemberMetadata['classic']): boolean {
  if (a === null || b === null) return a === b
  return a.sessionTimeoutMs === b.sessionTimeoutMs && sameProtocols(a.supportedProtocols, b.supportedProtocols)
}

/** 53 bits over the topics subscribed to that exist, with their ids and partitions: two FNV-1a hashes side by side. */
export function hashOf(group: Readonly<ConsumerGroup>, topics: Topics): number {
  const names = new Set<string>()
  for (const member of group.members.values()) for (const name of topicsOf(group, member)) names.add(name)
  let low = 0x811c9dc5
  let high = 0x01000193
  let any = false
  for (const name of [...names].sort()) {
    const topic = topics.byName(name)
    if (topic === undefined) continue
    any = true
    const text = `${name} ${topic.topicId} ${topic.partitions}\n`
    for (let i = 0; i < text.length; i++) {
      low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
      high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b)
    }
  }
  return any ? (high >>> 11) * 0x1_0000_0000 + (low >>> 0) : 0
}
