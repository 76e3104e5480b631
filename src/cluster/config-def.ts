// What a config is: its type, how its text is read and checked, and where its default comes from. Types, texts and
// complaints are those of Kafka's ConfigDef; which configs there are is configs.ts and broker-configs.ts.

import { type Failure, failure } from '../protocol/errors.ts'

/** Kafka's ConfigDef.Type, as DescribeConfigs names them. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST'

/** A config of the broker that stands in for a topic's, its value times `factor` (log.retention.hours for retention.ms). */
export interface Synonym {
  readonly name: string
  readonly factor: number
}

export interface ConfigDef<T = unknown> {
  readonly type: ConfigType
  /** The text of the default; null: none. */
  readonly default: string | null
  readonly documentation: string
  /** Best first. */
  readonly synonyms: readonly Synonym[]
  /** Why setting it changes nothing here; undefined where it has its effect. */
  readonly noEffect?: string
  /** Known but not shown, as Kafka's internal configs. */
  readonly internal?: true
  /** May be given when the topic is created, and never changed. */
  readonly fixed?: true
  /** Reads a text. `text` is the same value as it is stored and shown. */
  read(key: string, text: string): Setting<T> | Failure
}

export interface Setting<T> {
  readonly value: T
  readonly text: string
}

export type ValueOf<D> = D extends ConfigDef<infer T> ? T : never

/** What most configs need beside their type, default and sentence. */
export interface ConfigOptions {
  /** Names, or [name, factor]. */
  readonly synonyms?: readonly (string | readonly [string, number])[]
  readonly noEffect?: string
  readonly internal?: true
  readonly fixed?: true
}

interface Bounds {
  readonly min?: number
  readonly max?: number
  /** One more value, outside the bounds. */
  readonly or?: number
}

export const LONG_MAX = '9223372036854775807'
const INT_MAX = 2_147_483_647n

export const int = (preset: number | null, bounds: Bounds, documentation: string, options?: ConfigOptions) =>
  define<number>('INT', preset, documentation, options, (key, text) => wholeNumber(key, text, 'INT', INT_MAX, bounds))

export const long = (preset: number | string | null, bounds: Bounds, documentation: string, options?: ConfigOptions) =>
  define<number>('LONG', preset, documentation, options, (key, text) =>
    wholeNumber(key, text, 'LONG', BigInt(LONG_MAX), bounds),
  )

export const double = (preset: number, bounds: Bounds, documentation: string, options?: ConfigOptions) =>
  define<number>('DOUBLE', preset, documentation, options, (key, text) => {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?$/.test(text)) return notANumber(key, text, 'DOUBLE')
    const value = Number.parseFloat(text)
    // As Java prints a double: 2.0, not 2.
    const shown = Number.isInteger(value) ? value.toFixed(1) : String(value)
    return outOfBounds(key, value, shown, bounds) ?? { value, text: shown }
  })

export const boolean = (preset: boolean, documentation: string, options?: ConfigOptions) =>
  define<boolean>('BOOLEAN', preset, documentation, options, (key, text) => {
    const lower = text.toLowerCase()
    if (lower !== 'true' && lower !== 'false') return invalid(key, text, 'Expected value to be either true or false')
    return { value: lower === 'true', text: lower }
  })

/** Any text, or one of `values`. */
export const string = <const T extends string = string>(
  preset: T | null,
  values: readonly T[] | undefined,
  documentation: string,
  options?: ConfigOptions,
) =>
  define<T>('STRING', preset, documentation, options, (key, text) => {
    if (values !== undefined && !(values as readonly string[]).includes(text)) return notOneOf(key, text, values)
    return { value: text as T, text }
  })

/** Values separated by commas, each one of `values`; one named twice counts once. */
export const list = <const T extends string>(
  preset: string,
  values: readonly T[],
  documentation: string,
  options?: ConfigOptions,
) =>
  define<readonly T[]>('LIST', preset, documentation, options, (key, text) => {
    const parts = splitList(text)
    if (parts.includes('')) return failure('INVALID_CONFIG', `Configuration '${key}' values must not be empty.`)
    const stray = parts.find(part => !(values as readonly string[]).includes(part))
    if (stray !== undefined) return notOneOf(key, stray, values)
    return { value: parts as T[], text: parts.join(',') }
  })

/** `*`, or replicas as partition:broker separated by commas. */
export const replicas = (documentation: string, options?: ConfigOptions) =>
  define<readonly string[]>('LIST', '', documentation, options, (key, text) => {
    const parts = splitList(text)
    if (text !== '*' && parts.some(part => !/^\d+:\d+$/.test(part)))
      return invalid(
        key,
        `[${parts.join(', ')}]`,
        `${key} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
      )
    return { value: parts, text: parts.join(',') }
  })

/** The values of a list's text, each once. */
export const splitList = (text: string): string[] => (text === '' ? [] : [...new Set(text.split(/\s*,\s*/))])

function define<T>(
  type: ConfigType,
  preset: number | string | boolean | null,
  documentation: string,
  options: ConfigOptions = {},
  read: (key: string, text: string) => Setting<T> | Failure,
): ConfigDef<T> {
  const { synonyms = [], ...rest } = options
  return {
    type,
    default: preset === null ? null : String(preset),
    documentation,
    synonyms: synonyms.map(synonym =>
      typeof synonym === 'string' ? { name: synonym, factor: 1 } : { name: synonym[0], factor: synonym[1] },
    ),
    ...rest,
    read: (key, text) => read(key, text.trim()),
  }
}

function wholeNumber(
  key: string,
  text: string,
  type: 'INT' | 'LONG',
  most: bigint,
  bounds: Bounds,
): Setting<number> | Failure {
  if (!/^[+-]?\d{1,30}$/.test(text)) return notANumber(key, text, type)
  const exact = BigInt(text.replace(/^\+/, ''))
  if (exact > most || exact < -most - 1n) return notANumber(key, text, type)
  const value = Number(exact)
  return outOfBounds(key, value, String(exact), bounds) ?? { value, text: String(exact) }
}

function outOfBounds(key: string, value: number, shown: string, { min, max, or }: Bounds): Failure | undefined {
  const low = min !== undefined && value < min
  const high = max !== undefined && value > max
  if ((!low && !high) || value === or) return undefined
  if (or !== undefined) return invalid(key, shown, `Value must be between ${min} and ${max} or equal to ${or}`)
  return invalid(key, shown, low ? `Value must be at least ${min}` : `Value must be no more than ${max}`)
}

const invalid = (key: string, shown: string, why: string): Failure =>
  failure('INVALID_CONFIG', `Invalid value ${shown} for configuration ${key}: ${why}`)

const notANumber = (key: string, text: string, type: ConfigType): Failure =>
  invalid(key, text, `Not a number of type ${type}`)

const notOneOf = (key: string, text: string, values: readonly string[]): Failure =>
  invalid(key, text, `String must be one of: ${values.join(', ')}`)
