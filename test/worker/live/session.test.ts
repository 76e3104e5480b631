import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aSession, aTopic, settled, TestPartition } from '../../support/live.ts'

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => String(from + i))
const padded = (n: number, chars: number): string => JSON.stringify(String(n).padEnd(chars, '.'))

describe('what a reader gets', () => {
  it('first of all the token of where it stands', async () => {
    const { reader } = await aSession([3, 0, 12])
    expect(reader.frames).toEqual([{ records: [], resume: { 0: 3, 1: 0, 2: 12 } }])
  })

  it('is what came in one turn as one frame, with the token after it', async () => {
    const { reader, partitions } = await aSession([0, 5])
    partitions[0]!.append(['1', '2'])
    partitions[1]!.append(['3'])
    await settled()
    expect(reader.frames.slice(1)).toEqual([{ records: ['0:1', '0:2', '1:3'], resume: { 0: 2, 1: 6 } }])
    expect(reader.resumes).toEqual([
      { 0: 1, 1: 5 },
      { 0: 2, 1: 5 },
      { 0: 2, 1: 6 },
    ])
  })

  it('begins within a batch where the offset does', async () => {
    const { reader } = await aSession([2], { partitions: [new TestPartition().append(numbers(4))] })
    await settled()
    expect(reader.records).toEqual(['0:2', '0:3'])
  })

  it('is a token alone where what was passed holds nothing for it', async () => {
    const { reader, partitions } = await aSession([0])
    partitions[0]!.append(['1'], { control: true })
    await settled()
    expect(reader.frames.at(-1)).toEqual({ records: [], resume: { 0: 1 } })
  })

  it('moves over gaps with the record before them', async () => {
    const { reader, partitions } = await aSession([0])
    partitions[0]!.append(['1'])
    await settled()
    partitions[0]!.append(['2'], { gap: 10 })
    await settled()
    expect(reader.resumes).toEqual([{ 0: 1 }, { 0: 12 }])
  })

  it('comes in frames of a thousand records at most', async () => {
    const { reader, partitions } = await aSession([0])
    partitions[0]!.append(numbers(2_500))
    await settled()
    expect(reader.frames.map(({ records }) => records.length)).toEqual([0, 1_000, 1_000, 500])
    expect(reader.records).toEqual(numbers(2_500).map(value => `0:${value}`))
  })

  it('comes in frames of bounded length', async () => {
    const { reader, partitions } = await aSession([0])
    partitions[0]!.append(Array.from({ length: 10 }, (_, i) => padded(i, 100_000)))
    await settled()
    expect(reader.frames.map(({ records }) => records.length)).toEqual([0, 3, 3, 3, 1])
  })
})

describe('a reader that takes no more', () => {
  it('holds a window and no more, whatever is appended, and goes on where it stopped', async () => {
    const { session, reader, partitions } = await aSession([0])
    const partition = partitions[0]!
    const window = partition.follower.creditBytes
    reader.ready = false
    for (let i = 0; i < 3_000; i++) partition.append([padded(i, 500)])
    await settled()
    expect(reader.frames).toHaveLength(1)
    expect(partition.follower.credits).toEqual([])
    expect(partition.follower.creditBytes).toBeLessThanOrEqual(0)
    expect(partition.follower.creditBytes).toBeGreaterThan(-1_000)
    expect(window).toBeLessThan(1_000_000)

    reader.ready = true
    session.drain()
    await settled()
    expect(reader.records).toHaveLength(3_000)
    expect(reader.last).toEqual({ 0: 3_000 })
  })

  it.each([8, 16, 40, 300])('with %i partitions of large batches holds one of each at most, 32 in all', async count => {
    const { session, reader, partitions } = await aSession(Array.from({ length: count }, () => 0))
    reader.ready = false
    for (const partition of partitions) for (let i = 0; i < 3; i++) partition.append([padded(i, 50_000)])
    await settled()
    const sent = partitions.filter(({ follower }) => follower.creditBytes < 0).length
    expect(sent).toBe(Math.min(count, 32))
    reader.ready = true
    session.drain()
    await settled()
    expect(reader.records).toHaveLength(count * 3)
    expect(Object.values(reader.last)).toEqual(Array.from({ length: count }, () => 3))
  })

  it('gets no more records than it has credit for', async () => {
    const { session, reader, partitions } = await aSession([0], { credit: 2 })
    partitions[0]!.append(numbers(5))
    await settled()
    expect(reader.records).toEqual(['0:0', '0:1'])
    expect(reader.last).toEqual({ 0: 2 })
    session.credit(2)
    expect(reader.records).toEqual(['0:0', '0:1', '0:2', '0:3'])
    session.credit(100)
    expect(reader.records).toHaveLength(5)
    expect(reader.waited).toEqual([0, 0])
  })

  it('is told of nothing while it has no credit, not even of gaps', async () => {
    const { session, reader, partitions } = await aSession([0], { credit: 0 })
    partitions[0]!.append(['1'], { control: true })
    await settled()
    expect(reader.frames).toHaveLength(1)
    session.credit(1)
    expect(reader.last).toEqual({ 0: 1 })
  })
})

