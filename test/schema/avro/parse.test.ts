// Avro schemas as text: what is read, what is refused and in which words, and what a registry returns for it.

import { describe, expect, it } from 'vitest'
import { type ResolvedReference, parseSchema } from '../../../src/schema/schema.ts'

const parse = (schema: unknown, ...references: unknown[]) =>
  parseSchema(
    'AVRO',
    typeof schema === 'string' ? schema : JSON.stringify(schema),
    references.map((schema, i): ResolvedReference => ({
      name: `r${i}`,
      subject: `r${i}`,
      version: 1,
      schema: JSON.stringify(schema),
    })),
  )
const text = (schema: unknown, ...references: unknown[]) => {
  const parsed = parse(schema, ...references)
  return 'error' in parsed ? parsed.message : parsed.text
}
const normalized = (schema: unknown) => {
  const parsed = parse(schema)
  return 'error' in parsed ? parsed.message : parsed.normalized
}
const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields })

describe('a registry returns', () => {
  it.each<[given: unknown, then: string]>([
    ['"string"', '"string"'],
    ['string', '"string"'],
    [' { "type" : "string" } ', '"string"'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, '{"type":"long","logicalType":"timestamp-millis"}'],
    [['null', { type: 'int' }], '["null","int"]'],
    [{ items: 'int', type: 'array' }, '{"type":"array","items":"int"}'],
    [
      { namespace: 'a.b', fields: [], name: 'R', doc: 'd', type: 'record', x: [1], aliases: ['Q', 'c.P'] },
      '{"type":"record","name":"R","namespace":"a.b","doc":"d","fields":[],"x":[1],"aliases":["Q","c.P"]}',
    ],
    [{ type: 'record', name: 'a.b.R', fields: [] }, '{"type":"record","name":"R","namespace":"a.b","fields":[]}'],
    [
      '{"type":"record","name":"R","fields":[{"doc":"d","type":"double","default":1,"name":"f","order":"ignore","aliases":["g"],"x":1}]}',
      '{"type":"record","name":"R","fields":[{"name":"f","type":"double","doc":"d","default":1,"order":"ignore","aliases":["g"],"x":1}]}',
    ],
    [
      '{"type":"record","name":"R","fields":[{"name":"f","type":"double","default":1.50},{"name":"l","type":"long","default":9223372036854775807}]}',
      '{"type":"record","name":"R","fields":[{"name":"f","type":"double","default":1.5},{"name":"l","type":"long","default":9223372036854775807}]}',
    ],
    [
      '{"type":"record","name":"R","fields":[{"name":"f","type":"float","default":"2"},{"name":"g","type":"float","default":"NaN"}]}',
      '{"type":"record","name":"R","fields":[{"name":"f","type":"float","default":2.0},{"name":"g","type":"float","default":"NaN"}]}',
    ],
    [
      {
        type: 'record',
        name: 'a.R',
        fields: [
          { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X'], default: 'X' } },
          { name: 'f', type: 'a.E' },
          { name: 'g', type: { type: 'fixed', name: 'b.F', size: 2 } },
          { name: 'h', type: ['null', 'R', 'b.F'], default: null },
        ],
      },
      '{"type":"record","name":"R","namespace":"a","fields":[' +
        '{"name":"e","type":{"type":"enum","name":"E","symbols":["X"],"default":"X"}},{"name":"f","type":"E"},' +
        '{"name":"g","type":{"type":"fixed","name":"F","namespace":"b","size":2}},' +
        '{"name":"h","type":["null","R","b.F"],"default":null}]}',
    ],
    // A name may be used before it is defined.
    [
      record({ name: 'a', type: 'S' }, { name: 'b', type: { type: 'record', name: 'S', fields: [] } }),
      '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"S","fields":[]}},{"name":"b","type":"S"}]}',
    ],
  ])('%j', (given, then) => {
    expect(text(given)).toBe(then)
    expect(text(then)).toBe(then)
  })

  it('what a reference defines by its name alone', () => {
    const user = {
      type: 'record',
      name: 'u.User',
      fields: [{ name: 'id', type: { type: 'fixed', name: 'Id', size: 4 } }],
    }
    const group = { type: 'record', name: 'g.Group', fields: [{ name: 'owner', type: 'u.User' }] }
    const order = record({ name: 'user', type: 'u.User' }, { name: 'id', type: 'u.Id' })
    expect(text(order, user)).toBe(
      '{"type":"record","name":"R","fields":[{"name":"user","type":"u.User"},{"name":"id","type":"u.Id"}]}',
    )
    expect(text(record({ name: 'g', type: 'g.Group' }), group, user)).toContain('"type":"g.Group"')
    expect(parse(order, user)).toMatchObject({ names: ['R'] })
    expect(text(order)).toBe('Undefined name: "u.User"')
  })
})

it('names what is defined, the top first', () => {
  const inner = { type: 'record', name: 'I', fields: [] }
  expect(parse({ ...record({ name: 'i', type: ['null', inner] }), namespace: 'n' })).toMatchObject({
    names: ['n.R', 'n.I'],
  })
})

describe('normalized', () => {
  it.each<[given: unknown, then: string]>([
    [{ type: 'string' }, '"string"'],
    [
      { type: 'bytes', a: 1, scale: 2, precision: 4, logicalType: 'decimal' },
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"a":1}',
    ],
    [{ type: 'long', logicalType: 'mine', a: 1 }, '{"type":"long","a":1,"logicalType":"mine"}'],
    [
      { type: 'error', name: 'R', namespace: 'n', z: 1, y: { b: 1, a: 2 }, doc: '', aliases: ['B', 'A'], fields: [] },
      '{"type":"record","name":"R","namespace":"n","fields":[],"y":{"a":2,"b":1},"z":1,"aliases":["A","B"]}',
    ],
    [
      record({ default: { b: 1, a: 2 }, doc: '', order: 'ascending', name: 'f', type: { type: 'map', values: 'int' } }),
      '{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"map","values":"int"},"doc":"","default":{"a":2,"b":1}}]}',
    ],
  ])('%j', (given, then) => {
    expect(normalized(given)).toBe(then)
    expect(normalized(then)).toBe(then)
  })

  it.each<[type: unknown, given: string, then: string]>([
    ['double', '1', '1.0'],
    ['double', '123456789012', '1.23456789012E11'],
    ['double', '0.0001', '1.0E-4'],
    ['float', '1', '1.0'],
    ['float', '16777217', '1.6777216E7'],
    ['float', '123456.789', '123456.79'],
    ['float', '0.1', '0.1'],
    ['float', '3e39', '"Infinity"'],
    ['double', '"1.5"', '1.5'],
    ['double', '"NaN"', '"NaN"'],
    [['double', 'null'], '2', '2.0'],
    [['null', 'double'], '2', '2.0'],
    [['null', 'double'], 'null', 'null'],
    ['long', '1', '1'],
    [{ type: 'array', items: 'double' }, '[1,2.5]', '[1.0,2.5]'],
    [{ type: 'map', values: ['int', 'float'] }, '{"b":1,"a":2.0}', '{"a":2.0,"b":1}'],
    [{ type: 'record', name: 'I', fields: [{ name: 'x', type: 'double' }] }, '{"x":1}', '{"x":1.0}'],
  ])('a default of %j, %s, is %s', (type, given, then) => {
    const field = `{"type":"record","name":"R","fields":[{"name":"f","type":${JSON.stringify(type)},"default":${given}}]}`
    expect(normalized(field)).toBe(field.replace(`"default":${given}`, `"default":${then}`))
  })

  it('does not depend on the order of attributes and the way names are given', () => {
    const one = { type: 'record', name: 'n.R', b: 1, a: 2, fields: [{ name: 'r', type: ['null', 'R'] }] }
    const other = {
      fields: [{ type: ['null', 'n.R'], name: 'r' }],
      a: 2,
      b: 1,
      namespace: 'n',
      name: 'R',
      type: 'record',
    }
    expect(normalized(one)).toBe(normalized(other))
  })
})

