// Objects of two JSON schemas. Whether a property may come or go depends on the content model: open (any other property is
// allowed), closed (none is), or partially open (others have a schema).

import { isArray, isObject, type Json, type JsonObject } from '../json-text.ts'
import { type Comparison, compareLeast, compareMost, difference, under } from './compatibility.ts'
import type { Difference } from './differences.ts'
import type { Node } from './resources.ts'
import { nodeOf } from './shape.ts'

const NONE: JsonObject = new Map()

const mapOf = (json: Json | undefined): JsonObject => (isObject(json) ? json : NONE)
const propertiesOf = (node: JsonObject): JsonObject => mapOf(node.get('properties'))
const requires = (node: JsonObject, property: string): boolean => {
  const required = node.get('required')
  return isArray(required) && required.includes(property)
}
const hasDefault = (schema: Json): boolean => isObject(schema) && schema.has('default')
/** Only a schema; a boolean is a content model. */
const additional = (node: JsonObject): JsonObject | undefined => {
  const schema = node.get('additionalProperties')
  return isObject(schema) ? schema : undefined
}

export function compareObjects(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  return [
    ...compareRequired(original, update),
    ...compareProperties(comparison, original, update),
    ...compareDependencies(comparison, original, update),
    ...under('additionalProperties', compareAdditional(comparison, original, update)),
    ...under(
      'unevaluatedProperties',
      compareUnevaluated(comparison, original, update, 'unevaluatedProperties', 'UNEVALUATED_PROPERTIES'),
    ),
    ...compareMost(original, update, 'maxProperties', 'MAX_PROPERTIES'),
    ...compareLeast(original, update, 'minProperties', 'MIN_PROPERTIES'),
  ]
}

function compareRequired(original: JsonObject, update: JsonObject): Difference[] {
  const after = propertiesOf(update)
  return [...propertiesOf(original).keys()]
    .filter(key => after.has(key) && requires(update, key) && !requires(original, key) && !hasDefault(after.get(key)!))
    .map(key => difference('REQUIRED_ATTRIBUTE_ADDED', `required/${key}`))
}

function compareProperties(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  const [before, after] = [propertiesOf(original), propertiesOf(update)]
  const differences: Difference[] = []
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)]
    const found =
      is === undefined
        ? compareRemoved(comparison, key, nodeOf(was), update)
        : was === undefined
          ? compareAdded(comparison, key, nodeOf(is), original, update)
          : comparison.compare(nodeOf(was), nodeOf(is))
    differences.push(...under(`properties/${key}`, found))
  }
  return differences
}

/** A property may go if the update takes any other. */
function compareRemoved(comparison: Comparison, key: string, was: Node, update: JsonObject): readonly Difference[] {
  if (isOpen(update)) return []
  const others = schemaForOthers(comparison, update, key)
  if (others === undefined) return was === false ? [] : [difference('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL')]
  const differences = comparison.compare(was, others)
  if (differences.length === 0) return []
  return [...differences, difference('PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL')]
}

/** A property may come if the original took no other: else data may have had it, of any kind. */
function compareAdded(
  comparison: Comparison,
  key: string,
  is: Node,
  original: JsonObject,
  update: JsonObject,
): readonly Difference[] {
  const required = requires(update, key)
  if (isOpen(original)) {
    if (comparison.update.of(is).kind === 'empty') return []
    if (!required) return [difference('OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL')]
    return [
      difference(
        hasDefault(is as Json)
          ? 'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL'
          : 'REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL',
      ),
    ]
  }
  const others = schemaForOthers(comparison, original, key)
  const found = others === undefined ? [] : comparison.compare(others, is)
  return [
    ...found,
    ...(found.length > 0 ? [difference('PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL')] : []),
    ...(required && !hasDefault(is as Json) ? [difference('REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL')] : []),
  ]
}

