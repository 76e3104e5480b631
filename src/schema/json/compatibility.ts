// Whether data of one JSON schema is valid under another, by the rules of Confluent's registry: what a change from the
// writer's to the reader's schema takes away is an incompatibility. Only those are collected; what widens says nothing.

import { type Json, JsonNumber, type JsonObject } from '../json-text.ts'
import { compareArrays } from './compare-arrays.ts'
import { compareObjects } from './compare-objects.ts'
import type { Difference, DifferenceType } from './differences.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { Node } from './resources.ts'
import { type Shape, Shapes } from './shape.ts'
import type { JsonSchema } from './schema.ts'
import { matching } from './matching.ts'

/** Pairs of schemas that are compared; 1 MB of unions could ask for billions. */
const MAX_PAIRS = 100_000
/** Schemas inside each other, over both schemas' cycles. */
const MAX_DEPTH = 500
const MAX_DIFFERENCES = 100
/** Names of properties tried on patterns. */
const MAX_MATCHES = 100_000
/** Each pass finds more pairs of a cycle that do not fit. */
const MAX_PASSES = 10

class TooLarge extends Error {}

type Pair = readonly [original: Shape, update: Shape]
type Found = ReadonlyMap<Shape, ReadonlyMap<Shape, readonly Difference[]>>

/** What changes from `original` to `update` that data of the original may not survive. */
export function compareJson(original: JsonSchema, update: JsonSchema): readonly Difference[] {
  try {
    // A pair inside itself is taken to fit. If it turns out that it does not, all is compared again, knowing that.
    const shapes = [new Shapes(original.resources), new Shapes(update.resources)] as const
    let known: Found = new Map()
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const comparison = new Comparison(...shapes, known)
      const differences = comparison.compare(original.resources.root, update.resources.root)
      if (!comparison.assumed || (pass === MAX_PASSES - 1 && differences.length > 0)) return differences
      known = comparison.found
    }
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error
  }
  return [{ type: 'TOO_LARGE_TO_COMPARE', path: '#/' }]
}

export class Comparison {
  readonly original: Shapes
  readonly update: Shapes
  readonly found = new Map<Shape, Map<Shape, readonly Difference[]>>()
  /** Something rests on a pair fitting that was found not to fit later. */
  assumed = false
  readonly #known: Found
  readonly #underway = new Map<Shape, Map<Shape, boolean>>()
  readonly #patterns = new Map<string, Pattern | string>()
  #matches = 0
  #pairs = 0
  #depth = 0
  /** Inside of `not`, what was the original is the update. */
  #swapped = false

  constructor(original: Shapes, update: Shapes, known: Found) {
    this.original = original
    this.update = update
    this.#known = known
  }

  compare(original: Node | Shape | undefined, update: Node | Shape | undefined): readonly Difference[] {
    if (update === undefined) return []
    if (original === undefined) return [difference('SCHEMA_ADDED')]
    const [from, to] = this.#swapped ? [this.update, this.original] : [this.original, this.update]
    return this.#pair([from.of(original), to.of(update)])
  }

