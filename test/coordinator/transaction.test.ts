// A transactional id's whole life: who may do what, in which state, and what becomes of it.

import { describe, expect, it } from 'vitest'
import { PASSING_ID } from '../../src/coordinator/transaction-commands.ts'
import { Transactional } from '../support/transactional.ts'

const P = 4_000

describe('a producer', () => {
  it('gets an id, and with every start a new epoch', () => {
    const t = new Transactional()
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 0 })
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 1 })
    t.restart()
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 2 })
  })

  it('may not ask for more time than is allowed', () => {
    const t = new Transactional()
    expect(t.init(null, 900_001)).toMatchObject({ error: 'INVALID_TRANSACTION_TIMEOUT' })
    expect(t.init(null, 0)).toMatchObject({ error: 'INVALID_TRANSACTION_TIMEOUT' })
  })

  it('goes on after an error, is told the same twice, and is fenced by a newer one', () => {
    const t = new Transactional()
    t.init()
    expect(t.init({ producerId: P, producerEpoch: 0 })).toEqual({ producerId: P, producerEpoch: 1 })
    expect(t.init({ producerId: P, producerEpoch: 0 })).toEqual({ producerId: P, producerEpoch: 1 })
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 2 })
    expect(t.init({ producerId: P, producerEpoch: 0 })).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(t.init({ producerId: P + 77, producerEpoch: 2 })).toMatchObject({ error: 'PRODUCER_FENCED' })
  })

  it('gets another id when the epochs have run out', () => {
    const t = new Transactional()
    t.init()
    t.state.value = { ...t.state.value!, producerEpoch: 32_766 }
    const fresh = t.init()
    expect(fresh).toMatchObject({ producerEpoch: 0 })
    expect((fresh as { producerId: number }).producerId).toBeGreaterThan(P)
  })

  it('that is unknown, of another id or of another epoch can do nothing', () => {
    const unknown = new Transactional()
    expect(unknown.add(P, 0)).toMatchObject({ error: 'INVALID_PRODUCER_ID_MAPPING' })
    expect(unknown.end(P, 0, true)).toMatchObject({ error: 'INVALID_PRODUCER_ID_MAPPING' })
    const t = new Transactional()
    t.init()
    expect(t.add(P + 1, 0)).toMatchObject({ error: 'INVALID_PRODUCER_ID_MAPPING' })
    expect(t.add(P, 1)).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(t.end(P, 1, true)).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(t.end(P, 0, true)).toMatchObject({ error: 'INVALID_TXN_STATE' })
  })
})

