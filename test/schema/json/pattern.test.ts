// Regular expressions of schemas: found as everywhere, and never for long.

import { describe, expect, it } from 'vitest'
import { compilePattern } from '../../../src/schema/json/pattern.ts'

const find = (source: string, text: string): boolean | undefined => {
  const pattern = compilePattern(source)
  if (typeof pattern === 'string') throw new Error(pattern)
  return pattern(text)
}

it.each<[source: string, text: string, then: boolean]>([
  ['a', 'bab', true],
  ['^a$', 'a', true],
  ['^a$', 'ba', false],
  ['', '', true],
  ['a|b', 'xb', true],
  ['^(a|b)$', 'ab', false],
  ['^([a-z]+\\.)*[a-z]+$', 'a.bc.d', true],
  ['^([a-z]+\\.)*[a-z]+$', 'a..d', false],
  ['^(?!x)\\w+$', 'ab', true],
  ['^(?!x)\\w+$', 'xb', false],
  ['^\\p{L}+$', 'é', true],
  ['^\\S+@\\S+\\.\\S+$', 'a@b.c', true],
  ['[(|)]+x', '(|)x', true],
  ['\\u00e9', 'é', true],
  ['^(\\d{3}-){2}\\d{4}$', '123-456-7890', true],
])('%s in %j', (source, text, then) => {
  expect(find(source, text)).toBe(then)
})

describe('what would take forever', () => {
  const text = `${'a'.repeat(5_000)}!`
  it.each(['^(a+)+$', '^(a|a)*$', '^(a*)*$', '^(a?){50}$', '^(?:a|aa)+$', '^a*a*a*a*a*a*$', '^((a{1,9})){1,99}$'])(
    '%s does not',
    source => {
      expect(find(source, text)).toBe(false)
    },
  )

  it('or is refused', () => {
    expect(compilePattern('^(?=a)(a+)+$')).toBe('not a regular expression that is matched in bounded time')
    expect(compilePattern('^(\\p{L}+)*$')).toBe('not a regular expression that is matched in bounded time')
    expect(compilePattern('(')).toBe('not a regular expression')
  })

  it('is not tried on texts without end', () => {
    expect(find('^(?!b)a*$', 'a'.repeat(20_000))).toBeUndefined()
    expect(find('^a*$', 'a'.repeat(20_000))).toBe(true)
    expect(find('^a*$', 'a'.repeat(300_000))).toBeUndefined()
  })
})
