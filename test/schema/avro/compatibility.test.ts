// What an Avro reader can make of what another schema wrote: the specification's schema resolution, case by case, with the
// findings that Avro's own SchemaCompatibility reports.

import { describe, expect, it } from 'vitest'
import { incompatibilities, type ParsedSchema, parseSchema } from '../../../src/schema/schema.ts'

type Given = object | string

const parse = (schema: Given): ParsedSchema => {
  const parsed = parseSchema('AVRO', JSON.stringify(schema))
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}
/** Type of finding and where, as in 'TYPE_MISMATCH /fields/0/type'. */
const findings = (reader: Given, writer: Given): string[] =>
  incompatibilities(parse(reader), parse(writer)).map(text => {
    const type = /errorType:'(\w+)'/.exec(text)![1]!
    const path = /path '([^']*)'/.exec(text)?.[1] ?? ''
    return `${type} ${path}`
  })

const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields })
const f = (name: string, type: Given, more: object = {}) => ({ name, type, ...more })
const letters = (symbols: string, more: object = {}) => ({ type: 'enum', name: 'E', symbols: [...symbols], ...more })
const bytes = (size: number, name = 'F') => ({ type: 'fixed', name, size })
const array = (items: Given) => ({ type: 'array', items })
const map = (values: Given) => ({ type: 'map', values })
const list = (name = 'List', value: Given = 'int') => ({
  type: 'record',
  name,
  fields: [f('value', value), f('next', ['null', name])],
})

const mismatch = (path = '/') => [`TYPE_MISMATCH ${path}`]

describe('primitives', () => {
  const names = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
  const readable: Record<string, readonly string[]> = {
    int: ['long', 'float', 'double'],
    long: ['float', 'double'],
    float: ['double'],
    string: ['bytes'],
    bytes: ['string'],
  }
  const pairs = names.flatMap(writer => names.map(reader => [writer, reader] as const))

  it.each(pairs)('%s read as %s', (writer, reader) => {
    const fits = writer === reader || (readable[writer] ?? []).includes(reader)
    expect(findings(reader, writer)).toEqual(fits ? [] : mismatch())
  })
})

interface Case {
  readonly case: string
  readonly reader: Given
  readonly writer: Given
  readonly then: readonly string[]
}

