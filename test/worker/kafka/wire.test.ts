// What only shows on the wire: waiting fetches, acks, order across requests and connections, and bytes that make no sense.

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBatches } from '../../../src/log/batch.ts'
import { codecs } from '../../../src/log/compression.ts'
import { errorOf } from '../../../src/protocol/errors.ts'
import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { listOffsets } from '../../../src/worker/kafka/apis/02-list-offsets.ts'
import { metadata } from '../../../src/worker/kafka/apis/03-metadata.ts'
import { apiVersions } from '../../../src/worker/kafka/apis/18-api-versions.ts'
import { createTopics } from '../../../src/worker/kafka/apis/19-create-topics.ts'
import { deleteTopics } from '../../../src/worker/kafka/apis/20-delete-topics.ts'
import { initProducerId } from '../../../src/worker/kafka/apis/22-init-producer-id.ts'
import { describeConfigs } from '../../../src/worker/kafka/apis/32-describe-configs.ts'
import { createPartitions } from '../../../src/worker/kafka/apis/37-create-partitions.ts'
import { ZERO_UUID } from '../../../src/protocol/bytes.ts'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { KafkaClient } from '../../support/kafka-client.ts'
import { aFetch, aProduce, aTopic } from '../../support/kafka-requests.ts'
import { aBatch, opened } from '../../support/log.ts'

let broker: Broker
let client: KafkaClient
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({ log: (_, message) => logged.push(message) })
  client = await KafkaClient.connect(broker.kafka)
})
afterAll(async () => {
  client.close()
  await broker.close()
})

let topics = 0
async function aFreshTopic(partitions = 1): Promise<string> {
  const name = `topic-${topics++}`
  await client.call(createTopics, 7, aTopic(name, partitions))
  return name
}

const recent = (values: string[], options: Parameters<typeof aBatch>[1] = {}): Uint8Array =>
  aBatch(values, { timestamp: Date.now(), ...options })

const send = async (topic: string, records: Uint8Array, by = client) => {
  const { responses } = await by.call(produce, 9, aProduce(topic, records))
  return responses[0]!.partitionResponses[0]!
}

const read = async (topic: string, options: Parameters<typeof aFetch>[1] = {}) => {
  const { responses } = await client.call(fetch, 12, aFetch(topic, options))
  return opened(responses[0]!.partitions[0]!.records!)
}

