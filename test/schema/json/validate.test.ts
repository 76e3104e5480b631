// JSON schemas as text, and records under them: what is refused at registration, what when a record comes, and where it
// says the fault is.

import { describe, expect, it } from 'vitest'
import { decodeDatum, encodeDatum, parseSchema } from '../../../src/schema/schema.ts'

const parse = (schema: unknown, references: Record<string, unknown> = {}) =>
  parseSchema(
    'JSON',
    typeof schema === 'string' ? schema : JSON.stringify(schema),
    Object.entries(references).map(([name, schema]) => ({
      name,
      subject: name,
      version: 1,
      schema: JSON.stringify(schema),
    })),
  )
/** What is wrong with the value; undefined: nothing. */
const fault = (schema: unknown, value: unknown, references: Record<string, unknown> = {}): string | undefined => {
  const parsed = parse(schema, references)
  if ('error' in parsed) throw new Error(parsed.message)
  const bytes = encodeDatum(parsed, value)
  return 'error' in bytes ? bytes.message : undefined
}
const latest = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema })
const draft4 = (schema: object) => ({ $schema: 'http://json-schema.org/draft-04/schema#', ...schema })

describe('a registry returns', () => {
  it.each([
    [' { "b" : 1.0 , "a" : [ 1e2, "\\u00e9" ] } ', '{"b":1.0,"a":[1e2,"é"]}', '{"a":[1e2,"é"],"b":1.0}'],
    [
      '{"properties":{"10":{},"9":{},"__proto__":{}}}',
      '{"properties":{"10":{},"9":{},"__proto__":{}}}',
      '{"properties":{"10":{},"9":{},"__proto__":{}}}',
    ],
    ['true', 'true', 'true'],
  ])('%s as it was given, and normalized with its keys in order', (given, text, normalized) => {
    expect(parse(given)).toMatchObject({ text, normalized })
  })

  it('the title as its name', () => {
    expect(parse({ title: 'Order' })).toMatchObject({ names: ['Order'] })
  })
})

describe('refuses', () => {
  it.each<[schema: unknown, message: string | RegExp]>([
    ['{', 'not JSON: a key expected at character 1, found the end'],
    ['[]', 'Invalid JSON schema: expected an object or boolean at the root'],
    ['"string"', 'Invalid JSON schema: expected an object or boolean at the root'],
    [{ type: 'strnig' }, '#/type: unknown type: [strnig]'],
    [{ properties: { a: { type: 1 } } }, '#/properties/a/type: unknown type: [1]'],
    [{ properties: [] }, '#/properties: must be an object'],
    [{ items: 'string' }, '#/items: must be an object or a boolean'],
    [{ allOf: {} }, '#/allOf: must be an array of schemas'],
    [{ required: [1] }, '#/required: must be an array of strings'],
    [{ maxLength: -1 }, '#/maxLength: must be a whole number, not negative'],
    [{ multipleOf: 0 }, '#/multipleOf: must be a number above 0'],
    [{ pattern: '(' }, '#/pattern: not a regular expression: ('],
    [{ $ref: '#/definitions/none' }, 'Could not resolve $ref: #/definitions/none'],
    [{ $ref: 'other.json' }, 'Could not resolve $ref: other.json'],
    [
      { $ref: 'https://example.com/a.json' },
      'Remote schema reference fetching over HTTP(S) is disabled: https://example.com/a.json',
    ],
    [{ $ref: '#' }, '$ref leads only to other $refs: #'],
    [
      { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } } },
      /leads only to other \$refs/,
    ],
    ['{"not":'.repeat(20_000) + '{}' + '}'.repeat(20_000), /nested deeper than 500/],
    [`{"title":"${'a'.repeat(1_000_000)}"}`, /may have 1000000 characters/],
  ])('%j', (schema, message) => {
    expect(parse(schema)).toEqual({
      error: 'INVALID_SCHEMA',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })
})