describe('a transaction', () => {
  it('is prepared, complete when all partitions have answered, and then the next may begin', () => {
    const t = new Transactional()
    t.init()
    const first = t.add(P, 0, [0, 1]) as { transaction: number }
    expect(t.add(P, 0, [1])).toEqual(first)
    expect(t.end(P, 0, true)).toEqual({ producerId: P, producerEpoch: 0, transaction: first.transaction })
    expect(t.add(P, 0, [2])).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    expect(t.init()).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    expect(t.end(P, 0, true)).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    expect(t.end(P, 0, false)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    t.mark([1])
    expect(t.ask({ type: 'describe' })).toMatchObject({
      status: 'PrepareCommit',
      topics: [{ topic: 'orders', partitions: [0] }],
    })
    t.mark([0])
    expect(t.status).toBe('CompleteCommit')
    expect(t.end(P, 0, true)).toEqual({ producerId: P, producerEpoch: 0 })
    expect(t.end(P, 0, false)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    expect((t.add(P, 0) as { transaction: number }).transaction).toBeGreaterThan(first.transaction)
  })

  it('is marked again from the start after a restart, and not by answers to the one before', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0, [0, 1])
    const before = t.state.value!.startMs
    t.end(P, 0, false)
    t.mark([1])
    t.restart()
    expect(t.deadline).toBe(0)
    t.tick()
    expect(t.deadline).toBe(t.nowMs + 30_000)
    expect(t.state.unmarked.get('orders')).toEqual(new Set([0, 1]))
    t.mark([0, 1], before - 1)
    expect(t.status).toBe('PrepareAbort')
    t.mark([0, 1])
    expect(t.status).toBe('CompleteAbort')
  })

  it('is stored as complete half a minute after its end, unless the next one is stored before', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0)
    t.end(P, 0, true)
    t.mark()
    expect(t.status).toBe('CompleteCommit')
    expect(t.deadline).toBe(t.nowMs + 30_000)
    t.add(P, 0)
    expect(t.deadline).toBe(t.state.value!.startMs + 60_000)
    t.end(P, 0, false)
    t.mark()
    t.pass()
    t.restart()
    expect(t.status).toBe('CompleteAbort')
    expect(t.deadline).toBe(t.state.value!.updatedMs + 604_800_000)
  })

  it('that was complete in memory only is prepared after a restart, and its producer goes on once it is marked again', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0)
    const { startMs } = t.state.value!
    t.end(P, 0, true)
    t.mark()
    t.restart()
    expect(t.status).toBe('PrepareCommit')
    expect(t.deadline).toBe(0)
    expect(t.add(P, 0)).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    t.mark([0], startMs)
    expect((t.add(P, 0) as { transaction: number }).transaction).toBeGreaterThan(startMs)
  })

  it('is tried again, later each time, while a partition does not answer', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0)
    t.end(P, 0, true)
    const waits = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    for (const wait of waits) {
      t.ask({ type: 'unmarked', transaction: t.state.value!.startMs })
      expect(t.deadline! - t.nowMs).toBe(wait)
    }
  })

  it('is aborted in a new epoch when it takes too long', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0)
    expect(t.deadline).toBe(t.nowMs + 60_000)
    t.nowMs += 60_000
    t.tick()
    expect(t.state.value).toMatchObject({ status: 'PrepareAbort', producerEpoch: 1 })
    t.mark()
    expect(t.end(P, 0, true)).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 2 })
  })

  it.each([0, 2])('lets its producer go on in the next epoch when it took too long, of version %i', version => {
    const t = new Transactional()
    t.init()
    t.add(P, 0, [0], version)
    t.nowMs += 60_000
    t.tick()
    t.mark()
    const wrote = { producerId: P, producerEpoch: 0 }
    const error = version === 2 ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED'
    expect(t.end(P, 0, true, version)).toMatchObject({ error })
    expect(t.init(wrote)).toEqual({ producerId: P, producerEpoch: 1 })
    expect(t.init({ producerId: P, producerEpoch: 1 })).toEqual({ producerId: P, producerEpoch: 2 })
    expect(t.init(wrote)).toMatchObject({ error: 'PRODUCER_FENCED' })
  })

  it('is aborted for a producer that starts anew, which asks again meanwhile', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0)
    expect(t.init()).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    expect(t.status).toBe('PrepareAbort')
    t.mark()
    expect(t.init()).toEqual({ producerId: P, producerEpoch: 2 })
  })

  it('vouches for its partitions only', () => {
    const t = new Transactional()
    t.init()
    const verify = (partition: number) =>
      t.ask({ type: 'verify', producerId: P, producerEpoch: 0, partitions: [{ topic: 'orders', partition }] })
    expect(verify(0)).toMatchObject({ error: 'TRANSACTION_ABORTABLE' })
    const added = t.add(P, 0)
    expect(verify(0)).toEqual(added)
    expect(verify(1)).toMatchObject({ error: 'TRANSACTION_ABORTABLE' })
    t.end(P, 0, true)
    expect(verify(0)).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
  })

  it('has a bounded number of partitions', () => {
    const t = new Transactional()
    t.init()
    expect(t.add(P, 0, [...Array(10_001).keys()])).toMatchObject({ error: 'POLICY_VIOLATION' })
  })
})

