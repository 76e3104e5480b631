// The classic protocol as its members see it: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, and time.

import { beforeEach, describe, expect, it } from 'vitest'
import type { JoinReply } from '../../src/coordinator/classic.ts'
import { beat, type Call, commit, committed, Group, join, leave, resetNames, sync } from '../support/group.ts'

beforeEach(resetNames)

const DELAY = 3_000
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** A member with an id of its own, parked in JoinGroup. */
function joining(group: Group, more: Parameters<typeof join>[1] = {}): { id: string; call: Call<JoinReply> } {
  const refused = group.ask(join('', more))
  const id = refused.memberId
  return { id, call: group.call(join(id, more)) }
}

const joined = (call: Call<JoinReply>) => {
  if (call.reply === undefined || 'error' in call.reply) throw new Error(`not joined: ${JSON.stringify(call.reply)}`)
  return call.reply
}

/** A stable group: the first member leads and has assigned everyone their own id. */
function stable(size: number, settings: ConstructorParameters<typeof Group>[0] = {}) {
  const group = new Group(settings)
  const members = Array.from({ length: size }, () => joining(group))
  group.advance(DELAY * 2)
  const { generationId, leader } = joined(members[0]!.call)
  const assignments = Object.fromEntries(members.map(({ id }) => [id, id]))
  const syncs = members.filter(({ id }) => id !== leader).map(({ id }) => group.call(sync(id, generationId)))
  syncs.unshift(group.call(sync(leader, generationId, assignments)))
  return { group, ids: members.map(({ id }) => id), generationId, leader, syncs }
}

