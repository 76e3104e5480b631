// Messages as bytes: the encoding guide's examples, JSON by proto3's mapping, and that every message comes back.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeDatum, encodeDatum, parseSchema } from '../../../src/schema/schema.ts'

const parse = (text: string) => {
  const parsed = parseSchema('PROTOBUF', text.startsWith('syntax') ? text : `syntax = "proto3"; ${text}`)
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}
const encode = (text: string, value: unknown, message?: readonly number[]): string => {
  const bytes = encodeDatum(parse(text), value, message)
  return 'error' in bytes ? bytes.message : Buffer.from(bytes).toString('hex')
}
const decode = (text: string, hex: string, message?: readonly number[]): unknown => {
  const decoded = decodeDatum(parse(text), Buffer.from(hex, 'hex'), message)
  return 'error' in decoded ? decoded.message : decoded.value
}
const m = (body: string): string => `message M { ${body} enum E { A = 0; B = 1; N = -1; } message I { int32 i = 1; } }`
const known = (body: string): string =>
  `${['timestamp', 'duration', 'struct', 'wrappers', 'field_mask', 'any', 'empty']
    .map(name => `import "google/protobuf/${name}.proto";`)
    .join(' ')} package p; message M { ${body} } message O { string s = 1; }`

describe('fields', () => {
  it.each<[field: string, value: unknown, hex: string]>([
    ['int32 a = 1;', 150, '089601'],
    ['int32 a = 1;', -2, '08feffffffffffffffff01'],
    ['int64 a = 1;', '-9223372036854775808', '0880808080808080808001'],
    ['uint64 a = 1;', '18446744073709551615', '08ffffffffffffffffff01'],
    ['sint32 a = 1;', -2, '0803'],
    ['sint64 a = 1;', '-9223372036854775808', '08ffffffffffffffffff01'],
    ['fixed32 a = 1;', 4294967295, '0dffffffff'],
    ['sfixed32 a = 1;', -1, '0dffffffff'],
    ['fixed64 a = 1;', '1', '090100000000000000'],
    ['sfixed64 a = 1;', '-1', '09ffffffffffffffff'],
    ['float a = 1;', 3.14, '0dc3f54840'],
    ['double a = 1;', 'NaN', '09000000000000f87f'],
    ['bool a = 1;', true, '0801'],
    ['string a = 2000;', 'é', '827d02c3a9'],
    ['bytes a = 1;', '3q2+7w==', '0a04deadbeef'],
    ['E a = 1;', 'B', '0801'],
    ['E a = 1;', 'N', '08ffffffffffffffffff01'],
    ['E a = 1;', 7, '0807'],
    ['I a = 1;', { i: 1 }, '0a020801'],
    ['I a = 1;', { i: 0 }, '0a00'],
    ['M a = 1;', { a: {} }, '0a020a00'],
    ['repeated int32 a = 6;', [3, 270, 86942], '3206038e029ea705'],
    ['repeated int32 a = 6 [packed = false];', [3, 4], '30033004'],
    ['repeated string a = 1;', ['', 'b'], '0a000a0162'],
    ['repeated E a = 1;', ['B', 'A'], '0a020100'],
    ['map<string, int32> a = 1;', { k: 1 }, '0a050a016b1001'],
    ['map<int64, I> a = 1;', { '-1': { i: 1 } }, '0a0f08ffffffffffffffffff0112020801'],
    ['map<bool, string> a = 1;', { true: '' }, '0a0408011200'],
    ['oneof o { int32 a = 1; string b = 2; }', 0, '0800'],
    ['optional int32 a = 1;', 0, '0800'],
  ])('%s %j', (field, a, hex) => {
    expect(encode(m(field), { a })).toBe(hex)
    expect(decode(m(field), hex)).toEqual({ a })
  })

  it('leaves out what has its default, and shows it all the same', () => {
    const text = m(
      'int32 a = 1; string b = 2; repeated int32 c = 3; map<string, int32> d = 4; I e = 5; E f = 6; int64 g = 7;',
    )
    expect(encode(text, { a: 0, b: '', c: [], d: {}, f: 'A', g: '0' })).toBe('')
    expect(decode(text, '')).toEqual({ a: 0, b: '', c: [], d: {}, f: 'A', g: '0' })
  })

  it('writes in the order of numbers, whatever the order of names', () => {
    expect(encode(m('int32 a = 2; int32 b = 1;'), { a: 1, b: 2 })).toBe('08021001')
  })

  it('takes names of the file and of JSON, and numbers as text', () => {
    const text = m('int32 snake_case = 1; int32 x = 2 [json_name = "why"]; int64 y = 3; double z = 4;')
    expect(encode(text, { snakeCase: 1, why: 2, y: '3', z: '1.5' })).toBe('08011002180321000000000000f83f')
    expect(encode(text, { snake_case: 1, x: '2', y: 3, z: 1.5 })).toBe('08011002180321000000000000f83f')
  })

  it('takes null for what is not there', () => {
    expect(encode(m('int32 a = 1; I b = 2;'), { a: null, b: null })).toBe('')
  })

  it('of proto2 have defaults of their own, and may be required', () => {
    const text =
      'syntax = "proto2"; message M { required int32 a = 1; optional string b = 2 [default = "x"]; repeated int32 c = 3; }'
    expect(encode(text, { a: 0, c: [1, 2] })).toBe('080018011802')
    expect(decode(text, '0800')).toEqual({ a: 0, b: 'x', c: [] })
    expect(encode(text, {})).toBe('a: is missing and required')
  })
})

