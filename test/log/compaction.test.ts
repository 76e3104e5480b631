import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBatches } from '../../src/log/batch.ts'
import { crc32c } from '../../src/log/crc32c.ts'
import type { Codec } from '../../src/log/compression.ts'
import { Cleaner } from '../../src/log/compaction.ts'
import { encodeBatch } from '../../src/log/records.ts'
import { recover } from '../../src/log/recovery.ts'
import { CompactedLog, latest, type Options, type Pairs, type Seen, sorted } from '../support/compacted-log.ts'

const HOUR_MS = 3_600_000
const FACTS = { recordWithoutKey: null, minTimestamp: 1 }
const text = new TextEncoder()

describe('what remains', () => {
  it('is the latest record of each key, at its offset, and everything in the newest segment', () => {
    const t = new CompactedLog()
    t.put([
      ['a', '1'],
      ['b', '1'],
    ])
    t.put([
      ['a', '2'],
      ['c', '1'],
    ])
    t.put([
      ['a', '3'],
      ['a', '4'],
    ])
    t.put([['a', '5']])
    t.clean()
    expect(t.left).toBe('1:b=1 3:c=1 5:a=4 6:a=5')
    t.restart()
    expect(t.left).toBe('1:b=1 3:c=1 5:a=4 6:a=5')
    expect(t.log.bounds).toMatchObject({ logStartOffset: 0, highWatermark: 7 })
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'keeps batches as they are but for what goes: %s',
    codec => {
      const t = new CompactedLog()
      t.put(
        [
          ['a', '1'],
          ['b', '2'],
          ['c', '3'],
          ['d', '4'],
        ],
        { codec },
      )
      t.put([['b', '5']])
      t.put([['z', '6']])
      const [before] = t.batches(0)
      t.clean()
      const [batch] = t.batches(0)
      const { bytes: _, count, maxTimestamp, ...same } = batch!
      expect({ count, maxTimestamp }).toEqual({ count: 3, maxTimestamp: 1_000_003 })
      expect(before).toMatchObject(same)
      expect(t.all().slice(0, 3)).toEqual([
        { offset: 0, key: 'a', value: '1', timestamp: 1_000_000 },
        { offset: 2, key: 'c', value: '3', timestamp: 1_000_002 },
        { offset: 3, key: 'd', value: '4', timestamp: 1_000_003 },
      ])
    },
  )

  it('keeps tombstones until delete.retention.ms has passed since they were first cleaned', () => {
    const t = new CompactedLog({ 'delete.retention.ms': HOUR_MS, 'min.cleanable.dirty.ratio': 0 })
    t.put([
      ['a', '1'],
      ['b', '1'],
    ])
    t.put([
      ['a', null],
      ['c', '1'],
    ])
    t.put([['x', '1']])
    t.clean()
    expect(t.left).toBe('1:b=1 2:a=null 3:c=1 4:x=1')
    expect(t.all()[1]).toEqual({ offset: 2, key: 'a', value: null, timestamp: 1_000_000 })
    t.now += HOUR_MS - 1
    t.put([['x', '2']])
    t.clean()
    expect(t.left).toBe('1:b=1 2:a=null 3:c=1 4:x=1 5:x=2')
    t.now += 1
    t.put([['x', '3']])
    t.clean()
    expect(t.left).toBe('1:b=1 3:c=1 5:x=2 6:x=3')
    expect(t.all()[1]).toEqual({ offset: 3, key: 'c', value: '1', timestamp: 1_000_001 })
  })

  it('keeps tombstones for good where no time may end them', () => {
    const t = new CompactedLog({ 'delete.retention.ms': 2 ** 63 })
    t.put([['a', null]])
    t.put([['x', '1']])
    t.clean()
    expect(t.left).toBe('0:a=null 1:x=1')
  })

  it('keeps the last batch of a producer, empty, and the one before the newest segment', () => {
    const t = new CompactedLog({ 'min.cleanable.dirty.ratio': 0 })
    const by = (producerId: number, baseSequence: number): Options => ({ producerId, producerEpoch: 0, baseSequence })
    t.put([['a', '1']], by(7, 0))
    t.put([['a', '2']], by(7, 1))
    t.put([['a', '3']], by(8, 0))
    t.put([['a', '4']])
    t.put([
      ['a', '5'],
      ['a', '6'],
    ])
    t.put([['a', '7']])
    t.clean()
    expect(t.left).toBe('5:a=6 6:a=7')
    t.put([['a', '8']])
    t.put([['b', '9']])
    t.clean()
    expect(
      t
        .batches(0)
        .map(({ baseOffset, count, producerId, baseSequence }) => [baseOffset, count, producerId, baseSequence]),
    ).toEqual([
      [1, 0, 7, 1],
      [2, 0, 8, 0],
      [7, 1, -1, -1],
      [8, 1, -1, -1],
    ])
    t.restart()
    expect(t.put([['a', '2']], by(7, 1))).toMatchObject({ duplicate: true, baseOffset: 1 })
    expect(t.put([['a', '9']], by(7, 3))).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
    expect(t.put([['a', '9']], by(8, 1))).toMatchObject({ baseOffset: 9 })
  })

  it('drops records without a key, which an older policy may have let in', () => {
    const t = new CompactedLog({ 'cleanup.policy': ['delete'] })
    const keyless = encodeBatch([{ timestamp: 1, key: null, value: text.encode('v'), headers: [] }])
    t.append(keyless.slice())
    t.put([['a', '1']])
    t.append(keyless.slice())
    t.put([['b', '1']])
    expect(t.log.cleanableMs()).toBeUndefined()
    t.log.configure({ ...t.log.config, 'cleanup.policy': ['compact'] }, 2)
    t.clean()
    expect(t.left).toBe('1:a=1 3:b=1')
    // The last one stays, empty, so that nobody waits before it.
    expect(t.batches(0).map(({ baseOffset, count }) => [baseOffset, count])).toEqual([
      [1, 1],
      [2, 0],
      [3, 1],
    ])
  })

  it('leaves a batch that cannot be read as it is', () => {
    const t = new CompactedLog()
    t.put([['a', '1']])
    const broken = encodeBatch([{ timestamp: 1, key: text.encode('a'), value: text.encode('2'), headers: [] }], {
      codec: 'zstd',
    })
    broken.fill(7, 61)
    const { bytes } = readBatches(broken)[0]!
    new DataView(bytes.buffer).setUint32(17, crc32c(bytes, 21))
    t.append(bytes, { facts: FACTS })
    t.put([['b', '1']])
    t.clean()
    expect(t.batches(0).map(batch => batch.count)).toEqual([1, 1, 1])
  })
})

describe('a step', () => {
  const zeros = 'x'.repeat(1_000_000)

  it('reads about as much as it may, however small the compressed batches of a chunk are', () => {
    const t = new CompactedLog({ 'segment.bytes': 1_000_000 })
    const records = (n: number) => [
      { timestamp: 1, key: text.encode(`k${n % 3}`), value: text.encode(zeros), headers: [] },
    ]
    // One chunk of many batches, each a thousandth of what is in it.
    const sent = Array.from({ length: 20 }, (_, n) => encodeBatch(records(n), { codec: 'gzip' }))
    for (const batch of sent) t.log.append({ records: batch, facts: FACTS }, t.now)
    t.commit()
    t.log.configure({ ...t.log.config, 'segment.bytes': 1 }, 2)
    t.put([['x', '1']])
    // Twice twenty batches, for the map and then anew, and the end of each.
    expect(t.clean(2_000_000)).toBeGreaterThanOrEqual(20)
    expect(t.all().map(({ offset }) => offset)).toEqual([17, 18, 19, 20])
  })

  it('leaves a batch that would not fit into memory as it is', () => {
    const t = new CompactedLog()
    t.put([['a', '1']])
    t.put(
      Array.from({ length: 34 }, () => ['a', zeros] as const),
      { codec: 'gzip' },
    )
    t.put([['a', '2']])
    t.put([['x', '1']])
    t.clean()
    expect(t.all().map(({ offset }) => offset)).toEqual([...Array.from({ length: 34 }, (_, i) => 1 + i), 35, 36])
  })
})

describe('reading what was cleaned', () => {
  it('finds the next record behind any gap, however few are wanted', () => {
    const t = new CompactedLog()
    for (let i = 0; i < 20; i++) t.put([['a', String(i)]])
    t.put([['b', 'last']])
    t.clean()
    const read = t.log.read({ offset: 0, maxBytes: 1e6, maxRecords: 1 })
    expect('records' in read && read.records.length).toBeGreaterThan(0)
    expect('records' in read && read.nextOffset).toBeGreaterThanOrEqual(20)
  })

  it('goes on at the next record from anywhere in a gap, and finds records by their time', () => {
    const t = new CompactedLog()
    for (let i = 0; i < 10; i++) {
      t.now = 1_000_000 + i * 1_000
      t.put([
        ['a', `${i}`],
        [`b${i % 2}`, `${i}`],
      ])
    }
    t.put([['x', '1']])
    t.clean()
    const left = t.all()
    expect(left.map(({ offset }) => offset)).toEqual([17, 18, 19, 20])
    for (let offset = 0; offset <= 21; offset++)
      expect(t.all(offset).filter(seen => seen.offset >= offset)).toEqual(left.filter(seen => seen.offset >= offset))
    const found = t.log.offsetFor(1_002_000) as { open: Uint8Array }
    expect(readBatches(found.open)[0]).toMatchObject({ baseOffset: 16, count: 1 })
  })

  it('has no time for a batch without records', () => {
    const t = new CompactedLog()
    t.put([['a', '1']], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    t.now += 5_000
    t.put([['a', '2']])
    t.put([['x', '1']])
    t.clean()
    expect(t.batches(0)[0]).toMatchObject({ count: 0, maxTimestamp: 1_000_000 })
    const found = t.log.offsetFor(0) as { open: Uint8Array }
    expect(readBatches(found.open)[0]).toMatchObject({ baseOffset: 1 })
  })
})

describe('when', () => {
  const of100 = (t: CompactedLog, n: number): void => {
    for (let i = 0; i < n; i++) t.put([['k', 'x'.repeat(100)]])
  }

  it('is said once more than min.cleanable.dirty.ratio is dirty, and never of a clean log', () => {
    const t = new CompactedLog({ 'min.cleanable.dirty.ratio': 0.75 })
    expect(t.log.cleanableMs()).toBeUndefined()
    of100(t, 1)
    expect(t.log.cleanableMs()).toBeUndefined()
    of100(t, 1)
    expect(t.log.cleanableMs()).toBe(0)
    t.clean()
    for (let i = 0; i < 3; i++) {
      expect(t.log.cleanableMs()).toBeUndefined()
      of100(t, 1)
    }
    expect(t.log.cleanableMs()).toBeUndefined()
    of100(t, 1)
    expect(t.log.cleanableMs()).toBe(0)
    t.restart()
    expect(t.log.cleanableMs()).toBe(0)
  })

  it('waits for min.compaction.lag.ms, and leaves what is younger', () => {
    const t = new CompactedLog({ 'min.compaction.lag.ms': HOUR_MS })
    of100(t, 3)
    expect(t.log.cleanableMs()).toBe(1_000_000 + HOUR_MS)
    t.now += HOUR_MS
    of100(t, 1)
    t.clean()
    expect(t.all().map(({ offset }) => offset)).toEqual([2, 3])
    of100(t, 1)
    expect(t.log.cleanableMs()).toBeUndefined()
    of100(t, 1)
    expect(t.log.cleanableMs()).toBe(t.now + HOUR_MS)
  })

  it('comes with max.compaction.lag.ms however little is dirty, for which the newest segment rolls in time', () => {
    const t = new CompactedLog({
      'segment.bytes': 1_000_000,
      'max.compaction.lag.ms': HOUR_MS,
      'min.cleanable.dirty.ratio': 1,
    })
    of100(t, 2)
    expect(t.log.cleanableMs()).toBeUndefined()
    t.now += HOUR_MS
    of100(t, 1)
    expect(t.log.describe().segments).toBe(2)
    expect(t.log.cleanableMs()).toBe(t.now)
    t.clean()
    expect(t.all().map(({ offset }) => offset)).toEqual([1, 2])
    expect(t.log.cleanableMs()).toBeUndefined()
  })

  it('stops with the policy, and leaves nothing half-built', () => {
    const t = new CompactedLog()
    of100(t, 9)
    for (let i = 0; i < 100 && !t.storage.tables().includes('segment_0_1'); i++) t.log.clean(t.now, 1)
    expect(t.storage.tables()).toContain('segment_0_1')
    t.log.configure({ ...t.log.config, 'cleanup.policy': ['delete'] }, 2)
    expect(t.storage.tables()).not.toContain('segment_0_1')
    expect(t.log.cleanableMs()).toBeUndefined()
    expect(t.all()).toHaveLength(9)
    t.log.configure({ ...t.log.config, 'cleanup.policy': ['compact'] }, 3)
    t.clean()
    expect(t.all()).toHaveLength(2)
  })
})

/** How far the passes are as it is stored, but for attempts at a map. */
function progress(t: CompactedLog): string {
  const { mapBytes: _, ...state } = JSON.parse(t.storage.store().cleaner() ?? '{"firstDirtyOffset":0}') as Record<
    string,
    unknown
  >
  return JSON.stringify(state)
}

describe('a pass', () => {
  it('merges small segments, within segment.bytes where retention lets segments go', () => {
    const t = new CompactedLog()
    const d = new CompactedLog({ 'cleanup.policy': ['compact', 'delete'], 'segment.bytes': 100 })
    for (const log of [t, d]) {
      for (let i = 0; i < 20; i++) log.put([[`k${i}`, 'v']])
      expect(log.clean()).toBeGreaterThan(0)
      expect(log.all()).toHaveLength(20)
    }
    expect(t.storage.tables()).toEqual(['cleaner', 'partition', 'segment_0_1', 'segment_19_0', 'segments'])
    expect(d.log.describe().segments).toBe(20)
  })

  it('goes on after any restart, also where each is cut off after a map and one step', () => {
    const t = new CompactedLog()
    for (let i = 0; i < 50; i++) t.put([[`k${i % 5}`, `${i}`]])
    let restarts = 0
    for (; t.isCleanable; restarts++) {
      const before = progress(t)
      t.restart()
      // As many steps as the map takes, then one that writes.
      for (let n = 0; n < 60 && progress(t) === before; n++) t.log.clean(t.now, 100)
      expect(latest(t.all()).get('k4')).toBe('49')
    }
    expect(restarts).toBeLessThan(200)
    expect(t.all()).toHaveLength(6)
  })

  it('gets to its end in smaller parts where no map is ever filled', () => {
    const t = new CompactedLog({ 'min.cleanable.dirty.ratio': 0 })
    for (let i = 0; i < 64; i++) t.put([[`k${i % 5}`, `${i}`]])
    let restarts = 0
    for (; t.isCleanable; restarts++) {
      expect(restarts).toBeLessThan(500)
      t.restart()
      for (let n = 0; n < 4; n++) t.log.clean(t.now, 100)
    }
    expect(restarts).toBeGreaterThan(10)
    expect(t.all()).toHaveLength(6)
  })

  it.each([1, 2, 5, 11])('lets retention take segments it is about to merge, after %i steps', steps => {
    const t = new CompactedLog({ 'cleanup.policy': ['compact', 'delete'] })
    for (let i = 0; i < 40; i++) t.put([[`k${i % 7}`, `${i}`]])
    t.log.configure({ ...t.log.config, 'segment.bytes': 100_000 }, 2)
    for (let i = 0; i < steps; i++) t.log.clean(t.now, 1_000)
    t.log.deleteRecords(3, t.now)
    t.clean(1_000)
    t.restart()
    expect(t.all().map(({ offset }) => offset)).toEqual([32, 33, 34, 35, 36, 37, 38, 39])
    expect(t.log.describe().segments).toBe(2)
    expect(t.storage.tables()).toHaveLength(5)
  })
})

type Step =
  | { readonly do: 'put'; readonly pairs: Pairs; readonly codec: Codec; readonly producer: number | undefined }
  | { readonly do: 'clean'; readonly steps: number; readonly maxBytes: number }
  | { readonly do: 'cleanFew'; readonly keys: number; readonly maxBytes: number }
  | { readonly do: 'restart' }
  | { readonly do: 'wait'; readonly ms: number }

const aKey = fc.integer({ min: 0, max: 12 }).map(n => `key-${n}`)
const pair = fc.tuple(aKey, fc.option(fc.string({ maxLength: 30 }), { freq: 4 }))
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      pairs: fc.array(pair, { minLength: 1, maxLength: 6 }),
      codec: fc.constantFrom<Codec>('none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'),
      producer: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('clean' as const),
      steps: fc.integer({ min: 1, max: 12 }),
      maxBytes: fc.integer({ min: 1, max: 2_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('cleanFew' as const),
      keys: fc.integer({ min: 1, max: 4 }),
      maxBytes: fc.integer({ min: 1, max: 2_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }) },
)

/** What was appended, by a plain array and a plain map. */
class Model {
  readonly appended: Seen[] = []
  readonly latest = new Map<string, string>()
  readonly sequences = new Map<number, { pairs: Pairs; baseOffset: number; baseSequence: number }>()
}

/** As by a log whose maps hold only a few keys: the pass ends early, and the rest is the next one's. */
function cleanWithFewKeys(t: CompactedLog, keys: number, maxBytes: number): void {
  t.restart()
  const cleaner = new Cleaner(t.storage.store(), keys)
  const { bounds, config } = t.log
  let { segments, producers } = recover(t.storage.store(), t.now)
  for (let n = 0; (cleaner.dueMs({ ...bounds, config, segments }) ?? t.now + 1) <= t.now; n++) {
    if (n > 10_000) throw new Error('it never ends')
    segments = cleaner.step({ ...bounds, config, segments }, producers, t.now, maxBytes).segments
  }
  t.restart()
}

function carryOut(t: CompactedLog, model: Model, step: Step): void {
  switch (step.do) {
    case 'put': {
      const { pairs, codec, producer } = step
      const before = producer === undefined ? undefined : model.sequences.get(producer)
      const baseSequence = before === undefined ? 0 : before.baseSequence + before.pairs.length
      const by = producer === undefined ? {} : { producerId: producer, producerEpoch: 0, baseSequence }
      const result = t.put(pairs, { codec, ...by })
      if ('error' in result) throw new Error(result.message)
      const { baseOffset } = result
      if (producer !== undefined) model.sequences.set(producer, { pairs, baseOffset, baseSequence })
      pairs.forEach(([key, value], i) => {
        model.appended.push({ offset: baseOffset + i, key, value, timestamp: t.now + i })
        if (value === null) model.latest.delete(key)
        else model.latest.set(key, value)
      })
      return
    }
    case 'clean':
      for (let i = 0; i < step.steps && t.isCleanable; i++) t.log.clean(t.now, step.maxBytes)
      return
    case 'cleanFew':
      return cleanWithFewKeys(t, step.keys, step.maxBytes)
    case 'restart':
      return t.restart()
    case 'wait':
      t.now += step.ms
  }
}

function check(t: CompactedLog, model: Model): void {
  const seen = t.all()
  // Nothing moved, nothing changed, nothing came twice: each record is the one that was appended at its offset.
  expect(seen).toEqual(seen.map(({ offset }) => model.appended[offset]))
  for (const [i, { offset }] of seen.entries()) if (i > 0) expect(offset).toBeGreaterThan(seen[i - 1]!.offset)
  expect(sorted(latest(seen))).toEqual(sorted(model.latest))
}

function checkReads(t: CompactedLog): void {
  const seen = t.all()
  for (let offset = 0; offset <= t.log.highWatermark; offset++) {
    const read = t.log.read({ offset, maxBytes: 1 })
    if ('error' in read) throw new Error(read.message)
    if (offset < t.log.highWatermark) expect(read.nextOffset).toBeGreaterThan(offset)
    expect(t.all(offset, 200).filter(one => one.offset >= offset)).toEqual(seen.filter(one => one.offset >= offset))
  }
}

describe('a compacted log', () => {
  it('says the same as a plain map, for any keys, tombstones, codecs, producers, segments, steps and restarts', () => {
    fc.assert(
      fc.property(
        fc.array(aStep, { minLength: 5, maxLength: 60 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom(0, 0.2, 0.5),
        fc.constantFrom(0, 1_000, 10_000),
        fc.constantFrom(0, 500),
        (steps, segmentBytes, ratio, deleteRetentionMs, lagMs) => {
          const t = new CompactedLog({
            'segment.bytes': segmentBytes,
            'min.cleanable.dirty.ratio': ratio,
            'delete.retention.ms': deleteRetentionMs,
            'min.compaction.lag.ms': lagMs,
          })
          const model = new Model()
          for (const step of steps) {
            carryOut(t, model, step)
            check(t, model)
          }
          t.now += 10_000
          t.clean(300)
          check(t, model)
          checkReads(t)
          t.restart()
          check(t, model)
          expect(t.storage.tables().filter(name => /^segment_\d+_\d+$/.test(name))).toHaveLength(
            t.log.describe().segments,
          )
          for (const [producer, { pairs, baseOffset, baseSequence }] of model.sequences) {
            const by = { producerId: producer, producerEpoch: 0 }
            expect(t.put(pairs, { ...by, baseSequence })).toMatchObject({ duplicate: true, baseOffset })
            expect(t.put(pairs, { ...by, baseSequence: baseSequence + pairs.length })).not.toHaveProperty('error')
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