describe('refuses', () => {
  const field = (type: unknown, more: object = {}) => record({ name: 'f', type, ...more })
  it.each<[given: unknown, message: string | RegExp]>([
    ['', 'not JSON: a value expected at character 0, found the end'],
    ['{"type":"int"', "not JSON: ',' or '}' expected at character 13, found the end"],
    ['{"type":"int"} x', "not JSON: the end expected at character 15, found 'x'"],
    ['"nope"', 'Undefined name: "nope"'],
    ['1', 'Schema not yet supported: 1'],
    [{}, 'No type: {}'],
    [{ type: 'recrod', name: 'R' }, /MUST be a primitive type or one of .* Found recrod/],
    [{ type: 'record', fields: [] }, 'No name in schema: {"type":"record","fields":[]}'],
    [{ type: 'record', name: 'R' }, 'Record has no fields: {"type":"record","name":"R"}'],
    [{ type: 'record', name: '1R', fields: [] }, 'Illegal initial character: 1R'],
    [{ type: 'record', name: 'R-', fields: [] }, 'Illegal character in: R-'],
    [{ type: 'record', name: 'R', namespace: 'a-b', fields: [] }, 'Illegal character in: a-b'],
    [{ type: 'record', name: 'int', fields: [] }, 'Schemas may not be named after primitives: int'],
    [record({ name: 'f' }), 'No field type: {"name":"f"}'],
    [record({ type: 'int' }), 'No field name: {"type":"int"}'],
    [record({ name: 'f', type: 'int' }, { name: 'f', type: 'int' }), 'Duplicate field f in record R'],
    [field('int', { order: 'up' }), 'Invalid order of field f: up'],
    [field('int', { aliases: 'g' }), /aliases not an array/],
    [field({ type: 'record', name: 'R', fields: [] }), "Can't redefine: R"],
    [field('int', { default: 'x' }), 'Invalid default for field f: "x" not a "int"'],
    [field('int', { default: 2 ** 31 }), 'Invalid default for field f: 2147483648 not a "int"'],
    [field('int', { default: 1.5 }), 'Invalid default for field f: 1.5 not a "int"'],
    [field('long', { default: null }), 'Invalid default for field f: null not a "long"'],
    [field(['null', 'int'], { default: 'x' }), 'Invalid default for field f: "x" not a ["null","int"]'],
    [
      field({ type: 'array', items: 'int' }, { default: ['x'] }),
      'Invalid default for field f: ["x"] not a {"type":"array","items":"int"}',
    ],
    [{ type: 'array' }, 'Array has no items type: {"type":"array"}'],
    [{ type: 'map' }, 'Map has no values type: {"type":"map"}'],
    [{ type: 'enum', name: 'E' }, 'Enum has no symbols: {"type":"enum","name":"E"}'],
    [{ type: 'enum', name: 'E', symbols: ['A', 'A'] }, 'Duplicate enum symbol: A'],
    [{ type: 'enum', name: 'E', symbols: ['A-'] }, 'Illegal character in: A-'],
    [
      { type: 'enum', name: 'E', symbols: ['A'], default: 'B' },
      'The Enum Default: B is not in the enum symbol set of E',
    ],
    [{ type: 'fixed', name: 'F' }, 'Invalid or no size: {"type":"fixed","name":"F"}'],
    [{ type: 'fixed', name: 'F', size: -1 }, 'Invalid or no size: {"type":"fixed","name":"F","size":-1}'],
    [['int', 'int'], 'Duplicate in union:int'],
    [[['int']], 'Nested union'],
  ])('%j', (given, message) => {
    expect(parse(given)).toEqual({
      error: 'INVALID_SCHEMA',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })

  it.each<[given: unknown, default_: unknown]>([
    ['int', 1],
    ['double', 1],
    ['float', 'NaN'],
    ['bytes', '\u00ff'],
    [['null', 'string'], 'any branch'],
    [{ type: 'record', name: 'I', fields: [{ name: 'x', type: 'int', default: 1 }] }, {}],
  ])('but not a default that fits: %j %j', (type, value) => {
    expect(parse(field(type, { default: value }))).not.toHaveProperty('error')
  })
})

describe('hostile schemas are refused quickly', () => {
  const within = (source: string, message: RegExp) => {
    const parsed = parseSchema('AVRO', source)
    expect(parsed).toMatchObject({ error: 'INVALID_SCHEMA', message: expect.stringMatching(message) })
    expect((parsed as { message: string }).message.length).toBeLessThan(500)
  }

  it('deep', () => {
    within('['.repeat(100_000), /nested deeper than 500/)
    within('{"type":"array","items":'.repeat(20_000) + '"int"' + '}'.repeat(20_000), /nested deeper than 500/)
  })

  it('deep by names that are defined later', () => {
    const chain = Array.from({ length: 2_000 }, (_, i) => ({
      type: 'record',
      name: `R${i}`,
      fields: [{ name: 'next', type: i < 1_999 ? `R${i + 1}` : 'int' }],
    }))
    within(JSON.stringify(chain), /nested deeper than 500/)
  })

  it('long', () => {
    within(`{"type":"record","name":"${'a'.repeat(999_000)}","fields":[]}`, /Name longer than 1000 characters/)
    within(`"${'a'.repeat(1_000_000)}"`, /may have 1000000 characters/)
  })

  it('a huge enum is only big', () => {
    const symbols = Array.from({ length: 50_000 }, (_, i) => `S${i}`)
    expect(parse({ type: 'enum', name: 'E', symbols })).not.toHaveProperty('error')
  })

  it('defaults that contain themselves', () => {
    const fields = ['a', 'b'].map(name => ({ name, type: ['R', 'S'], default: {} }))
    within(
      JSON.stringify([record(...fields), { ...record(...fields), name: 'S' }]),
      /defaults are too many|Invalid default/,
    )
  })
})
