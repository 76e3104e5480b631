// The configs of the broker as a whole, under the names of Apache Kafka 4.3 and with its types, bounds and defaults: what
// stands behind the defaults of topics, and how groups, transactions and connections are bounded. The environment may
// override them, as EDGELOG_LOG_RETENTION_HOURS does log.retention.hours.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { boolean, type ConfigDef, double, int, list, long, LONG_MAX, string, type ValueOf } from './config-def.ts'
import { compressionTypes, DEFAULT_SEGMENT_BYTES, MAX_MESSAGE_BYTES, type Overrides, topicConfigs } from './configs.ts'

const ENV_PREFIX = 'EDGELOG_'
const DAY_MS = 86_400_000
const INT_MAX = 2_147_483_647

const DEFAULT_OF = (name: string): string => `The default of the topic config ${name}.`
const noEffectOf = (name: keyof typeof topicConfigs): { readonly noEffect?: string } => {
  const { noEffect } = topicConfigs[name] as ConfigDef
  return noEffect === undefined ? {} : { noEffect }
}

export const brokerConfigs = {
  'auto.create.topics.enable': boolean(true, 'Whether a topic is created when someone first produces to it.'),
  'compression.gzip.level': int(
    -1,
    { min: 1, max: 9, or: -1 },
    DEFAULT_OF('compression.gzip.level'),
    noEffectOf('compression.gzip.level'),
  ),
  'compression.lz4.level': int(
    9,
    { min: 1, max: 17 },
    DEFAULT_OF('compression.lz4.level'),
    noEffectOf('compression.lz4.level'),
  ),
  'compression.type': string('producer', compressionTypes, DEFAULT_OF('compression.type')),
  'compression.zstd.level': int(
    3,
    { min: -131_072, max: 22 },
    DEFAULT_OF('compression.zstd.level'),
    noEffectOf('compression.zstd.level'),
  ),
  'connections.max.idle.ms': long(600_000, {}, 'How long a connection may be silent before it is closed.'),
  'default.replication.factor': int(1, {}, 'How many replicas a partition has where a request leaves it open.'),
  'delete.topic.enable': boolean(true, 'Whether topics may be deleted.'),
  'fetch.max.bytes': int(57_671_680, { min: 1024 }, 'How many bytes one fetch answers at most.'),
  'group.consumer.assignment.interval.ms': int(
    1000,
    { min: 0 },
    'How long a consumer group keeps an assignment at least before it gets another.',
  ),
  'group.consumer.assignors': list(
    'uniform,range',
    ['uniform', 'range'],
    'The assignors of consumer groups on the broker, the preferred one first.',
  ),
  'group.consumer.heartbeat.interval.ms': int(
    5000,
    { min: 1 },
    'How often members of consumer groups are asked to heartbeat.',
  ),
  'group.consumer.max.heartbeat.interval.ms': int(
    15_000,
    { min: 1 },
    'The longest heartbeat interval a consumer group may set.',
  ),
  'group.consumer.max.session.timeout.ms': int(
    60_000,
    { min: 1 },
    'The longest session timeout a consumer group may set.',
  ),
  'group.consumer.max.size': int(INT_MAX, { min: 1 }, 'How many members a consumer group has at most.'),
  'group.consumer.migration.policy': string(
    'bidirectional',
    ['bidirectional', 'downgrade', 'upgrade', 'disabled'],
    'Whether groups may change between the classic and the consumer protocol while members stay.',
  ),
  'group.consumer.min.heartbeat.interval.ms': int(
    5000,
    { min: 1 },
    'The shortest heartbeat interval a consumer group may set.',
  ),
  'group.consumer.min.session.timeout.ms': int(
    45_000,
    { min: 1 },
    'The shortest session timeout a consumer group may set.',
  ),
  'group.consumer.session.timeout.ms': int(
    45_000,
    { min: 1 },
    'How long a member of a consumer group may be silent before it is taken for gone.',
  ),
  'group.initial.rebalance.delay.ms': int(
    3000,
    {},
    'How long the first rebalance of a new group waits for more members to join.',
  ),
  'group.max.session.timeout.ms': int(
    1_800_000,
    {},
    'The longest session timeout a member of a classic group may ask for.',
  ),
  'group.max.size': int(INT_MAX, { min: 1 }, 'How many members a classic group has at most.'),
  'group.min.session.timeout.ms': int(
    6000,
    {},
    'The shortest session timeout a member of a classic group may ask for.',
  ),
  'log.cleaner.delete.retention.ms': long(DAY_MS, { min: 0 }, DEFAULT_OF('delete.retention.ms')),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, { min: 1 }, DEFAULT_OF('max.compaction.lag.ms')),
  'log.cleaner.min.cleanable.ratio': double(0.5, { min: 0, max: 1 }, DEFAULT_OF('min.cleanable.dirty.ratio')),
  'log.cleaner.min.compaction.lag.ms': long(0, { min: 0 }, DEFAULT_OF('min.compaction.lag.ms')),
  'log.cleanup.policy': list('delete', ['compact', 'delete'], DEFAULT_OF('cleanup.policy')),
  'log.flush.interval.messages': long(LONG_MAX, { min: 1 }, DEFAULT_OF('flush.messages'), noEffectOf('flush.messages')),
  'log.flush.interval.ms': long(null, {}, DEFAULT_OF('flush.ms'), noEffectOf('flush.ms')),
  'log.flush.scheduler.interval.ms': long(LONG_MAX, {}, DEFAULT_OF('flush.ms'), noEffectOf('flush.ms')),
  'log.index.interval.bytes': int(
    4096,
    { min: 0 },
    DEFAULT_OF('index.interval.bytes'),
    noEffectOf('index.interval.bytes'),
  ),
  'log.index.size.max.bytes': int(
    10_485_760,
    { min: 4 },
    DEFAULT_OF('segment.index.bytes'),
    noEffectOf('segment.index.bytes'),
  ),
  'log.local.retention.bytes': long(
    -2,
    { min: -2 },
    DEFAULT_OF('local.retention.bytes'),
    noEffectOf('local.retention.bytes'),
  ),
  'log.local.retention.ms': long(-2, { min: -2 }, DEFAULT_OF('local.retention.ms'), noEffectOf('local.retention.ms')),
  'log.message.timestamp.after.max.ms': long(3_600_000, { min: 0 }, DEFAULT_OF('message.timestamp.after.max.ms')),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, { min: 0 }, DEFAULT_OF('message.timestamp.before.max.ms')),
  'log.message.timestamp.type': string(
    'CreateTime',
    ['CreateTime', 'LogAppendTime'],
    DEFAULT_OF('message.timestamp.type'),
  ),
  'log.preallocate': boolean(false, DEFAULT_OF('preallocate'), noEffectOf('preallocate')),
  'log.retention.bytes': long(-1, {}, DEFAULT_OF('retention.bytes')),
  'log.retention.hours': int(
    168,
    {},
    `${DEFAULT_OF('retention.ms')} In hours; log.retention.minutes and log.retention.ms come before it.`,
  ),
  'log.retention.minutes': int(null, {}, `${DEFAULT_OF('retention.ms')} In minutes; log.retention.ms comes before it.`),
  'log.retention.ms': long(null, {}, DEFAULT_OF('retention.ms')),
  'log.roll.hours': int(168, { min: 1 }, `${DEFAULT_OF('segment.ms')} In hours; log.roll.ms comes before it.`),
  'log.roll.jitter.hours': int(0, { min: 0 }, DEFAULT_OF('segment.jitter.ms'), noEffectOf('segment.jitter.ms')),
  'log.roll.jitter.ms': long(null, {}, DEFAULT_OF('segment.jitter.ms'), noEffectOf('segment.jitter.ms')),
  'log.roll.ms': long(null, {}, DEFAULT_OF('segment.ms')),
  'log.segment.bytes': int(DEFAULT_SEGMENT_BYTES, { min: 1_048_576 }, DEFAULT_OF('segment.bytes')),
  'log.segment.delete.delay.ms': long(
    60_000,
    { min: 0 },
    DEFAULT_OF('file.delete.delay.ms'),
    noEffectOf('file.delete.delay.ms'),
  ),
  'max.incremental.fetch.session.cache.slots': int(1000, { min: 0 }, 'How many incremental fetch sessions are kept.'),
  'message.max.bytes': int(1_048_588, { min: 0, max: MAX_MESSAGE_BYTES }, DEFAULT_OF('max.message.bytes')),
  'min.insync.replicas': int(1, { min: 1 }, DEFAULT_OF('min.insync.replicas'), noEffectOf('min.insync.replicas')),
  'num.partitions': int(1, { min: 1 }, 'How many partitions a topic gets where a request leaves it open.'),
  'offset.metadata.max.bytes': int(4096, {}, 'How large the note beside a committed offset may be.'),
  'offsets.retention.check.interval.ms': long(
    600_000,
    { min: 1 },
    'How often committed offsets are looked through for those that expired.',
  ),
  'offsets.retention.minutes': int(10_080, { min: 1 }, 'How long the offsets of a group without members are kept.'),
  'offsets.topic.num.partitions': int(
    50,
    { min: 1 },
    'How many partitions __consumer_offsets has. Not to be changed once groups exist.',
  ),
  'offsets.topic.segment.bytes': int(104_857_600, { min: 1 }, 'The segment size of __consumer_offsets.'),
  'producer.id.expiration.ms': int(
    86_400_000,
    { min: 1 },
    'How long a partition remembers a producer that has gone silent.',
  ),
  'socket.request.max.bytes': int(104_857_600, { min: 1 }, 'How large one Kafka request may be.'),
  'transaction.max.timeout.ms': int(900_000, { min: 1 }, 'The longest transaction timeout a producer may ask for.'),
  'transaction.state.log.num.partitions': int(
    50,
    { min: 1 },
    'How many partitions __transaction_state has. Not to be changed once transactions exist.',
  ),
  'transaction.state.log.segment.bytes': int(104_857_600, { min: 1 }, 'The segment size of __transaction_state.'),
  'transactional.id.expiration.ms': int(
    604_800_000,
    { min: 1 },
    'How long a transactional id is remembered after its last transaction.',
  ),
  'unclean.leader.election.enable': boolean(
    false,
    DEFAULT_OF('unclean.leader.election.enable'),
    noEffectOf('unclean.leader.election.enable'),
  ),
} satisfies Record<string, ConfigDef>

