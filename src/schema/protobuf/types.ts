// The types of a .proto file and of everything it imports, by their full names. Checks what the text alone cannot tell:
// that every name means something, and that no number or name is used twice.

import { Invalid } from '../json-text.ts'
import {
  allFields,
  type Enum,
  type Extend,
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

/** A custom option. Its type is looked up from where it was defined. */
export interface Extension {
  readonly fullName: string
  readonly field: Field
  readonly scope: string
  /** Whose options these are, as written. */
  readonly extendee: string
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
  readonly #extensions = new Map<string, Extension>()
  #extensionsByTag: Map<string, Extension> | undefined
  readonly #files = new Map<string, ProtoFile>()
  /** Imports that nobody knows. Files with options of other tools often have some; they matter once a type is missing. */
  readonly #missing: string[] = []

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
        if (reference === undefined && known === undefined) {
          this.#missing.push(name)
          continue
        }
        const imported = reference === undefined ? parseProto(known!) : read(reference.schema)
        this.#files.set(name, imported)
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

  /** The field of an `extend`, which custom options are. */
  extension(name: string, scope: string): Extension | undefined {
    if (name.startsWith('.')) return this.#extensions.get(name.slice(1))
    for (let at = scope; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), 0))) {
      const found = this.#extensions.get(`${at}.${name}`)
      if (found !== undefined) return found
    }
    return this.#extensions.get(name)
  }

  /** The one of this number among those of a message. */
  extensionOf(fullName: string, tag: number): Extension | undefined {
    if (this.#extensionsByTag === undefined) {
      this.#extensionsByTag = new Map()
      for (const extension of this.#extensions.values()) {
        const extendee = this.resolve(extension.extendee, extension.scope)?.fullName ?? extension.extendee
        this.#extensionsByTag.set(`${extendee} ${extension.field.tag}`, extension)
      }
    }
    return this.#extensionsByTag.get(`${fullName} ${tag}`)
  }

  /** An imported file. */
  file(name: string): ProtoFile | undefined {
    return this.#files.get(name)
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

  #addExtensions(extend: readonly Extend[], scope: string): void {
    for (const { name: extendee, fields } of extend) {
      for (const field of fields) {
        const fullName = scope === '' ? field.name : `${scope}.${field.name}`
        this.#extensions.set(fullName, { fullName, field, scope, extendee })
      }
    }
  }

  #add(file: ProtoFile, origin: Origin | undefined): void {
    this.#addExtensions(file.extends, file.package)
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
          this.#addExtensions(type.extends, fullName)
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
        if (type.kind === 'enum') checkEnum(type, fullName)
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
    if (this.resolve(name, scope) !== undefined) return
    const [missing] = this.#missing
    const hint = missing === undefined ? '' : `; the import "${missing}" is not known, and no reference has its name`
    throw new Invalid(`"${name}" is not defined, in "${where}"${hint}`)
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
  for (const field of allFields(message)) {
    const given = field.options.find(({ name, custom }) => !custom && name === 'json_name')?.value
    const json = given?.kind === 'string' ? given.text : jsonName(field.name)
    if (!byName.has(json)) byName.set(json, field)
  }
  const oneOfs = new Map(message.oneOfs.flatMap(oneOf => oneOf.fields.map(field => [field, oneOf] as const)))
  return { kind: 'message', fullName, message, file, origin, byTag, byName, oneOfs }
}

function checkEnum(type: Enum, fullName: string): void {
  if (type.constants.length === 0) throw new Invalid(`"${fullName}" has no constants`)
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
