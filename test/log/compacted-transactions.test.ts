// Transactions under compaction: nothing of a transaction is lost or shown before it ends, what was aborted goes, and a
// marker outlives what it ends by delete.retention.ms.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogConfig } from '../../src/log/config.ts'
import { CompactedLog, latest, type Pairs, sorted } from '../support/compacted-log.ts'

const HOUR_MS = 3_600_000

/** Whatever may be cleaned is; the newest segment is pushed out first. */
class TransactionalLog extends CompactedLog {
  readonly #sequences = new Map<number, number>()

  constructor(config: Partial<LogConfig> = {}) {
    super({ 'min.cleanable.dirty.ratio': 0, 'delete.retention.ms': HOUR_MS, ...config })
  }

  write(producerId: number, transaction: number, pairs: Pairs) {
    const baseSequence = this.#sequences.get(producerId) ?? 0
    const result = this.put(pairs, { producerId, producerEpoch: 0, baseSequence, transaction })
    if ('error' in result) throw new Error(result.message)
    this.#sequences.set(producerId, baseSequence + pairs.length)
    return result
  }

  cleanAll(): void {
    this.put([['pushed out', `${this.now}`]])
    this.clean()
  }

  get abortedKept(): number {
    return [...this.storage.store().abortedFrom(0)].length
  }
}

describe('a marker', () => {
  it.each([true, false])('stays as long as anything of its transaction does, and then for a time: committed %s', by => {
    const t = new TransactionalLog()
    t.write(7, 1, [['a', '1']])
    t.end(7, 1, by)
    // Later than that one's, so that its last batch need not stay for its sequence.
    t.write(7, 2, [['b', '2']])
    t.end(7, 2, true)
    t.put([['a', '3']])
    expect(t.markers).toEqual([1, 3])
    t.cleanAll()
    // The pass that removes the last of a transaction has still seen it.
    expect(t.committed().map(({ value }) => value)).not.toContain('1')
    expect(t.markers).toEqual([1, 3])
    t.cleanAll()
    t.now += HOUR_MS - 1
    t.cleanAll()
    expect(t.markers).toEqual([1, 3])
    t.restart()
    t.now += 1
    t.cleanAll()
    expect(t.markers).toEqual([3])
    t.put([['b', '4']])
    for (let i = 0; i < 3; i++) {
      t.cleanAll()
      t.now += HOUR_MS
    }
    // The producer's last batch stays for its sequence, without records, and the marker with it.
    expect(t.markers).toEqual([3])
    expect(t.committed().map(({ key }) => key)).toEqual(['a', 'b', 'pushed out', 'pushed out'])
  })

  it('stays for good where no time may end it', () => {
    const t = new TransactionalLog({ 'delete.retention.ms': 2 ** 63 })
    t.write(7, 1, [['a', '1']])
    t.end(7, 1, false)
    t.write(7, 2, [['b', '1']])
    t.end(7, 2, false)
    for (let i = 0; i < 4; i++) t.cleanAll()
    expect(t.markers).toEqual([1, 3])
  })

  it('stays where it is the last before what was not cleaned', () => {
    const t = new TransactionalLog({ 'delete.retention.ms': 0 })
    t.write(7, 1, [['a', '1']])
    t.end(7, 1, false)
    t.write(7, 2, [['a', '2']])
    for (let i = 0; i < 3; i++) t.clean()
    t.put([['x', '1']])
    t.put([['x', '2']])
    for (let i = 0; i < 3; i++) t.clean()
    expect(t.markers).toEqual([1])
    expect(t.committed()).toEqual([])
  })

  it('is remembered over restarts between the steps', () => {
    const t = new TransactionalLog({ 'delete.retention.ms': 0 })
    for (let n = 1; n <= 20; n++) {
      t.write(n % 3, n, [[`k${n}`, 'v']])
      t.write(n % 3, n, [[`l${n}`, 'v']])
      t.end(n % 3, n, true)
    }
    t.put([['x', '1']])
    const before = t.markers
    expect(before).toHaveLength(20)
    for (let round = 0; round < 3; round++) {
      for (let n = 0; t.isCleanable; n++) {
        expect(n).toBeLessThan(5_000)
        t.log.clean(t.now, 1)
        // A map does not outlive a restart: only what was written does.
        if (n % 100 === 99) t.restart()
      }
      t.put([['x', '2']])
    }
    expect(t.markers).toEqual(before)
    expect(latest(t.committed())).toHaveProperty('size', 41)
  })
})

describe('what was aborted', () => {
  it('goes, outdates nothing, and is forgotten', () => {
    const t = new TransactionalLog()
    t.put([['a', '1']])
    t.write(7, 1, [
      ['a', 'aborted'],
      ['b', 'aborted'],
    ])
    t.end(7, 1, false)
    t.write(7, 2, [['c', '2']])
    t.end(7, 2, true)
    expect(t.abortedKept).toBe(1)
    t.cleanAll()
    expect(t.left).toMatch(/^0:a=1 4:c=2 /)
    expect(t.abortedKept).toBe(0)
    expect(t.committed().map(({ offset }) => offset)).toEqual([0, 4, 6])
  })
})

