// What encoding and decoding one datum have in common in every format: where it went wrong, limits, and integers of 64 bits,
// which JSON can hold and JavaScript's numbers cannot.

/** Values inside each other. */
const MAX_DEPTH = 200
/** Values in one datum: some of them take no bytes at all, so bytes do not bound them. */
const MAX_VALUES = 1_000_000
/** What one datum may come to as JSON, about: names of fields and defaults are not in its bytes either. */
const MAX_SIZE = 16_777_216
/** The size of a value without its text. */
const VALUE_SIZE = 8
/** What data read at once may come to: more than its bytes, for that is what schemas are for, but not without an end. */
const MIN_ALLOWANCE = 33_554_432
const ALLOWED_PER_BYTE = 24

const TWO_63 = 2n ** 63n
const TWO_64 = 2n ** 64n

/** Thrown inside this room and caught by `encodeDatum` and `decodeDatum`. */
export class BadDatum extends Error {
  readonly path: string

  constructor(path: Path, message: string) {
    const at = pathText(path)
    super(at === '' ? message : `${at}: ${message}`)
    this.path = at
  }
}

/** From the innermost step outwards, so that going deeper costs one object. */
export type Path = { readonly step: string | number; readonly outer: Path } | undefined

function pathText(path: Path): string {
  const steps: string[] = []
  for (let at = path; at !== undefined; at = at.outer) {
    steps.push(typeof at.step === 'number' ? `[${at.step}]` : at.outer === undefined ? at.step : `.${at.step}`)
  }
  return steps.reverse().join('')
}

/** What many data may come to together: a thousand small ones can be as large as one that is refused. */
export class Allowance {
  left: number

  constructor(bytes: number) {
    this.left = MIN_ALLOWANCE + ALLOWED_PER_BYTE * bytes
  }
}

/** Counts the values of one datum, how deep they are, and what they come to. */
export class Limits {
  readonly #allowance: Allowance | undefined
  #values = 0
  #size = 0

  constructor(allowance?: Allowance) {
    this.#allowance = allowance
  }

  take(path: Path, depth: number): void {
    if (depth > MAX_DEPTH) throw new BadDatum(undefined, `values are nested deeper than ${MAX_DEPTH} levels`)
    if (++this.#values > MAX_VALUES) throw new BadDatum(path, `more than ${MAX_VALUES} values in one record`)
    this.text(path, VALUE_SIZE)
  }

  /** Text that the schema has and the bytes have not. */
  text(path: Path, chars: number): void {
    this.#size += chars
    if (this.#size > MAX_SIZE) throw new BadDatum(path, 'the schema makes too much of so few bytes')
    if (this.#allowance !== undefined && (this.#allowance.left -= chars) < 0)
      throw new BadDatum(path, 'the schemas make too much of so few bytes')
  }
}

/** An integer in the ways JSON can bring it: a number that is exact, its digits in a string, a bigint, JSON.rawJSON. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  const digits = typeof value === 'string' ? value : rawText(value)
  return digits !== undefined && digits.length <= 20 && /^-?\d+$/.test(digits) ? BigInt(digits) : undefined
}

export const isInt32 = (value: bigint): boolean => value === BigInt.asIntN(32, value)
export const isUint32 = (value: bigint): boolean => value === BigInt.asUintN(32, value)
export const isInt64 = (value: bigint): boolean => value >= -TWO_63 && value < TWO_63
export const isUint64 = (value: bigint): boolean => value >= 0n && value < TWO_64

/** A number, or the digits as they must stand in JSON where a number would lose some. */
export function exact(integer: bigint): unknown {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : rawJson(String(integer))
}

/** Not yet in TypeScript's library. */
const json = JSON as unknown as { rawJSON(text: string): unknown; isRawJSON(value: unknown): boolean }
const rawJson = (text: string): unknown => json.rawJSON(text)
const rawText = (value: unknown): string | undefined =>
  json.isRawJSON(value) ? (value as { rawJSON: string }).rawJSON : undefined

/** The shortest number that is this one in 32 bits: 3.14 rather than 3.140000104904175. */
export function shortFloat(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** NaN and the infinities are strings in JSON. */
export const floatToJson = (value: number): number | string => (Number.isFinite(value) ? value : String(value))

export function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  const integer = typeof value === 'string' ? undefined : integerOf(value)
  return integer === undefined ? undefined : Number(integer)
}

export type JsonRecord = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  rawText(value) === undefined

/** Of a value's own keys only: a field may be called `constructor`. */
export const get = (value: JsonRecord, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined)

export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (isRecord(value)) return 'an object'
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `${value as number}; beyond 2^53 its digits come in a string`
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
