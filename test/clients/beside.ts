// What is produced and read beside Java's programs, by KafkaJS: plain code to compare them with.

import { Kafka, logLevel } from 'kafkajs'

export const clientOf = (port: number): Kafka =>
  new Kafka({
    clientId: 'witness',
    brokers: [`localhost:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 2_000 },
  })

export async function createTopics(kafka: Kafka, topics: readonly string[], numPartitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: topics.map(topic => ({ topic, numPartitions })) })
  await admin.disconnect()
}

export async function firstOffsets(kafka: Kafka, topic: string): Promise<number[]> {
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.map(({ low }) => Number(low))
}

export async function send(
  kafka: Kafka,
  topic: string,
  messages: readonly { readonly key: string | null; readonly value: string }[],
): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, messages: [...messages] })
  await producer.disconnect()
}

interface Seen {
  readonly key: string
  readonly value: Buffer
}

/** What a read_committed consumer of KafkaJS sees as it comes, each offset once. */
export async function follow(kafka: Kafka, topics: readonly string[]) {
  const records = new Map(topics.map(topic => [topic, [] as Seen[]]))
  const seen = new Set<string>()
  const consumer = kafka.consumer({ groupId: `witness-${topics.join('-')}`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { offset, key, value } }) => {
      const place = `${topic} ${partition} ${offset}`
      if (seen.has(place)) return
      seen.add(place)
      records.get(topic)!.push({ key: key!.toString(), value: value! })
    },
  })
  return {
    records: (topic: string): readonly Seen[] => records.get(topic)!,
    close: () => consumer.disconnect(),
  }
}
