import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader, utf8Length, Writer, ZERO_UUID } from '../../src/protocol/bytes.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const written = (write: (w: Writer) => void): string => {
  const w = new Writer(1)
  write(w)
  return hex(w.done())
}

type Kind = 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64' | 'uvarint' | 'varint' | 'varlong'

describe('a number', () => {
  const table: { kind: Kind; value: number; bytes: string }[] = [
    { kind: 'int8', value: -1, bytes: 'ff' },
    { kind: 'int16', value: -2, bytes: 'fffe' },
    { kind: 'uint16', value: 65534, bytes: 'fffe' },
    { kind: 'int32', value: -2147483648, bytes: '80000000' },
    { kind: 'uint32', value: 4294967295, bytes: 'ffffffff' },
    { kind: 'int64', value: -1, bytes: 'ffffffffffffffff' },
    { kind: 'int64', value: Number.MAX_SAFE_INTEGER, bytes: '001fffffffffffff' },
    { kind: 'int64', value: Number.MIN_SAFE_INTEGER, bytes: 'ffe0000000000001' },
    { kind: 'float64', value: 0.5, bytes: '3fe0000000000000' },
    { kind: 'uvarint', value: 0, bytes: '00' },
    { kind: 'uvarint', value: 300, bytes: 'ac02' },
    { kind: 'uvarint', value: 4294967295, bytes: 'ffffffff0f' },
    { kind: 'varint', value: -1, bytes: '01' },
    { kind: 'varint', value: 2147483647, bytes: 'feffffff0f' },
    { kind: 'varint', value: -2147483648, bytes: 'ffffffff0f' },
    { kind: 'varlong', value: -65, bytes: '8101' },
    { kind: 'varlong', value: 2147483648, bytes: '8080808010' },
    { kind: 'varlong', value: Number.MAX_SAFE_INTEGER, bytes: 'feffffffffffff1f' },
    { kind: 'varlong', value: Number.MIN_SAFE_INTEGER, bytes: 'fdffffffffffff1f' },
  ]
  for (const { kind, value, bytes } of table) {
    it(`${kind} ${value} is ${bytes}`, () => {
      expect(written(w => w[kind](value))).toBe(bytes)
      const r = new Reader(unhex(bytes))
      expect(r[kind]()).toBe(value)
      expect(r.remaining).toBe(0)
    })
  }

  it('reads as written, wherever it lies', () => {
    const any = fc.record({
      int32: fc.integer(),
      int64: fc.maxSafeInteger(),
      float64: fc.double(),
      uvarint: fc.nat({ max: 0xffff_ffff }),
      varint: fc.integer(),
      varlong: fc.maxSafeInteger(),
    })
    fc.assert(
      fc.property(any, value => {
        const w = new Writer(1)
        for (const [kind, number] of Object.entries(value)) w[kind as Kind](number)
        const r = new Reader(w.done())
        for (const [kind, number] of Object.entries(value)) expect(r[kind as Kind]()).toBe(number)
        expect(r.remaining).toBe(0)
      }),
    )
  })

  const refused: { why: string; read: (r: Reader) => unknown; bytes: string }[] = [
    { why: 'an int64 above 2^53', read: r => r.int64(), bytes: '0020000000000000' },
    { why: 'the smallest int64', read: r => r.int64(), bytes: '8000000000000000' },
    { why: 'an int64 cut off', read: r => r.int64(), bytes: '00000000000000' },
    { why: 'an int32 cut off', read: r => r.int32(), bytes: '000000' },
    { why: 'a varint cut off', read: r => r.uvarint(), bytes: '8080' },
    { why: 'a varint of six bytes', read: r => r.uvarint(), bytes: '808080808001' },
    { why: 'a varlong cut off', read: r => r.varlong(), bytes: '80' },
    { why: 'no varlong at all', read: r => r.varlong(), bytes: '' },
    { why: 'a varlong above 2^53', read: r => r.varlong(), bytes: 'ffffffffffffffff01' },
    { why: 'a varlong of eleven bytes', read: r => r.varlong(), bytes: '8080808080808080808001' },
    { why: 'a slice past the end', read: r => r.slice(3), bytes: '0000' },
    { why: 'a slice of negative length', read: r => r.slice(-1), bytes: '0000' },
    { why: 'a string past the end', read: r => r.string(3), bytes: '6161' },
    { why: 'a skip past the end', read: r => r.skip(3), bytes: '0000' },
    { why: 'a uuid cut off', read: r => r.uuid(), bytes: '00' },
  ]
  for (const { why, read, bytes } of refused) {
    it(`refuses ${why}`, () => expect(() => read(new Reader(unhex(bytes)))).toThrow(RangeError))
  }

  it('refuses to write an int64 that is not exact', () => {
    expect(() => new Writer().int64(2 ** 53)).toThrow(RangeError)
    expect(() => new Writer().int64(0.5)).toThrow(RangeError)
    expect(() => new Writer().varlong(-(2 ** 53))).toThrow(RangeError)
  })
})

describe('text', () => {
  // Of one to four bytes; mostly ASCII, which goes a way of its own.
  const letters = fc.constantFrom(...'abcdefghijklmnop0123456789\0\x7f\u0080é߿ࠀ€漢\ufeff\uffff😀𝄞')

  it('reads as written, and its length is known before', () => {
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 40 }), text => {
        const w = new Writer(1)
        w.string(text)
        expect(w.at).toBe(utf8Length(text))
        expect(hex(w.done())).toBe(Buffer.from(text).toString('hex'))
        expect(new Reader(w.done()).string(w.at)).toBe(text)
      }),
    )
  })

  it('writes a lone surrogate as U+FFFD', () => {
    expect(utf8Length('\ud800')).toBe(3)
    expect(written(w => w.string('\ud800'))).toBe('efbfbd')
  })

  it('reads broken UTF-8 as U+FFFD and keeps a byte order mark', () => {
    expect(new Reader(unhex('ff')).string(1)).toBe('\ufffd')
    expect(new Reader(unhex('efbbbf61')).string(4)).toBe('\ufeffa')
  })
})

describe('a topic id', () => {
  it('reads and writes in the form Kafka prints', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), id => {
        const text = new Reader(id).uuid()
        expect(text).toBe(Buffer.from(id).toString('base64url'))
        expect(written(w => w.uuid(text))).toBe(hex(id))
      }),
    )
    expect(new Reader(new Uint8Array(16)).uuid()).toBe(ZERO_UUID)
  })

  it('refuses other text', () => {
    expect(() => new Writer().uuid('short')).toThrow(TypeError)
    expect(() => new Writer().uuid('AAAAAAAAAAAAAAAAAAAAA+')).toThrow(TypeError)
  })
})

describe('bytes', () => {
  it('are read as a view of what was given', () => {
    const given = unhex('00010203').subarray(1)
    const slice = new Reader(given).slice(2)
    expect([...slice]).toEqual([1, 2])
    expect(slice.buffer).toBe(given.buffer)
  })

  it('can be patched where they were reserved, after the buffer has grown', () => {
    const w = new Writer(4)
    const start = w.reserve(4)
    w.bytes(new Uint8Array(100))
    w.patchInt32(start, w.at - 4)
    expect(hex(w.done().subarray(0, 4))).toBe('00000064')
    expect(() => w.patchInt32(w.at - 3, 0)).toThrow(RangeError)
  })
})
