import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NoObject, Objects } from '../../../src/worker/rest/v3/objects.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The objects of a text that comes in chunks cut at these places. */
function split(text: string, cuts: readonly number[] = []): string[] {
  const bytes = encoder.encode(text)
  const objects = new Objects(1_000)
  const found: string[] = []
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length].map(at => Math.min(at, bytes.length))
  for (let i = 1; i < places.length; i++)
    for (const object of objects.push(bytes.subarray(places[i - 1], places[i]))) found.push(decoder.decode(object))
  objects.finish()
  return found
}

describe('concatenated JSON', () => {
  it('is the objects it was made of, however it is cut', () => {
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
    const spaces = fc.stringMatching(/^[ \n\r\t]{0,3}$/)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(object, spaces), { maxLength: 5 }),
        fc.array(fc.nat(200), { maxLength: 10 }),
        (parts, cuts) => {
          const texts = parts.map(([value]) => JSON.stringify(value))
          fc.pre(texts.every(text => encoder.encode(text).length < 1_000))
          expect(split(parts.map(([, space], i) => texts[i]! + space).join(''), cuts)).toEqual(texts)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps braces, quotes and backslashes in strings, cut at every byte', () => {
    const text = String.raw`{"a":"}\"{\\"}{"\\":["]","\\\""]}`
    const every = Array.from({ length: text.length }, (_, i) => i)
    expect(split(text, every)).toEqual([String.raw`{"a":"}\"{\\"}`, String.raw`{"\\":["]","\\\""]}`])
  })

  it.each([
    { text: '[1]' },
    { text: '{},{}' },
    { text: '{' },
    { text: '{"a":"}' },
    { text: `{"a":"${'x'.repeat(1_000)}` },
  ])('ends where $text is none', ({ text }) => {
    expect(() => split(text, [3, 500])).toThrow(NoObject)
  })
})
