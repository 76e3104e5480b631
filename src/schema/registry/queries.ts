// What one may ask a registry without changing it. Answers are what its HTTP API says, but for their JSON.

import { incompatibleWith } from './compatibility.ts'
import { referrersOf, registeredAs } from './deletion.ts'
import { formattedSchema } from '../formatted.ts'
import type { ResolvedReference } from '../schema.ts'
import { type Parser, resolve } from './parsing.ts'
import { isRefusal, type Refusal, refusals } from './refusals.ts'
import { canonicalize, lookup, type LookupOptions, type SchemaRequest } from './register.ts'
import { type Config, configOf, modeOf, ownConfig, ownMode } from './settings.ts'
import {
  elsewhere,
  hasSubject,
  type Mode,
  type RegistryState,
  type SchemaVersion,
  versionOf,
  versionsOf,
} from './state.ts'
import { contextOf, contextPrefix, DEFAULT_CONTEXT, hasPrefix, inContextOf, qualified } from './subjects.ts'

/** Which versions: those that are there, those softly deleted too, or only those. */
export type Filter = 'live' | 'all' | 'deleted'

/** Schemas one list answers. */
const MAX_LISTED = 1_000

interface Formatted {
  /** Another form of the schema (../formatted.ts). */
  readonly format?: string
}

export type RegistryQuery =
  | { readonly type: 'subjects'; readonly prefix: string; readonly filter: Filter }
  | { readonly type: 'versions'; readonly subject: string; readonly filter: Filter }
  /** -1: the latest. */
  | ({
      readonly type: 'version'
      readonly subject: string
      readonly version: number
      readonly deleted: boolean
    } & Formatted)
  /** The schema of an id: in the default context, or the subject's, and of that subject if it is named. */
  | ({ readonly type: 'schema'; readonly id: number; readonly subject: string } & Formatted)
  /** The same, with everything it refers to: what it takes to read data. */
  | { readonly type: 'resolved'; readonly id: number; readonly subject: string }
  /** Is the id one of exactly this subject, softly deleted or not? */
  | { readonly type: 'isRegistered'; readonly id: number; readonly subject: string }
  | ({ readonly type: 'schemaOfGuid'; readonly guid: string } & Formatted)
  | { readonly type: 'idsOfGuid'; readonly guid: string }
  /** Where it is registered. */
  | { readonly type: 'usesOfId'; readonly id: number; readonly subject: string; readonly deleted: boolean }
  | ({ readonly type: 'schemas'; readonly prefix: string; readonly deleted: boolean } & {
      readonly latestOnly: boolean
      readonly offset: number
      readonly limit: number
    })
  | ({ readonly type: 'lookup'; readonly subject: string; readonly request: SchemaRequest } & LookupOptions & Formatted)
  | { readonly type: 'referrers'; readonly subject: string; readonly version: number; readonly deleted: boolean }
  /** Against one version, or, as when it is registered, against those the level is about. */
  | {
      readonly type: 'compatibility'
      readonly subject: string
      readonly version: number | null
      readonly request: SchemaRequest
      readonly normalize: boolean
    }
  | {
      readonly type: 'latestWith'
      readonly subject: string
      readonly properties: Readonly<Record<string, string>>
      readonly deleted: boolean
    }
  | { readonly type: 'config'; readonly subject: string; readonly inherit: boolean }
  | { readonly type: 'mode'; readonly subject: string; readonly inherit: boolean }
  | { readonly type: 'contexts' }

/** What its answer is where nothing is refused. */
export interface RegistryAnswers {
  subjects: readonly string[]
  versions: readonly { readonly version: number; readonly deleted: boolean }[]
  version: SchemaVersion
  schema: SchemaVersion
  resolved: { readonly schema: SchemaVersion; readonly references: readonly ResolvedReference[] }
  isRegistered: boolean
  schemaOfGuid: SchemaVersion
  idsOfGuid: readonly { readonly context: string; readonly id: number }[]
  usesOfId: readonly { readonly subject: string; readonly version: number }[]
  schemas: readonly SchemaVersion[]
  lookup: SchemaVersion
  referrers: readonly number[]
  /** Why not; empty where it is compatible. */
  compatibility: readonly string[]
  latestWith: SchemaVersion
  config: Config
  mode: Mode
  contexts: readonly string[]
}

export type Answer<T extends keyof RegistryAnswers> = RegistryAnswers[T] | Refusal