const cases: Case[] = [
  // Fields
  { case: 'the same record', reader: record(f('a', 'int')), writer: record(f('a', 'int')), then: [] },
  { case: 'a field less', reader: record(), writer: record(f('a', 'int')), then: [] },
  {
    case: 'a field more, without default',
    reader: record(f('a', 'int')),
    writer: record(),
    then: ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/0'],
  },
  { case: 'a field more, with default', reader: record(f('a', 'int', { default: 1 })), writer: record(), then: [] },
  {
    case: 'a field more, null by default',
    reader: record(f('a', ['null', 'int'], { default: null })),
    writer: record(),
    then: [],
  },
  {
    case: 'a field more that may be null but has no default',
    reader: record(f('a', ['null', 'int'])),
    writer: record(),
    then: ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/0'],
  },
  {
    case: 'fields in another order',
    reader: record(f('a', 'int'), f('b', 'string')),
    writer: record(f('b', 'string'), f('a', 'int')),
    then: [],
  },
  {
    case: 'a field renamed',
    reader: record(f('b', 'int')),
    writer: record(f('a', 'int')),
    then: ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/0'],
  },
  {
    case: 'a field renamed, with an alias',
    reader: record(f('b', 'int', { aliases: ['a'] })),
    writer: record(f('a', 'int')),
    then: [],
  },
  {
    case: 'a field by alias, of another type',
    reader: record(f('b', 'int', { aliases: ['a'] })),
    writer: record(f('a', 'string')),
    then: mismatch('/fields/0/type'),
  },
  {
    case: 'a field promoted',
    reader: record(f('a', 'double')),
    writer: record(f('a', 'int')),
    then: [],
  },
  {
    case: 'a field demoted',
    reader: record(f('a', 'int')),
    writer: record(f('a', 'double')),
    then: mismatch('/fields/0/type'),
  },
  {
    case: 'two wrong fields are both reported',
    reader: record(f('a', 'int'), f('b', 'int')),
    writer: record(f('a', 'string'), f('b', 'string')),
    then: [...mismatch('/fields/0/type'), ...mismatch('/fields/1/type')],
  },
  {
    case: 'an enum field more whose type has a default, as Avro judges it',
    reader: record(f('e', letters('AB', { default: 'A' }))),
    writer: record(),
    then: mismatch('/fields/0/type'),
  },
  {
    case: 'a wrong field deep inside',
    reader: record(f('a', array(map({ type: 'record', name: 'I', fields: [f('x', 'int')] })))),
    writer: record(f('a', array(map({ type: 'record', name: 'I', fields: [f('x', 'string')] })))),
    then: mismatch('/fields/0/type/items/values/fields/0/type'),
  },
  // Names
  {
    case: 'a record of another name',
    reader: { ...record(), name: 'S' },
    writer: record(),
    then: ['NAME_MISMATCH /name'],
  },
  {
    case: 'a record of another namespace',
    reader: { ...record(), namespace: 'b' },
    writer: { ...record(), namespace: 'a' },
    then: [],
  },
  { case: 'a record with an alias', reader: { ...record(), name: 'S', aliases: ['R'] }, writer: record(), then: [] },
  {
    case: 'a record with an alias in another namespace',
    reader: { ...record(), name: 'S', namespace: 'b', aliases: ['a.R'] },
    writer: { ...record(), namespace: 'a' },
    then: [],
  },
  {
    case: 'an alias that lacks the namespace',
    reader: { ...record(), name: 'S', namespace: 'b', aliases: ['R'] },
    writer: { ...record(), namespace: 'a' },
    then: ['NAME_MISMATCH /name'],
  },
  {
    case: 'both name and field wrong',
    reader: { ...record(f('a', 'int')), name: 'S' },
    writer: record(),
    then: ['NAME_MISMATCH /name', 'READER_FIELD_MISSING_DEFAULT_VALUE /fields/0'],
  },
  { case: 'an error read as a record', reader: record(), writer: { ...record(), type: 'error' }, then: [] },
  // Enums
  { case: 'the same enum', reader: letters('AB'), writer: letters('AB'), then: [] },
  { case: 'a symbol more', reader: letters('ABC'), writer: letters('AB'), then: [] },
  { case: 'symbols in another order', reader: letters('BA'), writer: letters('AB'), then: [] },
  { case: 'a symbol less', reader: letters('A'), writer: letters('AB'), then: ['MISSING_ENUM_SYMBOLS /symbols'] },
  { case: 'a symbol less, with a default', reader: letters('A', { default: 'A' }), writer: letters('AB'), then: [] },
  {
    case: 'only the writer has a default',
    reader: letters('A'),
    writer: letters('AB', { default: 'A' }),
    then: ['MISSING_ENUM_SYMBOLS /symbols'],
  },
  {
    case: 'an enum of another name',
    reader: { ...letters('AB'), name: 'G' },
    writer: letters('AB'),
    then: ['NAME_MISMATCH /name'],
  },
  { case: 'an enum read as a string', reader: 'string', writer: letters('A'), then: mismatch() },
  { case: 'a string read as an enum', reader: letters('A'), writer: 'string', then: mismatch() },
  // Fixed
  { case: 'the same fixed', reader: bytes(4), writer: bytes(4), then: [] },
  { case: 'a fixed of another size', reader: bytes(8), writer: bytes(4), then: ['FIXED_SIZE_MISMATCH /size'] },
  { case: 'a fixed of another name', reader: bytes(4, 'G'), writer: bytes(4), then: ['NAME_MISMATCH /name'] },
  {
    case: 'a fixed of another name and size',
    reader: bytes(8, 'G'),
    writer: bytes(4),
    then: ['NAME_MISMATCH /name', 'FIXED_SIZE_MISMATCH /size'],
  },
  { case: 'fixed read as bytes', reader: 'bytes', writer: bytes(4), then: mismatch() },
  // Arrays and maps
  { case: 'an array promoted', reader: array('long'), writer: array('int'), then: [] },
  { case: 'an array demoted', reader: array('int'), writer: array('long'), then: mismatch('/items') },
  { case: 'a map promoted', reader: map('bytes'), writer: map('string'), then: [] },
  { case: 'a map demoted', reader: map('int'), writer: map('long'), then: mismatch('/values') },
  { case: 'an array read as a map', reader: map('int'), writer: array('int'), then: mismatch() },
  { case: 'a record read as a map', reader: map('int'), writer: record(f('a', 'int')), then: mismatch() },
  { case: 'an int read as an array', reader: array('int'), writer: 'int', then: mismatch() },
  // Unions
  { case: 'the same union', reader: ['null', 'int'], writer: ['null', 'int'], then: [] },
  { case: 'a union in another order', reader: ['int', 'null'], writer: ['null', 'int'], then: [] },
  { case: 'a branch more', reader: ['null', 'int', 'string'], writer: ['null', 'int'], then: [] },
  { case: 'a branch less', reader: ['null'], writer: ['null', 'int'], then: ['MISSING_UNION_BRANCH /1'] },
  { case: 'a branch promoted', reader: ['null', 'double'], writer: ['null', 'int'], then: [] },
  { case: 'a value made optional', reader: ['null', 'int'], writer: 'int', then: [] },
  { case: 'a value made optional and promoted', reader: ['null', 'long'], writer: 'int', then: [] },
  {
    case: 'a value in a union without it',
    reader: ['null', 'string'],
    writer: 'int',
    then: ['MISSING_UNION_BRANCH /'],
  },
  { case: 'a value no longer optional', reader: 'int', writer: ['null', 'int'], then: mismatch('/0') },
  { case: 'a union of one made plain', reader: 'int', writer: ['int'], then: [] },
  { case: 'a union whose branches all promote', reader: 'double', writer: ['int', 'float'], then: [] },
  {
    case: 'an optional field no longer so',
    reader: record(f('a', 'int')),
    writer: record(f('a', ['null', 'int'])),
    then: mismatch('/fields/0/type/0'),
  },
  { case: 'an empty union', reader: 'int', writer: [], then: [] },
  {
    case: 'a record in a union, of another shape',
    reader: ['null', record(f('a', 'int'))],
    writer: ['null', record(f('a', 'string'))],
    then: ['MISSING_UNION_BRANCH /1'],
  },
  {
    case: 'two records in a union, by name',
    reader: [record(f('a', 'int')), { ...record(f('b', 'string')), name: 'S' }],
    writer: [{ ...record(f('b', 'string')), name: 'S' }, record(f('a', 'int'))],
    then: [],
  },
  // Recursion
  { case: 'the same list', reader: list(), writer: list(), then: [] },
  { case: 'a list promoted', reader: list('List', 'long'), writer: list(), then: [] },
  { case: 'a list demoted', reader: list(), writer: list('List', 'long'), then: mismatch('/fields/0/type') },
  {
    case: 'a list renamed',
    reader: list('Liste'),
    writer: list(),
    then: ['NAME_MISMATCH /name'],
  },
  // Logical types say nothing about bytes
  {
    case: 'a logical type added',
    reader: { type: 'long', logicalType: 'timestamp-millis' },
    writer: 'long',
    then: [],
  },
  {
    case: 'a decimal of another scale',
    reader: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
    writer: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 4 },
    then: [],
  },
  {
    case: 'docs and defaults changed',
    reader: record(f('a', 'int', { doc: 'x', default: 2 })),
    writer: record(f('a', 'int', { default: 1 })),
    then: [],
  },
]

