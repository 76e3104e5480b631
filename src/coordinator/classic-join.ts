// JoinGroup of the classic protocol: who becomes a member, and when that makes a rebalance. A caller is parked until the
// next generation begins. Kafka's GroupMetadataManager.classicGroupJoin.

import type { Ticket } from '../machine.ts'
import type { ErrorName } from '../protocol/errors.ts'
import {
  type ClassicGroup,
  type ClassicMember,
  ClassicTurn,
  type Protocol,
  sameProtocols,
  selectProtocol,
  staticMember,
  supportsProtocols,
} from './classic.ts'
import { type GroupSettings, MAX_METADATA_BYTES } from './settings.ts'

/** How long a new member may wait for its first generation: it cannot heartbeat meanwhile. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
/** Protocols of one member. */
const MAX_PROTOCOLS = 100
/** Their names and metadata. */
const MAX_PROTOCOL_BYTES = 1_048_576

/** From this version of JoinGroup on, a member without an id is given one and joins again with it (KIP-394). */
const KNOWN_MEMBER_ID = 4
/** From this version on, a leader can be told to leave the assignment as it is (KIP-814). */
const SKIP_ASSIGNMENT = 9

export interface Join {
  readonly type: 'join'
  /** Of the JoinGroup request. */
  readonly version: number
  readonly clientId: string
  readonly clientHost: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly sessionTimeoutMs: number
  /** Below zero: as the session timeout (v0). */
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  /** Random, to name a new member with. */
  readonly fresh: string
}

/** What is wrong with a request whatever the group is like. */
export function invalidJoin(join: Join, settings: GroupSettings): ErrorName | undefined {
  const { sessionTimeoutMs } = join
  if (
    sessionTimeoutMs < settings['group.min.session.timeout.ms'] ||
    sessionTimeoutMs > settings['group.max.session.timeout.ms']
  )
    return 'INVALID_SESSION_TIMEOUT'
  const tooMany = join.protocols.length > MAX_PROTOCOLS || sizeOf(join.protocols) > MAX_PROTOCOL_BYTES
  return tooMany ? 'INVALID_REQUEST' : undefined
}

export function joinClassic(turn: ClassicTurn, join: Join, ticket: Ticket): void {
  const { group } = turn
  const { memberId } = join
  if (isFull(group, memberId, turn.settings['group.max.size'])) {
    turn.remove(memberId)
    return turn.refuseJoin(ticket, 'GROUP_MAX_SIZE_REACHED', '')
  }
  if (!supportsProtocols(group, join.protocolType, join.protocols))
    return turn.refuseJoin(ticket, 'INCONSISTENT_GROUP_PROTOCOL', memberId)
  if (metadataBytes(group, join) > MAX_METADATA_BYTES)
    return turn.refuseJoin(ticket, 'GROUP_MAX_SIZE_REACHED', memberId)
  if (memberId === '') return joinNew(turn, join, ticket)
  if (group.pending.has(memberId) && join.groupInstanceId === null) return addAndRebalance(turn, join, memberId, ticket)
  const wrong = wrongMember(group, memberId, join.groupInstanceId)
  if (wrong !== undefined) return turn.refuseJoin(ticket, wrong, memberId)
  rejoin(turn, join, ticket)
}

/** Whether a request speaks for a member: UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another one took its place. */
export function wrongMember(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
): ErrorName | undefined {
  if (groupInstanceId !== null) {
    const holder = staticMember(group, groupInstanceId)
    if (holder === undefined) return 'UNKNOWN_MEMBER_ID'
    if (holder.memberId !== memberId) return 'FENCED_INSTANCE_ID'
  }
  return group.members.has(memberId) ? undefined : 'UNKNOWN_MEMBER_ID'
}

function isFull(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'Empty':
      return false
    case 'PreparingRebalance': {
      const joined = [...group.members.values()].filter(({ joining }) => joining !== undefined).length
      return member?.joining === undefined && joined >= maxSize
    }
    default:
      return member === undefined && group.members.size >= maxSize
  }
}

/** Of all protocols of all members, with this one's as it wants them now. */
function metadataBytes({ members }: ClassicGroup, join: Join): number {
  let bytes = sizeOf(join.protocols)
  for (const { memberId, protocols } of members.values()) if (memberId !== join.memberId) bytes += sizeOf(protocols)
  return bytes
}

const sizeOf = (protocols: readonly Protocol[]): number =>
  protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)

