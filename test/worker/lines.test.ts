import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Block, LineTooLong, Lines } from '../../src/worker/lines.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const textOf = ({ bytes, start, end }: Block) => new TextDecoder().decode(bytes.subarray(start, end))

describe('lines', () => {
  it('are whole wherever the chunks are cut', () => {
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('', 'a', 'bb', 'ü€', 'x'.repeat(30))),
        fc.boolean(),
        cuts,
        (given, ended, at) => {
          const bytes = utf8(given.join('\n') + (ended && given.length > 0 ? '\n' : ''))
          const places = [0, ...at.map(place => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length]
          const lines = new Lines(100)
          const blocks = places.slice(1).flatMap((end, i) => lines.push(bytes.subarray(places[i], end)))
          for (const block of blocks) expect(textOf(block).endsWith('\n')).toBe(true)
          const last = lines.finish()
          expect([...blocks, ...(last ? [last] : [])].map(textOf).join('')).toBe(new TextDecoder().decode(bytes))
          expect(last === undefined || !textOf(last).includes('\n')).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('may be so long, and no longer', () => {
    const lines = new Lines(10)
    expect(lines.push(utf8('12345')).length).toBe(0)
    expect(lines.push(utf8('6789\n')).map(textOf)).toEqual(['123456789\n'])
    lines.push(utf8('12345'))
    expect(() => lines.push(utf8('123456'))).toThrow(LineTooLong)
  })
})
