// What a registry remembers, and its one writer: the schemas of each subject, the ids and hashes that find them again, who
// refers to whom, configs and modes. What its records look like is records.ts.

import type { SchemaType } from '../schema.ts'
import { guidOf, type Metadata, type RuleSet, type SchemaReference } from './metadata.ts'
import { contextOf, DEFAULT_CONTEXT, inContextOf, isWithin } from './subjects.ts'

/** One version of a subject. */
export interface SchemaVersion {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly guid: string
  readonly schemaType: SchemaType
  readonly references: readonly SchemaReference[]
  readonly metadata?: Metadata
  readonly ruleSet?: RuleSet
  readonly schema: string
  /** Softly: lists leave it out, ids still find it. */
  readonly deleted: boolean
}

export const compatibilityLevels = [
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
  'NONE',
] as const
export type CompatibilityLevel = (typeof compatibilityLevels)[number]

/** Of a subject, of a context, or of all; what is not said is inherited. */
export interface RegistryConfig {
  readonly alias?: string
  readonly normalize?: boolean
  readonly validateFields?: boolean
  readonly validateRules?: boolean
  readonly compatibilityLevel?: CompatibilityLevel
  readonly compatibilityGroup?: string
  readonly defaultMetadata?: Metadata
  readonly overrideMetadata?: Metadata
  readonly defaultRuleSet?: RuleSet
  readonly overrideRuleSet?: RuleSet
}

export const modes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'] as const
export type Mode = (typeof modes)[number]

/** Ids count, and schemas are one and the same, per context. */
export interface Context {
  /** The subjects an id is registered under, and its version there. */
  readonly ids: Map<number, Map<string, number>>
  readonly idByGuid: Map<string, number>
  /** No id up to this is given out again. */
  maxId: number
}

export interface RegistryState {
  /** By version. */
  readonly subjects: Map<string, Map<number, SchemaVersion>>
  readonly contexts: Map<string, Context>
  /** Contexts that schemas were registered in, but for the default one. */
  readonly knownContexts: Set<string>
  /** `subject` and `version` to the schemas that refer to it, as `context` and `id`. */
  readonly referrers: Map<string, Map<string, { readonly context: string; readonly id: number }>>
  /** By subject or context; of all: ''. */
  readonly configs: Map<string, RegistryConfig>
  readonly modes: Map<string, Mode>
  /** Characters of all schemas and configs, with what they carry. */
  sizeChars: number
}

export type RegistryFact = { readonly volatile?: true } & (
  | {
      readonly type: 'schema'
      readonly subject: string
      readonly version: number
      readonly schema: SchemaVersion | null
    }
  | { readonly type: 'config'; readonly subject: string; readonly config: RegistryConfig | null }
  | { readonly type: 'mode'; readonly subject: string; readonly mode: Mode | null }
  | { readonly type: 'context'; readonly context: string; readonly known: boolean }
  /** All versions up to this one are softly deleted. */
  | { readonly type: 'deleteSubject'; readonly subject: string; readonly version: number }
  /** What is softly deleted is gone. */
  | { readonly type: 'clearSubject'; readonly subject: string }
  /** Ours: by context, the last id given out, when what had it may be gone. */
  | { readonly type: 'maxIds'; readonly maxIds: Readonly<Record<string, number>> }
)

export const emptyRegistry = (): RegistryState => ({
  subjects: new Map(),
  contexts: new Map(),
  knownContexts: new Set(),
  referrers: new Map(),
  configs: new Map(),
  modes: new Map(),
  sizeChars: 0,
})

export const referrerKey = (subject: string, version: number): string => `${version} ${subject}`

export function replay(state: RegistryState, fact: RegistryFact): void {
  switch (fact.type) {
    case 'schema':
      return replaySchema(state, fact.subject, fact.version, fact.schema)
    case 'config':
      state.sizeChars += sizeOf(fact.config) - sizeOf(state.configs.get(fact.subject))
      return replayIn(state.configs, fact.subject, fact.config)
    case 'mode':
      return replayIn(state.modes, fact.subject, fact.mode)
    case 'context':
      if (fact.known) state.knownContexts.add(fact.context)
      else state.knownContexts.delete(fact.context)
      return
    case 'deleteSubject': {
      const versions = state.subjects.get(fact.subject)
      for (const [version, schema] of versions ?? [])
        if (version <= fact.version && !schema.deleted) versions!.set(version, { ...schema, deleted: true })
      return
    }
    case 'clearSubject':
      for (const [subject, versions] of state.subjects)
        if (isWithin(fact.subject, subject))
          for (const [version, { deleted }] of versions) if (deleted) replaySchema(state, subject, version, null)
      return
    case 'maxIds':
      for (const [name, maxId] of Object.entries(fact.maxIds)) {
        const context = contextIn(state, name)
        context.maxId = Math.max(context.maxId, maxId)
      }
  }
}

