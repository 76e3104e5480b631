// Whether data of one .proto file can be read with another, by the rules of Confluent's registry: fields are known by their
// numbers, so names may change, and what must not is what a number means. Only incompatible changes are collected.

import { allFields, type Field, mapOf, type Message, type OneOf, SCALARS, type Type } from './file.ts'
import type { ProtobufSchema } from './schema.ts'
import type { MessageType, NamedType } from './types.ts'

const MAX_MESSAGES = 20_000
const MAX_DIFFERENCES = 100
const MAX_DEPTH = 200

export type DifferenceType =
  | 'PACKAGE_CHANGED'
  | 'MESSAGE_REMOVED'
  | 'FIELD_KIND_CHANGED'
  | 'FIELD_SCALAR_KIND_CHANGED'
  | 'FIELD_NAMED_TYPE_CHANGED'
  | 'FIELD_NUMERIC_LABEL_CHANGED'
  | 'REQUIRED_FIELD_ADDED'
  | 'REQUIRED_FIELD_REMOVED'
  | 'ONEOF_FIELD_REMOVED'
  | 'MULTIPLE_FIELDS_MOVED_TO_ONEOF'
  | 'FIELD_MOVED_TO_EXISTING_ONEOF'
  | 'TOO_LARGE_TO_COMPARE'

export interface Difference {
  readonly type: DifferenceType
  /** '#/' and the names of messages, then of a oneof, then the number of a field. */
  readonly path: string
}

/** What a number on the wire can be read as without harm. */
const scalarKinds: Record<string, string> = {
  int32: 'number',
  int64: 'number',
  uint32: 'number',
  uint64: 'number',
  bool: 'number',
  sint32: 'zigzag',
  sint64: 'zigzag',
  string: 'bytes',
  bytes: 'bytes',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  float: 'float',
  double: 'double',
}

class TooLarge extends Error {}

/** What changes from `original` to `update` that data of the original may not survive. */
export function compareProto(original: ProtobufSchema, update: ProtobufSchema): readonly Difference[] {
  try {
    return new Comparison(original, update).compare().slice(0, MAX_DIFFERENCES)
  } catch (error) {
    if (error instanceof TooLarge) return [difference('TOO_LARGE_TO_COMPARE', [])]
    throw error
  }
}

type Path = readonly string[]

const difference = (type: DifferenceType, path: Path): Difference => ({ type, path: `#/${path.join('/')}` })

class Comparison {
  readonly #original: ProtobufSchema
  readonly #update: ProtobufSchema
  /** Messages of imports, by both full names: compared once, and underway taken to fit. */
  readonly #imported = new Map<string, readonly Difference[]>()
  #messages = 0

  constructor(original: ProtobufSchema, update: ProtobufSchema) {
    this.#original = original
    this.#update = update
  }

  compare(): readonly Difference[] {
    const [before, after] = [this.#original.file, this.#update.file]
    return [
      ...(before.package === after.package ? [] : [difference('PACKAGE_CHANGED', [])]),
      ...this.#types(before.types, after.types, { original: before.package, update: after.package }, []),
    ]
  }

  #types(original: readonly Type[], update: readonly Type[], scope: Scope, path: Path): Difference[] {
    const after = new Map(update.filter(type => type.kind === 'message').map(type => [type.name, type]))
    return original.flatMap(type => {
      // The constants of enums may come and go.
      if (type.kind === 'enum') return []
      const at = [...path, type.name]
      const same = after.get(type.name)
      if (same === undefined) return [difference('MESSAGE_REMOVED', at)]
      return this.#message(type, same, inner(scope, type.name), at)
    })
  }

