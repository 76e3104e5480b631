// An Avro schema as text, as Avro's Schema.toString writes it and a registry returns it. Normalized, as by Confluent's
// `normalize=true`, the order of properties and aliases, an empty doc and how the number of a default is written do not
// matter either.

import { isArray, isObject, type Json, JsonNumber, writeJson } from '../json-text.ts'
import { Steps } from '../steps.ts'
import { isValidDefault } from './defaults.ts'
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
  if (!Number.isFinite(value)) return `"${value}"`
  const magnitude = Math.abs(value)
  if (value === 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
    return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
  }
  const [digits, exponent] = value.toExponential().split('e')
  return `${digits!.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

/** Float.toString: as few digits as tell it from its neighbours. */
function javaFloat(value: number): string {
  const float = Math.fround(value)
  let digits = 1
  while (digits < 9 && Math.fround(Number(float.toPrecision(digits))) !== float) digits++
  return javaDouble(Number.isFinite(float) ? Number(float.toPrecision(digits)) : float)
}

/** Those that Avro and Confluent know: in a normalized text they come before other properties. */
const LOGICAL_TYPES = new Set(
  (
    'big-decimal date decimal duration local-timestamp-micros local-timestamp-millis local-timestamp-nanos map ' +
    'time-micros time-millis timestamp-micros timestamp-millis timestamp-nanos uuid variant'
  ).split(' '),
)

const MAX_DEFAULT_STEPS = 1_000_000

interface Printing {
  /** Names that a reference defines: they are only mentioned. */
  readonly known: ReadonlySet<string>
  readonly normalized: boolean
}

export function printAvro(root: AvroType, { known, normalized }: Printing): string {
  const seen = new Set(known)
  const steps = new Steps(MAX_DEFAULT_STEPS, 'The defaults are too many')
  const json = (value: Json): string => writeJson(value, { number, sorted: normalized })
  const aliasesOf = (aliases: readonly string[]): readonly string[] => (normalized ? [...aliases].sort() : aliases)

  const propertiesOf = (properties: ReadonlyMap<string, Json>): Entry[] => {
    const entries = [...properties].map(([key, value]): Entry => [key, json(value)])
    if (!normalized) return entries
    const logicalType = properties.get('logicalType')
    const isKnown = typeof logicalType === 'string' && LOGICAL_TYPES.has(logicalType)
    const first = !isKnown ? [] : logicalType === 'decimal' ? ['logicalType', 'precision', 'scale'] : ['logicalType']
    // A scale of 0 is what none means, and Confluent's registry passes over it first.
    const place = ([key, value]: Entry): number => (key === 'scale' && value === '0' ? -1 : first.indexOf(key))
    const rank = (entry: Entry): number => (place(entry) < 0 ? first.length : place(entry))
    return entries.sort((a, b) => rank(a) - rank(b) || (a[0] < b[0] ? -1 : 1))
  }

  const print = (type: AvroType, space: string): string => {
    if (type.type === 'union') return array(type.branches.map(branch => print(branch, space)))
    const properties = propertiesOf(type.properties)
    if (type.type === 'array') return object([['type', '"array"'], ['items', print(type.items, space)], ...properties])
    if (type.type === 'map') return object([['type', '"map"'], ['values', print(type.values, space)], ...properties])
    if (!isNamed(type)) {
      return properties.length === 0 ? quoted(type.type) : object([['type', quoted(type.type)], ...properties])
    }
    if (seen.has(type.fullName)) return quoted(nameFrom(type, space))
    seen.add(type.fullName)
    const aliases = aliasesOf(type.aliases).map(alias => quoted(shortened(alias, type.namespace)))
    return object([
      ['type', quoted(normalized && isRecord(type) ? 'record' : type.type)],
      ['name', quoted(type.name)],
      type.namespace !== space && ['namespace', quoted(type.namespace)],
      type.doc !== undefined && !(normalized && type.doc === '') && ['doc', quoted(type.doc)],
      isRecord(type) && ['fields', array(type.fields.map(field => printField(field, type.namespace)))],
      type.type === 'enum' && ['symbols', array(type.symbols.map(quoted))],
      type.type === 'enum' && type.default !== undefined && ['default', quoted(type.default)],
      type.type === 'fixed' && ['size', String(type.size)],
      ...properties,
      aliases.length > 0 && ['aliases', array(aliases)],
    ])
  }

  const printField = (field: Field, space: string): string =>
    object([
      ['name', quoted(field.name)],
      ['type', print(field.type, space)],
      field.doc !== undefined && ['doc', quoted(field.doc)],
      field.default !== undefined && [
        'default',
        normalized ? defaultOf(field.type, field.default) : json(field.default),
      ],
      field.order !== 'ascending' && ['order', quoted(field.order)],
      field.aliases.length > 0 && ['aliases', array(aliasesOf(field.aliases).map(quoted))],
      ...propertiesOf(field.properties),
    ])

  /** With the numbers of what the type makes of them. */
  const defaultOf = (type: AvroType, value: Json): string => {
    if (type.type === 'union') {
      const branch = type.branches.find(branch => isValidDefault(branch, value, steps))
      return branch === undefined ? json(value) : defaultOf(branch, value)
    }
    if (type.type === 'float' && value instanceof JsonNumber) return javaFloat(value.value)
    if (type.type === 'double' && value instanceof JsonNumber) return javaDouble(value.value)
    if (type.type === 'array' && isArray(value)) return array(value.map(item => defaultOf(type.items, item)))
    if (!isObject(value) || !(type.type === 'map' || (isNamed(type) && isRecord(type)))) return json(value)
    const entries = [...value].sort(([a], [b]) => (a < b ? -1 : 1))
    return object(
      entries.map(([key, each]) => {
        if (type.type === 'map') return [key, defaultOf(type.values, each)]
        const position = type.positions.get(key)
        return [key, position === undefined ? json(each) : defaultOf(type.fields[position]!.type, each)]
      }),
    )
  }

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
