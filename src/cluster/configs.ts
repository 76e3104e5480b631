// Every config a topic has: those of Apache Kafka 4.3 under its names, with its types, bounds and defaults, and Edgelog's own.
// What differs: segment.bytes defaults to 64 MiB, since retention lets whole segments go and an object holds 10 GB;
// max.message.bytes ends at 16 MiB. The broker's own configs, which the defaults come from, are broker-configs.ts.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import {
  boolean,
  type ConfigDef,
  double,
  int,
  list,
  long,
  LONG_MAX,
  replicas,
  string,
  type ValueOf,
} from './config-def.ts'

/** A batch is stored in rows of 2 MB and carried by calls of 32 MiB. */
export const MAX_MESSAGE_BYTES = 16_777_216
export const DEFAULT_SEGMENT_BYTES = 67_108_864

const HOURS = 3_600_000
const MINUTES = 60_000
const DAY_MS = 86_400_000

const NO_FILES = 'Segments are tables of a database, not files.'
const NO_TIERS = 'There is no tiered storage.'
const PLATFORM_COPIES = 'The platform keeps the copies; there are no replicas to choose from.'
const ALWAYS_FLUSHED = 'Every answer already waits until the records are on disk.'
const ONE_LEVEL = 'LZ4 compresses at one level here.'

/** Which subject a schema must be registered under: Confluent's, by the names of its Java classes. */
const strategies = ['TopicNameStrategy', 'RecordNameStrategy', 'TopicRecordNameStrategy'] as const
const strategyClasses = strategies.map(name => `io.confluent.kafka.serializers.subject.${name}` as const)