describe('a fetch of more than it may return', () => {
  const fetchAll = async (topic: string, limits: { maxBytes: number; partitionMaxBytes?: number }) => {
    const { partitionMaxBytes = 1_048_576, maxBytes } = limits
    const {
      topics: [asked],
      ...rest
    } = aFetch(topic, { maxBytes })
    const partitions = [0, 1, 2].map(partition => ({ ...asked!.partitions[0]!, partition, partitionMaxBytes }))
    const { responses } = await client.call(fetch, 12, { ...rest, topics: [{ ...asked!, partitions }] })
    return responses[0]!.partitions
  }
  const large = recent(['v'.repeat(3000)])
  const threeFull = async (): Promise<string> => {
    const topic = await aFreshTopic(3)
    for (const index of [0, 1, 2])
      for (let i = 0; i < 2; i++) {
        const partitionData = [{ index, records: large }]
        await client.call(produce, 9, { acks: -1, timeoutMs: 5000, topicData: [{ name: topic, partitionData }] })
      }
    return topic
  }

  it('tells how far every partition reaches, also those it has no room for', async () => {
    const topic = await threeFull()
    for (const maxBytes of [0, 1, 4000, 8000])
      for (const { highWatermark, lastStableOffset, logStartOffset } of await fetchAll(topic, { maxBytes }))
        expect({ highWatermark, lastStableOffset, logStartOffset }, `maxBytes ${maxBytes}`).toEqual({
          highWatermark: 2,
          lastStableOffset: 2,
          logStartOffset: 0,
        })
  })

  it('goes beyond its limits for one batch, and no further', async () => {
    const topic = await threeFull()
    const batches = async (limits: { maxBytes: number; partitionMaxBytes?: number }) =>
      (await fetchAll(topic, limits)).reduce((sum, { records }) => sum + records!.length / large.length, 0)
    expect(await batches({ maxBytes: 1 })).toBe(1)
    expect(await batches({ maxBytes: large.length + 100 })).toBe(1)
    expect(await batches({ maxBytes: 3 * large.length + 100 })).toBe(3)
    expect(await batches({ maxBytes: 1_000_000, partitionMaxBytes: 1 })).toBe(1)
    expect(await batches({ maxBytes: 1_000_000, partitionMaxBytes: large.length })).toBe(3)
  })

  it('passes over empty partitions for that one batch', async () => {
    const topic = await aFreshTopic(3)
    for (let i = 0; i < 2; i++) await client.call(produce, 9, aProduce(topic, large, { partition: 1 }))
    for (let i = 0; i < 3; i++)
      expect((await fetchAll(topic, { maxBytes: 1 })).map(({ records }) => records!.length)).toEqual([
        0,
        large.length,
        0,
      ])
  })

  it('comes to each partition in turn, however large its batches', async () => {
    const topic = await threeFull()
    const found = new Set<number>()
    for (let i = 0; i < 3; i++)
      for (const { partitionIndex, records } of await fetchAll(topic, { maxBytes: 1 }))
        if (records!.length > 0) found.add(partitionIndex)
    expect([...found].sort()).toEqual([0, 1, 2])
  })
})

describe('a fetch that waits', () => {
  it('is answered when enough has arrived, not before', async () => {
    const topic = await aFreshTopic()
    const reader = await KafkaClient.connect(broker.kafka)
    const batch = recent(['a'])
    const waiting = reader.call(fetch, 12, aFetch(topic, { minBytes: batch.length + 1, maxWaitMs: 10_000 }))
    await send(topic, batch)
    expect(reader.answered).toEqual([])
    await send(topic, recent(['b']))
    const { responses } = await waiting
    expect(opened(responses[0]!.partitions[0]!.records!)).toEqual([
      { offset: 0, value: 'a' },
      { offset: 1, value: 'b' },
    ])
    reader.close()
  })

  it('is answered with what there is when time is up', async () => {
    const topic = await aFreshTopic()
    const startMs = performance.now()
    expect(await read(topic, { minBytes: 1, maxWaitMs: 200 })).toEqual([])
    expect(performance.now() - startMs).toBeGreaterThan(150)
  })

  it('looks at many partitions of many topics', async () => {
    const names = await Promise.all([aFreshTopic(3), aFreshTopic(3)])
    const reader = await KafkaClient.connect(broker.kafka)
    const request = aFetch(names[0]!, { minBytes: 1, maxWaitMs: 10_000 })
    const partitions = [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }))
    const waiting = reader.call(fetch, 12, { ...request, topics: names.map(topic => ({ topic, partitions })) })
    await client.call(produce, 9, aProduce(names[1]!, recent(['x']), { partition: 2 }))
    const { responses } = await waiting
    const found = responses.flatMap(({ topic, partitions: answers }) =>
      answers.filter(one => one.records!.length > 0).map(one => [topic, one.partitionIndex]),
    )
    expect(found).toEqual([[names[1], 2]])
    reader.close()
  })

  it('says OFFSET_OUT_OF_RANGE at once', async () => {
    const topic = await aFreshTopic()
    const { responses } = await client.call(fetch, 12, aFetch(topic, { offset: 5, minBytes: 1, maxWaitMs: 10_000 }))
    expect(errorOf(responses[0]!.partitions[0]!.errorCode)).toBe('OFFSET_OUT_OF_RANGE')
  })
})