function joinNew(turn: ClassicTurn, join: Join, ticket: Ticket): void {
  const { groupInstanceId } = join
  const memberId = `${groupInstanceId ?? join.clientId}-${join.fresh}`
  if (groupInstanceId === null && join.version >= KNOWN_MEMBER_ID) {
    if (turn.group.pending.size >= turn.settings['group.max.size'])
      return turn.refuseJoin(ticket, 'GROUP_MAX_SIZE_REACHED', '')
    turn.group.pending.set(memberId, turn.nowMs + join.sessionTimeoutMs)
    return turn.refuseJoin(ticket, 'MEMBER_ID_REQUIRED', memberId)
  }
  const holder = groupInstanceId === null ? undefined : staticMember(turn.group, groupInstanceId)
  if (holder === undefined) addAndRebalance(turn, join, memberId, ticket)
  else replaceStatic(turn, join, holder, memberId, ticket)
}

function addAndRebalance(turn: ClassicTurn, join: Join, memberId: string, ticket: Ticket): void {
  const member: ClassicMember = {
    memberId,
    groupInstanceId: join.groupInstanceId,
    clientId: join.clientId,
    clientHost: join.clientHost,
    ...wanted(join),
    assignment: new Uint8Array(0),
    joining: ticket,
    syncing: undefined,
    isNew: true,
    expiresMs: turn.nowMs + NEW_MEMBER_JOIN_TIMEOUT_MS,
  }
  turn.add(member, join.protocolType)
  turn.rebalance()
}

/** A member that is known joins again: with the same wishes it is only told how things stand, unless it leads. */
function rejoin(turn: ClassicTurn, join: Join, ticket: Ticket): void {
  const { group } = turn
  const { memberId } = join
  const member = group.members.get(memberId)!
  const same = sameProtocols(member.protocols, join.protocols)
  switch (group.state) {
    case 'Empty':
      return turn.refuseJoin(ticket, 'UNKNOWN_MEMBER_ID', memberId)
    case 'CompletingRebalance':
      if (same) return turn.reply(ticket, turn.joined(memberId))
      break
    case 'Stable':
      if (same && group.leader !== memberId) return turn.reply(ticket, turn.joined(memberId))
      break
    default:
  }
  park(turn, join, memberId, ticket)
  turn.rebalance()
}

/** The member waits under a new ticket. Who waited under its name before, on a connection that is gone, is let go. */
function park(turn: ClassicTurn, join: Join, memberId: string, ticket: Ticket): void {
  const { joining } = turn.group.members.get(memberId)!
  if (joining !== undefined) turn.refuseJoin(joining, 'REBALANCE_IN_PROGRESS', memberId)
  turn.update(memberId, { ...wanted(join), joining: ticket })
}

/** A static member is back under a new id and takes its old place; where nothing else changed, without a rebalance. */
function replaceStatic(turn: ClassicTurn, join: Join, holder: ClassicMember, memberId: string, ticket: Ticket): void {
  const { group } = turn
  const formerLeader = group.leader
  if (holder.joining !== undefined) turn.refuseJoin(holder.joining, 'FENCED_INSTANCE_ID', holder.memberId)
  if (holder.syncing !== undefined)
    turn.reply(holder.syncing, { error: 'FENCED_INSTANCE_ID', message: 'Another member has taken this place.' })
  group.members.delete(holder.memberId)
  group.unsynced.delete(holder.memberId)
  group.members.set(memberId, {
    ...holder,
    memberId,
    clientId: join.clientId,
    clientHost: join.clientHost,
    ...wanted(join),
    joining: ticket,
    syncing: undefined,
    expiresMs: turn.nowMs + join.sessionTimeoutMs,
  })
  if (group.leader === holder.memberId) group.leader = memberId
  switch (group.state) {
    case 'PreparingRebalance':
      return turn.maybeCompleteJoin()
    case 'CompletingRebalance':
      return turn.prepareRebalance()
    default:
  }
  if (selectProtocol(group) !== group.protocol) return turn.rebalance()
  turn.update(memberId, { joining: undefined })
  turn.stored = true
  const joined = turn.joined(memberId)
  if ('error' in joined) return
  const isLeader = group.leader === memberId
  // Before KIP-814 the leader must not learn that it leads, or it would assign anew.
  if (join.version >= SKIP_ASSIGNMENT) turn.reply(ticket, { ...joined, skipAssignment: isLeader })
  else turn.reply(ticket, { ...joined, leader: formerLeader ?? '', members: [] })
}

const wanted = (join: Join) => ({
  protocols: join.protocols,
  sessionTimeoutMs: join.sessionTimeoutMs,
  rebalanceTimeoutMs: join.rebalanceTimeoutMs < 0 ? join.sessionTimeoutMs : join.rebalanceTimeoutMs,
})
