// Configs and modes: what holds for a subject — its own, its context's, or everybody's — and how they are changed.

import { mergeMetadata, mergeRuleSets, type Metadata, type RuleSet } from './metadata.ts'
import { type Refusal, refusals } from './refusals.ts'
import {
  type Mode,
  type RegistryConfig,
  type RegistryFact,
  type RegistryState,
  hasSubject,
  idsKept,
  MAX_CHARS,
  MAX_NAMES,
  sizeOf,
  referrerKey,
  versionsOf,
} from './state.ts'
import { contextOf, contextPrefix, DEFAULT_CONTEXT, globalContextSubject, isWithin, qualified } from './subjects.ts'

const DEFAULT_CONFIG = { compatibilityLevel: 'BACKWARD' } as const satisfies RegistryConfig
const DEFAULT_MODE: Mode = 'READWRITE'

/** A config in which something is said of compatibility, as every one that is answered. */
export type Config = RegistryConfig & Required<Pick<RegistryConfig, 'compatibilityLevel'>>

/** Null takes back what was said; what is absent stays. */
export type ConfigChange = { readonly [K in keyof RegistryConfig]: RegistryConfig[K] | null }

/** What was said of exactly this subject or context; of all ('') there is always something. */
export function ownConfig({ configs }: RegistryState, subject: string): Config | undefined {
  const own = configs.get(subject)
  if (own === undefined) return subject === '' || subject === globalContextSubject ? DEFAULT_CONFIG : undefined
  return { ...DEFAULT_CONFIG, ...own }
}

/** Confluent's mergeConfigs: of all, a subject takes these if it does not say them itself. */
const inherited = ['normalize', 'validateFields', 'validateRules', 'compatibilityGroup'] as const

/** What holds for the subject. */
export function configOf(state: RegistryState, subject: string): Config {
  const own = state.configs.get(subject)
  if (own === undefined) return { ...DEFAULT_CONFIG, ...above(state.configs, subject) }
  if (subject === '') return { ...DEFAULT_CONFIG, ...own }
  const all = state.configs.get('') ?? {}
  const given = Object.fromEntries(inherited.flatMap(key => (all[key] === undefined ? [] : [[key, all[key]]])))
  return { ...DEFAULT_CONFIG, ...given, ...own }
}

/** The setting of the subject's context, or of all. */
const above = <T>(settings: ReadonlyMap<string, T>, subject: string): T | undefined =>
  settings.get(contextPrefix(contextOf(subject))) ?? settings.get(globalContextSubject)

export const ownMode = ({ modes }: RegistryState, subject: string): Mode | undefined =>
  modes.get(subject) ?? (subject === '' || subject === globalContextSubject ? DEFAULT_MODE : undefined)

export const modeOf = ({ modes }: RegistryState, subject: string): Mode =>
  modes.get(subject) ?? above(modes, subject) ?? DEFAULT_MODE

/** Why nothing may be written here. */
export function readOnly(state: RegistryState, subject: string): Refusal | undefined {
  const mode = modeOf(state, subject)
  if (mode !== 'READONLY' && mode !== 'READONLY_OVERRIDE') return undefined
  return refusals.notPermitted(`Subject ${subject} in context ${inWords(subject)} is in read-only mode`)
}

/** The context as Confluent's sentences name it: of the default one, nothing. */
export const inWords = (subject: string): string => contextPrefix(contextOf(subject))

/** Does the config say something of every schema? */
export const hasDefaults = (config: RegistryConfig): boolean =>
  config.defaultMetadata !== undefined ||
  config.overrideMetadata !== undefined ||
  config.defaultRuleSet !== undefined ||
  config.overrideRuleSet !== undefined

const full = (): Refusal =>
  refusals.notPermitted(`The registry is full: it holds ${MAX_CHARS} characters in all, ${MAX_NAMES} configs and modes`)

/** What a schema says, between what its config says of all and what it insists on. */
export const fullMetadata = (config: RegistryConfig, own: Metadata | undefined): Metadata | undefined =>
  mergeMetadata(mergeMetadata(config.defaultMetadata, own), config.overrideMetadata)

export const fullRuleSet = (config: RegistryConfig, own: RuleSet | undefined): RuleSet | undefined =>
  mergeRuleSets(mergeRuleSets(config.defaultRuleSet, own), config.overrideRuleSet)

export function changeConfig(
  state: RegistryState,
  subject: string,
  change: ConfigChange,
): readonly [RegistryFact, RegistryConfig] | Refusal {
  const refused = readOnly(state, subject)
  if (refused !== undefined) return refused
  const said = Object.entries({ ...state.configs.get(subject), ...change }).filter(([, value]) => value !== null)
  const config = Object.fromEntries(said) as RegistryConfig
  if (state.sizeChars + sizeOf(config) > MAX_CHARS || state.configs.size >= MAX_NAMES) return full()
  return [{ type: 'config', subject, config }, config]
}

/** The config that was deleted. */
export function deleteConfig(state: RegistryState, subject: string): readonly [RegistryFact, Config] | Refusal {
  const config = ownConfig(state, subject)
  if (config === undefined) return refusals.subjectNotFound(subject)
  return readOnly(state, subject) ?? [{ type: 'config', subject, config: null }, config]
}

/** Import needs a subject, or context, without schemas, so that versions and ids can be those of elsewhere. */
export function changeMode(
  state: RegistryState,
  subject: string,
  mode: Mode,
  force: boolean,
): readonly RegistryFact[] | Refusal {
  if (state.modes.size >= MAX_NAMES) return full()
  const fact: RegistryFact = { type: 'mode', subject, mode }
  if (mode !== 'IMPORT' || force || modeOf(state, subject) === 'IMPORT') return [fact]
  const scope = subject === '' ? globalContextSubject : subject
  if (hasSubject(state, scope, false)) return refusals.notPermitted('Cannot import since found existing subjects')
  const gone = [...state.subjects.keys()].filter(each => isWithin(scope, each)).flatMap(each => versionsOf(state, each))
  if (gone.length === 0) return [fact]
  for (const { subject: each, version } of gone)
    if (state.referrers.has(referrerKey(each, version))) return refusals.referenceExists(each, version)
  const facts = gone.map(({ subject: each, version }): RegistryFact => {
    return { type: 'schema', subject: each, version, schema: null }
  })
  return [...idsKept(state), ...facts, { type: 'clearSubject', subject: scope }, fact]
}

/** Takes the mode back, `recursive`: of all subjects of that context, too. */
export function deleteMode(
  state: RegistryState,
  subject: string,
  recursive: boolean,
): readonly [readonly RegistryFact[], Mode | undefined] | Refusal {
  const mode = ownMode(state, subject)
  if (mode === undefined && !recursive) return refusals.subjectNotFound(subject)
  const { name, context } = qualified(subject)
  const below =
    recursive && name === ''
      ? [...state.modes.keys()].filter(each => each !== subject && contextOf(each) === (context || DEFAULT_CONTEXT))
      : []
  return [[subject, ...below].map(each => ({ type: 'mode', subject: each, mode: null })), mode]
}
