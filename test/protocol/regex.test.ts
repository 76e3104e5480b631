// Topic expressions: they match as JavaScript's own would, refuse what they cannot do, and never take long.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRegex } from '../../src/protocol/regex.ts'

const matches = (pattern: string, name: string): boolean => {
  const compiled = compileRegex(pattern)
  if (typeof compiled !== 'function') throw new Error(compiled.message)
  return compiled(name)
}

describe('an expression', () => {
  it.each([
    ['orders', ['orders'], ['orders2', 'order', 'Orders']],
    ['orders.*', ['orders', 'orders-eu'], ['my-orders']],
    ['(orders|users)-[0-9]+', ['orders-1', 'users-23'], ['orders-', 'orders-x']],
    ['[^a-c.]+', ['xyz'], ['xaz', 'x.y']],
    ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
    ['a{2}b{0,1}', ['aa', 'aab'], ['aabb']],
    ['a{2,}', ['aa', 'aaaaa'], ['a']],
    ['(ab?){2}', ['abab', 'aa', 'aba'], ['ab', 'ababab']],
    ['(?i)orders', ['ORDERS', 'Orders'], []],
    ['(?i:o)rders', ['Orders'], ['OrderS']],
    ['a\\.b\\-c', ['a.b-c'], ['axb-c']],
    ['\\w+-\\d{2}', ['abc-12'], ['abc-1', '-12']],
    ['[\\w-]+', ['a-b_c'], ['a.b']],
    ['[]a]+', [']a'], ['b']],
    ['^a$|^b.*$', ['a', 'bcd'], ['ab']],
    ['\\bfoo\\b.*', ['foo-bar', 'foo'], ['foobar']],
    ['(?P<name>a|b)+?', ['ab'], ['']],
    ['', [''], ['a']],
    ['a||b', ['a', '', 'b'], ['ab']],
    ['()*a', ['a'], ['']],
  ])('%s', (pattern, yes, no) => {
    for (const name of yes) expect(matches(pattern, name), name).toBe(true)
    for (const name of no) expect(matches(pattern, name), name).toBe(false)
  })

  it.each([
    '(',
    ')',
    '[',
    '[a',
    'a{3,2}',
    'a{1001}',
    '*a',
    'a**',
    '(?=a)',
    '(?<!a)b',
    '\\1',
    '\\',
    '[z-a]',
    '[[:alpha:]]',
  ])('is refused: %s', pattern => expect(compileRegex(pattern)).toMatchObject({ error: 'INVALID_REGULAR_EXPRESSION' }))

  it.each(['a'.repeat(2_000), '((((a{50}){50}){50}){50})', '('.repeat(100)])('is refused if it is too large', pattern =>
    expect(compileRegex(pattern)).toMatchObject({ error: 'INVALID_REGULAR_EXPRESSION' }),
  )

  it('that would explode elsewhere takes no time', () => {
    const startMs = performance.now()
    expect(matches('(a*)*(a|aa)+(a+)+b', 'a'.repeat(249))).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(500)
  })
})

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '-', '\\d', 'x1')
const anyPattern = fc.letrec<{ regex: string }>(tie => ({
  regex: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.tuple(tie('regex'), tie('regex')).map(([a, b]) => a + b),
    fc.tuple(tie('regex'), tie('regex')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('regex'), fc.constantFrom('*', '+', '?', '{0,2}', '{2}')).map(([a, times]) => `(${a})${times}`),
  ),
})).regex

it('matches what JavaScript matches', () =>
  fc.assert(
    fc.property(anyPattern, fc.string({ unit: fc.constantFrom(...'ab-x1'), maxLength: 8 }), (pattern, name) => {
      expect(matches(pattern, name)).toBe(new RegExp(`^(?:${pattern})$`).test(name))
    }),
    { numRuns: 300 },
  ))