describe('many partitions', () => {
  it('all get their turn, each in order, however much the first ones have', async () => {
    const { reader, partitions } = await aSession(Array.from({ length: 60 }, () => 0))
    for (let i = 0; i < 20; i++) for (const partition of partitions) partition.append([String(i)])
    await settled()
    for (let p = 0; p < 60; p++)
      expect(reader.records.filter(record => record.startsWith(`${p}:`))).toEqual(numbers(20).map(v => `${p}:${v}`))
  })

  it('that turn up later are read too, and are in the token from then on', async () => {
    const { session, reader, partitions } = await aSession([7])
    await session.read([{ topic: aTopic, partition: 1, offset: 0 }])
    expect(reader.last).toEqual({ 0: 7, 1: 0 })
    partitions[1]!.append(['1'])
    await settled()
    expect(reader.records).toEqual(['1:1'])
  })
})

describe('a partition that loses its first records before they are read', () => {
  it.each([1, 20, 60])(
    'is read from where it begins now, if the reader named no offset (%i partitions)',
    async count => {
      const partitions = Array.from({ length: count }, () => new TestPartition().append(numbers(4)).append(['4']))
      partitions.at(-1)!.deleteBefore(4)
      const { reader } = await aSession(
        partitions.map(() => 0),
        { mayMove: true, partitions },
      )
      await settled()
      expect(reader.failed).toBeUndefined()
      expect(reader.last).toEqual(Object.fromEntries(partitions.map((_, i) => [i, 5])))
      expect(reader.records.filter(record => record.startsWith(`${count - 1}:`))).toEqual([`${count - 1}:4`])
    },
  )

  it('is told where it begins, before there is a record', async () => {
    const partition = new TestPartition(7).deleteBefore(7)
    const { reader } = await aSession([3], { mayMove: true, partitions: [partition] })
    await settled()
    expect(reader.last).toEqual({ 0: 7 })
  })

  it('ends the session once something of it was read', async () => {
    const { reader, partitions } = await aSession([0], { mayMove: true })
    partitions[0]!.append(['0'])
    await settled()
    partitions[0]!.fail('OFFSET_OUT_OF_RANGE', 'gone', 40)
    await settled()
    expect(reader.failed).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE', offset: 1, logStartOffset: 40 })
  })
})

describe('what ends a session', () => {
  it('an offset that is gone: told with where the log begins, after everything that had come', async () => {
    const { reader, partitions } = await aSession([0, 0])
    partitions[1]!.append(['1'])
    partitions[0]!.fail('OFFSET_OUT_OF_RANGE', 'gone', 40)
    await settled()
    expect(reader.records).toEqual(['1:1'])
    expect(reader.failed).toEqual({
      error: 'OFFSET_OUT_OF_RANGE',
      message: 'gone',
      topic: 'orders',
      partition: 0,
      offset: 0,
      logStartOffset: 40,
    })
    expect(partitions.every(({ follower }) => follower.closed)).toBe(true)
    partitions[1]!.append(['2'])
    await settled()
    expect(reader.records).toEqual(['1:1'])
  })

  it('a partition that cannot be followed', async () => {
    const { reader, partitions } = await aSession([0, 0, 4], { unreachable: 2 })
    expect(reader.failed).toMatchObject({ error: 'UNKNOWN_TOPIC_ID', partition: 2, offset: 4 })
    await settled()
    expect(partitions.slice(0, 2).every(({ follower }) => follower.closed)).toBe(true)
  })

  it('a batch that cannot be read: told where, and the token stays before it', async () => {
    const { reader, partitions } = await aSession([0])
    partitions[0]!.append(['1'])
    partitions[0]!.append(['2'], { damage: true })
    partitions[0]!.append(['3'])
    await settled()
    expect(reader.records).toEqual(['0:1'])
    expect(reader.last).toEqual({ 0: 1 })
    expect(reader.failed).toMatchObject({ error: 'CORRUPT_MESSAGE', partition: 0, offset: 1 })
  })
})

it('loses nothing, repeats nothing and keeps each partition in order, wherever readers are cut and resumed', async () => {
  const seed = Date.now() % 1_000_000
  console.log(`seed ${seed}`)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 30 }),
      async (batches, takes) => {
        let offsets = batches.map(() => 0)
        const partitions = batches.map(sizes => {
          const partition = new TestPartition()
          for (const size of sizes) partition.append(numbers(size, partition.nextOffset))
          return partition
        })
        const got: string[] = []
        for (const take of [...takes, 1_000]) {
          const { reader, session } = await aSession(offsets, { credit: take, partitions })
          await settled()
          got.push(...reader.records)
          offsets = batches.map((_, p) => reader.last[p]!)
          session.close()
        }
        batches.forEach((sizes, p) => {
          const total = sizes.reduce((a, b) => a + b, 0)
          expect(got.filter(record => record.startsWith(`${p}:`))).toEqual(numbers(total).map(v => `${p}:${v}`))
        })
      },
    ),
    { seed, numRuns: 100 },
  )
})

it('a test partition keeps the rules of credit', async () => {
  const following = new TestPartition().append(['1']).append(['2']).follow(0, 1)
  expect((await following.next()).type).toBe('data')
  expect(await following.next()).toMatchObject({ type: 'end', highWatermark: 2 })
})
