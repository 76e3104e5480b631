// Whether a field's default fits its type, as Avro 1.12 judges: for a union any branch will do.

import { isArray, isObject, type Json, JsonNumber } from '../json-text.ts'
import type { Steps } from '../steps.ts'
import { type AvroType, isRecord } from './types.ts'

const INT = [-(2n ** 31n), 2n ** 31n - 1n] as const
const LONG = [-(2n ** 63n), 2n ** 63n - 1n] as const
/** Digits a long may have; more are not worth turning into a number. */
const MAX_DIGITS = 20
/** Defaults inside defaults, of records that contain each other. */
const MAX_DEPTH = 500

export function isValidDefault(type: AvroType, value: Json | undefined, steps: Steps, depth = 0): boolean {
  steps.take()
  if (value === undefined || depth > MAX_DEPTH) return false
  const inner = (type: AvroType, value: Json | undefined): boolean => isValidDefault(type, value, steps, depth + 1)
  if (isRecord(type)) {
    return isObject(value) && type.fields.every(field => inner(field.type, value.get(field.name) ?? field.default))
  }
  switch (type.type) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'int':
      return isWithin(value, INT)
    case 'long':
      return isWithin(value, LONG)
    case 'float':
    case 'double':
      return value instanceof JsonNumber || (typeof value === 'string' && isDouble(value))
    case 'string':
    case 'bytes':
    case 'enum':
    case 'fixed':
      return typeof value === 'string'
    case 'array':
      return isArray(value) && value.every(item => inner(type.items, item))
    case 'map':
      return isObject(value) && [...value.values()].every(item => inner(type.values, item))
    case 'union':
      return type.branches.some(branch => inner(branch, value))
    default:
      return false
  }
}

function isWithin(value: Json, [least, most]: readonly [bigint, bigint]): boolean {
  if (!(value instanceof JsonNumber) || !value.isInteger || value.text.length > MAX_DIGITS) return false
  const integer = BigInt(value.text)
  return integer >= least && integer <= most
}

function isDouble(text: string): boolean {
  return /^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(text)
}
