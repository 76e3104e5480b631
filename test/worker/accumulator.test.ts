import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AppendRequest, AppendResult } from '../../src/log/append.ts'
import { parseBatches, readBatches } from '../../src/log/batch.ts'
import { partitionFor } from '../../src/log/partitioner.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { failure, isFailure } from '../../src/protocol/errors.ts'
import { Accumulator, type AccumulatorOptions } from '../../src/worker/accumulator.ts'
import type { Topic } from '../../src/worker/lane.ts'
import type { Draft } from '../../src/worker/records-in.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const topic: Topic = { name: 't', partitions: 4, compression: { codec: 'none' }, maxMessageBytes: 1_048_588 }
const draft = (fields: Partial<Draft> = {}): Draft => ({
  timestamp: 100,
  key: null,
  value: utf8('v'),
  headers: [],
  partition: -1,
  ...fields,
})

/** Partitions that keep what they are sent and answer when told to. */
class Partitions {
  readonly values = new Map<number, string[]>()
  readonly requests: { partition: number; request: AppendRequest; count: number }[] = []
  readonly #held: (() => void)[] = []
  holding = false
  refuse: (partition: number, request: AppendRequest) => AppendResult | undefined = () => undefined

  readonly append = (partition: number, request: AppendRequest): Promise<AppendResult> => {
    const batches = parseBatches(request.records)
    if (isFailure(batches)) throw new Error(batches.message)
    const records = batches.flatMap(batch => decodeBatch(batch) as { value: Uint8Array }[])
    this.requests.push({ partition, request, count: records.length })
    const refused = this.refuse(partition, request)
    if (refused) return Promise.resolve(refused)
    const log = this.values.get(partition) ?? []
    this.values.set(partition, log)
    const baseOffset = log.length
    log.push(...records.map(({ value }) => new TextDecoder().decode(value)))
    const result = { baseOffset, lastOffset: log.length - 1, logAppendTime: -1, logStartOffset: 0 }
    if (!this.holding) return Promise.resolve(result)
    return new Promise(resolve => this.#held.push(() => resolve(result)))
  }

  get inFlight(): number {
    return this.#held.length
  }

  async answer(which: number): Promise<void> {
    this.#held.splice(which, 1)[0]!()
    await new Promise(resolve => setImmediate(resolve))
  }
}

const start = (partitions: Partitions, options: Partial<AccumulatorOptions> = {}, of: Partial<Topic> = {}) =>
  new Accumulator({ ...topic, ...of }, partitions.append, { sticky: 2, ...options })

async function run(accumulator: Accumulator, drafts: Draft[]) {
  for (const each of drafts) {
    accumulator.add(each)
    if (accumulator.full) await accumulator.room()
  }
  accumulator.flush()
  await accumulator.settled()
  const text = accumulator.answer.take(',')
  return JSON.parse(`[${text.slice(0, -1)}]`) as {
    partition: number
    offset?: number
    timestamp?: number
    error?: object
  }[]
}

it('puts keys where every client puts them, and the rest of a request in one place', async () => {
  const partitions = new Partitions()
  const drafts = [
    draft({ key: utf8('a'), timestamp: 1 }),
    draft({ timestamp: 2 }),
    draft({ partition: 3, timestamp: 3 }),
    draft({ key: utf8('a'), timestamp: 4 }),
    draft({ timestamp: 5 }),
  ]
  const a = partitionFor(utf8('a'), 4)
  expect(await run(start(partitions), drafts)).toEqual([
    { partition: a, offset: 0, timestamp: 1 },
    { partition: 2, offset: 0, timestamp: 2 },
    { partition: 3, offset: 0, timestamp: 3 },
    { partition: a, offset: 1, timestamp: 4 },
    { partition: 2, offset: 1, timestamp: 5 },
  ])
  expect(partitions.requests).toHaveLength(3)
})

it('answers every record in request order with the offset it has', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ partition: fc.integer({ min: -1, max: 5 }), size: fc.constantFrom(0, 10, 400, 2000) })),
      async given => {
        const partitions = new Partitions()
        const drafts = given.map(({ partition, size }, i) =>
          draft({ partition, value: utf8(`${i}${'x'.repeat(size)}`), timestamp: i }),
        )
        const answers = await run(start(partitions, {}, { maxMessageBytes: 1_500 }), drafts)
        expect(answers).toHaveLength(given.length)
        answers.forEach((answer, i) => {
          const { partition, size } = given[i]!
          expect(answer.partition).toBe(partition < 0 ? 2 : partition)
          if (partition > 3) expect(answer.error).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
          else if (size === 2000) expect(answer.error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', errorCode: 10 })
          else {
            expect(answer.timestamp).toBe(i)
            expect(partitions.values.get(answer.partition)![answer.offset!]).toBe(`${i}${'x'.repeat(size)}`)
          }
        })
        for (const { request } of partitions.requests) expect(request.records.length).toBeLessThanOrEqual(1_500)
      },
    ),
    { numRuns: 100 },
  )
})

