import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/log/crc32c.ts'

const upTo = (n: number) => Uint8Array.from({ length: n }, (_, i) => i)

/** The definition, a bit at a time. */
function slowly(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  // RFC 3720 B.4, and the check value of the CRC catalogues
  it.each([
    { given: 'nothing', bytes: new Uint8Array(), then: 0 },
    { given: '123456789', bytes: new TextEncoder().encode('123456789'), then: 0xe3069283 },
    { given: '32 zeros', bytes: new Uint8Array(32), then: 0x8a9136aa },
    { given: '32 ones', bytes: new Uint8Array(32).fill(0xff), then: 0x62a8ab43 },
    { given: '0 to 31', bytes: upTo(32), then: 0x46dd794e },
    { given: '31 to 0', bytes: upTo(32).reverse(), then: 0x113fdb5c },
  ])('of $given', ({ bytes, then }) => {
    expect(crc32c(bytes)).toBe(then)
  })

  it('is the same for every start, length and alignment', () => {
    const bytes = Uint8Array.from({ length: 120 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
    for (let start = 0; start < 20; start++)
      for (let end = start; end <= bytes.length; end++) {
        const part = bytes.subarray(start, end)
        const expected = slowly(part)
        if (crc32c(bytes, start, end) !== expected || crc32c(part) !== expected)
          expect.fail(`differs for [${start}, ${end})`)
      }
  })

  it('goes on where a checksum stopped', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
        const cut = Math.min(at, bytes.length)
        expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(crc32c(bytes))
      }),
      { numRuns: 200 },
    )
  })
})
