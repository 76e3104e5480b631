import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EARLIEST, LATEST, MAX_TIMESTAMP } from '../../src/log/partition-log.ts'
import { aBatch, TestLog } from '../support/log.ts'

const values = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `v${from + i}`)
const error = (result: object): string | undefined => ('error' in result ? (result.error as string) : undefined)

describe('append', () => {
  it('gives offsets in order and shows nothing before it is committed', () => {
    const t = new TestLog()
    expect(t.log.append({ records: aBatch(values(3)) }, t.now)).toMatchObject({
      baseOffset: 0,
      lastOffset: 2,
      logAppendTime: -1,
    })
    expect(t.log.append({ records: aBatch(values(2, 3)) }, t.now)).toMatchObject({ baseOffset: 3, lastOffset: 4 })
    expect(t.log.highWatermark).toBe(0)
    expect(t.read(0)).toEqual([])
    t.log.write(t.now)
    expect(t.read(0)).toEqual([])
    t.log.committed()
    expect(t.read(0).map(r => r.value)).toEqual(values(5))
  })

  it('stores what gathered as one row', () => {
    const t = new TestLog()
    for (let i = 0; i < 100; i++) t.log.append({ records: aBatch([`v${i}`]) }, t.now)
    t.commit()
    expect([...t.storage.exec('SELECT count(*) AS n FROM segment_0_0')]).toEqual([{ n: 1 }])
    expect(t.read(40, 1)).toEqual([{ offset: 40, value: 'v40' }])
    expect(t.read(0)).toHaveLength(100)
  })

  it('takes several batches as one append, or none of them', () => {
    const t = new TestLog()
    const good = aBatch(values(2))
    const both = new Uint8Array([...good, ...aBatch(values(3, 2))])
    expect(t.append(both)).toMatchObject({ baseOffset: 0, lastOffset: 4 })
    const cut = both.slice(0, both.length - 1)
    expect(error(t.append(cut))).toBeDefined()
    expect(t.log.highWatermark).toBe(5)
  })

  it.each([
    ['MESSAGE_TOO_LARGE', { 'max.message.bytes': 100 }, aBatch(['x'.repeat(200)])],
    ['CORRUPT_MESSAGE', {}, flipped(aBatch(['x']))],
    ['INVALID_RECORD', { 'cleanup.policy': ['compact'] as const }, aBatch(['x'], { key: null })],
    ['INVALID_RECORD', {}, aBatch(['x'], { control: true })],
    ['INVALID_TXN_STATE', {}, aBatch(['x'], { transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })],
    ['INVALID_TIMESTAMP', { 'message.timestamp.after.max.ms': 10 }, aBatch(['x'], { timestamp: 20_000 })],
    ['INVALID_TIMESTAMP', { 'message.timestamp.before.max.ms': 10 }, aBatch(['x'], { timestamp: 20 })],
  ])('refuses with %s', (code, config, records) => {
    const t = new TestLog(config)
    expect(error(t.append(records, { facts: { recordWithoutKey: 0, minTimestamp: 20 } }))).toBe(code)
    expect(t.log.dirty).toBe(false)
  })

  it('asks for the facts it cannot see in a header', () => {
    const t = new TestLog({ 'cleanup.policy': ['compact'] })
    expect(t.append(aBatch(['x']))).toMatchObject({ ask: 'facts' })
    expect(t.append(aBatch(['x']), { facts: { recordWithoutKey: null, minTimestamp: 1 } })).toMatchObject({
      baseOffset: 0,
    })
  })

  it('stamps LogAppendTime', () => {
    const t = new TestLog({ 'message.timestamp.type': 'LogAppendTime' }, 77_000)
    expect(t.append(aBatch(['x']))).toMatchObject({ logAppendTime: 77_000 })
    expect(t.log.offsetFor(77_000)).toHaveProperty('open')
    expect(t.log.offsetFor(77_001)).toMatchObject({ offset: -1 })
  })

  it('refuses politely when the object is nearly full', () => {
    const t = new TestLog()
    Object.defineProperty(t.storage, 'databaseSize', { get: () => 9_900_000_000 })
    for (let i = 0; i < 16; i++) t.append(aBatch([`one of the last ${i}`]))
    expect(t.append(aBatch(['x']))).toMatchObject({
      error: 'KAFKA_STORAGE_ERROR',
      message: expect.stringContaining('retention.bytes'),
    })
  })
})

