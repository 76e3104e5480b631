// Arrays of two JSON schemas: one schema for every item, or one for each of the first (a tuple) and perhaps another for the
// rest, with content models as of objects.

import { isArray, isObject, type Json, type JsonObject } from '../json-text.ts'
import { compareUnevaluated } from './compare-objects.ts'
import { type Comparison, compareLeast, compareMost, difference, under } from './compatibility.ts'
import type { Difference } from './differences.ts'
import type { Node } from './resources.ts'
import { nodeOf } from './shape.ts'

interface Items {
  readonly every: Node | undefined
  readonly first: readonly Json[]
  readonly restAllowed: boolean
  readonly rest: Node | undefined
}

/** `prefixItems` and `items` of 2020-12 are what `items` and `additionalItems` were before. */
function itemsOf(node: JsonObject): Items {
  const [prefix, items] = [node.get('prefixItems'), node.get('items')]
  const tuple = isArray(prefix) ? prefix : isArray(items) ? items : undefined
  const every = tuple === undefined && isObject(items) ? items : undefined
  // A boolean is no schema of items, but says whether there may be any.
  const rest = isArray(prefix) || typeof items === 'boolean' ? items : node.get('additionalItems')
  return {
    every,
    first: tuple ?? [],
    restAllowed: rest !== false || every !== undefined,
    rest: isObject(rest) ? rest : undefined,
  }
}

export function compareArrays(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  const [before, after] = [itemsOf(original), itemsOf(update)]
  const unique = update.get('uniqueItems') === true && original.get('uniqueItems') !== true
  return [
    ...under('items', comparison.compare(before.every, after.every)),
    ...compareTuples(comparison, before, after, original, update),
    ...under('additionalItems', compareRest(comparison, before, after)),
    ...under(
      'unevaluatedItems',
      compareUnevaluated(comparison, original, update, 'unevaluatedItems', 'UNEVALUATED_ITEMS'),
    ),
    ...compareMost(original, update, 'maxItems', 'MAX_ITEMS'),
    ...compareLeast(original, update, 'minItems', 'MIN_ITEMS'),
    ...(unique ? [difference('UNIQUE_ITEMS_ADDED', 'uniqueItems')] : []),
    ...compareMost(original, update, 'maxContains', 'MAX_CONTAINS'),
    ...compareLeast(original, update, 'minContains', 'MIN_CONTAINS'),
  ]
}

function compareTuples(
  comparison: Comparison,
  before: Items,
  after: Items,
  original: JsonObject,
  update: JsonObject,
): Difference[] {
  const differences: Difference[] = []
  const length = Math.max(before.first.length, after.first.length)
  for (let index = 0; index < length; index++) {
    const [was, is] = [before.first[index], after.first[index]]
    const found =
      is === undefined
        ? compareRemoved(comparison, nodeOf(was), after, update)
        : was === undefined
          ? compareAdded(comparison, nodeOf(is), before, original)
          : comparison.compare(nodeOf(was), nodeOf(is))
    differences.push(...under(`items/${index}`, found))
  }
  return differences
}

function compareRemoved(comparison: Comparison, was: Node, after: Items, update: JsonObject): readonly Difference[] {
  if (isOpen(after, update)) return []
  const others = schemaForRest(after, update)
  if (others === undefined) return was === false ? [] : [difference('ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL')]
  const differences = comparison.compare(was, others)
  if (differences.length === 0) return []
  return [...differences, difference('ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL')]
}

function compareAdded(comparison: Comparison, is: Node, before: Items, original: JsonObject): readonly Difference[] {
  if (isOpen(before, original)) {
    return comparison.update.of(is).kind === 'empty' ? [] : [difference('ITEM_ADDED_TO_OPEN_CONTENT_MODEL')]
  }
  const others = schemaForRest(before, original)
  if (others === undefined) return []
  const differences = comparison.compare(others, is)
  if (differences.length === 0) return []
  return [...differences, difference('ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL')]
}

const isAny = (schema: Json): boolean => schema === true || (isObject(schema) && schema.size === 0)

function isOpen(items: Items, node: JsonObject): boolean {
  const unevaluated = node.get('unevaluatedItems')
  return items.restAllowed && items.rest === undefined && (unevaluated === undefined || isAny(unevaluated))
}

function schemaForRest(items: Items, node: JsonObject): Node | undefined {
  if (items.rest !== undefined) return items.rest
  const unevaluated = node.get('unevaluatedItems')
  return items.restAllowed && isObject(unevaluated) && !isAny(unevaluated) ? unevaluated : undefined
}

function compareRest(comparison: Comparison, before: Items, after: Items): readonly Difference[] {
  if (before.restAllowed !== after.restAllowed) {
    return after.restAllowed ? [] : [difference('ADDITIONAL_ITEMS_REMOVED')]
  }
  if (before.rest === undefined && after.rest !== undefined) return [difference('ADDITIONAL_ITEMS_NARROWED')]
  return comparison.compare(before.rest, after.rest)
}
