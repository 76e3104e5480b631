// JSON as schemas are written in it: the order of keys and the digits of numbers survive, which JSON.parse does not promise,
// and nesting is bounded. What the JSON means is left to the formats.

/** Characters of one schema. Confluent's limit is the record it is stored in, 1 MB. */
export const MAX_SCHEMA_CHARACTERS = 1_000_000
/** Arrays and objects inside each other. */
const MAX_NESTING = 500

/** A number as it was written. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get value(): number {
    return Number(this.text)
  }

  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text)
  }
}

export type JsonObject = ReadonlyMap<string, Json>
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject

/** What is wrong with a schema's text; thrown inside this room and caught by `parseSchema`. */
export class Invalid extends Error {}

export const isObject = (json: Json | undefined): json is JsonObject => json instanceof Map
export const isArray = (json: Json | undefined): json is readonly Json[] => Array.isArray(json)

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN = /[^"\\]*/y
const WORDS: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/** Throws Invalid, which names the place. Of keys given twice the last counts, as in Jackson. */
export function parseJson(text: string): Json {
  let at = 0

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? ''
    at += found.length
    return found
  }
  const fail = (expected: string): never => {
    const found = at < text.length ? `'${text.slice(at, at + 20)}'` : 'the end'
    throw new Invalid(`not JSON: ${expected} expected at character ${at}, found ${found}`)
  }
  const accept = (character: string): boolean => {
    take(SPACE)
    if (text[at] !== character) return false
    at++
    return true
  }

  const string = (): string => {
    const start = at++
    for (;;) {
      take(PLAIN)
      if (text[at] === '\\') at += 2
      else if (text[at] === '"') break
      else fail('the rest of a string')
    }
    at++
    try {
      return JSON.parse(text.slice(start, at)) as string
    } catch {
      at = start
      return fail('a string')
    }
  }

  const value = (depth: number): Json => {
    if (depth > MAX_NESTING) throw new Invalid(`nested deeper than ${MAX_NESTING} levels`)
    take(SPACE)
    if (text[at] === '"') return string()
    if (accept('{')) {
      const object = new Map<string, Json>()
      if (accept('}')) return object
      do {
        take(SPACE)
        if (text[at] !== '"') fail('a key')
        const key = string()
        if (!accept(':')) fail("':'")
        object.set(key, value(depth + 1))
      } while (accept(','))
      return accept('}') ? object : fail("',' or '}'")
    }
    if (accept('[')) {
      const array: Json[] = []
      if (accept(']')) return array
      do array.push(value(depth + 1))
      while (accept(','))
      return accept(']') ? array : fail("',' or ']'")
    }
    const number = take(NUMBER)
    if (number !== '') return new JsonNumber(number)
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length
        return meaning
      }
    }
    return fail('a value')
  }

  const json = value(0)
  take(SPACE)
  if (at < text.length) fail('the end')
  return json
}

interface Style {
  /** Keys in alphabetical order. */
  readonly sorted?: boolean
  readonly number?: (number: JsonNumber) => string
}

/** Without spaces. */
export function writeJson(json: Json, style: Style = {}): string {
  if (json instanceof JsonNumber) return style.number?.(json) ?? json.text
  if (isArray(json)) return `[${json.map(item => writeJson(item, style)).join(',')}]`
  if (isObject(json)) {
    const entries = style.sorted ? [...json].sort(([a], [b]) => (a < b ? -1 : 1)) : [...json]
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${writeJson(item, style)}`).join(',')}}`
  }
  return JSON.stringify(json)
}
