// How a JSON schema may change so that it still accepts what was valid before, case by case, with what Confluent's registry
// calls the changes that it may not.

import { describe, expect, it } from 'vitest'
import { incompatibilities, parseSchema } from '../../../src/schema/schema.ts'

type Given = object | boolean

const parse = (schema: Given, references: Record<string, Given> = {}) => {
  const parsed = parseSchema(
    'JSON',
    JSON.stringify(schema),
    Object.entries(references).map(([name, schema]) => ({
      name,
      subject: name,
      version: 1,
      schema: JSON.stringify(schema),
    })),
  )
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}
const findings = (before: Given, after: Given): string[] =>
  incompatibilities(parse(after), parse(before)).map(text => {
    const [, type] = /errorType:"(\w+)"/.exec(text)!
    return `${type} ${/path '([^']*)'/.exec(text)?.[1] ?? ''}`
  })

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const closed = (properties: object, more: object = {}) => object(properties, { additionalProperties: false, ...more })
const latest = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema })
const string = { type: 'string' }
const integer = { type: 'integer' }
const number = { type: 'number' }
const tuple = (...items: Given[]) => ({ type: 'array', items })

type Case = readonly [what: string, before: Given, after: Given, ...then: string[]]

const cases: Record<string, readonly Case[]> = {
  'types and notes': [
    ['the same', string, string],
    ['another type', string, integer, 'TYPE_CHANGED #/'],
    ['an integer becomes a number', integer, number],
    ['a number becomes an integer', number, integer, 'TYPE_NARROWED #/'],
    ['anything becomes allowed', string, {}],
    ['anything becomes allowed, as true', string, true],
    ['nothing stays allowed', string, false, 'TYPE_CHANGED #/'],
    ['nothing was allowed', false, string],
    ['anything was allowed', {}, string, 'TYPE_CHANGED #/'],
    [
      'title, description, default and id',
      { ...string, title: 'a' },
      { ...string, description: 'b', default: '', $id: 'http://x.test/' },
    ],
    ['a type becomes one of several', string, { type: ['string', 'null'] }],
    ['one of several types becomes one', { type: ['string', 'null'] }, string, 'TYPE_CHANGED #/'],
    ['several types become more', { type: ['string', 'null'] }, { type: ['string', 'null', 'integer'] }],
    [
      'several types become fewer',
      { type: ['string', 'null', 'integer'] },
      { type: ['string', 'null'] },
      'SUM_TYPE_NARROWED #/',
    ],
    ['what Connect made from bytes', { ...string, 'connect.type': 'bytes' }, { ...number, 'connect.type': 'bytes' }],
  ],
  strings: [
    ['maxLength comes', string, { ...string, maxLength: 9 }, 'MAX_LENGTH_ADDED #/maxLength'],
    ['maxLength goes', { ...string, maxLength: 9 }, string],
    ['maxLength rises', { ...string, maxLength: 9 }, { ...string, maxLength: 10 }],
    ['maxLength falls', { ...string, maxLength: 9 }, { ...string, maxLength: 8 }, 'MAX_LENGTH_DECREASED #/maxLength'],
    ['minLength comes', string, { ...string, minLength: 1 }, 'MIN_LENGTH_ADDED #/minLength'],
    ['minLength rises', { ...string, minLength: 1 }, { ...string, minLength: 2 }, 'MIN_LENGTH_INCREASED #/minLength'],
    ['minLength falls', { ...string, minLength: 2 }, { ...string, minLength: 1 }],
    ['a pattern comes', string, { ...string, pattern: '^a' }, 'PATTERN_ADDED #/pattern'],
    ['a pattern goes', { ...string, pattern: '^a' }, string],
    ['a pattern changes', { ...string, pattern: '^a' }, { ...string, pattern: '^b' }, 'PATTERN_CHANGED #/pattern'],
  ],
  numbers: [
    ['maximum comes', number, { ...number, maximum: 9 }, 'MAXIMUM_ADDED #/maximum'],
    ['maximum rises', { ...number, maximum: 9 }, { ...number, maximum: 9.5 }],
    ['maximum falls', { ...number, maximum: 9 }, { ...number, maximum: 8 }, 'MAXIMUM_DECREASED #/maximum'],
    ['minimum comes', number, { ...number, minimum: 1 }, 'MINIMUM_ADDED #/minimum'],
    ['minimum rises', { ...number, minimum: 1 }, { ...number, minimum: 2 }, 'MINIMUM_INCREASED #/minimum'],
    ['minimum falls', { ...number, minimum: 1 }, { ...number, minimum: 0 }],
    [
      'exclusiveMaximum falls',
      { ...number, exclusiveMaximum: 9 },
      { ...number, exclusiveMaximum: 8 },
      'EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum',
    ],
    [
      'exclusiveMinimum comes',
      number,
      { ...number, exclusiveMinimum: 0 },
      'EXCLUSIVE_MINIMUM_ADDED #/exclusiveMinimum',
    ],
    ['multipleOf comes', number, { ...number, multipleOf: 2 }, 'MULTIPLE_OF_ADDED #/multipleOf'],
    ['multipleOf becomes a factor', { ...number, multipleOf: 0.4 }, { ...number, multipleOf: 0.2 }],
    [
      'multipleOf is multiplied',
      { ...number, multipleOf: 2 },
      { ...number, multipleOf: 4 },
      'MULTIPLE_OF_EXPANDED #/multipleOf',
    ],
    [
      'multipleOf changes',
      { ...number, multipleOf: 2 },
      { ...number, multipleOf: 3 },
      'MULTIPLE_OF_CHANGED #/multipleOf',
    ],
    ['1 and 1.0 are the same', { const: 1 }, JSON.parse('{"const":1.0}') as object],
  ],
  'enum, const, not': [
    ['a value comes', { enum: ['a'] }, { enum: ['a', 'b'] }],
    ['a value goes', { enum: ['a', 'b'] }, { enum: ['a'] }, 'ENUM_ARRAY_NARROWED #/enum'],
    ['a value changes', { enum: ['a', 'b'] }, { enum: ['a', 'c'] }, 'ENUM_ARRAY_CHANGED #/enum'],
    ['values in another order', { enum: ['a', { x: 1, y: 2 }] }, { enum: [{ y: 2, x: 1 }, 'a'] }],
    ['const changes', { const: 1 }, { const: 2 }, 'ENUM_ARRAY_CHANGED #/const'],
    ['not forbids less', { not: number }, { not: integer }],
    ['not forbids more', { not: integer }, { not: number }, 'NOT_TYPE_EXTENDED #/not'],
  ],
  'properties of an open object': [
    ['one comes', object({}), object({ a: string }), 'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a'],
    ['one comes that may be anything', object({}), object({ a: {} })],
    [
      'one comes that is required',
      object({}),
      object({ a: string }, { required: ['a'] }),
      'REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
    ],
    [
      'one comes that is required and has a default',
      object({}),
      object({ a: { ...string, default: '' } }, { required: ['a'] }),
      'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a',
    ],
    ['one goes', object({ a: string }), object({})],
    ['one changes', object({ a: string }), object({ a: integer }), 'TYPE_CHANGED #/properties/a'],
    [
      'one deep inside changes',
      object({ a: object({ b: string }) }),
      object({ a: object({ b: integer }) }),
      'TYPE_CHANGED #/properties/a/properties/b',
    ],
    [
      'one becomes required',
      object({ a: string }),
      object({ a: string }, { required: ['a'] }),
      'REQUIRED_ATTRIBUTE_ADDED #/required/a',
    ],
    [
      'one becomes required and has a default',
      object({ a: string }),
      object({ a: { ...string, default: '' } }, { required: ['a'] }),
    ],
    ['one is no longer required', object({ a: string }, { required: ['a'] }), object({ a: string })],
    [
      'the object closes',
      object({ a: string }),
      closed({ a: string }),
      'ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties',
    ],
    [
      'others get a schema',
      object({ a: string }),
      object({ a: string }, { additionalProperties: string }),
      'ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties',
    ],
  ],
  'properties of a closed object': [
    ['one comes', closed({}), closed({ a: string })],
    [
      'one comes that is required',
      closed({}),
      closed({ a: string }, { required: ['a'] }),
      'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a',
    ],
    [
      'one comes that is required and has a default',
      closed({}),
      closed({ a: { ...string, default: '' } }, { required: ['a'] }),
    ],
    ['one goes', closed({ a: string }), closed({}), 'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a'],
    ['one goes that could not be there', closed({ a: false }), closed({})],
    ['the object opens', closed({ a: string }), object({ a: string })],
  ],
  'properties of a partially open object': [
    [
      'one comes as the others are',
      object({}, { additionalProperties: string }),
      object({ a: string }, { additionalProperties: string }),
    ],
    [
      'one comes that differs from the others',
      object({}, { additionalProperties: string }),
      object({ a: integer }, { additionalProperties: string }),
      'TYPE_CHANGED #/properties/a',
      'PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
    ],
    [
      'one goes that is as a pattern says',
      object({ a1: string }, { patternProperties: { '^a': string }, additionalProperties: false }),
      object({}, { patternProperties: { '^a': string }, additionalProperties: false }),
    ],
    [
      'one goes that differs from the others',
      object({ a: integer }, { additionalProperties: string }),
      object({}, { additionalProperties: string }),
      'TYPE_CHANGED #/properties/a',
      'PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a',
    ],
    [
      'others get more freedom',
      object({}, { additionalProperties: integer }),
      object({}, { additionalProperties: number }),
    ],
    [
      'nothing else may be left over',
      latest(object({ a: string })),
      latest(object({ a: string }, { unevaluatedProperties: false })),
      'UNEVALUATED_PROPERTIES_REMOVED #/unevaluatedProperties',
    ],
  ],
  'objects otherwise': [
    ['maxProperties comes', object({}), object({}, { maxProperties: 1 }), 'MAX_PROPERTIES_ADDED #/maxProperties'],
    [
      'minProperties rises',
      object({}, { minProperties: 1 }),
      object({}, { minProperties: 2 }),
      'MIN_PROPERTIES_INCREASED #/minProperties',
    ],
    [
      'a property comes to need another',
      object({}),
      object({}, { dependencies: { a: ['b'] } }),
      'DEPENDENCY_ARRAY_ADDED #/dependencies/a',
    ],
    [
      'a property needs one more',
      object({}, { dependencies: { a: ['b'] } }),
      object({}, { dependencies: { a: ['b', 'c'] } }),
      'DEPENDENCY_ARRAY_EXTENDED #/dependencies/a',
    ],
    [
      'a property needs one less',
      object({}, { dependencies: { a: ['b', 'c'] } }),
      object({}, { dependencies: { a: ['b'] } }),
    ],
    [
      'a property comes to need a schema',
      latest(object({})),
      latest(object({}, { dependentSchemas: { a: object({ b: string }) } })),
      'DEPENDENCY_SCHEMA_ADDED #/dependencies/a',
    ],
  ],
  arrays: [
    ['items get more freedom', { type: 'array', items: integer }, { type: 'array', items: number }],
    [
      'items get less freedom',
      { type: 'array', items: number },
      { type: 'array', items: integer },
      'TYPE_NARROWED #/items',
    ],
    ['items get a schema', { type: 'array' }, { type: 'array', items: string }, 'SCHEMA_ADDED '],
    [
      'maxItems falls',
      { type: 'array', maxItems: 3 },
      { type: 'array', maxItems: 2 },
      'MAX_ITEMS_DECREASED #/maxItems',
    ],
    ['minItems comes', { type: 'array' }, { type: 'array', minItems: 1 }, 'MIN_ITEMS_ADDED #/minItems'],
    [
      'items must become unique',
      { type: 'array' },
      { type: 'array', uniqueItems: true },
      'UNIQUE_ITEMS_ADDED #/uniqueItems',
    ],
    [
      'a tuple grows while others are allowed',
      tuple(string),
      tuple(string, string),
      'ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1',
    ],
    [
      'a tuple grows while none are',
      { ...tuple(string), additionalItems: false },
      { ...tuple(string, string), additionalItems: false },
    ],
    [
      'a tuple shrinks while none are',
      { ...tuple(string, string), additionalItems: false },
      { ...tuple(string), additionalItems: false },
      'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1',
    ],
    [
      'others are no longer allowed',
      tuple(string),
      { ...tuple(string), additionalItems: false },
      'ADDITIONAL_ITEMS_REMOVED #/additionalItems',
    ],
    [
      'a tuple of the latest draft changes',
      latest({ type: 'array', prefixItems: [string], items: false }),
      latest({ type: 'array', prefixItems: [integer], items: false }),
      'TYPE_CHANGED #/items/0',
    ],
    [
      'it must contain more',
      latest({ type: 'array', contains: string, minContains: 1 }),
      latest({ type: 'array', contains: string, minContains: 2 }),
      'MIN_CONTAINS_INCREASED #/minContains',
    ],
  ],
  combinations: [
    ['oneOf grows', { oneOf: [string] }, { oneOf: [string, integer] }],
    ['oneOf shrinks', { oneOf: [string, integer] }, { oneOf: [string] }, 'SUM_TYPE_NARROWED #/'],
    [
      'allOf grows',
      { allOf: [string, { minLength: 1 }] },
      { allOf: [string, { minLength: 1 }, { pattern: 'a' }] },
      'PRODUCT_TYPE_EXTENDED #/',
    ],
    ['allOf shrinks', { allOf: [string, { minLength: 1 }] }, { allOf: [string] }],
    ['in another order', { oneOf: [string, integer] }, { oneOf: [integer, string] }],
    ['oneOf becomes anyOf', { oneOf: [string, integer] }, { anyOf: [string, integer] }],
    ['anyOf becomes oneOf', { anyOf: [string, integer] }, { oneOf: [string, integer] }, 'COMBINED_TYPE_CHANGED #/'],
    ['anyOf becomes allOf', { anyOf: [string, integer] }, { allOf: [string, integer] }, 'COMBINED_TYPE_CHANGED #/'],
    ['allOf of one becomes that one', { allOf: [string] }, string],
    ['one becomes one of many', string, { oneOf: [integer, string] }],
    [
      'a branch changes',
      { oneOf: [string, integer] },
      { oneOf: [string, { type: 'boolean' }] },
      'COMBINED_TYPE_SUBSCHEMAS_CHANGED #/',
    ],
    [
      'each must find a partner of its own',
      { oneOf: [integer, number] },
      { oneOf: [number, string] },
      'COMBINED_TYPE_SUBSCHEMAS_CHANGED #/',
    ],
    ['partners make room for each other', { oneOf: [integer, number] }, { oneOf: [number, integer] }],
  ],
  references: [
    ['written out', { $ref: '#/definitions/a', definitions: { a: string } }, string],
    [
      'what it leads to changes',
      object({ a: { $ref: '#/definitions/a' } }, { definitions: { a: string } }),
      object({ a: { $ref: '#/definitions/a' } }, { definitions: { a: integer } }),
      'TYPE_CHANGED #/properties/a',
    ],
    [
      'a list of itself',
      object({ next: { $ref: '#' }, value: integer }),
      object({ next: { $ref: '#' }, value: number }),
    ],
    [
      'a list of itself narrows',
      object({ next: { $ref: '#' }, value: number }),
      object({ next: { $ref: '#' }, value: integer }),
      'TYPE_NARROWED #/properties/next/properties/value',
      'TYPE_NARROWED #/properties/value',
    ],
  ],
}