  /** Whether a pattern of `patternProperties` is found in the name of a property. */
  matches(source: string, property: string): boolean {
    if (++this.#matches > MAX_MATCHES) throw new TooLarge()
    let pattern = this.#patterns.get(source)
    if (pattern === undefined) this.#patterns.set(source, (pattern = compilePattern(source)))
    return typeof pattern !== 'string' && pattern(property) === true
  }

  #pair([original, update]: Pair): readonly Difference[] {
    const before = this.found.get(original)?.get(update)
    if (before !== undefined) return before
    const underway = this.#underway.get(original) ?? new Map<Shape, boolean>()
    this.#underway.set(original, underway)
    if (underway.has(update)) {
      const known = this.#known.get(original)?.get(update)
      if (known !== undefined && known.length > 0) return known
      underway.set(update, true)
      return []
    }
    if (++this.#pairs > MAX_PAIRS || ++this.#depth > MAX_DEPTH) throw new TooLarge()
    underway.set(update, false)
    const differences = this.#types(original, update).slice(0, MAX_DIFFERENCES)
    if (underway.get(update) === true && differences.length > 0) this.assumed = true
    underway.delete(update)
    this.#depth--
    const byUpdate = this.found.get(original) ?? new Map<Shape, readonly Difference[]>()
    this.found.set(original, byUpdate)
    byUpdate.set(update, differences)
    return differences
  }

  #types(original: Shape, update: Shape): readonly Difference[] {
    const fits = (a: Node | Shape, b: Node | Shape): boolean => this.compare(a, b).length === 0
    if (update.kind === 'combined' && original.kind !== 'combined') {
      const any = update.parts.length === 1 || update.criterion !== 'allOf'
      if (any && update.parts.some(part => fits(original, part))) return []
    } else if (original.kind === 'combined' && update.kind !== 'combined') {
      const any = original.parts.length === 1 || original.criterion === 'allOf'
      if (any && original.parts.some(part => fits(part, update))) return []
    }

    if (original.kind !== update.kind) {
      if (original.kind === 'false' || update.kind === 'empty') return []
      // So that a fix of how Connect writes decimals could pass.
      if (original.connectType === 'bytes' && update.connectType === 'bytes') return []
      return [difference('TYPE_CHANGED')]
    }
    switch (original.kind) {
      case 'string':
        return compareStrings(original.node, (update as typeof original).node)
      case 'number':
        return compareNumbers(original, update as typeof original)
      case 'object':
        return compareObjects(this, original.node, (update as typeof original).node)
      case 'array':
        return compareArrays(this, original.node, (update as typeof original).node)
      case 'enum':
        return compareEnums(original.values, (update as typeof original).values)
      case 'const':
        return original.value === (update as typeof original).value ? [] : [difference('ENUM_ARRAY_CHANGED', 'const')]
      case 'not':
        return this.#compareNot(original.node, (update as typeof original).node)
      case 'combined':
        return this.#compareCombined(original, update as typeof original)
      default:
        return []
    }
  }

  #compareNot(original: Node, update: Node): readonly Difference[] {
    this.#swapped = !this.#swapped
    const differences = this.compare(update, original)
    this.#swapped = !this.#swapped
    return differences.length === 0 ? [] : [difference('NOT_TYPE_EXTENDED', 'not')]
  }

  #compareCombined(
    original: Shape & { readonly kind: 'combined' },
    update: Shape & { readonly kind: 'combined' },
  ): readonly Difference[] {
    const [single, becomesSingle] = [original.parts.length === 1, update.parts.length === 1]
    const sameOrWider =
      original.criterion === update.criterion ||
      update.criterion === 'anyOf' ||
      (single && becomesSingle) ||
      (single && update.criterion === 'oneOf') ||
      (becomesSingle && original.criterion === 'allOf')
    if (!sameOrWider) return [difference('COMBINED_TYPE_CHANGED')]

    const [from, to] = this.#swapped ? [this.update, this.original] : [this.original, this.update]
    const originals = distinct(original.parts.map(part => from.of(part)))
    const updates = distinct(update.parts.map(part => to.of(part)))
    const differences: Difference[] = []
    if (originals.length < updates.length && update.criterion === 'allOf') {
      differences.push(difference('PRODUCT_TYPE_EXTENDED'))
    }
    if (originals.length > updates.length && original.criterion !== 'allOf') {
      differences.push(difference('SUM_TYPE_NARROWED'))
    }
    const edges = originals.map(a => updates.flatMap((b, index) => (this.compare(a, b).length === 0 ? [index] : [])))
    if (matching(edges) < Math.min(originals.length, updates.length)) {
      differences.push(difference('COMBINED_TYPE_SUBSCHEMAS_CHANGED'))
    }
    return differences
  }
}

const distinct = (shapes: readonly Shape[]): Shape[] => [...new Map(shapes.map(shape => [shape.key(), shape])).values()]

export const difference = (type: DifferenceType, path = ''): Difference => ({ type, path: `#/${path}` })

