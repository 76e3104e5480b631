// What time alone does to a group: members fall silent, rebalances end, offsets grow old, and groups that nobody uses any
// more are forgotten.

import { ClassicTurn } from './classic.ts'
import { classicDeadline, tickClassic } from './classic-members.ts'
import { type ConsumerGroup, type ConsumerMember, ConsumerTurn, LEAVES_FOR_NOW } from './consumer.ts'
import type { GroupFact, GroupState } from './facts.ts'
import type { GroupOutcome, World } from './commands.ts'
import { ended, removed, without } from './departures.ts'
import { type CommittedOffset, expired } from './offsets.ts'
import { isSubscribedTo, mayDelete } from './permissions.ts'
import { retentionMs } from './settings.ts'

/** When `tick` is next worth calling; 0: now, to start the sessions of members that a restart found. */
export function deadline(state: GroupState): number | undefined {
  const due = Math.min(
    (state.classic && classicDeadline(state.classic)) ?? Infinity,
    (state.consumer && consumerDeadline(state.consumer)) ?? Infinity,
    canAge(state) ? (state.checkMs ?? 0) : Infinity,
  )
  return due === Infinity ? undefined : due
}

export function tick(state: GroupState, nowMs: number, world: World): GroupOutcome {
  const { classic, consumer } = state
  if (classic !== undefined && (classicDeadline(classic) ?? Infinity) <= nowMs) {
    const turn = new ClassicTurn(classic, world.settings, nowMs)
    tickClassic(turn)
    return ended(turn)
  }
  if (consumer !== undefined && (consumerDeadline(consumer) ?? Infinity) <= nowMs)
    return tickConsumer(consumer, nowMs, world)
  if (canAge(state) && (state.checkMs ?? 0) <= nowMs) return { facts: check(state, nowMs, world), replies: [] }
  return { facts: [], replies: [] }
}

function consumerDeadline({ members }: ConsumerGroup): number | undefined {
  let due = Infinity
  for (const { timers } of members.values())
    due = Math.min(
      due,
      timers.expiresMs ?? 0,
      timers.revokeByMs ?? Infinity,
      timers.joinByMs ?? Infinity,
      timers.syncByMs ?? Infinity,
    )
  return due === Infinity ? undefined : due
}

/** Those whose time is up are shut out together. Sessions that a restart forgot begin again. */
function tickConsumer(consumer: ConsumerGroup, nowMs: number, world: World): GroupOutcome {
  const gone: string[] = []
  const turn = new ConsumerTurn(consumer, nowMs)
  for (const member of consumer.members.values()) {
    const { memberId, timers, classic } = member
    const { expiresMs, revokeByMs, joinByMs, syncByMs } = timers
    const sessionMs = classic?.sessionTimeoutMs ?? world.settings['group.consumer.session.timeout.ms']
    if (expiresMs === undefined) turn.timers(memberId, { expiresMs: nowMs + sessionMs, ...mustRevoke(member, nowMs) })
    else if (Math.min(expiresMs, revokeByMs ?? Infinity, joinByMs ?? Infinity, syncByMs ?? Infinity) <= nowMs)
      gone.push(memberId)
  }
  if (gone.length === 0) return { facts: turn.facts, replies: [] }
  const { facts, replies } = without(consumer, gone, nowMs, world)
  return { facts: [...turn.facts, ...facts], replies }
}

function mustRevoke({ state, classic, memberEpoch, rebalanceTimeoutMs }: ConsumerMember, nowMs: number) {
  const must = state === 'UnrevokedPartitions' && classic === null && memberEpoch !== LEAVES_FOR_NOW
  return must ? { revokeByMs: nowMs + rebalanceTimeoutMs } : {}
}

/** There is something that may grow too old: offsets, or a group without members. */
const canAge = (state: GroupState): boolean =>
  state.offsets.size > 0 ||
  (state.classic !== undefined && state.classic.state === 'Empty' && state.classic.pending.size === 0) ||
  state.consumer?.members.size === 0

/** Offsets that are too old go, and the group with the last of them. */
function check(state: GroupState, nowMs: number, { settings }: World): GroupFact[] {
  const idleMs = settings['offsets.retention.check.interval.ms']
  const { facts, nextMs } = expired(
    state.offsets,
    ageBase(state),
    topic => isSubscribedTo(state, topic),
    retentionMs(settings),
    nowMs,
  )
  const left = [...state.offsets.values()].reduce((sum, partitions) => sum + partitions.size, -facts.length)
  if (left === 0 && state.pending.size === 0 && mayDelete(state) === undefined) {
    const idleUntilMs = idleSince(state, nowMs) + idleMs
    if (facts.length > 0 || idleUntilMs <= nowMs) return removed(state)
    return [{ type: 'checked', nextMs: idleUntilMs, volatile: true }]
  }
  const latest = nowMs + retentionMs(settings)
  return [...facts, { type: 'checked', nextMs: Math.min(nextMs ?? latest, latest), volatile: true }]
}

/** A consumer group does not know since when nobody is in it: since it was last looked at. */
const idleSince = ({ classic, checkMs }: GroupState, nowMs: number): number =>
  classic?.stateSinceMs ?? (checkMs === undefined ? nowMs : 0)

/** What the age of an offset counts from (KIP-496): the moment the last member left, or each commit. */
function ageBase({ classic }: GroupState): ((committed: CommittedOffset) => number) | undefined {
  const byCommit = ({ committedMs }: CommittedOffset) => committedMs
  if (classic === undefined || classic.protocolType === null) return byCommit
  if (classic.state === 'Empty') return classic.stateSinceMs < 0 ? byCommit : () => classic.stateSinceMs
  return classic.state === 'Stable' && classic.topics !== null ? byCommit : undefined
}
