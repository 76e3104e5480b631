// Avro's bytes: the specification's examples, JSON in Avro's own encoding and plain, and that every value comes back.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeDatum, encodeDatum, type ParsedSchema, parseSchema } from '../../../src/schema/schema.ts'

const parse = (schema: unknown): ParsedSchema => {
  const parsed = parseSchema('AVRO', JSON.stringify(schema))
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}
const encode = (schema: unknown, value: unknown): string => {
  const bytes = encodeDatum(parse(schema), value)
  return 'error' in bytes ? bytes.message : Buffer.from(bytes).toString('hex')
}
const decode = (schema: unknown, hex: string): unknown => {
  const decoded = decodeDatum(parse(schema), Buffer.from(hex, 'hex'))
  return 'error' in decoded ? decoded.message : decoded.value
}
const raw = (text: string): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)

const record = {
  type: 'record',
  name: 'test',
  fields: [
    { name: 'a', type: 'long' },
    { name: 'b', type: 'string' },
  ],
}
const letters = { type: 'enum', name: 'E', symbols: ['A', 'B'] }
const list = {
  type: 'record',
  name: 'List',
  fields: [
    { name: 'value', type: 'int' },
    { name: 'next', type: ['null', 'List'], default: null },
  ],
}

describe('bytes', () => {
  it.each<[schema: unknown, value: unknown, hex: string]>([
    ['null', null, ''],
    ['boolean', true, '01'],
    ['int', 0, '00'],
    ['int', -1, '01'],
    ['int', 1, '02'],
    ['int', -64, '7f'],
    ['int', 64, '8001'],
    ['int', 2 ** 31 - 1, 'feffffff0f'],
    ['long', -(2 ** 53 - 1), 'fdffffffffffff1f'],
    ['float', 3.14, 'c3f54840'],
    ['float', 'NaN', '0000c07f'],
    ['double', 1.5, '000000000000f83f'],
    ['double', '-Infinity', '000000000000f0ff'],
    ['string', 'foo', '06666f6f'],
    ['string', 'é€😀', '12c3a9e282acf09f9880'],
    [{ type: 'fixed', name: 'F', size: 2 }, '\u0000ÿ', '00ff'],
    [letters, 'B', '02'],
    [record, { a: 27, b: 'foo' }, '3606666f6f'],
    [{ type: 'array', items: 'long' }, [3, 27], '04063600'],
    [{ type: 'array', items: 'long' }, [], '00'],
    [{ type: 'map', values: 'int' }, { a: 1 }, '0202610200'],
    [['null', 'string'], null, '00'],
    [['null', 'string'], { string: 'a' }, '020261'],
    [list, { value: 1, next: { List: { value: 2, next: null } } }, '02020400'],
    // Bytes that are the whole value have no length.
    ['bytes', 'ab', '6162'],
    [{ type: 'array', items: 'bytes' }, ['ab'], '0204616200'],
  ])('%j %j', (schema, value, hex) => {
    expect(encode(schema, value)).toBe(hex)
    expect(decode(schema, hex)).toEqual(value)
  })

  it('reads arrays in several blocks, some with their size', () => {
    expect(decode({ type: 'array', items: 'int' }, '0202' + '03040406' + '00')).toEqual([1, 2, 3])
  })

  it('keeps all digits of a long', () => {
    expect(encode('long', '9223372036854775807')).toBe('feffffffffffffffff01')
    expect(encode('long', raw('-9223372036854775808'))).toBe('ffffffffffffffffff01')
    expect(JSON.stringify(decode('long', 'feffffffffffffffff01'))).toBe('9223372036854775807')
  })
})

describe('plain JSON', () => {
  it.each<[schema: unknown, value: unknown, hex: string]>([
    [['null', 'string'], 'a', '020261'],
    [['int', 'string'], 1, '0002'],
    [['int', 'double'], 1.5, '02000000000000f83f'],
    [['int', 'long'], 2 ** 40, '02808080808040'],
    [['null', record], { a: 27, b: 'foo' }, '023606666f6f'],
    [['null', letters, 'string'], 'B', '0202'],
    [['null', letters, 'string'], 'C', '040243'],
    [list, { value: 1 }, '0200'],
    [{ ...list, fields: [{ name: 'x', type: 'long', default: 5 }] }, {}, '0a'],
    [{ ...list, fields: [{ name: 'x', type: ['null', 'string'], default: 'a' }] }, {}, '020261'],
  ])('%j %j', (schema, value, hex) => {
    expect(encode(schema, value)).toBe(hex)
  })
})

