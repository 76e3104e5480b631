import { expect, it } from 'vitest'
import { diff } from '../../web/diff.ts'
import { bytes, duration } from '../../web/figures.ts'
import { matcher, merge } from '../../web/merging.ts'
import type { LogRecord } from '../../client/answers.ts'

const record = (partition: number, offset: number, timestamp: number, more: Partial<LogRecord> = {}): LogRecord => ({
  partition,
  offset,
  timestamp,
  key: null,
  value: null,
  headers: {},
  ...more,
})

it('merges partitions by time, each in its own order', () => {
  const merged = merge([[record(0, 0, 5), record(0, 1, 1)], [], [record(2, 0, 2), record(2, 1, 9)]])
  expect(merged.map(({ partition, offset }) => [partition, offset])).toEqual([
    [2, 0],
    [0, 0],
    [0, 1],
    [2, 1],
  ])
})

it.each([
  { text: 'ANNA', where: 'anywhere', then: true },
  { text: 'anna', where: 'key', then: true },
  { text: 'anna', where: 'value', then: false },
  { text: '9007199254740993', where: 'value', then: true },
  { text: 'trace', where: 'headers', then: true },
  { text: 'trace', where: 'key', then: false },
])('searches for $text in $where: $then', ({ text, where, then }) => {
  const one = record(0, 0, 0, { key: 'Anna', value: { id: 9_007_199_254_740_993n }, headers: { trace: 'x' } })
  expect(matcher(text, where)!(one)).toBe(then)
})

it.each([
  { before: 'a\nb\nc', after: 'a\nc\nd', then: ' a\n-b\n c\n+d' },
  { before: 'a', after: 'a', then: ' a' },
  { before: 'a', after: 'b', then: '-a\n+b' },
])('says what came and went: $then', ({ before, after, then }) =>
  expect(
    diff(before, after)
      .map(({ mark, text }) => mark + text)
      .join('\n'),
  ).toBe(then),
)

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [57_671_680, '57.7 MB'],
  [999_999, '1.0 MB'],
])('writes %i bytes as %s', (value, then) => expect(bytes(value)).toBe(then))

it.each([
  [500, '500ms'],
  [604_800_000, '7d'],
  [5_400_000, '1h 30m'],
])('writes %i ms as %s', (value, then) => expect(duration(value)).toBe(then))
