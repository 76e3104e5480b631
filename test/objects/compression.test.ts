// The platform's own gzip and zstd differ between Node and workerd in how they fail; the rest is test/log/compression.test.ts.

import { describe, expect, it } from 'vitest'
import { codecs, compress, decompress } from '../../src/log/compression.ts'
import { MAX_OPENED_BYTES } from '../../src/log/records.ts'

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
