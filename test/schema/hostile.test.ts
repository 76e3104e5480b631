// What a stranger may register to keep a registry busy: read, compared with itself and with something near it, and used on a
// value, each within vitest's few seconds, and with an error that does not repeat the schema.

import { describe, expect, it } from 'vitest'
import { Allowance } from '../../src/schema/datum.ts'
import { decodeDatum, encodeDatum, incompatibilities, parseSchema, type SchemaType } from '../../src/schema/schema.ts'

const MAX_SENTENCE = 12_000
const proto = (text: string): string => `syntax = "proto3"; ${text}`
const times = (count: number, each: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => each(i)).join('')
const object = (members: string): string => `{"type":"object","properties":{${members}}}`

interface Hostile {
  readonly what: string
  readonly type: SchemaType
  readonly schema: string
  /** Differs from it in the smallest, which is at the far end. */
  readonly near?: string
  readonly refused?: RegExp
}

const NAME = 'n'.repeat(999_000)
const deepJson = (depth: number, leaf: string): string => `${'{"items":'.repeat(depth)}${leaf}${'}'.repeat(depth)}`
/** Each definition uses the one before it twice. */
const doubling = (leaf: string): string =>
  `{"$ref":"#/definitions/d60","definitions":{"d0":${leaf}${times(60, i => `,"d${i + 1}":${object(`"a":{"$ref":"#/definitions/d${i}"},"b":{"$ref":"#/definitions/d${i}"}`)}`)}}}`
const doublingMessages = (leaf: string): string =>
  proto(`${times(60, i => `message M${i} { M${i + 1} a = 1; M${i + 1} b = 2; } `)} message M60 { ${leaf} a = 1; }`)
const choice = (prefix: string): string =>
  `{"oneOf":[${Array.from({ length: 2_000 }, (_, i) => `{"type":"object","title":"${prefix}${i}","required":["${prefix}${i}"]}`).join()}]}`