function isOpen(node: JsonObject): boolean {
  const unevaluated = node.get('unevaluatedProperties')
  return (
    node.get('additionalProperties') !== false &&
    additional(node) === undefined &&
    mapOf(node.get('patternProperties')).size === 0 &&
    (unevaluated === undefined || isAny(unevaluated))
  )
}

/** True, or a schema that says nothing. */
const isAny = (schema: Json): boolean => schema === true || (isObject(schema) && schema.size === 0)

/** What a partially open content model says of a property it does not list. */
function schemaForOthers(comparison: Comparison, node: JsonObject, key: string): Node | undefined {
  for (const [source, schema] of mapOf(node.get('patternProperties'))) {
    if (comparison.matches(source, key)) return nodeOf(schema)
  }
  const others = additional(node)
  if (others !== undefined) return others
  const unevaluated = node.get('unevaluatedProperties')
  const absent = node.get('additionalProperties') !== false
  return absent && isObject(unevaluated) && !isAny(unevaluated) ? unevaluated : undefined
}

function compareAdditional(comparison: Comparison, original: JsonObject, update: JsonObject): readonly Difference[] {
  const [allowed, allows] = [original, update].map(node => node.get('additionalProperties') !== false)
  if (allowed !== allows) return allows ? [] : [difference('ADDITIONAL_PROPERTIES_REMOVED')]
  const [before, after] = [additional(original), additional(update)]
  if (before === undefined && after !== undefined) return [difference('ADDITIONAL_PROPERTIES_NARROWED')]
  return comparison.compare(before, after)
}

/** `unevaluatedProperties` and `unevaluatedItems`, which say the same of what nothing else has spoken of. */
export function compareUnevaluated(
  comparison: Comparison,
  original: JsonObject,
  update: JsonObject,
  keyword: 'unevaluatedProperties' | 'unevaluatedItems',
  name: 'UNEVALUATED_PROPERTIES' | 'UNEVALUATED_ITEMS',
): readonly Difference[] {
  const [before, after] = [original.get(keyword), update.get(keyword)]
  if (after === undefined) return []
  if (after === false) return before === false ? [] : [difference(`${name}_REMOVED`)]
  if (before === undefined) return [difference(`${name}_NARROWED`)]
  if (before === false || isAny(after)) return []
  if (isAny(before)) return [difference(`${name}_NARROWED`)]
  return comparison.compare(nodeOf(before), nodeOf(after))
}

/** In drafts before 2019-09 both kinds were one keyword. */
function dependencies(node: JsonObject): { readonly properties: JsonObject; readonly schemas: JsonObject } {
  const mixed = [...mapOf(node.get('dependencies'))]
  return {
    properties: new Map([...mixed.filter(([, value]) => isArray(value)), ...mapOf(node.get('dependentRequired'))]),
    schemas: new Map([...mixed.filter(([, value]) => !isArray(value)), ...mapOf(node.get('dependentSchemas'))]),
  }
}

function compareDependencies(comparison: Comparison, original: JsonObject, update: JsonObject): Difference[] {
  const [before, after] = [dependencies(original), dependencies(update)]
  const differences: Difference[] = []
  for (const [key, properties] of after.properties) {
    const path = `dependencies/${key}`
    const was = before.properties.get(key)
    const [all, had] = [new Set(properties as readonly Json[]), new Set((was ?? []) as readonly Json[])]
    if (was === undefined) differences.push(difference('DEPENDENCY_ARRAY_ADDED', path))
    else if (!all.isSubsetOf(had)) {
      differences.push(difference(had.isSubsetOf(all) ? 'DEPENDENCY_ARRAY_EXTENDED' : 'DEPENDENCY_ARRAY_CHANGED', path))
    }
  }
  for (const [key, schema] of after.schemas) {
    const path = `dependencies/${key}`
    const was = before.schemas.get(key)
    if (was === undefined) differences.push(difference('DEPENDENCY_SCHEMA_ADDED', path))
    else differences.push(...under(path, comparison.compare(nodeOf(was), nodeOf(schema))))
  }
  return differences
}
