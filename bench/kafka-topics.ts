// Topics of either broker, made and deleted by the raw client: Kafka's own command would take longer than many a measurement.

import { createTopics } from '../src/worker/kafka/apis/19-create-topics.ts'
import { deleteTopics } from '../src/worker/kafka/apis/20-delete-topics.ts'
import { KafkaClient } from '../test/support/kafka-client.ts'

export async function createTopic(port: number, name: string, numPartitions: number): Promise<void> {
  const client = await KafkaClient.connect(port)
  await client.call(createTopics, 7, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
  })
  client.close()
}

export async function deleteTopic(port: number, name: string): Promise<void> {
  const client = await KafkaClient.connect(port)
  await client.call(deleteTopics, 5, { topicNames: [name], timeoutMs: 30_000 })
  client.close()
}
