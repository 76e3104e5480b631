// Where a transaction's records stand, as runs and as an answer.

import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/protocol/errors.ts'
import {
  addRun,
  decodeTransacted,
  encodeTransacted,
  type Run,
  type Transacted,
  transactedAnswer,
} from '../../src/worker/transacted.ts'
import type { TransactionBody } from '../../src/worker/transaction-body.ts'

const aTransacted = (runs: readonly (readonly [number, readonly Run[]])[]): Transacted => ({
  nowMs: 5,
  digest: 'd',
  topics: new Map([['__proto__', { partitions: 3, runs: new Map(runs) }]]),
})

const aBody = (timestamps: readonly number[], more: Partial<TransactionBody> = {}): TransactionBody => ({
  timeoutMs: 1,
  records: timestamps.map(timestamp => ({ timestamp, key: null, value: null, headers: [], partition: -1 })),
  topics: timestamps.map(() => '__proto__'),
  ...more,
})

describe('runs', () => {
  it('grow while records are neighbours of one time', () => {
    const runs: Run[] = []
    for (const run of [
      [0, 2, -1],
      [2, 3, -1],
      [6, 1, -1],
      [7, 1, 9],
      [8, 1, 9],
    ] as Run[])
      addRun(runs, run)
    expect(runs).toEqual([
      [0, 5, -1],
      [6, 1, -1],
      [7, 2, 9],
    ])
  })

  it('are the same when they were kept, whatever a topic is called', () => {
    const transacted = aTransacted([[2, [[7, 2, -1]]]])
    const kept = encodeTransacted(transacted)
    if (isFailure(kept)) throw new Error(kept.message)
    expect(decodeTransacted(kept)).toEqual(transacted)
  })

  it('are not kept in any number', () => {
    const runs = Array.from({ length: 10_000 }, (_, i): Run => [2 * i, 1, -1])
    expect(encodeTransacted(aTransacted([[0, runs]]))).toMatchObject({ error: 'POLICY_VIOLATION' })
  })
})

describe('an answer', () => {
  it('tells of each record in the order of the request', async () => {
    const transacted = aTransacted([
      [
        0,
        [
          [10, 2, -1],
          [20, 1, -1],
        ],
      ],
      [2, [[5, 1, 77]]],
    ])
    const answer = transactedAnswer(aBody([1, 2, 3, 4]), [0, 2, 0, 0], transacted)
    const at = (partition: number, offset: number, timestamp: number) => ({
      topic: '__proto__',
      partition,
      offset,
      timestamp,
    })
    expect(await answer.json()).toEqual({ records: [at(0, 10, 1), at(2, 5, 77), at(0, 11, 3), at(0, 20, 4)] })
  })

  it('tells who asked, and which offsets are committed', async () => {
    const offsets = { topic: 't', partition: 0, offset: 4 }
    const body = aBody([], {
      transactionalId: 'me "too"',
      offsets: {
        group: 'g',
        generation: -1,
        memberId: '',
        groupInstanceId: null,
        offsets: [{ ...offsets, metadata: 'm' }],
      },
    })
    expect(await transactedAnswer(body, [], aTransacted([])).json()).toEqual({
      transactionalId: 'me "too"',
      records: [],
      offsets: { group: 'g', offsets: [offsets] },
    })
  })
})
