// Topics: created, looked at, grown and deleted, and every way in which that is refused.

import { ZERO_UUID } from '../../../src/protocol/bytes.ts'
import { listOffsets } from '../../../src/worker/kafka/apis/02-list-offsets.ts'
import { metadata } from '../../../src/worker/kafka/apis/03-metadata.ts'
import { createTopics } from '../../../src/worker/kafka/apis/19-create-topics.ts'
import { deleteTopics } from '../../../src/worker/kafka/apis/20-delete-topics.ts'
import { createPartitions } from '../../../src/worker/kafka/apis/37-create-partitions.ts'
import { describeTopicPartitions } from '../../../src/worker/kafka/apis/75-describe-topic-partitions.ts'
import type { Scenario, Transcript } from '../transcript.ts'

interface Config {
  readonly name: string
  readonly value: string | null
}

const newTopic = (
  name: string,
  { partitions = 1, replicas = 1, configs = [] as readonly Config[], assignments = [] as readonly number[][] } = {},
) => ({
  name,
  numPartitions: partitions,
  replicationFactor: replicas,
  assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  configs,
})

/** Creates a topic that the rest of a scenario is about. */
export async function aTopic(
  to: Transcript,
  name: string,
  { partitions = 1, configs = {} as Readonly<Record<string, string>> } = {},
): Promise<string> {
  // Records of scenarios are old, and brokers differ in how soon they notice.
  const named = Object.entries({ 'retention.ms': '-1', ...configs }).map(([key, value]) => ({ name: key, value }))
  const { topics } = await to.ask(createTopics, 7, {
    topics: [newTopic(to.topic(name), { partitions, configs: named })],
  })
  if (topics[0]?.errorCode !== 0) throw new Error(`${name}: ${topics[0]?.errorMessage}`)
  // A broker may need a moment until it serves what the controller made.
  const every = Array.from({ length: partitions }, (_, partition) => partition)
  for (let i = 0; i < 100; i++) {
    const { topics: led } = await to.ask(listOffsets, 9, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: to.topic(name), partitions: every.map(partitionIndex => ({ partitionIndex, timestamp: -1 })) }],
    })
    if (led[0]!.partitions.every(({ errorCode }) => errorCode === 0)) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return topics[0].topicId
}

const create: Scenario = {
  name: 'creating topics',
  async run(to) {
    for (const version of [2, 3, 4, 5, 6, 7]) {
      const topics = [
        newTopic(to.topic(`v${version}`), { partitions: 2, configs: [{ name: 'retention.ms', value: '5000' }] }),
      ]
      const { topics: answers } = await to.ask(createTopics, version, { topics })
      to.note(
        `in version ${version}`,
        answers.map(topic => ({ ...topic, configs: [] })),
      )
    }
    const tried = [
      newTopic(to.topic('defaults'), { partitions: -1, replicas: -1 }),
      newTopic(to.topic('v7')),
      newTopic(to.topic('v.7')),
      newTopic(to.topic('v.8')),
      newTopic(to.topic('v_8')),
      newTopic(''),
      newTopic('.'),
      newTopic('..'),
      newTopic(to.topic('a').padEnd(250, 'x')),
      newTopic(to.topic('no/slash')),
      newTopic(to.topic('zero'), { partitions: 0 }),
      newTopic(to.topic('less'), { partitions: -5 }),
      newTopic(to.topic('no-copies'), { replicas: 0 }),
      newTopic(to.topic('less-copies'), { replicas: -2 }),
      newTopic(to.topic('many-copies'), { replicas: 9 }),
      newTopic(to.topic('unknown-config'), { configs: [{ name: 'no.such', value: '1' }] }),
      newTopic(to.topic('wrong-config'), { configs: [{ name: 'retention.ms', value: 'soon' }] }),
      newTopic(to.topic('low-config'), { configs: [{ name: 'retention.ms', value: '-2' }] }),
      newTopic(to.topic('null-config'), { configs: [{ name: 'retention.ms', value: null }] }),
      newTopic(to.topic('policy'), { configs: [{ name: 'cleanup.policy', value: 'keep' }] }),
      newTopic(to.topic('both'), { configs: [{ name: 'cleanup.policy', value: 'compact,delete' }] }),
      newTopic(to.topic('twice')),
      newTopic(to.topic('twice')),
      newTopic(to.topic('assigned'), { assignments: [[0]] }),
    ]
    const { topics } = await to.ask(createTopics, 7, { topics: tried })
    to.note(
      'one by one judged',
      topics.map(topic => ({ ...topic, configs: [] })),
    )
    await to.call('only validating', createTopics, 4, {
      topics: [newTopic(to.topic('dry')), newTopic(to.topic('dry-zero'), { partitions: 0 })],
      validateOnly: true,
    })
    await to.call('so it is not there', metadata, 12, {
      topics: [{ topicId: ZERO_UUID, name: to.topic('dry') }],
      allowAutoTopicCreation: false,
    })
    await to.call('none', createTopics, 7, { topics: [] })
    await to.call('too many partitions', createTopics, 7, {
      topics: [newTopic(to.topic('large'), { partitions: 10_001 }), newTopic(to.topic('small'))],
    })
  },
}

