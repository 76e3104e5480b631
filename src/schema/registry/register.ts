// Registering a schema, and looking up one that may be there: what counts as the same schema, which version and id it gets.
// Confluent's AbstractSchemaRegistry and KafkaSchemaRegistry.

import { formattedSchema } from '../formatted.ts'
import type { ParsedSchema } from '../schema.ts'
import { incompatibleWith } from './compatibility.ts'
import {
  guidOf,
  type Metadata,
  type RuleSet,
  same,
  type SchemaReference,
  versionProperty,
  withoutVersionProperty,
  withVersionProperty,
} from './metadata.ts'
import { MAX_SCHEMA_CHARS, type Parser, type SchemaText } from './parsing.ts'
import { isRefusal, type Refusal, refusals } from './refusals.ts'
import { configOf, fullMetadata, fullRuleSet, hasDefaults, inWords, modeOf, readOnly } from './settings.ts'
import {
  idsKept,
  MAX_CHARS,
  MAX_NAMES,
  sizeOf,
  type RegistryFact,
  type RegistryState,
  type SchemaVersion,
  versionOf,
  versionsOf,
} from './state.ts'
import { contextOf, DEFAULT_CONTEXT, isValidSubject } from './subjects.ts'

const MAX_VERSIONS = 10_000

/** What a client asks to be registered or looked up. */
export interface SchemaRequest extends SchemaText {
  readonly metadata?: Metadata
  readonly ruleSet?: RuleSet
  /** The version it shall get; 0: the next; -1: the next, which it then says of itself. */
  readonly version: number
  /** The id it has elsewhere, with mode IMPORT; -1: none. */
  readonly id: number
}

/** A request whose text is the one that is kept. */
interface Canonical extends SchemaRequest {
  readonly parsed: ParsedSchema
}

export interface Registration {
  readonly subject: string
  readonly request: SchemaRequest
  readonly normalize: boolean
}

type Registered = readonly [readonly RegistryFact[], SchemaVersion]

export function register(
  state: RegistryState,
  parser: Parser,
  { subject, request, normalize }: Registration,
): Registered | Refusal {
  if (!isValidSubject(subject, false)) return refusals.invalidSubject(subject)
  if (request.schema.length > MAX_SCHEMA_CHARS)
    return refusals.tooLarge(
      `Register operation failed because schema is too large: it may have ${MAX_SCHEMA_CHARS} characters`,
    )
  const config = configOf(state, subject)
  const normal = normalize || config.normalize === true
  if (!hasDefaults(config)) {
    const known = existing(state, parser, subject, request, normal)
    if (isRefusal(known)) return known
    if (known !== undefined) return [[], known]
  }
  return mayRegister(state, subject, request) ?? registerNew(state, parser, subject, request, normal)
}

/** The version that the request means, if it is there already: then nothing is asked of modes. */
function existing(
  state: RegistryState,
  parser: Parser,
  subject: string,
  request: SchemaRequest,
  normalize: boolean,
): SchemaVersion | Refusal | undefined {
  const found = find(state, parser, subject, request, { normalize, deleted: false, latestOnly: request.version === -1 })
  if (found === undefined || isRefusal(found)) return found
  if (request.version <= 0) return request.id < 0 || request.id === found.id ? found : undefined
  return found.id === request.id && found.version === request.version ? found : undefined
}

function mayRegister(state: RegistryState, subject: string, { id }: SchemaRequest): Refusal | undefined {
  const refused = readOnly(state, subject)
  if (refused !== undefined) return refused
  const mode = modeOf(state, subject)
  const inContext = `Subject ${subject} in context ${inWords(subject)}`
  if (id >= 0) return mode === 'IMPORT' ? undefined : refusals.notPermitted(`${inContext} is not in import mode`)
  return mode === 'READWRITE' ? undefined : refusals.notPermitted(`${inContext} is not in read-write mode`)
}

