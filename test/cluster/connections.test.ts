import { expect, it } from 'vitest'
import {
  type Announced,
  readActivity,
  readAnnounced,
  writeActivity,
  writeAnnounced,
} from '../../src/cluster/connections.ts'
import { activity } from '../support/connections.ts'

const announced: Announced = {
  connectionId: 'c',
  kind: 'sse',
  openedMs: 1,
  remoteAddress: '10.0.0.1:4',
  userAgent: null,
}

it('reads what was written', () => {
  expect(readAnnounced(writeAnnounced(announced))).toEqual(announced)
  expect(readActivity(writeActivity(5, activity))).toEqual({ round: 5, activity })
})

it('clips what clients chose, so that every message can be read', () => {
  const long = '\u0001'.repeat(100_000)
  expect(readAnnounced(writeAnnounced({ ...announced, userAgent: long }))?.userAgent).toBe('\u0001'.repeat(200))
  const most = {
    ...activity,
    clientId: long,
    clientSoftwareName: long,
    clientSoftwareVersion: long,
    group: long,
    transactionalId: long,
    topics: Array.from({ length: 1_000 }, () => long),
  }
  expect(readActivity(writeActivity(1, most))?.activity).toMatchObject({
    clientId: '\u0001'.repeat(200),
    topics: Array.from({ length: 20 }, () => '\u0001'.repeat(200)),
  })
})

it.each(['', '7', 'null', '{"kind":"fax"}', `{"kind":"sse","x":"${'x'.repeat(70_000)}"}`])('takes no %.20s', text =>
  expect(readAnnounced(text)).toBeUndefined(),
)
