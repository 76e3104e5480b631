// JSON text as bytes: strict by RFC 8259, and read without building what the reader does not need, so that a value can be
// stored as it was written — numbers keep all their digits — and costs one walk. What the members mean is the caller's.

/** Arrays and objects inside one another; deeper text is refused instead of filling a stack. */
export const MAX_JSON_DEPTH = 500

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text stops being JSON at byte `at`. Thrown by JsonReader, caught by whoever made the reader. */
export class JsonError extends Error {
  override name = 'JsonError'
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** A cursor over JSON text. The caller has made sure that the bytes are UTF-8 (JSON has no other encoding). */
export class JsonReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
  /** Whether white space stood inside what was passed over since the caller last cleared this. */
  spaced = false
  /** Whether a string passed over since the caller last cleared this has escapes. */
  escaped = false
  /** All bytes of strings passed over since the caller last cleared this, or-ed: below 0x80, they were all ASCII. */
  seen = 0

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.end = end
    this.at = start
  }

  /** The first byte of what comes after white space; -1 at the end. */
  peek(): number {
    const { bytes, end } = this
    let at = this.at
    while (at < end) {
      const byte = bytes[at]!
      if (byte > 0x20 || !isSpace(byte)) {
        this.at = at
        return byte
      }
      this.spaced = true
      at++
    }
    this.at = at
    return -1
  }

  /** Nothing but white space may follow. */
  finish(): void {
    if (this.peek() !== -1) this.fail('there is more text after the end of the JSON value')
  }

  /** `for (let more = reader.enterObject(); more; more = reader.nextMember()) { reader.name(); … }` */
  enterObject(): boolean {
    this.at++
    return !this.#closes(CLOSE_OBJECT)
  }

  nextMember(): boolean {
    const byte = this.peek()
    this.at++
    if (byte === CLOSE_OBJECT) return false
    if (byte === COMMA) return true
    this.at--
    return this.fail('expected , or } in an object')
  }

  /** `for (let more = reader.enterArray(); more; more = reader.nextElement()) …` */
  enterArray(): boolean {
    this.at++
    return !this.#closes(CLOSE_ARRAY)
  }

  nextElement(): boolean {
    const byte = this.peek()
    this.at++
    if (byte === CLOSE_ARRAY) return false
    if (byte === COMMA) return true
    this.at--
    return this.fail('expected , or ] in an array')
  }

  /** The name of the member that comes, past its colon. */
  name(): string {
    if (this.peek() !== QUOTE) this.fail('expected the name of a member in double quotes')
    this.escaped = false
    const start = this.at + 1
    this.#passString()
    const name = this.escaped ? this.#unescape(start, this.at - 1) : interned(this.bytes, start, this.at - 1)
    if (this.peek() !== COLON) this.fail('expected : after the name of a member')
    this.at++
    return name
  }

  /** The string that comes, as text. Only call where peek() is a quote. */
  string(): string {
    const start = this.at + 1
    this.escaped = false
    this.#passString()
    return this.escaped
      ? this.#unescape(start, this.at - 1)
      : strictText.decode(this.bytes.subarray(start, this.at - 1))
  }

  /** The string that comes, as its UTF-8 bytes: a view where nothing is escaped. Null where it has a lone surrogate. */
  stringBytes(): Uint8Array | null {
    const start = this.at + 1
    this.escaped = false
    this.#passString()
    if (!this.escaped) return view(this.bytes, start, this.at - 1)
    const text = this.#unescape(start, this.at - 1)
    return text.isWellFormed() ? encoder.encode(text) : null
  }

  /** The value that comes, as JSON text without white space between its tokens: a view where there is none. */
  text(): Uint8Array {
    this.peek()
    const start = this.at
    this.spaced = false
    this.pass()
    return this.spaced ? compacted(this.bytes, start, this.at) : view(this.bytes, start, this.at)
  }

  /** The number that comes; not a number if something else comes. */
  number(): number {
    const byte = this.peek()
    const start = this.at
    this.pass()
    if (byte !== MINUS && !isDigit(byte)) return Number.NaN
    let value = 0
    const { bytes, at } = this
    if (byte !== MINUS && at - start < 16) {
      let i = start
      for (; i < at && isDigit(bytes[i]!); i++) value = value * 10 + (bytes[i]! - ZERO)
      if (i === at) return value
    }
    return Number(strictText.decode(bytes.subarray(start, at)))
  }

  /** Passes over the value that comes, checking all of it. */
  pass(depth = 0): void {
    const byte = this.peek()
    if (byte === QUOTE) this.#passString()
    else if (byte === OPEN_OBJECT) {
      if (depth >= MAX_JSON_DEPTH) this.fail(`the text is nested more than ${MAX_JSON_DEPTH} deep`)
      for (let more = this.enterObject(); more; more = this.nextMember()) {
        if (this.peek() !== QUOTE) this.fail('expected the name of a member in double quotes')
        this.#passString()
        if (this.peek() !== COLON) this.fail('expected : after the name of a member')
        this.at++
        this.pass(depth + 1)
      }
    } else if (byte === OPEN_ARRAY) {
      if (depth >= MAX_JSON_DEPTH) this.fail(`the text is nested more than ${MAX_JSON_DEPTH} deep`)
      for (let more = this.enterArray(); more; more = this.nextElement()) this.pass(depth + 1)
    } else if (byte === MINUS || isDigit(byte)) this.#passNumber()
    else if (byte === 0x74) this.#passWord('true')
    else if (byte === 0x66) this.#passWord('false')
    else if (byte === 0x6e) this.#passWord('null')
    else this.fail('expected a value')
  }

  fail(expectation: string): never {
    throw new JsonError(this.at, this.at >= this.end ? `${expectation}, but the text ends` : expectation)
  }

  #closes(closing: number): boolean {
    if (this.peek() !== closing) return false
    this.at++
    return true
  }

  #passString(): void {
    const { bytes, end } = this
    let at = this.at + 1
    let seen = 0
    for (;;) {
      if (at >= end) {
        this.at = end
        this.fail('a string is not closed')
      }
      const byte = bytes[at]!
      seen |= byte
      if (byte === QUOTE) break
      if (byte === BACKSLASH) at = this.#passEscape(at)
      else if (byte < 0x20) {
        this.at = at
        this.fail('a control character in a string has to be escaped')
      } else at++
    }
    this.seen |= seen
    this.at = at + 1
  }

  #passEscape(at: number): number {
    const { bytes } = this
    this.escaped = true
    const kind = at + 1 < this.end ? bytes[at + 1]! : -1
    if (kind === 0x75) {
      for (let i = at + 2; i < at + 6; i++)
        if (i >= this.end || !isHex(bytes[i]!)) {
          this.at = Math.min(i, this.end)
          this.fail('expected four hex digits after \\u')
        }
      return at + 6
    }
    if (!isEscape(kind)) {
      this.at = at
      this.fail('an unknown escape in a string')
    }
    return at + 2
  }

  #passNumber(): void {
    if (this.bytes[this.at] === MINUS) this.at++
    if (this.#byte() === ZERO) this.at++
    else this.#passDigits()
    if (this.#byte() === 0x2e) {
      this.at++
      this.#passDigits()
    }
    if ((this.#byte() | 0x20) === 0x65) {
      this.at++
      const sign = this.#byte()
      if (sign === MINUS || sign === 0x2b) this.at++
      this.#passDigits()
    }
    if (isDigit(this.#byte())) this.fail('a number cannot begin with 0')
  }

  #passDigits(): void {
    const start = this.at
    while (isDigit(this.#byte())) this.at++
    if (this.at === start) this.fail('expected a digit')
  }

  #passWord(word: string): void {
    for (let i = 0; i < word.length; i++)
      if (this.at + i >= this.end || this.bytes[this.at + i] !== word.charCodeAt(i)) this.fail('expected a value')
    this.at += word.length
  }

  #byte(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1
  }

  #unescape(start: number, end: number): string {
    return JSON.parse(strictText.decode(this.bytes.subarray(start - 1, end + 1))) as string
  }
}

