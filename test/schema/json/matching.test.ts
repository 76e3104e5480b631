// As many pairs as there can be, found by trying all of them.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matching } from '../../../src/schema/json/matching.ts'

const best = (edges: readonly (readonly number[])[], taken: ReadonlySet<number> = new Set()): number => {
  const [first, ...others] = edges
  if (first === undefined) return 0
  const without = best(others, taken)
  return first
    .filter(to => !taken.has(to))
    .reduce((most, to) => Math.max(most, 1 + best(others, new Set([...taken, to]))), without)
}

it('pairs off as many as possible', () => {
  const edges = fc.array(fc.uniqueArray(fc.nat(5), { maxLength: 4 }), { maxLength: 6 })
  fc.assert(fc.property(edges, edges => void expect(matching(edges)).toBe(best(edges))))
})