/** The same differences, further inside. */
export const under = (path: string, differences: readonly Difference[]): Difference[] =>
  differences.map(({ type, path: inner }) => ({
    type,
    path: inner === '#/' ? `#/${path}` : `#/${path}/${inner.slice(2)}`,
  }))

const numberOf = (json: Json | undefined): number | undefined => (json instanceof JsonNumber ? json.value : undefined)

type Bounds = 'MAX_LENGTH' | 'MAXIMUM' | 'EXCLUSIVE_MAXIMUM' | 'MAX_PROPERTIES' | 'MAX_ITEMS' | 'MAX_CONTAINS'
type Floors = 'MIN_LENGTH' | 'MINIMUM' | 'EXCLUSIVE_MINIMUM' | 'MIN_PROPERTIES' | 'MIN_ITEMS' | 'MIN_CONTAINS'

/** A most may not come down, and not appear. */
export function compareMost(original: JsonObject, update: JsonObject, keyword: string, name: Bounds): Difference[] {
  const [before, after] = [numberOf(original.get(keyword)), numberOf(update.get(keyword))]
  if (after === undefined) return []
  if (before === undefined) return [difference(`${name}_ADDED`, keyword)]
  return after < before ? [difference(`${name}_DECREASED`, keyword)] : []
}

/** A least may not go up, and not appear. */
export function compareLeast(original: JsonObject, update: JsonObject, keyword: string, name: Floors): Difference[] {
  const [before, after] = [numberOf(original.get(keyword)), numberOf(update.get(keyword))]
  if (after === undefined) return []
  if (before === undefined) return [difference(`${name}_ADDED`, keyword)]
  return after > before ? [difference(`${name}_INCREASED`, keyword)] : []
}

function compareStrings(original: JsonObject, update: JsonObject): readonly Difference[] {
  const [before, after] = [original.get('pattern'), update.get('pattern')]
  return [
    ...compareMost(original, update, 'maxLength', 'MAX_LENGTH'),
    ...compareLeast(original, update, 'minLength', 'MIN_LENGTH'),
    ...(after === undefined || after === before
      ? []
      : [difference(before === undefined ? 'PATTERN_ADDED' : 'PATTERN_CHANGED', 'pattern')]),
  ]
}

function compareNumbers(
  original: Shape & { readonly kind: 'number' | 'string' | 'object' | 'array' },
  update: Shape & { readonly kind: 'number' | 'string' | 'object' | 'array' },
): readonly Difference[] {
  const differences = [
    ...compareMost(original.node, update.node, 'maximum', 'MAXIMUM'),
    ...compareLeast(original.node, update.node, 'minimum', 'MINIMUM'),
    ...compareMost(original.node, update.node, 'exclusiveMaximum', 'EXCLUSIVE_MAXIMUM'),
    ...compareLeast(original.node, update.node, 'exclusiveMinimum', 'EXCLUSIVE_MINIMUM'),
  ]
  const [before, after] = [original.node.get('multipleOf'), update.node.get('multipleOf')]
  if (after instanceof JsonNumber) {
    if (!(before instanceof JsonNumber)) differences.push(difference('MULTIPLE_OF_ADDED', 'multipleOf'))
    else if (before.value !== after.value && isMultiple(after.value, before.value)) {
      differences.push(difference('MULTIPLE_OF_EXPANDED', 'multipleOf'))
    } else if (!isMultiple(before.value, after.value)) {
      differences.push(difference('MULTIPLE_OF_CHANGED', 'multipleOf'))
    }
  }
  if (update.integer && !original.integer) differences.push(difference('TYPE_NARROWED'))
  return differences
}

/** In decimals as they were written: 0.3 is a multiple of 0.1. */
export function isMultiple(value: number, of: number): boolean {
  const quotient = value / of
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient))
}

function compareEnums(original: readonly string[], update: readonly string[]): readonly Difference[] {
  const [before, after] = [new Set(original), new Set(update)]
  if (before.isSubsetOf(after)) return []
  return [difference(after.isSubsetOf(before) ? 'ENUM_ARRAY_NARROWED' : 'ENUM_ARRAY_CHANGED', 'enum')]
}
