import { describe, expect, it } from 'vitest'
import { ClusterUnderTest } from './cluster-under-test.ts'

const SECOND = 1_000
const MINUTE = 60_000

describe('errands', () => {
  it('tell every partition that it is born', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2, config: { 'edgelog.location': 'weur' } }, { name: 'b' })
    expect(cluster.calls).toEqual(['id-1-0 v1', 'id-1-1 v1', 'id-2-0 v1'])
    const [first] = cluster.pending(1)
    expect(first).toMatchObject({ place: { 'edgelog.location': 'weur' }, birth: { topic: 'a' } })
    cluster.answer(1)
    expect(cluster.calls).toEqual(['id-1-1 v1', 'id-2-0 v1'])
    cluster.answer()
    expect(cluster.calls).toEqual([])
    expect(cluster.machine.deadline(cluster.state)).toBeUndefined()
  })

  it('are there again after a restart until all have answered', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2 })
    cluster.answer(1)
    expect(cluster.restart().calls).toEqual(['id-1-0 v1', 'id-1-1 v1'])
    cluster.answer()
    expect(cluster.restart().calls).toEqual([])
  })

  it('are looked after again should the one who carries them out die', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a' })
    expect(cluster.machine.deadline(cluster.state)).toBe(cluster.nowMs + 10 * SECOND)
    cluster.nowMs += 10 * SECOND
    cluster.tick()
    expect(cluster.calls).toEqual(['id-1-0 v1'])
    expect(cluster.machine.deadline(cluster.state)).toBe(cluster.nowMs + 10 * SECOND)
  })

  it('are put off ever longer while nobody answers, and try again at once after a restart that is late enough', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a' })
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      cluster.fail()
      expect(cluster.calls).toEqual([])
      waits.push((cluster.machine.deadline(cluster.state)! - cluster.nowMs) / SECOND)
      cluster.nowMs = cluster.machine.deadline(cluster.state)!
      cluster.tick()
      expect(cluster.calls).toEqual(['id-1-0 v1'])
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
    const again = cluster.restart()
    again.tick()
    expect(again.calls).toEqual(['id-1-0 v1'])
  })

  it('tell a newer config instead of the older one, whose answer no longer counts', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2 })
    const before = cluster.pending(1)[0]!
    cluster.alter('a', [['retention.ms', '5']])
    expect(cluster.calls).toEqual(['id-1-0 v2', 'id-1-1 v2'])
    cluster.run({ type: 'carriedOut', answered: [{ ...before, partitions: [0] }], postponed: [before] })
    expect(cluster.calls).toEqual(['id-1-0 v2', 'id-1-1 v2'])
  })

  it('do not tell what has no effect', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a' })
    cluster.answer()
    cluster.alter('a', [['flush.ms', '5']])
    expect(cluster.view.topics).toMatchObject([{ config: { 'flush.ms': '5' }, configVersion: 2 }])
    expect(cluster.calls).toEqual([])
  })

  it('tell only the partitions that were added, and those still waiting', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2 })
    cluster.answer(1)
    cluster.grow('a', 4)
    expect(cluster.calls).toEqual(['id-1-1 v1', 'id-1-2 v1', 'id-1-3 v1'])
  })

  it('tell the partitions of a deleted topic that it is gone, where they live', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2, config: { 'edgelog.jurisdiction': 'eu', 'retention.ms': '5' } })
    cluster.answer()
    cluster.delete('a')
    cluster.create({ name: 'a' })
    expect(cluster.calls).toEqual(['id-1-0 gone', 'id-1-1 gone', 'id-2-0 v1'])
    const [first] = cluster.pending(1)
    expect(first).toMatchObject({ place: { 'edgelog.jurisdiction': 'eu' } })
    expect(first).not.toHaveProperty('birth')
    expect(cluster.restart().calls).toEqual(cluster.calls)
  })

  it('remove once more, late, since a birth may still have been on its way', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 2 })
    const [birth] = cluster.pending(1)
    cluster.delete('a')
    cluster.run({ type: 'carriedOut', answered: [{ ...birth!, partitions: [0, 1] }], postponed: [] })
    expect(cluster.calls).toEqual(['id-1-0 gone', 'id-1-1 gone'])
    cluster.answer()
    expect(cluster.calls).toEqual([])
    expect(cluster.machine.deadline(cluster.state)).toBe(cluster.nowMs + MINUTE)
    const again = cluster.restart()
    again.nowMs += MINUTE
    again.tick()
    expect(again.calls).toEqual(['id-1-0 gone', 'id-1-1 gone'])
    again.answer()
    expect(again.machine.deadline(again.state)).toBeUndefined()
    expect(again.restart().state.errands.size).toBe(0)
  })

  it('come in waves, skipping what failed', () => {
    const cluster = new ClusterUnderTest()
    cluster.create({ name: 'a', partitions: 3 }, { name: 'b', partitions: 2 })
    expect(cluster.pending(4).map(call => call.id)).toEqual([
      'id-1-0-tell-1',
      'id-1-1-tell-1',
      'id-1-2-tell-1',
      'id-2-0-tell-1',
    ])
  })
})