/** Where in a text a byte is, for people: `position` counts characters from 0, line and column from 1. */
export function placeOf(bytes: Uint8Array, at: number): { position: number; line: number; column: number } {
  const before = new TextDecoder().decode(bytes.subarray(0, at))
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++
  return { position: before.length, line, column: before.length - lineStart + 1 }
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE
const isHex = (byte: number): boolean => isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
/** " \ / b f n r t */
const isEscape = (byte: number): boolean =>
  byte === QUOTE ||
  byte === BACKSLASH ||
  byte === 0x2f ||
  byte === 0x62 ||
  byte === 0x66 ||
  byte === 0x6e ||
  byte === 0x72 ||
  byte === 0x74

const view = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)

/** JSON text without the white space between its tokens. */
function compacted(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const out = new Uint8Array(end - start)
  let size = 0
  let inString = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) inString = !inString
    else if (inString && byte === BACKSLASH) out[size++] = bytes[at++]!
    else if (!inString && isSpace(byte)) continue
    out[size++] = bytes[at]!
  }
  return out.slice(0, size)
}

/** Member names repeat from object to object; this many are remembered, by a hash, instead of decoded each time. */
const REMEMBERED_NAMES = 256
const LONGEST_REMEMBERED = 32
const remembered: ({ bytes: Uint8Array; name: string } | undefined)[] = Array.from({ length: REMEMBERED_NAMES })

function interned(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length > LONGEST_REMEMBERED) return strictText.decode(bytes.subarray(start, end))
  let hash = length
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  const slot = hash & (REMEMBERED_NAMES - 1)
  const known = remembered[slot]
  if (known !== undefined && known.bytes.length === length) {
    let i = 0
    while (i < length && known.bytes[i] === bytes[start + i]) i++
    if (i === length) return known.name
  }
  const own = bytes.slice(start, end)
  // As a property's name, the engine keeps it once and compares it by address.
  const name = Object.keys({ [strictText.decode(own)]: 0 })[0]!
  remembered[slot] = { bytes: own, name }
  return name
}
