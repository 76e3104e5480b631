import { describe, expect, it } from 'vitest'
import { checkPartitionCount, checkTopicName, collisionKey, isInternalTopic } from '../../src/cluster/topics.ts'

const CHARSET = "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"

describe('topic names', () => {
  for (const name of ['a', 'A-b_c.9', '...', '_schemas', 'a'.repeat(249)])
    it(`'${name.slice(0, 20)}' is legal`, () => expect(checkTopicName(name)).toBeUndefined())

  const illegal: readonly { name: string; then: string }[] = [
    { name: '', then: 'the empty string is not allowed' },
    { name: '.', then: "'.' is not allowed" },
    { name: '..', then: "'..' is not allowed" },
    { name: 'a/b', then: `'a/b' ${CHARSET}` },
    { name: 'grüße', then: `'grüße' ${CHARSET}` },
    { name: 'a b', then: `'a b' ${CHARSET}` },
    { name: 'a\n', then: `'a\n' ${CHARSET}` },
    { name: 'a'.repeat(250), then: `the length of '${'a'.repeat(249)}…' is longer than the max allowed length 249` },
  ]
  for (const { name, then } of illegal)
    it(`'${name.slice(0, 20)}' is not`, () =>
      expect(checkTopicName(name)).toEqual({
        error: 'INVALID_TOPIC_EXCEPTION',
        message: `Topic name is invalid: ${then}`,
      }))

  it('that differ only in dots and underscores collide', () => {
    expect(collisionKey('a.b_c')).toBe(collisionKey('a_b.c'))
    expect(collisionKey('a.b')).not.toBe(collisionKey('a-b'))
  })

  it('of the coordinators are internal', () => {
    expect(isInternalTopic('__consumer_offsets')).toBe(true)
    expect(isInternalTopic('consumer_offsets')).toBe(false)
  })
})

describe('partition counts', () => {
  for (const count of [1, 10_000]) it(`${count} is fine`, () => expect(checkPartitionCount(count)).toBeUndefined())
  for (const count of [0, -2, 10_001, 1.5, Number.NaN])
    it(`${count} is not`, () => expect(checkPartitionCount(count)).toMatchObject({ error: 'INVALID_PARTITIONS' }))
})