const schemas: readonly Hostile[] = [
  { what: 'items in items', type: 'JSON', schema: deepJson(20_000, '{}'), refused: /nested deeper than 500/ },
  {
    what: 'items in items, just so deep',
    type: 'JSON',
    schema: deepJson(400, '{}'),
    near: deepJson(400, '{"type":"null"}'),
  },
  {
    what: 'all of all of',
    type: 'JSON',
    schema: `${'{"allOf":['.repeat(20_000)}{}`,
    refused: /nested deeper than 500/,
  },
  {
    what: 'a huge enum',
    type: 'JSON',
    schema: `{"enum":[${Array.from({ length: 80_000 }, (_, i) => i).join()}]}`,
    near: `{"enum":[${Array.from({ length: 80_000 }, (_, i) => i + 1).join()}]}`,
  },
  {
    what: 'a name of a million characters',
    type: 'JSON',
    schema: object(`"${NAME}":{}`),
    near: object(`"${NAME}":{"type":"null"}`),
  },
  { what: 'a reference to itself', type: 'JSON', schema: '{"$ref":"#"}', refused: /leads only to other/ },
  {
    what: 'references in a circle',
    type: 'JSON',
    schema:
      '{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"allOf":[{"$ref":"#/definitions/a"}]}}}',
    near: '{"$ref":"#/definitions/a","definitions":{"a":{"type":"string"}}}',
  },
  {
    what: 'ways that double at every step',
    type: 'JSON',
    schema: doubling('{"type":"string"}'),
    near: doubling('{"type":"null"}'),
  },
  { what: 'a choice of thousands', type: 'JSON', schema: choice('a'), near: choice('b') },
  { what: 'a pattern that backtracks', type: 'JSON', schema: '{"type":"string","pattern":"^(a+)+$"}' },
  {
    what: 'a huge enum',
    type: 'PROTOBUF',
    schema: proto(`enum E { Z = 0; ${times(20_000, i => `V${i} = ${i + 1}; `)} } message M { E e = 1; }`),
    near: proto(`enum E { Z = 0; ${times(20_000, i => `W${i} = ${i + 1}; `)} } message M { E e = 1; }`),
  },
  {
    what: 'a huge message',
    type: 'PROTOBUF',
    schema: proto(`message M { ${times(20_000, i => `int32 f${i} = ${i + 1 + (i >= 18_999 ? 1_000 : 0)}; `)} }`),
    near: proto(`message M { ${times(20_000, i => `string f${i} = ${i + 1 + (i >= 18_999 ? 1_000 : 0)}; `)} }`),
  },
  {
    what: 'messages in messages',
    type: 'PROTOBUF',
    schema: proto(`${times(3_000, i => `message M${i} { `)}`),
    refused: /nested|deep/,
  },
  {
    what: 'messages that contain each other',
    type: 'PROTOBUF',
    schema: proto('message A { B b = 1; } message B { A a = 1; repeated B all = 2; }'),
    near: proto('message A { B b = 1; } message B { A a = 1; B all = 2; string c = 3; }'),
  },
  {
    what: 'ways that double at every step',
    type: 'PROTOBUF',
    schema: doublingMessages('int32'),
    near: doublingMessages('string'),
  },
  {
    what: 'messages without end',
    type: 'PROTOBUF',
    schema: proto(times(25_000, i => `message M${i} { int32 a = 1; } `)),
    near: proto(times(25_000, i => `message N${i} { int32 a = 1; } `)),
  },
  {
    what: 'a chain of names',
    type: 'AVRO',
    schema: `[${times(400, i => `{"type":"record","name":"R${i}","fields":[{"name":"f","type":"R${i + 1}"}]},`)}{"type":"record","name":"R400","fields":[{"name":"f","type":"int"}]}]`,
    near: `[${times(400, i => `{"type":"record","name":"R${i}","fields":[{"name":"f","type":"R${i + 1}"}]},`)}{"type":"record","name":"R400","fields":[{"name":"f","type":"string"}]}]`,
  },
  {
    what: 'defaults of defaults in unions',
    type: 'AVRO',
    schema: `{"type":"record","name":"R","fields":[${times(200, i => `{"name":"f${i}","type":[${times(50, j => `{"type":"record","name":"R${i}_${j}","fields":[{"name":"x","type":"int"}]},`)}"null"],"default":null},`)}{"name":"z","type":"int"}]}`,
  },
]

describe('a hostile schema ends soon', () => {
  it.each(schemas)('$type: $what', ({ type, schema, near, refused }) => {
    const parsed = parseSchema(type, schema)
    if (refused !== undefined) {
      expect(parsed).toMatchObject({ error: 'INVALID_SCHEMA', message: expect.stringMatching(refused) })
      expect((parsed as { message: string }).message.length).toBeLessThan(500)
      return
    }
    if ('error' in parsed) throw new Error(parsed.message.slice(0, 300))
    for (const text of [schema, near ?? schema]) {
      const other = parseSchema(type, text)
      if ('error' in other) throw new Error(other.message.slice(0, 300))
      const found = [...incompatibilities(parsed, other), ...incompatibilities(other, parsed)]
      expect(found.length).toBeLessThanOrEqual(202)
      // What is too much counts as incompatible, be it the same.
      if (text === schema) expect(found.filter(each => !each.includes('TOO_LARGE_TO_COMPARE'))).toEqual([])
    }
    for (const value of ['a'.repeat(50_000), {}, { a: { b: 1 } }, null]) {
      const encoded = encodeDatum(parsed, value)
      if (encoded instanceof Uint8Array) decodeDatum(parsed, encoded)
      else expect(encoded.message.length).toBeLessThan(MAX_SENTENCE)
    }
  })
})

const record = (name: string, fields: string): string => `{"type":"record","name":"${name}","fields":[${fields}]}`
const long = 'n'.repeat(990)
const parse = (type: SchemaType, schema: string) => {
  const parsed = parseSchema(type, schema)
  if ('error' in parsed) throw new Error(parsed.message.slice(0, 300))
  return parsed
}
/** As Avro counts the items of a block. */
const million = Uint8Array.of(0x80, 0x89, 0x7a)

describe('few bytes of which a schema makes much', () => {
  it.each<{ what: string; type: SchemaType; schema: string; bytes: Uint8Array }>([
    {
      what: 'items without bytes',
      type: 'AVRO',
      schema: '{"type":"array","items":"null"}',
      bytes: Uint8Array.of(0x80, 0xa8, 0xd6, 0xb9, 0x07, 0),
    },
    {
      what: 'long names for a byte each',
      type: 'AVRO',
      schema: `{"type":"array","items":${record('R', `{"name":"${long}","type":"boolean"}`)}}`,
      bytes: Buffer.concat([million, new Uint8Array(1_000_001)]),
    },
    {
      what: 'long symbols for a byte each',
      type: 'AVRO',
      schema: `{"type":"array","items":{"type":"enum","name":"E","symbols":["${long}"]}}`,
      bytes: Buffer.concat([million, new Uint8Array(1_000_001)]),
    },
    {
      what: 'defaults for messages without bytes',
      type: 'PROTOBUF',
      schema: proto(
        `message A { repeated M m = 1; } message M { ${times(10_000, i => `int32 f${i} = ${i + 20_000};`)} }`,
      ),
      bytes: Uint8Array.from({ length: 1_000_000 }, (_, i) => (i % 2 === 0 ? 10 : 0)),
    },
    {
      what: 'constants far down an enum',
      type: 'PROTOBUF',
      schema: proto(`message A { repeated E e = 1; } enum E { ${times(50_000, i => `E${i} = ${i};`)} }`),
      bytes: Buffer.from(`0aa0f736${'cf8603'.repeat(300_000)}`, 'hex'),
    },
    {
      what: 'the value of an entry, again and again',
      type: 'PROTOBUF',
      schema: proto('message A { map<int32, int32> m = 1; }'),
      bytes: Buffer.from(`0ac0843d${'1001'.repeat(500_000)}`, 'hex'),
    },
  ])('$type: $what', ({ type, schema, bytes }) => {
    const decoded = decodeDatum(parse(type, schema), bytes)
    if ('error' in decoded) expect(decoded.message).toMatch(/makes too much of so few bytes|values in one record/)
    else expect(JSON.stringify(decoded.value).length).toBeLessThan(20_000_000)
  })

  it('is too much of a thousand small ones as of a large one', () => {
    const parsed = parse(
      'AVRO',
      record(
        'R',
        times(400, i => `${i === 0 ? '' : ','}{"name":"f${i}${long}","type":"null"}`),
      ),
    )
    const allowance = new Allowance(500)
    const read = Array.from({ length: 100 }, () => decodeDatum(parsed, new Uint8Array(), [0], allowance))
    expect(read.filter(each => 'error' in each).length).toBeGreaterThan(0)
    expect(read.filter(each => 'value' in each).length).toBeGreaterThan(50)
  })
})
