import { expect, it } from 'vitest'
import { durationMs, timeOf } from '../../src/worker/times.ts'

it.each([
  { text: '1970-01-01', then: 0 },
  { text: '1970-01-02T00:00', then: 86_400_000 },
  { text: '1970-01-01T00:00:01.5', then: 1_500 },
  { text: '1970-01-01T01:00:00Z', then: 3_600_000 },
  { text: '1970-01-01T01:00:00+01:00', then: 0 },
  { text: '1970-01-01T00:00:00+01:00', then: undefined },
  { text: '2025-13-01', then: undefined },
  { text: 'yesterday', then: undefined },
  { text: '5', then: undefined },
])('the time $text', ({ text, then }) => expect(timeOf(text)).toBe(then))

it.each([
  { text: 'PT1H', then: 3_600_000 },
  { text: 'P1DT2H3M4.5S', then: 93_784_500 },
  { text: 'P2D', then: 172_800_000 },
  { text: 'pt0s', then: 0 },
  { text: 'P', then: undefined },
  { text: 'PT', then: undefined },
  { text: 'P1DT', then: undefined },
  { text: 'P1M', then: undefined },
  { text: '1h', then: undefined },
])('the duration $text', ({ text, then }) => expect(durationMs(text)).toBe(then))