function registerNew(
  state: RegistryState,
  parser: Parser,
  subject: string,
  asked: SchemaRequest,
  normalize: boolean,
): Registered | Refusal {
  const all = versionsOf(state, subject)
  const live = all.filter(({ deleted }) => !deleted)
  const next = (all.at(-1)?.version ?? 0) + 1
  const config = configOf(state, subject)
  const imports = modeOf(state, subject) === 'IMPORT'
  const request = imports ? asked : populated(state, subject, asked, live.at(-1), next)
  if (isRefusal(request)) return request
  const canonical = canonicalize(state, parser, subject, request, {
    normalize: normalize && !imports,
    asNew: asked.id < 0,
  })
  if (isRefusal(canonical)) return canonical
  const { parsed, references, metadata, ruleSet } = canonical

  const shared = sameElsewhere(state, subject, canonical)
  const usesShared = shared !== undefined && (asked.id < 0 || asked.id === shared.id)
  if (asked.version === 0 && usesShared && shared.version !== undefined) return [[], shared.version]
  if (asked.version === 0)
    for (const version of live.toReversed())
      if ((asked.id < 0 || asked.id === version.id) && isSame(state, parser, canonical, version)) return [[], version]
  if (!imports) {
    const why = incompatibleWith(config, { parsed, metadata }, live, version => parser.parse(state, subject, version))
    if (why.length > 0) return refusals.incompatible(subject, why)
    if (asked.version > 0 && asked.version !== next)
      return refusals.invalidSchema('Version is not one more than previous version')
  }
  if (state.sizeChars + sizeOf(request) > MAX_CHARS || state.subjects.size >= MAX_NAMES || all.length >= MAX_VERSIONS)
    return refusals.tooLarge(
      `Register operation failed because the registry is full: it holds ${MAX_CHARS} characters in all, ${MAX_NAMES} subjects, and ${MAX_VERSIONS} versions of each`,
    )
  const id = idFor(state, subject, asked.id >= 0 ? asked.id : usesShared ? shared.id : undefined, canonical)
  if (isRefusal(id)) return id
  const version: SchemaVersion = {
    subject,
    version: asked.version > 0 ? asked.version : next,
    id,
    guid: guidOf(canonical),
    schemaType: parsed.type,
    references,
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    schema: parsed.text,
    deleted: false,
  }
  return [factsOf(state, version, all), version]
}

/** Facts of a new version. A version of the same id that was softly deleted gives way to it, unless others refer to it. */
function factsOf(state: RegistryState, schema: SchemaVersion, all: readonly SchemaVersion[]): RegistryFact[] {
  const { subject, version, id } = schema
  const context = contextOf(subject)
  // An imported version may displace another.
  const facts: RegistryFact[] = all.some(old => old.version === version) ? [...idsKept(state)] : []
  if (context !== DEFAULT_CONTEXT && !state.knownContexts.has(context))
    facts.push({ type: 'context', context, known: true })
  for (const old of all)
    if (old.deleted && old.id === id && old.version < version && !state.referrers.has(`${old.version} ${subject}`))
      facts.push({ type: 'schema', subject, version: old.version, schema: null })
  // Last, so that the id is not forgotten in between.
  return [{ type: 'schema', subject, version, schema }, ...facts]
}

/** What a version that says nothing of it takes from the one before it, and from the config. */
function populated(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  before: SchemaVersion | undefined,
  next: number,
): SchemaRequest | Refusal {
  const config = configOf(state, subject)
  let { schema, schemaType, references } = request
  if (schema.trim() === '') {
    if (before === undefined) return refusals.invalidSchema('Empty schema')
    ;({ schema, schemaType, references } = before)
  }
  return { ...request, schema, schemaType, references, ...carried(config, request, before, next) }
}

function carried(
  config: ReturnType<typeof configOf>,
  request: SchemaRequest,
  before: SchemaVersion | undefined,
  next: number | undefined,
): { readonly metadata?: Metadata; readonly ruleSet?: RuleSet } {
  let metadata = fullMetadata(config, request.metadata ?? before?.metadata)
  const ruleSet = fullRuleSet(config, request.ruleSet ?? before?.ruleSet)
  if (next !== undefined && (request.version !== 0 || versionProperty(metadata) !== undefined))
    metadata = withVersionProperty(metadata, next)
  return { ...(metadata === undefined ? {} : { metadata }), ...(ruleSet === undefined ? {} : { ruleSet }) }
}

/** The schema as it is kept: parsed, and in the form its format has for equal schemas. */
export function canonicalize(
  state: RegistryState,
  parser: Parser,
  subject: string,
  request: SchemaRequest,
  { normalize, asNew }: { readonly normalize: boolean; readonly asNew: boolean },
): Canonical | Refusal {
  if (request.schema.trim() === '') return refusals.invalidSchema('Empty schema')
  const given = parser.parse(state, subject, request, { asNew })
  if (isRefusal(given)) return given
  const parsed =
    normalize && given.normalized !== given.text
      ? parser.parse(state, subject, { ...request, schema: given.normalized }, { asNew })
      : given
  return isRefusal(parsed) ? parsed : { ...request, schema: parsed.text, parsed }
}

/** The id that the same schema has in the subject's context, and its version in this subject, if it is not deleted. */
function sameElsewhere(
  state: RegistryState,
  subject: string,
  canonical: Canonical,
): { readonly id: number; readonly version: SchemaVersion | undefined } | undefined {
  const context = state.contexts.get(contextOf(subject))
  const id = context?.idByGuid.get(guidOf(canonical))
  if (id === undefined) return undefined
  const version = context!.ids.get(id)?.get(subject)
  return { id, version: version === undefined ? undefined : versionOf(state, subject, version) }
}

