// What the keywords of a JSON schema must look like, whatever its draft: checked when it is registered, so that all that reads
// it later need not ask.

import { Invalid, isArray, isObject, type Json, JsonNumber, type JsonObject } from '../json-text.ts'
import { compilePattern } from './pattern.ts'
import { canonical } from './shape.ts'

const TYPES = new Set(['string', 'integer', 'number', 'boolean', 'null', 'array', 'object'])

type Check = (value: Json, path: string) => void

const fail = (path: string, what: string): never => {
  throw new Invalid(`${path}: ${what}`)
}
const schema: Check = (value, path) => {
  if (!isObject(value) && typeof value !== 'boolean') fail(path, 'must be an object or a boolean')
}
const schemas: Check = (value, path) => {
  if (!isArray(value)) return fail(path, 'must be an array of schemas')
  value.forEach((item, index) => schema(item, `${path}/${index}`))
}
const schemaMap: Check = (value, path) => {
  if (!isObject(value)) return fail(path, 'must be an object')
  for (const [key, item] of value) schema(item, `${path}/${key}`)
}
const text: Check = (value, path) => void (typeof value === 'string' || fail(path, 'must be a string'))
const size: Check = (value, path) =>
  void (
    (value instanceof JsonNumber && Number.isInteger(value.value) && value.value >= 0) ||
    fail(path, 'must be a whole number, not negative')
  )
const number: Check = (value, path) => void (value instanceof JsonNumber || fail(path, 'must be a number'))
const limit: Check = (value, path) =>
  void (value instanceof JsonNumber || typeof value === 'boolean' || fail(path, 'must be a number'))
const strings: Check = (value, path) =>
  void ((isArray(value) && value.every(item => typeof item === 'string')) || fail(path, 'must be an array of strings'))

/** What a keyword's value must look like. */
const checks: Record<string, Check> = {
  type: (value, path) => {
    for (const type of isArray(value) ? value : [value]) {
      if (typeof type !== 'string' || !TYPES.has(type))
        fail(path, `unknown type: [${(typeof type === 'string' ? type : canonical(type)).slice(0, 100)}]`)
    }
  },
  enum: (value, path) => void (isArray(value) || fail(path, 'must be an array')),
  required: (value, path) => void (typeof value === 'boolean' || strings(value, path)),
  items: (value, path) => (isArray(value) ? schemas(value, path) : schema(value, path)),
  dependencies: (value, path) => {
    if (!isObject(value)) return fail(path, 'must be an object')
    for (const [key, item] of value) (isArray(item) ? strings : schema)(item, `${path}/${key}`)
  },
  dependentRequired: (value, path) => {
    if (!isObject(value)) return fail(path, 'must be an object')
    for (const [key, item] of value) strings(item, `${path}/${key}`)
  },
  multipleOf: (value, path) =>
    void ((value instanceof JsonNumber && value.value > 0) || fail(path, 'must be a number above 0')),
  uniqueItems: (value, path) => void (typeof value === 'boolean' || fail(path, 'must be a boolean')),
  pattern: (value, path) => {
    text(value, path)
    checkPattern(value as string, path)
  },
  patternProperties: (value, path) => {
    schemaMap(value, path)
    for (const pattern of (value as JsonObject).keys()) checkPattern(pattern, path)
  },
  ...Object.fromEntries(['allOf', 'anyOf', 'oneOf', 'prefixItems'].map(key => [key, schemas])),
  ...Object.fromEntries(['properties', 'definitions', '$defs', 'dependentSchemas'].map(key => [key, schemaMap])),
  ...Object.fromEntries(
    'not if then else additionalItems additionalProperties contains propertyNames unevaluatedItems unevaluatedProperties'
      .split(' ')
      .map(key => [key, schema]),
  ),
  ...Object.fromEntries(
    'minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains'
      .split(' ')
      .map(key => [key, size]),
  ),
  ...Object.fromEntries(['minimum', 'maximum'].map(key => [key, number])),
  ...Object.fromEntries(['exclusiveMinimum', 'exclusiveMaximum'].map(key => [key, limit])),
  ...Object.fromEntries(['title', 'description', 'format', '$ref', '$schema', '$id'].map(key => [key, text])),
}

const SCHEMA_KEYS = new Set(
  (
    'not if then else additionalItems additionalProperties contains propertyNames unevaluatedItems ' +
    'unevaluatedProperties items allOf anyOf oneOf prefixItems'
  ).split(' '),
)
const MAP_KEYS = new Set([
  'properties',
  'definitions',
  '$defs',
  'dependentSchemas',
  'patternProperties',
  'dependencies',
])

/** Every schema inside one, by what its keywords must look like. Throws Invalid with the place. */
export function checkKeywords(json: Json, path = '#'): void {
  if (isArray(json)) return json.forEach((item, index) => checkKeywords(item, `${path}/${index}`))
  if (!isObject(json)) return
  if (typeof json.get('$ref') === 'string' && json.size === 1) return
  for (const [key, value] of json) {
    const at = `${path}/${key}`
    if (Object.hasOwn(checks, key)) checks[key]!(value, at)
    if (SCHEMA_KEYS.has(key)) checkKeywords(value, at)
    else if (MAP_KEYS.has(key) && isObject(value)) {
      for (const [name, item] of value) if (!isArray(item)) checkKeywords(item, `${at}/${name}`)
    }
  }
}

function checkPattern(source: string, path: string): void {
  const pattern = compilePattern(source)
  if (typeof pattern === 'string') fail(path, `${pattern}: ${source.slice(0, 100)}`)
}