describe('an open transaction', () => {
  it('is never cleaned past, and what came after it waits', () => {
    const t = new TransactionalLog()
    t.put([['a', '1']])
    t.put([['a', '2']])
    t.write(7, 1, [['a', '3']])
    t.put([['b', '1']])
    t.put([['b', '2']])
    t.cleanAll()
    expect(t.left).toMatch(/^1:a=2 2:a=3 3:b=1 4:b=2 /)
    t.end(7, 1, false)
    t.cleanAll()
    expect(t.left).toMatch(/^1:a=2 4:b=2 /)
  })
})

type Step =
  | { readonly do: 'put'; readonly pairs: Pairs; readonly producer: number | undefined }
  | { readonly do: 'end'; readonly producer: number; readonly committed: boolean }
  | { readonly do: 'clean'; readonly steps: number; readonly maxBytes: number }
  | { readonly do: 'restart' }
  | { readonly do: 'wait'; readonly ms: number }

const aPair = fc.tuple(
  fc.integer({ min: 0, max: 6 }).map(n => `key-${n}`),
  fc.option(fc.integer({ max: 99 }).map(String), { freq: 5 }),
)
const aProducer = fc.integer({ min: 1, max: 3 })
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      pairs: fc.array(aPair, { minLength: 1, maxLength: 4 }),
      producer: fc.option(aProducer, { nil: undefined }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('end' as const), producer: aProducer, committed: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('clean' as const),
      steps: fc.integer({ min: 1, max: 12 }),
      maxBytes: fc.integer({ min: 1, max: 2_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }) },
)

/** Every record by its offset, and the transactions that are open. */
class Model {
  readonly #records: { offset: number; key: string; value: string | null; of: number; fate: 'open' | boolean }[] = []
  readonly open = new Map<number, number>()
  #transactions = 0

  transactionOf(producer: number): number {
    const number = this.open.get(producer) ?? ++this.#transactions
    this.open.set(producer, number)
    return number
  }

  wrote(baseOffset: number, pairs: Pairs, of: number): void {
    for (const [i, [key, value]] of pairs.entries())
      this.#records.push({ offset: baseOffset + i, key, value, of, fate: of === 0 ? true : 'open' })
  }

  ended(of: number, committed: boolean): void {
    for (const record of this.#records) if (record.of === of) record.fate = committed
  }

  /** What was committed below an offset, as a plain map. */
  latest(below: number): Map<string, string> {
    const map = new Map<string, string>()
    for (const { offset, key, value, fate } of this.#records) {
      if (fate !== true || offset >= below) continue
      map.delete(key)
      if (value !== null) map.set(key, value)
    }
    return map
  }
}

function carryOut(t: TransactionalLog, model: Model, step: Step): void {
  switch (step.do) {
    case 'put': {
      const { pairs, producer } = step
      if (producer === undefined) {
        const result = t.put(pairs)
        if ('error' in result) throw new Error(result.message)
        return model.wrote(result.baseOffset, pairs, 0)
      }
      const transaction = model.transactionOf(producer)
      return model.wrote(t.write(producer, transaction, pairs).baseOffset, pairs, transaction)
    }
    case 'end': {
      const transaction = model.open.get(step.producer)
      if (transaction === undefined) return
      expect(t.end(step.producer, transaction, step.committed)).not.toHaveProperty('error')
      model.open.delete(step.producer)
      return model.ended(transaction, step.committed)
    }
    case 'clean':
      for (let i = 0; i < step.steps && t.isCleanable; i++) t.log.clean(t.now, step.maxBytes)
      return
    case 'restart':
      return t.restart()
    case 'wait':
      t.now += step.ms
  }
}

describe('a compacted log with transactions', () => {
  it('says the same as a plain map of what was committed, for any transactions, steps and restarts', () => {
    fc.assert(
      fc.property(
        fc.array(aStep, { minLength: 5, maxLength: 60 }),
        fc.integer({ min: 1, max: 600 }),
        fc.constantFrom(0, 1_000, 10_000),
        (steps, segmentBytes, deleteRetentionMs) => {
          const t = new TransactionalLog({ 'segment.bytes': segmentBytes, 'delete.retention.ms': deleteRetentionMs })
          const model = new Model()
          const check = (): void => {
            const { lastStableOffset } = t.log.bounds
            for (const maxBytes of [1, 1_000_000])
              expect(sorted(latest(t.committed(0, maxBytes)))).toEqual(sorted(model.latest(lastStableOffset)))
          }
          for (const step of steps) {
            carryOut(t, model, step)
            check()
          }
          for (const [producer, transaction] of model.open) {
            t.end(producer, transaction, false)
            model.ended(transaction, false)
          }
          // Passes enough to find the markers alone, date them, and drop them.
          for (let i = 0; i < 4; i++) {
            t.now += 10_000
            // Larger than a segment, so that it begins one.
            const last: Pairs = [['last', `${i}`.repeat(600)]]
            model.wrote(t.log.highWatermark, last, 0)
            t.put(last)
            t.clean(300)
            check()
          }
          expect(t.abortedKept).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})