function replayIn<T>(settings: Map<string, T>, subject: string, value: T | null): void {
  if (value === null) settings.delete(subject)
  else settings.set(subject, value)
}

function replaySchema(state: RegistryState, subject: string, version: number, schema: SchemaVersion | null): void {
  const before = state.subjects.get(subject)?.get(version)
  if (before !== undefined) forget(state, before)
  if (schema === null) return
  const versions = state.subjects.get(subject)
  if (versions === undefined) state.subjects.set(subject, new Map([[version, schema]]))
  else versions.set(version, schema)
  state.sizeChars += sizeOf(carriedBy(schema))
  const name = contextOf(subject)
  const context = contextIn(state, name)
  context.maxId = Math.max(context.maxId, schema.id)
  context.idByGuid.set(schema.guid, schema.id)
  const registered = context.ids.get(schema.id)
  if (registered === undefined) context.ids.set(schema.id, new Map([[subject, version]]))
  else registered.set(subject, version)
  for (const reference of schema.references) {
    const key = referrerKey(inContextOf(subject, reference.subject), reference.version)
    const referrers = state.referrers.get(key) ?? new Map()
    state.referrers.set(key, referrers.set(`${schema.id} ${name}`, { context: name, id: schema.id }))
  }
}

function forget(state: RegistryState, schema: SchemaVersion): void {
  const { subject, version, id, guid, references } = schema
  const versions = state.subjects.get(subject)!
  versions.delete(version)
  if (versions.size === 0) state.subjects.delete(subject)
  state.sizeChars -= sizeOf(carriedBy(schema))
  const name = contextOf(subject)
  const context = contextIn(state, name)
  const registered = context.ids.get(id)
  if (registered?.get(subject) === version) registered.delete(subject)
  if (registered !== undefined && registered.size > 0) return
  // Nobody has this schema any more: neither does it refer to others, nor would it get its id again.
  context.ids.delete(id)
  if (context.idByGuid.get(guid) === id) context.idByGuid.delete(guid)
  for (const reference of references) {
    const key = referrerKey(inContextOf(subject, reference.subject), reference.version)
    const referrers = state.referrers.get(key)
    referrers?.delete(`${id} ${name}`)
    if (referrers?.size === 0) state.referrers.delete(key)
  }
}

function contextIn(state: RegistryState, name: string): Context {
  let context = state.contexts.get(name)
  if (context === undefined) state.contexts.set(name, (context = { ids: new Map(), idByGuid: new Map(), maxId: 0 }))
  return context
}

/** Data may still carry an id when nothing is left that tells it was given out. */
export const idsKept = ({ contexts }: RegistryState): readonly RegistryFact[] =>
  contexts.size === 0
    ? []
    : [{ type: 'maxIds', maxIds: Object.fromEntries([...contexts].map(([name, { maxId }]) => [name, maxId])) }]

/** Characters of all there is: it is in the memory of one object. */
export const MAX_CHARS = 32_000_000
/** Subjects, and names that have a config or a mode: a list of them is one answer. */
export const MAX_NAMES = 50_000

/** In characters, about. */
export const sizeOf = (kept: object | null | undefined): number => (kept ? JSON.stringify(kept).length : 0)

/** What does not change when it is deleted. */
const carriedBy = ({ schema, references, metadata, ruleSet }: SchemaVersion): object => [
  schema,
  references,
  metadata,
  ruleSet,
]

/** A version with the hash that belongs to it. */
export const withGuid = (schema: Omit<SchemaVersion, 'guid'>): SchemaVersion => ({ ...schema, guid: guidOf(schema) })

/** Oldest first. */
export const versionsOf = (state: RegistryState, subject: string): readonly SchemaVersion[] =>
  [...(state.subjects.get(subject)?.values() ?? [])].sort((a, b) => a.version - b.version)

/** -1: the latest that is not deleted. */
export function versionOf(
  state: RegistryState,
  subject: string,
  version: number,
  { deleted = false } = {},
): SchemaVersion | undefined {
  if (version === -1) return versionsOf(state, subject).findLast(schema => !schema.deleted)
  const found = state.subjects.get(subject)?.get(version)
  return found !== undefined && (deleted || !found.deleted) ? found : undefined
}

/** Has it versions, or, where it is but a context, any subject there? */
export function hasSubject(state: RegistryState, scope: string, deleted: boolean): boolean {
  for (const subject of state.subjects.has(scope) ? [scope] : state.subjects.keys())
    if (isWithin(scope, subject) && (deleted || versionsOf(state, subject).some(schema => !schema.deleted))) return true
  return false
}

/** What somebody in the default context means by a name that is not there: the same name in another context. */
export function elsewhere(state: RegistryState, subject: string): readonly string[] {
  if (contextOf(subject) !== DEFAULT_CONTEXT) return []
  return [...state.knownContexts].sort().map(context => `:${context}:${subject}`)
}
