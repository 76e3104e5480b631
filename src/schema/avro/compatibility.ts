// Whether data of one Avro schema can be read with another: the specification's schema resolution, with the findings and
// paths of Avro's own SchemaCompatibility. Each pair of types is compared once, so recursion ends and time is bounded.

import { printAvro } from './print.ts'
import {
  type AvroType,
  type Field,
  isNamed,
  isRecord,
  type NamedType,
  type Primitive,
  type RecordType,
} from './types.ts'

/** Pairs of types that are compared; schemas of 1 MB could ask for billions. */
const MAX_PAIRS = 200_000
/** Types inside each other; a cycle of one schema runs along every cycle of the other. */
const MAX_DEPTH = 500
const MAX_FINDINGS = 100
/** Symbols that are named in a finding. */
const MAX_SYMBOLS = 100

export interface Finding extends Omit<Found, 'path'> {
  /** JSON pointer into the reader's schema, or '/'. */
  readonly path: string
}

/** Most of what is found is of branches that were only tried, so places become text at the end. */
interface Found {
  readonly type:
    | 'NAME_MISMATCH'
    | 'FIXED_SIZE_MISMATCH'
    | 'MISSING_ENUM_SYMBOLS'
    | 'READER_FIELD_MISSING_DEFAULT_VALUE'
    | 'TYPE_MISMATCH'
    | 'MISSING_UNION_BRANCH'
    | 'SEVERAL_WRITER_FIELDS'
    | 'TOO_LARGE_TO_COMPARE'
  readonly path: Path
  readonly message: string
}

/** What each primitive can be read as besides itself. */
const promotions: Partial<Record<Primitive, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

/** Undefined: the root. */
type Path = { readonly step: string; readonly outer: Path } | undefined

const under = (path: Path, ...steps: readonly string[]): Path =>
  steps.reduce<Path>((outer, step) => ({ step, outer }), path)

function pointer(path: Path): string {
  const steps: string[] = []
  for (let at = path; at !== undefined; at = at.outer) steps.push(at.step.replaceAll('~', '~0').replaceAll('/', '~1'))
  return `/${steps.reverse().join('/')}`
}

class TooLarge extends Error {}

/** Avro's checker gives up on a field that has several of the writer's for its source. */
class SeveralFields extends Error {}
/** Of the writer's schema, in such a sentence. */
const MAX_QUOTED = 10_240

