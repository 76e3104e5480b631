import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientAssignors, type Subscriber } from '../../src/coordinator/client-assignors.ts'

const aSubscriber = (memberId: string, topics: readonly string[], rest: Partial<Subscriber> = {}): Subscriber => ({
  memberId,
  groupInstanceId: null,
  topics,
  owned: [],
  generation: -1,
  ...rest,
})

const counts: Record<string, number> = { a: 4, b: 3, c: 0 }
const partitionsOf = (topic: string): number => counts[topic] ?? 0

const assigned = (protocol: string, subscribers: readonly Subscriber[]): Record<string, string[]> =>
  Object.fromEntries(
    [...clientAssignors[protocol]!(subscribers, partitionsOf)].map(([memberId, share]) => [
      memberId,
      [...share].flatMap(([topic, partitions]) => [...partitions].map(partition => `${topic}${partition}`)).toSorted(),
    ]),
  )

it.each([
  ['range', { m1: ['a0', 'a1', 'b0', 'b1'], m2: ['a2', 'a3', 'b2'] }],
  ['roundrobin', { m1: ['a0', 'a2', 'b0', 'b2'], m2: ['a1', 'a3', 'b1'] }],
  ['RoundRobinAssigner', { m1: ['a0', 'a2', 'b0', 'b2'], m2: ['a1', 'a3', 'b1'] }],
])('%s divides as the clients of that name do', (protocol, then) => {
  expect(assigned(protocol, [aSubscriber('m2', ['b', 'a']), aSubscriber('m1', ['a', 'b'])])).toEqual(then)
})

it('roundrobin passes over members who do not want a topic', () => {
  expect(assigned('roundrobin', [aSubscriber('m1', ['a']), aSubscriber('m2', ['a', 'b'])])).toEqual({
    m1: ['a0', 'a2'],
    m2: ['a1', 'a3', 'b0', 'b1', 'b2'],
  })
})

describe('cooperative-sticky', () => {
  it('gives a partition away only once its owner has given it up', () => {
    const owner = (partitions: number[]) => aSubscriber('m1', ['a'], { owned: [{ topic: 'a', partitions }] })
    expect(assigned('cooperative-sticky', [owner([0, 1, 2, 3]), aSubscriber('m2', ['a'])])).toEqual({
      m1: ['a0', 'a1'],
      m2: [],
    })
    expect(assigned('cooperative-sticky', [owner([0, 1]), aSubscriber('m2', ['a'])])).toEqual({
      m1: ['a0', 'a1'],
      m2: ['a2', 'a3'],
    })
  })

  it('believes the later generation where two claim a partition', () => {
    const claims = (memberId: string, generation: number) =>
      aSubscriber(memberId, ['b'], { generation, owned: [{ topic: 'b', partitions: [0, 1] }] })
    const shares = assigned('cooperative-sticky', [claims('m1', 3), claims('m2', 4)])
    expect(shares['m2']).toEqual(expect.arrayContaining(['b0', 'b1']))
  })
})

const subscribers = fc
  .array(
    fc.record({
      topics: fc.subarray(['a', 'b', 'c', 'gone']),
      owned: fc.subarray(['a0', 'a1', 'a2', 'a3', 'b0', 'b1', 'b2', 'a9']),
      generation: fc.integer({ min: -1, max: 2 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map(members =>
    members.map(({ topics, owned, generation }, i) => {
      const partitions = owned.map(name => ({ topic: name[0]!, partitions: [Number(name[1])] }))
      return aSubscriber(`m${i}`, topics, { generation, owned: partitions })
    }),
  )

it.each(Object.keys(clientAssignors))(
  '%s gives every wanted partition to one who wants it, and to nobody else',
  protocol => {
    fc.assert(
      fc.property(subscribers, members => {
        const shares = assigned(protocol, members)
        const given = Object.values(shares).flat()
        expect(new Set(given).size).toBe(given.length)
        for (const { memberId, topics } of members)
          for (const partition of shares[memberId]!) expect(topics).toContain(partition[0])
        const wanted = Object.entries(counts).flatMap(([topic, count]) =>
          members.some(({ topics }) => topics.includes(topic))
            ? Array.from({ length: count }, (_, i) => `${topic}${i}`)
            : [],
        )
        const claimed = new Set(
          members.flatMap(({ owned }) => owned.map(({ topic, partitions: [p] }) => `${topic}${p}`)),
        )
        const due = protocol === 'cooperative-sticky' ? wanted.filter(partition => !claimed.has(partition)) : wanted
        expect(given).toEqual(expect.arrayContaining(due))
        if (protocol !== 'cooperative-sticky') expect(given.toSorted()).toEqual(wanted.toSorted())
      }),
    )
  },
)