describe('schema resolution', () => {
  it.each(cases)('$case', ({ reader, writer, then }) => {
    expect(findings(reader, writer)).toEqual(then)
  })
})

it('is worded as by Confluent', () => {
  const [text] = incompatibilities(parse(record(f('a', 'int'))), parse(record()))
  expect(text).toBe(
    "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the new schema " +
      "has no default value and is missing in the old schema', additionalInfo:'a'}",
  )
  const [forward] = incompatibilities(parse(letters('A')), parse(letters('ABC')), ['old', 'new'])
  expect(forward).toBe(
    "{errorType:'MISSING_ENUM_SYMBOLS', description:'The old schema is missing enum symbols '[B, C]' at path '/symbols' " +
      "in the new schema', additionalInfo:'[B, C]'}",
  )
})

it('a field that has two of the writer for its source ends the comparison, as Avro’s does', () => {
  const reader = record(f('b', 'long', { aliases: ['a'] }), f('c', 'int'))
  expect(incompatibilities(parse(reader), parse(record(f('a', 'int'), f('b', 'string'))))).toEqual([
    'Unexpected exception during compatibility check: Reader record field b type:LONG pos:0 matches multiple fields in ' +
      `writer record schema ${parse(record(f('a', 'int'), f('b', 'string'))).text}`,
  ])
})

describe('hostile pairs', () => {
  const named = (i: number, type: Given) => ({ type: 'record', name: `R${i}`, fields: [f('a', type), f('b', `R${i}`)] })

  it('compares types once that are reached on exponentially many ways', () => {
    const fields = (last: string) => {
      let inner: Given = last
      for (let i = 0; i < 100; i++) {
        inner = { type: 'record', name: `R${i}`, fields: [f('a', inner), f('b', i === 0 ? last : `R${i - 1}`)] }
      }
      return inner
    }
    expect(findings(fields('long'), fields('int'))).toEqual([])
    expect(findings(fields('int'), fields('long')).length).toBeLessThanOrEqual(100)
  })

  it('gives up on what is too large', () => {
    const many = (prefix: string) => Array.from({ length: 4_000 }, (_, i) => ({ ...bytes(1), name: `${prefix}${i}` }))
    expect(findings(many('A'), many('B'))).toEqual(['TOO_LARGE_TO_COMPARE '])
  })

  it('ends in cycles of different length', () => {
    const cycle = (length: number) => {
      let inner: Given = 'R'
      for (let i = 1; i < length; i++)
        inner = { type: 'record', name: `R${i}`, aliases: ['R', 'R1'], fields: [f('x', inner)] }
      return record(f('x', inner))
    }
    expect(findings(cycle(2), cycle(3)).length).toBeGreaterThan(0)
    const list = (length: number) => {
      let inner: Given = 'L'
      for (let i = 0; i < length; i++) inner = { type: 'array', items: inner }
      return { type: 'record', name: 'L', fields: [f('x', inner)] }
    }
    expect(findings(list(9), list(9))).toEqual([])
    expect(findings(list(400), list(400))).toEqual([])
    const two = { type: 'record', name: 'L', fields: [f('x', ['L', 'null'])] }
    expect(findings(two, two)).toEqual([])
    expect(findings(named(1, 'int'), named(1, 'int'))).toEqual([])
  })
})