export function answer(
  state: RegistryState,
  parser: Parser,
  query: RegistryQuery,
): RegistryAnswers[keyof RegistryAnswers] | Refusal {
  const found = look(state, parser, query)
  if (!('format' in query) || !query.format || isRefusal(found)) return found
  const schema = found as SchemaVersion
  const parsed = parser.parse(state, schema.subject, schema)
  return isRefusal(parsed) ? parsed : { ...schema, schema: formattedSchema(parsed, query.format) }
}

function look(
  state: RegistryState,
  parser: Parser,
  query: RegistryQuery,
): RegistryAnswers[keyof RegistryAnswers] | Refusal {
  switch (query.type) {
    case 'subjects':
      return [...state.subjects.keys()]
        .filter(subject => hasPrefix(subject, query.prefix) && isListed(state, subject, query.filter))
        .sort()
    case 'versions':
      return versions(state, aliased(state, query.subject), query.filter)
    case 'version':
      return version(state, aliased(state, query.subject), query.version, query.deleted)
    case 'schema':
      return schemaOf(state, query.id, aliased(state, query.subject)) ?? refusals.schemaNotFound(query.id)
    case 'resolved':
      return resolvedOf(state, query.id, query.subject)
    case 'isRegistered': {
      const subject = aliased(state, query.subject)
      return state.contexts.get(contextOf(subject))?.ids.get(query.id)?.has(subject) ?? false
    }
    case 'schemaOfGuid': {
      const [first] = idsOfGuid(state, query.guid)
      return (first && schemaOf(state, first.id, contextPrefix(first.context))) ?? refusals.schemaNotFound(query.guid)
    }
    case 'idsOfGuid':
      return idsOfGuid(state, query.guid)
    case 'usesOfId': {
      const schema = schemaOf(state, query.id, query.subject)
      if (schema === undefined) return refusals.schemaNotFound()
      const uses = registeredAs(state, contextOf(schema.subject), query.id, query.deleted)
      return uses.map(({ subject, version: number }) => ({ subject, version: number }))
    }
    case 'schemas':
      return schemas(state, query)
    case 'lookup':
      return lookedUp(state, parser, aliased(state, query.subject), query)
    case 'referrers': {
      const schema = version(state, aliased(state, query.subject), query.version, true)
      if (isRefusal(schema)) return schema
      const ids = referrersOf(state, schema, query.deleted).map(({ id }) => id)
      return ids.sort((a, b) => a - b)
    }
    case 'compatibility':
      return compatibility(state, parser, aliased(state, query.subject), query)
    case 'latestWith':
      return latestWith(state, aliased(state, query.subject), query)
    case 'config':
      return (
        (query.inherit ? configOf(state, query.subject) : ownConfig(state, query.subject)) ??
        refusals.compatibilityNotConfigured(query.subject)
      )
    case 'mode':
      return (
        (query.inherit ? modeOf(state, query.subject) : ownMode(state, query.subject)) ??
        refusals.modeNotConfigured(query.subject)
      )
    case 'contexts':
      return [DEFAULT_CONTEXT, ...[...state.knownContexts].sort()]
  }
}

/** The subject that a name stands for: a config may make it an alias. */
export function aliased({ configs }: RegistryState, subject: string): string {
  const alias = configs.get(subject)?.alias
  return alias === undefined || alias === '' ? subject : inContextOf(subject, alias)
}

const included = ({ deleted }: SchemaVersion, filter: Filter): boolean =>
  filter === 'all' || deleted === (filter === 'deleted')

/** A subject is deleted when all its versions are. */
function isListed(state: RegistryState, subject: string, filter: Filter): boolean {
  if (filter === 'all') return true
  const live = versionsOf(state, subject).some(({ deleted }) => !deleted)
  return live === (filter === 'live')
}

function versions(state: RegistryState, subject: string, filter: Filter): Answer<'versions'> {
  if (!hasSubject(state, subject, filter !== 'live')) return refusals.subjectNotFound(subject)
  return versionsOf(state, subject)
    .filter(schema => included(schema, filter))
    .map(({ version: number, deleted }) => ({ version: number, deleted }))
}

function version(state: RegistryState, subject: string, number: number, deleted: boolean): SchemaVersion | Refusal {
  for (const name of [subject, ...elsewhere(state, subject)]) {
    const found = versionOf(state, name, number, { deleted })
    if (found !== undefined) return found
  }
  return hasSubject(state, subject, deleted) ? refusals.versionNotFound(number) : refusals.subjectNotFound(subject)
}