describe('producing', () => {
  it('answers nothing to acks=0, and stores all the same', async () => {
    const topic = await aFreshTopic()
    const writer = await KafkaClient.connect(broker.kafka)
    for (const value of ['a', 'b', 'c']) writer.send(produce, 9, aProduce(topic, recent([value]), { acks: 0 }))
    await writer.call(metadata, 12, { topics: [] })
    expect(writer.answered).toHaveLength(1)
    expect((await read(topic, { minBytes: 200, maxWaitMs: 5_000 })).map(({ value }) => value)).toEqual(['a', 'b', 'c'])
    writer.close()
  })

  it('tells of an error with acks=0 by closing the connection', async () => {
    const writer = await KafkaClient.connect(broker.kafka)
    writer.send(produce, 9, aProduce(await aFreshTopic(), recent(['a']), { acks: 0, partition: 7 }))
    await writer.closed
  })

  it('answers a batch sent again on another connection with its first offset', async () => {
    const topic = await aFreshTopic()
    const { producerId } = await client.call(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
    const batch = recent(['a', 'b'], { producerId, producerEpoch: 0, baseSequence: 0 })
    await send(topic, recent(['before']))
    const first = await KafkaClient.connect(broker.kafka)
    expect(await send(topic, batch, first)).toMatchObject({ errorCode: 0, baseOffset: 1 })
    first.close()
    const second = await KafkaClient.connect(broker.kafka)
    expect(await send(topic, batch, second)).toMatchObject({ errorCode: 0, baseOffset: 1 })
    second.close()
    expect(await read(topic)).toHaveLength(3)
  })

  it('keeps the order of five requests in flight, and answers in theirs', async () => {
    const topic = await aFreshTopic()
    const { producerId } = await client.call(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
    const writer = await KafkaClient.connect(broker.kafka)
    const answers = []
    for (let i = 0; i < 50; i++) {
      const batch = recent([String(i)], { producerId, producerEpoch: 0, baseSequence: i })
      answers.push(writer.call(produce, 9, aProduce(topic, batch)))
      if (answers.length % 5 === 0) await Promise.all(answers)
    }
    const offsets = (await Promise.all(answers)).map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)
    expect(offsets).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(writer.answered).toEqual(writer.answered.toSorted((a, b) => a - b))
    writer.close()
  })

  it('stores batches as they were sent, but for their place', async () => {
    const topic = await aFreshTopic()
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const batch = recent(['x'.repeat(1_000), 'y'], { codec })
      const { baseOffset } = await send(topic, batch)
      const { responses } = await client.call(fetch, 12, aFetch(topic, { offset: baseOffset }))
      const stored = readBatches(responses[0]!.partitions[0]!.records!)[0]!.bytes
      // After base offset, length and leader epoch come the checksum and all that it covers.
      expect(Buffer.from(stored.subarray(16))).toEqual(Buffer.from(batch.subarray(16)))
    }
  })
})