describe('a record', () => {
  const order = {
    type: 'object',
    properties: { lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } } },
    required: ['lines'],
  }
  it.each<[schema: unknown, value: unknown, fault: string | undefined]>([
    [order, { lines: [{ sku: 'a' }] }, undefined],
    [order, { lines: [{ sku: 'a' }, { sku: 1 }] }, 'lines[1].sku: string expected, found integer'],
    [order, {}, 'lacks the property lines'],
    [order, null, 'object expected, found null'],
    [{ type: ['string', 'null'] }, 1.5, 'string or null expected, found number'],
    [{ type: 'integer' }, 1, undefined],
    [{ type: 'integer' }, 2n ** 62n, undefined],
    [{ enum: ['a', { b: [1] }] }, { b: [1] }, undefined],
    [{ enum: ['a'] }, 'b', 'is not one of the values in enum'],
    [{ const: 1 }, true, 'is not the value of const'],
    [{ maxLength: 1 }, '😀', undefined],
    [{ minLength: 2 }, '😀', 'shorter than 2 characters'],
    [{ pattern: '^a+$' }, 'ab', 'does not match ^a+$'],
    [{ minimum: 1, exclusiveMaximum: 2 }, 2, 'not less than 2'],
    [draft4({ maximum: 2, exclusiveMaximum: true }), 2, 'more than 2'],
    [{ multipleOf: 0.1 }, 0.3, undefined],
    [{ multipleOf: 0.1 }, 0.35, 'not a multiple of 0.1'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'has an item twice',
    ],
    [{ items: [{ type: 'string' }], additionalItems: false }, ['a', 'b'], '[1]: nothing is allowed here'],
    [
      latest({ prefixItems: [{ type: 'string' }], items: { type: 'integer' } }),
      ['a', 1, 'c'],
      '[2]: integer expected, found string',
    ],
    [latest({ contains: { type: 'string' }, maxContains: 1 }), ['a', 'b'], 'contains too many of what it must'],
    [{ additionalProperties: false, patternProperties: { '^x': {} } }, { xy: 1, y: 2 }, 'has a property too much: y'],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, 'ab: its name: longer than 1 characters'],
    [{ dependencies: { a: ['b'] } }, { a: 1 }, 'has a and lacks b'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 1, 'fits none of anyOf'],
    [{ oneOf: [{ type: 'integer' }, { minimum: 0 }] }, 1, 'fits 2 of oneOf'],
    [{ not: { type: 'string' } }, '', 'fits what it must not'],
    [{ if: { type: 'string' }, then: { minLength: 1 }, else: { minimum: 1 } }, 0, 'less than 1'],
    [
      latest({ allOf: [{ properties: { a: {} } }], unevaluatedProperties: false }),
      { a: 1, b: 2 },
      'has a property too much: b',
    ],
    [{ $ref: '#/$defs/a', definitions: { a: { type: 'string' } } }, 1, 'string expected, found integer'],
    [{ properties: { constructor: { type: 'string' } } }, {}, undefined],
    [false, 1, 'nothing is allowed here'],
  ])('%j %s', (schema, value, then) => {
    expect(fault(schema, value)).toBe(then)
  })

  it('is checked by what references bring', () => {
    const references = {
      'user.json': { type: 'object', properties: { address: { $ref: 'address.json#/definitions/zip' } } },
      'address.json': { definitions: { zip: { type: 'string' } } },
    }
    expect(fault({ properties: { user: { $ref: 'user.json' } } }, { user: { address: 1 } }, references)).toBe(
      'user.address: string expected, found integer',
    )
  })

  it('by a reference named with the $id it is relative to', () => {
    const schema = { $id: 'http://example.com/a/order.json', properties: { user: { $ref: 'user.json' } } }
    expect(fault(schema, { user: 1 }, { 'user.json': { type: 'string' } })).toBe('user: string expected, found integer')
  })

  it('is only looked at for so long', () => {
    const definitions = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `d${i}`,
        i === 0
          ? { type: 'string' }
          : { allOf: [{ $ref: `#/definitions/d${i - 1}` }, { $ref: `#/definitions/d${i - 1}` }] },
      ]),
    )
    expect(fault({ $ref: '#/definitions/d59', definitions }, 'a')).toMatch(/asks for more checks/)
  })

  it('may not be endlessly deep', () => {
    let value: unknown = 1
    for (let i = 0; i < 100_000; i++) value = [value]
    expect(fault({}, value)).toBe('values are nested too deep')
    expect(fault({ items: { $ref: '#' } }, value)).toMatch(/asks for more checks/)
  })

  it('is JSON text, with all digits of its numbers', () => {
    const schema = parse({})
    if ('error' in schema) throw new Error(schema.message)
    const bytes = encodeDatum(schema, { a: 2n ** 62n, b: 'é' }) as Uint8Array
    expect(new TextDecoder().decode(bytes)).toBe('{"a":4611686018427387904,"b":"é"}')
    const decoded = decodeDatum(schema, bytes)
    expect(JSON.stringify('value' in decoded && decoded.value)).toBe('{"a":4611686018427387904,"b":"é"}')
    expect(decodeDatum(schema, new Uint8Array([0x7b]))).toMatchObject({
      error: 'INVALID_DATUM',
      message: expect.stringContaining('not JSON'),
    })
  })
})
