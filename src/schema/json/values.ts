// What a JSON schema says of one value by itself, without looking inside: its type, limits and equality.

import { integerOf, isRecord } from '../datum.ts'
import { isArray, isObject, type Json, JsonNumber, type JsonObject } from '../json-text.ts'
import { isMultiple } from './compatibility.ts'

export const limit = (node: JsonObject, keyword: string): number | undefined => {
  const value = node.get(keyword)
  return value instanceof JsonNumber ? value.value : undefined
}

export function checkNumber(node: JsonObject, value: number): string | undefined {
  const [most, least] = [limit(node, 'maximum'), limit(node, 'minimum')]
  // Draft 4: booleans beside the limits.
  const [below, above] = [node.get('exclusiveMaximum'), node.get('exclusiveMinimum')]
  if (most !== undefined && (value > most || (below === true && value === most))) return `more than ${most}`
  if (least !== undefined && (value < least || (above === true && value === least))) return `less than ${least}`
  if (below instanceof JsonNumber && value >= below.value) return `not less than ${below.value}`
  if (above instanceof JsonNumber && value <= above.value) return `not more than ${above.value}`
  const step = limit(node, 'multipleOf')
  return step === undefined || isMultiple(value, step) ? undefined : `not a multiple of ${step}`
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (isRecord(value)) return 'object'
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value
  return Number.isInteger(value) || integerOf(value) !== undefined ? 'integer' : 'number'
}

export function isOfType(type: string, value: unknown): boolean {
  const actual = typeOf(value)
  return actual === type || (type === 'number' && actual === 'integer')
}

export function equals(json: Json, value: unknown): boolean {
  if (json instanceof JsonNumber) {
    const integer = typeof value === 'string' ? undefined : integerOf(value)
    return value === json.value || (integer !== undefined && json.isInteger && BigInt(json.text) === integer)
  }
  if (isArray(json)) {
    return Array.isArray(value) && value.length === json.length && json.every((item, i) => equals(item, value[i]))
  }
  if (isObject(json)) {
    if (!isRecord(value) || Object.keys(value).length !== json.size) return false
    return [...json].every(([key, item]) => Object.hasOwn(value, key) && equals(item, value[key]))
  }
  return json === value
}

export function canonicalValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalValue).join(',')}]`
  if (!isRecord(value)) return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalValue(item)}`).join(',')}}`
}
