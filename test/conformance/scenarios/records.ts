// Records: produced, found, fetched and deleted, and every way in which that is refused.

import { crc32c } from '../../../src/log/crc32c.ts'
import { type BatchOptions, encodeBatch } from '../../../src/log/records.ts'
import { ZERO_UUID } from '../../../src/protocol/bytes.ts'
import { codeOf } from '../../../src/protocol/errors.ts'
import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { listOffsets } from '../../../src/worker/kafka/apis/02-list-offsets.ts'
import { deleteRecords } from '../../../src/worker/kafka/apis/21-delete-records.ts'
import { initProducerId } from '../../../src/worker/kafka/apis/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../../src/worker/kafka/apis/23-offset-for-leader-epoch.ts'
import { describeLogDirs } from '../../../src/worker/kafka/apis/35-describe-log-dirs.ts'
import { describeProducers } from '../../../src/worker/kafka/apis/61-describe-producers.ts'
import type { Scenario, Transcript } from '../transcript.ts'
import { aTopic } from './topics.ts'

const text = new TextEncoder()

export const aBatch = (
  values: readonly (string | null)[],
  {
    timestamp = 1_700_000_000_000,
    key = 'k' as string | null,
    ...options
  }: BatchOptions & { timestamp?: number; key?: string | null } = {},
): Uint8Array =>
  encodeBatch(
    values.map((value, i) => ({
      timestamp: timestamp + i,
      key: key === null ? null : text.encode(key),
      value: value === null ? null : text.encode(value),
      headers: [],
    })),
    options,
  )

/** The batch with some of its bytes overwritten; `sealed` with a checksum that is right again. */
export function spoiled(batch: Uint8Array, at: number, bytes: readonly number[], { sealed = true } = {}): Uint8Array {
  const copy = batch.slice()
  copy.set(bytes, at)
  if (sealed) new DataView(copy.buffer).setUint32(17, crc32c(copy.subarray(21)))
  return copy
}

export const produced = (
  topic: { name: string; topicId?: string },
  records: Uint8Array | null,
  { acks = -1, partition = 0 } = {},
) => ({
  acks,
  timeoutMs: 5000,
  topicData: [
    { name: topic.name, topicId: topic.topicId ?? ZERO_UUID, partitionData: [{ index: partition, records }] },
  ],
})

const produceSome: Scenario = {
  name: 'producing',
  async run(to) {
    const topicId = await aTopic(to, 't', { partitions: 2 })
    const t = { name: to.topic('t'), topicId }
    for (let version = 3; version <= 13; version++)
      await to.call(
        `acks ${version % 2 ? 1 : -1}`,
        produce,
        version,
        produced(t, aBatch(['a', 'b']), { acks: version % 2 ? 1 : -1 }),
      )
    await to.call('wrong acks', produce, 9, produced(t, aBatch(['a']), { acks: 2 }))
    await to.call('an unknown topic', produce, 9, produced({ name: to.topic('unknown') }, aBatch(['a'])))
    await to.call(
      'an unknown topic id',
      produce,
      13,
      produced({ name: '', topicId: 'AAAAAAAAAAAAAAAAAAAAMQ' }, aBatch(['a'])),
    )
    await to.call('an unknown partition', produce, 9, produced(t, aBatch(['a']), { partition: 2 }))
    await to.call('a partition before the first', produce, 9, produced(t, aBatch(['a']), { partition: -1 }))
    await to.call(
      'a spoiled checksum',
      produce,
      9,
      produced(t, spoiled(aBatch(['a']), 17, [1, 2, 3, 4], { sealed: false })),
    )
    await to.call('another base offset', produce, 9, produced(t, spoiled(aBatch(['a']), 7, [5])))
    await to.call('more records claimed', produce, 9, produced(t, spoiled(aBatch(['a']), 60, [9])))
    await to.call('another last offset', produce, 9, produced(t, spoiled(aBatch(['a']), 26, [9])))
    await to.call('a control batch', produce, 9, produced(t, aBatch(['a'], { control: true })))
    await to.call('a log append time', produce, 9, produced(t, spoiled(aBatch(['a']), 22, [8])))
    await to.call(
      'a transaction without an id',
      produce,
      9,
      produced(t, aBatch(['a'], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })),
    )
    await to.call('two partitions', produce, 9, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [
        {
          name: t.name,
          partitionData: [
            { index: 0, records: aBatch(['x']) },
            { index: 1, records: aBatch(['y']) },
          ],
        },
      ],
    })
    await to.call(
      'far in the future',
      produce,
      9,
      produced(t, aBatch(['a'], { timestamp: Date.now() + 7_200_000 * 24 })),
    )
  },
}

