// JSON as it was written: what JSON.parse accepts and nothing else, with the order and digits it forgets.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Invalid, isArray, isObject, type Json, JsonNumber, parseJson, writeJson } from '../../src/schema/json-text.ts'

const plain = (json: Json): unknown => {
  if (json instanceof JsonNumber) return json.value
  if (isArray(json)) return json.map(plain)
  return isObject(json) ? Object.fromEntries([...json].map(([key, value]) => [key, plain(value)])) : json
}

it('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(JSON.stringify(plain(parseJson(text)))).toBe(JSON.stringify(JSON.parse(text)))
    }),
  )
})

it('and refuses what it refuses', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '.5',
    'e1',
    'true',
    'nul',
    ' ',
    '\\u00',
    '\n',
    '01',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 6 }), parts => {
      const text = parts.join('')
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      if (valid) expect(() => parseJson(text)).not.toThrow()
      else expect(() => parseJson(text)).toThrow(Invalid)
    }),
    { numRuns: 2_000 },
  )
})

describe('writes', () => {
  it.each([
    [
      '{"b":1,"a":[1.0,1e5,-0,12345678901234567890],"1":"\\u00e9\\n"}',
      '{"b":1,"a":[1.0,1e5,-0,12345678901234567890],"1":"é\\n"}',
    ],
    [' { "a" : { } , "b" : [ ] } ', '{"a":{},"b":[]}'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ])('%s as %s', (given, then) => {
    expect(writeJson(parseJson(given))).toBe(then)
  })

  it('keys in order, if asked to', () => {
    expect(writeJson(parseJson('{"b":{"d":1,"c":2},"a":3}'), { sorted: true })).toBe('{"a":3,"b":{"c":2,"d":1}}')
  })
})
