// Whether a value is valid under a JSON schema of any draft. Interprets, for a Worker cannot compile; says the first thing
// that is wrong, and where. `format` is taken as a note, as the later drafts do.

import { BadDatum, integerOf, isRecord, type JsonRecord, type Path } from '../datum.ts'
import { isArray, isObject, type Json, type JsonObject } from '../json-text.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import { isAtLeast, type Node, type Resources } from './resources.ts'
import { nodeOf } from './shape.ts'
import { canonicalValue, checkNumber, equals, isOfType, limit, typeOf } from './values.ts'

/** Schemas applied to values in one record: references can make them exponentially many. */
const MAX_CHECKS = 2_000_000
const MAX_DEPTH = 300

/** What was wrong first; undefined: nothing. */
type Problem = { readonly path: Path; readonly message: string } | undefined

/** What a schema has spoken of, so that `unevaluated…` can tell what is left. */
class Evaluated {
  readonly properties = new Set<string>()
  readonly items = new Set<number>()

  add(other: Evaluated): void {
    for (const property of other.properties) this.properties.add(property)
    for (const item of other.items) this.items.add(item)
  }
}

/** Throws BadDatum. */
export function validateJson(resources: Resources, value: unknown): void {
  const problem = new Validation(resources).check(resources.root, value, undefined, 0, new Evaluated())
  if (problem !== undefined) throw new BadDatum(problem.path, problem.message)
}

class Validation {
  readonly #resources: Resources
  readonly #latest: boolean
  readonly #patterns = new Map<string, Pattern | string>()
  /** Documents on the way to the schema at hand, the outermost first. */
  readonly #documents: string[] = []
  #checks = 0

  constructor(resources: Resources) {
    this.#resources = resources
    this.#latest = isAtLeast(resources.draft, '2019-09')
  }

  check(node: Node, value: unknown, path: Path, depth: number, evaluated: Evaluated): Problem {
    const document = typeof node === 'boolean' ? undefined : this.#resources.documentOf(node)
    const enters = document !== undefined && document !== this.#documents.at(-1)
    if (enters) this.#documents.push(document)
    const problem = this.#check(node, value, path, depth, evaluated)
    if (enters) this.#documents.pop()
    return problem
  }

  #check(node: Node, value: unknown, path: Path, depth: number, evaluated: Evaluated): Problem {
    if (++this.#checks > MAX_CHECKS || depth > MAX_DEPTH) {
      throw new BadDatum(path, 'the schema asks for more checks than are made for one record')
    }
    if (typeof node === 'boolean') return node ? undefined : { path, message: 'nothing is allowed here' }
    // Apart, so that schemas beside each other do not see what the others have spoken of.
    const within = (node: Json): Problem => this.#apart(node, value, path, depth, evaluated)

    const ref = node.get('$ref')
    if (typeof ref === 'string') {
      const problem = within(this.#resources.resolve(node, ref))
      if (problem !== undefined || !this.#latest) return problem
    }
    const dynamic = this.#latest ? this.#dynamicTarget(node) : undefined
    if (dynamic !== undefined) {
      const problem = within(dynamic)
      if (problem !== undefined) return problem
    }
    const simple = this.#checkSelf(node, value)
    if (simple !== undefined) return { path, message: simple }
    return (
      this.#checkCombined(node, value, path, depth, evaluated) ??
      (Array.isArray(value) ? this.#checkItems(node, value, path, depth, evaluated) : undefined) ??
      (isRecord(value) ? this.#checkProperties(node, value, path, depth, evaluated) : undefined)
    )
  }

  /** A reference that leads to the outermost document on the way here that answers to its name. */
  #dynamicTarget(node: JsonObject): Node | undefined {
    const [ref, recursive] = [node.get('$dynamicRef'), node.get('$recursiveRef')]
    const given = typeof ref === 'string' ? ref : recursive
    if (typeof given !== 'string') return undefined
    const target = this.#resources.resolve(node, given)
    if (!isObject(target)) return target
    const anchor = typeof ref === 'string' ? ref.slice(ref.indexOf('#') + 1) : ''
    const isDynamic = (candidate: Json | undefined): boolean =>
      isObject(candidate) &&
      (typeof ref === 'string'
        ? candidate.get('$dynamicAnchor') === anchor
        : candidate.get('$recursiveAnchor') === true)
    if (!isDynamic(target)) return target
    for (const document of this.#documents) {
      const candidate = this.#resources.anchored(document, anchor)
      if (isDynamic(candidate)) return candidate
    }
    return target
  }

  #apart(node: Json, value: unknown, path: Path, depth: number, evaluated: Evaluated): Problem {
    const seen = new Evaluated()
    const problem = this.check(nodeOf(node), value, path, depth + 1, seen)
    if (problem === undefined) evaluated.add(seen)
    return problem
  }

  /** What needs no other schema. */
  #checkSelf(node: JsonObject, value: unknown): string | undefined {
    const type = node.get('type')
    if (type !== undefined) {
      const types = (isArray(type) ? type : [type]) as readonly string[]
      if (!types.some(type => isOfType(type, value))) return `${types.join(' or ')} expected, found ${typeOf(value)}`
    }
    const values = node.get('enum')
    if (isArray(values) && !values.some(item => equals(item, value))) return 'is not one of the values in enum'
    const constant = node.get('const')
    if (constant !== undefined && this.#resources.draft !== 'draft-04' && !equals(constant, value)) {
      return 'is not the value of const'
    }
    const number = typeof value === 'number' ? value : integerOf(typeof value === 'string' ? undefined : value)
    if (number !== undefined) return checkNumber(node, Number(number))
    if (typeof value === 'string') return this.#checkString(node, value)
    return undefined
  }

