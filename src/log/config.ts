// What one partition's log needs to know of its topic's configuration, under Kafka's own names. The table of all
// topic configs, their bounds and defaults is the cluster's.

/** Times in ms, sizes in bytes; -1 means without limit where Kafka says so. A superset comes with the birth of a partition. */
export interface LogConfig {
  readonly 'cleanup.policy': readonly ('delete' | 'compact')[]
  /** Keys, values must begin with the id of a schema that is registered under their subject. */
  readonly 'confluent.key.schema.validation': boolean
  readonly 'confluent.value.schema.validation': boolean
  readonly 'delete.retention.ms': number
  readonly 'max.compaction.lag.ms': number
  readonly 'max.message.bytes': number
  readonly 'message.timestamp.type': 'CreateTime' | 'LogAppendTime'
  readonly 'message.timestamp.before.max.ms': number
  readonly 'message.timestamp.after.max.ms': number
  readonly 'min.cleanable.dirty.ratio': number
  readonly 'min.compaction.lag.ms': number
  /** The broker's; a partition that was last told before there was one has Kafka's default. */
  readonly 'producer.id.expiration.ms'?: number
  readonly 'retention.bytes': number
  readonly 'retention.ms': number
  readonly 'segment.bytes': number
  readonly 'segment.ms': number
}

export const isCompacted = (config: LogConfig): boolean => config['cleanup.policy'].includes('compact')
export const isDeleted = (config: LogConfig): boolean => config['cleanup.policy'].includes('delete')
export const validatesSchemas = (config: LogConfig): boolean =>
  config['confluent.key.schema.validation'] || config['confluent.value.schema.validation']
