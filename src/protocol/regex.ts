// Regular expressions of strangers: topics of a subscription, patterns of a schema. The language is RE2's without its rarer
// parts: no look-around, no back-references. An expression becomes a graph that is walked for all its branches at once,
// so matching takes time in proportion to name × graph, both bounded, and never explodes.

import { type Failure, failure } from './errors.ts'

/** Characters of an expression. */
const MAX_PATTERN = 1_000
/** Nodes of its graph, after repetitions are written out. */
const MAX_NODES = 5_000
/** As RE2: `a{1001}` is refused. */
const MAX_REPEAT = 1_000
const MAX_DEPTH = 50

type Test = (code: number) => boolean

/** A node either takes one character and goes on, or goes on to several at once, or stands for an edge of the name. */
interface Node {
  readonly test?: Test
  readonly edge?: 'start' | 'end' | 'word' | 'notWord'
  readonly next: Node[]
}

interface Part {
  readonly first: Node
  readonly last: Node
}

class Invalid extends Error {}

/** Tells whether a whole name matches; INVALID_REGULAR_EXPRESSION says where the expression is wrong. */
export function compileRegex(pattern: string): ((name: string) => boolean) | Failure {
  if (pattern.length > MAX_PATTERN) return invalid(pattern, `it is longer than ${MAX_PATTERN} characters`)
  try {
    const { first, last } = new Parser(pattern).parse()
    return name => matches(first, last, name)
  } catch (error) {
    if (error instanceof Invalid) return invalid(pattern, error.message)
    throw error
  }
}

const invalid = (pattern: string, why: string): Failure =>
  failure(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex \`${pattern.slice(0, 100)}\` is not a valid regular expression: ${why}.`,
  )

function matches(first: Node, last: Node, name: string): boolean {
  let here = reach([first], name, 0)
  for (let at = 0; at < name.length && here.size > 0; at++) {
    const code = name.charCodeAt(at)
    const taken: Node[] = []
    for (const { test, next } of here) if (test?.(code)) taken.push(...next)
    here = reach(taken, name, at + 1)
  }
  return here.has(last)
}

/** Everything that can be reached without taking a character. */
function reach(from: readonly Node[], name: string, at: number): Set<Node> {
  const reached = new Set<Node>()
  const todo = [...from]
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (reached.has(node)) continue
    reached.add(node)
    if (node.test === undefined && holds(node, name, at)) todo.push(...node.next)
  }
  return reached
}

function holds({ edge }: Node, name: string, at: number): boolean {
  if (edge === undefined) return true
  if (edge === 'start') return at === 0
  if (edge === 'end') return at === name.length
  const isBoundary = isWord(name.charCodeAt(at - 1)) !== isWord(name.charCodeAt(at))
  return isBoundary === (edge === 'word')
}

const between =
  (first: number, last: number): Test =>
  code =>
    code >= first && code <= last
const any =
  (tests: readonly Test[]): Test =>
  code =>
    tests.some(test => test(code))
const not =
  (test: Test): Test =>
  code =>
    !test(code)

const isDigit = between(48, 57)
const isWord = any([isDigit, between(65, 90), between(97, 122), code => code === 95])
const isSpace: Test = code => code === 32 || (code >= 9 && code <= 13 && code !== 11)

const classes: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 }
const edges: Readonly<Record<string, Node['edge']>> = { A: 'start', z: 'end', b: 'word', B: 'notWord' }

class Parser {
  readonly #pattern: string
  #at = 0
  #nodes = 0
  #depth = 0
  #ignoreCase = false

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  parse(): Part {
    const part = this.#alternatives()
    if (this.#at < this.#pattern.length) throw new Invalid('a `)` has no `(`')
    return part
  }

  #node(node: Omit<Node, 'next'> = {}): Node {
    if (++this.#nodes > MAX_NODES) throw new Invalid('it is too large once its repetitions are written out')
    return { ...node, next: [] }
  }

  #alternatives(): Part {
    const branches = [this.#sequence()]
    while (this.#takes('|')) branches.push(this.#sequence())
    if (branches.length === 1) return branches[0]!
    const [first, last] = [this.#node(), this.#node()]
    for (const branch of branches) {
      first.next.push(branch.first)
      branch.last.next.push(last)
    }
    return { first, last }
  }

  #sequence(): Part {
    const first = this.#node()
    let last = first
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#peek())) {
      const part = this.#repeated()
      last.next.push(part.first)
      last = part.last
    }
    return { first, last }
  }

  /** An atom and what repeats it; `?` and `+` after a repetition only say what to prefer, which a whole match ignores. */
  #repeated(): Part {
    const from = this.#at
    let part = this.#atom()
    const to = this.#at
    for (let times = 0; ; times++) {
      const range = this.#repetition()
      if (range === undefined) return part
      if (times > 0) throw new Invalid('a repetition repeats a repetition')
      part = this.#repeat(from, to, range)
    }
  }

