// Transactions in one partition: what is open, what is stable, what was aborted, and what is too late.

import { describe, expect, it } from 'vitest'
import { isControl, isTransactional, readBatches } from '../../src/log/batch.ts'
import type { Aborted } from '../../src/log/fetch.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { aBatch, opened, TestLog } from '../support/log.ts'

class TransactionalLog extends TestLog {
  readonly #sequences = new Map<string, number>()

  write(producerId: number, transaction: number | undefined, value: string, producerEpoch = 0) {
    const key = `${producerId}/${producerEpoch}`
    const baseSequence = this.#sequences.get(key) ?? 0
    const records = aBatch([value], { producerId, producerEpoch, baseSequence, transactional: true })
    const result = this.log.append({ records, ...(transaction !== undefined && { transaction }) }, this.now)
    if (!isFailure(result)) this.#sequences.set(key, baseSequence + 1)
    this.commit()
    return result
  }

  end(producerId: number, transaction: number, committed: boolean, producerEpoch = 0) {
    const result = this.log.endTransaction({ producerId, producerEpoch, transaction, committed }, this.now)
    this.commit()
    return result
  }

  /** What a read_committed reader sees, as Kafka's clients work it out of batches and aborted transactions. */
  committed(offset = 0): string[] {
    const read = this.log.read({ offset, maxBytes: 1_048_576, isolation: 'read_committed' })
    if ('error' in read) throw new Error(read.message)
    return seen(read.records, read.aborted!)
  }

  get stable(): number {
    return this.log.bounds.lastStableOffset
  }
}

function seen(records: Uint8Array, aborted: readonly Aborted[]): string[] {
  const waiting = [...aborted]
  const aborting = new Set<number>()
  return readBatches(records).flatMap(batch => {
    while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.baseOffset + batch.lastOffsetDelta)
      aborting.add(waiting.shift()!.producerId)
    if (isControl(batch)) {
      if (batch.bytes[batch.bytes.length - 1 - 6 - 1 - 1] === 0) aborting.delete(batch.producerId)
      return []
    }
    if (isTransactional(batch) && aborting.has(batch.producerId)) return []
    return opened(batch.bytes).map(({ value }) => value)
  })
}

it('takes the first batch of an epoch that a marker has begun before those sent after it', () => {
  const log = new TransactionalLog()
  log.write(1, 100, 'a', 0)
  log.end(1, 100, true, 1)
  const write = (baseSequence: number, value: string) => {
    const records = aBatch([value], { producerId: 1, producerEpoch: 1, baseSequence, transactional: true })
    return log.log.append({ records, transaction: 200 }, log.now)
  }
  expect(write(1, 'second')).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  expect(write(0, 'first')).toMatchObject({ baseOffset: 2 })
  expect(write(1, 'second')).toMatchObject({ baseOffset: 3 })
})

describe('an open transaction', () => {
  it('holds back what comes after it from readers of what is committed', () => {
    const log = new TransactionalLog()
    log.append(aBatch(['before']))
    log.write(1, 100, 'a')
    log.append(aBatch(['after']))
    expect(log.stable).toBe(1)
    expect(log.committed()).toEqual(['before'])
    expect(log.read(0).map(({ value }) => value)).toEqual(['before', 'a', 'after'])
    log.end(1, 100, true)
    expect(log.stable).toBe(4)
    expect(log.committed()).toEqual(['before', 'a', 'after'])
  })

  it('is not to be seen when it was aborted', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'gone')
    log.write(2, 200, 'kept')
    log.end(1, 100, false)
    expect(log.stable).toBe(1)
    log.end(2, 200, true)
    log.write(1, 101, 'later')
    log.end(1, 101, true)
    expect(log.committed()).toEqual(['kept', 'later'])
  })

  it('ends for readers when its marker is durable, not before', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'a')
    log.log.endTransaction({ producerId: 1, producerEpoch: 0, transaction: 100, committed: true }, log.now)
    expect(log.stable).toBe(0)
    log.commit()
    expect(log.stable).toBe(2)
  })

  it('is still open after a restart, also over many segments', () => {
    const log = new TransactionalLog({ 'segment.bytes': 200 })
    log.write(1, 100, 'a')
    for (let i = 0; i < 10; i++) log.append(aBatch([`other ${i}`]))
    log.restart()
    expect(log.stable).toBe(0)
    expect(log.write(1, 100, 'b')).not.toHaveProperty('error')
    log.end(1, 100, false)
    log.restart()
    expect(log.stable).toBe(13)
    expect(log.committed()).toEqual(Array.from({ length: 10 }, (_, i) => `other ${i}`))
    expect(log.end(1, 100, false)).toMatchObject({ duplicate: true, baseOffset: -1 })
  })

  it('outlives the expiry of producers', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'a')
    log.now += 2 * 86_400_000
    log.log.retain(log.now)
    expect(log.log.activeProducers()).toMatchObject([{ producerId: 1, currentTxnStartOffset: 0, coordinatorEpoch: -1 }])
    log.end(1, 100, true)
    log.now += 2 * 86_400_000
    log.log.retain(log.now)
    expect(log.log.activeProducers()).toEqual([])
  })
})