/** Where a Durable Object may be asked to live (location hints); empty: near whoever first calls it. */
const locations = ['', 'wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'apac-ne', 'apac-se', 'oc', 'afr', 'me'] as const
/** Where a Durable Object must stay; empty: anywhere. */
const jurisdictions = ['', 'eu', 'us', 'fedramp', 'fedramp-high'] as const

export const compressionTypes = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'] as const

export const topicConfigs = {
  'cleanup.policy': list(
    'delete',
    ['compact', 'delete'],
    'What happens to old records: "delete" lets segments go by age and size, "compact" keeps the last record of each key; both may be named, and with neither everything is kept.',
    { synonyms: ['log.cleanup.policy'] },
  ),
  'compression.gzip.level': int(
    -1,
    { min: 1, max: 9, or: -1 },
    'How hard gzip tries, where compression.type is gzip.',
    { synonyms: ['compression.gzip.level'] },
  ),
  'compression.lz4.level': int(9, { min: 1, max: 17 }, 'How hard LZ4 tries, where compression.type is lz4.', {
    synonyms: ['compression.lz4.level'],
    noEffect: ONE_LEVEL,
  }),
  'compression.type': string(
    'producer',
    compressionTypes,
    'The codec of stored batches; "producer" keeps the codec each producer chose, "uncompressed" stores without one.',
    { synonyms: ['compression.type'] },
  ),
  'compression.zstd.level': int(
    3,
    { min: -131_072, max: 22 },
    'How hard Zstandard tries, where compression.type is zstd; more than 9 counts as 9.',
    { synonyms: ['compression.zstd.level'] },
  ),
  'confluent.key.schema.validation': boolean(
    false,
    'Whether keys must begin with the id of a schema that is registered under their subject; other records are refused.',
  ),
  'confluent.key.subject.name.strategy': string(
    strategyClasses[0]!,
    strategyClasses,
    'Which subject that is, for keys: "<topic>-key", the name of the record, or both.',
  ),
  'confluent.value.schema.validation': boolean(
    false,
    'Whether values must begin with the id of a schema that is registered under their subject; other records are refused.',
  ),
  'confluent.value.subject.name.strategy': string(
    strategyClasses[0]!,
    strategyClasses,
    'Which subject that is, for values: "<topic>-value", the name of the record, or both.',
  ),
  'delete.retention.ms': long(
    DAY_MS,
    { min: 0 },
    'How long a compacted topic keeps tombstones, so that a reader who starts at the beginning within that time sees every removal.',
    { synonyms: ['log.cleaner.delete.retention.ms'] },
  ),
  'edgelog.jurisdiction': string(
    '',
    jurisdictions,
    'The jurisdiction that the partitions never leave. Given when the topic is created; it cannot be changed.',
    { fixed: true },
  ),
  'edgelog.location': string(
    '',
    locations,
    'The region where new partitions of the topic are created (a location hint); partitions that exist stay where they are.',
  ),
  'file.delete.delay.ms': long(60_000, { min: 0 }, 'How long a file of a deleted segment stays.', {
    synonyms: ['log.segment.delete.delay.ms'],
    noEffect: NO_FILES,
  }),
  'flush.messages': long(LONG_MAX, { min: 1 }, 'After how many records the log is forced to disk.', {
    synonyms: ['log.flush.interval.messages'],
    noEffect: ALWAYS_FLUSHED,
  }),
  'flush.ms': long(LONG_MAX, { min: 0 }, 'After how many milliseconds the log is forced to disk.', {
    synonyms: ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
    noEffect: ALWAYS_FLUSHED,
  }),
  'follower.replication.throttled.replicas': replicas('The replicas whose followers replicate with a limited rate.', {
    noEffect: PLATFORM_COPIES,
  }),
  'index.interval.bytes': int(
    4096,
    { min: 0 },
    'How many bytes of records lie between two entries of an offset index.',
    {
      synonyms: ['log.index.interval.bytes'],
      noEffect: NO_FILES,
    },
  ),
  'internal.segment.bytes': int(null, {}, 'Stands in for segment.bytes without its lower bound, for tests.', {
    internal: true,
  }),
  'leader.replication.throttled.replicas': replicas('The replicas whose leaders send with a limited rate.', {
    noEffect: PLATFORM_COPIES,
  }),
  'local.retention.bytes': long(
    -2,
    { min: -2 },
    'The part of retention.bytes that stays on the broker, with tiered storage.',
    {
      synonyms: ['log.local.retention.bytes'],
      noEffect: NO_TIERS,
    },
  ),
  'local.retention.ms': long(
    -2,
    { min: -2 },
    'The part of retention.ms that stays on the broker, with tiered storage.',
    {
      synonyms: ['log.local.retention.ms'],
      noEffect: NO_TIERS,
    },
  ),
  'max.compaction.lag.ms': long(LONG_MAX, { min: 1 }, 'How long a record may wait for compaction at most.', {
    synonyms: ['log.cleaner.max.compaction.lag.ms'],
  }),
  'max.message.bytes': int(
    1_048_588,
    { min: 0, max: MAX_MESSAGE_BYTES },
    'The largest record batch that is accepted, as it is stored: after compression.',
    { synonyms: ['message.max.bytes'] },
  ),
  'message.timestamp.after.max.ms': long(
    HOURS,
    { min: 0 },
    'How far ahead of the broker a record may be dated, with CreateTime; it is refused otherwise.',
    { synonyms: ['log.message.timestamp.after.max.ms'] },
  ),
  'message.timestamp.before.max.ms': long(
    LONG_MAX,
    { min: 0 },
    'How far behind the broker a record may be dated, with CreateTime; it is refused otherwise.',
    { synonyms: ['log.message.timestamp.before.max.ms'] },
  ),
  'message.timestamp.type': string(
    'CreateTime',
    ['CreateTime', 'LogAppendTime'],
    'Whose clock dates a record: the producer that made it (CreateTime) or the broker that appended it (LogAppendTime).',
    { synonyms: ['log.message.timestamp.type'] },
  ),
  'min.cleanable.dirty.ratio': double(
    0.5,
    { min: 0, max: 1 },
    'The part of the log that must be uncompacted before it is compacted: lower is more work, higher is more waste.',
    { synonyms: ['log.cleaner.min.cleanable.ratio'] },
  ),
  'min.compaction.lag.ms': long(0, { min: 0 }, 'How long a record stays uncompacted at least.', {
    synonyms: ['log.cleaner.min.compaction.lag.ms'],
  }),
  'min.insync.replicas': int(1, { min: 1 }, 'How many replicas must hold a record before acks=all is answered.', {
    synonyms: ['min.insync.replicas'],
    noEffect: PLATFORM_COPIES,
  }),
  preallocate: boolean(false, 'Whether the file of a new segment takes its full size at once.', {
    synonyms: ['log.preallocate'],
    noEffect: NO_FILES,
  }),
  'remote.log.copy.disable': boolean(false, 'Whether tiered segments are no longer added to.', { noEffect: NO_TIERS }),
  'remote.log.delete.on.disable': boolean(false, 'Whether tiered segments go when tiering is turned off.', {
    noEffect: NO_TIERS,
  }),
  'remote.storage.enable': boolean(false, 'Whether old segments move to tiered storage. It can only be false here.', {
    noEffect: NO_TIERS,
  }),
  'retention.bytes': long(
    -1,
    {},
    'How many bytes a partition keeps before its oldest segments go, with the "delete" policy; -1: any number.',
    { synonyms: ['log.retention.bytes'] },
  ),
  'retention.ms': long(
    7 * DAY_MS,
    { min: -1 },
    'How long a partition keeps records before their segment goes, with the "delete" policy; -1: for ever.',
    { synonyms: ['log.retention.ms', ['log.retention.minutes', MINUTES], ['log.retention.hours', HOURS]] },
  ),
  'segment.bytes': int(
    DEFAULT_SEGMENT_BYTES,
    { min: 1_048_576 },
    'The size at which a new segment begins. Retention and compaction handle whole segments.',
    { synonyms: ['log.segment.bytes'] },
  ),
  'segment.index.bytes': int(10_485_760, { min: 4 }, 'The size of the file that holds an offset index.', {
    synonyms: ['log.index.size.max.bytes'],
    noEffect: NO_FILES,
  }),
  'segment.jitter.ms': long(0, { min: 0 }, 'How much earlier than segment.ms a segment may end, at random.', {
    synonyms: ['log.roll.jitter.ms', ['log.roll.jitter.hours', HOURS]],
    noEffect: 'Partitions live apart, so that segments ending together are no burden.',
  }),
  'segment.ms': long(
    7 * DAY_MS,
    { min: 1 },
    'The age at which a new segment begins even if the last is not full, so that retention and compaction can have it.',
    { synonyms: ['log.roll.ms', ['log.roll.hours', HOURS]] },
  ),
  'unclean.leader.election.enable': boolean(false, 'Whether a replica that lags may lead, at the cost of records.', {
    synonyms: ['unclean.leader.election.enable'],
    noEffect: PLATFORM_COPIES,
  }),
} satisfies Record<string, ConfigDef>

type Table = typeof topicConfigs
export type TopicConfigName = keyof Table

/** All that holds for one topic: its overrides over the broker's configs over the defaults. LONGs are doubles near 2^63. */
export type TopicConfig = {
  readonly [K in Exclude<TopicConfigName, 'internal.segment.bytes'>]: ValueOf<Table[K]>
}

export type PartitionConfig = TopicConfig & { readonly 'producer.id.expiration.ms'?: number }

/** The texts of configs by name: of a topic or of the broker, only what differs from the defaults. */
export type Overrides = Readonly<Record<string, string>>

const table: Readonly<Record<string, ConfigDef>> = topicConfigs
const names = Object.keys(topicConfigs) as TopicConfigName[]

export const topicConfigDef = (key: string): ConfigDef | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** What holds for a topic with these overrides. A stored text that is no longer legal counts as absent. */
export function topicConfig(overrides: Overrides, broker: Overrides = {}): TopicConfig {
  const config: Record<string, unknown> = {}
  for (const key of names)
    config[key] =
      valueOf(key, overrides[key]) ?? valueOf(key, topicDefault(key, broker)) ?? valueOf(key, table[key]!.default)
  config['segment.bytes'] = config['internal.segment.bytes'] ?? config['segment.bytes']
  delete config['internal.segment.bytes']
  return config as TopicConfig
}

/** The text that holds where a topic says nothing: the broker's config of the best synonym, or the default. */
export function topicDefault(key: TopicConfigName, broker: Overrides): string | null {
  const def = table[key]!
  for (const { name, factor } of def.synonyms) {
    const text = broker[name]
    if (text === undefined) continue
    // A negative number of hours or minutes means without limit, which is -1 in milliseconds too.
    return factor === 1 ? text : text.startsWith('-') ? '-1' : String(BigInt(text) * BigInt(factor))
  }
  return def.default
}

/** What a partition has to know: the configs that have an effect, one of the broker's among them. */
export function partitionConfig(overrides: Overrides, broker: Overrides = {}): PartitionConfig {
  const config = topicConfig(overrides, broker)
  const effective = Object.entries(config).filter(([key]) => table[key]!.noEffect === undefined)
  const expiration = broker['producer.id.expiration.ms']
  return {
    ...(Object.fromEntries(effective) as TopicConfig),
    ...(expiration !== undefined && { 'producer.id.expiration.ms': Number(expiration) }),
  }
}

/** INVALID_CONFIG, in Kafka's words, if there is no such config or it cannot have this value. */
export function checkConfig(key: string, value: string): Failure | undefined {
  const read = readConfig(key, value)
  return isFailure(read) ? read : undefined
}

/** The text as it is stored and shown, or INVALID_CONFIG. */
export function readConfig(key: string, value: string): string | Failure {
  const def = topicConfigDef(key)
  if (def === undefined) return failure('INVALID_CONFIG', `Unknown topic config name: ${key}`)
  const read = def.read(key, value)
  return isFailure(read) ? read : read.text
}

/** Checks a topic's overrides with each other, once each is legal by itself. Kafka's LogConfig.validate. */
export function checkTogether(overrides: Overrides, broker: Overrides = {}): Failure | undefined {
  const { 'min.compaction.lag.ms': min, 'max.compaction.lag.ms': max } = topicConfig(overrides, broker)
  if (min > max) {
    const text = (key: TopicConfigName): string => `${key} (${overrides[key] ?? topicDefault(key, broker)})`
    return failure(
      'INVALID_CONFIG',
      `conflict topic config setting ${text('min.compaction.lag.ms')} > ${text('max.compaction.lag.ms')}`,
    )
  }
  if (overrides['remote.storage.enable'] === 'true')
    return failure(
      'INVALID_CONFIG',
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  return undefined
}

function valueOf(key: TopicConfigName, text: string | null | undefined): unknown {
  if (text === undefined || text === null) return undefined
  const read = table[key]!.read(key, text)
  return isFailure(read) ? undefined : read.value
}