  #message(original: Message, update: Message, scope: Scope, path: Path): Difference[] {
    if (++this.#messages > MAX_MESSAGES || path.length > MAX_DEPTH) throw new TooLarge()
    const [before, after] = [new Fields(original), new Fields(update)]
    return [
      ...update.oneOfs.flatMap(oneOf => compareOneOf(oneOf, before, path)),
      ...[...new Set([...before.byTag.keys(), ...after.byTag.keys()])]
        .sort((a, b) => a - b)
        .flatMap(tag => this.#field(tag, before, after, scope, path)),
      ...this.#types(original.types, update.types, scope, path),
    ]
  }

  #field(tag: number, before: Fields, after: Fields, scope: Scope, path: Path): readonly Difference[] {
    const [was, is] = [before.byTag.get(tag), after.byTag.get(tag)]
    const [wasIn, isIn] = [before.oneOfs.get(tag), after.oneOfs.get(tag)]
    const at = [...path, String(tag)]
    if (was === undefined)
      return is?.label === 'required' && isIn === undefined ? [difference('REQUIRED_FIELD_ADDED', at)] : []
    if (is !== undefined) {
      return this.#compareField(was, is, scope, isIn === undefined ? at : [...path, isIn.name, String(tag)])
    }
    if (wasIn === undefined) return was.label === 'required' ? [difference('REQUIRED_FIELD_REMOVED', at)] : []
    // A oneof may go as a whole, but not some of what it could be.
    const wholeIsGone = !after.names.has(wasIn.name) && wasIn.fields.every(field => !after.byTag.has(field.tag))
    return wholeIsGone ? [] : [difference('ONEOF_FIELD_REMOVED', [...path, wasIn.name, String(tag)])]
  }

  #compareField(was: Field, is: Field, scope: Scope, path: Path): readonly Difference[] {
    const [before, after] = [mapOf(was.type), mapOf(is.type)]
    if (before !== undefined && after !== undefined) {
      return [
        ...this.#compareTypes(before[0], after[0], undefined, undefined, scope, path),
        ...this.#compareTypes(before[1], after[1], undefined, undefined, scope, path),
      ]
    }
    if (before !== undefined || after !== undefined) return [difference('FIELD_KIND_CHANGED', path)]
    return this.#compareTypes(was.type, is.type, was.label, is.label, scope, path)
  }

  #compareTypes(
    was: string,
    is: string,
    labelWas: Field['label'],
    labelIs: Field['label'],
    scope: Scope,
    path: Path,
  ): readonly Difference[] {
    const before = SCALARS.has(was) ? undefined : this.#original.types.resolve(was, scope.original)
    const after = SCALARS.has(is) ? undefined : this.#update.types.resolve(is, scope.update)
    const [kindWas, kindIs] = [scalarKind(was, before), scalarKind(is, after)]
    if ((kindWas === undefined) !== (kindIs === undefined)) return [difference('FIELD_KIND_CHANGED', path)]
    if (kindWas !== undefined) {
      if (kindWas !== kindIs) return [difference('FIELD_SCALAR_KIND_CHANGED', path)]
      const labels = labelWas !== undefined && labelIs !== undefined && labelWas !== labelIs
      return labels && kindWas !== 'bytes' ? [difference('FIELD_NUMERIC_LABEL_CHANGED', path)] : []
    }
    if (before?.kind !== 'message' || after?.kind !== 'message') return []
    return this.#compareMessages(before, after, path)
  }

  /** Messages are the same by their name in the package. What was imported may have changed under it. */
  #compareMessages(was: MessageType, is: MessageType, path: Path): readonly Difference[] {
    const changed = difference('FIELD_NAMED_TYPE_CHANGED', path)
    const name = localName(was)
    if (name !== localName(is)) return [changed]
    if (was.origin?.subject === is.origin?.subject && was.origin?.version === is.origin?.version) return []
    const key = `${was.fullName}\n${is.fullName}`
    let found = this.#imported.get(key)
    if (found === undefined) {
      this.#imported.set(key, [])
      const scope = { original: was.fullName, update: is.fullName }
      found = this.#message(was.message, is.message, scope, name.split('.')).slice(0, MAX_DIFFERENCES)
      this.#imported.set(key, found)
    }
    return found.length === 0 ? [] : [...found, changed]
  }
}

