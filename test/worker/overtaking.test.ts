// What a transactional producer sent behind a batch that was sent back.

import { expect, it } from 'vitest'
import { Overtaking } from '../../src/worker/overtaking.ts'

const at = (partition: number) => ({ topic: 't', partition })
const batch = (baseSequence: number, producerEpoch = 0) => ({ producerId: 7, producerEpoch, baseSequence })

it('refuses what was sent behind a batch that is to come again, until it has come', () => {
  const overtaking = new Overtaking()
  expect(overtaking.judge(at(0), batch(5))).toBeUndefined()
  overtaking.sendBack(at(0), batch(0))
  overtaking.sendBack(at(0), batch(5))
  expect(overtaking.judge(at(0), batch(9))).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  expect(overtaking.judge(at(0), batch(5))).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  expect(overtaking.judge(at(0), batch(0))).toBeUndefined()
  expect(overtaking.judge(at(0), batch(5))).toBeUndefined()
})

it('holds up neither other partitions nor a later epoch', () => {
  const overtaking = new Overtaking()
  overtaking.sendBack(at(0), batch(0))
  expect(overtaking.judge(at(1), batch(5))).toBeUndefined()
  expect(overtaking.judge(at(0), batch(5, 1))).toBeUndefined()
})

it('forgets the oldest rather than remember any number', () => {
  const overtaking = new Overtaking()
  for (let partition = 0; partition <= 1_000; partition++) overtaking.sendBack(at(partition), batch(0))
  expect(overtaking.judge(at(0), batch(5))).toBeUndefined()
  expect(overtaking.judge(at(1), batch(5))).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
})
