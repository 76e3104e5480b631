// Topics that coordinators and the schema registry keep: they come to be when first needed, with Kafka's and Confluent's
// names and configs, and nobody can change them. Their partitions are born by themselves, in the objects of their keepers.

import { brokerConfig } from './broker-configs.ts'
import { MAX_MESSAGE_BYTES, type Overrides } from './configs.ts'
import type { TopicView } from './state.ts'

export const OFFSETS_TOPIC = '__consumer_offsets'
/** Fixed, so that coordinators know the names of their objects without asking. */
export const OFFSETS_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg'

export const TRANSACTIONS_TOPIC = '__transaction_state'
export const TRANSACTIONS_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAw'

export const SCHEMAS_TOPIC = '_schemas'
export const SCHEMAS_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABA'

const internal = (name: string, topicId: string, partitions: number, config: TopicView['config']): TopicView => ({
  name,
  topicId,
  partitions,
  // A group, a transaction, a schema is one record, however much there is to it.
  config: { 'cleanup.policy': 'compact', 'max.message.bytes': String(MAX_MESSAGE_BYTES), ...config },
  configVersion: 1,
  internal: true,
})

/** As Confluent's registry makes it. Somebody else's topic of the name, a registry's that runs on Kafka, is left alone. */
export const schemasTopic = (): TopicView => internal(SCHEMAS_TOPIC, SCHEMAS_TOPIC_ID, 1, {})

/** As the broker's configs make it. */
export function transactionsTopic(broker: Overrides): TopicView {
  const config = brokerConfig(broker)
  return internal(TRANSACTIONS_TOPIC, TRANSACTIONS_TOPIC_ID, config['transaction.state.log.num.partitions'] ?? 50, {
    'compression.type': 'uncompressed',
    'segment.bytes': String(config['transaction.state.log.segment.bytes'] ?? 104_857_600),
  })
}

/** As the broker's configs make it. */
export function offsetsTopic(broker: Overrides): TopicView {
  const config = brokerConfig(broker)
  return internal(OFFSETS_TOPIC, OFFSETS_TOPIC_ID, config['offsets.topic.num.partitions'] ?? 50, {
    'compression.type': 'producer',
    'segment.bytes': String(config['offsets.topic.segment.bytes'] ?? 104_857_600),
  })
}