/** Empty: everything that was written with `writer` can be read with `reader`. */
export function compareAvro(reader: AvroType, writer: AvroType): readonly Finding[] {
  const compared = new Map<AvroType, Map<AvroType, readonly Found[]>>()
  let pairs = 0

  /** A pair on the way is taken to fit until it is found otherwise. */
  const compare = (reader: AvroType, writer: AvroType, path: Path, depth: number): readonly Found[] => {
    let byWriter = compared.get(reader)
    if (byWriter === undefined) compared.set(reader, (byWriter = new Map()))
    const before = byWriter.get(writer)
    if (before !== undefined) return before
    if (++pairs > MAX_PAIRS || depth > MAX_DEPTH) throw new TooLarge()
    byWriter.set(writer, [])
    const findings = compareTypes(reader, writer, path, depth + 1).slice(0, MAX_FINDINGS)
    byWriter.set(writer, findings)
    return findings
  }

  const compareTypes = (reader: AvroType, writer: AvroType, path: Path, depth: number): readonly Found[] => {
    if (writer.type === 'union') {
      return writer.branches.flatMap((branch, index) => {
        const at = under(path, String(index))
        if (reader.type !== 'union') return compare(reader, branch, at, depth)
        return compare(reader, branch, undefined, depth).length === 0 ? [] : [missingBranch(branch, at)]
      })
    }
    if (reader.type === 'union') {
      const fits = reader.branches.some(branch => compare(branch, writer, undefined, depth).length === 0)
      return fits ? [] : [missingBranch(writer, path)]
    }
    if (reader.type === 'array' && writer.type === 'array') {
      return compare(reader.items, writer.items, under(path, 'items'), depth)
    }
    if (reader.type === 'map' && writer.type === 'map') {
      return compare(reader.values, writer.values, under(path, 'values'), depth)
    }
    if (isRecord(reader) && isRecord(writer)) {
      return [...compareNames(reader, writer, path), ...compareFields(reader, writer, path, depth)]
    }
    if (reader.type === 'enum' && writer.type === 'enum') {
      const missing = writer.symbols.filter(symbol => !reader.positions.has(symbol)).sort()
      return [
        ...compareNames(reader, writer, path),
        ...(missing.length === 0 || reader.default !== undefined
          ? []
          : [
              finding(
                'MISSING_ENUM_SYMBOLS',
                under(path, 'symbols'),
                `[${missing.slice(0, MAX_SYMBOLS).join(', ')}${missing.length > MAX_SYMBOLS ? ', …' : ''}]`,
              ),
            ]),
      ]
    }
    if (reader.type === 'fixed' && writer.type === 'fixed') {
      return [
        ...compareNames(reader, writer, path),
        ...(reader.size === writer.size
          ? []
          : [finding('FIXED_SIZE_MISMATCH', under(path, 'size'), `expected: ${writer.size}, found: ${reader.size}`)]),
      ]
    }
    if (reader.type === writer.type || promotions[writer.type as Primitive]?.includes(reader.type)) return []
    const message = `reader type: ${kind(reader)} not compatible with writer type: ${kind(writer)}`
    return [finding('TYPE_MISMATCH', path, message)]
  }

  const compareFields = (reader: RecordType, writer: RecordType, path: Path, depth: number): readonly Found[] =>
    reader.fields.flatMap((field, index) => {
      const at = under(path, 'fields', String(index))
      const source = sourceOf(field, index, writer)
      if (source !== undefined) return compare(field.type, source.type, under(at, 'type'), depth)
      if (field.default !== undefined) return []
      // Avro lets the default of an enum stand in for the field's and then compares it with the whole record: no match.
      if (field.type.type === 'enum' && field.type.default !== undefined) {
        return compare(field.type, writer, under(at, 'type'), depth)
      }
      return [finding('READER_FIELD_MISSING_DEFAULT_VALUE', at, field.name)]
    })

  const found = (): readonly Found[] => {
    try {
      return compare(reader, writer, undefined, 0)
    } catch (error) {
      if (error instanceof SeveralFields) return [finding('SEVERAL_WRITER_FIELDS', undefined, error.message)]
      if (error instanceof TooLarge)
        return [finding('TOO_LARGE_TO_COMPARE', undefined, 'the schemas are too large to be compared')]
      throw error
    }
  }
  return found().map(({ type, path, message }) => ({ type, path: pointer(path), message }))
}

/** The writer's field of the same name, or of one that the reader says it had. */
function sourceOf(field: Field, index: number, writer: RecordType): Field | undefined {
  const positions = [field.name, ...field.aliases]
    .map(name => writer.positions.get(name))
    .filter(position => position !== undefined)
  if (positions.length < 2) return positions.length === 0 ? undefined : writer.fields[positions[0]!]
  const text = printAvro(writer, { known: new Set(), normalized: false }).slice(0, MAX_QUOTED)
  throw new SeveralFields(
    `Reader record field ${field.name} type:${kind(field.type)} pos:${index} matches multiple fields in writer record schema ${text}`,
  )
}

/** Names without their namespaces, as Avro compares; aliases with. */
function compareNames(reader: NamedType, writer: NamedType, path: Path): readonly Found[] {
  if (reader.name === writer.name || reader.aliases.includes(writer.fullName)) return []
  return [finding('NAME_MISMATCH', under(path, 'name'), `expected: ${writer.fullName}`)]
}

function missingBranch(writer: AvroType, path: Path): Found {
  return finding('MISSING_UNION_BRANCH', path, `reader union lacking writer type: ${kind(writer)}`)
}

const kind = (type: AvroType): string => (isNamed(type) && isRecord(type) ? 'RECORD' : type.type.toUpperCase())

const finding = (type: Found['type'], path: Path, message: string): Found => ({ type, path, message })
