// An Avro schema as text: `printAvro` is what Avro's Schema.toString writes and a registry returns, `normalizeAvro` what
// Confluent's `normalize=true` makes of it, in which order of attributes and ways of naming do not matter.

import { type Json, type JsonNumber, writeJson } from '../json-text.ts'
import { type AvroType, type Field, isNamed, isPrimitive, isRecord, type NamedType } from './types.ts'

type Entry = readonly [key: string, json: string]

const object = (entries: readonly (Entry | false)[]): string =>
  `{${entries
    .filter(entry => entry !== false)
    .map(([key, json]) => `${JSON.stringify(key)}:${json}`)
    .join(',')}}`
const array = (items: readonly string[]): string => `[${items.join(',')}]`
const quoted = (text: string): string => JSON.stringify(text)

/** As Java writes what it has read: integers as they were, other numbers as a double. */
const number = (number: JsonNumber): string => (number.isInteger ? number.text : javaDouble(number.value))

/** Double.toString: at least one digit after the point, and powers of ten outside of 10^-3 … 10^7. */
function javaDouble(value: number): string {
  const magnitude = Math.abs(value)
  if (value === 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
    return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
  }
  const [digits, exponent] = value.toExponential().split('e')
  return `${digits!.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

/** Definitions in the names of `known` are only mentioned: a reference has them. */
export function printAvro(root: AvroType, known: ReadonlySet<string>): string {
  const seen = new Set(known)

  const print = (type: AvroType, space: string): string => {
    if (type.type === 'union') return array(type.branches.map(branch => print(branch, space)))
    const properties = [...type.properties].map(([key, json]): Entry => [key, writeJson(json, { number })])
    if (type.type === 'array') {
      return object([['type', '"array"'], ['items', print(type.items, space)], ...properties])
    }
    if (type.type === 'map') return object([['type', '"map"'], ['values', print(type.values, space)], ...properties])
    if (!isNamed(type)) {
      return properties.length === 0 ? quoted(type.type) : object([['type', quoted(type.type)], ...properties])
    }
    if (seen.has(type.fullName)) return quoted(nameFrom(type, space))
    seen.add(type.fullName)
    return object([
      ['type', quoted(type.type)],
      ['name', quoted(type.name)],
      type.namespace !== space && ['namespace', quoted(type.namespace)],
      type.doc !== undefined && ['doc', quoted(type.doc)],
      isRecord(type) && ['fields', array(type.fields.map(field => printField(field, type.namespace)))],
      type.type === 'enum' && ['symbols', array(type.symbols.map(quoted))],
      type.type === 'enum' && type.default !== undefined && ['default', quoted(type.default)],
      type.type === 'fixed' && ['size', String(type.size)],
      ...properties,
      type.aliases.length > 0 && [
        'aliases',
        array(type.aliases.map(alias => quoted(shortened(alias, type.namespace)))),
      ],
    ])
  }

  const printField = (field: Field, space: string): string =>
    object([
      ['name', quoted(field.name)],
      ['type', print(field.type, space)],
      field.doc !== undefined && ['doc', quoted(field.doc)],
      field.default !== undefined && ['default', writeJson(field.default, { number })],
      field.order !== 'ascending' && ['order', quoted(field.order)],
      field.aliases.length > 0 && ['aliases', array(field.aliases.map(quoted))],
      ...[...field.properties].map(([key, json]): Entry => [key, writeJson(json, { number })]),
    ])

  return print(root, '')
}

/** The short name where the namespace is the same, unless it would be taken for a primitive. */
function nameFrom(type: NamedType, space: string): string {
  return type.namespace === space && !isPrimitive(type.name) ? type.name : type.fullName
}

function shortened(fullName: string, space: string): string {
  const dot = fullName.lastIndexOf('.')
  if (dot < 0) return space === '' ? fullName : `.${fullName}`
  return fullName.slice(0, dot) === space ? fullName.slice(dot + 1) : fullName
}

export function normalizeAvro(root: AvroType, known: ReadonlySet<string>): string {
  const seen = new Set(known)
  const sorted = (json: Json): string => writeJson(json, { sorted: true, number })

  const properties = (given: ReadonlyMap<string, Json>): Entry[] => {
    const logicalType = given.get('logicalType')
    const others = [...given].filter(([key]) => key !== 'logicalType').sort(([a], [b]) => (a < b ? -1 : 1))
    // A scale of 0 is what none means.
    const kept = others.filter(([key, json]) => !(logicalType === 'decimal' && key === 'scale' && sorted(json) === '0'))
    const entries = kept.map(([key, json]): Entry => [key, sorted(json)])
    return logicalType === undefined ? entries : [['logicalType', sorted(logicalType)], ...entries]
  }
  const aliasesOf = (aliases: readonly string[]): Entry | false =>
    aliases.length > 0 && ['aliases', array([...aliases].sort().map(quoted))]

  const print = (type: AvroType): string => {
    if (type.type === 'union') return array(type.branches.map(print))
    const others = properties(type.properties)
    if (type.type === 'array') return object([['type', '"array"'], ['items', print(type.items)], ...others])
    if (type.type === 'map') return object([['type', '"map"'], ['values', print(type.values)], ...others])
    if (!isNamed(type)) {
      return others.length === 0 ? quoted(type.type) : object([['type', quoted(type.type)], ...others])
    }
    if (seen.has(type.fullName)) return quoted(type.fullName)
    seen.add(type.fullName)
    return object([
      ['name', quoted(type.fullName)],
      ['type', isRecord(type) ? '"record"' : quoted(type.type)],
      type.type === 'enum' && ['symbols', array(type.symbols.map(quoted))],
      type.type === 'fixed' && ['size', String(type.size)],
      isRecord(type) && ['fields', array(type.fields.map(printField))],
      ...others.filter(([key]) => key === 'logicalType'),
      type.doc !== undefined && type.doc !== '' && ['doc', quoted(type.doc)],
      aliasesOf(type.aliases),
      type.type === 'enum' && type.default !== undefined && ['default', quoted(type.default)],
      ...others.filter(([key]) => key !== 'logicalType'),
    ])
  }

  const printField = (field: Field): string =>
    object([
      ['name', quoted(field.name)],
      ['type', print(field.type)],
      ['order', quoted(field.order.toUpperCase())],
      field.doc !== undefined && ['doc', quoted(field.doc)],
      aliasesOf(field.aliases),
      field.default !== undefined && ['default', sorted(field.default)],
      ...properties(field.properties),
    ])

  return print(root)
}
