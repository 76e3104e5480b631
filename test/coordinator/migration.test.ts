// Classic members and members of the consumer protocol in one group, and groups that change from one to the other.

import { beforeEach, describe, expect, it } from 'vitest'
import {
  readAssignment,
  writeAssignment,
  writeSubscription,
  type NamedPartitions,
} from '../../src/coordinator/consumer-protocol.ts'
import {
  beat,
  commit,
  committed,
  consume,
  Group,
  idOf,
  join,
  leave,
  resetNames,
  sync,
  topicsOf,
} from '../support/group.ts'

beforeEach(resetNames)

const settings = { 'group.consumer.assignment.interval.ms': 0, 'group.initial.rebalance.delay.ms': 0 }
const orders = idOf('orders')
const subscribed = (owned: NamedPartitions = []) => ({
  protocols: [{ name: 'cooperative-sticky', metadata: writeSubscription(['orders'], owned) }],
})
const owning = (...partitions: number[]) => subscribed([{ topic: 'orders', partitions }])

/** A stable classic group whose one member has all four partitions. */
function classicGroup(more: ConstructorParameters<typeof Group>[0] = {}) {
  const group = new Group({ ...settings, ...more }, topicsOf({ orders: 4 }))
  const { memberId } = group.ask(join('', subscribed()))
  group.ask(join(memberId, subscribed()))
  const assignment = writeAssignment([{ topic: 'orders', partitions: [0, 1, 2, 3] }], 1)
  group.ask({ ...sync(memberId, 1), assignments: [{ memberId, assignment }] })
  return { group, classic: memberId }
}

const partitionsOf = (reply: unknown): number[] => {
  const { assignment } = reply as { assignment: Uint8Array }
  return readAssignment(assignment)!.assignedPartitions.flatMap(({ partitions }) => [...partitions])
}

describe('a member of the consumer protocol', () => {
  it('turns a classic group into its own, while the classic member stays and hands over', () => {
    const { group, classic } = classicGroup()
    group.ask(commit({ 0: 7 }, { memberId: classic, generationId: 1 }))
    expect(group.ask(consume('new', 0))).toMatchObject({ memberEpoch: 2, assignment: [] })
    expect(group.ask({ type: 'describeConsumer' })).toMatchObject({
      epoch: 2,
      members: [
        { memberId: classic, isClassic: true },
        { memberId: 'new', isClassic: false },
      ],
    })
    expect(group.ask(beat(classic, 1))).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    // It still has everything, so the first round takes half away from it, the second moves it to the new epoch.
    expect(group.ask(join(classic, owning(0, 1, 2, 3)))).toMatchObject({
      generationId: 1,
      protocolName: 'cooperative-sticky',
    })
    expect(partitionsOf(group.ask(sync(classic, 1)))).toEqual([0, 1])
    expect(group.ask(beat(classic, 1))).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    expect(group.ask(consume('new', 2, { topicPartitions: [] }))).not.toMatchObject({ assignment: [{}] })
    expect(group.ask(join(classic, owning(0, 1)))).toMatchObject({ generationId: 2 })
    expect(partitionsOf(group.ask(sync(classic, 2)))).toEqual([0, 1])
    expect(group.ask(consume('new', 2, { topicPartitions: [] }))).toMatchObject({
      assignment: [{ topicId: orders, partitions: [2, 3] }],
    })
    expect(group.ask(beat(classic, 2))).toBeNull()
    expect(committed(group)).toEqual({ 0: 7 })
    expect(group.ask(commit({ 1: 8 }, { memberId: classic, generationId: 2, version: 8 }))).not.toHaveProperty('error')
  })

  it('is refused where the group cannot become one of its kind', () => {
    const connect = new Group(settings)
    connect.call(join('', { version: 3, protocolType: 'connect' }))
    expect(connect.ask(consume('new', 0))).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    const { group } = classicGroup({ 'group.consumer.migration.policy': 'disabled' })
    expect(group.ask(consume('new', 0))).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    expect(group.state.classic?.state).toBe('Stable')
  })

  it('sends parked classic members to join again', () => {
    const group = new Group({ ...settings, 'group.initial.rebalance.delay.ms': 3_000 }, topicsOf({ orders: 4 }))
    const parked = group.call(join('', { version: 3, ...subscribed() }))
    expect(group.ask(consume('new', 0))).toMatchObject({ memberEpoch: 1 })
    expect(parked.reply).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    expect(group.parked).toBe(0)
  })

  it('takes over an empty classic group with its offsets', () => {
    const { group, classic } = classicGroup()
    group.ask(commit({ 0: 7 }, { memberId: classic, generationId: 1 }))
    group.ask(leave(classic))
    expect(group.ask(consume('new', 0))).toMatchObject({ memberEpoch: 2 })
    expect(committed(group)).toEqual({ 0: 7 })
    group.restart()
    expect(group.state.classic).toBeUndefined()
  })
})

describe('a group of both', () => {
  function mixed() {
    const { group, classic } = classicGroup()
    group.ask(consume('new', 0))
    group.ask(join(classic, owning(0, 1, 2, 3)))
    group.ask(sync(classic, 1))
    group.ask(join(classic, owning(0, 1)))
    group.ask(sync(classic, 2))
    group.ask(consume('new', 2, { topicPartitions: [] }))
    return { group, classic }
  }

  it('becomes a classic group when the last other member leaves, and rebalances', () => {
    const { group, classic } = mixed()
    group.ask(commit({ 0: 7 }, { memberId: classic, generationId: 2 }))
    group.ask(consume('new', -1))
    expect(group.ask({ type: 'describeConsumer' })).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    expect(group.ask({ type: 'describeClassic' })).toMatchObject({
      state: 'PreparingRebalance',
      protocolType: 'consumer',
    })
    expect(group.ask(beat(classic, 2))).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
    expect(group.ask(join(classic, owning(0, 1)))).toMatchObject({ generationId: 3, leader: classic })
    expect(committed(group)).toEqual({ 0: 7 })
  })

  it('survives a restart right after that', () => {
    const { group, classic } = mixed()
    group.ask(consume('new', -1))
    group.restart()
    expect(group.state.consumer).toBeUndefined()
    expect([...group.state.classic!.members.keys()]).toEqual([classic])
    expect(group.ask(join(classic, subscribed()))).toMatchObject({ generationId: 3 })
  })

  it('goes on without a classic member that leaves, is silent, or does not join in time', () => {
    const { group, classic } = mixed()
    expect(group.ask(leave(classic)).members).toMatchObject([{ error: 'NONE' }])
    const owned = [{ topicId: orders, partitions: [2, 3] }]
    expect(group.ask(consume('new', 2, { topicPartitions: owned }))).toMatchObject({
      memberEpoch: 3,
      assignment: [{ partitions: [0, 1, 2, 3] }],
    })
    expect(group.ask(beat(classic, 2))).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('takes more classic members, and asks for an id first', () => {
    const { group } = mixed()
    const asked = group.ask(join('', { ...subscribed(), fresh: 'id' }))
    expect(asked).toMatchObject({ error: 'MEMBER_ID_REQUIRED', memberId: 'id' })
    expect(group.ask(join('id', subscribed()))).toMatchObject({ generationId: 3 })
    expect(group.ask(join('other', { protocols: [{ name: 'x', metadata: new Uint8Array(0) }] }))).toMatchObject({
      error: 'INCONSISTENT_GROUP_PROTOCOL',
    })
  })
})
