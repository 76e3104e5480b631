// One group as a state machine: whatever is asked of it goes to the protocol it is of, and what that decides becomes facts.
// Read classic.ts and consumer.ts for the two protocols, offsets.ts for what they commit.

import type { Machine, Ticket } from '../machine.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { ClassicTurn, emptyClassic } from './classic.ts'
import { heartbeatInConsumer, joinConsumer, leavers, syncConsumer } from './classic-in-consumer.ts'
import { invalidJoin, type Join, joinClassic } from './classic-join.ts'
import { type Heartbeat, heartbeatClassic, type Leave, leaveClassic, syncClassic } from './classic-members.ts'
import type { GroupCommand, GroupOutcome, GroupReply, World } from './commands.ts'
import { ConsumerTurn, dissolve, newConsumer, LEAVES, LEAVES_FOR_NOW, withInstance } from './consumer.ts'
import {
  checkStatic,
  type ConsumerHeartbeat,
  type ConsumerHeartbeatReply,
  heartbeatConsumer,
  invalidHeartbeat,
  leaveForNow,
  unknownMember,
} from './consumer-heartbeat.ts'
import { downgrade, ended, removed, without } from './departures.ts'
import { describeClassic, describeConsumer } from './describe.ts'
import { decode, emptyGroup, encode, type GroupFact, type GroupState, replay } from './facts.ts'
import { canDowngrade, upgraded } from './migration.ts'
import { commit, deleteOffsets, deleteTopics, fetchOffsets } from './offsets.ts'
import {
  isSubscribedTo,
  mayCommit,
  mayCommitInTransaction,
  mayDelete,
  mayDeleteOffsets,
  mayFetch,
} from './permissions.ts'
import { deadline, tick } from './timers.ts'
import { dropPending, endTransaction, isUnstable, pendingFacts } from './transaction-offsets.ts'

export const groupMachine = (world: World): Machine<GroupState, GroupCommand, GroupFact, GroupReply> => ({
  empty: emptyGroup,
  decide: (state, command, ticket, nowMs) => decide(state, command, ticket, nowMs, world),
  replay: (state, fact) => replay(state, fact, world.settings['offsets.retention.check.interval.ms']),
  tick: (state, nowMs) => tick(state, nowMs, world),
  deadline,
  isEmpty: ({ classic, consumer, offsets, pending, ended }) =>
    classic === undefined && consumer === undefined && offsets.size + pending.size + ended.size === 0,
  encode,
  decode,
})

function decide(state: GroupState, command: GroupCommand, ticket: Ticket, nowMs: number, world: World): GroupOutcome {
  const { settings, topics } = world
  const answer = (reply: GroupReply, facts: readonly GroupFact[] = []): GroupOutcome => ({
    facts,
    replies: [[ticket, reply]],
  })
  switch (command.type) {
    case 'join':
      return join(state, command, ticket, nowMs, world)
    case 'sync': {
      if (state.consumer !== undefined && state.consumer.members.size > 0) {
        const turn = new ConsumerTurn(state.consumer, nowMs)
        return answer(syncConsumer(turn, state.groupId, command, topics), turn.facts)
      }
      if (state.classic === undefined) return answer(failure('UNKNOWN_MEMBER_ID'))
      const turn = new ClassicTurn(state.classic, settings, nowMs)
      syncClassic(turn, command, ticket)
      return ended(turn)
    }
    case 'heartbeat':
      return heartbeat(state, command, ticket, nowMs)
    case 'leave':
      return leave(state, command, ticket, nowMs, world)
    case 'consumerHeartbeat':
      return consumerHeartbeat(state, command, ticket, nowMs, world)
    case 'commit': {
      const refused = mayCommit(state, command)
      if (refused !== undefined) return answer(refused)
      const { facts, reply } = commit(command, settings['offset.metadata.max.bytes'], nowMs)
      const member = state.classic?.members.get(command.memberId)
      const seen: GroupFact[] = member
        ? [{ type: 'seen', memberId: member.memberId, expiresMs: nowMs + member.sessionTimeoutMs, volatile: true }]
        : []
      return answer(reply, [...facts, ...seen])
    }
    case 'commitInTransaction': {
      const refused = mayCommitInTransaction(state, command)
      if (refused !== undefined) return answer(refused)
      const { facts, reply } = commit(command, settings['offset.metadata.max.bytes'], nowMs)
      return answer(reply, pendingFacts(facts, command.producerId, command))
    }
    case 'endTransaction': {
      const { committed, facts } = endTransaction(state, command, nowMs)
      return answer(null, [...committed.map(offset => ({ type: 'offset' as const, ...offset })), ...facts])
    }
    case 'fetchOffsets': {
      const refused = mayFetch(state, command)
      const unstable = (topic: string, partition: number): boolean =>
        command.requireStable === true && isUnstable(state.pending, topic, partition)
      return answer(refused ?? fetchOffsets(state.offsets, command, unstable))
    }
    case 'deleteOffsets': {
      const refused = mayDeleteOffsets(state)
      if (refused !== undefined) return answer(refused)
      const { facts, reply } = deleteOffsets(state.offsets, command, topic => isSubscribedTo(state, topic))
      return answer(reply, facts)
    }
    case 'describeClassic':
      return answer(describeClassic(state))
    case 'describeConsumer':
      return answer(describeConsumer(state, settings, topics))
    case 'delete': {
      const refused = mayDelete(state)
      return refused === undefined ? answer(null, removed(state)) : answer(refused)
    }
    case 'topicsDeleted':
      return answer(null, [
        ...deleteTopics(state.offsets, command.topics),
        ...dropPending(state.pending, (topic, topicId) =>
          command.topics.some(gone => gone.name === topic && gone.topicId === topicId),
        ),
      ])
  }
}

