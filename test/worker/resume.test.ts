import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeResume,
  MAX_LIVE_PARTITIONS,
  MAX_LIVE_TOPICS,
  MAX_TOKEN_LENGTH,
  ResumeVector,
} from '../../src/worker/resume.ts'

const ID = 'AbCdEfGhIjKlMnOpQrStUg'
const OTHER = '__________-----_-_-_-w'

function vector(...places: [topicId: string, partition: number, nextOffset: number][]): ResumeVector {
  const made = new ResumeVector()
  for (const place of places) made.set(...place)
  return made
}

it.each([
  ['nothing', [], {}],
  ['one partition at its beginning', [[ID, 0, 0]], { [ID]: { 0: 0 } }],
  [
    'some partitions, set in any order',
    [
      [ID, 7, 3],
      [ID, 2, 9],
    ],
    { [ID]: { 2: 9, 7: 3 } },
  ],
  [
    'the last place set',
    [
      [ID, 0, 1],
      [ID, 0, 5],
    ],
    { [ID]: { 0: 5 } },
  ],
  [
    'offsets up to 2^53',
    [
      [ID, 0, 2 ** 53 - 1],
      [ID, 1, 2 ** 31],
      [ID, 2, 127],
    ],
    { [ID]: { 0: 2 ** 53 - 1, 1: 2 ** 31, 2: 127 } },
  ],
  [
    'several topics',
    [
      [ID, 0, 1],
      [OTHER, 300, 2],
    ],
    { [ID]: { 0: 1 }, [OTHER]: { 300: 2 } },
  ],
] as [string, [string, number, number][], object][])('says %s, and reads it back', (_, given, then) => {
  const read = decodeResume(vector(...given).token())!
  expect(Object.fromEntries([...read].map(([id, offsets]) => [id, Object.fromEntries(offsets)]))).toEqual(then)
})

it('goes on saying where it stands as it moves', () => {
  const moving = vector([ID, 0, 0], [ID, 1, 0])
  const first = moving.token()
  moving.set(ID, 1, 4)
  expect(decodeResume(first)?.get(ID)?.get(1)).toBe(0)
  expect(decodeResume(moving.token())?.get(ID)?.get(1)).toBe(4)
})

const whole = vector([ID, 0, 1_000], [ID, 1, 77], [OTHER, 0, 5]).token()

it.each([
  ['empty', ''],
  ['not base64url', `${whole}!`],
  ['padded', `${whole}=`],
  ['cut off', whole.slice(0, -4)],
  ['cut off where a topic ends', vector([ID, 0, 1]).token().slice(0, -6)],
  ['of another version', `Ag${whole.slice(2)}`],
  ['twice itself', whole + whole],
  ['longer than may be', 'A'.repeat(MAX_TOKEN_LENGTH + 1)],
  ['words', 'latest'],
])('does not read what is %s', (_, token) => {
  expect(decodeResume(token)).toBeUndefined()
})

it('does not read a token with any one letter changed', () => {
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice(0, at) + (whole[at] === 'x' ? 'y' : 'x') + whole.slice(at + 1)
    expect(decodeResume(changed), changed).toBeUndefined()
  }
})

it('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.uint8Array().map(bytes => Buffer.from(bytes).toString('base64url')),
      ),
      token => {
        decodeResume(token)
      },
    ),
    { numRuns: 300 },
  )
})

it('fits into its bound with as many topics and partitions as a connection may read, wherever they stand', () => {
  const full = new ResumeVector()
  for (let i = 0; i < MAX_LIVE_PARTITIONS; i++) {
    const id = Buffer.alloc(16, i % MAX_LIVE_TOPICS).toString('base64url')
    full.set(id, Math.floor(i / MAX_LIVE_TOPICS) * 900 + 800, 2 ** 53 - 1)
  }
  const token = full.token()
  expect(token.length).toBeLessThanOrEqual(MAX_TOKEN_LENGTH)
  expect(decodeResume(token)?.size).toBe(MAX_LIVE_TOPICS)
})
