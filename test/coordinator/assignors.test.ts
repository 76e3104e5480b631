// Server-side assignment: everything has one owner, loads are even, little moves, ranges are ranges.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Assignee, type Assignment, assignors } from '../../src/coordinator/assignors.ts'

const assignee = (memberId: string, topicIds: string[], assigned: Record<string, number[]> = {}): Assignee => ({
  memberId,
  instanceId: null,
  topicIds,
  assigned: new Map(Object.entries(assigned).map(([topic, partitions]) => [topic, new Set(partitions)])),
})
const plain = (assignments: ReadonlyMap<string, Assignment>) =>
  Object.fromEntries(
    [...assignments].map(([memberId, assigned]) => [
      memberId,
      Object.fromEntries([...assigned].map(([topic, partitions]) => [topic, [...partitions].sort((a, b) => a - b)])),
    ]),
  )
const run = (name: string, assignees: readonly Assignee[], partitions: Record<string, number>) =>
  assignors[name]!(assignees, topicId => partitions[topicId]!)
const size = (assigned: Assignment) => [...assigned.values()].reduce((sum, partitions) => sum + partitions.size, 0)

describe('uniform', () => {
  it('spreads what is new evenly', () => {
    const loads = [
      ...run(
        'uniform',
        ['a', 'b', 'c'].map(id => assignee(id, ['t'])),
        { t: 8 },
      ).values(),
    ].map(size)
    expect(loads.sort()).toEqual([2, 3, 3])
  })

  it('moves only what a new member must get', () => {
    const before = [assignee('a', ['t'], { t: [0, 1, 2] }), assignee('b', ['t'], { t: [3, 4, 5] })]
    expect(plain(run('uniform', [...before, assignee('c', ['t'])], { t: 6 }))).toEqual({
      a: { t: [0, 1] },
      b: { t: [3, 4] },
      c: { t: [2, 5] },
    })
  })

  it('leaves the one partition more with who has it', () => {
    const before = [assignee('a', ['t'], { t: [0] }), assignee('b', ['t'], { t: [1, 2] })]
    expect(plain(run('uniform', before, { t: 3 }))).toEqual({ a: { t: [0] }, b: { t: [1, 2] } })
  })

  it('gives partitions to those who want their topic, evenly', () => {
    const assigned = plain(run('uniform', [assignee('a', ['t', 'u']), assignee('b', ['u'])], { t: 2, u: 4 }))
    expect(assigned['a']!['t']).toEqual([0, 1])
    expect(assigned['a']!['u'] ?? []).toHaveLength(1)
    expect(assigned['b']!['u']).toHaveLength(3)
  })

  it('forgets topics that are not wanted any more', () => {
    expect(plain(run('uniform', [assignee('a', ['u'], { t: [0], u: [0] })], { t: 1, u: 1 }))).toEqual({ a: { u: [0] } })
  })
})

describe('range', () => {
  it('gives every member the same ranges of every topic', () => {
    expect(plain(run('range', [assignee('b', ['t', 'u']), assignee('a', ['t', 'u'])], { t: 3, u: 3 }))).toEqual({
      a: { t: [0, 1], u: [0, 1] },
      b: { t: [2], u: [2] },
    })
  })

  it('cuts each topic among those who want it, static members first', () => {
    const members = [{ ...assignee('z', ['t']), instanceId: '1' }, assignee('a', ['t', 'u'])]
    expect(plain(run('range', members, { t: 2, u: 2 }))).toEqual({ z: { t: [0] }, a: { t: [1], u: [0, 1] } })
  })
})

const topics = ['t', 'u', 'v']
const anyGroup = fc.record({
  partitions: fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12)).map(([t, u, v]) => ({ t, u, v })),
  wanted: fc.array(fc.subarray(topics), { minLength: 1, maxLength: 8 }),
})

describe.each(['uniform', 'range'])('whatever is subscribed, %s', name => {
  it('gives every partition that is wanted to one who wants it, again and again', () =>
    fc.assert(
      fc.property(anyGroup, fc.array(fc.nat(7)), ({ partitions, wanted }, leavers) => {
        let members = wanted.map((topicIds, i) => assignee(`m${i}`, topicIds))
        for (const leaver of [undefined, ...leavers]) {
          members = members.filter((_, i) => i !== leaver || members.length === 1)
          const assigned = run(name, members, partitions)
          const owners = new Map<string, number>()
          for (const member of members)
            for (const [topic, owned] of assigned.get(member.memberId)!)
              for (const partition of owned) {
                expect(member.topicIds).toContain(topic)
                owners.set(`${topic}${partition}`, (owners.get(`${topic}${partition}`) ?? 0) + 1)
              }
          const all = topics.filter(topic => members.some(({ topicIds }) => topicIds.includes(topic)))
          expect(owners.size).toBe(all.reduce((sum, topic) => sum + partitions[topic as 't'], 0))
          expect([...owners.values()].every(count => count === 1)).toBe(true)
          members = members.map(member => ({ ...member, assigned: assigned.get(member.memberId)! }))
        }
      }),
      { numRuns: 200 },
    ))
})

it('uniform: members that want the same differ by one at most', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 60 }), fc.nat(), (size_, count, gone) => {
      const members = Array.from({ length: size_ }, (_, i) => assignee(`m${i}`, ['t']))
      const first = run('uniform', members, { t: count })
      const left = members
        .filter((_, i) => size_ === 1 || i !== gone % size_)
        .map(member => ({ ...member, assigned: first.get(member.memberId)! }))
      const second = run('uniform', left, { t: count })
      const loads = [...second.values()].map(size)
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      // Who stays keeps what they had: nobody had too much.
      for (const { memberId, assigned } of left)
        for (const partition of assigned.get('t') ?? [])
          expect(second.get(memberId)!.get('t')!.has(partition)).toBe(true)
    }),
    { numRuns: 200 },
  ))
