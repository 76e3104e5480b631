// The types of a .proto file and of everything it imports, by their full names. Checks what the text alone cannot tell:
// that every name means something, and that no number or name is used twice.

import { Invalid } from '../json-text.ts'
import {
  allFields,
  type Enum,
  type Field,
  mapOf,
  type Message,
  type OneOf,
  type ProtoFile,
  SCALARS,
  type Type,
} from './file.ts'
import { knownFile } from './known.ts'
import { parseProto } from './parse.ts'

/** Where a file comes from: what was registered under a name, the schema itself, or what every registry knows. */
export interface Origin {
  readonly subject: string
  readonly version: number
}

export interface MessageType {
  readonly kind: 'message'
  readonly fullName: string
  readonly message: Message
  readonly file: ProtoFile
  readonly origin: Origin | undefined
  readonly byTag: ReadonlyMap<number, Field>
  /** By the name in the file and by the one in JSON. */
  readonly byName: ReadonlyMap<string, Field>
  /** Of the fields that are in one. */
  readonly oneOfs: ReadonlyMap<Field, OneOf>
}

export interface EnumType {
  readonly kind: 'enum'
  readonly fullName: string
  readonly enum: Enum
  readonly file: ProtoFile
  readonly origin: Origin | undefined
}

export type NamedType = MessageType | EnumType

/** A file that was registered, under the path that imports name. */
export interface NamedFile extends Origin {
  readonly name: string
  readonly schema: string
}

const MAX_IMPORTS = 1_000
const MAP_KEYS = new Set([...SCALARS].filter(scalar => !['double', 'float', 'bytes'].includes(scalar)))

export class Types {
  readonly #byName = new Map<string, NamedType>()
  readonly #resolved = new Map<string, NamedType | undefined>()

  /** Throws Invalid. */
  constructor(file: ProtoFile, references: readonly NamedFile[], read: (text: string) => ProtoFile = parseProto) {
    const given = new Map(references.map(reference => [reference.name, reference]))
    const seen = new Set<string>()
    const load = (imports: readonly string[]): void => {
      for (const name of imports) {
        if (seen.has(name)) continue
        seen.add(name)
        if (seen.size > MAX_IMPORTS) throw new Invalid(`more than ${MAX_IMPORTS} imports`)
        const reference = given.get(name)
        const known = reference === undefined ? knownFile(name) : undefined
        if (reference === undefined && known === undefined) throw new Invalid(`Could not find the import "${name}"`)
        const imported = reference === undefined ? parseProto(known!) : read(reference.schema)
        this.#add(imported, reference ?? { subject: name, version: -1 })
        load([...imported.imports, ...imported.publicImports])
      }
    }
    load([...file.imports, ...file.publicImports])
    // What is referred to without being imported is there all the same, as in Confluent's registry.
    load(references.map(({ name }) => name))
    this.#add(file, undefined)
    this.#check(file)
  }