describe('idempotence', () => {
  const by = (sequence: number, n = 2, epoch = 0): Uint8Array =>
    aBatch(values(n, sequence), { producerId: 7, producerEpoch: epoch, baseSequence: sequence })

  it.each([{ restart: false }, { restart: true }])(
    'answers a repeat with the first offset, also after a restart: %o',
    ({ restart }) => {
      const t = new TestLog()
      t.append(by(0))
      t.append(by(2))
      if (restart) t.restart()
      expect(t.append(by(0))).toMatchObject({ baseOffset: 0, lastOffset: 1, duplicate: true })
      expect(t.append(by(2))).toMatchObject({ baseOffset: 2, duplicate: true })
      expect(error(t.append(by(6)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
      expect(t.append(by(4))).toMatchObject({ baseOffset: 4 })
      expect(t.append(by(0, 2, 1))).toMatchObject({ baseOffset: 6 })
      expect(error(t.append(by(6)))).toBe('INVALID_PRODUCER_EPOCH')
      expect(error(t.append(by(5, 1, 2)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    },
  )

  it('keeps its memory over a roll, also when the roll fell into the middle of one commit', () => {
    const t = new TestLog({ 'segment.bytes': 1_200_000 })
    const big = (sequence: number): Uint8Array =>
      aBatch(['x'.repeat(900_000)], { producerId: 7, producerEpoch: 0, baseSequence: sequence })
    for (let i = 0; i < 5; i++) t.log.append({ records: big(i) }, t.now)
    t.commit()
    expect(t.log.describe().segments).toBe(5)
    t.restart()
    for (let i = 0; i < 5; i++) expect(t.append(big(i))).toMatchObject({ baseOffset: i, duplicate: true })
    expect(t.append(big(5))).toMatchObject({ baseOffset: 5 })
    expect(error(t.append(big(0)))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('answers a repeated idempotency key with the first answer until it expires', () => {
    const t = new TestLog()
    const first = t.append(aBatch(['a']), { idempotencyKey: 'k1' })
    expect(t.append(aBatch(['a']), { idempotencyKey: 'k1' })).toEqual({ ...first, duplicate: true })
    t.restart()
    expect(t.append(aBatch(['a']), { idempotencyKey: 'k1' })).toEqual({ ...first, duplicate: true })
    expect(t.log.knowsIdempotencyKey('k1')).toBe(true)
    t.now += 900_000
    t.log.retain(t.now)
    expect(t.append(aBatch(['a']), { idempotencyKey: 'k1' })).toEqual({ ...first, duplicate: true })
    t.now += 900_000
    t.log.retain(t.now)
    expect(t.append(aBatch(['a']), { idempotencyKey: 'k1' })).toMatchObject({ baseOffset: 1 })
  })
})

describe('an idempotency key', () => {
  it('of a request with other records is refused, and nothing is appended', () => {
    const t = new TestLog()
    t.append(aBatch(['a', 'b']), { idempotencyKey: 'k' })
    expect(error(t.append(aBatch(['a', 'b', 'c']), { idempotencyKey: 'k' }))).toBe('INVALID_REQUEST')
    expect(t.log.bounds.highWatermark).toBe(2)
  })

  it('is known for 15 minutes at least, beside any number of others, and then costs nothing', () => {
    const t = new TestLog()
    const first = t.now
    for (let minute = 0; minute < 60; minute++) {
      for (let i = 0; i < 100; i++) t.log.append({ records: aBatch(['v']), idempotencyKey: `${minute}/${i}` }, t.now)
      t.commit()
      if (minute % 7 === 0) t.restart()
      for (let age = 0; age <= Math.min(minute, 15); age++)
        expect(t.append(aBatch(['v']), { idempotencyKey: `${minute - age}/0` })).toMatchObject({ duplicate: true })
      t.now += 60_000
      if (t.log.deadline()! <= t.now) t.log.retain(t.now)
    }
    expect(t.log.bounds.highWatermark).toBe(60 * 100)
    expect(t.storage.tables().filter(name => name.startsWith('answers')).length).toBeLessThanOrEqual(3)
    t.now = first + 10_000_000
    t.log.retain(t.now)
    expect(t.storage.tables().filter(name => name.startsWith('answers'))).toEqual([])
    expect(t.append(aBatch(['v']), { idempotencyKey: '0/0' })).toMatchObject({ baseOffset: 60 * 100 })
  })
})

describe('read', () => {
  it('returns at least one batch, whatever the limit', () => {
    const t = new TestLog()
    t.append(aBatch(values(10)))
    expect(t.read(3, 0)).toHaveLength(10)
  })

  it('returns no batch that is larger than the limit to a reader who wants none, and how far the log reaches', () => {
    const t = new TestLog()
    for (const value of ['a', 'b']) t.append(aBatch([value]))
    const size = aBatch(['a']).length
    const read = (maxBytes: number) => {
      const found = t.log.read({ offset: 0, maxBytes, atLeastOne: false })
      return 'records' in found && [found.records.length, found.nextOffset, found.highWatermark]
    }
    expect(read(0)).toEqual([0, 0, 2])
    expect(read(size - 1)).toEqual([0, 0, 2])
    expect(read(size)).toEqual([size, 1, 2])
    expect(read(2 * size)).toEqual([2 * size, 2, 2])
  })

  it('returns no batch beyond as many records as are wanted', () => {
    const t = new TestLog({ 'segment.bytes': 500 })
    for (let i = 0; i < 30; i += 3) t.append(aBatch(values(3, i)))
    const next = (offset: number, maxRecords: number) =>
      t.log.read({ offset, maxBytes: 1e6, maxRecords }) as { nextOffset: number }
    expect([next(0, 1), next(0, 3), next(0, 4), next(2, 2), next(7, 9), next(0, 99)]).toMatchObject(
      [3, 3, 6, 6, 18, 30].map(nextOffset => ({ nextOffset })),
    )
  })

  it('refuses offsets outside the log, naming what it holds', () => {
    const t = new TestLog()
    t.append(aBatch(values(10)))
    expect(t.log.read({ offset: 11, maxBytes: 1 })).toMatchObject({
      error: 'OFFSET_OUT_OF_RANGE',
      logStartOffset: 0,
      highWatermark: 10,
    })
    expect(t.log.read({ offset: 10, maxBytes: 1 })).toMatchObject({ nextOffset: 10 })
    t.log.deleteRecords(4, t.now)
    expect(t.log.read({ offset: 3, maxBytes: 1 })).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE', logStartOffset: 4 })
    expect(t.read(4)[0]).toEqual({ offset: 0, value: 'v0' })
  })

  it('keeps what is larger than a row beside it', () => {
    const t = new TestLog({ 'max.message.bytes': 16_777_216 })
    const large = 'y'.repeat(5_000_000)
    t.append(aBatch(['before']))
    t.append(aBatch([large]))
    t.append(aBatch(['after']))
    t.restart()
    expect(t.read(0, 10_000_000).map(r => r.value.length)).toEqual([6, 5_000_000, 5])
    expect(t.read(1, 1).map(r => r.value === large)).toEqual([true])
    const longest = [
      ...t.storage.exec('SELECT max(length(bytes) + length(batches)) AS n FROM segment_0_0'),
    ] as unknown as { n: number }[]
    expect(longest[0]!.n).toBeLessThan(2_000_000)
  })

  it('reads what was appended, for any cuts, limits, segment sizes and restarts', () => {
    const step = fc.record({
      batches: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
      restart: fc.boolean(),
      size: fc.integer({ min: 1, max: 300 }),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 12 }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 1, max: 2_000 }),
        (steps, maxBytes, segmentBytes) => {
          const t = new TestLog({ 'segment.bytes': segmentBytes })
          let n = 0
          for (const { batches, restart, size } of steps) {
            for (const count of batches) {
              t.log.append({ records: aBatch(values(count, n).map(v => v.padEnd(size, '.'))) }, t.now)
              n += count
            }
            t.commit()
            if (restart) t.restart()
          }
          for (let offset = 0; offset <= n;) {
            const read = t.log.read({ offset, maxBytes })
            if ('error' in read) throw new Error(read.message)
            const seen = t.read(offset, maxBytes).filter(record => record.offset >= offset)
            expect(seen.map(r => r.value.split('.')[0])).toEqual(values(seen.length, offset))
            expect(read.nextOffset).toBe(offset + seen.length)
            if (offset === n) break
            expect(seen.length).toBeGreaterThan(0)
            offset += Math.max(1, Math.ceil(seen.length / 2))
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('offsetFor', () => {
  it('finds first, last, newest and by time', () => {
    const t = new TestLog({ 'segment.bytes': 100 })
    for (const timestamp of [100, 300, 200]) t.append(aBatch(['x', 'y'], { timestamp }))
    expect(t.log.offsetFor(EARLIEST)).toMatchObject({ offset: 0 })
    expect(t.log.offsetFor(LATEST)).toMatchObject({ offset: 6 })
    const base = (found: object): number =>
      new DataView((found as { open: Uint8Array }).open.slice().buffer).getInt32(4)
    expect(base(t.log.offsetFor(MAX_TIMESTAMP))).toBe(2)
    expect(base(t.log.offsetFor(50))).toBe(0)
    expect(base(t.log.offsetFor(101))).toBe(2)
    expect(t.log.offsetFor(301)).toMatchObject({ offset: -1 })
    t.log.deleteRecords(3, t.now)
    expect(base(t.log.offsetFor(50))).toBe(2)
    t.log.deleteRecords(4, t.now)
    expect(base(t.log.offsetFor(50))).toBe(4)
  })
})

describe('retention', () => {
  it('lets whole segments go by time, the newest too, and says when', () => {
    const t = new TestLog({ 'retention.ms': 1_000, 'segment.bytes': 100 }, 1_000)
    for (const timestamp of [1_000, 2_000]) t.append(aBatch(['x', 'y'], { timestamp }))
    expect(t.log.describe().segments).toBe(2)
    expect(t.log.deadline()).toBe(2_001)
    t.log.retain(2_000)
    expect(t.log.bounds.logStartOffset).toBe(0)
    t.log.retain(2_001)
    expect(t.log.bounds.logStartOffset).toBe(2)
    t.log.retain(t.log.deadline()!)
    expect(t.log.bounds).toMatchObject({ logStartOffset: 4, highWatermark: 4 })
    expect(t.storage.tables()).toEqual(['partition', 'segment_4_0', 'segments'])
    expect(t.log.deadline()).toBeUndefined()
    t.restart()
    expect(t.append(aBatch(['z'], { timestamp: 5_000 }))).toMatchObject({ baseOffset: 4, logStartOffset: 4 })
  })

  it('lets the oldest go by size as new ones begin', () => {
    const t = new TestLog({ 'retention.bytes': 300, 'segment.bytes': 100 })
    for (let i = 0; i < 20; i++) t.append(aBatch(['x'.repeat(40)]))
    expect(t.log.describe().sizeBytes).toBeLessThan(600)
    expect(t.log.bounds.logStartOffset).toBeGreaterThan(10)
    expect(t.storage.tables().length).toBe(2 + t.log.describe().segments)
  })

  it('keeps everything on a compacted topic and where retention is off', () => {
    for (const config of [{ 'cleanup.policy': ['compact'] as const }, { 'retention.ms': -1 }]) {
      const t = new TestLog({ ...config, 'segment.bytes': 100 })
      t.append(aBatch(['x']), { facts: { recordWithoutKey: null, minTimestamp: 1 } })
      t.log.retain(Number.MAX_SAFE_INTEGER)
      expect(t.log.bounds.logStartOffset).toBe(0)
      expect(t.log.deadline()).toBeUndefined()
    }
  })

  it('lets segments go though a reader stopped in the middle of one', () => {
    const t = new TestLog({ 'segment.bytes': 1_000 })
    for (let i = 0; i < 50; i++) t.append(aBatch(['x', 'y']))
    expect(t.read(0, 100).length).toBeGreaterThan(0)
    expect(t.log.deleteRecords(50, t.now)).toEqual({ logStartOffset: 50 })
  })

  it('DeleteRecords drops the segments wholly below it', () => {
    const t = new TestLog({ 'segment.bytes': 100 })
    for (let i = 0; i < 5; i++) t.append(aBatch(['x', 'y']))
    expect(t.log.deleteRecords(5, t.now)).toEqual({ logStartOffset: 5 })
    expect(t.log.describe().segments).toBe(3)
    expect(t.log.deleteRecords(2, t.now)).toEqual({ logStartOffset: 5 })
    expect(error(t.log.deleteRecords(11, t.now))).toBe('OFFSET_OUT_OF_RANGE')
    expect(error(t.log.deleteRecords(-2, t.now))).toBe('OFFSET_OUT_OF_RANGE')
    t.restart()
    expect(t.log.bounds).toMatchObject({ logStartOffset: 5, highWatermark: 10 })
    expect(t.log.deleteRecords(-1, t.now)).toEqual({ logStartOffset: 10 })
  })
})

function flipped(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length - 1]! ^= 1
  return bytes
}