const codecs: Scenario = {
  name: 'producing in every codec',
  async run(to) {
    const name = to.topic('t')
    await aTopic(to, 't')
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      await to.call(codec, produce, 9, produced({ name }, aBatch(['a'.repeat(300), 'b'], { codec })))
    }
    await to.call('read', fetch, 12, fetched({ name }))
  },
}

const limits: Scenario = {
  name: 'producing what a topic does not take',
  async run(to) {
    await aTopic(to, 'small', { configs: { 'max.message.bytes': '200' } })
    await aTopic(to, 'compact', { configs: { 'cleanup.policy': 'compact' } })
    await aTopic(to, 'stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    await aTopic(to, 'recent', { configs: { 'message.timestamp.before.max.ms': '60000' } })
    const at = (name: string) => ({ name: to.topic(name) })
    await to.call('too large', produce, 9, produced(at('small'), aBatch(['a'.repeat(300)])))
    await to.call('just not', produce, 9, produced(at('small'), aBatch(['a'.repeat(50)])))
    await to.call('a key is missing', produce, 9, produced(at('compact'), aBatch(['a', 'b'], { key: null })))
    await to.call('a key is there', produce, 9, produced(at('compact'), aBatch(['a', null])))
    await to.call('too old', produce, 9, produced(at('recent'), aBatch(['a', 'b'])))
    await to.call('recent', produce, 9, produced(at('recent'), aBatch(['a', 'b'], { timestamp: Date.now() - 1000 })))
    await to.call('the broker stamps', produce, 9, produced(at('stamped'), aBatch(['a', 'b'])))
    await to.call('and it shows', fetch, 12, fetched(at('stamped')))
    await to.call('only delete what may be', deleteRecords, 2, {
      topics: [{ name: to.topic('compact'), partitions: [{ partitionIndex: 0, offset: 1 }] }],
      timeoutMs: 5000,
    })
  },
}

const idempotence: Scenario = {
  name: 'producing once',
  async run(to) {
    await aTopic(to, 't')
    const t = { name: to.topic('t') }
    const newProducer = async (version = 4) => {
      for (;;) {
        const answer = await to.ask(initProducerId, version, { transactionalId: null, transactionTimeoutMs: 1000 })
        // A broker that has just started has no producer ids yet.
        if (answer.errorCode !== codeOf('COORDINATOR_LOAD_IN_PROGRESS')) return answer
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
    for (const version of [0, 2, 3, 4, 5])
      to.note(`a producer id, v${version}`, (await newProducer(version)).producerEpoch)
    const { producerId } = await newProducer()
    const send = (what: string, baseSequence: number, values: string[], producerEpoch = 0) =>
      to.call(what, produce, 9, produced(t, aBatch(values, { producerId, producerEpoch, baseSequence })))
    await send('first', 0, ['a', 'b'])
    await send('second', 2, ['c'])
    await send('first again', 0, ['a', 'b'])
    await send('second again', 2, ['c'])
    await send('a gap', 5, ['f'])
    await send('overlapping', 1, ['b', 'c'])
    await send('a new epoch', 0, ['d'], 1)
    await send('the old epoch', 3, ['d'], 0)
    await send('a newer epoch, not from its start', 4, ['d'], 2)
    for (let i = 1; i <= 6; i++) await send(`more ${i}`, i, ['m'], 1)
    await send('older than five', 0, ['d'], 1)
    await send('the fifth last', 2, ['m'], 1)
    const other = await newProducer()
    await to.call(
      'an unknown producer, not from its start',
      produce,
      9,
      produced(t, aBatch(['z'], { producerId: other.producerId, producerEpoch: 0, baseSequence: 7 })),
    )
    const { topics } = await to.ask(describeProducers, 0, { topics: [{ name: t.name, partitionIndexes: [0] }] })
    const active = topics[0]!.partitions[0]!.activeProducers.map(({ producerId: id, ...rest }) => ({
      who: id === producerId ? 'one' : 'another',
      ...rest,
    }))
    to.note(
      'active producers',
      active.sort((a, b) => (a.who < b.who ? 1 : -1)),
    )
    await to.call('of what is not there', describeProducers, 0, {
      topics: [
        { name: t.name, partitionIndexes: [3, -1] },
        { name: to.topic('unknown'), partitionIndexes: [0] },
        { name: to.topic('no/slash'), partitionIndexes: [0] },
      ],
    })
  },
}

interface Ask {
  offset?: number
  partition?: number
  maxBytes?: number
  partitionMaxBytes?: number
  sessionId?: number
  sessionEpoch?: number
  isolationLevel?: number
  currentLeaderEpoch?: number
  minBytes?: number
  maxWaitMs?: number
}

export const fetched = (
  topic: { name: string; topicId?: string },
  { offset = 0, partition = 0, partitionMaxBytes = 1_048_576, currentLeaderEpoch = -1, ...rest }: Ask = {},
) => ({
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 10_000_000,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  ...rest,
  topics: [
    {
      topic: topic.name,
      topicId: topic.topicId ?? ZERO_UUID,
      partitions: [{ partition, currentLeaderEpoch, fetchOffset: offset, partitionMaxBytes }],
    },
  ],
  forgottenTopicsData: [],
})

const fetchSome: Scenario = {
  name: 'fetching',
  async run(to) {
    const topicId = await aTopic(to, 't', { partitions: 2 })
    const t = { name: to.topic('t'), topicId }
    for (const values of [['a', 'b', 'c'], ['d'], ['e', 'f']]) await to.ask(produce, 9, produced(t, aBatch(values)))
    for (let version = 4; version <= 18; version++) await to.call('all', fetch, version, fetched(t))
    await to.call('committed', fetch, 12, fetched(t, { isolationLevel: 1 }))
    await to.call('from the middle of a batch', fetch, 12, fetched(t, { offset: 1 }))
    await to.call('at the end', fetch, 12, fetched(t, { offset: 6 }))
    await to.call('past the end', fetch, 12, fetched(t, { offset: 7 }))
    await to.call('before the beginning', fetch, 12, fetched(t, { offset: -5 }))
    await to.call('one batch at least', fetch, 12, fetched(t, { partitionMaxBytes: 1 }))
    await to.call('one batch at least', fetch, 12, fetched(t, { maxBytes: 1 }))
    await to.call('no bytes', fetch, 12, fetched(t, { maxBytes: 0 }))
    await to.call('an empty partition', fetch, 12, fetched(t, { partition: 1 }))
    await to.call('an unknown partition', fetch, 12, fetched(t, { partition: 2 }))
    await to.call('an unknown topic', fetch, 12, fetched({ name: to.topic('unknown') }))
    await to.call('an unknown topic id', fetch, 13, fetched({ name: '', topicId: 'AAAAAAAAAAAAAAAAAAAAMQ' }))
    await to.call('no topic id', fetch, 13, fetched({ name: '' }))
    await to.call('another leader epoch', fetch, 12, fetched(t, { currentLeaderEpoch: 9 }))
    await to.call('this leader epoch', fetch, 12, fetched(t, { currentLeaderEpoch: 0 }))
    await to.call('a leader epoch before the first', fetch, 12, fetched(t, { currentLeaderEpoch: -2 }))
    for (const version of [4, 12, 17]) {
      await to.call('less than no bytes', fetch, version, fetched(t, { maxBytes: -1 }))
      await to.call('less than no bytes of a partition', fetch, version, fetched(t, { partitionMaxBytes: -1 }))
      await to.call('another isolation level', fetch, version, fetched(t, { isolationLevel: 5 }))
    }
    await to.call('no bytes of a partition', fetch, 12, fetched(t, { partitionMaxBytes: 0 }))
    await to.call('another isolation level, opening', fetch, 12, fetched(t, { isolationLevel: -1, sessionEpoch: 0 }))
    await to.call('less than no bytes, opening', fetch, 12, fetched(t, { maxBytes: -7, sessionEpoch: 0 }))
    await to.call('less than no bytes to wait for', fetch, 12, fetched(t, { minBytes: -1, offset: 6 }))
    await to.call('less than no time to wait', fetch, 12, fetched(t, { minBytes: 9, maxWaitMs: -1, offset: 6 }))
    await to.call('of an empty partition', fetch, 12, fetched(t, { partition: 1, partitionMaxBytes: -1 }))
    await to.call('of what is not there', fetch, 12, fetched(t, { partition: 7, maxBytes: -1 }))
  },
}

const sessions: Scenario = {
  name: 'fetch sessions',
  async run(to) {
    const topicId = await aTopic(to, 't', { partitions: 2 })
    const t = { name: to.topic('t'), topicId }
    await to.ask(produce, 9, produced(t, aBatch(['a'])))
    const { sessionId } = await to.call('open', fetch, 12, fetched(t, { sessionEpoch: 0 }))
    const nothing = { ...fetched(t, { sessionId, sessionEpoch: 1, offset: 1 }) }
    await to.call('go on', fetch, 12, nothing)
    await to.call('nothing new', fetch, 12, { ...fetched(t, { sessionId, sessionEpoch: 2 }), topics: [] })
    await to.ask(produce, 9, produced(t, aBatch(['b'])))
    await to.call('something new', fetch, 12, { ...fetched(t, { sessionId, sessionEpoch: 3 }), topics: [] })
    await to.call('one more partition', fetch, 12, fetched(t, { sessionId, sessionEpoch: 4, partition: 1 }))
    await to.call('an epoch skipped', fetch, 12, fetched(t, { sessionId, sessionEpoch: 9 }))
    await to.call('forget one', fetch, 12, {
      ...fetched(t, { sessionId, sessionEpoch: 5 }),
      topics: [],
      forgottenTopicsData: [{ topic: t.name, partitions: [0] }],
    })
    await to.call('an unknown session', fetch, 12, fetched(t, { sessionId: 12345, sessionEpoch: 1 }))
    await to.call('close', fetch, 12, fetched(t, { sessionId, sessionEpoch: -1 }))
    await to.call('closed', fetch, 12, fetched(t, { sessionId, sessionEpoch: 6 }))
    const byId = await to.call('open by id', fetch, 15, fetched(t, { sessionEpoch: 0 }))
    await to.call('go on by id', fetch, 15, {
      ...fetched(t, { sessionId: byId.sessionId, sessionEpoch: 1 }),
      topics: [],
    })
  },
}

const find = (to: Transcript, what: string, version: number, timestamp: number, partition = 0, name = 't') =>
  to.call(what, listOffsets, version, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: to.topic(name), partitions: [{ partitionIndex: partition, timestamp }] }],
  })

