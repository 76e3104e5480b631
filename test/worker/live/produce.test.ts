import { expect, it } from 'vitest'
import type { TopicView } from '../../../src/cluster/cluster.ts'
import type { AppendRequest, AppendResult } from '../../../src/log/append.ts'
import { readBatches } from '../../../src/log/batch.ts'
import { failure } from '../../../src/protocol/errors.ts'
import type { Broker } from '../../../src/worker/broker.ts'
import { LiveProducer, type ProduceFrame } from '../../../src/worker/live/produce.ts'
import { settled } from '../../support/live.ts'

const topic: TopicView = {
  name: 'orders',
  topicId: 'AbCdEfGhIjKlMnOpQrStUg',
  partitions: 1,
  config: {},
  configVersion: 0,
  internal: false,
}

/** A partition that answers when told to. */
class TestAppends {
  readonly answers: (() => void)[] = []
  #nextOffset = 0

  append = (_: unknown, __: number, { records }: AppendRequest): Promise<AppendResult> => {
    const baseOffset = this.#nextOffset
    this.#nextOffset += readBatches(records).reduce((sum, { count }) => sum + count, 0)
    const result = { baseOffset, lastOffset: this.#nextOffset - 1, logAppendTime: -1, logStartOffset: 0 }
    return new Promise(resolve => this.answers.push(() => resolve(result)))
  }

  answerAll(): void {
    for (const answer of this.answers.splice(0)) answer()
  }
}

function aProducer(refused?: ReturnType<typeof failure>) {
  const appends = new TestAppends()
  const acks: { id: number; records?: { offset: number }[]; error?: { code: string; retriable: boolean } }[] = []
  const broker = { topicOrCreate: async () => topic, append: appends.append, configs: {} } as unknown as Broker
  const producer = new LiveProducer({
    broker,
    format: { format: 'json', keyFormat: 'text' },
    topic: 'orders',
    refused,
    answer: text => acks.push(JSON.parse(text)),
  })
  return { producer, appends, acks }
}

const aFrame = (id: number, records: unknown = [{ value: id }]): ProduceFrame => ({
  type: 'produce',
  id: String(id),
  topic: undefined,
  records: new TextEncoder().encode(JSON.stringify(records)),
})

it('answers in the order of the frames, whichever is appended first', async () => {
  const { producer, appends, acks } = aProducer()
  for (let i = 0; i < 3; i++) producer.produce(aFrame(i))
  await settled()
  expect(appends.answers).toHaveLength(3)
  appends.answers[2]!()
  appends.answers[1]!()
  await settled()
  expect(acks).toEqual([])
  appends.answers[0]!()
  await settled()
  expect(acks.map(({ id, records }) => [id, records![0]!.offset])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
  ])
})

it('sends nothing after a frame of many batches before that is answered', async () => {
  const { producer, appends, acks } = aProducer()
  producer.produce(
    aFrame(
      0,
      Array.from({ length: 5 }, () => ({ value: 'x'.repeat(900_000) })),
    ),
  )
  producer.produce(aFrame(1))
  for (const waves of [3, 2, 1]) {
    await settled()
    expect(appends.answers).toHaveLength(waves)
    appends.answerAll()
  }
  await settled()
  expect(acks.map(({ id, records }) => [id, records!.at(-1)!.offset])).toEqual([
    [0, 4],
    [1, 5],
  ])
})

it('refuses what comes past its bound, and what comes after that, until everything is answered', async () => {
  const { producer, appends, acks } = aProducer()
  for (let i = 0; i < 1_002; i++) producer.produce(aFrame(i))
  await settled()
  appends.answers.shift()!()
  await settled()
  producer.produce(aFrame(1_002))
  appends.answerAll()
  await settled()
  expect(acks.map(({ id }) => id)).toEqual(Array.from({ length: 1_003 }, (_, i) => i))
  for (const ack of acks)
    if (ack.id < 1_000) expect(ack.records).toEqual([{ partition: 0, offset: ack.id, timestamp: expect.any(Number) }])
    else expect(ack.error).toMatchObject({ code: 'THROTTLING_QUOTA_EXCEEDED', retriable: true })
  producer.produce(aFrame(2_000))
  await settled()
  appends.answerAll()
  await settled()
  expect(acks.at(-1)).toMatchObject({ id: 2_000, records: [{ offset: 1_000 }] })
})

it('does not tell anybody to send again what is too large by itself', async () => {
  const { producer, appends, acks } = aProducer()
  producer.produce(aFrame(0, { value: 'x'.repeat(17_000_000) }))
  await settled()
  producer.produce(aFrame(1))
  await settled()
  appends.answerAll()
  await settled()
  expect(acks).toMatchObject([
    { id: 0, error: { code: 'RECORD_LIST_TOO_LARGE', retriable: false } },
    { id: 1, records: [{ offset: 0 }] },
  ])
})

it('refuses everything of a client that may not produce', async () => {
  const { producer, appends, acks } = aProducer(failure('CLUSTER_AUTHORIZATION_FAILED'))
  producer.produce(aFrame(0))
  await settled()
  expect(appends.answers).toEqual([])
  expect(acks).toMatchObject([{ id: 0, error: { code: 'CLUSTER_AUTHORIZATION_FAILED' } }])
})

it('answers frames that cannot be read, in their turn', async () => {
  const { producer, appends, acks } = aProducer()
  producer.produce(aFrame(0))
  producer.produce(aFrame(1, { value: 1, nonsense: 2 }))
  producer.produce(aFrame(2))
  await settled()
  appends.answerAll()
  await settled()
  expect(acks).toMatchObject([
    { id: 0 },
    { id: 1, error: { code: 'INVALID_REQUEST' } },
    { id: 2, records: [{ offset: 1 }] },
  ])
})
