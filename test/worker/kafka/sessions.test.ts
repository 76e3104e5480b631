import { expect, it } from 'vitest'
import { keyOf, Sessions, type Wanted } from '../../../src/worker/kafka/sessions.ts'

const one = (partition: number, fetchOffset = 0): Wanted => ({
  topic: '',
  topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  maxBytes: 100,
})

function opened(sessions: Sessions, ...request: Parameters<Sessions['open']>) {
  const result = sessions.open(...request)
  if (typeof result === 'string') throw new Error(result)
  return result
}

it('keeps what a session wants, changes it, forgets it', () => {
  const sessions = new Sessions()
  const { session, incremental } = opened(sessions, 0, 0, [one(0), one(1)], [])
  expect(incremental).toBe(false)
  const id = session!.id
  const second = opened(sessions, id, 1, [one(1, 5), one(2)], [one(0)])
  expect(second.incremental).toBe(true)
  expect([...second.wanted.values()].map(w => [w.partition, w.fetchOffset])).toEqual([
    [1, 5],
    [2, 0],
  ])
  expect([...opened(sessions, id, 2, [], []).wanted.keys()]).toEqual([keyOf(one(1)), keyOf(one(2))])
})

it.each([
  { then: 'FETCH_SESSION_ID_NOT_FOUND', idAway: 1, epoch: 1 },
  { then: 'INVALID_FETCH_SESSION_EPOCH', idAway: 0, epoch: 3 },
])('refuses with $then', ({ idAway, epoch, then }) => {
  const sessions = new Sessions()
  const id = opened(sessions, 0, 0, [one(0)], []).session!.id
  expect(sessions.open(id + idAway, epoch, [], [])).toBe(then)
})

it('ends a session with epoch -1, and needs none for a request of its own', () => {
  const sessions = new Sessions()
  const id = opened(sessions, 0, 0, [one(0)], []).session!.id
  expect(opened(sessions, id, -1, [one(0)], [])).toMatchObject({ session: undefined, incremental: false })
  expect(sessions.open(id, 1, [], [])).toBe('FETCH_SESSION_ID_NOT_FOUND')
})

it('keeps a bounded number of sessions, the oldest giving way', () => {
  const sessions = new Sessions()
  const first = opened(sessions, 0, 0, [one(0)], []).session!.id
  for (let i = 0; i < 16; i++) opened(sessions, 0, 0, [one(0)], [])
  expect(sessions.open(first, 1, [], [])).toBe('FETCH_SESSION_ID_NOT_FOUND')
})