/** Softly deleted or not: data that has the id is still there. */
function schemaOf(state: RegistryState, id: number, scope: string): SchemaVersion | undefined {
  const { name } = qualified(scope)
  if (name === '') return registeredAs(state, contextOf(scope), id, true)[0]
  for (const subject of [scope, ...elsewhere(state, scope)]) {
    const found = state.contexts.get(contextOf(subject))?.ids.get(id)?.get(subject)
    if (found !== undefined) return versionOf(state, subject, found, { deleted: true })
  }
  return contextOf(scope) === DEFAULT_CONTEXT ? registeredAs(state, DEFAULT_CONTEXT, id, true)[0] : undefined
}

function resolvedOf(state: RegistryState, id: number, subject: string): Answer<'resolved'> {
  const schema = schemaOf(state, id, subject)
  if (schema === undefined) return refusals.schemaNotFound(id)
  const references = resolve(state, schema.subject, schema.references)
  return 'missing' in references ? refusals.invalidSchema(references.missing) : { schema, references }
}

const idsOfGuid = ({ contexts }: RegistryState, guid: string): readonly { context: string; id: number }[] =>
  [...contexts]
    .flatMap(([context, { idByGuid }]) => (idByGuid.has(guid) ? [{ context, id: idByGuid.get(guid)! }] : []))
    .sort((a, b) => (a.context < b.context ? -1 : 1))

function schemas(
  state: RegistryState,
  { prefix, deleted, latestOnly, offset, limit }: Extract<RegistryQuery, { type: 'schemas' }>,
): readonly SchemaVersion[] {
  const listed: SchemaVersion[] = []
  let passed = 0
  const most = limit > 0 && limit <= MAX_LISTED ? limit : MAX_LISTED
  const subjects = [...state.subjects.keys()].filter(subject => hasPrefix(subject, prefix || '')).sort()
  for (const subject of subjects) {
    const all = versionsOf(state, subject).filter(schema => deleted || !schema.deleted)
    for (const schema of latestOnly ? all.slice(-1) : all) {
      if (passed++ < offset) continue
      listed.push(schema)
      if (listed.length === most) return listed
    }
  }
  return listed
}

function lookedUp(
  state: RegistryState,
  parser: Parser,
  subject: string,
  { request, ...options }: SchemaQuestion & LookupOptions,
): Answer<'lookup'> {
  const found = lookup(state, parser, subject, request, options)
  if (found !== undefined) return found
  for (const name of elsewhere(state, subject)) {
    const there = lookup(state, parser, name, request, options)
    if (there !== undefined && !isRefusal(there)) return there
  }
  return hasSubject(state, subject, options.deleted) ? refusals.schemaNotFound() : refusals.subjectNotFound(subject)
}

interface SchemaQuestion {
  readonly request: SchemaRequest
}

function compatibility(
  state: RegistryState,
  parser: Parser,
  subject: string,
  { version: number, request, normalize }: Extract<RegistryQuery, { type: 'compatibility' }>,
): Answer<'compatibility'> {
  const against = number === null ? undefined : versionOf(state, subject, number)
  if (number !== null && number !== -1 && against === undefined) return refusals.versionNotFound(number)
  const config = configOf(state, subject)
  const canonical = canonicalize(state, parser, subject, request, {
    normalize: normalize || config.normalize === true,
    asNew: true,
  })
  if (isRefusal(canonical)) return canonical
  const live = versionsOf(state, subject).filter(({ deleted }) => !deleted)
  const earlier = number === null ? live : against === undefined ? [] : [against]
  return incompatibleWith(config, canonical, earlier, each => parser.parse(state, subject, each))
}

function latestWith(
  state: RegistryState,
  subject: string,
  { properties, deleted }: Extract<RegistryQuery, { type: 'latestWith' }>,
): SchemaVersion | Refusal {
  const wanted = Object.entries(properties)
  const found = versionsOf(state, subject).findLast(
    schema =>
      (deleted || !schema.deleted) &&
      schema.metadata !== undefined &&
      wanted.every(([name, value]) => schema.metadata!.properties?.[name] === value),
  )
  if (found !== undefined) return found
  return hasSubject(state, subject, deleted) ? refusals.schemaNotFound() : refusals.subjectNotFound(subject)
}