describe('batches', () => {
  it('are cut at about a megabyte, and a larger record goes alone', async () => {
    const partitions = new Partitions()
    const drafts = [10, 600_000, 600_000, 1_040_000, 10].map(size => draft({ value: new Uint8Array(size) }))
    await run(start(partitions), drafts)
    expect(partitions.requests.map(({ count }) => count)).toEqual([2, 1, 1, 1])
  })

  it('say which records have no key, and the earliest timestamp', async () => {
    const partitions = new Partitions()
    await run(start(partitions), [
      draft({ partition: 2, key: utf8('k'), timestamp: 7 }),
      draft({ timestamp: 3 }),
      draft({ partition: 0, key: utf8('k') }),
    ])
    expect(partitions.requests.map(({ request }) => request.facts)).toEqual([
      { recordWithoutKey: 1, minTimestamp: 3 },
      { recordWithoutKey: null, minTimestamp: 100 },
    ])
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('are compressed where the topic says %s', async codec => {
    const partitions = new Partitions()
    await run(start(partitions, {}, { compression: { codec } }), [draft({ value: new Uint8Array(5_000) })])
    expect(partitions.requests[0]!.request.records.length).toBeLessThan(500)
    expect(readBatches(partitions.requests[0]!.request.records)[0]!.attributes & 7).not.toBe(0)
  })

  it('are recognisable by key, partition count and place', async () => {
    const partitions = new Partitions()
    const drafts = [
      draft({ value: new Uint8Array(900_000) }),
      draft({ value: new Uint8Array(900_000) }),
      draft({ partition: 1 }),
    ]
    await run(start(partitions, { idempotencyKey: 'abc' }), drafts)
    expect(partitions.requests.map(({ partition, request }) => [partition, request.idempotencyKey]).sort()).toEqual([
      [1, 'abc/4/0'],
      [2, 'abc/4/0'],
      [2, 'abc/4/1'],
    ])
  })
})

describe('failures', () => {
  it('are told at each record', async () => {
    const partitions = new Partitions()
    partitions.refuse = partition =>
      partition === 1
        ? { ...failure('INVALID_RECORD', 'no'), recordErrors: [{ index: 1, message: 'this one' }], logStartOffset: 0 }
        : undefined
    const accumulator = start(partitions)
    const answers = await run(accumulator, [draft({ partition: 1 }), draft(), draft({ partition: 1 })])
    const error = { code: 'INVALID_RECORD', errorCode: 87, retriable: false }
    expect(answers).toEqual([
      { partition: 1, error: { ...error, detail: 'no' } },
      { partition: 2, offset: 0, timestamp: 100 },
      { partition: 1, error: { ...error, detail: 'this one' } },
    ])
    expect(accumulator.answer).toMatchObject({ succeeded: 1, failed: 2, firstFailure: { error: 'INVALID_RECORD' } })
  })

  it('that may pass stop their partition, so that a retry keeps the order', async () => {
    const partitions = new Partitions()
    partitions.refuse = () => (partitions.requests.length === 1 ? failure('REQUEST_TIMED_OUT') : undefined)
    const accumulator = start(partitions)
    accumulator.add(draft())
    accumulator.flush()
    await accumulator.settled()
    accumulator.add(draft())
    accumulator.add(draft({ partition: 1 }))
    accumulator.flush()
    await accumulator.settled()
    expect(partitions.requests.map(({ partition }) => partition)).toEqual([2, 1])
    expect(
      accumulator.answer
        .take('\n')
        .split('\n')
        .map(line => line.includes('error')),
    ).toEqual([true, true, false, false])
  })
})

describe('a stream', () => {
  it('keeps few batches on their way, in order, and tells answers as they come', async () => {
    const partitions = new Partitions()
    partitions.holding = true
    const accumulator = start(partitions)
    const megabyte = () => draft({ value: new Uint8Array(999_000) })
    for (let i = 0; i < 9; i++) {
      accumulator.add(megabyte())
      accumulator.flush()
    }
    expect(accumulator.full).toBe(true)
    expect(partitions.inFlight).toBe(3)
    await partitions.answer(1)
    expect(accumulator.answer.ready).toBe(false)
    expect(accumulator.answer.take('\n')).toBe('')
    await partitions.answer(0)
    expect(accumulator.answer.take('\n')).toBe(
      '{"partition":2,"offset":0,"timestamp":100}\n{"partition":2,"offset":1,"timestamp":100}\n',
    )
    expect(accumulator.answer.untold).toBe(7)
    while (partitions.inFlight > 0) await partitions.answer(0)
    await accumulator.settled()
    expect(partitions.requests).toHaveLength(9)
  })

  it('flushes a partition early only while it has nothing to do', async () => {
    const partitions = new Partitions()
    partitions.holding = true
    const accumulator = start(partitions)
    for (let i = 0; i < 5; i++) {
      accumulator.add(draft())
      accumulator.flush('idle')
    }
    expect(partitions.requests.map(({ count }) => count)).toEqual([1])
    await partitions.answer(0)
    accumulator.flush('idle')
    expect(partitions.requests.map(({ count }) => count)).toEqual([1, 4])
  })

  it('keeps no answers that nobody asked for', async () => {
    const accumulator = start(new Partitions(), { unanswered: true })
    await run(accumulator, [draft(), draft()]).catch(() => undefined)
    expect(accumulator.answer.untold).toBe(0)
  })

  it('forgets what was told', async () => {
    const partitions = new Partitions()
    const accumulator = start(partitions)
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 1_000; i++) accumulator.add(draft({ partition: i % 4 }))
      accumulator.flush()
      await accumulator.settled()
      expect(accumulator.answer.take('\n').split('\n')).toHaveLength(1_001)
    }
  })
})
