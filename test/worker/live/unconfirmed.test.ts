import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Place } from '../../../src/worker/live/session.ts'
import { Unconfirmed } from '../../../src/worker/live/unconfirmed.ts'
import { aTopic } from '../../support/live.ts'

const places = [0, 1, 2].map((partition): Place => ({ topic: aTopic, partition, offset: 0 }))
const firstsOf = (unconfirmed: Unconfirmed): Record<number, number> =>
  Object.fromEntries([...unconfirmed.firsts()].map(([{ partition }, offset]) => [partition, offset]))

it('commits up to the first record that is not confirmed, partition by partition', () => {
  const unconfirmed = new Unconfirmed()
  for (const offset of [5, 6, 9]) unconfirmed.sent(places[0]!, offset)
  unconfirmed.sent(places[1]!, 3)
  unconfirmed.sent(places[0]!, 10)
  expect(firstsOf(unconfirmed)).toEqual({ 0: 5, 1: 3 })
  unconfirmed.confirm(2)
  expect(firstsOf(unconfirmed)).toEqual({ 0: 9, 1: 3 })
  unconfirmed.confirm(2)
  expect(firstsOf(unconfirmed)).toEqual({ 0: 10 })
  unconfirmed.confirm(1_000)
  expect(firstsOf(unconfirmed)).toEqual({})
  unconfirmed.sent(places[0]!, 11)
  expect(firstsOf(unconfirmed)).toEqual({ 0: 11 })
})

it('counts records of a partition that is gone where others are confirmed after them', () => {
  const unconfirmed = new Unconfirmed()
  unconfirmed.sent(places[0]!, 1)
  unconfirmed.sent(places[1]!, 1)
  unconfirmed.forget(places[0]!)
  const again: Place = { ...places[0]! }
  unconfirmed.sent(again, 1)
  expect(unconfirmed.firsts()).toEqual(
    new Map([
      [places[1]!, 1],
      [again, 1],
    ]),
  )
  unconfirmed.confirm(1)
  expect(unconfirmed.firsts().get(places[1]!)).toBe(1)
  unconfirmed.confirm(1)
  expect(unconfirmed.firsts()).toEqual(new Map([[again, 1]]))
})

it('is what a plain list of records would be', () => {
  const action = fc.oneof(
    fc.record({ sent: fc.nat(2), skip: fc.nat(2) }),
    fc.record({ confirm: fc.nat(8) }),
    fc.record({ done: fc.nat(2), back: fc.nat(6) }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), actions => {
      const unconfirmed = new Unconfirmed()
      let list: { partition: number; offset: number; done: boolean }[] = []
      const next = [0, 0, 0]
      for (const one of actions) {
        if ('sent' in one) {
          const offset = next[one.sent]! + one.skip
          next[one.sent] = offset + 1
          unconfirmed.sent(places[one.sent]!, offset)
          list.push({ partition: one.sent, offset, done: false })
        } else if ('confirm' in one) {
          unconfirmed.confirm(one.confirm)
          list = list.slice(one.confirm)
        } else {
          const below = Math.max(0, next[one.done]! - one.back)
          unconfirmed.doneBelow(places[one.done]!, below)
          for (const record of list) if (record.partition === one.done && record.offset < below) record.done = true
        }
        expect(unconfirmed.size).toBe(list.length)
        // Where offsets are left out, what is done below may lie in between.
        const firsts = firstsOf(unconfirmed)
        for (const partition of [0, 1, 2]) {
          const first = list.find(record => record.partition === partition && !record.done)
          if (first === undefined) expect(firsts[partition]).toBeUndefined()
          else expect(firsts[partition]).toBe(first.offset)
        }
      }
    }),
  )
})