describe('a topic with a codec of its own', () => {
  const noise = Array.from({ length: 40_000 }, (_, i) =>
    ((Math.imul(i + 1, 2_654_435_761) >>> 0) % 9_973_891).toString(36),
  )
  const aCompressedTopic = async (codec: string, levels: Record<string, string> = {}): Promise<string> => {
    const name = `topic-${topics++}`
    const configs = Object.entries({ 'compression.type': codec, ...levels }).map(([name, value]) => ({ name, value }))
    const asked = aTopic(name)
    const { topics: answers } = await client.call(createTopics, 7, {
      ...asked,
      topics: [{ ...asked.topics[0]!, configs }],
    })
    expect(answers[0]!.errorMessage).toBeNull()
    return name
  }
  const sizeOf = async (topic: string): Promise<number> => {
    const { responses } = await client.call(fetch, 12, aFetch(topic))
    return responses[0]!.partitions[0]!.records!.length
  }

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('takes large batches in %s, from producers of any codec', async codec => {
    const topic = await aCompressedTopic(codec)
    for (const sent of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
      expect(await send(topic, recent([noise.join(sent)], { codec: sent }))).toMatchObject({ errorCode: 0 })
    const { responses } = await client.call(fetch, 12, aFetch(topic))
    const stored = responses[0]!.partitions[0]!.records!
    expect(readBatches(stored).map(batch => codecs[batch.attributes & 7])).toEqual(Array(5).fill(codec))
    expect(opened(stored).map(({ value }) => value!.length)).toEqual(
      [4, 4, 6, 3, 4].map(length => noise.join('').length + 39_999 * length),
    )
  })

  it.each([
    ['gzip', '1', '9'],
    ['zstd', '-5', '19'],
  ])('tries as hard as its level says, in %s', async (codec, low, high) => {
    const sizes = []
    for (const level of [low, high]) {
      const topic = await aCompressedTopic(codec, { [`compression.${codec}.level`]: level })
      await send(topic, recent([noise.join(' ')]))
      sizes.push(await sizeOf(topic))
    }
    expect(sizes[0]).toBeGreaterThan(sizes[1]!)
  })

  it('has it from the broker where it says nothing, whatever door the records come through', async () => {
    const other = await startBroker({ vars: { EDGELOG_COMPRESSION_TYPE: 'gzip', EDGELOG_COMPRESSION_GZIP_LEVEL: '1' } })
    const visitor = await KafkaClient.connect(other.kafka)
    await visitor.call(createTopics, 7, aTopic('plain'))
    await visitor.call(produce, 9, aProduce('plain', recent(['a'])))
    const produced = await globalThis.fetch(new URL('/v1/topics/plain/records', other.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"value":"b"}',
    })
    expect(produced.status).toBe(200)
    const { responses } = await visitor.call(fetch, 12, aFetch('plain'))
    const stored = readBatches(responses[0]!.partitions[0]!.records!)
    expect(stored.map(batch => codecs[batch.attributes & 7])).toEqual(['gzip', 'gzip'])
    visitor.close()
    await other.close()
  })
})

describe('a topic that is gone', () => {
  it('is not found under its id or name, and its successor is empty', async () => {
    const topic = await aFreshTopic()
    await send(topic, recent(['old']))
    const { responses } = await client.call(deleteTopics, 6, {
      topics: [{ name: topic, topicId: ZERO_UUID }],
      timeoutMs: 5_000,
    })
    const { topicId } = responses[0]!
    const stale = aFetch('')
    const byId = await client.call(fetch, 13, { ...stale, topics: [{ ...stale.topics[0]!, topicId }] })
    expect(errorOf(byId.responses[0]!.partitions[0]!.errorCode)).toBe('UNKNOWN_TOPIC_ID')
    await client.call(createTopics, 7, aTopic(topic))
    expect(await read(topic)).toEqual([])
  })
})

