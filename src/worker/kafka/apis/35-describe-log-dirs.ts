import { array, bool, int16, int32, int64, string } from '../../../protocol/schema.ts'
import type { TopicView } from '../../../cluster/cluster.ts'
import { codeOf, type ErrorName, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { inWaves } from '../partitions.ts'

/**
 * What each log directory holds, in bytes.
 * v2 is flexible, v3 has an error code for the whole response, v4 tells the size of the volume (KIP-827), v5 whether the
 * directory is cordoned (KIP-1066).
 */
export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5',
  flexible: '2+',
  request: {
    topics: array({
      topic: string(),
      partitions: array(int32()),
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('3+'),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64().in('4+').or(-1),
      usableBytes: int64().in('4+').or(-1),
      isCordoned: bool().in('5+').or(false),
    }),
  },
  async handle({ topics }, { broker }) {
    const { view, byName } = await broker.topics({ fresh: true })
    const asked = topics === null ? view.topics.map(every) : named(topics, byName)
    const all = asked.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
    const described = await inWaves(all, ({ topic, partition }) => broker.describe(topic, partition))
    const sizes = new Map<string, { partitionIndex: number; partitionSize: number }[]>()
    let error: ErrorName = 'NONE'
    all.forEach(({ topic, partition }, i) => {
      const result = described[i]!
      // Deleted while it was asked: as if it had been a moment later.
      if (isFailure(result)) error = GONE.has(result.error) ? error : result.error
      else {
        const partitions = sizes.get(topic.name) ?? []
        partitions.push({ partitionIndex: partition, partitionSize: result.sizeBytes })
        sizes.set(topic.name, partitions)
      }
    })
    const found = Array.from(sizes, ([name, partitions]) => ({
      name,
      partitions: partitions.map(one => ({ ...one, offsetLag: 0, isFutureKey: false })),
    }))
    return { results: [{ errorCode: codeOf(error), logDir: LOG_DIR, topics: error === 'NONE' ? found : [] }] }
  },
})

/** There is no directory; clients want a name. */
const LOG_DIR = 'durable-objects'
const GONE: ReadonlySet<ErrorName> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'])

interface Asked {
  readonly topic: TopicView
  readonly partitions: readonly number[]
}

const every = (topic: TopicView): Asked => ({
  topic,
  partitions: Array.from({ length: topic.partitions }, (_, i) => i),
})

/** Those that there are, each once: Kafka passes over the others too. */
function named(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  byName: ReadonlyMap<string, TopicView>,
): readonly Asked[] {
  const asked = new Map<TopicView, Set<number>>()
  for (const { topic: name, partitions } of topics) {
    const topic = byName.get(name)
    if (topic === undefined) continue
    const some = asked.get(topic) ?? new Set()
    for (const partition of partitions) if (partition >= 0 && partition < topic.partitions) some.add(partition)
    asked.set(topic, some)
  }
  return Array.from(asked, ([topic, partitions]) => ({ topic, partitions: [...partitions] }))
}
