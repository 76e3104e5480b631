// The platform's own gzip and zstd differ between Node and workerd in how they fail; the rest is test/log/compression.test.ts.

import { describe, expect, it } from 'vitest'
import { codecs, compress, decompress } from '../../src/log/compression.ts'
import { MAX_OPENED_BYTES } from '../../src/log/records.ts'
import { isFailure } from '../../src/protocol/errors.ts'

const text = new TextEncoder().encode('all work and no play '.repeat(5_000))

describe.each(codecs)('%s in workerd', codec => {
  const closed = compress(codec, text)

  it('gives back what went in', () => {
    expect(decompress(codec, closed, text.length)).toEqual(text)
    expect(decompress(codec, compress(codec, new Uint8Array()), 0)).toEqual(new Uint8Array())
  })

  it('opens within the bound that every reader has', () => {
    expect(decompress(codec, closed, MAX_OPENED_BYTES)).toEqual(text)
  })

  it.each([60_000, 65_536, 70_000, 1_000_000, 16_000_000])('gives back %i bytes that no codec makes smaller', n => {
    const noise = new Uint8Array(n)
    let seed = 1
    for (let i = 0; i < n; i++) noise[i] = (seed = Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 24
    const back = decompress(codec, compress(codec, noise), n)
    expect(isFailure(back) ? back : Buffer.compare(back, noise)).toBe(0)
  })

  it('says what is too large', () => {
    expect(decompress(codec, closed, text.length - 1)).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
    expect(decompress(codec, closed, 1000)).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })
})

// Without a codec, any bytes are what somebody meant.
describe.each(codecs.filter(codec => codec !== 'none'))('%s in workerd', codec => {
  const closed = compress(codec, text)

  it('says what is corrupt', () => {
    const noise = Uint8Array.from({ length: 50 }, (_, i) => i)
    for (const bytes of [closed.subarray(0, -1), noise, new Uint8Array()])
      expect(decompress(codec, bytes, text.length)).toMatchObject({ error: 'CORRUPT_MESSAGE' })
  })
})

it.each([
  { codec: 'gzip', low: 1, high: 9 },
  { codec: 'zstd', low: -100, high: 22 },
] as const)('$codec tries as hard as its level says', ({ codec, low, high }) => {
  const text = Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 613} of ${(i * i) % 97},`).join(' ')
  const words = new TextEncoder().encode(text)
  const [loose, tight] = [low, high].map(level => compress(codec, words, level))
  expect(loose!.length).toBeGreaterThan(tight!.length)
  for (const closed of [loose!, tight!]) expect(decompress(codec, closed, words.length)).toEqual(words)
})