const look: Scenario = {
  name: 'looking at topics',
  async run(to) {
    const topicId = await aTopic(to, 'known', { partitions: 3 })
    for (let version = 0; version <= 13; version++)
      await to.call('by name', metadata, version, {
        topics: [{ topicId: ZERO_UUID, name: to.topic('known') }],
        allowAutoTopicCreation: false,
      })
    await to.call('those that are not there', metadata, 9, {
      topics: ['unknown', 'no/slash', ''].map(name => ({ topicId: ZERO_UUID, name: name && to.topic(name) })),
      allowAutoTopicCreation: false,
    })
    await to.call('by id', metadata, 12, {
      topics: [
        { topicId, name: null },
        { topicId: 'AAAAAAAAAAAAAAAAAAAAMQ', name: null },
      ],
    })
    for (const version of [10, 11])
      await to.call('by id too early', metadata, version, {
        topics: [
          { topicId, name: null },
          { topicId: ZERO_UUID, name: to.topic('known') },
        ],
      })
    for (const version of [10, 12])
      await to.call('by name and id', metadata, version, { topics: [{ topicId, name: to.topic('known') }] })
    for (const version of [11, 12, 13])
      await to.call('by nothing', metadata, version, { topics: [{ topicId: ZERO_UUID, name: null }] })
    await to.call('none', metadata, 12, { topics: [] })
    for (const version of [8, 10, 12])
      await to.call('with operations', metadata, version, {
        topics: [{ topicId: ZERO_UUID, name: to.topic('known') }],
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      })
  },
}

const page: Scenario = {
  name: 'looking at topics page by page',
  async run(to) {
    await aTopic(to, 'a', { partitions: 3 })
    await aTopic(to, 'b', { partitions: 2 })
    const topics = ['b', 'a', 'unknown', 'no/slash'].map(name => ({ name: to.topic(name) }))
    await to.call('at once', describeTopicPartitions, 0, { topics })
    await to.call('first', describeTopicPartitions, 0, { topics, responsePartitionLimit: 2 })
    const cursor = { topicName: to.topic('a'), partitionIndex: 2 }
    await to.call('next', describeTopicPartitions, 0, { topics, responsePartitionLimit: 2, cursor })
    await to.call('exactly', describeTopicPartitions, 0, { topics, responsePartitionLimit: 3 })
    await to.call('none at all', describeTopicPartitions, 0, { topics, responsePartitionLimit: 0 })
    await to.call('a cursor elsewhere', describeTopicPartitions, 0, {
      topics: [{ name: to.topic('b') }],
      cursor: { topicName: to.topic('a'), partitionIndex: 0 },
    })
    await to.call('a cursor before the first', describeTopicPartitions, 0, {
      topics: [{ name: to.topic('b') }],
      cursor: { topicName: to.topic('b'), partitionIndex: -1 },
    })
    await to.call('a cursor after the last', describeTopicPartitions, 0, {
      topics: [{ name: to.topic('b') }],
      cursor: { topicName: to.topic('b'), partitionIndex: 7 },
    })
  },
}

const grow: Scenario = {
  name: 'adding partitions',
  async run(to) {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'twice', 'assigned', 'miscounted'])
      await aTopic(to, name, { partitions: 2 })
    const more = (name: string, count: number, assignments: readonly number[][] | null = null) => ({
      name: to.topic(name),
      count,
      assignments: assignments && assignments.map(brokerIds => ({ brokerIds })),
    })
    const topics = [
      more('a', 3),
      more('b', 2),
      more('c', 1),
      more('d', 0),
      more('e', -1),
      more('unknown', 3),
      more('twice', 3),
      more('twice', 4),
      more('assigned', 3, [[0]]),
      more('miscounted', 5, [[0]]),
    ]
    await to.call('one by one judged', createPartitions, 3, { topics, timeoutMs: 5000, validateOnly: false })
    await to.call('only validating', createPartitions, 3, {
      topics: [more('a', 9)],
      timeoutMs: 5000,
      validateOnly: true,
    })
    await to.settle()
    await to.call('so there are', metadata, 9, { topics: [{ topicId: ZERO_UUID, name: to.topic('a') }] })
    for (const version of [0, 1, 2])
      await to.call('another', createPartitions, version, {
        topics: [more('b', 3 + version)],
        timeoutMs: 5000,
        validateOnly: false,
      })
  },
}

const remove: Scenario = {
  name: 'deleting topics',
  async run(to) {
    const ids = new Map<string, string>()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) ids.set(name, await aTopic(to, name))
    const name = (topic: string) => ({ name: to.topic(topic), topicId: ZERO_UUID })
    const id = (topic: string) => ({ name: null, topicId: ids.get(topic)! })
    await to.call('by name', deleteTopics, 1, { topicNames: [to.topic('a'), to.topic('unknown')], timeoutMs: 5000 })
    await to.call('by name', deleteTopics, 5, { topicNames: [to.topic('b'), to.topic('unknown')], timeoutMs: 5000 })
    await to.call('by name or id', deleteTopics, 6, {
      topics: [
        name('c'),
        id('d'),
        name('unknown'),
        { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAMQ' },
        name('e'),
        name('e'),
        { name: to.topic('f'), topicId: ids.get('f')! },
      ],
      timeoutMs: 5000,
    })
    await to.call('by nothing', deleteTopics, 6, { topics: [{ name: null, topicId: ZERO_UUID }], timeoutMs: 5000 })
    await to.call('an id twice', deleteTopics, 6, { topics: [id('g'), id('g')], timeoutMs: 5000 })
    await to.call('a name and its id twice', deleteTopics, 6, {
      topics: [id('h'), name('h'), id('h')],
      timeoutMs: 5000,
    })
    await to.call('a name and its id', deleteTopics, 6, { topics: [name('i'), id('i')], timeoutMs: 5000 })
    await to.settle()
    await to.call('what is left of them', metadata, 12, {
      topics: ['g', 'h', 'i'].map(name),
      allowAutoTopicCreation: false,
    })
    await to.settle()
    await to.call('again', deleteTopics, 6, { topics: [name('c')], timeoutMs: 5000 })
    await to.call('an empty name', deleteTopics, 6, { topics: [{ name: '', topicId: ZERO_UUID }], timeoutMs: 5000 })
  },
}

export const topics = [create, look, page, grow, remove]
