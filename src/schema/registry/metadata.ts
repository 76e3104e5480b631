// What a schema carries beside its text: references, metadata and rules. Kept and returned as they were given, merged with
// what a config says of all schemas of a subject, and part of what makes a schema the same as another (Confluent's MD5).

import { createHash, type Hash } from 'node:crypto'

export interface SchemaReference {
  /** What the schema calls it: a full name, a `$ref`, an import. */
  readonly name: string
  readonly subject: string
  /** -1: the latest there is. */
  readonly version: number
}

export interface Metadata {
  readonly tags?: Readonly<Record<string, readonly string[]>>
  readonly properties?: Readonly<Record<string, string>>
  readonly sensitive?: readonly string[]
}

export interface Rule {
  readonly name: string
  readonly doc?: string
  readonly kind?: string
  readonly mode?: string
  readonly type?: string
  readonly tags?: readonly string[]
  readonly params?: Readonly<Record<string, string>>
  readonly expr?: string
  readonly onSuccess?: string
  readonly onFailure?: string
  readonly disabled?: boolean
}

const ruleLists = ['migrationRules', 'domainRules', 'encodingRules'] as const

export interface RuleSet {
  readonly migrationRules?: readonly Rule[]
  readonly domainRules?: readonly Rule[]
  readonly encodingRules?: readonly Rule[]
  readonly enableAt?: string
}

const VERSION_PROPERTY = 'confluent:version'
const MAX_RULE_NAME = 64
const MIGRATIONS = new Set(['UPGRADE', 'DOWNGRADE', 'UPDOWN'])
const TRANSFORMS = new Set(['WRITE', 'READ', 'WRITEREAD'])

/** What is newer wins, name by name. */
export function mergeMetadata(older: Metadata | undefined, newer: Metadata | undefined): Metadata | undefined {
  if (older === undefined || newer === undefined) return newer ?? older
  const merged = {
    tags: { ...older.tags, ...newer.tags },
    properties: { ...older.properties, ...newer.properties },
    sensitive: [...new Set([...(older.sensitive ?? []), ...(newer.sensitive ?? [])])].sort(),
  }
  return compact(merged)
}

/** A newer rule takes the place of an older one of its name. */
export function mergeRuleSets(older: RuleSet | undefined, newer: RuleSet | undefined): RuleSet | undefined {
  if (older === undefined || newer === undefined) return newer ?? older
  const merged: Record<string, unknown> = {}
  for (const list of ruleLists) {
    const rules = newer[list] ?? []
    const names = new Set(rules.map(({ name }) => name))
    merged[list] = [...(older[list] ?? []).filter(({ name }) => !names.has(name)), ...rules]
  }
  const enableAt = newer.enableAt ?? older.enableAt
  return compact({ ...merged, enableAt }) as RuleSet
}

/** The version a schema says of itself, if it does. */
export const versionProperty = (metadata: Metadata | undefined): string | undefined =>
  metadata?.properties?.[VERSION_PROPERTY]

export const withVersionProperty = (metadata: Metadata | undefined, version: number): Metadata => ({
  ...metadata,
  properties: { ...metadata?.properties, [VERSION_PROPERTY]: String(version) },
})

export function withoutVersionProperty(metadata: Metadata | undefined): Metadata | undefined {
  if (versionProperty(metadata) === undefined) return metadata
  const { [VERSION_PROPERTY]: _, ...properties } = metadata!.properties!
  return { ...metadata, properties }
}

/** Why these rules cannot be, as Confluent says it; undefined if they can. */
export function checkRuleSet(ruleSet: RuleSet | undefined): string | undefined {
  const names = new Set<string>()
  for (const list of ruleLists)
    for (const rule of ruleSet?.[list] ?? []) {
      if (names.has(rule.name)) return `Found rule with duplicate name '${rule.name}'`
      names.add(rule.name)
      const wrong = checkRule(rule, list === 'migrationRules')
      if (wrong !== undefined) return wrong
    }
  return undefined
}

function checkRule({ name, type, mode = '', onSuccess, onFailure }: Rule, migrates: boolean): string | undefined {
  if (name === undefined) return 'Missing rule name'
  if (name === '') return 'Empty rule name'
  if (name.length > MAX_RULE_NAME) return 'Rule name too long'
  if (!/^[\p{L}_]/u.test(name)) return `Illegal initial character in rule name: ${name}`
  if (!/^[\p{L}\p{Nd}_-]+$/u.test(name)) return `Illegal character in rule name: ${name}`
  if (type === undefined) return 'Missing rule type'
  if (mode !== '' && mode !== 'WRITEREAD' && mode !== 'UPDOWN' && `${onSuccess}${onFailure}`.includes(','))
    return 'Multiple actions only valid with WRITEREAD and UPDOWN'
  if (migrates) return MIGRATIONS.has(mode) ? undefined : 'Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN'
  if (TRANSFORMS.has(mode)) return undefined
  return 'Domain and encoding rules can only be WRITE, READ, WRITEREAD'
}

export interface Described {
  readonly schema: string
  readonly references: readonly SchemaReference[]
  readonly metadata?: Metadata | undefined
  readonly ruleSet?: RuleSet | undefined
}

/** Equal for equal schemas, in any context: Confluent's MD5 of all of it, written as a UUID. */
export function guidOf({ schema, references, metadata, ruleSet }: Described): string {
  const hash = createHash('md5').update(schema)
  for (const { name, subject, version } of references) {
    const bytes = new DataView(new ArrayBuffer(4))
    bytes.setInt32(0, version)
    hash.update(name).update(subject).update(new Uint8Array(bytes.buffer))
  }
  if (metadata !== undefined) hashMetadata(hash.update(ONE), metadata)
  if (ruleSet !== undefined) hashRules(hash.update(ONE), ruleSet)
  return hash.digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

const ONE = Uint8Array.of(1)

function hashMetadata(hash: Hash, { tags = {}, properties = {}, sensitive = [] }: Metadata): void {
  for (const key of Object.keys(tags).sort()) {
    hash.update(key)
    for (const tag of [...tags[key]!].sort()) hash.update(tag)
  }
  hashPairs(hash, properties)
  for (const name of [...sensitive].sort()) hash.update(name)
}

function hashPairs(hash: Hash, pairs: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(pairs).sort()) hash.update(key).update(pairs[key]!)
}

function hashRules(hash: Hash, ruleSet: RuleSet): void {
  for (const list of ruleLists)
    for (const rule of ruleSet[list] ?? []) {
      for (const text of [rule.name, rule.doc, rule.kind, rule.mode, rule.type])
        if (text !== undefined) hash.update(text)
      for (const tag of [...(rule.tags ?? [])].sort()) hash.update(tag)
      hashPairs(hash, rule.params ?? {})
      for (const text of [rule.expr, rule.onSuccess, rule.onFailure]) if (text !== undefined) hash.update(text)
      if (rule.disabled === true) hash.update(ONE)
    }
  if (ruleSet.enableAt !== undefined) hash.update(ruleSet.enableAt)
}

/** Are two of these equal, whatever the order of their names? */
export const same = (one: unknown, other: unknown): boolean => inOrder(one) === inOrder(other)

const inOrder = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  ) ?? ''

/** Without members that say nothing, as Confluent writes JSON. */
export function compact<T extends object>(value: T): T {
  const kept = Object.entries(value).filter(([, each]) => !isEmpty(each))
  return Object.fromEntries(kept) as T
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && (Array.isArray(value) ? value.length : Object.keys(value).length) === 0)
