// Lines between a connection and its partitions (src/near.ts) in the real runtime: the compiler's work on their code must
// not mix up the contexts of the two ends, and an object that loses its memory is reached again.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { errorOf } from '../../../src/protocol/errors.ts'
import { produce } from '../../../src/worker/kafka/apis/00-produce.ts'
import { fetch } from '../../../src/worker/kafka/apis/01-fetch.ts'
import { createTopics } from '../../../src/worker/kafka/apis/19-create-topics.ts'
import { deleteTopics } from '../../../src/worker/kafka/apis/20-delete-topics.ts'
import { startBroker, type TestBroker } from '../../../testing/index.ts'
import { KafkaClient } from '../../support/kafka-client.ts'
import { aFetch, aProduce, aTopic } from '../../support/kafka-requests.ts'
import { aBatch, opened } from '../../support/log.ts'

/** Enough for the optimizing compiler. */
const ROUNDS = 400
const AT_ONCE = 100

let broker: TestBroker
let writer: KafkaClient
let reader: KafkaClient
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({ log: (_, message) => logged.push(message) })
  const port = Number(broker.kafka.split(':')[1])
  ;[writer, reader] = [await KafkaClient.connect(port), await KafkaClient.connect(port)]
})
afterAll(async () => {
  writer.close()
  reader.close()
  await broker.close()
})

const append = async (topic: string, value: string) => {
  const batch = aBatch([value], { timestamp: Date.now() })
  const { responses } = await writer.call(produce, 12, aProduce(topic, batch))
  return responses[0]!.partitionResponses[0]!
}

const read = async (topic: string, offset: number) => {
  const { responses } = await reader.call(fetch, 12, aFetch(topic, { offset }))
  const [partition] = responses[0]!.partitions
  return partition!.errorCode === 0 ? opened(partition!.records!).map(({ value }) => value) : partition!.errorCode
}

it('answers every call, however many', { timeout: 60_000 }, async () => {
  await writer.call(createTopics, 7, aTopic('busy'))
  for (let round = 0; round < ROUNDS; round++) {
    const appended = Array.from({ length: 10 }, (_, i) => append('busy', `${round * 10 + i}`))
    const last = (await Promise.all(appended)).at(-1)!
    expect(last).toMatchObject({ errorCode: 0, baseOffset: round * 10 + 9 })
    const found = await Promise.all(Array.from({ length: AT_ONCE }, () => read('busy', round * 10 + 9)))
    expect(new Set(found.flat())).toEqual(new Set([`${round * 10 + 9}`]))
  }
  expect(logged).toEqual([])
})

it('goes on with objects that lost their memory', async () => {
  await writer.call(createTopics, 7, aTopic('forgetful'))
  for (let offset = 0; offset < 100; offset++) {
    if (offset % 30 === 29) await broker.evict()
    expect(await append('forgetful', `${offset}`)).toMatchObject({ errorCode: 0, baseOffset: offset })
  }
  expect(logged).toEqual([])
})

it('hears of a topic that is deleted', async () => {
  await writer.call(createTopics, 7, aTopic('gone'))
  for (let offset = 0; offset < 40; offset++) expect(await append('gone', '')).toMatchObject({ baseOffset: offset })
  await reader.call(deleteTopics, 5, { topicNames: ['gone'], timeoutMs: 5_000 } as never)
  expect(errorOf((await append('gone', '')).errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

it('lets a connection go while it is at work', async () => {
  await writer.call(createTopics, 7, aTopic('left'))
  for (let turn = 0; turn < 20; turn++) {
    const passing = await KafkaClient.connect(Number(broker.kafka.split(':')[1]))
    for (let i = 0; i < 50; i++)
      passing.send(produce, 12, aProduce('left', aBatch([`${turn}-${i}`], { timestamp: Date.now() }), { acks: i % 2 }))
    const { responses } = await passing.call(fetch, 12, aFetch('left'))
    expect(responses[0]!.partitions[0]!.errorCode).toBe(0)
    for (let i = 0; i < 50; i++)
      passing.send(produce, 12, aProduce('left', aBatch([`${turn}+${i}`], { timestamp: Date.now() }), { acks: i % 2 }))
    passing.close()
  }
  expect(await append('left', 'last')).toMatchObject({ errorCode: 0 })
  expect(logged).toEqual([])
})
