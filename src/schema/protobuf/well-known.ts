// The messages whose JSON is not an object of their fields: Google's well-known types, as proto3's JSON mapping has them.
// Between JSON and the fields they consist of; the fields themselves go the common way.

import { BadDatum, describe, floatOf, isRecord, type Path } from '../datum.ts'
import { jsonName } from './types.ts'

interface Form {
  /** The JSON of a message as the value of its fields, by their names. */
  from(value: unknown, path: Path): unknown
  /** The fields, as proto3's JSON has each, as the JSON of the message. */
  to(fields: Readonly<Record<string, unknown>>): unknown
}

const refuse = (path: Path, expected: string, value: unknown): never => {
  throw new BadDatum(path, `${expected} expected, found ${describe(value)}`)
}

const wrapper: Form = { from: value => ({ value }), to: ({ value }) => value }

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/
/** In seconds, as the mapping bounds them. */
const LEAST_TIME = Date.parse('0001-01-01T00:00:00Z') / 1_000
const MOST_TIME = Date.parse('9999-12-31T23:59:59Z') / 1_000

/** 0, 3, 6 or 9 digits, as needed. */
function fraction(nanos: number): string {
  if (nanos === 0) return ''
  const digits = String(Math.abs(nanos)).padStart(9, '0')
  return `.${digits.replace(/(?:000){1,2}$/, '')}`
}
const nanosOf = (digits: string | undefined): number => Number((digits ?? '').padEnd(9, '0'))

const timestamp: Form = {
  from: (value, path) => {
    const [, seconds, digits, zone] = (typeof value === 'string' && TIMESTAMP.exec(value)) || []
    const at = Date.parse(`${seconds}${zone}`) / 1_000
    if (!(at >= LEAST_TIME && at <= MOST_TIME)) return refuse(path, 'a time as in 2026-01-31T12:00:00Z', value)
    return { seconds: at, nanos: nanosOf(digits) }
  },
  to: ({ seconds, nanos }) => {
    const at = Number(seconds)
    if (!(at >= LEAST_TIME && at <= MOST_TIME))
      throw new BadDatum(undefined, `${String(seconds)} s is no time JSON can hold`)
    return `${new Date(at * 1_000).toISOString().slice(0, 19)}${fraction(Number(nanos))}Z`
  },
}

const duration: Form = {
  from: (value, path) => {
    const found = typeof value === 'string' ? DURATION.exec(value) : null
    if (found === null) return refuse(path, 'a duration as in 1.5s', value)
    const sign = found[1] === '-' ? -1 : 1
    return { seconds: sign * Number(found[2]) || 0, nanos: sign * nanosOf(found[3]) || 0 }
  },
  to: ({ seconds, nanos }) => {
    const sign = Number(seconds) < 0 || Number(nanos) < 0 ? '-' : ''
    return `${sign}${Math.abs(Number(seconds))}${fraction(Number(nanos))}s`
  },
}

const fieldMask: Form = {
  from: (value, path) => {
    if (typeof value !== 'string') return refuse(path, 'paths with commas between', value)
    const paths = value === '' ? [] : value.split(',')
    return { paths: paths.map(one => one.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)) }
  },
  to: ({ paths }) => (paths as string[]).map(jsonName).join(','),
}

const anyValue: Form = {
  from: (value, path) => {
    if (value === null) return { null_value: 'NULL_VALUE' }
    if (typeof value === 'string') return { string_value: value }
    if (typeof value === 'boolean') return { bool_value: value }
    if (Array.isArray(value)) return { list_value: value }
    if (isRecord(value)) return { struct_value: value }
    return { number_value: floatOf(value) ?? refuse(path, 'a JSON value', value) }
  },
  to: fields => {
    const [name, value] = Object.entries(fields)[0] ?? ['null_value', null]
    return name === 'null_value' ? null : value
  },
}

const forms: Record<string, Form> = {
  Timestamp: timestamp,
  Duration: duration,
  FieldMask: fieldMask,
  Struct: { from: value => ({ fields: value }), to: ({ fields }) => fields },
  ListValue: { from: value => ({ values: value }), to: ({ values }) => values },
  Value: anyValue,
  ...Object.fromEntries(
    ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(name => [
      `${name}Value`,
      wrapper,
    ]),
  ),
}

/** Undefined for a message that is an object in JSON, as most are. */
export function wellKnown(fullName: string): Form | undefined {
  const name = fullName.startsWith('google.protobuf.') ? fullName.slice('google.protobuf.'.length) : ''
  return Object.hasOwn(forms, name) ? forms[name] : undefined
}

/** The one type for which null is a value, not the absence of one. */
export const takesNull = (fullName: string): boolean => fullName === 'google.protobuf.Value'