describe('reading', () => {
  it('takes numbers packed or not', () => {
    expect(decode(m('repeated int32 a = 1;'), '08010801' + '0a020203')).toEqual({ a: [1, 1, 2, 3] })
  })

  it('puts the parts of a message together', () => {
    expect(decode('message M { I a = 1; } message I { int32 x = 1; int32 y = 2; }', '0a020801' + '0a021002')).toEqual({
      a: { x: 1, y: 2 },
    })
  })

  it('takes the last of several, and of a oneof', () => {
    expect(decode(m('int32 a = 1;'), '08010802')).toEqual({ a: 2 })
    expect(decode(m('oneof o { int32 a = 1; int32 b = 2; }'), '08011002')).toEqual({ b: 2 })
  })

  it('passes over what it does not know', () => {
    const unknown = '120161' + '1d00000000' + '210000000000000000' + '2b08012c'
    expect(decode(m('int32 a = 1;'), `${unknown}0801`)).toEqual({ a: 1 })
  })
})

describe('messages are chosen by their indexes', () => {
  const text =
    'message A { message B { int32 b = 1; } enum E { Z = 0; } message C { int32 c = 1; } } enum X { Y = 0; } message D { int32 d = 1; }'
  it.each<[indexes: number[], value: object]>([
    [[0, 0], { b: 1 }],
    [[0, 1], { c: 1 }],
    [[1], { d: 1 }],
  ])('%j', (indexes, value) => {
    expect(encode(text, value, indexes)).toBe('0801')
    expect(decode(text, '0801', indexes)).toEqual(value)
  })

  it('that lead somewhere', () => {
    expect(encode(text, {}, [2])).toBe('there is no message number [2]')
    expect(encode(text, {}, [0, 0, 0])).toBe('there is no message number [0, 0, 0]')
  })
})