describe('joining', () => {
  it('gives a member an id first, which it joins with', () => {
    const group = new Group()
    expect(group.ask(join())).toMatchObject({ error: 'MEMBER_ID_REQUIRED', memberId: 'c-1' })
    expect(group.call(join('c-1')).reply).toBeUndefined()
  })

  it('does without that round in old versions', () => {
    const group = new Group()
    const call = group.call(join('', { version: 3 }))
    group.advance(DELAY)
    expect(joined(call)).toMatchObject({ memberId: 'c-1', generationId: 1, leader: 'c-1' })
  })

  it('waits for the initial delay, and once more if someone came meanwhile', () => {
    const group = new Group()
    const a = joining(group)
    group.advance(DELAY - 1)
    const b = joining(group)
    group.advance(1)
    expect(a.call.reply).toBeUndefined()
    group.advance(DELAY)
    expect(joined(a.call).generationId).toBe(1)
    expect(joined(b.call).generationId).toBe(1)
  })

  it('does not wait where there is no delay', () => {
    const group = new Group({ 'group.initial.rebalance.delay.ms': 0 })
    expect(joined(joining(group).call).generationId).toBe(1)
  })

  it('tells the leader alone who the members are, with the metadata of the chosen protocol', () => {
    const group = new Group()
    const a = joining(group)
    const b = joining(group)
    group.advance(DELAY * 2)
    expect(joined(a.call).members.map(({ memberId }) => memberId)).toEqual([a.id, b.id])
    expect(joined(b.call)).toMatchObject({ leader: a.id, members: [], protocolName: 'range' })
  })

  it('chooses the protocol that all have and most prefer', () => {
    const group = new Group()
    const protocols = (...names: string[]) => ({
      protocols: names.map(name => ({ name, metadata: new Uint8Array(0) })),
    })
    const a = joining(group, protocols('a', 'b', 'c'))
    joining(group, protocols('c', 'b', 'x'))
    joining(group, protocols('c', 'b'))
    group.advance(DELAY * 2)
    expect(joined(a.call).protocolName).toBe('c')
  })

  it('refuses a member that has nothing in common with the others', () => {
    const { group } = stable(1)
    const other = { protocols: [{ name: 'sticky', metadata: new Uint8Array(0) }] }
    expect(group.ask(join('', other))).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
    expect(group.ask(join('', { protocolType: 'connect' }))).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
    expect(new Group().ask(join('', { protocols: [] }))).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
  })

  it('refuses sessions that are too short or too long, and ids that nobody gave', () => {
    const group = new Group()
    expect(group.ask(join('', { sessionTimeoutMs: 5_999 }))).toMatchObject({ error: 'INVALID_SESSION_TIMEOUT' })
    expect(group.ask(join('', { sessionTimeoutMs: 1_800_001 }))).toMatchObject({ error: 'INVALID_SESSION_TIMEOUT' })
    expect(group.ask(join('stranger'))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID', memberId: 'stranger' })
    expect(group.isEmpty).toBe(true)
  })

  it('refuses more members than the group may have', () => {
    const { group } = stable(2, { 'group.max.size': 2 })
    const { memberId } = group.ask(join())
    expect(group.ask(join(memberId))).toMatchObject({ error: 'GROUP_MAX_SIZE_REACHED' })
  })

  it('refuses metadata and assignments that could not be stored', () => {
    const { group } = stable(1)
    const large = { protocols: [{ name: 'range', metadata: new Uint8Array(2_000_000) }] }
    expect(group.ask(join('', large))).toMatchObject({ error: 'INVALID_REQUEST' })
    const many = Array.from({ length: 9 }, () =>
      group.call(join('', { version: 3, protocols: [{ name: 'range', metadata: new Uint8Array(1_000_000) }] })),
    )
    expect(many.map(({ reply }) => reply && 'error' in reply && reply.error).filter(error => error)).toEqual([
      'GROUP_MAX_SIZE_REACHED',
      'GROUP_MAX_SIZE_REACHED',
    ])
    const again = new Group()
    const only = joining(again)
    again.advance(DELAY)
    const assignments = [{ memberId: only.id, assignment: new Uint8Array(8_000_000) }]
    expect(again.ask({ ...sync(only.id, 1), assignments })).toMatchObject({ error: 'UNKNOWN_SERVER_ERROR' })
  })

  it('forgets an id that nobody came back with', () => {
    const group = new Group()
    group.ask(join())
    group.advance(10_000)
    expect(group.isEmpty).toBe(true)
    expect(group.stored).toEqual([])
  })

  it('lets a caller go that joined again on another connection', () => {
    const group = new Group()
    const a = joining(group)
    const again = group.call(join(a.id))
    expect(a.call.reply).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    group.advance(DELAY)
    expect(joined(again).generationId).toBe(1)
  })
})

describe('syncing', () => {
  it('parks until the leader assigns, then everyone has their part and the group is stored', () => {
    const { group, ids, syncs } = stable(3)
    expect(syncs.map(({ reply }) => (reply && 'assignment' in reply ? text(reply.assignment) : reply))).toEqual(ids)
    expect(group.state.classic?.state).toBe('Stable')
    expect(group.stored).toHaveLength(1)
  })

  it('answers at once in a stable group', () => {
    const { group, ids, generationId } = stable(2)
    const reply = group.ask(sync(ids[1]!, generationId))
    expect('assignment' in reply && text(reply.assignment)).toBe(ids[1])
  })

  it.each([
    ['stranger', 1, {}, 'UNKNOWN_MEMBER_ID'],
    ['c-1', 0, {}, 'ILLEGAL_GENERATION'],
    ['c-1', 1, { protocolType: 'connect' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['c-1', 1, { protocolName: 'sticky' }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['c-1', 1, { groupInstanceId: 'i' }, 'UNKNOWN_MEMBER_ID'],
  ])('refuses %s in generation %i %o: %s', (memberId, generationId, more, error) => {
    const { group } = stable(1)
    expect(group.ask(sync(memberId, generationId, {}, more))).toMatchObject({ error })
  })

  it('takes out who does not sync in time, and the others begin anew', () => {
    const group = new Group()
    const a = joining(group)
    const b = joining(group)
    group.advance(DELAY * 2)
    const { generationId } = joined(a.call)
    const parked = group.call(sync(b.id, generationId))
    for (let at = 0; at < 60_000; at += 5_000) {
      group.advance(5_000)
      if (group.state.classic?.members.has(a.id)) group.call(beat(a.id, generationId))
    }
    expect(parked.reply).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    expect([...group.state.classic!.members.keys()]).toEqual([b.id])
  })
})

describe('a member that comes to a stable group', () => {
  it('makes a rebalance, of which heartbeats tell the others', () => {
    const { group, ids, generationId } = stable(2)
    const c = joining(group)
    expect(group.ask(beat(ids[0]!, generationId))).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    const again = ids.map(id => group.call(join(id)))
    expect(joined(c.call).generationId).toBe(generationId + 1)
    expect(again.map(call => joined(call).generationId)).toEqual([generationId + 1, generationId + 1])
    expect(group.ask(beat(ids[0]!, generationId))).toMatchObject({ error: 'ILLEGAL_GENERATION' })
    expect(group.ask(beat(ids[0]!, generationId + 1))).toBeNull()
  })

  it('does not wait longer than the rebalance timeout for the others', () => {
    const { group, ids, generationId } = stable(2)
    const c = joining(group)
    const a = group.call(join(ids[0]!))
    for (let at = 0; at < 60_000; at += 5_000) {
      group.call(beat(ids[1]!, generationId))
      expect(c.call.reply).toBeUndefined()
      group.advance(5_000)
    }
    expect(joined(c.call).generationId).toBe(generationId + 1)
    expect(joined(a).members.map(({ memberId }) => memberId)).toEqual([ids[0], c.id])
  })

  it('chooses another leader if the old one does not join', () => {
    const { group, ids } = stable(2)
    const b = group.call(
      join(ids[1]!, { protocols: [{ name: 'range', metadata: new Uint8Array([0, 0, 0, 0, 0, 0]) }] }),
    )
    group.advance(60_000)
    expect(joined(b)).toMatchObject({ leader: ids[1] })
  })

  it('is only told how things stand if it was there and wants nothing new', () => {
    const { group, ids, generationId } = stable(2)
    expect(group.ask(join(ids[1]!))).toMatchObject({ generationId, members: [] })
    expect(group.call(join(ids[0]!)).reply, 'the leader asks for a rebalance').toBeUndefined()
  })
})

describe('falling silent', () => {
  it('ends a session, and the others rebalance', () => {
    const { group, ids, generationId } = stable(2)
    group.advance(6_000)
    expect(group.ask(beat(ids[0]!, generationId))).toBeNull()
    group.advance(4_000)
    expect(group.ask(beat(ids[1]!, generationId))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.ask(beat(ids[0]!, generationId))).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
  })

  it('is no matter while parked', () => {
    const { group, ids } = stable(1)
    const call = group.call(join(ids[0]!, { rebalanceTimeoutMs: 600_000 }))
    joining(group, { sessionTimeoutMs: 60_000 })
    group.advance(30_000)
    expect(joined(call).generationId).toBe(2)
  })

  it('of everyone empties the group, which stays until it is old', () => {
    const { group } = stable(2)
    group.advance(10_000)
    expect(group.state.classic).toMatchObject({ state: 'Empty', generation: 2, protocol: null, leader: null })
    expect(group.log.size).toBe(1)
    group.advance(600_000)
    expect(group.isEmpty).toBe(true)
    expect(group.log.size).toBe(0)
  })

  it('is not counted in what is stored: heartbeats and commits in time keep a session', () => {
    const { group, ids, generationId } = stable(1)
    const before = group.stored.length
    for (let i = 0; i < 10; i++) {
      group.advance(9_000)
      expect(group.ask(beat(ids[0]!, generationId))).toBeNull()
    }
    expect(group.stored).toHaveLength(before)
    group.advance(9_000)
    group.ask(commit({ 0: 1 }, { memberId: ids[0]!, generationId }))
    group.advance(9_000)
    expect(group.ask(beat(ids[0]!, generationId))).toBeNull()
  })

  it('counts anew after a restart, with the group as it was', () => {
    const { group, ids, generationId, leader } = stable(2)
    const before = group.state.classic!
    group.advance(9_000)
    group.restart()
    expect(group.state.classic).toMatchObject({ state: 'Stable', generation: generationId, leader, protocol: 'range' })
    expect([...group.state.classic!.members.keys()]).toEqual(ids)
    expect(group.state.classic!.topics).toEqual(before.topics)
    group.advance(9_000)
    expect(group.ask(beat(ids[0]!, generationId))).toBeNull()
    group.advance(1_000)
    expect(group.ask(beat(ids[1]!, generationId))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })
})

describe('leaving', () => {
  it('several at once, each with its own answer', () => {
    const { group, ids } = stable(2)
    expect(group.ask(leave(ids[0]!, 'stranger'))).toEqual({
      members: [
        { memberId: ids[0], groupInstanceId: null, error: 'NONE' },
        { memberId: 'stranger', groupInstanceId: null, error: 'UNKNOWN_MEMBER_ID' },
      ],
    })
    expect(group.state.classic?.state).toBe('PreparingRebalance')
  })

  it('the last one empties the group at once', () => {
    const { group, ids } = stable(2)
    group.ask(leave(...ids))
    expect(group.state.classic?.state).toBe('Empty')
  })

  it('while joining answers the parked caller', () => {
    const group = new Group()
    const a = joining(group)
    group.ask(leave(a.id))
    expect(a.call.reply).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.parked).toBe(0)
  })

  it('from no group at all is UNKNOWN_MEMBER_ID', () => {
    expect(new Group().ask(leave('a')).members).toMatchObject([{ error: 'UNKNOWN_MEMBER_ID' }])
  })
})

describe('static members', () => {
  const as = (groupInstanceId: string, more: object = {}) => ({ groupInstanceId, ...more })
  function stableStatic() {
    const group = new Group()
    const a = group.call(join('', as('a')))
    const b = group.call(join('', as('b')))
    group.advance(DELAY * 2)
    const [first, second] = [joined(a), joined(b)]
    group.call(sync(second.memberId, 1, {}, as('b')))
    group.call(sync(first.memberId, 1, { [first.memberId]: 'A', [second.memberId]: 'B' }, as('a')))
    return { group, a: first.memberId, b: second.memberId }
  }

  it('join without asking for an id first', () => {
    const { a, b } = stableStatic()
    expect([a, b]).toEqual(['a-1', 'b-2'])
  })

  it('come back to their place without a rebalance, and the former one is fenced', () => {
    const { group, b } = stableStatic()
    const back = group.ask(join('', as('b')))
    expect(back).toMatchObject({ generationId: 1, memberId: 'b-3', skipAssignment: false, members: [] })
    const assigned = group.ask(sync('b-3', 1, {}, as('b')))
    expect('assignment' in assigned && text(assigned.assignment)).toBe('B')
    expect(group.ask(beat(b, 1, 'b'))).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
    expect(group.ask(join(b, as('b')))).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
    expect(group.ask(commit({ 0: 1 }, { memberId: b, groupInstanceId: 'b', generationId: 1 }))).toMatchObject({
      error: 'FENCED_INSTANCE_ID',
    })
    expect(group.state.classic?.state).toBe('Stable')
  })

  it('a leader that comes back is told to leave the assignment alone', () => {
    const { group } = stableStatic()
    const back = group.ask(join('', as('a')))
    expect(back).toMatchObject({ memberId: 'a-3', leader: 'a-3', skipAssignment: true })
    expect('members' in back && back.members).toHaveLength(2)
  })

  it('an old leader that comes back does not learn that it leads', () => {
    const { group, a } = stableStatic()
    expect(group.ask(join('', as('a', { version: 8 })))).toMatchObject({
      leader: a,
      members: [],
      skipAssignment: false,
    })
  })

  it('stay through a rebalance that they miss', () => {
    const { group, a, b } = stableStatic()
    const call = group.call(join(a, as('a')))
    group.advance(9_000)
    group.ask(beat(b, 1, 'b'))
    group.advance(9_000)
    group.ask(beat(b, 1, 'b'))
    expect(call.reply).toBeUndefined()
    for (let i = 0; i < 5; i++) {
      group.advance(9_000)
      group.call(beat(b, 1, 'b'))
    }
    expect(joined(call).members.map(({ memberId }) => memberId)).toEqual([a, b])
  })

  it('are taken out by an administrator by instance id', () => {
    const { group } = stableStatic()
    const reply = group.ask({ type: 'leave', members: [{ memberId: '', groupInstanceId: 'b' }] })
    expect(reply.members).toMatchObject([{ error: 'NONE' }])
    expect(group.state.classic!.members.size).toBe(1)
  })
})

describe('committing in a classic group', () => {
  it.each([
    ['a member', { memberId: 'c-1', generationId: 1 }, undefined],
    ['a stranger', { memberId: 'x', generationId: 1 }, 'UNKNOWN_MEMBER_ID'],
    ['a member of another generation', { memberId: 'c-1', generationId: 2 }, 'ILLEGAL_GENERATION'],
    ['nobody in particular', {}, 'UNKNOWN_MEMBER_ID'],
  ])('by %s', (_, who, error) => {
    const { group } = stable(1)
    const reply = group.ask(commit({ 0: 7 }, who))
    if (error === undefined) expect(committed(group)).toEqual({ 0: 7 })
    else expect(reply).toMatchObject({ error })
  })

  it('is refused while the leader assigns, and allowed while members join', () => {
    const { group, ids } = stable(1)
    joining(group)
    expect(group.ask(commit({ 0: 1 }, { memberId: ids[0]!, generationId: 1 }))).not.toHaveProperty('error')
    group.call(join(ids[0]!))
    expect(group.ask(commit({ 0: 1 }, { memberId: ids[0]!, generationId: 2 }))).toMatchObject({
      error: 'REBALANCE_IN_PROGRESS',
    })
  })
})
