// The consumer protocol (KIP-848) as its members see it: one heartbeat after the other.

import { beforeEach, describe, expect, it } from 'vitest'
import { commit, committed, consume, Group, idOf, resetNames, topicsOf } from '../support/group.ts'

beforeEach(resetNames)

const settings = { 'group.consumer.assignment.interval.ms': 0 }
const orders = idOf('orders')
const newGroup = (partitions: Record<string, number> = { orders: 4 }) => new Group(settings, topicsOf(partitions))

type Beat = Parameters<typeof consume>[2]

/** A member that does what it is told: it gives up at once what it is not assigned any more. */
class Member {
  readonly group: Group
  readonly id: string
  readonly more: Beat
  epoch = 0
  owned: Record<string, number[]> = {}

  constructor(group: Group, id: string, more: Beat = {}) {
    this.group = group
    this.id = id
    this.more = more
  }

  beat(more: Beat = {}) {
    const reported = Object.entries(this.owned).map(([topicId, partitions]) => ({ topicId, partitions }))
    const first = this.epoch === 0 ? this.more : { instanceId: this.more?.instanceId ?? null }
    const reply = this.group.ask(
      consume(this.id, this.epoch, { ...first, ...(this.epoch > 0 ? { topicPartitions: reported } : {}), ...more }),
    )
    if ('error' in reply) return reply
    this.epoch = reply.memberEpoch
    if (reply.assignment !== null)
      this.owned = Object.fromEntries(
        reply.assignment.map(({ topicId, partitions }) => [topicId, [...partitions].sort()]),
      )
    return reply
  }

  get orders(): number[] {
    return this.owned[orders] ?? []
  }
}

/** Everyone heartbeats until nothing changes any more. */
function settle(...members: Member[]): void {
  for (let round = 0; round < 10; round++) {
    const before = JSON.stringify(members.map(({ epoch, owned }) => [epoch, owned]))
    for (const member of members) expect(member.beat()).not.toHaveProperty('error')
    if (JSON.stringify(members.map(({ epoch, owned }) => [epoch, owned])) === before) return
  }
  throw new Error('they do not settle')
}

const state = (group: Group) => {
  const described = group.ask({ type: 'describeConsumer' })
  return 'error' in described ? described.error : described.state
}

describe('joining', () => {
  it('gives the first member everything at once', () => {
    const group = newGroup()
    const a = new Member(group, 'a')
    expect(a.beat()).toEqual({
      memberId: 'a',
      memberEpoch: 2,
      heartbeatIntervalMs: 5_000,
      assignment: [{ topicId: orders, partitions: [0, 1, 2, 3] }],
    })
    expect(a.beat({ topicPartitions: null })).toMatchObject({ memberEpoch: 2, assignment: null })
    expect(state(group)).toBe('Stable')
  })

  it('gives a second member its half only once the first has let go of it', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    a.beat()
    expect(b.beat()).toMatchObject({ memberEpoch: 3, assignment: [] })
    expect(state(group)).toBe('Reconciling')
    const owned = [{ topicId: orders, partitions: [0, 1, 2, 3] }]
    expect(group.ask(consume('a', 2, { topicPartitions: owned })), 'told to let go').toMatchObject({
      memberEpoch: 2,
      assignment: [{ topicId: orders, partitions: [0, 1] }],
    })
    expect(b.beat()).not.toMatchObject({ assignment: [{}] })
    a.owned = { [orders]: [0, 1] }
    expect(a.beat()).toMatchObject({ memberEpoch: 3 })
    expect(b.beat()).toMatchObject({
      assignment: [{ topicId: orders, partitions: expect.toSatisfy(p => p.length === 2) }],
    })
    expect([...a.orders, ...b.orders].sort()).toEqual([0, 1, 2, 3])
    expect(state(group)).toBe('Stable')
  })

  it('writes nothing for a heartbeat that changes nothing', () => {
    const group = newGroup()
    const a = new Member(group, 'a')
    a.beat()
    const before = group.stored.length
    for (let i = 0; i < 20; i++) {
      group.advance(5_000)
      a.beat()
    }
    expect(group.stored).toHaveLength(before)
  })

  it('waits with the next assignment until the interval is over', () => {
    const group = new Group({}, topicsOf({ orders: 4 }))
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    a.beat()
    group.advance(999)
    expect(b.beat()).toMatchObject({ memberEpoch: 2, assignment: [] })
    expect(state(group)).toBe('Assigning')
    group.advance(1)
    settle(a, b)
    expect(b.orders).toHaveLength(2)
  })

  it('names a member that does not name itself', () => {
    expect(newGroup().ask(consume('', 0, { version: 0, fresh: 'f' }))).toMatchObject({ memberId: 'f', memberEpoch: 2 })
  })

  it.each([
    ['no id', consume('', 0), 'INVALID_REQUEST'],
    ['no rebalance timeout', consume('a', 0, { rebalanceTimeoutMs: -1 }), 'INVALID_REQUEST'],
    ['no subscription', consume('a', 0, { subscribedTopicNames: null }), 'INVALID_REQUEST'],
    ['partitions', consume('a', 0, { topicPartitions: [{ topicId: orders, partitions: [0] }] }), 'INVALID_REQUEST'],
    ['an unknown assignor', consume('a', 0, { serverAssignor: 'x' }), 'UNSUPPORTED_ASSIGNOR'],
    ['an epoch below -2', consume('a', -3), 'INVALID_REQUEST'],
    ['an epoch, though there is no group', consume('a', 1), 'GROUP_ID_NOT_FOUND'],
    ['a broken expression', consume('a', 0, { subscribedTopicRegex: '(' }), 'INVALID_REGULAR_EXPRESSION'],
  ])('is refused with %s', (_, beat, error) => {
    const group = newGroup()
    expect(group.ask(beat)).toMatchObject({ error })
    expect(group.isEmpty).toBe(true)
    expect(group.stored).toEqual([])
  })

  it('is refused when the group is full', () => {
    const group = new Group({ 'group.consumer.max.size': 1 }, topicsOf({ orders: 1 }))
    new Member(group, 'a').beat()
    expect(group.ask(consume('b', 0))).toMatchObject({ error: 'GROUP_MAX_SIZE_REACHED' })
  })
})