describe('too much of everything', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `t${i}`)

  it('is refused one by one, quickly', async () => {
    const names = many(20_000)
    const created = await client.call(createTopics, 7, { topics: names.flatMap(name => aTopic(name).topics) })
    expect(new Set(created.topics.map(({ errorCode }) => errorOf(errorCode)))).toEqual(new Set(['POLICY_VIOLATION']))
    const deleted = await client.call(deleteTopics, 5, { topicNames: names, timeoutMs: 1 })
    expect(new Set(deleted.responses.map(({ errorCode }) => errorOf(errorCode)))).toEqual(new Set(['POLICY_VIOLATION']))
    const grown = await client.call(createPartitions, 3, {
      topics: names.map(name => ({ name, count: -7, assignments: null })),
      timeoutMs: 1,
      validateOnly: false,
    })
    expect(new Set(grown.results.map(({ errorCode }) => errorOf(errorCode)))).toEqual(new Set(['POLICY_VIOLATION']))
  })

  it('is not created by asking, nor told twice', async () => {
    const topic = await aFreshTopic(200)
    const names = [...many(1_000).map(name => `asked-${name}`), ...many(2_000).map(() => topic)]
    const { topics: told } = await client.call(metadata, 12, {
      topics: names.map(name => ({ topicId: ZERO_UUID, name })),
      allowAutoTopicCreation: true,
    })
    const counts = Map.groupBy(told, ({ errorCode }) => errorOf(errorCode))
    expect(counts.get('NONE')).toHaveLength(201)
    expect(counts.get('LEADER_NOT_AVAILABLE')).toHaveLength(800)
  })

  it('is not described without end', async () => {
    const topic = await aFreshTopic()
    const resources = many(6_000).map(() => ({ resourceType: 2, resourceName: topic, configurationKeys: null }))
    const { results } = await client.call(describeConfigs, 4, { resources })
    const refused = results.filter(({ errorCode }) => errorOf(errorCode) === 'INVALID_REQUEST')
    expect(results).toHaveLength(6_000)
    expect(refused.length).toBeGreaterThan(500)
  })

  it('names as long as they get are refused with a sentence that fits', async () => {
    const name = 'x'.repeat(32_000)
    const created = await client.call(createTopics, 7, aTopic(name))
    expect(errorOf(created.topics[0]!.errorCode)).toBe('INVALID_TOPIC_EXCEPTION')
    const deleted = await client.call(deleteTopics, 6, { topics: [{ name, topicId: ZERO_UUID }], timeoutMs: 1 })
    expect(errorOf(deleted.responses[0]!.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    const resources = [{ resourceType: 4, resourceName: name, configurationKeys: null }]
    const described = await client.call(describeConfigs, 4, { resources })
    expect(errorOf(described.results[0]!.errorCode)).toBe('INVALID_REQUEST')
  })

  it('partitions that cannot be are refused one by one', async () => {
    const topic = await aFreshTopic()
    const partitions = [-1, 1, 2_147_483_647, -2_147_483_648].map(partitionIndex => ({ partitionIndex, timestamp: -1 }))
    const { topics: found } = await client.call(listOffsets, 9, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions }],
    })
    for (const { errorCode } of found[0]!.partitions) expect(errorOf(errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })
})

describe('bytes that make no sense close their connection only', () => {
  const int32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
  const framed = (...body: number[]): Uint8Array => Uint8Array.from([...int32(body.length), ...body])
  const header = (key: number, version: number): number[] => [0, key, 0, version, 0, 0, 0, 1, 255, 255]

  const hostile: Record<string, Uint8Array> = {
    'a TLS hello': Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
    'an HTTP request': new TextEncoder().encode('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'a negative length': Uint8Array.from(int32(-1)),
    'a length of 2 GB': Uint8Array.from(int32(0x7fff_ffff)),
    'a length just above what is allowed': Uint8Array.from(int32(104_857_601)),
    'an empty frame': framed(),
    'an unknown API': framed(...header(200, 0)),
    'a version that is not served': framed(...header(3, 99)),
    'an API that is not announced': framed(...header(4, 0)),
    'an array longer than its frame': framed(...header(3, 1), ...int32(0x7fff_fff0)),
    'a cut-off request': framed(...header(3, 9), 0),
    'a varint without end': framed(...header(3, 9), 0, 255, 255, 255, 255, 255, 255, 255),
    noise: framed(...Array.from({ length: 300 }, (_, i) => (i * 89) & 255)),
  }

  it.each(Object.entries(hostile))('%s', async (_, bytes) => {
    const linesBefore = logged.length
    const socket = connect(broker.kafka, '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.resume().write(bytes)
    await closed
    const { apiKeys } = await client.call(apiVersions, 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
    expect(apiKeys.length).toBeGreaterThan(20)
    expect(logged.length - linesBefore).toBeLessThanOrEqual(1)
  })
})