  /** A name as C++ looks it up: in the innermost scope first. A leading dot makes it a full one. */
  resolve(name: string, scope: string): NamedType | undefined {
    if (name.startsWith('.')) return this.#byName.get(name.slice(1))
    const key = `${scope}\n${name}`
    if (!this.#resolved.has(key)) this.#resolved.set(key, this.#lookup(name, scope))
    return this.#resolved.get(key)
  }

  get(fullName: string): NamedType | undefined {
    return this.#byName.get(fullName)
  }

  #lookup(name: string, scope: string): NamedType | undefined {
    for (let at = scope; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), 0))) {
      const found = this.#byName.get(`${at}.${name}`)
      if (found !== undefined) return found
    }
    return this.#byName.get(name)
  }

  #add(file: ProtoFile, origin: Origin | undefined): void {
    const add = (types: readonly Type[], scope: string): void => {
      for (const type of types) {
        const fullName = scope === '' ? type.name : `${scope}.${type.name}`
        const before = this.#byName.get(fullName)
        if (before !== undefined && before.file === file) throw new Invalid(`"${fullName}" is already defined`)
        if (before !== undefined && origin === undefined)
          throw new Invalid(`"${fullName}" is already defined by an import`)
        if (type.kind === 'enum') this.#byName.set(fullName, { kind: 'enum', fullName, enum: type, file, origin })
        else {
          this.#byName.set(fullName, messageType(type, fullName, file, origin))
          add(type.types, fullName)
        }
      }
    }
    add(file.types, file.package)
  }

  #check(file: ProtoFile): void {
    const check = (types: readonly Type[], scope: string): void => {
      for (const type of types) {
        const fullName = scope === '' ? type.name : `${scope}.${type.name}`
        if (type.kind === 'enum') checkEnum(type, fullName, file)
        else {
          for (const field of allFields(type)) this.#checkField(field, fullName, file)
          check(type.types, fullName)
        }
      }
    }
    check(file.types, file.package)
    for (const { rpcs } of file.services) {
      for (const { request, response } of rpcs) {
        for (const name of [request, response]) this.#require(name, file.package, file.package)
      }
    }
  }

  #checkField(field: Field, scope: string, file: ProtoFile): void {
    const where = `${scope}.${field.name}`
    const map = mapOf(field.type)
    if (map !== undefined) {
      if (!MAP_KEYS.has(map[0])) throw new Invalid(`"${where}": a map's key cannot be ${map[0]}`)
      if (field.label !== undefined) throw new Invalid(`"${where}": a map has no label`)
    }
    if (file.syntax === 'proto3' && field.label === 'required') {
      throw new Invalid(`"${where}": required fields are not allowed in proto3`)
    }
    const name = map?.[1] ?? field.type
    if (!SCALARS.has(name)) this.#require(name, scope, where)
  }

  #require(name: string, scope: string, where: string): void {
    if (this.resolve(name, scope) === undefined) throw new Invalid(`"${name}" is not defined, in "${where}"`)
  }
}

export const jsonName = (name: string): string =>
  name.replace(/_+([^_])/g, (_, letter: string) => letter.toUpperCase()).replace(/_+$/, '')

function messageType(message: Message, fullName: string, file: ProtoFile, origin: Origin | undefined): MessageType {
  const byTag = new Map<number, Field>()
  const byName = new Map<string, Field>()
  for (const field of allFields(message)) {
    if (byTag.has(field.tag)) throw new Invalid(`"${fullName}" uses the field number ${field.tag} twice`)
    if (byName.has(field.name)) throw new Invalid(`"${fullName}" has two fields named ${field.name}`)
    byTag.set(field.tag, field)
    byName.set(field.name, field)
  }
  const tags = [...byTag.keys()].sort((a, b) => a - b)
  for (const reserved of message.reserved.flat()) {
    if (typeof reserved === 'string' && byName.has(reserved)) {
      throw new Invalid(`"${fullName}" uses the reserved name ${reserved}`)
    }
    if (typeof reserved === 'string') continue
    const [first, last] = typeof reserved === 'number' ? [reserved, reserved] : reserved
    const used = firstFrom(tags, first)
    if (used !== undefined && used <= last) throw new Invalid(`"${fullName}" uses the reserved field number ${used}`)
  }
  for (const field of allFields(message)) {
    const given = field.options.find(({ name, custom }) => !custom && name === 'json_name')?.value
    const json = given?.kind === 'string' ? given.text : jsonName(field.name)
    if (!byName.has(json)) byName.set(json, field)
  }
  const oneOfs = new Map(message.oneOfs.flatMap(oneOf => oneOf.fields.map(field => [field, oneOf] as const)))
  return { kind: 'message', fullName, message, file, origin, byTag, byName, oneOfs }
}

/** The first of sorted numbers that is not less. */
function firstFrom(sorted: readonly number[], least: number): number | undefined {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle]! < least) from = middle + 1
    else to = middle
  }
  return sorted[from]
}

function checkEnum(type: Enum, fullName: string, file: ProtoFile): void {
  if (type.constants.length === 0) throw new Invalid(`"${fullName}" has no constants`)
  if (file.syntax === 'proto3' && type.constants[0]!.tag !== 0) {
    throw new Invalid(`"${fullName}": the first constant of an enum is 0 in proto3`)
  }
  const names = new Set<string>()
  const tags = new Set<number>()
  const aliases = type.options.some(
    ({ name, value }) => name === 'allow_alias' && 'text' in value && value.text === 'true',
  )
  for (const { name, tag } of type.constants) {
    if (names.has(name)) throw new Invalid(`"${fullName}" has two constants named ${name}`)
    if (tags.has(tag) && !aliases) throw new Invalid(`"${fullName}" uses the number ${tag} twice`)
    names.add(name)
    tags.add(tag)
  }
}
