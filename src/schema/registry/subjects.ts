// Names of subjects: `name` in the default context, `:.context:name` in another. Confluent's QualifiedSubject.

export const DEFAULT_CONTEXT = '.'
/** Its config and mode hold where neither subject nor context nor the default context has one. */
const GLOBAL_CONTEXT = '.__GLOBAL'
/** All contexts, in prefixes only. */
export const ANY_CONTEXT = ':*:'

interface QualifiedSubject {
  /** `.` or `.name` */
  readonly context: string
  readonly name: string
}

export function qualified(subject: string): QualifiedSubject {
  if (subject.startsWith(ANY_CONTEXT)) return { context: '*', name: subject.slice(ANY_CONTEXT.length) }
  if (!subject.startsWith(':.')) return { context: DEFAULT_CONTEXT, name: subject }
  const end = subject.indexOf(':', 2)
  if (end < 0) return { context: subject.slice(1), name: '' }
  return { context: subject.slice(1, end), name: subject.slice(end + 1) }
}

/** `:.context:`, or nothing for the default one. */
export const contextPrefix = (context: string): string => (context === DEFAULT_CONTEXT ? '' : `:${context}:`)

/** One spelling each: `:.:name` is `name`. */
export function normalizeSubject(subject: string): string {
  const { context, name } = qualified(subject)
  return contextPrefix(context) + name
}

export const contextOf = (subject: string): string => qualified(subject).context

/** The prefix that a context of a path stands for: `:.name:`, `.name` and `name` are one. Undefined: no legal name. */
export function prefixOfContext(given: string): string | undefined {
  const bare = given.replace(/^:/, '').replace(/:$/, '')
  if (bare.includes(':')) return undefined
  return contextPrefix(bare.startsWith('.') ? bare : `.${bare}`)
}

export const globalContextSubject = contextPrefix(GLOBAL_CONTEXT)

export const isDefaultContext = (subject: string): boolean => {
  const { context, name } = qualified(subject)
  return context === DEFAULT_CONTEXT && name === ''
}

/** What another subject, an alias or a reference, is called in the context of its parent. */
export function inContextOf(parent: string, subject: string): string {
  const own = qualified(subject)
  return own.context === DEFAULT_CONTEXT ? contextPrefix(contextOf(parent)) + own.name : normalizeSubject(subject)
}

/** Does `scope` name that subject: itself, or, without a name, all subjects of its context? */
export function isWithin(scope: string, subject: string): boolean {
  if (scope === subject) return true
  const { context, name } = qualified(scope)
  return name === '' && (context === GLOBAL_CONTEXT || context === contextOf(subject))
}

/** Does a subject begin so? Prefixes are of one context, or of all. */
export function hasPrefix(subject: string, prefix: string): boolean {
  const own = qualified(subject)
  const wanted = qualified(prefix)
  return (wanted.context === '*' || wanted.context === own.context) && own.name.startsWith(wanted.name)
}

/** Characters of a name. Topics have 249 at most; names of records come beside. */
const MAX_NAME = 600

/** May it be registered under, or, with `forSettings`, be configured? */
export function isValidSubject(subject: string, forSettings: boolean): boolean {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(subject)) return false
  const { context, name } = qualified(subject)
  if (subject.length > MAX_NAME) return false
  if (name === '__GLOBAL' || name === '__EMPTY') return false
  return forSettings || (context !== GLOBAL_CONTEXT && context !== '*')
}
