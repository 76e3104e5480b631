// What members of a classic group do besides joining: SyncGroup, Heartbeat, LeaveGroup, and falling silent. Kafka's
// GroupMetadataManager.classicGroupSync, -Heartbeat, -Leave and its timers.

import type { Ticket } from '../machine.ts'
import { type ErrorName, failure } from '../protocol/errors.ts'
import { type ClassicGroup, type ClassicMember, type ClassicTurn, staticMember } from './classic.ts'
import { wrongMember } from './classic-join.ts'
import { MAX_ASSIGNMENT_BYTES } from './settings.ts'

export interface Sync {
  readonly type: 'sync'
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
  /** Null before v5. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** From the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export interface Heartbeat {
  readonly type: 'heartbeat'
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
}

export interface Leave {
  readonly type: 'leave'
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[]
}

export interface LeaveReply {
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly error: ErrorName
  }[]
}

export function syncClassic(turn: ClassicTurn, sync: Sync, ticket: Ticket): void {
  const { group } = turn
  const { memberId } = sync
  const wrong = wrongSync(group, sync)
  if (wrong !== undefined) return turn.reply(ticket, failure(wrong))
  if (sync.assignments.reduce((sum, { assignment }) => sum + assignment.length, 0) > MAX_ASSIGNMENT_BYTES)
    return turn.reply(ticket, failure('UNKNOWN_SERVER_ERROR', 'The assignment is too large to be stored.'))
  const { syncing, assignment } = group.members.get(memberId)!
  synced(group, memberId)
  switch (group.state) {
    case 'CompletingRebalance':
      if (syncing !== undefined) turn.reply(syncing, failure('REBALANCE_IN_PROGRESS'))
      turn.update(memberId, { syncing: ticket })
      if (group.leader === memberId)
        turn.assign(new Map(sync.assignments.map(given => [given.memberId, given.assignment])))
      return
    default:
      turn.reply(ticket, { protocolType: group.protocolType, protocolName: group.protocol, assignment })
  }
}

function wrongSync(group: ClassicGroup, sync: Sync): ErrorName | undefined {
  if (group.state === 'Empty') return 'UNKNOWN_MEMBER_ID'
  const wrong = wrongMember(group, sync.memberId, sync.groupInstanceId)
  if (wrong !== undefined) return wrong
  if (sync.generationId !== group.generation) return 'ILLEGAL_GENERATION'
  if (isOther(sync.protocolType, group.protocolType) || isOther(sync.protocolName, group.protocol))
    return 'INCONSISTENT_GROUP_PROTOCOL'
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : undefined
}

const isOther = (said: string | null, is: string | null): boolean => said !== null && is !== null && said !== is

function synced(group: { unsynced: Set<string>; syncDeadlineMs: number | undefined }, memberId: string): void {
  group.unsynced.delete(memberId)
  if (group.unsynced.size === 0) group.syncDeadlineMs = undefined
}

/** What a heartbeat is answered, and whether it counts: a rebalance is told, but the member is alive all the same. */
export function heartbeatClassic(group: ClassicGroup, beat: Heartbeat): { error: ErrorName; alive: boolean } {
  const wrong = wrongMember(group, beat.memberId, beat.groupInstanceId)
  if (wrong !== undefined) return { error: wrong, alive: false }
  if (beat.generationId !== group.generation) return { error: 'ILLEGAL_GENERATION', alive: false }
  if (group.state === 'Empty') return { error: 'UNKNOWN_MEMBER_ID', alive: false }
  return { error: group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE', alive: true }
}

/** Several may leave at once: an administrator may take out static members by their instance id alone. */
export function leaveClassic(turn: ClassicTurn, { members }: Leave): LeaveReply {
  const answers = members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    error: leaveOne(turn, memberId, groupInstanceId),
  }))
  if (answers.some(({ error }) => error === 'NONE') && turn.group.state !== 'Empty') turn.rebalance()
  return { members: answers }
}

function leaveOne(turn: ClassicTurn, memberId: string, groupInstanceId: string | null): ErrorName {
  const { group } = turn
  if (memberId === '') {
    const holder = groupInstanceId === null ? undefined : staticMember(group, groupInstanceId)
    if (holder === undefined) return 'UNKNOWN_MEMBER_ID'
    turn.remove(holder.memberId)
    return 'NONE'
  }
  if (!group.pending.has(memberId)) {
    const wrong = wrongMember(group, memberId, groupInstanceId)
    if (wrong !== undefined) return wrong
  }
  turn.remove(memberId)
  return 'NONE'
}

/** Sessions, pending ids, joins and syncs whose time is up. */
export function tickClassic(turn: ClassicTurn): void {
  const { group, nowMs } = turn
  // After a restart nobody's session is known: all of them start again, as after a failover in Kafka.
  for (const { memberId, expiresMs, sessionTimeoutMs } of [...group.members.values()])
    if (expiresMs === undefined) turn.update(memberId, { expiresMs: nowMs + sessionTimeoutMs })
  for (const [memberId, untilMs] of [...group.pending])
    if (untilMs <= nowMs) {
      turn.remove(memberId)
      turn.maybeCompleteJoin()
    }
  for (const { memberId } of [...group.members.values()]) {
    const member = group.members.get(memberId)
    if (member === undefined || (sessionEnd(member) ?? Infinity) > nowMs) continue
    turn.remove(memberId)
    turn.rebalance()
  }
  if (group.joinDeadlineMs !== undefined && group.joinDeadlineMs <= nowMs) joinTimeIsUp(turn)
  if (group.syncDeadlineMs !== undefined && group.syncDeadlineMs <= nowMs) syncTimeIsUp(turn)
}

/** When the next of them is due; 0 after a restart, to start the sessions. */
export function classicDeadline(group: ClassicGroup): number | undefined {
  let due = Math.min(group.joinDeadlineMs ?? Infinity, group.syncDeadlineMs ?? Infinity, ...group.pending.values())
  for (const member of group.members.values())
    due = Math.min(due, member.expiresMs === undefined ? 0 : (sessionEnd(member) ?? Infinity))
  return due === Infinity ? undefined : due
}

/** Who is parked is alive, unless it is new: nothing else would ever take it out. */
const sessionEnd = ({ isNew, joining, syncing, expiresMs }: ClassicMember): number | undefined =>
  !isNew && (joining !== undefined || syncing !== undefined) ? undefined : expiresMs

/** Out of Empty the delay is prolonged while members keep coming, up to the rebalance timeout. */
function joinTimeIsUp(turn: ClassicTurn): void {
  const { group, nowMs, settings } = turn
  const { initial } = group
  if (initial === undefined || !initial.joined || initial.remainingMs === 0) return turn.completeJoin()
  const delayMs = Math.min(settings['group.initial.rebalance.delay.ms'], initial.remainingMs)
  group.initial = { delayMs, remainingMs: Math.max(initial.remainingMs - initial.delayMs, 0), joined: false }
  group.joinDeadlineMs = nowMs + delayMs
}

function syncTimeIsUp(turn: ClassicTurn): void {
  const { group } = turn
  for (const memberId of [...group.unsynced]) turn.remove(memberId)
  turn.prepareRebalance()
}
