import { expect, it } from 'vitest'
import { codeOf, errorOf, errors, failure, isFailure } from '../../src/protocol/errors.ts'

it('has every code from -1 to 133 once', () => {
  const codes = Object.values(errors).map(({ code }) => code)
  expect(codes).toEqual(Array.from({ length: 135 }, (_, i) => i - 1))
})

it('says a sentence and a plausible status for each', () => {
  for (const [name, { sentence, status }] of Object.entries(errors)) {
    expect(sentence, name).toMatch(/^[A-Za-z].*\.$/)
    if (name !== 'NONE') expect(status, name).toBeGreaterThanOrEqual(400)
  }
})

it('finds codes by name and names by code', () => {
  expect(codeOf('UNKNOWN_TOPIC_ID')).toBe(100)
  expect(errorOf(100)).toBe('UNKNOWN_TOPIC_ID')
  expect(errorOf(-1)).toBe('UNKNOWN_SERVER_ERROR')
  expect(errorOf(9999)).toBe('UNKNOWN_SERVER_ERROR')
})

it('tells failures from results', () => {
  expect(failure('REQUEST_TIMED_OUT')).toEqual({
    error: 'REQUEST_TIMED_OUT',
    message: errors.REQUEST_TIMED_OUT.sentence,
  })
  expect(isFailure(failure('INVALID_CONFIG', 'retention.ms'))).toBe(true)
  for (const other of [null, undefined, 3, {}, { error: 'toString' }, { error: null }, []]) {
    expect(isFailure(other)).toBe(false)
  }
})
