// Every API against what Kafka says of it: its message definitions (facts.txt) and messages that its own classes read and
// wrote byte for byte (messages.txt). test/fixtures/protocol/generate.sh makes both.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader, Writer, ZERO_UUID } from '../../../src/protocol/bytes.ts'
import { codecFor } from '../../../src/protocol/codec.ts'
import { bounds, inRange, type Message, type Versions } from '../../../src/protocol/schema.ts'
import { isFlexible } from '../../../src/worker/kafka/api.ts'
import { apis } from '../../../src/worker/kafka/apis.ts'
import { anyMessage, says } from '../../support/messages.ts'

const fixture = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, '../../fixtures/protocol', name), 'utf8')
    .trimEnd()
    .split('\n')

const directions = ['request', 'response'] as const
const byKey = new Map(apis.map(api => [api.key, api]))

it('lists each API once, by key', () => {
  expect([...byKey.keys()]).toEqual(apis.map(({ key }) => key).sort((a, b) => a - b))
})

describe.each(apis.map(api => [api.name, api] as const))('%s', (_, api) => {
  const [first, last] = bounds(api.versions)
  for (const direction of directions) {
    it(`decodes the ${direction} that it encoded, in every version`, () => {
      const any = fc
        .integer({ min: first, max: last })
        .chain(version => fc.tuple(fc.constant(version), anyMessage(api[direction], version)))
      fc.assert(
        fc.property(any, ([version, message]) => {
          const codec = codecFor(api[direction], version, isFlexible(api, version))
          const w = new Writer()
          codec.write(w, message)
          const r = new Reader(w.done())
          const decoded = codec.read(r)
          if (r.remaining > 0 || !says(decoded, message)) expect(decoded).toEqual(message)
        }),
        { numRuns: 20 + 10 * (last - first) },
      )
    })
  }
})

it('reads and writes the messages that Kafka reads and writes', () => {
  const lines = fixture('messages.txt')
  const seen = new Set<string>()
  for (const line of lines) {
    const [key, version, direction, hex] = line.split(' ') as [string, string, 'request' | 'response', string]
    const api = byKey.get(Number(key))!
    const codec = codecFor(api[direction], Number(version), isFlexible(api, Number(version)))
    const r = new Reader(new Uint8Array(Buffer.from(hex, 'hex')))
    const w = new Writer()
    codec.write(w, codec.read(r))
    expect(r.remaining, line).toBe(0)
    expect(Buffer.from(w.done()).toString('hex'), line).toBe(hex)
    seen.add(`${key} ${version} ${direction}`)
  }
  const versions = apis.map(api => bounds(api.versions)[1] - bounds(api.versions)[0] + 1)
  expect(seen.size, 'API, version and direction').toBe(2 * versions.reduce((sum, count) => sum + count))
})

/** A line of facts.txt, with the deeper lines after it. */
interface Fact {
  readonly words: readonly string[]
  readonly inner: Fact[]
}

function facts(): Fact[] {
  const root: Fact = { words: [], inner: [] }
  const path = [root]
  for (const line of fixture('facts.txt')) {
    const depth = (line.length - line.trimStart().length) / 2
    const fact = { words: line.trim().split(' '), inner: [] }
    path[depth]!.inner.push(fact)
    path[depth + 1] = fact
  }
  return root.inner
}

const word = (fact: Fact, name: string): string | undefined =>
  fact.words.find(text => text.startsWith(`${name}:`))?.slice(name.length + 1)

/** The fields a version has according to Kafka: those in order, then those with tags by tag. */
function kafkaLayout(fields: readonly Fact[], version: number): unknown[] {
  const present = fields.filter(({ words }) => inRange(words[2] as Versions, version))
  const layout = present.map(fact => {
    const [name, type] = fact.words as [string, string]
    const nullable = inRange((word(fact, 'null') ?? '-1') as Versions, version)
    const [tag, taggedVersions] = (word(fact, 'tag') ?? '').split(':')
    const tagged = taggedVersions !== undefined && inRange(taggedVersions as Versions, version)
    const inner = fact.inner.length > 0 ? kafkaLayout(fact.inner, version) : undefined
    return {
      name,
      type,
      nullable,
      tag: tagged ? Number(tag) : undefined,
      default: kafkaDefault(type, word(fact, 'default')),
      inner,
    }
  })
  return sorted(layout)
}

function kafkaDefault(type: string, text: string | undefined): unknown {
  if (text === 'null') return null
  if (type === 'bool') return text === 'true'
  if (type === 'string') return text ?? ''
  if (type === 'uuid') return ZERO_UUID
  if (!/^u?int|^float/.test(type)) return undefined
  return text === '9223372036854775807' ? Number.MAX_SAFE_INTEGER : Number(text ?? 0)
}

function ourLayout(message: Message, version: number): unknown[] {
  const present = Object.entries(message).filter(([, field]) => inRange(field.versions, version))
  const layout = present.map(([name, field]) => {
    const inside = field.kind === 'array' ? field.element! : field
    const type = field.kind === 'array' ? `[]${inside.kind}` : field.kind
    const nullable = field.nullableVersions !== undefined && inRange(field.nullableVersions, version)
    const zero =
      { bool: false, string: '', uuid: ZERO_UUID }[field.kind as string] ??
      (/int|float/.test(field.kind) ? 0 : undefined)
    const inner = inside.message === undefined ? undefined : ourLayout(inside.message, version)
    return { name, type, nullable, tag: field.tag, default: field.default === undefined ? zero : field.default, inner }
  })
  return sorted(layout)
}

const sorted = <T extends { tag: number | undefined }>(layout: T[]): T[] =>
  [...layout].sort((a, b) => (a.tag ?? -1) - (b.tag ?? -1))

describe('Kafka’s own definition', () => {
  const official = new Map(facts().map(fact => [Number(fact.words[0]), fact]))
  it.each(apis.map(api => [api.name, api] as const))('of %s agrees', (_, api) => {
    const fact = official.get(api.key)!
    expect(fact.words[1]).toBe(api.name)
    const [first, last] = bounds(fact.words[2] as Versions)
    const stableLast = fact.words.includes('unstable') ? last - 1 : last
    expect(bounds(api.versions)).toEqual([first, stableLast])
    for (let version = first; version <= stableLast; version++) {
      expect(isFlexible(api, version)).toBe(inRange(word(fact, 'flexible') as Versions, version))
      for (const direction of directions) {
        const fields = fact.inner.find(({ words }) => words[0] === direction)!.inner
        expect(ourLayout(api[direction], version), `${direction} v${version}`).toEqual(kafkaLayout(fields, version))
      }
    }
  })
})