function join(state: GroupState, command: Join, ticket: Ticket, nowMs: number, world: World): GroupOutcome {
  const { settings, topics } = world
  const invalid = invalidJoin(command, settings)
  if (invalid !== undefined)
    return { facts: [], replies: [[ticket, { ...failure(invalid), memberId: command.memberId }]] }
  const { consumer } = state
  if (consumer === undefined || consumer.members.size === 0) {
    const turn = new ClassicTurn(state.classic ?? emptyClassic(nowMs), settings, nowMs)
    joinClassic(turn, command, ticket)
    return ended(turn, consumer && dissolve(consumer))
  }
  const turn = new ConsumerTurn(consumer, nowMs)
  const reply = joinConsumer(turn, state.groupId, command, settings, topics)
  if (isFailure(reply)) return { facts: [], replies: [[ticket, reply]] }
  // A static member came back with the classic protocol, and it was the last with the other.
  if (canDowngrade(turn.group, new Set(), settings) && !canDowngrade(consumer, new Set(), settings)) {
    const { facts } = downgrade(consumer, turn.group, new Set(), nowMs, world)
    return { facts, replies: [[ticket, reply]] }
  }
  return { facts: turn.facts, replies: [[ticket, reply]] }
}

function heartbeat(state: GroupState, command: Heartbeat, ticket: Ticket, nowMs: number): GroupOutcome {
  if (state.consumer !== undefined) {
    const turn = new ConsumerTurn(state.consumer, nowMs)
    const reply = heartbeatInConsumer(turn, state.groupId, command) ?? null
    return { facts: turn.facts, replies: [[ticket, reply]] }
  }
  const { classic } = state
  if (classic === undefined) return { facts: [], replies: [[ticket, failure('UNKNOWN_MEMBER_ID')]] }
  const { error, alive } = heartbeatClassic(classic, command)
  const { memberId } = command
  const { sessionTimeoutMs } = classic.members.get(memberId) ?? { sessionTimeoutMs: 0 }
  return {
    facts: alive ? [{ type: 'seen', memberId, expiresMs: nowMs + sessionTimeoutMs, volatile: true }] : [],
    replies: [[ticket, error === 'NONE' ? null : failure(error)]],
  }
}

function leave(state: GroupState, command: Leave, ticket: Ticket, nowMs: number, world: World): GroupOutcome {
  if (state.consumer !== undefined) {
    const { memberIds, reply } = leavers(state.consumer, command)
    const { facts, replies } = without(state.consumer, memberIds, nowMs, world)
    return { facts, replies: [...replies, [ticket, reply]] }
  }
  if (state.classic === undefined) {
    const members = command.members.map(member => ({ ...member, error: 'UNKNOWN_MEMBER_ID' as const }))
    return { facts: [], replies: [[ticket, { members }]] }
  }
  const turn = new ClassicTurn(state.classic, world.settings, nowMs)
  const reply = leaveClassic(turn, command)
  const { facts, replies } = ended(turn)
  return { facts, replies: [...replies, [ticket, reply]] }
}

