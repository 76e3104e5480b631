// The sentences and verdicts here were taken from Kafka 4.3.1's LogConfig.validate.

import { describe, expect, it } from 'vitest'
import {
  checkConfig,
  checkTogether,
  partitionConfig,
  readConfig,
  topicConfig,
  topicConfigDef,
  topicConfigs,
} from '../../src/cluster/configs.ts'
import type { LogConfig } from '../../src/log/config.ts'

const LONG_MAX = 2 ** 63

describe('one config', () => {
  const accepted: readonly [key: string, given: string, stored: string][] = [
    ['retention.ms', ' 12 ', '12'],
    ['retention.ms', '+5', '5'],
    ['retention.ms', '-1', '-1'],
    ['retention.ms', '9223372036854775807', '9223372036854775807'],
    ['retention.bytes', '-5', '-5'],
    ['min.cleanable.dirty.ratio', '1e-1', '0.1'],
    ['min.cleanable.dirty.ratio', '.5', '0.5'],
    ['min.cleanable.dirty.ratio', '1', '1.0'],
    ['cleanup.policy', '', ''],
    ['cleanup.policy', 'delete,delete', 'delete'],
    ['cleanup.policy', 'delete, compact', 'delete,compact'],
    ['compression.type', ' gzip ', 'gzip'],
    ['compression.gzip.level', '-1', '-1'],
    ['compression.zstd.level', '-131072', '-131072'],
    ['preallocate', 'TRUE', 'true'],
    ['leader.replication.throttled.replicas', '*', '*'],
    ['leader.replication.throttled.replicas', '1:2,3:4', '1:2,3:4'],
    ['leader.replication.throttled.replicas', '', ''],
    ['internal.segment.bytes', '1000', '1000'],
    ['edgelog.location', 'weur', 'weur'],
    ['edgelog.jurisdiction', '', ''],
  ]
  for (const [key, given, stored] of accepted)
    it(`${key}=${given} is accepted`, () => expect(readConfig(key, given)).toBe(stored))

  const ONE_OF_TYPES = 'String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer'
  const REPLICAS =
    "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
  const refused: readonly [key: string, given: string, message: string][] = [
    ['nonsense', '1', 'Unknown topic config name: nonsense'],
    ['toString', '1', 'Unknown topic config name: toString'],
    ['__proto__', '1', 'Unknown topic config name: __proto__'],
    ['message.format.version', '3.0', 'Unknown topic config name: message.format.version'],
    ['retention.ms', 'abc', 'Invalid value abc for configuration retention.ms: Not a number of type LONG'],
    ['retention.ms', '', 'Invalid value  for configuration retention.ms: Not a number of type LONG'],
    ['retention.ms', '1.5', 'Invalid value 1.5 for configuration retention.ms: Not a number of type LONG'],
    [
      'retention.ms',
      '9223372036854775808',
      'Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG',
    ],
    ['retention.ms', '-2', 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
    [
      'segment.bytes',
      '2147483648',
      'Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT',
    ],
    ['segment.bytes', '10', 'Invalid value 10 for configuration segment.bytes: Value must be at least 1048576'],
    ['segment.ms', '0', 'Invalid value 0 for configuration segment.ms: Value must be at least 1'],
    [
      'max.message.bytes',
      '16777217',
      'Invalid value 16777217 for configuration max.message.bytes: Value must be no more than 16777216',
    ],
    [
      'min.cleanable.dirty.ratio',
      '2',
      'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
    ],
    [
      'min.cleanable.dirty.ratio',
      'x',
      'Invalid value x for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE',
    ],
    [
      'cleanup.policy',
      'foo',
      'Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    [
      'cleanup.policy',
      'Delete',
      'Invalid value Delete for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    ['cleanup.policy', 'delete,,compact', "Configuration 'cleanup.policy' values must not be empty."],
    ['cleanup.policy', ',', "Configuration 'cleanup.policy' values must not be empty."],
    ['compression.type', 'brotli', `Invalid value brotli for configuration compression.type: ${ONE_OF_TYPES}`],
    ['compression.type', 'none', `Invalid value none for configuration compression.type: ${ONE_OF_TYPES}`],
    [
      'compression.gzip.level',
      '0',
      'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
    ],
    [
      'compression.lz4.level',
      '18',
      'Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17',
    ],
    [
      'message.timestamp.type',
      'createtime',
      'Invalid value createtime for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime',
    ],
    [
      'preallocate',
      'yes',
      'Invalid value yes for configuration preallocate: Expected value to be either true or false',
    ],
    [
      'leader.replication.throttled.replicas',
      'abc',
      `Invalid value [abc] for configuration leader.replication.throttled.replicas: ${REPLICAS}`,
    ],
    [
      'leader.replication.throttled.replicas',
      '*,1:2',
      `Invalid value [*, 1:2] for configuration leader.replication.throttled.replicas: ${REPLICAS}`,
    ],
    [
      'edgelog.location',
      'moon',
      'Invalid value moon for configuration edgelog.location: String must be one of: , wnam, enam, sam, weur, eeur, apac, apac-ne, apac-se, oc, afr, me',
    ],
  ]
  for (const [key, given, message] of refused)
    it(`${key}=${given} is refused`, () =>
      expect(checkConfig(key, given)).toEqual({ error: 'INVALID_CONFIG', message }))
})

describe('configs together', () => {
  it('a minimum above its maximum contradicts itself', () =>
    expect(checkTogether({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })).toEqual({
      error: 'INVALID_CONFIG',
      message: 'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
    }))
  it("the broker's half of a contradiction is named with its value", () =>
    expect(
      checkTogether({ 'min.compaction.lag.ms': '10' }, { 'log.cleaner.max.compaction.lag.ms': '5' }),
    ).toMatchObject({
      message: 'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
    }))
  it('tiered storage is refused, and only turning it on is', () => {
    expect(checkTogether({ 'remote.storage.enable': 'true' })).toMatchObject({ error: 'INVALID_CONFIG' })
    expect(checkTogether({ 'remote.storage.enable': 'false', 'remote.log.copy.disable': 'true' })).toBeUndefined()
  })
})

describe('what holds for a topic', () => {
  it('are the defaults of Kafka 4.3, with smaller segments', () => {
    const config: LogConfig = topicConfig({})
    expect(config).toMatchObject({
      'cleanup.policy': ['delete'],
      'compression.type': 'producer',
      'delete.retention.ms': 86_400_000,
      'max.compaction.lag.ms': LONG_MAX,
      'max.message.bytes': 1_048_588,
      'message.timestamp.type': 'CreateTime',
      'message.timestamp.before.max.ms': LONG_MAX,
      'message.timestamp.after.max.ms': 3_600_000,
      'min.cleanable.dirty.ratio': 0.5,
      'min.compaction.lag.ms': 0,
      'retention.bytes': -1,
      'retention.ms': 604_800_000,
      'segment.bytes': 67_108_864,
      'segment.ms': 604_800_000,
    })
  })

  const broker: readonly { given: Record<string, string>; topic?: Record<string, string>; then: object }[] = [
    { given: { 'log.retention.hours': '2' }, then: { 'retention.ms': 7_200_000 } },
    { given: { 'log.retention.hours': '2', 'log.retention.minutes': '3' }, then: { 'retention.ms': 180_000 } },
    { given: { 'log.retention.minutes': '3', 'log.retention.ms': '4' }, then: { 'retention.ms': 4 } },
    { given: { 'log.retention.hours': '-1' }, then: { 'retention.ms': -1 } },
    { given: { 'log.retention.ms': '4' }, topic: { 'retention.ms': '5' }, then: { 'retention.ms': 5 } },
    { given: { 'message.max.bytes': '100' }, then: { 'max.message.bytes': 100 } },
    { given: { 'log.cleanup.policy': 'compact,delete' }, then: { 'cleanup.policy': ['compact', 'delete'] } },
    { given: { 'log.roll.hours': '1' }, then: { 'segment.ms': 3_600_000 } },
    { given: {}, topic: { 'cleanup.policy': '' }, then: { 'cleanup.policy': [] } },
    { given: {}, topic: { 'retention.ms': 'gone wrong' }, then: { 'retention.ms': 604_800_000 } },
    { given: {}, topic: { 'internal.segment.bytes': '1000' }, then: { 'segment.bytes': 1000 } },
  ]
  for (const { given, topic = {}, then } of broker)
    it(`${JSON.stringify(topic)} over ${JSON.stringify(given)}`, () =>
      expect(topicConfig(topic, given)).toMatchObject(then))

  it('reaches a partition only where it has an effect, as plain JSON', () => {
    const config = partitionConfig({ 'flush.ms': '5', 'retention.ms': '7' })
    expect(config).not.toHaveProperty('flush.ms')
    expect(config).not.toHaveProperty('internal.segment.bytes')
    expect(JSON.parse(JSON.stringify(config))).toEqual(config)
    expect(config['retention.ms']).toBe(7)
  })
})

describe('the table', () => {
  it('has the 33 configs of Kafka 4.3.1, an internal one, Confluent’s four of schemas, and two of its own', () => {
    const names = Object.keys(topicConfigs)
    expect(names.filter(name => !/^(edgelog|confluent)\./.test(name) && !name.startsWith('internal.'))).toHaveLength(33)
    expect(names).toEqual(names.toSorted())
  })
  for (const [name, def] of Object.entries(topicConfigs))
    it(`${name}: its default is legal and it says what it is`, () => {
      if (def.default !== null) expect(readConfig(name, def.default)).toBe(def.default)
      expect(def.documentation).toMatch(/\.$/)
      expect(topicConfigDef(name)).toBe(def)
    })
})
