import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonError, JsonReader, MAX_JSON_DEPTH, placeOf } from '../../src/worker/json.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const plain = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** The compact text of one JSON value, or where it stops being one. */
function textOf(json: string): string | number {
  const reader = new JsonReader(utf8(json))
  try {
    const text = plain(reader.text())
    reader.finish()
    return text
  } catch (thrown) {
    if (thrown instanceof JsonError) return thrown.at
    throw thrown
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('JSON text is kept as it was written', () => {
  it.each([
    { given: '12345678901234567890.10', then: '12345678901234567890.10' },
    { given: ' { "a" : [ 1 , 2e5 ] , "b c" : " x  y " } \n', then: '{"a":[1,2e5],"b c":" x  y "}' },
    { given: '"\\u00e9\\"  \\\\"', then: '"\\u00e9\\"  \\\\"' },
    { given: '{"a\\\\" : " \\\\\\" "}', then: '{"a\\\\":" \\\\\\" "}' },
    { given: 'null', then: 'null' },
    { given: '[]', then: '[]' },
    { given: '{ }', then: '{}' },
  ])('$given', ({ given, then }) => expect(textOf(given)).toBe(then))
})

describe('what is not JSON is told from what is, with the place', () => {
  it.each([
    { given: '', at: 0 },
    { given: '{"a":1,}', at: 7 },
    { given: '[1 2]', at: 3 },
    { given: '[1,]', at: 3 },
    { given: '01', at: 1 },
    { given: '-', at: 1 },
    { given: '1.', at: 2 },
    { given: '1e+', at: 3 },
    { given: '"abc', at: 4 },
    { given: '"a\nb"', at: 2 },
    { given: '"\\x"', at: 1 },
    { given: '"\\u12g4"', at: 5 },
    { given: '{a:1}', at: 1 },
    { given: '{"a" 1}', at: 5 },
    { given: 'nul', at: 0 },
    { given: 'true false', at: 5 },
    { given: 'NaN', at: 0 },
    { given: '"', at: 1 },
    { given: '"\\', at: 1 },
    { given: '\u00a01', at: 0 },
  ])('$given', ({ given, at }) => {
    expect(isJson(given)).toBe(false)
    expect(textOf(given)).toBe(at)
  })

  it('is deep only so far', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(textOf(nested(MAX_JSON_DEPTH))).toBe(nested(MAX_JSON_DEPTH))
    expect(textOf(nested(MAX_JSON_DEPTH + 1))).toBe(MAX_JSON_DEPTH)
    expect(textOf('{"a":'.repeat(100_000))).toBe(MAX_JSON_DEPTH * 5)
  })

  it('agrees with JSON.parse on any value, however spaced', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        expect(textOf(JSON.stringify(value, null, indent))).toBe(JSON.stringify(value))
      }),
      { numRuns: 200 },
    )
  })

  it('agrees with JSON.parse on JSON with a character gone wrong', () => {
    const wrong = fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '1',
      '-',
      '.',
      'e',
      ' ',
      '\n',
      'u',
      'x',
      '',
    )
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.nat(), wrong, (json, where, character) => {
        const at = where % (json.length + 1)
        const mutated = json.slice(0, at) + character + json.slice(at + 1)
        expect(typeof textOf(mutated) === 'string').toBe(isJson(mutated))
      }),
      { numRuns: 300 },
    )
  })
})

describe('names, strings and numbers', () => {
  const reader = (json: string) => new JsonReader(utf8(json))

  it('reads members in order, escapes and repeats included', () => {
    const object = reader('{"a":1,"\\u0061":2,"":3,"ein längerer Name, der nicht gemerkt wird":4}')
    const members: [string, number][] = []
    for (let more = object.enterObject(); more; more = object.nextMember())
      members.push([object.name(), object.number()])
    expect(members).toEqual([
      ['a', 1],
      ['a', 2],
      ['', 3],
      ['ein längerer Name, der nicht gemerkt wird', 4],
    ])
  })

  it('remembers names without mixing them up', () => {
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 3_000; i++) {
        const object = reader(`{"name${i}":${i}}`)
        object.enterObject()
        expect(object.name()).toBe(`name${i}`)
      }
  })

  it.each([
    { given: '0', then: 0 },
    { given: '123', then: 123 },
    { given: '-5', then: -5 },
    { given: '1e3', then: 1000 },
    { given: '1.5', then: 1.5 },
    { given: '9007199254740993', then: 9007199254740992 },
    { given: '1e999', then: Number.POSITIVE_INFINITY },
    { given: '"7"', then: Number.NaN },
    { given: 'true', then: Number.NaN },
  ])('the number $given', ({ given, then }) => expect(reader(given).number()).toBe(then))

  it('gives strings as bytes, and none for a lone surrogate', () => {
    expect(plain(reader('"grün"').stringBytes()!)).toBe('grün')
    expect(plain(reader('"gr\\u00fcn\\n"').stringBytes()!)).toBe('grün\n')
    expect(reader('"\\ud800"').stringBytes()).toBeNull()
  })
})

it.each([
  { given: 'abc', at: 0, then: { position: 0, line: 1, column: 1 } },
  { given: 'a\nbc\nd', at: 5, then: { position: 5, line: 3, column: 1 } },
  { given: 'ü€\nx', at: 7, then: { position: 4, line: 2, column: 2 } },
])('the place of byte $at of $given', ({ given, at, then }) => expect(placeOf(utf8(given), at)).toEqual(then))