  #repetition(): readonly [min: number, max: number] | undefined {
    let range: readonly [number, number] | undefined
    if (this.#takes('*')) range = [0, Infinity]
    else if (this.#takes('+')) range = [1, Infinity]
    else if (this.#takes('?')) range = [0, 1]
    else {
      const counts = /^\{(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 16))
      if (counts === null) return undefined
      const min = Number(counts[1])
      const max = counts[2] === undefined ? min : counts[3] === '' ? Infinity : Number(counts[3])
      if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity) || max < min)
        throw new Invalid(`\`${counts[0]}\` is no range of repetitions`)
      this.#at += counts[0].length
      range = [min, max]
    }
    this.#takes('?')
    return range
  }

  /** The atom between `from` and `to`, written out as often as it must and may be there. */
  #repeat(from: number, to: number, [min, max]: readonly [number, number]): Part {
    const first = this.#node()
    let last = first
    const copy = (): Part => {
      const after = this.#at
      this.#at = from
      const part = this.#atom()
      if (this.#at !== to) throw new Invalid('it cannot be repeated')
      this.#at = after
      return part
    }
    for (let i = 0; i < min; i++) {
      const part = copy()
      last.next.push(part.first)
      last = part.last
    }
    const end = this.#node()
    if (max === Infinity) {
      const loop = this.#node()
      const part = copy()
      last.next.push(loop)
      loop.next.push(part.first, end)
      part.last.next.push(loop)
      return { first, last: end }
    }
    for (let i = min; i < max; i++) {
      const part = copy()
      last.next.push(part.first, end)
      last = part.last
    }
    last.next.push(end)
    return { first, last: end }
  }

  #atom(): Part {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return this.#one(this.#set())
      case '.':
        return this.#one(code => code !== 10)
      case '^':
        return this.#edge('start')
      case '$':
        return this.#edge('end')
      case '\\': {
        const edge = edges[this.#peek()]
        if (edge === undefined) return this.#one(this.#escaped())
        this.#at++
        return this.#edge(edge)
      }
      case '*':
      case '+':
      case '?':
        throw new Invalid(`\`${char}\` has nothing to repeat`)
      default:
        return this.#one(this.#letter(char.charCodeAt(0)))
    }
  }

  #group(): Part {
    if (++this.#depth > MAX_DEPTH) throw new Invalid('its groups are too deep')
    const before = this.#ignoreCase
    if (this.#takes('?')) {
      const named = /^P?<[A-Za-z]\w*>/.exec(this.#pattern.slice(this.#at))
      const flags = /^(-?i)?([:)])/.exec(this.#pattern.slice(this.#at))
      const taken = named ?? flags
      if (taken === null) throw new Invalid('look-around and its like are not supported')
      this.#at += taken[0].length
      if (flags !== null) {
        if (flags[1] !== undefined) this.#ignoreCase = flags[1] === 'i'
        if (flags[2] === ')') {
          this.#depth--
          const node = this.#node()
          return { first: node, last: node }
        }
      }
    }
    const part = this.#alternatives()
    if (!this.#takes(')')) throw new Invalid('a `(` has no `)`')
    this.#ignoreCase = before
    this.#depth--
    return part
  }

  #set(): Test {
    const negated = this.#takes('^')
    const tests: Test[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const [low, test] = this.#setItem()
      if (low === undefined || this.#peek() !== '-' || this.#pattern[this.#at + 1] === ']') {
        tests.push(test)
        continue
      }
      this.#at++
      const [high] = this.#setItem()
      if (high === undefined || high < low) throw new Invalid('a range in `[…]` has no order')
      tests.push(this.#range(low, high))
    }
    this.#at++
    return negated ? not(any(tests)) : any(tests)
  }

  /** A character with its code, or a class without. */
  #setItem(): readonly [code: number | undefined, test: Test] {
    const char = this.#next()
    if (char === '[' && this.#peek() === ':') throw new Invalid('`[:…:]` is not supported')
    if (char !== '\\') return [char.charCodeAt(0), this.#letter(char.charCodeAt(0))]
    const at = this.#at
    const test = this.#escaped()
    const letter = this.#pattern[at]!
    return [letter in classes ? undefined : (controls[letter] ?? letter.charCodeAt(0)), test]
  }

  #escaped(): Test {
    const char = this.#next()
    const test = classes[char]
    if (test !== undefined) return test
    const control = controls[char]
    if (control !== undefined) return code => code === control
    if (/[A-Za-z0-9]/.test(char)) throw new Invalid(`\`\\${char}\` is not supported`)
    return this.#letter(char.charCodeAt(0))
  }

  #letter(code: number): Test {
    return this.#range(code, code)
  }

  #range(first: number, last: number): Test {
    const test = between(first, last)
    if (!this.#ignoreCase) return test
    return code => test(code) || (isLetter(code) && test(code ^ 32))
  }

  #one(test: Test): Part {
    const first = this.#node({ test })
    const last = this.#node()
    first.next.push(last)
    return { first, last }
  }

  #edge(edge: NonNullable<Node['edge']>): Part {
    const first = this.#node({ edge })
    const last = this.#node()
    first.next.push(last)
    return { first, last }
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? ''
  }

  #takes(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at++
    return true
  }

  #next(): string {
    const char = this.#pattern[this.#at++]
    if (char === undefined) throw new Invalid('it ends too early')
    return char
  }
}

const isLetter = any([between(65, 90), between(97, 122)])