function consumerHeartbeat(
  state: GroupState,
  command: ConsumerHeartbeat,
  ticket: Ticket,
  nowMs: number,
  world: World,
): GroupOutcome {
  const { groupId } = state
  const { settings, topics } = world
  const answer = (reply: ConsumerHeartbeatReply, { facts, replies }: GroupOutcome = NOTHING): GroupOutcome => ({
    facts,
    replies: [...replies, [ticket, reply]],
  })
  const invalid = invalidHeartbeat(command, settings)
  if (invalid !== undefined) return answer(invalid)
  if (command.memberEpoch === LEAVES || command.memberEpoch === LEAVES_FOR_NOW)
    return leaveConsumer(state, command, nowMs, world, answer)

  const opened = openConsumer(state, command.memberEpoch === 0, nowMs, world)
  if (isFailure(opened)) return answer(opened)
  const reply = heartbeatConsumer(opened.turn, groupId, command, settings, topics)
  if (isFailure(reply)) return answer(reply)
  return answer(reply, { facts: [...opened.facts, ...opened.turn.facts], replies: opened.replies })
}

function leaveConsumer(
  { groupId, classic, consumer }: GroupState,
  command: ConsumerHeartbeat,
  nowMs: number,
  world: World,
  answer: (reply: ConsumerHeartbeatReply, outcome?: GroupOutcome) => GroupOutcome,
): GroupOutcome {
  const { memberId, memberEpoch, instanceId } = command
  if (consumer === undefined)
    return answer(
      failure('GROUP_ID_NOT_FOUND', `Group ${groupId} ${classic ? 'is not a consumer group' : 'not found'}.`),
    )
  const member = instanceId === null ? consumer.members.get(memberId) : withInstance(consumer, instanceId)
  const wrong = instanceId === null ? undefined : checkStatic(member, memberId, instanceId)
  if (wrong !== undefined) return answer(wrong)
  if (member === undefined) return answer(unknownMember(groupId, memberId))
  const reply = { memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null }
  if (memberEpoch === LEAVES) return answer(reply, without(consumer, [member.memberId], nowMs, world))
  const turn = new ConsumerTurn(consumer, nowMs)
  leaveForNow(turn, member)
  return answer(reply, { facts: turn.facts, replies: [] })
}

const NOTHING: GroupOutcome = { facts: [], replies: [] }

const noConsumerGroup = (groupId: string): Failure =>
  failure('GROUP_ID_NOT_FOUND', `Consumer group ${groupId} not found.`)

/** The consumer group; for who joins, a new one, or one that a classic group turns into. */
function openConsumer(
  state: GroupState,
  joins: boolean,
  nowMs: number,
  { settings, topics }: World,
): (GroupOutcome & { readonly turn: ConsumerTurn }) | Failure {
  const { groupId, classic, consumer } = state
  if (consumer !== undefined) return { turn: new ConsumerTurn(consumer, nowMs), facts: [], replies: [] }
  if (!joins) return noConsumerGroup(groupId)
  const turn = new ConsumerTurn(newConsumer(), nowMs)
  if (classic === undefined) return { turn, facts: [], replies: [] }
  const gone: GroupFact = { type: 'classic', group: null }
  if (classic.state === 'Empty') return { turn, facts: [gone], replies: [] }
  const facts = upgraded(groupId, classic, settings, topics)
  if (isFailure(facts)) return facts
  for (const fact of facts) turn.decide(fact)
  const replies: [Ticket, GroupReply][] = []
  for (const { memberId, joining, syncing, sessionTimeoutMs } of classic.members.values()) {
    turn.timers(memberId, { expiresMs: nowMs + sessionTimeoutMs })
    if (joining !== undefined) replies.push([joining, { ...failure('REBALANCE_IN_PROGRESS'), memberId }])
    if (syncing !== undefined) replies.push([syncing, failure('REBALANCE_IN_PROGRESS')])
  }
  return { turn, facts: [gone], replies }
}