describe('a transaction whose end raises the epoch', () => {
  it('tells the new epoch, also when asked again', () => {
    const t = new Transactional()
    t.init()
    t.add(P, 0, [0], 2)
    expect(t.end(P, 0, true, 2)).toMatchObject({ producerId: P, producerEpoch: 1 })
    expect(t.end(P, 0, true, 2)).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    expect(t.end(P, 0, false, 2)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    t.mark()
    t.pass()
    t.restart()
    expect(t.end(P, 0, true, 2)).toEqual({ producerId: P, producerEpoch: 1 })
    expect(t.end(P, 0, false, 2)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    expect(t.end(P, 1, true, 2)).toMatchObject({ error: 'INVALID_TXN_STATE' })
    expect(t.add(P, 0, [0], 2)).toMatchObject({ error: 'PRODUCER_FENCED' })
    expect(t.add(P, 1, [0], 2)).toHaveProperty('transaction')
  })

  it('may be an abort of nothing', () => {
    const t = new Transactional()
    t.init()
    expect(t.end(P, 0, false, 2)).toEqual({ producerId: P, producerEpoch: 1 })
    expect(t.status).toBe('CompleteAbort')
    expect(t.end(P, 1, false, 2)).toEqual({ producerId: P, producerEpoch: 2 })
  })

  it('goes on with another producer id when the epochs have run out', () => {
    const t = new Transactional()
    t.init()
    t.state.value = { ...t.state.value!, producerEpoch: 32_766 }
    t.add(P, 32_766, [0], 2)
    const next = t.end(P, 32_766, true, 2) as { producerId: number; producerEpoch: number }
    expect(next.producerEpoch).toBe(0)
    expect(t.state.value).toMatchObject({ producerId: P, producerEpoch: 32_767, nextProducerId: next.producerId })
    t.mark()
    t.pass()
    t.restart()
    expect(t.state.value).toMatchObject({ producerId: next.producerId, producerEpoch: 0, previousProducerId: P })
    expect(t.end(P, 32_766, true, 2)).toEqual({ producerId: next.producerId, producerEpoch: 0 })
    expect(t.init({ producerId: P, producerEpoch: 32_766 })).toMatchObject({ error: 'PRODUCER_FENCED' })
  })
})

it('is forgotten when nobody has used it for a week', () => {
  const t = new Transactional()
  t.init()
  t.nowMs += 604_800_000
  t.tick()
  expect(t.status).toBeUndefined()
  expect(t.stored!.value).toBeNull()
})

describe('a request that is made once', () => {
  const kept = (key: string) => ({ key, answer: new TextEncoder().encode(`answer of ${key}`) })
  const initOnce = (t: Transactional, key: string) =>
    t.ask({ type: 'initOnce', key, timeoutMs: 60_000, freshProducerId: P })
  const commit = (t: Transactional, key: string) => {
    const me = initOnce(t, key) as { producerId: number; producerEpoch: number }
    t.add(me.producerId, me.producerEpoch, [0], 2)
    t.ask({ type: 'end', ...me, committed: true, clientVersion: 2, freshProducerId: -1, kept: kept(key) })
    return me
  }

  it('has its answer from the moment it is decided, and after restarts', () => {
    const t = new Transactional()
    commit(t, 'a')
    expect(t.status).toBe('PrepareCommit')
    expect(initOnce(t, 'a')).toEqual({ answer: kept('a').answer })
    expect(initOnce(t, 'b')).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    t.mark()
    t.pass()
    t.restart()
    expect(initOnce(t, 'a')).toEqual({ answer: kept('a').answer })
    expect(initOnce(t, 'b')).toMatchObject({ producerEpoch: 2 })
    expect(initOnce(t, 'a')).toEqual({ answer: kept('a').answer })
  })

  it('has none that was aborted, or whose producer was fenced before its end', () => {
    const t = new Transactional()
    const me = initOnce(t, 'a') as { producerId: number; producerEpoch: number }
    t.add(me.producerId, me.producerEpoch, [0], 2)
    expect(initOnce(t, 'a')).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' })
    t.mark()
    const again = initOnce(t, 'a') as { producerId: number; producerEpoch: number }
    expect(again.producerEpoch).toBeGreaterThan(me.producerEpoch)
    const end = { type: 'end', committed: true, clientVersion: 2, freshProducerId: -1, kept: kept('a') } as const
    expect(t.ask({ ...end, ...me })).toMatchObject({ error: 'PRODUCER_FENCED' })
    t.add(again.producerId, again.producerEpoch, [0], 2)
    expect(t.ask({ ...end, ...again, committed: false })).not.toHaveProperty('error')
    t.mark()
    expect(initOnce(t, 'a')).not.toHaveProperty('answer')
  })

  it('is remembered beside the last five, for 15 minutes', () => {
    const t = new Transactional()
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      commit(t, key)
      t.mark()
    }
    for (const key of ['b', 'c', 'd', 'e', 'f']) expect(initOnce(t, key)).toHaveProperty('answer')
    expect(initOnce(t, 'a')).not.toHaveProperty('answer')
    t.nowMs += 900_000
    commit(t, 'g')
    t.mark()
    expect(t.state.value!.answers.map(({ key }) => key)).toEqual(['g'])
  })
})

describe('an id made up for a request', () => {
  it('is forgotten 15 minutes after its last transaction, others after a week', () => {
    for (const [id, keptMs] of [
      [`${PASSING_ID}x`, 900_000],
      ['orders', 604_800_000],
    ] as const) {
      const t = new Transactional(id)
      t.init()
      expect(t.deadline).toBe(t.nowMs + keptMs)
      t.nowMs += keptMs
      t.tick()
      expect(t.state.value).toBeUndefined()
      expect(t.stored!.value).toBeNull()
    }
  })
})
