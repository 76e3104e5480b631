// Reads an Avro schema as Avro 1.12 does: names are strict, a type may be used before it is defined, defaults are checked,
// and namespaces, where the schema is new. First every name is declared, then every type is filled in.

import {
  Invalid,
  isArray,
  isObject,
  type Json,
  JsonNumber,
  type JsonObject,
  parseJson,
  writeJson,
} from '../json-text.ts'
import { Steps } from '../steps.ts'
import { isValidDefault } from './defaults.ts'
import { printAvro } from './print.ts'
import {
  type AvroType,
  branchName,
  type EnumType,
  type Field,
  type FixedType,
  isNamed,
  isPrimitive,
  isRecord,
  type NamedType,
  type RecordType,
} from './types.ts'

const MAX_NAME = 1_000
/** Definitions inside each other once every name is followed to where it is defined. */
const MAX_DEPTH = 500
const MAX_FIXED_BYTES = 1_000_000
const MAX_DEFAULT_STEPS = 1_000_000

const NAMED = new Set(['record', 'error', 'enum', 'fixed'])
const SCHEMA_RESERVED = new Set('doc fields items name namespace size symbols values type aliases'.split(' '))
const ENUM_RESERVED = new Set([...SCHEMA_RESERVED, 'default'])
const FIELD_RESERVED = new Set(['default', 'doc', 'name', 'order', 'type', 'aliases'])
const NONE: ReadonlyMap<string, Json> = new Map()

