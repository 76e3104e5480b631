import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicView } from '../../../src/cluster/cluster.ts'
import { failure } from '../../../src/protocol/errors.ts'
import { type Door, errorMembers, LiveConnection } from '../../../src/worker/live/connection.ts'
import { startOf } from '../../../src/worker/live/start.ts'
import { TestPartition, TestReader, TOPIC_ID } from '../../support/live.ts'

class TestDoor extends TestReader implements Door {
  readonly lags = false
  onReady = (): void => {}
  onGone = (): void => {}
  sentFrames = 0
  sentChars = 0
  heardFrames = 0
  heardChars = 0
  lastMs = 0
  kept = 0
  ended = false

  override send(resume: string): void {
    super.send(resume)
    this.sentFrames++
  }

  keepAlive(): void {
    this.kept++
    this.sentFrames++
  }

  end(): void {
    this.ended = true
  }
}

class TestBroker {
  calls = 0
  topics: TopicView[]
  unreachable = false
  readonly partitions: TestPartition[] = []

  constructor(partitions = 1) {
    this.topics = [aView(partitions)]
  }

  async view() {
    if (this.unreachable) throw new Error('not now')
    return { clusterId: 'c', version: 1, topics: this.topics }
  }

  async topic(name: string) {
    return this.topics.find(topic => topic.name === name) ?? failure('UNKNOWN_TOPIC_OR_PARTITION')
  }

  async describe(_: TopicView, partition: number) {
    const { nextOffset } = this.partition(partition)
    const bounds = { logStartOffset: 0, highWatermark: nextOffset, lastStableOffset: nextOffset }
    return { ...bounds, sizeBytes: 0, segments: 1, leaderEpoch: 0 }
  }

  async offsetFor() {
    return { offset: -1, timestamp: -1, leaderEpoch: 0 }
  }

  async follow(_: TopicView, partition: number, options: { offset: number; creditBytes: number }) {
    return this.partition(partition).follow(options.offset, options.creditBytes)
  }

  partition(partition: number): TestPartition {
    return (this.partitions[partition] ??= new TestPartition())
  }
}

const aView = (partitions: number, topicId = TOPIC_ID): TopicView => ({
  name: 'orders',
  topicId,
  partitions,
  config: {},
  configVersion: 0,
  internal: false,
})

async function aConnection(
  broker: TestBroker,
  { whole = true } = {},
): Promise<{ door: TestDoor; live: LiveConnection }> {
  const door = new TestDoor()
  const live = new LiveConnection({ broker, door, format: { format: 'json', keyFormat: 'text' }, named: false, whole })
  const partitions = whole ? undefined : [0]
  const start = await startOf(broker, { topics: ['orders'], partitions, begin: { from: 'latest' }, resume: undefined })
  if ('error' in start) throw new Error(start.message)
  await live.read(start)
  return { door, live }
}

