// The documents a JSON schema consists of: itself, what it refers to, and under which URI each part of them is found.
// Nothing is ever fetched.

import { Invalid, isArray, isObject, type Json, type JsonObject, parseJson } from '../json-text.ts'

export type Draft = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12'
const DRAFTS: readonly Draft[] = ['draft-04', 'draft-06', 'draft-07', '2019-09', '2020-12']

export const isAtLeast = (draft: Draft, least: Draft): boolean => DRAFTS.indexOf(draft) >= DRAFTS.indexOf(least)

/** A schema is an object or a boolean. */
export type Node = JsonObject | boolean

const ROOT = 'mem://input/'
/** What `$schema` and `$ref` may name without bringing it along: the specification's own schemas. They accept anything. */
const META_SCHEMA = /^https?:\/\/json-schema\.org\/draft(?:-0[3467]|\/20\d\d-\d\d)\//
/** Keywords whose values only look like schemas. */
const DATA = new Set(['enum', 'const', 'default', 'examples'])
/** `$ref`s that lead to nothing but `$ref`s. */
const MAX_HOPS = 100

/** What was registered for a reference, under the name the schema uses. */
export interface NamedText {
  readonly name: string
  readonly schema: string
}

export class Resources {
  readonly root: Node
  readonly draft: Draft
  readonly #byUri = new Map<string, Node>()
  /** The URI that a `$ref` in an object is relative to, and the document that its `#` means. */
  readonly #bases = new Map<JsonObject, string>()
  /** What the references of an object were found to stand for. */
  readonly #targets = new Map<JsonObject, Map<string, Node>>()
  readonly #refs: { readonly node: JsonObject; readonly ref: string }[] = []

  /** Throws Invalid, also for a `$ref` that leads nowhere. */
  constructor(text: string, references: readonly NamedText[]) {
    this.root = schemaOf(parseJson(text))
    this.draft = draftOf(this.root)
    const base = this.#add(this.root, ROOT)
    for (const { name, schema } of references) this.#add(schemaOf(parseJson(schema)), resolveUri(name, base, name))
    for (const { node, ref } of this.#refs) this.resolve(node, ref)
  }

  /** What `ref`, found in `node`, stands for; further references are followed. */
  resolve(node: JsonObject, ref: string): Node {
    let targets = this.#targets.get(node)
    if (targets === undefined) this.#targets.set(node, (targets = new Map()))
    let target = targets.get(ref)
    if (target === undefined) targets.set(ref, (target = this.#follow(node, ref)))
    return target
  }

  #follow(node: JsonObject, ref: string): Node {
    let [here, next] = [node, ref]
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const target = this.#lookup(here, next)
      const further = typeof target === 'boolean' ? undefined : this.onlyRef(target)
      if (further === undefined) return target
      here = target as JsonObject
      next = further
    }
    throw new Invalid(`$ref leads only to other $refs: ${ref.slice(0, 200)}`)
  }

  /** The URI of the document that a schema is part of. */
  documentOf(node: JsonObject): string {
    return this.#bases.get(node) ?? ROOT
  }

  /** What an anchor names in a document. */
  anchored(document: string, anchor: string): Node | undefined {
    return this.#byUri.get(`${document}#${anchor}`)
  }

  /** The `$ref` of a schema that says nothing else: up to draft 7 all that stands beside one is ignored. */
  onlyRef(node: JsonObject): string | undefined {
    const ref = node.get('$ref')
    if (typeof ref !== 'string') return undefined
    return node.size === 1 || !isAtLeast(this.draft, '2019-09') ? ref : undefined
  }

  #lookup(node: JsonObject, ref: string): Node {
    const uri = resolveUri(ref, this.#bases.get(node) ?? ROOT, ref)
    if (META_SCHEMA.test(uri)) return true
    const [document, fragment] = splitUri(uri)
    const found = this.#byUri.get(uri) ?? this.#byUri.get(document)
    if (found === undefined) {
      if (/^https?:/.test(document) && !document.startsWith(ROOT)) {
        throw new Invalid(`Remote schema reference fetching over HTTP(S) is disabled: ${ref.slice(0, 200)}`)
      }
      throw new Invalid(`Could not resolve $ref: ${ref.slice(0, 200)}`)
    }
    if (this.#byUri.has(uri) || fragment === '') return found
    const target = fragment.startsWith('/') ? pointTo(found, fragment) : undefined
    if (typeof target === 'boolean' || isObject(target)) {
      if (isObject(target) && !this.#bases.has(target)) this.#index(target, document)
      return target
    }
    throw new Invalid(`Could not resolve $ref: ${ref.slice(0, 200)}`)
  }

  /** Returns the URI of the document by its own account. */
  #add(root: Node, uri: string): string {
    this.#byUri.set(uri, root)
    if (typeof root === 'boolean') return uri
    this.#index(root, uri)
    return this.#bases.get(root) ?? uri
  }

  #index(json: Json, base: string): void {
    if (isArray(json)) for (const item of json) this.#index(item, base)
    if (!isObject(json)) return
    const id = json.get(this.draft === 'draft-04' ? 'id' : '$id')
    let within = base
    if (typeof id === 'string' && !(!isAtLeast(this.draft, '2019-09') && json.has('$ref'))) {
      const uri = resolveUri(id, base, id)
      if (uri.includes('#') && !uri.endsWith('#')) this.#byUri.set(uri, json)
      else this.#byUri.set((within = splitUri(uri)[0]), json)
    }
    for (const anchor of ['$anchor', '$dynamicAnchor']) {
      const name = json.get(anchor)
      if (typeof name === 'string') this.#byUri.set(`${within}#${name}`, json)
    }
    if (json.get('$recursiveAnchor') === true) this.#byUri.set(`${within}#`, json)
    this.#bases.set(json, within)
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const ref = json.get(keyword)
      if (typeof ref === 'string') this.#refs.push({ node: json, ref })
    }
    for (const [key, value] of json) if (!DATA.has(key)) this.#index(value, within)
  }
}

function schemaOf(json: Json): Node {
  if (isObject(json) || typeof json === 'boolean') return json
  throw new Invalid('Invalid JSON schema: expected an object or boolean at the root')
}

/** Draft 7 unless `$schema` says otherwise, as Confluent's registry. */
function draftOf(root: Node): Draft {
  const uri = typeof root === 'boolean' ? undefined : root.get('$schema')
  if (typeof uri !== 'string') return 'draft-07'
  return DRAFTS.find(draft => uri.includes(draft)) ?? 'draft-07'
}

function resolveUri(ref: string, base: string, shown: string): string {
  try {
    return new URL(ref, base).href
  } catch {
    throw new Invalid(`Not a URI: ${shown.slice(0, 200)}`)
  }
}

function splitUri(uri: string): readonly [document: string, fragment: string] {
  const hash = uri.indexOf('#')
  return hash < 0 ? [uri, ''] : [uri.slice(0, hash), decode(uri.slice(hash + 1))]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `$defs` and `definitions` stand in for each other: schemas mix them up, and Confluent's registry forgives it. */
const elsewhere: Record<string, string> = { $defs: 'definitions', definitions: '$defs' }

function pointTo(node: Node, pointer: string): Json | undefined {
  let at: Json | undefined = node
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (isObject(at)) at = at.get(key) ?? (at === node ? at.get(elsewhere[key] ?? key) : undefined)
    else at = isArray(at) && /^\d+$/.test(key) ? at[Number(key)] : undefined
  }
  return at
}