describe('well-known types', () => {
  it.each<[type: string, value: unknown, hex: string]>([
    ['Timestamp', '2026-01-31T12:00:00Z', '0a0608c0ddf7cb06'],
    ['Timestamp', '1970-01-01T00:00:00.000000001Z', '0a021001'],
    ['Timestamp', '0001-01-01T00:00:00.500Z', '0a11088092b8c398feffffff011080cab5ee01'],
    ['Duration', '1.500s', '0a0808011080cab5ee01'],
    ['Duration', '-1.500s', '0a1608ffffffffffffffffff011080b6ca91feffffffff01'],
    ['FieldMask', 'a,fooBar.b', '0a0e0a01610a09666f6f5f6261722e62'],
    [
      'Struct',
      { a: [1, null, 'x', true, {}] },
      '0a330a310a0161122c322a0a0911000000000000f03f0a0208000a031a01780a0220010a042a0008',
    ],
    ['Value', null, '0a020800'],
    ['ListValue', ['a'], '0a050a031a0161'],
    ['Int64Value', '5', '0a020805'],
    ['StringValue', '', '0a00'],
    ['BytesValue', '3q2+7w==', '0a060a04deadbeef'],
    ['Empty', {}, '0a00'],
  ])('%s %j', (type, a, hex) => {
    const text = known(`google.protobuf.${type} a = 1;`)
    if (type !== 'Struct') expect(encode(text, { a })).toBe(hex)
    expect(decode(text, encode(text, { a }))).toEqual({ a })
  })

  it('Any holds a message that is known', () => {
    const text = known('google.protobuf.Any a = 1;')
    for (const a of [
      { '@type': 'type.googleapis.com/p.O', s: 'x' },
      { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
    ]) {
      expect(decode(text, encode(text, { a }))).toEqual({ a })
    }
    expect(encode(text, { a: { '@type': 'type.googleapis.com/p.None' } })).toMatch(/^a: @type names no message/)
  })

  it.each<[type: string, value: unknown, message: string]>([
    ['Timestamp', 'yesterday', 'a: a time as in 2026-01-31T12:00:00Z expected, found "yesterday"'],
    [
      'Timestamp',
      '2026-13-01T00:00:00Z',
      'a: a time as in 2026-01-31T12:00:00Z expected, found "2026-13-01T00:00:00Z"',
    ],
    ['Duration', '1', 'a: a duration as in 1.5s expected, found "1"'],
    ['Struct', [], 'a.fields: map expected, found an array'],
  ])('%s %j is refused', (type, a, message) => {
    expect(encode(known(`google.protobuf.${type} a = 1;`), { a })).toBe(message)
  })
})

describe('errors name the place', () => {
  it.each<[field: string, value: unknown, message: string]>([
    ['int32 a = 1;', { a: 2 ** 31 }, 'a: int32 expected, found 2147483648'],
    ['uint32 a = 1;', { a: -1 }, 'a: uint32 expected, found -1'],
    [
      'int64 a = 1;',
      { a: 2 ** 60 },
      'a: int64 expected, found 1152921504606847000; beyond 2^53 its digits come in a string',
    ],
    ['string a = 1;', { a: 1 }, 'a: string expected, found 1'],
    ['bytes a = 1;', { a: '?' }, 'a: bytes expected, found "?"'],
    ['E a = 1;', { a: 'X' }, 'a: a constant of M.E expected, found "X"'],
    ['repeated int32 a = 1;', { a: 1 }, 'a: array expected, found 1'],
    ['repeated I a = 1;', { a: [{}, { i: 'x' }] }, 'a[1].i: int32 expected, found "x"'],
    ['map<string, I> a = 1;', { a: { k: 1 } }, 'a.k: M.I expected, found 1'],
    ['int32 a = 1;', { b: 1 }, "M has no field 'b'"],
    ['int32 a = 1;', 5, 'M expected, found 5'],
    ['oneof o { int32 a = 1; int32 b = 2; }', { a: 1, b: 2 }, 'only one of o can be there'],
  ])('%s %j', (field, value, message) => {
    expect(encode(m(field), value)).toBe(message)
  })

  it.each<[hex: string, message: RegExp]>([
    ['08', /not a M/],
    ['0a05', /not a M/],
    ['00', /a field has number 0/],
    ['0f', /unknown wire type 7/],
    ['2b'.repeat(200), /groups nested deeper/],
    ['08ffffffffffffffffffff01', /a varint longer than 10 bytes/],
  ])('bytes %s', (hex, message) => {
    expect(decode(m('int32 a = 1; string b = 6;'), hex)).toMatch(message)
  })

  it('deep values end', () => {
    let hex = ''
    for (let i = 0; i < 50; i++) hex = `0a${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`
    expect(decode('message M { M m = 1; }', hex)).toBeTypeOf('object')
    const deep = (levels: number): object => (levels === 0 ? {} : { m: deep(levels - 1) })
    expect(encode('message M { M m = 1; }', deep(5_000))).toMatch(/nested deeper than 200/)
  })
})

it('every message comes back', () => {
  const text = m(
    'int32 a = 1; sint64 b = 2; double c = 3; string d = 4; repeated E e = 5; map<string, I> f = 6; repeated M g = 7; fixed32 h = 8; bool i = 9;',
  )
  const { message } = fc.letrec(tie => ({
    message: fc.record({
      a: fc.integer(),
      b: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      c: fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value || 0),
      d: fc.string({ unit: 'grapheme' }),
      e: fc.array(fc.constantFrom('A', 'B', 'N')),
      f: fc.dictionary(fc.string(), fc.record({ i: fc.integer() }), { noNullPrototype: true }),
      g: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('message'), { maxLength: 2 })),
      h: fc.nat(),
      i: fc.boolean(),
    }),
  }))
  fc.assert(
    fc.property(message, value => {
      expect(decode(text, encode(text, value))).toEqual(value)
    }),
  )
})

it('any bytes are decoded or refused', () => {
  const schema = parse(
    known(
      'google.protobuf.Any a = 1; google.protobuf.Struct b = 2; google.protobuf.Timestamp c = 3; M d = 4; map<int32, M> e = 5; google.protobuf.Duration f = 6;',
    ),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const decoded = decodeDatum(schema, bytes)
      expect('error' in decoded || 'value' in decoded).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})