describe('errors name the place', () => {
  const order = {
    type: 'record',
    name: 'Order',
    fields: [{ name: 'lines', type: { type: 'array', items: { ...record, name: 'Line' } } }],
  }
  it.each<[schema: unknown, value: unknown, message: string]>([
    ['int', 1.5, 'int expected, found 1.5'],
    ['int', 2 ** 31, 'int within its range expected, found 2147483648'],
    ['long', 2 ** 60, 'long expected, found 1152921504606847000; beyond 2^53 its digits come in a string'],
    ['string', 1, 'string expected, found 1'],
    ['bytes', '€', 'bytes expected, as text of code points up to 255, found "€"'],
    [{ type: 'fixed', name: 'F', size: 2 }, 'a', '2 bytes of F expected, found "a"'],
    [letters, 'C', 'symbol of E expected, found "C"'],
    [['null', 'int'], 'x', 'one of null, int expected, found "x"'],
    [record, { a: 1 }, 'b: is missing and has no default'],
    [record, { a: 1, b: '', c: 2 }, "test has no field 'c'"],
    [
      order,
      {
        lines: [
          { a: 1, b: '' },
          { a: 'x', b: '' },
        ],
      },
      'lines[1].a: long expected, found "x"',
    ],
    [order, { lines: {} }, 'lines: array expected, found an object'],
    [{ type: 'map', values: 'int' }, { k: null }, 'k: int expected, found null'],
    [record, JSON.parse('{"__proto__": {"a": 1, "b": ""}}'), "test has no field '__proto__'"],
  ])('%j %j', (schema, value, message) => {
    expect(encode(schema, value)).toBe(message)
  })

  it.each<[schema: unknown, hex: string, message: string]>([
    ['boolean', '02', 'boolean expected, found byte 2'],
    ['string', '0a61', '5 bytes expected, 1 there'],
    ['string', '01', '-1 bytes expected, 0 there'],
    ['int', 'feffffff1f', 'int expected, found 4294967295'],
    [['null'], '02', 'the union has no branch number 1'],
    [letters, '04', 'E has no symbol number 2'],
    ['null', '00', '1 bytes are left over'],
    [record, '36', 'the bytes end too early: Offset is outside the bounds of the DataView'],
    [{ type: 'array', items: 'null' }, 'feffffffffffffffff01', '[999999]: more than 1000000 values in one record'],
  ])('%j %s', (schema, hex, message) => {
    expect(decode(schema, hex)).toBe(message)
  })
})

describe('what takes no bytes', () => {
  it('is not worth more than its limit', () => {
    let schema: unknown = 'null'
    for (let i = 0; i < 60; i++) {
      schema = {
        type: 'record',
        name: `R${i}`,
        fields: [
          { name: 'a', type: schema },
          { name: 'b', type: i === 0 ? 'null' : `R${i - 1}` },
        ],
      }
    }
    expect(decode(schema, '')).toMatch(/more than 1000000 values/)
  })

  it('may not contain itself', () => {
    expect(decode({ type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] }, '')).toMatch(/nested deeper/)
  })
})

/** A schema and a value of it, in Avro's JSON encoding, of any shape. */
const names = fc.nat().map(n => `N${n}`)
interface Sample {
  readonly schema: unknown
  readonly value: unknown
}
const number32 = fc.float().map(value => (Number.isFinite(value) ? Number(value.toPrecision(6)) : String(value)))
const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant({ schema: 'null', value: null }),
  fc.boolean().map(value => ({ schema: 'boolean', value })),
  fc.integer().map(value => ({ schema: 'int', value })),
  fc.maxSafeInteger().map(value => ({ schema: 'long', value })),
  number32.map(value => ({ schema: 'float', value })),
  fc.double().map(value => ({ schema: 'double', value: Number.isFinite(value) ? value : String(value) })),
  fc.string({ unit: 'grapheme' }).map(value => ({ schema: 'string', value })),
  fc.uint8Array().map(bytes => ({ schema: { type: 'array', items: 'bytes' }, value: [String.fromCharCode(...bytes)] })),
  fc.tuple(names, fc.constantFrom('A', 'B')).map(([name, value]) => ({ schema: { ...letters, name }, value })),
)
const wrapped = (schema: unknown): string => {
  const { type, name } = schema as { type: string; name?: string }
  return typeof schema === 'string' ? schema : (name ?? type)
}
const { sample } = fc.letrec<{ sample: Sample }>(tie => ({
  sample: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.tuple(tie('sample'), fc.nat(3)).map(([{ schema, value }, n]) => ({
      schema: { type: 'array', items: schema },
      value: Array.from({ length: n }, () => value),
    })),
    fc.tuple(tie('sample'), fc.uniqueArray(fc.string(), { maxLength: 3 })).map(([{ schema, value }, keys]) => ({
      schema: { type: 'map', values: schema },
      value: Object.fromEntries(keys.map(key => [key, value])),
    })),
    tie('sample').map(({ schema, value }) =>
      Array.isArray(schema) || value === null
        ? { schema, value }
        : { schema: ['null', schema], value: { [wrapped(schema)]: value } },
    ),
    fc.tuple(names, fc.array(tie('sample'), { maxLength: 4 })).map(([name, samples]) => ({
      schema: { type: 'record', name, fields: samples.map(({ schema }, i) => ({ name: `f${i}`, type: schema })) },
      value: Object.fromEntries(samples.map(({ value }, i) => [`f${i}`, value])),
    })),
  ),
}))

it('every value comes back', () => {
  fc.assert(
    fc.property(sample, ({ schema, value }) => {
      const parsed = parseSchema('AVRO', JSON.stringify(schema))
      fc.pre(!('error' in parsed)) // a name that was drawn twice
      const bytes = encodeDatum(parsed as ParsedSchema, value)
      if ('error' in bytes) throw new Error(bytes.message)
      const decoded = decodeDatum(parsed as ParsedSchema, bytes)
      if ('error' in decoded) throw new Error(decoded.message)
      expect(decoded.value).toEqual(value)
    }),
    { numRuns: 500 },
  )
})

it('any bytes are decoded or refused', () => {
  fc.assert(
    fc.property(sample, fc.uint8Array(), ({ schema }, bytes) => {
      const parsed = parseSchema('AVRO', JSON.stringify(schema))
      fc.pre(!('error' in parsed))
      const decoded = decodeDatum(parsed as ParsedSchema, bytes)
      expect('error' in decoded || 'value' in decoded).toBe(true)
    }),
  )
})
