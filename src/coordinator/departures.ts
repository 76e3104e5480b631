// How turns end: as facts of a classic group, as a group without some of its members, as no group at all.

import type { ConsumerGroup } from './consumer.ts'
import { ConsumerTurn, dissolve } from './consumer.ts'
import { type ClassicGroup, ClassicTurn } from './classic.ts'
import type { GroupOutcome, World } from './commands.ts'
import { fence } from './consumer-heartbeat.ts'
import type { GroupFact, GroupState } from './facts.ts'
import { canDowngrade, downgraded } from './migration.ts'
import { deleteAll } from './offsets.ts'
import { dropPending } from './transaction-offsets.ts'

/** The facts after which nothing is left. */
export const removed = (state: GroupState): GroupFact[] => [
  ...deleteAll(state.offsets),
  ...dropPending(state.pending),
  ...(state.classic === undefined ? [] : [{ type: 'classic' as const, group: null }]),
  ...(state.consumer === undefined ? [] : dissolve(state.consumer)),
]

/** What a turn of a classic group comes to: it is stored when a generation was completed, not on the way there. */
export function ended(turn: ClassicTurn, before: readonly GroupFact[] = []): GroupOutcome {
  const group = neverWas(turn.group) ? null : turn.group
  const fact: GroupFact = { type: 'classic', group, ...(turn.stored ? {} : { volatile: true }) }
  return { facts: [...before, fact], replies: turn.replies }
}

/** Somebody asked, and nothing came of it. */
const neverWas = ({ state, generation, pending }: ClassicGroup): boolean =>
  state === 'Empty' && generation === 0 && pending.size === 0

/** The group without those who leave; if only members of the classic protocol are left, it becomes theirs. */
export function without(
  consumer: Readonly<ConsumerGroup>,
  memberIds: readonly string[],
  nowMs: number,
  world: World,
): GroupOutcome {
  if (memberIds.length === 0) return { facts: [], replies: [] }
  const leaving = new Set(memberIds)
  if (canDowngrade(consumer, leaving, world.settings)) return downgrade(consumer, consumer, leaving, nowMs, world, true)
  const turn = new ConsumerTurn(consumer, nowMs)
  fence(turn, memberIds, world.topics)
  return { facts: turn.facts, replies: [] }
}

/** `stored` is what the log says of the group, `now` what it became in this turn. */
export function downgrade(
  stored: Readonly<ConsumerGroup>,
  now: Readonly<ConsumerGroup>,
  leaving: ReadonlySet<string>,
  nowMs: number,
  { settings, topics }: World,
  mustRebalance = now.assignmentEpoch < now.epoch,
): GroupOutcome {
  const turn = new ClassicTurn(downgraded(now, leaving, topics, nowMs), settings, nowMs)
  if (mustRebalance) turn.prepareRebalance()
  turn.stored = true
  return ended(turn, dissolve(stored))
}