function idFor(state: RegistryState, subject: string, id: number | undefined, canonical: Canonical): number | Refusal {
  const context = state.contexts.get(contextOf(subject))
  if (id === undefined) return (context?.maxId ?? 0) + 1
  const [registered] = context?.ids.get(id) ?? []
  const known = registered && state.subjects.get(registered[0])?.get(registered[1])
  if (known === undefined || known.guid === guidOf(canonical)) return id
  return refusals.notPermitted(`Overwrite new schema with id ${id} in context ${inWords(subject)} is not permitted.`)
}

export interface LookupOptions {
  readonly normalize: boolean
  /** Those softly deleted, too. */
  readonly deleted: boolean
  readonly latestOnly?: boolean
}

/** The version of the subject that is this schema; undefined if none is. */
export function lookup(
  state: RegistryState,
  parser: Parser,
  subject: string,
  request: SchemaRequest,
  options: LookupOptions,
): SchemaVersion | Refusal | undefined {
  const config = configOf(state, subject)
  const normal = { ...options, normalize: options.normalize || config.normalize === true }
  const found = find(state, parser, subject, request, normal)
  if (found !== undefined) return found
  const latest = versionOf(state, subject, -1)
  if (latest === undefined) return undefined
  // As registering would: with what the version before it says.
  const next = { ...request, ...carried(config, request, latest, undefined) }
  if (same(next.metadata, request.metadata) && same(next.ruleSet, request.ruleSet)) return undefined
  return find(state, parser, subject, next, normal)
}

function find(
  state: RegistryState,
  parser: Parser,
  subject: string,
  request: SchemaRequest,
  { normalize, deleted, latestOnly = false }: LookupOptions,
): SchemaVersion | Refusal | undefined {
  if (request.schema.trim() === '') return undefined
  const canonical = canonicalize(state, parser, subject, request, { normalize, asNew: false })
  if (isRefusal(canonical)) return canonical
  if (!latestOnly) {
    const context = state.contexts.get(contextOf(subject))
    const id = context?.idByGuid.get(guidOf(canonical))
    const version = id === undefined ? undefined : context!.ids.get(id)?.get(subject)
    const found = version === undefined ? undefined : versionOf(state, subject, version, { deleted })
    if (found !== undefined) return found
  }
  const live = versionsOf(state, subject).filter(version => deleted || !version.deleted)
  const candidates = latestOnly ? live.slice(-1) : live.toReversed()
  return candidates.find(version => isSame(state, parser, canonical, version))
}

/** Confluent's canLookup: the same schema, be it with references or with what they refer to written out. */
function isSame(state: RegistryState, parser: Parser, asked: Canonical, version: SchemaVersion): boolean {
  if (asked.schemaType !== version.schemaType) return false
  const resolved = asked.references.length === 0 && version.references.length > 0
  if (!resolved && !sameReferences(state, asked.references, version.references)) return false
  if (!sameSayings(asked, version)) return false
  if (asked.schema === version.schema) return true
  // Objects whose members stand in another order are one.
  if (asked.schemaType === 'JSON') return same(JSON.parse(asked.schema), JSON.parse(version.schema))
  // Only then is there anything to be parsed: a subject may have many versions.
  if (!resolved) return false
  const other = parser.parse(state, version.subject, version)
  return !isRefusal(other) && formattedSchema(other, 'resolved') === formattedSchema(asked.parsed, 'resolved')
}

function sameReferences(
  state: RegistryState,
  some: readonly SchemaReference[],
  others: readonly SchemaReference[],
): boolean {
  const fixed = (references: readonly SchemaReference[]): readonly SchemaReference[] =>
    references.map(({ name, subject, version }) => ({
      name,
      subject,
      version: version === -1 ? (versionOf(state, subject, -1)?.version ?? -1) : version,
    }))
  return same(fixed(some), fixed(others))
}

/** Metadata and rules, but for the version that one of them says of itself. */
function sameSayings(asked: SchemaRequest, { metadata, ruleSet, version }: SchemaVersion): boolean {
  if (!same(asked.ruleSet, ruleSet)) return false
  const said = versionProperty(asked.metadata)
  const stored = versionProperty(metadata)
  if ((said === undefined) === (stored === undefined)) return same(asked.metadata, metadata)
  if (said !== undefined && Number(said) !== version) return false
  return same(withoutVersionProperty(asked.metadata) ?? NO_SAYINGS, withoutVersionProperty(metadata) ?? NO_SAYINGS)
}

const NO_SAYINGS: Metadata = { properties: {} }