export interface AvroDocument {
  readonly root: AvroType
  /** Names that references define: the schema's own text only mentions them. */
  readonly known: ReadonlySet<string>
  /** Names this text defines, in order. */
  readonly defined: readonly string[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Declaration {
  readonly shell: Mutable<NamedType>
  readonly node: JsonObject
  readonly text: string
}

/** `references` are whole schemas, in any order. Throws Invalid. */
export function parseAvro(text: string, references: readonly string[], asNew: boolean): AvroDocument {
  const names = new Map<string, Declaration>()
  const byNode = new Map<JsonObject, Declaration>()

  const others = references.map(reference => parseSource(reference))
  for (const other of others) declare(other, '', names, byNode)
  const known = new Set(names.keys())
  const main = parseSource(text)
  declare(main, '', names, byNode)
  if (asNew) for (const { shell } of names.values()) shell.fullName.split('.').forEach(validName)

  for (const other of others) define(other, '', names, byNode)
  const root = define(main, '', names, byNode)
  checkDepth(root)
  const defined = [...names.keys()].filter(name => !known.has(name))
  if (!asNew) return { root, known, defined }
  const steps = new Steps(MAX_DEFAULT_STEPS, 'The defaults are too many')
  for (const { shell } of names.values()) {
    if (isRecord(shell)) for (const field of shell.fields) checkDefault(field, steps)
  }
  return { root, known, defined }
}

/** A bare name is a schema, too: in JSON's quotes, or without, as Avro's own parser takes it. */
function parseSource(text: string): Json {
  return isPrimitive(text.trim()) ? text.trim() : parseJson(text)
}

function declare(
  json: Json,
  space: string,
  names: Map<string, Declaration>,
  byNode: Map<JsonObject, Declaration>,
): void {
  if (isArray(json)) for (const branch of json) declare(branch, space, names, byNode)
  if (!isObject(json)) return
  const type = json.get('type')
  if (type === 'array') declare(json.get('items') ?? null, space, names, byNode)
  else if (type === 'map') declare(json.get('values') ?? null, space, names, byNode)
  else if (typeof type === 'string' && NAMED.has(type)) {
    const named = parseName(json, space)
    const declaration = { shell: { type, ...named } as Mutable<NamedType>, node: json, text: writeJson(json) }
    const before = names.get(named.fullName)
    if (before !== undefined && before.text !== declaration.text) throw new Invalid(`Can't redefine: ${named.fullName}`)
    if (before === undefined) names.set(named.fullName, declaration)
    byNode.set(json, before ?? declaration)
    const fields = json.get('fields')
    if (NAMED.has(type) && isArray(fields)) {
      for (const field of fields)
        if (isObject(field)) declare(field.get('type') ?? null, named.namespace, names, byNode)
    }
  }
}

function define(
  json: Json,
  space: string,
  names: ReadonlyMap<string, Declaration>,
  byNode: ReadonlyMap<JsonObject, Declaration>,
): AvroType {
  const inner = (json: Json, within = space): AvroType => define(json, within, names, byNode)

  if (typeof json === 'string') return find(json, space, names)
  if (isArray(json)) return union(json.map(branch => inner(branch)))
  if (!isObject(json)) throw new Invalid(`Schema not yet supported: ${shown(json)}`)

  const type = requiredText(json, 'type', 'No type')
  if (isPrimitive(type)) return { type, properties: propertiesOf(json, SCHEMA_RESERVED) }
  if (type === 'array') {
    const items = json.get('items')
    if (items === undefined) throw new Invalid(`Array has no items type: ${shown(json)}`)
    return { type, items: inner(items), properties: propertiesOf(json, SCHEMA_RESERVED) }
  }
  if (type === 'map') {
    const values = json.get('values')
    if (values === undefined) throw new Invalid(`Map has no values type: ${shown(json)}`)
    return { type, values: inner(values), properties: propertiesOf(json, SCHEMA_RESERVED) }
  }
  const declaration = byNode.get(json)
  if (declaration === undefined) {
    throw new Invalid(
      'A schema "type" MUST be a primitive type or one of "enum", "fixed", "record", "error", "array" or "map".' +
        ` Found ${shown(type)}`,
    )
  }
  const { shell } = declaration
  // The same definition a second time, from a reference.
  if (declaration.node !== json) return shell
  shell.doc = optionalText(json, 'doc')
  shell.aliases = aliasesOf(json).map(alias => qualified(alias, shell.namespace))
  shell.properties = propertiesOf(json, shell.type === 'enum' ? ENUM_RESERVED : SCHEMA_RESERVED)
  if (shell.type === 'enum') defineEnum(shell, json)
  else if (shell.type === 'fixed') defineFixed(shell, json)
  else defineRecord(shell, json, inner)
  return shell
}

function find(name: string, space: string, names: ReadonlyMap<string, Declaration>): AvroType {
  if (isPrimitive(name)) return { type: name, properties: NONE }
  const found = names.get(qualified(name, space)) ?? names.get(name)
  if (found === undefined) throw new Invalid(`Undefined name: "${shown(qualified(name, space))}"`)
  return found.shell
}

function defineRecord(
  shell: Mutable<RecordType>,
  json: JsonObject,
  inner: (json: Json, within: string) => AvroType,
): void {
  const given = json.get('fields')
  if (!isArray(given)) throw new Invalid(`Record has no fields: ${shown(json)}`)
  const fields: Field[] = []
  const positions = new Map<string, number>()
  for (const field of given) {
    if (!isObject(field)) throw new Invalid(`Field is not an object: ${shown(field)}`)
    const name = validName(requiredText(field, 'name', 'No field name'))
    const type = field.get('type')
    if (type === undefined) throw new Invalid(`No field type: ${shown(field)}`)
    const order = field.get('order') === undefined ? 'ascending' : optionalText(field, 'order')?.toLowerCase()
    if (order !== 'ascending' && order !== 'descending' && order !== 'ignore') {
      throw new Invalid(`Invalid order of field ${name}: ${shown(field.get('order')!)}`)
    }
    if (positions.has(name)) throw new Invalid(`Duplicate field ${name} in record ${shell.fullName}`)
    positions.set(name, fields.length)
    const fieldType = inner(type, shell.namespace)
    fields.push({
      name,
      type: fieldType,
      doc: optionalText(field, 'doc'),
      default: numberOfText(fieldType, field.get('default')),
      order,
      aliases: aliasesOf(field),
      properties: propertiesOf(field, FIELD_RESERVED),
    })
  }
  shell.fields = fields
  shell.positions = positions
}

function defineEnum(shell: Mutable<EnumType>, json: JsonObject): void {
  const symbols = json.get('symbols')
  if (!isArray(symbols)) throw new Invalid(`Enum has no symbols: ${shown(json)}`)
  const positions = new Map<string, number>()
  for (const symbol of symbols) {
    if (typeof symbol !== 'string') throw new Invalid(`Enum symbol is not a string: ${shown(symbol)}`)
    if (positions.has(validName(symbol))) throw new Invalid(`Duplicate enum symbol: ${symbol}`)
    positions.set(symbol, positions.size)
  }
  shell.symbols = [...positions.keys()]
  shell.positions = positions
  shell.default = optionalText(json, 'default')
  if (shell.default !== undefined && !positions.has(shell.default)) {
    throw new Invalid(`The Enum Default: ${shown(shell.default)} is not in the enum symbol set of ${shell.fullName}`)
  }
}

function defineFixed(shell: Mutable<FixedType>, json: JsonObject): void {
  const size = json.get('size')
  if (!(size instanceof JsonNumber) || !size.isInteger || size.value < 0 || size.value > MAX_FIXED_BYTES) {
    throw new Invalid(`Invalid or no size: ${shown(json)}`)
  }
  shell.size = size.value
}

function union(branches: readonly AvroType[]): AvroType {
  const seen = new Set<string>()
  for (const branch of branches) {
    if (branch.type === 'union') throw new Invalid('Nested union')
    const name = branchName(branch)
    if (seen.has(name)) throw new Invalid(`Duplicate in union:${name}`)
    seen.add(name)
  }
  return { type: 'union', branches }
}

function checkDefault(field: Field, steps: Steps): void {
  if (field.default !== undefined && !isValidDefault(field.type, field.default, steps)) {
    throw new Invalid(
      `Invalid default for field ${field.name}: ${cut(writeJson(field.default))} not a ${cut(printAvro(field.type, { known: new Set(), normalized: false }))}`,
    )
  }
}

/** The printed form nests a definition where its name is first met: that must be bounded like the text itself. */
function checkDepth(root: AvroType): void {
  const seen = new Set<AvroType>()
  const walk = (type: AvroType, depth: number): void => {
    if (depth > MAX_DEPTH) throw new Invalid(`Types are nested deeper than ${MAX_DEPTH} levels`)
    if (type.type === 'array') walk(type.items, depth + 1)
    else if (type.type === 'map') walk(type.values, depth + 1)
    else if (type.type === 'union') for (const branch of type.branches) walk(branch, depth + 1)
    else if (isNamed(type) && !seen.has(type)) {
      seen.add(type)
      if (isRecord(type)) for (const field of type.fields) walk(field.type, depth + 1)
    }
  }
  walk(root, 0)
}

function parseName(json: JsonObject, space: string): { name: string; namespace: string; fullName: string } {
  const given = requiredText(json, 'name', 'No name in schema')
  const fullName = qualified(given, optionalText(json, 'namespace') ?? space)
  const dot = fullName.lastIndexOf('.')
  validName(fullName.slice(dot + 1))
  if (isPrimitive(fullName)) throw new Invalid(`Schemas may not be named after primitives: ${fullName}`)
  return { name: fullName.slice(dot + 1), namespace: dot < 0 ? '' : fullName.slice(0, dot), fullName }
}

/** A leading dot says that there is no namespace. */
function qualified(name: string, space: string): string {
  if (name.startsWith('.')) return name.slice(1)
  return name.includes('.') || space === '' ? name : `${space}.${name}`
}

function validName(name: string): string {
  if (name === '') throw new Invalid('Empty name')
  if (name.length > MAX_NAME) throw new Invalid(`Name longer than ${MAX_NAME} characters: ${shown(name)}`)
  if (!/^[A-Za-z_]/.test(name)) throw new Invalid(`Illegal initial character: ${name}`)
  if (!/^\w+$/.test(name)) throw new Invalid(`Illegal character in: ${name}`)
  return name
}

function aliasesOf(json: JsonObject): string[] {
  const aliases = json.get('aliases')
  if (aliases === undefined) return []
  if (!isArray(aliases)) throw new Invalid(`aliases not an array: ${shown(json)}`)
  return [
    ...new Set(
      aliases.map(alias => {
        if (typeof alias !== 'string') throw new Invalid(`alias not a string: ${shown(alias)}`)
        return alias
      }),
    ),
  ]
}

function propertiesOf(json: JsonObject, reserved: ReadonlySet<string>): ReadonlyMap<string, Json> {
  const others = [...json].filter(([key]) => !reserved.has(key))
  return others.length === 0 ? NONE : new Map(others)
}

function requiredText(json: JsonObject, key: string, error: string): string {
  const text = optionalText(json, key)
  if (text === undefined) throw new Invalid(`${error}: ${shown(json)}`)
  return text
}

function optionalText(json: JsonObject, key: string): string | undefined {
  const value = json.get(key)
  return typeof value === 'string' ? value : undefined
}

/** As much of the schema as an error should repeat. */
const shown = (json: Json): string => cut(typeof json === 'string' ? json : writeJson(json))
const cut = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** Avro reads a text as the default of a float or double, but does not keep it as one. */
function numberOfText(type: AvroType, value: Json | undefined): Json | undefined {
  if (typeof value !== 'string' || (type.type !== 'float' && type.type !== 'double')) return value
  const number = Number(value)
  if (!/^-?\d/.test(value) || !Number.isFinite(number)) return value
  return new JsonNumber(/[.eE]/.test(value) ? value : `${value}.0`)
}