describe('what comes late', () => {
  const INVALID = { error: 'INVALID_TXN_STATE' }

  it('is a batch whose transaction has ended', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'a')
    log.end(1, 100, false)
    expect(log.write(1, 100, 'late')).toMatchObject(INVALID)
    log.restart()
    expect(log.write(1, 100, 'late')).toMatchObject(INVALID)
    expect(log.write(1, 101, 'next')).not.toHaveProperty('error')
  })

  it('is a batch of a transaction that ended before anything of it came', () => {
    const log = new TransactionalLog()
    log.end(1, 100, false)
    log.restart()
    expect(log.write(1, 100, 'late')).toMatchObject(INVALID)
  })

  it('is a marker of the transaction before', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'a')
    log.end(1, 100, true)
    log.write(1, 101, 'b')
    expect(log.end(1, 100, true)).toMatchObject({ duplicate: true })
    expect(log.stable).toBe(2)
  })

  it('is a batch of a fenced epoch, and a marker of one', () => {
    const log = new TransactionalLog()
    log.write(1, 100, 'a')
    log.end(1, 100, false, 1)
    expect(log.write(1, 100, 'zombie')).toMatchObject({ error: 'INVALID_PRODUCER_EPOCH' })
    expect(log.write(1, 101, 'next', 1)).not.toHaveProperty('error')
    expect(log.end(1, 100, false, 0)).toMatchObject({ duplicate: true })
    expect(log.log.endTransaction({ producerId: 1, producerEpoch: 0, committed: true }, 0)).toMatchObject({
      error: 'INVALID_PRODUCER_EPOCH',
    })
    expect(log.stable).toBe(2)
  })

  it('is a batch without a transaction, or a plain one amid a transaction', () => {
    const log = new TransactionalLog()
    expect(log.write(1, undefined, 'a')).toMatchObject(INVALID)
    log.write(1, 100, 'a')
    const plain = aBatch(['b'], { producerId: 1, producerEpoch: 0, baseSequence: 1 })
    expect(log.append(plain)).toMatchObject(INVALID)
  })

  it('is a repeated batch, which is answered as the first time', () => {
    const log = new TransactionalLog()
    const records = () => aBatch(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true })
    log.log.append({ records: records(), transaction: 100 }, log.now)
    log.end(1, 100, true)
    expect(log.log.append({ records: records(), transaction: 100 }, log.now)).toMatchObject({
      duplicate: true,
      baseOffset: 0,
    })
  })
})

it('forgets aborted transactions with the records they were about', () => {
  const log = new TransactionalLog({ 'segment.bytes': 100 })
  for (let i = 0; i < 5; i++) {
    log.write(1, 100 + i, 'gone')
    log.end(1, 100 + i, false)
  }
  expect([...log.storage.store().abortedFrom(0)]).toHaveLength(5)
  log.log.deleteRecords(6, log.now)
  expect([...log.storage.store().abortedFrom(0)]).toHaveLength(2)
  expect(log.committed(6)).toEqual([])
})

it('knows after a restart what was open when several transactions were written into a new segment at once', () => {
  const log = new TransactionalLog({ 'segment.bytes': 300 })
  const append = (producerId: number, transaction: number, baseSequence: number) =>
    log.log.append(
      {
        records: aBatch(['x'], { producerId, producerEpoch: 0, baseSequence, transactional: true }),
        transaction,
      },
      log.now,
    )
  for (let i = 0; i < 3; i++) log.append(aBatch(['plain']))
  append(1, 100, 0)
  log.log.endTransaction({ producerId: 1, producerEpoch: 0, transaction: 100, committed: true }, log.now)
  append(1, 101, 1)
  append(2, 200, 0)
  log.commit()
  expect(log.stable).toBe(5)
  log.restart()
  expect(log.stable).toBe(5)
  expect(append(1, 101, 2)).not.toHaveProperty('error')
  expect(append(1, 100, 3)).toMatchObject({ error: 'INVALID_TXN_STATE' })
})
