import { describe, expect, it } from 'vitest'
import { Reader, Writer } from '../../src/protocol/bytes.ts'
import { codecFor } from '../../src/protocol/codec.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import {
  array,
  bool,
  bytes,
  type Encodable,
  int16,
  int32,
  int64,
  int8,
  type Message,
  string,
  struct,
  uuid,
} from '../../src/protocol/schema.ts'

const encode = <M extends Message>(message: M, value: Encodable<M>, version = 0, flexible = false): string => {
  const w = new Writer()
  codecFor(message, version, flexible).write(w, value)
  return Buffer.from(w.done()).toString('hex')
}
const decode = <M extends Message>(message: M, hex: string, version = 0, flexible = false) => {
  const r = new Reader(new Uint8Array(Buffer.from(hex, 'hex')))
  const value = codecFor(message, version, flexible).read(r)
  expect(r.remaining).toBe(0)
  return value
}

describe('a field', () => {
  const table: { name: string; field: Message[string]; value: unknown; plain: string; compact: string }[] = [
    { name: 'bool', field: bool(), value: true, plain: '01', compact: '01' },
    { name: 'string', field: string(), value: 'ab', plain: '00026162', compact: '036162' },
    { name: 'empty string', field: string(), value: '', plain: '0000', compact: '01' },
    { name: 'null string', field: string().nullable(), value: null, plain: 'ffff', compact: '00' },
    { name: 'bytes', field: bytes(), value: new Uint8Array([7]), plain: '0000000107', compact: '0207' },
    { name: 'null bytes', field: bytes().nullable(), value: null, plain: 'ffffffff', compact: '00' },
    { name: 'array', field: array(int8()), value: [1, 2], plain: '000000020102', compact: '030102' },
    { name: 'null array', field: array(int8()).nullable(), value: null, plain: 'ffffffff', compact: '00' },
    {
      name: 'array of structs',
      field: array({ a: int8() }),
      value: [{ a: 5 }],
      plain: '0000000105',
      compact: '020500',
    },
    { name: 'struct', field: struct({ a: int8() }), value: { a: 5 }, plain: '05', compact: '0500' },
    {
      name: 'nullable struct',
      field: struct({ a: int8() }).nullable(),
      value: { a: 5 },
      plain: '0105',
      compact: '010500',
    },
    { name: 'null struct', field: struct({ a: int8() }).nullable(), value: null, plain: 'ff', compact: 'ff' },
  ]
  for (const { name, field, value, plain, compact } of table) {
    it(`${name} is ${plain}, or ${compact} in a flexible version`, () => {
      expect(encode({ f: field }, { f: value } as never)).toBe(plain)
      expect(decode({ f: field }, plain)).toEqual({ f: value })
      expect(encode({ f: field }, { f: value } as never, 0, true)).toBe(`${compact}00`)
      expect(decode({ f: field }, `${compact}00`, 0, true)).toEqual({ f: value })
    })
  }
})

describe('versions', () => {
  const message = { a: int8(), b: int8().in('1+').or(-1), c: string().in('0-1').nullable('1+').or(null) }

  it('send only the fields they have', () => {
    expect(encode(message, { a: 1, b: 2, c: 'x' }, 0)).toBe('01000178')
    expect(encode(message, { a: 1, b: 2, c: 'x' }, 1)).toBe('0102000178')
    expect(encode(message, { a: 1, b: 2, c: 'x' }, 2)).toBe('0102')
  })

  it('decode the fields they lack to the default', () => {
    expect(decode(message, '01000178', 0)).toEqual({ a: 1, b: -1, c: 'x' })
    expect(decode(message, '0102', 2)).toEqual({ a: 1, b: 2, c: null })
  })

  it('send a default of null as empty where null may not be', () => {
    expect(encode(message, { a: 1 }, 0)).toBe('010000')
    expect(encode(message, { a: 1 }, 1)).toBe('01ffffff')
  })

  it('are compiled once', () => {
    expect(codecFor(message, 1, true)).toBe(codecFor(message, 1, true))
    expect(codecFor(message, 1, true)).not.toBe(codecFor(message, 1, false))
  })
})

