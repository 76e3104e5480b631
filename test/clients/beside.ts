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

/** Where the partitions of a topic begin and end. */
export async function firstAndLast(
  kafka: Kafka,
  topic: string,
): Promise<{ readonly partition: number; readonly low: number; readonly high: number }[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
  } finally {
    await admin.disconnect()
  }
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
  readonly partition: number
  /** All there is to it but its offset, as text. */
  readonly line: string
}

/** What a read_committed consumer of KafkaJS sees as it comes, each offset once. MirrorMaker leaves its group alone. */
export async function follow(kafka: Kafka, topics: readonly string[]) {
  const records = new Map(topics.map(topic => [topic, [] as Seen[]]))
  const seen = new Set<string>()
  const consumer = kafka.consumer({ groupId: `__witness-${topics.join('-')}`, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { offset, key, value, timestamp, headers } }) => {
      const place = `${topic} ${partition} ${offset}`
      if (seen.has(place)) return
      seen.add(place)
      const texts = Object.entries(headers ?? {}).map(([name, text]) => `${name}=${text}`)
      const line = `${timestamp} ${texts.join(',')} ${key} ${value}`
      records.get(topic)!.push({ key: String(key), value: value!, partition, line })
    },
  })
  return {
    records: (topic: string): readonly Seen[] => records.get(topic)!,
    /** Of each partition, in its order. */
    lines: (topic: string): string[] =>
      records
        .get(topic)!
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ partition, line }) => `${partition} ${line}`),
    close: () => consumer.disconnect(),
  }
}