describe('epochs', () => {
  it('fence who is ahead, or too far behind, but not who missed one answer', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    a.beat()
    b.beat()
    settle(a, b)
    expect(group.ask(consume('a', 9))).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' })
    const owned = [{ topicId: orders, partitions: a.orders }]
    expect(group.ask(consume('a', 2, { topicPartitions: owned }))).toMatchObject({ memberEpoch: 3 })
    expect(group.ask(consume('a', 2, { topicPartitions: null }))).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' })
    expect(group.ask(consume('x', 3))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('let a fenced member join again under its id', () => {
    const group = newGroup()
    const a = new Member(group, 'a')
    a.beat()
    a.epoch = 0
    a.owned = {}
    expect(a.beat()).toMatchObject({ memberEpoch: 2, assignment: [{ partitions: [0, 1, 2, 3] }] })
  })
})

describe('leaving', () => {
  it('gives the partitions to the others', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    settle(a, b)
    expect(group.ask(consume('b', -1))).toMatchObject({ memberEpoch: -1 })
    settle(a)
    expect(a.orders).toEqual([0, 1, 2, 3])
    expect(group.ask(consume('b', b.epoch))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('is what silence comes to', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    settle(a, b)
    group.advance(40_000)
    a.beat()
    group.advance(5_000)
    settle(a)
    expect(a.orders).toEqual([0, 1, 2, 3])
  })

  it('is what holding on to partitions for too long comes to', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a', { rebalanceTimeoutMs: 10_000 }), new Member(group, 'b')]
    a.beat()
    b.beat()
    const owned = [{ topicId: orders, partitions: [0, 1, 2, 3] }]
    for (let i = 0; i < 3; i++) {
      expect(group.ask(consume('a', 2, { topicPartitions: owned }))).toMatchObject({ memberEpoch: 2 })
      group.advance(3_000)
      b.beat()
    }
    group.advance(2_000)
    expect(group.ask(consume('a', 2, { topicPartitions: owned }))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    settle(b)
    expect(b.orders).toEqual([0, 1, 2, 3])
  })

  it('by all leaves an empty group, which goes when it is old', () => {
    const group = newGroup()
    new Member(group, 'a').beat()
    group.ask(consume('a', -1))
    expect(state(group)).toBe('Empty')
    expect(group.ask({ type: 'describeClassic' })).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    group.advance(600_000)
    expect(group.isEmpty).toBe(true)
    expect(group.log.size).toBe(0)
  })
})

describe('static members', () => {
  it('leave for now and come back to what they had, under another id, without an epoch more', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a', { instanceId: 'i' }), new Member(group, 'b')]
    settle(a, b)
    const { epoch, orders: had } = a
    expect(group.ask(consume('a', -2, { instanceId: 'i' }))).toMatchObject({ memberEpoch: -2 })
    const back = new Member(group, 'a2', { instanceId: 'i' })
    expect(back.beat()).toMatchObject({ memberEpoch: epoch })
    expect(back.orders).toEqual(had)
    expect(group.ask(consume('a', epoch, { instanceId: 'i' }))).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
    settle(back, b)
    expect(b.epoch).toBe(epoch)
  })

  it('cannot be replaced while they are there', () => {
    const group = newGroup()
    new Member(group, 'a', { instanceId: 'i' }).beat()
    expect(group.ask(consume('b', 0, { instanceId: 'i' }))).toMatchObject({ error: 'UNRELEASED_INSTANCE_ID' })
  })

  it('lose their place when the session ends', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a', { instanceId: 'i' }), new Member(group, 'b')]
    settle(a, b)
    group.ask(consume('a', -2, { instanceId: 'i' }))
    for (let i = 0; i < 10; i++) {
      group.advance(5_000)
      b.beat()
    }
    settle(b)
    expect(b.orders).toEqual([0, 1, 2, 3])
  })
})

describe('subscriptions', () => {
  it('that change give up at once what is not wanted any more', () => {
    const group = newGroup({ orders: 2, users: 2 })
    const a = new Member(group, 'a', { subscribedTopicNames: ['orders', 'users'] })
    settle(a)
    expect(Object.keys(a.owned)).toEqual([orders, idOf('users')])
    a.beat({ subscribedTopicNames: ['users'] })
    settle(a)
    expect(a.owned).toEqual({ [idOf('users')]: [0, 1] })
  })

  it('see topics that come, grow and go', () => {
    const group = newGroup({})
    const a = new Member(group, 'a')
    settle(a)
    expect(a.orders).toEqual([])
    group.world.topics = topicsOf({ orders: 2 }, 2)
    settle(a)
    expect(a.orders).toEqual([0, 1])
    group.world.topics = topicsOf({ orders: 3 }, 3)
    settle(a)
    expect(a.orders).toEqual([0, 1, 2])
    group.world.topics = topicsOf({}, 4)
    settle(a)
    expect(a.orders).toEqual([])
  })

  it('are not disturbed by topics that are none of theirs', () => {
    const group = newGroup({ orders: 2 })
    const a = new Member(group, 'a')
    settle(a)
    const { epoch } = a
    group.world.topics = topicsOf({ orders: 2, other: 5 }, 2)
    settle(a)
    expect(a.epoch).toBe(epoch)
  })

  it('by expression match names, also those to come', () => {
    const group = newGroup({ 'log-a': 1, 'log-b': 1, other: 1 })
    const a = new Member(group, 'a', { subscribedTopicNames: null, subscribedTopicRegex: 'log-.*' })
    settle(a)
    expect(Object.keys(a.owned)).toEqual([idOf('log-a'), idOf('log-b')])
    group.world.topics = topicsOf({ 'log-a': 1, 'log-b': 1, 'log-c': 1, other: 1 }, 2)
    settle(a)
    expect(Object.keys(a.owned)).toHaveLength(3)
    group.restart()
    group.ask(consume('a', -1))
    expect(group.state.consumer!.regexes.size).toBe(0)
  })

  it('choose their assignor by majority', () => {
    const group = newGroup()
    for (const id of ['a', 'b', 'c']) new Member(group, id, { serverAssignor: id === 'a' ? 'uniform' : 'range' }).beat()
    expect(group.ask({ type: 'describeConsumer' })).toMatchObject({ assignor: 'range' })
  })
})

describe('committing', () => {
  it('takes the member epoch, or an older one for partitions owned since then', () => {
    const group = newGroup()
    const [a, b] = [new Member(group, 'a'), new Member(group, 'b')]
    a.beat()
    b.beat()
    settle(a, b)
    const by = (memberId: string, generationId: number) => ({ memberId, generationId })
    expect(group.ask(commit({ 0: 1 }, by('a', 3)))).not.toHaveProperty('error')
    expect(group.ask(commit({ 0: 2 }, by('a', 2))), 'owned since epoch 2').not.toHaveProperty('error')
    expect(group.ask(commit({ [b.orders[0]!]: 1 }, by('b', 2)))).toMatchObject({ error: 'STALE_MEMBER_EPOCH' })
    expect(group.ask(commit({ 0: 1 }, by('a', 4)))).toMatchObject({ error: 'STALE_MEMBER_EPOCH' })
    expect(group.ask(commit({ 0: 1 }, by('x', 3)))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.ask(commit({ 0: 1 }))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
    expect(group.ask(commit({ 0: 1 }, { ...by('a', 3), version: 8 }))).toMatchObject({ error: 'UNSUPPORTED_VERSION' })
    expect(committed(group)).toEqual({ 0: 2 })
  })

  it('and fetching with an epoch checks it', () => {
    const group = newGroup()
    new Member(group, 'a').beat()
    const fetch = (memberId: string | null, memberEpoch: number) =>
      group.ask({ type: 'fetchOffsets', memberId, memberEpoch, topics: [] })
    expect(fetch(null, -1)).toEqual({ topics: [] })
    expect(fetch('a', 2)).toEqual({ topics: [] })
    expect(fetch('a', 0)).toMatchObject({ error: 'STALE_MEMBER_EPOCH' })
    expect(fetch('x', 1)).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })
})

it('a restart changes nothing but the sessions, which begin again', () => {
  const group = newGroup({ orders: 4, users: 1 })
  const a = new Member(group, 'a', { instanceId: 'i' })
  const b = new Member(group, 'b', {
    subscribedTopicNames: ['orders'],
    subscribedTopicRegex: 'u.*',
    serverAssignor: 'uniform',
  })
  a.beat()
  b.beat()
  const owned = [{ topicId: orders, partitions: [0, 1, 2, 3] }]
  group.ask(consume('a', 2, { topicPartitions: owned, instanceId: 'i' }))
  const before = group.ask({ type: 'describeConsumer' })
  expect(before).toMatchObject({ state: 'Reconciling' })
  group.advance(40_000)
  group.restart()
  expect(group.ask({ type: 'describeConsumer' })).toEqual(before)
  group.advance(40_000)
  settle(a, b)
  expect([...a.orders, ...b.orders].sort()).toEqual([0, 1, 2, 3])
})
