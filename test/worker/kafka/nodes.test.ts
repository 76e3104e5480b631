import { expect, it } from 'vitest'
import { Nodes } from '../../../src/worker/kafka/nodes.ts'

it.each([
  { given: undefined, then: [{ nodeId: 0, host: 'localhost', port: 9092 }] },
  { given: ' ', then: [{ nodeId: 0, host: 'localhost', port: 9092 }] },
  {
    given: 'a:1, b:2',
    then: [
      { nodeId: 0, host: 'a', port: 1 },
      { nodeId: 1, host: 'b', port: 2 },
    ],
  },
  { given: '[::1]:9092', then: [{ nodeId: 0, host: '::1', port: 9092 }] },
])('reads $given', ({ given, then }) => {
  expect(Nodes.parse(given).all).toEqual(then)
})

it.each(['a', 'a:', ':1', 'a:0', 'a:65536', 'a:x', 'a:1,,b:2', Array(101).fill('a:1').join()])('refuses %s', given => {
  expect(() => Nodes.parse(given)).toThrow('EDGELOG_BROKERS')
})

it('spreads leaders and replicas, never one broker twice', () => {
  const nodes = Nodes.parse('a:1,b:2,c:3')
  const leaders = [0, 1, 2].map(partition => nodes.leaderOf('AAAAAAAAAAAAAAAAAAAAAQ', partition))
  expect(leaders.toSorted()).toEqual([0, 1, 2])
  expect(nodes.replicasOf('AAAAAAAAAAAAAAAAAAAAAQ', 0, 2)[0]).toBe(leaders[0])
  expect(new Set(nodes.replicasOf('AAAAAAAAAAAAAAAAAAAAAQ', 1, 9)).size).toBe(3)
})
