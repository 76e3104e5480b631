// Committed offsets: commit, fetch, delete, growing old, and what deletes a group.

import { describe, expect, it } from 'vitest'
import { commit, committed, fetchAll, Group, idOf, join, topicsOf } from '../support/group.ts'

const DAY = 86_400_000
const WEEK = 7 * DAY
const fetch = (topicId: string, ...partitions: number[]) => ({
  ...fetchAll,
  topics: [{ name: 'orders', topicId, partitions }],
})
const remove = (...partitions: number[]) => ({
  type: 'deleteOffsets' as const,
  topics: [{ name: 'orders', partitions }],
})

/** A member that subscribes to `orders` and stays, or leaves again. */
function withMember(group: Group): string {
  const call = group.call(join('', { version: 3 }))
  group.advance(3_000)
  const { memberId, generationId } = call.reply as { memberId: string; generationId: number }
  group.ask({
    type: 'sync',
    memberId,
    generationId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [],
  })
  return memberId
}

describe('a commit', () => {
  it('of nobody in particular makes a group, which a restart still knows', () => {
    const group = new Group()
    expect(group.ask(commit({ 0: 5, 2: 9 }))).toEqual({
      topics: [
        {
          name: 'orders',
          partitions: [
            { partition: 0, error: 'NONE' },
            { partition: 2, error: 'NONE' },
          ],
        },
      ],
    })
    group.restart()
    expect(committed(group)).toEqual({ 0: 5, 2: 9 })
    expect(group.log.size).toBe(2)
  })

  it('replaces the one before, also by a smaller offset', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    group.ask(commit({ 0: 3 }))
    expect(committed(group)).toEqual({ 0: 3 })
    expect(group.log.size).toBe(1)
  })

  it('keeps leader epoch and metadata, which may not be too long', () => {
    const group = new Group({ 'offset.metadata.max.bytes': 3 })
    const at = (partition: number, metadata: string) => ({ partition, offset: 1, leaderEpoch: 4, metadata })
    const reply = group.ask(
      commit({}, { topics: [{ name: 'orders', topicId: idOf('orders'), partitions: [at(0, 'abc'), at(1, 'abcd')] }] }),
    )
    expect(reply).toMatchObject({
      topics: [{ partitions: [{ error: 'NONE' }, { partition: 1, error: 'OFFSET_METADATA_TOO_LARGE' }] }],
    })
    group.restart()
    expect(group.ask(fetchAll)).toMatchObject({ topics: [{ partitions: [{ leaderEpoch: 4, metadata: 'abc' }] }] })
  })

  it.each([
    [8, 'ILLEGAL_GENERATION'],
    [9, 'GROUP_ID_NOT_FOUND'],
  ])('for a member of a group that is not there, in version %i, is %s', (version, error) => {
    expect(new Group().ask(commit({ 0: 1 }, { version, memberId: 'm', generationId: 1 }))).toMatchObject({ error })
  })
})

describe('a fetch', () => {
  it('of a group that is not there finds nothing', () => {
    expect(new Group().ask(fetchAll)).toEqual({ topics: [] })
    expect(new Group().ask(fetch(idOf('orders'), 0))).toMatchObject({
      topics: [{ partitions: [{ offset: -1, leaderEpoch: -1, metadata: '' }] }],
    })
  })

  it('by topic id does not find what was committed for a topic deleted since', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    expect(group.ask(fetch(idOf('orders'), 0))).toMatchObject({ topics: [{ partitions: [{ offset: 5 }] }] })
    expect(group.ask(fetch(idOf('again'), 0))).toMatchObject({ topics: [{ partitions: [{ offset: -1 }] }] })
  })
})

describe('deleting', () => {
  it('offsets of an empty group', () => {
    const group = new Group()
    group.ask(commit({ 0: 5, 1: 6 }))
    expect(group.ask(remove(0, 7))).toMatchObject({ topics: [{ partitions: [{ error: 'NONE' }, { error: 'NONE' }] }] })
    expect(committed(group)).toEqual({ 1: 6 })
  })

  it('not those of a topic that members are subscribed to', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    withMember(group)
    expect(group.ask(remove(0))).toMatchObject({ topics: [{ partitions: [{ error: 'GROUP_SUBSCRIBED_TO_TOPIC' }] }] })
  })

  it('from a group that is not there', () => {
    expect(new Group().ask(remove(0))).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    expect(new Group().ask({ type: 'delete' })).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
  })

  it('a group takes everything with it, unless it has members', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    const memberId = withMember(group)
    expect(group.ask({ type: 'delete' })).toMatchObject({ error: 'NON_EMPTY_GROUP' })
    group.ask({ type: 'leave', members: [{ memberId, groupInstanceId: null }] })
    expect(group.ask({ type: 'delete' })).toBeNull()
    expect(group.isEmpty).toBe(true)
    expect(group.log.size).toBe(0)
  })

  it('a topic takes its offsets with it, but not those of one by the same name', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    group.ask({ type: 'topicsDeleted', topics: [{ name: 'orders', topicId: idOf('other') }] })
    expect(committed(group)).toEqual({ 0: 5 })
    group.ask({ type: 'topicsDeleted', topics: [{ name: 'orders', topicId: idOf('orders') }] })
    expect(group.isEmpty).toBe(true)
  })
})

describe('growing old', () => {
  it('counts from the commit where nobody is a member', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    group.advance(DAY)
    group.ask(commit({ 1: 6 }))
    group.advance(WEEK - DAY - 1)
    expect(committed(group)).toEqual({ 0: 5, 1: 6 })
    group.advance(1)
    expect(committed(group)).toEqual({ 1: 6 })
    group.advance(DAY)
    expect(group.isEmpty).toBe(true)
    expect(group.log.size).toBe(0)
  })

  it('counts from when the last member left', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }))
    const memberId = withMember(group)
    group.ask({ type: 'leave', members: [{ memberId, groupInstanceId: null }] })
    group.advance(WEEK - 1)
    expect(committed(group)).toEqual({ 0: 5 })
    group.advance(1)
    expect(group.isEmpty).toBe(true)
  })

  it('never happens to topics that members are subscribed to, but to others', () => {
    const group = new Group({ 'group.max.session.timeout.ms': 100 * DAY }, topicsOf({ orders: 1 }))
    group.ask(commit({ 0: 5 }))
    const [topic] = commit({ 0: 7 }).topics
    group.ask(commit({}, { topics: [{ ...topic!, name: 'other' }] }))
    const call = group.call(join('', { version: 3, sessionTimeoutMs: 90 * DAY }))
    group.advance(3_000)
    const { memberId } = call.reply as { memberId: string }
    group.ask({
      ...{ type: 'sync', memberId, generationId: 1, groupInstanceId: null },
      ...{ protocolType: null, protocolName: null, assignments: [] },
    })
    group.advance(2 * WEEK)
    expect(group.ask(fetchAll)).toMatchObject({ topics: [{ name: 'orders' }] })
  })

  it('is as fast as an old client asked for', () => {
    const group = new Group()
    group.ask(commit({ 0: 5 }, { version: 4, retentionTimeMs: 60_000 }))
    group.restart()
    group.advance(60_000)
    expect(group.isEmpty).toBe(true)
  })
})
