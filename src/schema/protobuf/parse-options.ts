// Reads one option of a .proto file. Its value may be a whole message in protobuf's text format.

import type { OptionValue, ProtoOption } from './file.ts'
import { itemsOf } from './options.ts'
import type { Tokens } from './tokens.ts'

/** From its name to its value; what ends it is left. Throws Invalid. */
export function parseOption(tokens: Tokens): ProtoOption {
  const path: Pick<ProtoOption, 'name' | 'custom'>[] = []
  do {
    if (tokens.accept('(')) {
      path.push({ name: tokens.name(), custom: true })
      tokens.expect(')')
    } else path.push({ name: tokens.word(), custom: false })
  } while (tokens.accept('.'))
  tokens.expect('=')
  return path.reduceRight<OptionValue | ProtoOption>(
    (value, step) => ({ ...step, value: 'value' in value ? { kind: 'option', option: value } : value }),
    parseValue(tokens),
  ) as ProtoOption
}

function parseValue(tokens: Tokens): OptionValue {
  const { kind, text } = tokens.peek()
  if (kind === 'string') return { kind: 'string', text: tokens.string() }
  if (text === '{' || text === '<') return parseMap(tokens, text === '{' ? '}' : '>')
  if (tokens.accept('[')) {
    const items: OptionValue[] = []
    tokens.inside(() => {
      while (!tokens.accept(']')) {
        items.push(parseValue(tokens))
        if (!tokens.is(']')) tokens.expect(',')
      }
    })
    return { kind: 'list', items }
  }
  const sign = tokens.accept('-') ? '-' : ''
  if (sign === '') tokens.accept('+')
  if (tokens.peek().kind === 'number') return { kind: 'number', text: sign + tokens.next().text }
  return { kind: 'word', text: sign + tokens.word('a value') }
}

/** The text format of messages: `key: value` or `key { … }`, with commas, semicolons or nothing between. */
function parseMap(tokens: Tokens, close: string): OptionValue {
  const entries = new Map<string, OptionValue[]>()
  tokens.inside(() => {
    tokens.next()
    while (!tokens.accept(close)) {
      let key: string
      if (tokens.accept('[')) {
        key = `[${tokens.name(true)}]`
        tokens.expect(']')
      } else key = tokens.word('a key')
      if (!tokens.accept(':') && !tokens.is('{') && !tokens.is('<')) tokens.fail("':'")
      const value = parseValue(tokens)
      const before = entries.get(key)
      if (before === undefined) entries.set(key, [value])
      else before.push(value)
      if (!tokens.accept(',')) tokens.accept(';')
    }
  })
  // A key that comes again makes a list.
  const one = (values: readonly OptionValue[]): OptionValue =>
    values.length === 1 ? values[0]! : { kind: 'list', items: values.flatMap(itemsOf) }
  return { kind: 'map', entries: [...entries].map(([key, values]) => [key, one(values)]) }
}