const offsets: Scenario = {
  name: 'finding and deleting records',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const t = { name: to.topic('t') }
    await to.ask(produce, 9, produced(t, aBatch(['a', 'b', 'c'], { timestamp: 1000 })))
    await to.ask(produce, 9, produced(t, aBatch(['d', 'e'], { timestamp: 5000 })))
    await to.ask(produce, 9, produced(t, aBatch(['f'], { timestamp: 3000 })))
    for (let version = 1; version <= 11; version++)
      for (const special of [-1, -2]) await find(to, `${special}`, version, special)
    await find(to, 'the newest', 7, -3)
    await find(to, 'the earliest here', 8, -4)
    await find(to, 'the last tiered', 9, -5)
    await find(to, 'the earliest to be tiered', 11, -6)
    await find(to, 'too special', 11, -7)
    for (const [version, special] of [
      [6, -3],
      [7, -4],
      [8, -5],
      [10, -6],
    ] as const)
      await find(to, `${special} is newer`, version, special)
    for (const timestamp of [0, 1000, 1001, 1002, 1003, 5000, 5001, 5002])
      await find(to, `at ${timestamp}`, 9, timestamp)
    await find(to, 'an empty partition', 9, -1, 1)
    await find(to, 'an empty partition', 9, 1000, 1)
    await find(to, 'an empty partition', 9, -3, 1)
    await find(to, 'an unknown partition', 9, -1, 2)
    const list = (what: string, partitions: readonly object[], topics = 1, isolationLevel = 0) =>
      to.call(what, listOffsets, 9, {
        replicaId: -1,
        isolationLevel,
        topics: Array.from({ length: topics }, () => ({
          name: t.name,
          partitions: partitions as { partitionIndex: number; timestamp: number }[],
        })),
      })
    const end = { partitionIndex: 0, timestamp: -1 }
    await list('a partition twice', [end, { partitionIndex: 1, timestamp: -2 }, end])
    await list('a topic twice', [end], 2)
    await list('an unknown partition twice', [
      { partitionIndex: 7, timestamp: -1 },
      { partitionIndex: 7, timestamp: -1 },
    ])
    await list('another isolation level', [end], 1, 5)
    for (const currentLeaderEpoch of [-2, -1, 0, 1])
      for (const timestamp of [-1, -2, -3, 1000])
        await list(`of epoch ${currentLeaderEpoch}`, [{ ...end, timestamp, currentLeaderEpoch }])
    await find(to, 'an unknown topic', 9, -1, 0, 'unknown')
    const cut = (what: string, version: number, offset: number, partitionIndex = 0, name = 't') =>
      to.call(what, deleteRecords, version, {
        topics: [{ name: to.topic(name), partitions: [{ partitionIndex, offset }] }],
        timeoutMs: 5000,
      })
    await cut('up to 2', 0, 2)
    await cut('up to 1, which is gone', 1, 1)
    await cut('past the end', 2, 9)
    await cut('before the beginning', 2, -2)
    await cut('an unknown partition', 2, 1, 5)
    await cut('an unknown topic', 2, 1, 0, 'unknown')
    await to.call('below the start', fetch, 12, fetched(t, { offset: 1 }))
    await to.call('from the start', fetch, 12, fetched(t, { offset: 2 }))
    await find(to, 'the start', 9, -2)
    await cut('everything', 2, -1)
    await find(to, 'the start is the end', 9, -2)
    await find(to, 'nothing left', 9, 1000)
  },
}

