// The records of __consumer_offsets against what Kafka's own coordinator writes (test/fixtures/coordinator).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord, type GroupRecord } from '../../src/coordinator/records.ts'

const path = join(import.meta.dirname, '../fixtures/coordinator/records.txt')
const bytes = (hex: string) => (hex === '-' ? null : new Uint8Array(Buffer.from(hex, 'hex')))
const records = new Map(
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(' ') as [string, string, string])
    .map(([name, key, value]) => [name, { key: bytes(key)!, value: bytes(value) }]),
)
const topicId = 'AQIDBAUGBwgJCgsMDQ4PEA'
const offset = { groupId: 'g', topic: 'orders', partition: 3 }
const commit = { offset: 42, metadata: 'm', commitTimestamp: 1_700_000_000_000 }
const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA'

/** What Kafka's bytes say, and whether ours are the same. */
const cases: Record<string, { says: unknown; writes: boolean }> = {
  offset: { says: { ...commit, leaderEpoch: 5, expireTimestamp: -1, topicId }, writes: true },
  'offset-v3': { says: { ...commit, leaderEpoch: 5, expireTimestamp: -1, topicId: ZERO }, writes: false },
  'offset-v1': {
    says: { ...commit, leaderEpoch: -1, expireTimestamp: 1_700_000_060_000, topicId: ZERO },
    writes: true,
  },
  'offset-v0': { says: { ...commit, leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO }, writes: false },
  'offset-gone': { says: null, writes: true },
  classic: { says: expect.objectContaining({ generation: 7, protocol: 'range', leader: 'a-1' }), writes: true },
  'classic-v4': { says: expect.objectContaining({ generation: 7, protocol: 'range', leader: 'a-1' }), writes: false },
  'classic-empty': { says: expect.objectContaining({ protocol: null, leader: null, members: [] }), writes: true },
  epoch: { says: { epoch: 9, metadataHash: 123_456_789_012 }, writes: true },
  member: { says: expect.objectContaining({ subscribedTopicNames: ['orders', 'users'] }), writes: true },
  'member-classic': {
    says: expect.objectContaining({
      classicMemberMetadata: {
        sessionTimeoutMs: 45_000,
        supportedProtocols: [{ name: 'range', metadata: new Uint8Array([9]) }],
      },
    }),
    writes: true,
  },
  targetEpoch: { says: { assignmentEpoch: 9, assignmentTimestamp: 1_700_000_000_000 }, writes: true },
  target: { says: { topicPartitions: [{ topicId, partitions: [0, 2] }] }, writes: true },
  current: {
    says: {
      memberEpoch: 9,
      previousMemberEpoch: 8,
      state: 1,
      assignedPartitions: [{ topicId, partitions: [0, 2], assignmentEpochs: [7, 9] }],
      partitionsPendingRevocation: [{ topicId, partitions: [5], assignmentEpochs: null }],
    },
    writes: true,
  },
  regex: { says: { topics: ['orders'], version: 12, timestamp: 1_700_000_000_000 }, writes: true },
}

const again = (record: GroupRecord) =>
  encodeRecord(record.type, record.key as Parameters<typeof encodeRecord>[1], record.value as never)

describe('every record that Kafka writes', () => {
  it('is in the table', () => expect(Object.keys(cases)).toEqual([...records.keys()]))

  for (const [name, { says, writes }] of Object.entries(cases))
    it(name, () => {
      const record = decodeRecord(records.get(name)!)!
      expect(record.type).toBe(name.split('-')[0])
      expect(record.value).toEqual(says)
      if (record.type === 'offset') expect(record.key).toEqual(offset)
      if (writes) expect(again(record)).toEqual(records.get(name))
    })
})

describe('what is not known', () => {
  it('is left alone: the type', () =>
    expect(decodeRecord({ key: new Uint8Array([0, 11, 0, 1, 103]), value: null })).toBeUndefined())
  it('is left alone: the version of the value', () =>
    expect(decodeRecord({ key: records.get('epoch')!.key, value: new Uint8Array([0, 9, 0]) })).toBeUndefined())
})
