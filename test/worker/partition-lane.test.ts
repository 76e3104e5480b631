import { afterEach, expect, it } from 'vitest'
import type { AppendRequest, AppendResult } from '../../src/log/append.ts'
import { endLines, Near, serve } from '../../src/near.ts'
import type { PartitionStub } from '../../src/objects/place.ts'
import type { TopicView } from '../../src/cluster/cluster.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { trafficOf } from '../../src/worker/metrics/measured.ts'
import { PartitionLane } from '../../src/worker/partition-lane.ts'

/** Calls before a line is opened. */
const UNTIL_OPEN = 16

const TOPIC = { name: 't', topicId: 'id', partitions: 1, config: {} } as unknown as TopicView
const APPENDED: AppendResult = { baseOffset: 0, lastOffset: 0, logAppendTime: -1, logStartOffset: 0 }
const READ = { offset: 0, maxBytes: 1 }

afterEach(endLines)

/** An object whose appends are answered when told to, and the way each came. */
function anObject() {
  const arrived: string[] = []
  const answers: (() => void)[] = []
  let fault: Error | undefined
  let attending = 0
  const append = (way: string, [request]: readonly AppendRequest[]): Promise<AppendResult[]> => {
    arrived.push(`${way} ${request!.records[0]}`)
    return new Promise(resolve => answers.push(() => resolve([APPENDED])))
  }
  const read = (): object => {
    if (fault !== undefined) throw fault
    return { records: new Uint8Array(0), nextOffset: 0 }
  }
  const near = { append: (requests: readonly AppendRequest[]) => append('near', requests), read }
  const stub = {
    append: (requests: readonly AppendRequest[]) => append('far', requests),
    read: async () => read(),
    async attend(line: string) {
      attending++
      return serve(line, near).finally(() => attending--)
    },
  } as unknown as PartitionStub
  return { stub, arrived, answers, attending: () => attending, fail: (error: Error) => (fault = error) }
}

const passed = (): Promise<void> => new Promise(resolve => setTimeout(resolve))

it('lets no append overtake another where the way changes', async () => {
  const { stub, arrived, answers } = anObject()
  const near = new Near(line => stub.attend(line))
  const lane = new PartitionLane('id-0', stub, trafficOf(TOPIC, 0), near, {
    ready: ready => queueMicrotask(() => ready.send()),
    sent: () => {},
    broke: error => {
      throw error
    },
  })
  const send = async (n: number): Promise<void> => {
    void lane.append({ records: Uint8Array.of(n) })
    await passed()
  }
  for (let i = 0; i < UNTIL_OPEN - 1; i++) await lane.read(READ)
  await send(1)
  await send(2)
  // The line is open; what went by RPC is not answered yet.
  expect(arrived).toEqual(['far 1'])
  answers[0]!()
  await passed()
  expect(arrived).toEqual(['far 1', 'near 2'])
  void endLines()
  await send(3)
  expect(arrived).toEqual(['far 1', 'near 2'])
  answers[1]!()
  await passed()
  expect(arrived).toEqual(['far 1', 'near 2', 'far 3'])
  answers[2]!()
})

it('ends the line of a lane that another takes over', async () => {
  const { stub, attending, fail } = anObject()
  const PARTITION = { getByName: () => stub }
  const env = { EDGELOG_LOCAL: '1', PARTITION, CLUSTER: { getByName: () => ({}) }, REGISTRY: {} }
  const broker = new Broker(env as unknown as Env, { waitUntil: () => {} }, { lasts: true })
  for (let i = 0; i <= UNTIL_OPEN; i++) await broker.read(TOPIC, 0, READ)
  expect(attending()).toBe(1)
  fail(new Error('the disk'))
  expect(await broker.read(TOPIC, 0, READ)).toMatchObject({ error: 'REQUEST_TIMED_OUT' })
  await passed()
  expect(attending()).toBe(0)
})