describe('tagged fields', () => {
  const message = {
    epoch: int32().tagged(1, '0+').or(-1),
    name: string().nullable().tagged(0, '0+').or(null),
    leader: struct({ id: int32().or(-1), epoch: int32().or(-1) }).tagged(3, '1+'),
    ids: array(int8()).tagged(4, '0+'),
  }
  const defaults = { epoch: -1, name: null, leader: { id: -1, epoch: -1 }, ids: [] }

  it('are left out where they hold their default', () => {
    expect(encode(message, {}, 1, true)).toBe('00')
    expect(encode(message, defaults, 1, true)).toBe('00')
    expect(encode(message, { leader: { id: -1 } }, 1, true)).toBe('00')
    expect(decode(message, '00', 1, true)).toEqual(defaults)
  })

  it('go in the order of their tags', () => {
    const value = { epoch: 2, name: '', leader: { id: 9, epoch: -1 }, ids: [1] }
    const hex = '04' + '000101' + '010400000002' + '030900000009ffffffff00' + '04020201'
    expect(encode(message, value, 1, true)).toBe(hex)
    expect(decode(message, hex, 1, true)).toEqual(value)
  })

  it('are stepped over where the version does not know them', () => {
    expect(decode(message, '02' + '030900000009ffffffff00' + '6302abcd', 0, true)).toEqual(defaults)
  })

  it('must end where they say', () => {
    expect(() => decode(message, '01' + '010300000002', 1, true)).toThrow(ProtocolError)
    expect(() => decode(message, '01' + '010500000002ff', 1, true)).toThrow(ProtocolError)
    expect(() => decode(message, '01' + '63ffffffff0f00', 1, true)).toThrow(ProtocolError)
  })
})

describe('hostile bytes', () => {
  const message = { topics: array({ name: string(), id: uuid(), offset: int64() }).nullable('1+') }
  const table: { why: string; hex: string; flexible?: boolean }[] = [
    { why: 'an array of 2^31-1', hex: '7fffffff' },
    { why: 'an array of -2', hex: 'fffffffe' },
    { why: 'a null array where none may be', hex: 'ffffffff' },
    { why: 'a compact null array where none may be', hex: '0000', flexible: true },
    { why: 'a compact array of 2^32-2', hex: 'ffffffff0f', flexible: true },
    { why: 'a string of -1', hex: `00000001ffff${'00'.repeat(40)}` },
    { why: 'a string of -2', hex: `00000001fffe${'00'.repeat(40)}` },
    { why: 'a string longer than the message', hex: `000000017fff${'00'.repeat(40)}` },
    { why: 'nothing', hex: '' },
  ]
  for (const { why, hex, flexible } of table) {
    it(`${why} is a ProtocolError`, () => expect(() => decode(message, hex, 0, flexible)).toThrow(ProtocolError))
  }

  it('cannot turn a few megabytes into many millions of objects', () => {
    const nested = { outer: array({ inner: array(int8()) }) }
    const r = new Reader(new Uint8Array(Buffer.from(`0000c350${'0000001400'.padEnd(48, '0').repeat(50_000)}`, 'hex')))
    expect(() => codecFor(nested, 0, false).read(r)).toThrow(ProtocolError)
  })

  it('cannot hold a string longer than Kafka allows', () => {
    expect(() => decode({ s: string() }, `818002${'61'.repeat(0x8000)}00`, 0, true)).toThrow(ProtocolError)
    expect(() => encode({ s: string() }, { s: 'a'.repeat(0x8000) })).toThrow(RangeError)
  })

  it('does not hide a bug of ours', () => {
    expect(() => encode({ a: int16(), s: string() }, { a: 1, s: null } as never)).toThrow('null where none may be')
  })

  it('may ask for Long.MAX_VALUE, which reads as the largest exact number', () => {
    expect(decode({ at: int64() }, '7fffffffffffffff')).toEqual({ at: Number.MAX_SAFE_INTEGER })
    expect(decode({ at: int64() }, '8000000000000000')).toEqual({ at: Number.MIN_SAFE_INTEGER })
  })
})
