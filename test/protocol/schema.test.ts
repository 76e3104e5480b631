import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  array,
  bounds,
  type Decoded,
  type Encodable,
  inRange,
  int32,
  string,
  struct,
  type Versions,
} from '../../src/protocol/schema.ts'

describe('versions', () => {
  const table: { versions: Versions; from: number; to: number }[] = [
    { versions: '3+', from: 3, to: Infinity },
    { versions: '0-12', from: 0, to: 12 },
    { versions: '8', from: 8, to: 8 },
  ]
  for (const { versions, from, to } of table) {
    it(versions, () => {
      expect(bounds(versions)).toEqual([from, to])
      expect(inRange(versions, from)).toBe(true)
      expect(inRange(versions, from - 1)).toBe(false)
      expect(inRange(versions, to + 1)).toBe(to === Infinity)
    })
  }
})

const message = {
  name: string(),
  rack: string().in('1+').nullable('1+').or(null),
  hosts: array(string()),
  brokers: array({ id: int32(), port: int32().or(9092) }),
  leader: struct({ id: int32() }).nullable().tagged(0, '2+').or(null),
}

describe('the types of a message', () => {
  it('have every field when decoded', () => {
    expectTypeOf<Decoded<typeof message>>().toExtend<{
      readonly name: string
      readonly rack: string | null
      readonly hosts: readonly string[]
      readonly brokers: readonly { readonly id: number; readonly port: number }[]
      readonly leader: { readonly id: number } | null
    }>()
  })

  it('let a sender leave out what has a default, and nothing else', () => {
    const least: Encodable<typeof message> = { name: 'a', hosts: [], brokers: [{ id: 1 }] }
    expect(least.rack).toBeUndefined()
    // @ts-expect-error -- a name has no default
    const nameless: Encodable<typeof message> = { hosts: [], brokers: [] }
    // @ts-expect-error -- null only where a field says so
    const nulled: Encodable<typeof message> = { name: null, hosts: [], brokers: [] }
    expect([nameless, nulled]).toHaveLength(2)
  })
})

it('leaves the field it was made from alone', () => {
  const plain = string()
  const changed = plain.in('2-3').nullable('3+').or('x')
  expect([plain.versions, plain.nullableVersions, plain.default]).toEqual(['0+', undefined, undefined])
  expect([changed.versions, changed.nullableVersions, changed.default]).toEqual(['2-3', '3+', 'x'])
})
