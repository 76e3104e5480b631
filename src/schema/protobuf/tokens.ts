// The words of a .proto file, without its spaces and comments.

import { Invalid } from '../json-text.ts'

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'sign' | 'end'
  /** Of a string what it says, not how it is written. */
  readonly text: string
  readonly line: number
}

const SPACE = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y
const WORD = /[A-Za-z_]\w*/y
/** The sign of a number is a token of its own. */
const NUMBER = /(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y
const STRING = /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'/y
const MAX_TOKENS = 500_000
const MAX_NAME = 1_000
/** Messages inside messages, and maps inside options. */
const MAX_DEPTH = 100

export class Tokens {
  readonly #tokens: Token[] = []
  #at = 0
  #depth = 0

  constructor(text: string) {
    let at = 0
    let line = 1
    let counted = 0
    const take = (pattern: RegExp): string => {
      pattern.lastIndex = at
      const found = pattern.exec(text)?.[0] ?? ''
      at += found.length
      return found
    }
    for (;;) {
      take(SPACE)
      for (; counted < at; counted++) if (text.charCodeAt(counted) === 10) line++
      if (this.#tokens.length > MAX_TOKENS) throw new Invalid(`more than ${MAX_TOKENS} words and signs`)
      if (at >= text.length) break
      const word = take(WORD)
      if (word !== '') {
        this.#tokens.push({ kind: 'word', text: word, line })
        continue
      }
      const number = take(NUMBER)
      if (number !== '') {
        this.#tokens.push({ kind: 'number', text: number, line })
        continue
      }
      const string = take(STRING)
      if (string !== '') this.#tokens.push({ kind: 'string', text: unescape(string.slice(1, -1)), line })
      else this.#tokens.push({ kind: 'sign', text: text[at++]!, line })
    }
    this.#tokens.push({ kind: 'end', text: '', line })
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!
  }

  next(): Token {
    const token = this.peek()
    this.#at++
    return token
  }

  is(text: string): boolean {
    const { kind, text: found } = this.peek()
    return found === text && kind !== 'string'
  }

  accept(text: string): boolean {
    const found = this.is(text)
    if (found) this.#at++
    return found
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`'${text}'`)
  }

  word(what = 'a name'): string {
    return this.peek().kind === 'word' ? this.next().text : this.fail(what)
  }

  simpleName(): string {
    return bounded(this.word())
  }

  /** With dots, and where a URL may stand with slashes. */
  name(slashes = false): string {
    let name = this.accept('.') ? '.' : ''
    name += this.simpleName()
    const joints = slashes ? ['.', '/'] : ['.']
    while (joints.some(joint => this.is(joint))) name += this.next().text + this.simpleName()
    return bounded(name)
  }

  /** Of something that may contain itself. */
  inside(run: () => void): void {
    if (++this.#depth > MAX_DEPTH) throw new Invalid(`nested deeper than ${MAX_DEPTH} levels`)
    run()
    this.#depth--
  }

  string(): string {
    let text = this.peek().kind === 'string' ? this.next().text : this.fail('a string')
    while (this.peek().kind === 'string') text += this.next().text
    return text
  }

  integer(): number {
    const negative = this.accept('-')
    const { kind, text } = this.peek()
    const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
    if (kind !== 'number' || !Number.isInteger(value)) this.fail('a whole number')
    this.#at++
    return negative ? -value : value
  }

  fail(expected: string): never {
    const { kind, text, line } = this.peek()
    throw new Invalid(
      `line ${line}: ${expected} expected, found ${kind === 'end' ? 'the end' : `'${text.slice(0, 50)}'`}`,
    )
  }
}

function bounded(name: string): string {
  if (name.length > MAX_NAME) throw new Invalid(`name longer than ${MAX_NAME} characters: ${name.slice(0, 50)}…`)
  return name
}

const ESCAPES: Record<string, string> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unescape(text: string): string {
  return text.replace(
    /\\(?:[xX]([\da-fA-F]{1,2})|([0-7]{1,3})|([^]))/g,
    (_, hex?: string, octal?: string, one = '') => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      return ESCAPES[one as string] ?? (one as string)
    },
  )
}