  #checkString(node: JsonObject, value: string): string | undefined {
    const [most, least] = [limit(node, 'maxLength'), limit(node, 'minLength')]
    if (most !== undefined || least !== undefined) {
      const length = [...value].length
      if (most !== undefined && length > most) return `longer than ${most} characters`
      if (least !== undefined && length < least) return `shorter than ${least} characters`
    }
    const pattern = node.get('pattern')
    if (typeof pattern === 'string' && !this.#matches(pattern, value)) return `does not match ${pattern.slice(0, 100)}`
    return undefined
  }

  #matches(source: string, text: string): boolean {
    let pattern = this.#patterns.get(source)
    if (pattern === undefined) this.#patterns.set(source, (pattern = compilePattern(source)))
    const found = typeof pattern === 'string' ? true : pattern(text)
    if (found === undefined) throw new BadDatum(undefined, `a text is too long for the pattern ${source.slice(0, 100)}`)
    return found
  }

  #checkCombined(node: JsonObject, value: unknown, path: Path, depth: number, evaluated: Evaluated): Problem {
    const check = (schema: Json, seen: Evaluated): Problem => this.check(nodeOf(schema), value, path, depth + 1, seen)

    for (const schema of listOf(node.get('allOf'))) {
      const problem = this.#apart(schema, value, path, depth, evaluated)
      if (problem !== undefined) return problem
    }
    const any = node.get('anyOf')
    if (isArray(any)) {
      let first: Problem
      let fits = false
      for (const schema of any) {
        const seen = new Evaluated()
        const problem = check(schema, seen)
        if (problem === undefined) evaluated.add(seen)
        fits ||= problem === undefined
        first ??= problem
        // Every branch that fits has spoken of something; without `unevaluated…` one is enough.
        if (fits && !this.#latest) break
      }
      if (!fits) return any.length === 1 ? first : { path, message: 'fits none of anyOf' }
    }
    const one = node.get('oneOf')
    if (isArray(one)) {
      let first: Problem
      let fits = 0
      for (const schema of one) {
        const seen = new Evaluated()
        const problem = check(schema, seen)
        if (problem === undefined) evaluated.add(seen)
        fits += Number(problem === undefined)
        first ??= problem
      }
      if (fits === 0) return one.length === 1 ? first : { path, message: 'fits none of oneOf' }
      if (fits > 1) return { path, message: `fits ${fits} of oneOf` }
    }
    const not = node.get('not')
    if (not !== undefined && check(not, new Evaluated()) === undefined) {
      return { path, message: 'fits what it must not' }
    }
    const condition = node.get('if')
    if (condition !== undefined && isAtLeast(this.#resources.draft, 'draft-07')) {
      const seen = new Evaluated()
      const holds = check(condition, seen) === undefined
      if (holds) evaluated.add(seen)
      const branch = node.get(holds ? 'then' : 'else')
      if (branch !== undefined) return this.#apart(branch, value, path, depth, evaluated)
    }
    return undefined
  }

  #checkItems(node: JsonObject, items: readonly unknown[], path: Path, depth: number, evaluated: Evaluated): Problem {
    const [most, least] = [limit(node, 'maxItems'), limit(node, 'minItems')]
    if (most !== undefined && items.length > most) return { path, message: `more than ${most} items` }
    if (least !== undefined && items.length < least) return { path, message: `fewer than ${least} items` }
    if (node.get('uniqueItems') === true && new Set(items.map(canonicalValue)).size < items.length) {
      return { path, message: 'has an item twice' }
    }
    const check = (schema: Json, index: number): Problem => {
      evaluated.items.add(index)
      return this.check(nodeOf(schema), items[index], { step: index, outer: path }, depth + 1, new Evaluated())
    }
    const [prefix, given] = [node.get('prefixItems'), node.get('items')]
    const tuple = isArray(prefix) ? prefix : isArray(given) ? given : []
    const rest = isArray(given) ? node.get('additionalItems') : given
    for (let index = 0; index < items.length; index++) {
      const schema = index < tuple.length ? tuple[index] : rest
      const problem = schema === undefined ? undefined : check(schema, index)
      if (problem !== undefined) return problem
    }
    const contains = node.get('contains')
    if (contains !== undefined && this.#resources.draft !== 'draft-04') {
      let count = 0
      items.forEach((item, index) => {
        const at = { step: index, outer: path }
        if (this.check(nodeOf(contains), item, at, depth + 1, new Evaluated()) !== undefined) return
        count++
        if (this.#resources.draft === '2020-12') evaluated.items.add(index)
      })
      const [atLeast, atMost] = [limit(node, 'minContains') ?? 1, limit(node, 'maxContains') ?? Infinity]
      if (count < (this.#latest ? atLeast : 1)) return { path, message: 'contains too few of what it must' }
      if (this.#latest && count > atMost) return { path, message: 'contains too many of what it must' }
    }
    const unevaluated = node.get('unevaluatedItems')
    if (unevaluated === undefined || !this.#latest) return undefined
    for (let index = 0; index < items.length; index++) {
      const problem = evaluated.items.has(index) ? undefined : check(unevaluated, index)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #checkProperties(node: JsonObject, value: JsonRecord, path: Path, depth: number, evaluated: Evaluated): Problem {
    const keys = Object.keys(value)
    const [most, least] = [limit(node, 'maxProperties'), limit(node, 'minProperties')]
    if (most !== undefined && keys.length > most) return { path, message: `more than ${most} properties` }
    if (least !== undefined && keys.length < least) return { path, message: `fewer than ${least} properties` }
    for (const key of listOf(node.get('required'))) {
      if (!Object.hasOwn(value, key as string)) return { path, message: `lacks the property ${String(key)}` }
    }
    const missing = this.#checkDependencies(node, value, path, depth, evaluated)
    if (missing !== undefined) return missing

    const check = (schema: Json, key: string): Problem => {
      evaluated.properties.add(key)
      return this.check(nodeOf(schema), value[key], { step: key, outer: path }, depth + 1, new Evaluated())
    }
    const properties = node.get('properties')
    const patterns = isObject(node.get('patternProperties')) ? [...(node.get('patternProperties') as JsonObject)] : []
    const others = node.get('additionalProperties')
    const names = node.get('propertyNames')
    for (const key of keys) {
      const own = isObject(properties) ? properties.get(key) : undefined
      const matching = patterns.filter(([pattern]) => this.#matches(pattern, key)).map(([, schema]) => schema)
      const schemas = own === undefined ? matching : [own, ...matching]
      if (schemas.length === 0 && others === false)
        return { path, message: `has a property too much: ${key.slice(0, 100)}` }
      if (schemas.length === 0 && others !== undefined) schemas.push(others)
      for (const schema of schemas) {
        const problem = check(schema, key)
        if (problem !== undefined) return problem
      }
      if (names !== undefined && this.#resources.draft !== 'draft-04') {
        const at = { step: key, outer: path }
        const problem = this.check(nodeOf(names), key, at, depth + 1, new Evaluated())
        if (problem !== undefined) return { path: at, message: `its name: ${problem.message}` }
      }
    }
    const unevaluated = node.get('unevaluatedProperties')
    if (unevaluated === undefined || !this.#latest) return undefined
    for (const key of keys) {
      if (evaluated.properties.has(key)) continue
      if (unevaluated === false) return { path, message: `has a property too much: ${key.slice(0, 100)}` }
      const problem = check(unevaluated, key)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #checkDependencies(node: JsonObject, value: JsonRecord, path: Path, depth: number, evaluated: Evaluated): Problem {
    for (const keyword of ['dependencies', 'dependentRequired', 'dependentSchemas']) {
      const dependencies = node.get(keyword)
      if (!isObject(dependencies)) continue
      for (const [key, needed] of dependencies) {
        if (!Object.hasOwn(value, key)) continue
        if (!isArray(needed)) {
          const problem = this.#apart(needed, value, path, depth, evaluated)
          if (problem !== undefined) return problem
          continue
        }
        const missing = needed.find(other => !Object.hasOwn(value, other as string))
        if (missing !== undefined) return { path, message: `has ${key} and lacks ${String(missing)}` }
      }
    }
    return undefined
  }
}

const listOf = (json: Json | undefined): readonly Json[] => (isArray(json) ? json : [])
