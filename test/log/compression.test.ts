import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecs, compress, decompress } from '../../src/log/compression.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { fixture } from '../fixtures/batches/fixture.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const compressing = codecs.filter(codec => codec !== 'none')

/** Bytes as real ones are: runs, repeats from near and far, and noise. */
const data = fc
  .array(
    fc.oneof(
      fc.record({ noise: fc.uint8Array({ maxLength: 300 }) }),
      fc.record({ byte: fc.nat(255), times: fc.nat(2000) }),
      fc.record({ back: fc.nat(70_000), length: fc.nat(3000) }),
    ),
    { maxLength: 60 },
  )
  .map(parts => {
    const out: number[] = []
    for (const part of parts)
      if ('noise' in part) for (const byte of part.noise) out.push(byte)
      else if ('byte' in part) for (let i = 0; i < part.times; i++) out.push(part.byte)
      else for (let i = 0; i < part.length; i++) out.push(out[Math.max(0, out.length - 1 - part.back)] ?? 0)
    return Uint8Array.from(out)
  })

it.each([
  { codec: 'gzip', low: 1, high: 9 },
  { codec: 'zstd', low: -100, high: 9 },
] as const)('$codec tries as hard as its level says', ({ codec, low, high }) => {
  const words = utf8(Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 613} of ${(i * i) % 97},`).join(' '))
  const sizes = [low, high].map(level => compress(codec, words, level).length)
  expect(sizes[0]).toBeGreaterThan(sizes[1]!)
  for (const level of [low, high, codec === 'zstd' ? 22 : -1]) {
    const back = decompress(codec, compress(codec, words, level), words.length)
    expect(!isFailure(back) && Buffer.compare(back, words)).toBe(0)
  }
})

describe.each(codecs)('%s', codec => {
  it('gives back what went in, whatever it was', () => {
    fc.assert(
      fc.property(data, bytes => {
        const back = decompress(codec, compress(codec, bytes), bytes.length)
        return !isFailure(back) && Buffer.compare(back, bytes) === 0
      }),
      { numRuns: 100 },
    )
  })

  it.each([60_000, 70_000, 1_000_000])('gives back %i bytes that no codec makes smaller', n => {
    const noise = new Uint8Array(n)
    let seed = 1
    for (let i = 0; i < n; i++) noise[i] = (seed = Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 24
    const back = decompress(codec, compress(codec, noise), n)
    expect(isFailure(back) ? back : Buffer.compare(back, noise)).toBe(0)
  })

  it.each([0, 1, 4, 12, 13, 32_768, 32_769, 65_536, 65_537, 200_000])(
    'takes %i bytes that repeat and that do not',
    n => {
      const same = new Uint8Array(n).fill(7)
      const noise = Uint8Array.from(
        { length: n },
        (_, i) => (Math.imul(i, 0x9e3779b1) >>> 24) ^ (Math.imul(i * i, 0x85ebca77) >>> 20),
      )
      for (const bytes of [same, noise]) {
        const back = decompress(codec, compress(codec, bytes), n)
        expect(!isFailure(back) && Buffer.compare(back, bytes)).toBe(0)
      }
    },
  )

  it('refuses more than it may become, exactly', () => {
    const bytes = utf8('all work and no play '.repeat(5000))
    const closed = compress(codec, bytes)
    expect(decompress(codec, closed, bytes.length)).toEqual(bytes)
    expect(decompress(codec, closed, bytes.length - 1)).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })

  it('opens a view in the middle of a buffer', () => {
    const bytes = utf8('abcabcabcabcabcabcabcabcabcabc')
    const closed = compress(codec, bytes)
    const buffer = new Uint8Array(closed.length + 20).fill(0xee)
    buffer.set(closed, 7)
    expect(decompress(codec, buffer.subarray(7, 7 + closed.length), 100)).toEqual(bytes)
  })
})

describe.each(compressing)('hostile %s', codec => {
  const closed = compress(codec, utf8('{"user":"u1","action":"click"}'.repeat(20) + 'end'))

  it('fails with a name, whichever byte is changed', () => {
    for (let at = 0; at < closed.length; at++)
      for (let value = 0; value < 256; value += 5) {
        const bytes = closed.slice()
        bytes[at]! ^= value
        const back = decompress(codec, bytes, 10_000)
        if (isFailure(back)) expect(['CORRUPT_MESSAGE', 'MESSAGE_TOO_LARGE']).toContain(back.error)
        else if (back.length > 10_000) expect.fail(`byte ${at} ^ ${value} became ${back.length} bytes`)
      }
  })

  it('fails with a name, wherever it is cut', () => {
    for (let length = 1; length < closed.length; length++) {
      const back = decompress(codec, closed.subarray(0, length), 10_000)
      // xerial has no end mark: cut between two blocks it is shorter, not wrong
      if (!isFailure(back)) expect([codec, back.length]).toEqual(['snappy', 0])
    }
  })

  it('fails on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), bytes => {
        const back = decompress(codec, bytes, 1000)
        return isFailure(back) || back.length <= 1000
      }),
      { numRuns: 300 },
    )
  })
})

describe('a bomb', () => {
  it.each(compressing)('of %s stops at the limit', codec => {
    const bomb = compress(codec, new Uint8Array(40_000_000))
    expect(decompress(codec, bomb, 1_000_000)).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })

  it('of snappy that only claims its size gets no memory', () => {
    expect(decompress('snappy', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0), 2 ** 32)).toMatchObject({
      error: 'CORRUPT_MESSAGE',
    })
  })
})

describe('lz4', () => {
  const text = utf8(Array.from({ length: 2400 }, (_, i) => `user-${i % 97} ${'x'.repeat(50)}\n`).join(''))
  const frames = fixture('lz4-frames')

  it.each([...frames.keys()])('reads a frame of the reference library: %s', name => {
    expect(decompress('lz4', frames.get(name)!, text.length)).toEqual(name === 'empty' ? new Uint8Array() : text)
  })

  it('passes over a skippable frame', () => {
    const skippable = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)
    const bytes = new Uint8Array(Buffer.concat([skippable, compress('lz4', text)]))
    expect(decompress('lz4', bytes, text.length)).toEqual(text)
  })
})

describe('snappy', () => {
  it.each([
    { given: 'a raw block', bytes: [5, 4 << 2, ...utf8('hello')] },
    { given: 'a copy with one byte of distance', bytes: [9, 0 << 2, 97, ((8 - 4) << 2) | 1, 1], then: 'aaaaaaaaa' },
    {
      given: 'a copy with four bytes of distance',
      bytes: [6, 1 << 2, 97, 98, (3 << 2) | 3, 2, 0, 0, 0],
      then: 'ababab',
    },
    { given: 'a literal with a length of four bytes', bytes: [5, 63 << 2, 4, 0, 0, 0, ...utf8('hello')] },
    { given: 'an empty block', bytes: [0], then: '' },
  ])('reads $given', ({ bytes, then = 'hello' }) => {
    expect(decompress('snappy', Uint8Array.from(bytes), 100)).toEqual(utf8(then))
  })
})
