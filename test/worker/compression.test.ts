import { expect, it } from 'vitest'
import type { Overrides } from '../../src/cluster/configs.ts'
import { compressionOf } from '../../src/worker/compression.ts'

const of = (config: Overrides, broker: Overrides = {}) =>
  compressionOf({ name: 't', topicId: 'id', partitions: 1, config, configVersion: 0, internal: false }, broker)

it.each<{ given: string; topic?: Overrides; broker?: Overrides; then: unknown }>([
  { given: 'nothing', then: undefined },
  { given: 'a topic that keeps what was sent', topic: { 'compression.type': 'producer' }, then: undefined },
  { given: 'an uncompressed topic', topic: { 'compression.type': 'uncompressed' }, then: { codec: 'none' } },
  { given: 'a topic', topic: { 'compression.type': 'lz4' }, then: { codec: 'lz4' } },
  { given: 'the broker', broker: { 'compression.type': 'gzip' }, then: { codec: 'gzip' } },
  {
    given: 'a topic before the broker',
    topic: { 'compression.type': 'producer' },
    broker: { 'compression.type': 'gzip' },
    then: undefined,
  },
  {
    given: 'a level of the topic',
    topic: { 'compression.type': 'gzip', 'compression.gzip.level': '9' },
    then: { codec: 'gzip', level: 9 },
  },
  {
    given: 'a level of the broker',
    topic: { 'compression.type': 'zstd', 'compression.gzip.level': '9' },
    broker: { 'compression.zstd.level': '-7' },
    then: { codec: 'zstd', level: -7 },
  },
])('$given says how batches are compressed', ({ topic = {}, broker, then }) => {
  expect(of(topic, broker)).toEqual(then)
})
