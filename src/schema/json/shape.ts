// A JSON schema as kinds of values: what a schema says about strings, numbers, objects and so on apart, and their
// combinations. This is how Confluent's registry sees it (through Everit's library), so its rules of evolution fit on it.

import { Invalid, isArray, isObject, type Json, type JsonObject, writeJson } from '../json-text.ts'
import { isAtLeast, type Node, type Resources } from './resources.ts'

interface Common {
  /** Confluent's mark of what Connect made the schema from. */
  readonly connectType: string | undefined
  readonly hasDefault: boolean
  /** The same for the same schema. */
  key(): string
}

export type Criterion = 'allOf' | 'anyOf' | 'oneOf'

export type Shape = Common &
  (
    | { readonly kind: 'empty' | 'false' | 'boolean' | 'null' | 'conditional' }
    | { readonly kind: 'string' | 'number' | 'object' | 'array'; readonly node: JsonObject; readonly integer: boolean }
    | { readonly kind: 'enum'; readonly values: readonly string[] }
    | { readonly kind: 'const'; readonly value: string }
    | { readonly kind: 'not'; readonly node: Node }
    | { readonly kind: 'combined'; readonly criterion: Criterion; readonly parts: readonly (Node | Shape)[] }
  )

const STRING = ['minLength', 'maxLength', 'pattern', 'format']
const NUMBER = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
const ARRAY = ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems']
const OBJECT = [
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'dependencies',
  'patternProperties',
  'additionalProperties',
]
const CONDITIONAL = ['if', 'then', 'else']
const CRITERIA: readonly Criterion[] = ['allOf', 'anyOf', 'oneOf']

export class Shapes {
  readonly #resources: Resources
  readonly #shapes = new Map<Node | Shape, Shape>()
  readonly #keywords: { readonly string: readonly string[]; readonly number: readonly string[] } & Record<
    'array' | 'object',
    readonly string[]
  >

  constructor(resources: Resources) {
    this.#resources = resources
    const draft = resources.draft
    const latest = isAtLeast(draft, '2019-09')
    this.#keywords = {
      string: STRING,
      number: NUMBER,
      array: [
        ...ARRAY,
        ...(isAtLeast(draft, 'draft-06') ? ['contains'] : []),
        ...(latest ? ['prefixItems', 'minContains', 'maxContains', 'unevaluatedItems'] : []),
      ],
      object: [
        ...OBJECT,
        ...(isAtLeast(draft, 'draft-06') ? ['propertyNames'] : []),
        ...(latest ? ['dependentRequired', 'dependentSchemas', 'unevaluatedProperties'] : []),
      ],
    }
  }

  /** References are followed: never one itself. */
  of(given: Node | Shape): Shape {
    let shape = this.#shapes.get(given)
    if (shape === undefined) this.#shapes.set(given, (shape = this.#make(given)))
    return shape
  }

  #make(given: Node | Shape): Shape {
    if (typeof given === 'boolean')
      return { ...common(undefined, () => String(given)), kind: given ? 'empty' : 'false' }
    if (!isObject(given as Json)) return given as Shape
    const node = given as JsonObject
    const ref = this.#resources.onlyRef(node)
    if (ref !== undefined) return this.of(this.#resources.resolve(node, ref))
    const about = common(node, () => writeJson(node, { sorted: true }))
    const parts = this.#extract(node)
    if (parts.length === 0) return { ...about, kind: 'empty' }
    if (parts.length === 1) return { ...this.of(parts[0]!), ...about }
    return { ...about, kind: 'combined', criterion: 'allOf', parts }
  }

  /** In the order Everit's library takes them out; what a type takes is not left to be sniffed. */
  #extract(node: JsonObject): (Node | Shape)[] {
    const parts: (Node | Shape)[] = []
    const { draft } = this.#resources
    const add = (shape: DistributiveOmit<Shape, keyof Common>, key: string): void => {
      parts.push({ ...common(undefined, () => key), ...shape } as Shape)
    }
    const taken = new Set<string>()
    const has = (keywords: readonly string[]): boolean => keywords.some(key => node.has(key) && !taken.has(key))
    const own = (kind: 'string' | 'number' | 'object' | 'array', integer = false): Shape => ({
      ...common(undefined, () => `${kind} ${integer}`),
      kind,
      node,
      integer,
    })

    const ref = node.get('$ref') ?? node.get('$dynamicRef') ?? node.get('$recursiveRef')
    if (isAtLeast(draft, '2019-09') && typeof ref === 'string') parts.push(this.#resources.resolve(node, ref))
    const values = node.get('enum')
    if (isArray(values)) add({ kind: 'enum', values: values.map(canonical) }, 'enum')
    for (const criterion of CRITERIA) {
      const subschemas = node.get(criterion)
      if (isArray(subschemas)) add({ kind: 'combined', criterion, parts: subschemas.map(nodeOf) }, criterion)
    }
    const not = node.get('not')
    if (not !== undefined) add({ kind: 'not', node: nodeOf(not) }, 'not')
    const constant = node.get('const')
    if (constant !== undefined && isAtLeast(draft, 'draft-06'))
      add({ kind: 'const', value: canonical(constant) }, 'const')

    const ofType = (type: Json): Shape => {
      switch (type) {
        case 'null':
        case 'boolean':
          return { ...common(undefined, () => type), kind: type }
        case 'integer':
          for (const key of NUMBER) taken.add(key)
          return own('number', true)
        default: {
          const kind = type as 'string' | 'number' | 'object' | 'array'
          for (const key of this.#keywords[kind]) taken.add(key)
          return own(kind)
        }
      }
    }
    const type = node.get('type')
    if (typeof type === 'string') parts.push(ofType(type))
    else if (isArray(type)) add({ kind: 'combined', criterion: 'anyOf', parts: type.map(ofType) }, 'type')

    for (const kind of ['array', 'object', 'number', 'string'] as const) {
      if (has(this.#keywords[kind])) parts.push(own(kind))
    }
    if (isAtLeast(draft, 'draft-07') && has(CONDITIONAL)) add({ kind: 'conditional' }, 'if')
    return parts
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

const common = (node: JsonObject | undefined, key: () => string): Common => {
  const connectType = node?.get('connect.type')
  return {
    connectType: typeof connectType === 'string' ? connectType : undefined,
    hasDefault: node?.has('default') ?? false,
    key,
  }
}

/** Equal for values that JSON schema calls equal: 1 and 1.0, and objects in any order. */
export const canonical = (json: Json): string => writeJson(json, { sorted: true, number: ({ value }) => String(value) })

export function nodeOf(json: Json | undefined): Node {
  if (isObject(json) || typeof json === 'boolean') return json
  throw new Invalid(
    `A schema must be an object or a boolean, found ${json === undefined ? 'none' : canonical(json).slice(0, 100)}`,
  )
}
