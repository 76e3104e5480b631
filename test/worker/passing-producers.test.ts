// Producers that requests use in turns.

import { describe, expect, it } from 'vitest'
import { PASSING_ID } from '../../src/coordinator/transaction-commands.ts'
import { PassingProducers } from '../../src/worker/passing-producers.ts'

const aProducer = (producerId: number, producerEpoch = 0) => ({
  transactionalId: `${producerId}`,
  producerId,
  producerEpoch,
})

describe('producers of an isolate', () => {
  it('are taken by one request at a time, the one that rested longest first', () => {
    const pool = new PassingProducers()
    for (const id of [1, 2]) pool.giveBack(aProducer(id), 60_000, id)
    expect(pool.take(60_000, 10)).toMatchObject(aProducer(1))
    expect(pool.take(60_000, 10)).toMatchObject(aProducer(2))
    expect(pool.take(60_000, 10)).toBeUndefined()
  })

  it('have the time that a request asks for', () => {
    const pool = new PassingProducers()
    pool.giveBack(aProducer(1), 60_000, 0)
    expect(pool.take(5_000, 1)).toBeUndefined()
    expect(pool.take(60_000, 1)).toMatchObject(aProducer(1))
  })

  it('are let go when they were idle for long, are many, or have had many epochs', () => {
    const pool = new PassingProducers()
    pool.giveBack(aProducer(1), 60_000, 0)
    expect(pool.take(60_000, 600_000)).toBeUndefined()
    pool.giveBack(aProducer(2, 30_000), 60_000, 0)
    expect(pool.take(60_000, 1)).toBeUndefined()
    for (let id = 0; id < 150; id++) pool.giveBack(aProducer(id), 60_000, 0)
    let left = 0
    while (pool.take(60_000, 1) !== undefined) left++
    expect(left).toBe(100)
  })

  it('have ids that nobody else has', () => {
    const ids = [new PassingProducers(), new PassingProducers()].map(pool => pool.newId())
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id.startsWith(PASSING_ID)).toBe(true)
  })
})
