import { expect, it } from 'vitest'
import { brokerEntries, topicEntries } from '../../../src/worker/kafka/configs.ts'

const [TOPIC, STATIC_BROKER, DEFAULT] = [1, 4, 5]
const node = { nodeId: 2, host: 'example.org', port: 9094 }

const topicEntry = (name: string, overrides = {}, broker = {}) =>
  topicEntries(overrides, broker).find(entry => entry.name === name)

it.each([
  {
    given: 'nothing',
    entry: topicEntry('max.message.bytes'),
    then: {
      value: '1048588',
      configSource: DEFAULT,
      synonyms: [{ name: 'message.max.bytes', value: '1048588', source: DEFAULT }],
    },
  },
  {
    given: 'the topic',
    entry: topicEntry('max.message.bytes', { 'max.message.bytes': '7' }),
    then: {
      value: '7',
      configSource: TOPIC,
      synonyms: [
        { name: 'max.message.bytes', value: '7', source: TOPIC },
        { name: 'message.max.bytes', value: '1048588', source: DEFAULT },
      ],
    },
  },
  {
    given: 'the broker',
    entry: topicEntry('max.message.bytes', {}, { 'message.max.bytes': '9' }),
    then: {
      value: '9',
      configSource: STATIC_BROKER,
      synonyms: [
        { name: 'message.max.bytes', value: '9', source: STATIC_BROKER },
        { name: 'message.max.bytes', value: '1048588', source: DEFAULT },
      ],
    },
  },
  {
    given: 'a lesser synonym of the broker, which Kafka counts as the default',
    entry: topicEntry('retention.ms', {}, { 'log.retention.hours': '2' }),
    then: { value: '7200000', configSource: DEFAULT, synonyms: [] },
  },
  {
    given: 'the best synonym of the broker',
    entry: topicEntry('retention.ms', {}, { 'log.retention.ms': '5', 'log.retention.hours': '2' }),
    then: {
      value: '5',
      configSource: STATIC_BROKER,
      synonyms: [
        { name: 'log.retention.ms', value: '5', source: STATIC_BROKER },
        { name: 'log.retention.hours', value: '2', source: STATIC_BROKER },
        { name: 'log.retention.hours', value: '168', source: DEFAULT },
      ],
    },
  },
])('a topic config set by $given', ({ entry, then }) => {
  expect(entry).toMatchObject({ ...then, readOnly: false, isSensitive: false })
})

it('says what has no effect, hides what is internal, and what cannot be changed is read-only', () => {
  expect(topicEntry('flush.ms')?.documentation).toMatch(/No effect: .+/)
  expect(topicEntry('retention.ms')?.documentation).not.toMatch(/No effect/)
  expect(topicEntry('internal.segment.bytes')).toBeUndefined()
  expect(topicEntry('edgelog.jurisdiction')).toMatchObject({ readOnly: true })
})

it('shows a broker with its address and what its environment sets, all of it read-only', () => {
  const entries = brokerEntries({ 'num.partitions': '8' }, node)
  const value = (name: string) => entries.find(entry => entry.name === name)?.value
  expect(value('node.id')).toBe('2')
  expect(value('advertised.listeners')).toBe('PLAINTEXT://example.org:9094')
  expect(value('num.partitions')).toBe('8')
  expect(value('log.retention.ms')).toBe(null)
  expect(entries.every(({ readOnly }) => readOnly)).toBe(true)
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length)
})
