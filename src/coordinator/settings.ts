// What a broker's configuration says of groups, by Kafka's own names, with Kafka 4.3's defaults.

/** Members of one group, whatever is configured: every member may be parked, and the leader's answer names them all. */
const MAX_MEMBERS = 10_000
/** What members say of themselves, and what the leader assigns: a group is stored as one record, of 16 MiB at most. */
export const MAX_METADATA_BYTES = 7_340_032
export const MAX_ASSIGNMENT_BYTES = 7_340_032

export interface GroupSettings {
  'group.min.session.timeout.ms': number
  'group.max.session.timeout.ms': number
  'group.initial.rebalance.delay.ms': number
  'group.max.size': number
  'group.consumer.session.timeout.ms': number
  'group.consumer.heartbeat.interval.ms': number
  'group.consumer.max.size': number
  /** The first is the default. */
  'group.consumer.assignors': readonly string[]
  'group.consumer.migration.policy': 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'
  'group.consumer.assignment.interval.ms': number
  'group.consumer.regex.refresh.interval.ms': number
  /** Characters, as Kafka counts it. */
  'offset.metadata.max.bytes': number
  'offsets.retention.minutes': number
  'offsets.retention.check.interval.ms': number
}

export const DEFAULT_SETTINGS: Readonly<GroupSettings> = {
  'group.min.session.timeout.ms': 6_000,
  'group.max.session.timeout.ms': 1_800_000,
  'group.initial.rebalance.delay.ms': 3_000,
  'group.max.size': MAX_MEMBERS,
  'group.consumer.session.timeout.ms': 45_000,
  'group.consumer.heartbeat.interval.ms': 5_000,
  'group.consumer.max.size': MAX_MEMBERS,
  'group.consumer.assignors': ['uniform', 'range'],
  'group.consumer.migration.policy': 'bidirectional',
  'group.consumer.assignment.interval.ms': 1_000,
  'group.consumer.regex.refresh.interval.ms': 600_000,
  'offset.metadata.max.bytes': 4_096,
  'offsets.retention.minutes': 10_080,
  'offsets.retention.check.interval.ms': 600_000,
}

/** The defaults, and what is set otherwise. Sizes stay bounded whatever is set. */
export function groupSettings(set: Partial<GroupSettings>): GroupSettings {
  const settings = { ...DEFAULT_SETTINGS, ...set }
  return {
    ...settings,
    'group.max.size': Math.min(settings['group.max.size'], MAX_MEMBERS),
    'group.consumer.max.size': Math.min(settings['group.consumer.max.size'], MAX_MEMBERS),
  }
}

export const retentionMs = (settings: GroupSettings): number => settings['offsets.retention.minutes'] * 60_000

/** What a group needs to know of the cluster's topics; a snapshot. */
export interface Topics {
  /** Rises with every change of any topic. */
  readonly version: number
  byName(name: string): TopicFacts | undefined
  byId(topicId: string): TopicFacts | undefined
  names(): Iterable<string>
}

export interface TopicFacts {
  readonly name: string
  readonly topicId: string
  readonly partitions: number
}

export const noTopics: Topics = { version: 0, byName: () => undefined, byId: () => undefined, names: () => [] }