const seconds = (n: number): Promise<unknown> => vi.advanceTimersByTimeAsync(n * 1_000)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a live connection', () => {
  it('is kept alive when there is nothing to say for 15 seconds, and not when there is', async () => {
    const broker = new TestBroker()
    const { door } = await aConnection(broker)
    await seconds(20)
    expect(door.kept).toBe(1)
    for (let i = 0; i < 6; i++) {
      broker.partition(0).append(['1'])
      await seconds(10)
    }
    expect(door.kept).toBe(1)
    await seconds(20)
    expect(door.kept).toBe(2)
  })

  it('reads partitions that are added, from their beginning', async () => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker)
    broker.partition(1).append(['1', '2'])
    broker.topics = [aView(2)]
    await seconds(6)
    expect(door.records).toEqual(['1:1', '1:2'])
    expect(door.last).toEqual({ 0: 0, 1: 2 })
    broker.topics = [aView(3)]
    broker.partition(2).append(['3'])
    await seconds(6)
    expect(door.records).toEqual(['1:1', '1:2', '2:3'])
  })

  it('leaves those alone if it reads chosen partitions', async () => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker, { whole: false })
    broker.partition(1).append(['1'])
    broker.topics = [aView(2)]
    await seconds(20)
    expect(door.last).toEqual({ 0: 0 })
  })

  it('is told when there are more partitions than it may read', async () => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker)
    broker.topics = [aView(501)]
    await seconds(6)
    expect(door.failed).toMatchObject({ error: 'INVALID_REQUEST' })
  })

  it.each([
    ['deleted', []],
    ['made again', [aView(1, 'BbCdEfGhIjKlMnOpQrStUg')]],
  ])('is told that its topic was %s', async (_, topics) => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker)
    broker.topics = topics
    await seconds(6)
    expect(door.failed).toMatchObject({ error: 'UNKNOWN_TOPIC_ID', topic: 'orders' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('lives on while the cluster is out of reach', async () => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker)
    broker.unreachable = true
    await seconds(30)
    broker.partition(0).append(['1'])
    await seconds(0)
    expect(door.records).toEqual(['0:1'])
    expect(door.failed).toBeUndefined()
  })

  it.each([
    ['calls', (broker: TestBroker) => (broker.calls = 999_999)],
    ['frames', (_: TestBroker, door: TestDoor) => (door.sentFrames = 9_999_999)],
    ['characters', (_: TestBroker, door: TestDoor) => (door.sentChars = 1e12)],
  ])('ends cleanly when it has used up its %s, everything told', async (_, use) => {
    const broker = new TestBroker(1)
    const { door } = await aConnection(broker)
    use(broker, door)
    door.ready = false
    broker.partition(0).append(['1'])
    await seconds(0)
    door.ready = true
    await seconds(6)
    expect(door.ended).toBe(true)
    expect(door.records).toEqual(['0:1'])
    expect(door.last).toEqual({ 0: 1 })
    expect(broker.partition(0).follower.closed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends a client away that takes nothing for five minutes, and not one that has nothing to take', async () => {
    const broker = new TestBroker(2)
    const { door } = await aConnection(broker)
    await seconds(400)
    expect(door.ended).toBe(false)
    door.keepAlive = () => {}
    door.ready = false
    broker.partition(0).append(['1'])
    await seconds(290)
    expect(door.ended).toBe(false)
    await seconds(30)
    expect(door.ended).toBe(true)
    expect(door.last).toEqual({ 0: 0, 1: 0 })
  })

  it('ends after a day at the latest', async () => {
    const { door } = await aConnection(new TestBroker(1))
    await seconds(86_400 + 10)
    expect(door.ended).toBe(true)
  })

  it('leaves nothing behind when its client goes', async () => {
    const broker = new TestBroker(2)
    const { door } = await aConnection(broker)
    door.onGone()
    expect(vi.getTimerCount()).toBe(0)
    expect(broker.partitions.every(({ follower }) => follower.closed)).toBe(true)
  })
})

describe('a start', () => {
  it('is made again where the view of the cluster was too old', async () => {
    const old = [aView(1, 'BbCdEfGhIjKlMnOpQrStUg')]
    const broker = new TestBroker(2)
    const fresh = broker.topics
    broker.topics = old
    // As the Broker does it: a partition that is not there makes it look again.
    broker.describe = async (topic, partition) => {
      broker.topics = fresh
      return TestBroker.prototype.describe.call(broker, topic, partition)
    }
    const start = await startOf(broker, {
      topics: ['orders'],
      partitions: undefined,
      begin: { from: 'latest' },
      resume: undefined,
    })
    expect(start).toMatchObject({ topics: fresh, places: [{ partition: 0 }, { partition: 1 }] })
  })
})

it('says an error with its number, and where', () => {
  expect(errorMembers({ ...failure('OFFSET_OUT_OF_RANGE', 'gone'), partition: 3, logStartOffset: 9 })).toEqual({
    code: 'OFFSET_OUT_OF_RANGE',
    errorCode: 1,
    retriable: false,
    message: 'gone',
    partition: 3,
    logStartOffset: 9,
  })
})