type Table = typeof brokerConfigs
export type BrokerConfigName = keyof Table
/** A config without a default may be null. */
export type BrokerConfig = { readonly [K in BrokerConfigName]: ValueOf<Table[K]> | null } & {
  readonly 'num.partitions': number
}

const table: Readonly<Record<string, ConfigDef>> = brokerConfigs

/** What holds for the broker with these overrides. */
export function brokerConfig(overrides: Overrides = {}): BrokerConfig {
  const config: Record<string, unknown> = {}
  for (const [key, def] of Object.entries(table)) {
    const text = overrides[key] ?? def.default
    const read = text === null ? undefined : def.read(key, text)
    config[key] = read === undefined || isFailure(read) ? null : read.value
  }
  return config as BrokerConfig
}

/** The text as it is stored and shown, or INVALID_CONFIG. */
export function readBrokerConfig(key: string, value: string): string | Failure {
  const def = Object.hasOwn(table, key) ? table[key]! : undefined
  if (def === undefined) return failure('INVALID_CONFIG', `Unknown broker config name: ${key}`)
  const read = def.read(key, value)
  return isFailure(read) ? read : read.text
}

/** The overrides that the environment gives; a wrong one is INVALID_CONFIG, so that a typing error is not a silent default. */
export function brokerConfigsFromEnv(env: object): Overrides | Failure {
  const overrides: Record<string, string> = {}
  for (const key of Object.keys(table)) {
    const name = ENV_PREFIX + key.replaceAll('.', '_').toUpperCase()
    const value = (env as Readonly<Record<string, unknown>>)[name]
    if (typeof value !== 'string' || value === '') continue
    const text = readBrokerConfig(key, value)
    if (isFailure(text)) return failure(text.error, `${name}: ${text.message}`)
    overrides[key] = text
  }
  return overrides
}