const logs: Scenario = {
  name: 'logs and epochs',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const t = { name: to.topic('t') }
    await to.ask(produce, 9, produced(t, aBatch(['a', 'b', 'c'])))
    for (const version of [2, 3, 4])
      await to.call('epochs', offsetForLeaderEpoch, version, {
        topics: [
          {
            topic: t.name,
            partitions: [-1, 0, 1].map(leaderEpoch => ({ partition: 0, leaderEpoch })),
          },
        ]
          .flatMap(({ topic, partitions }) => partitions.map(one => ({ topic, partitions: [one] })))
          .slice(1, 2),
      })
    for (const [leaderEpoch, currentLeaderEpoch] of [
      [0, 0],
      [0, 5],
      [3, -1],
      [-1, -1],
    ] as const)
      await to.call(`epoch ${leaderEpoch}, current ${currentLeaderEpoch}`, offsetForLeaderEpoch, 4, {
        topics: [{ topic: t.name, partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }],
      })
    await to.call('epochs of nothing', offsetForLeaderEpoch, 4, {
      topics: [{ topic: t.name, partitions: [{ partition: 1, leaderEpoch: 0 }] }],
    })
    await to.call('epochs of what is not there', offsetForLeaderEpoch, 4, {
      topics: [
        { topic: t.name, partitions: [{ partition: 7, leaderEpoch: 0 }] },
        { topic: to.topic('unknown'), partitions: [{ partition: 0, leaderEpoch: 0 }] },
      ],
    })
    for (const version of [1, 2, 3, 4, 5])
      await to.call('log dirs', describeLogDirs, version, {
        topics: [
          { topic: t.name, partitions: [0, 1, 7] },
          { topic: to.topic('unknown'), partitions: [0] },
        ],
      })
    await to.call('log dirs of nothing', describeLogDirs, 4, { topics: [] })
  },
}

export const records = [produceSome, codecs, limits, idempotence, fetchSome, sessions, offsets, logs]