/** Where names are looked up, on both sides. */
interface Scope {
  readonly original: string
  readonly update: string
}

const inner = ({ original, update }: Scope, name: string): Scope => ({
  original: original === '' ? name : `${original}.${name}`,
  update: update === '' ? name : `${update}.${name}`,
})

class Fields {
  readonly byTag: ReadonlyMap<number, Field>
  /** Of the fields that are in one. */
  readonly oneOfs: ReadonlyMap<number, OneOf>
  readonly names: ReadonlySet<string>

  constructor(message: Message) {
    this.byTag = new Map(allFields(message).map(field => [field.tag, field]))
    this.oneOfs = new Map(message.oneOfs.flatMap(oneOf => oneOf.fields.map(({ tag }) => [tag, oneOf] as const)))
    this.names = new Set(message.oneOfs.map(({ name }) => name))
  }
}

/** Fields that could be there together must not exclude each other later. */
function compareOneOf(oneOf: OneOf, before: Fields, path: Path): Difference[] {
  const known = oneOf.fields.filter(({ tag }) => before.byTag.has(tag))
  const outside = known.filter(({ tag }) => !before.oneOfs.has(tag)).length
  const sources = new Set(known.flatMap(({ tag }) => before.oneOfs.get(tag)?.name ?? []))
  if (sources.size + outside <= 1) return []
  return [
    difference(outside > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF', [...path, oneOf.name]),
  ]
}

/** Undefined for a message. */
function scalarKind(name: string, type: NamedType | undefined): string | undefined {
  return type?.kind === 'enum' ? 'number' : scalarKinds[name]
}

function localName({
  fullName,
  file,
}: {
  readonly fullName: string
  readonly file: { readonly package: string }
}): string {
  return file.package !== '' && fullName.startsWith(`${file.package}.`)
    ? fullName.slice(file.package.length + 1)
    : fullName
}

const sentences: Record<DifferenceType, (path: string, reader: string, writer: string) => string> = {
  PACKAGE_CHANGED: (path, reader, writer) =>
    `The package at '${path}' in the ${reader} schema does not match the package in the ${writer} schema`,
  MESSAGE_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a MESSAGE type at path '${path}' in the ${writer} schema`,
  FIELD_KIND_CHANGED: (path, reader, writer) =>
    `The type of a field at path '${path}' in the ${reader} schema does not match the ${writer} schema`,
  FIELD_SCALAR_KIND_CHANGED: (path, reader, writer) =>
    `The kind of a SCALAR field at path '${path}' in the ${reader} schema does not match its kind in the ${writer} schema`,
  FIELD_NAMED_TYPE_CHANGED: (path, reader, writer) =>
    `The type of a MESSAGE field at path '${path}' in the ${reader} schema does not match its type in the ${writer} schema`,
  FIELD_NUMERIC_LABEL_CHANGED: (path, reader, writer) =>
    `The label for a NUMERIC field at path '${path}' in the ${reader} schema does not match its label in the ${writer} ` +
    'schema',
  REQUIRED_FIELD_ADDED: (path, reader, writer) =>
    `A required field  at path '${path}' in the ${reader} schema is missing in the ${writer} schema`,
  REQUIRED_FIELD_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a required field at path: '${path}' in the ${writer} schema`,
  ONEOF_FIELD_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a oneof field at path '${path}' in the ${writer} schema`,
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: (path, reader, writer) =>
    `Multiple fields in the oneof at path '${path}' in the ${reader} schema are outside a oneof in the ${writer} schema`,
  FIELD_MOVED_TO_EXISTING_ONEOF: (path, reader, writer) =>
    `A field in the oneof at path '${path}' in the ${reader} schema is outside an existing oneof in the ${writer} schema`,
  TOO_LARGE_TO_COMPARE: () => 'The schemas are too large or too deep to be compared',
}

export const worded = ({ type, path }: Difference, reader: string, writer: string): string =>
  `{errorType:"${type}", description:"${sentences[type](path, reader, writer)}"}`