describe.each(Object.entries(cases))('%s', (_, cases) => {
  it.each(cases.map(([what, before, after, ...then]) => ({ what, before, after, then })))(
    '$what',
    ({ before, after, then }) => {
      expect(findings(before, after)).toEqual(then)
    },
  )
})

it('compares what references bring', () => {
  const order = object({ user: { $ref: 'user.json' } })
  const before = parse(order, { 'user.json': object({ id: number }) })
  const after = parse(order, { 'user.json': object({ id: integer }) })
  expect(incompatibilities(after, before)).toEqual([
    `{errorType:"TYPE_NARROWED", description:"A type at path '#/properties/user/properties/id' is different between the ` +
      `new schema and the old schema'}`,
  ])
  expect(incompatibilities(before, after)).toEqual([])
})

it('is worded as by Confluent', () => {
  expect(incompatibilities(parse({ ...string, maxLength: 1 }), parse(string), ['old', 'new'])).toEqual([
    `{errorType:"MAX_LENGTH_ADDED", description:"The keyword at path '#/maxLength' in the old schema is not present in ` +
      `the new schema'}`,
  ])
})

describe('hostile pairs', () => {
  it('compares once what references reach on exponentially many ways', () => {
    const definitions = (last: object) =>
      Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [
          `d${i}`,
          i === 0
            ? last
            : {
                anyOf: [
                  object({ a: { $ref: `#/definitions/d${i - 1}` } }),
                  object({ b: { $ref: `#/definitions/d${i - 1}` } }),
                ],
              },
        ]),
      )
    const schema = (last: object) => ({ $ref: '#/definitions/d59', definitions: definitions(last) })
    expect(findings(schema(integer), schema(number))).toEqual([])
    expect(findings(schema(number), schema(integer))).toEqual(['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/'])
  })

  it('gives up on unions that are too large', () => {
    const many = (prefix: string) => ({ oneOf: Array.from({ length: 1_000 }, (_, i) => ({ const: `${prefix}${i}` })) })
    expect(findings(many('a'), many('b'))).toEqual(['TOO_LARGE_TO_COMPARE '])
  })

  it('finds what does not fit in cycles that were taken to fit', () => {
    const schema = (value: object) => ({
      definitions: {
        a: object({ b: { $ref: '#/definitions/b' }, value }),
        b: object({ a: { $ref: '#/definitions/a' } }),
      },
      oneOf: [{ $ref: '#/definitions/b' }, { $ref: '#/definitions/a' }],
    })
    expect(findings(schema(string), schema(integer)).length).toBeGreaterThan(0)
    expect(findings(schema(integer), schema(number))).toEqual([])
  })
})
