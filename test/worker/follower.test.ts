import { expect, it } from 'vitest'
import { type Ask, decodeAsk, encodeTold, type Told } from '../../src/log/followers.ts'
import { failure } from '../../src/protocol/errors.ts'
import { Follower } from '../../src/worker/follower.ts'

/** The log's end of a follower's socket, for a test to speak through. */
class Line extends EventTarget {
  readonly asked: Ask[] = []
  closed = false
  binaryType = ''
  accept(): void {}
  send(bytes: Uint8Array): void {
    this.asked.push(decodeAsk(bytes))
  }
  close(): void {
    this.closed = true
  }
  tell(told: Told): void {
    const data = encodeTold(told).slice().buffer
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
  cut(): void {
    this.dispatchEvent(new Event('close'))
  }
}

const bounds = { logStartOffset: 0, highWatermark: 9, lastStableOffset: 9 }
const data = (position: number, nextOffset: number): Told => ({
  type: 'data',
  position,
  nextOffset,
  records: new Uint8Array(10),
  ...bounds,
})

async function aFollower(offset = 0, creditBytes = 100) {
  const lines: Line[] = []
  const dialled: { offset: number; creditBytes: number }[] = []
  const follower = await Follower.open(
    async ask => {
      dialled.push(ask)
      lines.push(new Line())
      return { webSocket: lines.at(-1) } as unknown as Response
    },
    { offset, creditBytes },
  )
  if ('error' in follower) throw new Error(follower.message)
  return { follower, lines, dialled }
}

it('brings records in order and drops what is not next', async () => {
  const { follower, lines } = await aFollower()
  lines[0]!.tell(data(0, 3))
  lines[0]!.tell(data(0, 3))
  lines[0]!.tell(data(5, 6))
  lines[0]!.tell(data(3, 5))
  expect(await follower.next()).toMatchObject({ position: 0, nextOffset: 3 })
  expect(await follower.next()).toMatchObject({ position: 3, nextOffset: 5 })
  expect(follower.nextOffset).toBe(5)
})

it('says where it is and what it may still get when the log has forgotten', async () => {
  const { follower, lines } = await aFollower()
  lines[0]!.tell(data(0, 3))
  follower.credit(50)
  lines[0]!.tell({ type: 'where' })
  expect(lines[0]!.asked).toEqual([
    { type: 'credit', creditBytes: 50 },
    { type: 'seek', offset: 3, creditBytes: 140 },
  ])
})

it('dials again from the next offset when the socket is cut', async () => {
  const { follower, lines, dialled } = await aFollower()
  lines[0]!.tell(data(0, 3))
  lines[0]!.cut()
  follower.credit(1)
  await expect.poll(() => dialled.length).toBe(2)
  expect(dialled[1]).toEqual({ offset: 3, creditBytes: 91 })
  lines[1]!.tell(data(3, 4))
  expect([await follower.next(), await follower.next()]).toMatchObject([{ nextOffset: 3 }, { nextOffset: 4 }])
})

it('keeps only the latest of the notices nobody has read', async () => {
  const { follower, lines } = await aFollower()
  lines[0]!.tell({ type: 'end', ...bounds, highWatermark: 1 })
  lines[0]!.tell({ type: 'end', ...bounds, highWatermark: 2 })
  expect(await follower.next()).toMatchObject({ type: 'end', highWatermark: 2 })
})

it('ends with the error it is told', async () => {
  const { follower, lines } = await aFollower()
  lines[0]!.tell({ type: 'error', error: 'OFFSET_OUT_OF_RANGE', message: 'gone', logStartOffset: 7 })
  expect(await follower.next()).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE', logStartOffset: 7 })
  expect(lines[0]!.closed).toBe(true)
})

it('answers a refusal at the door as a failure', async () => {
  const refused = await Follower.open(async () => Response.json(failure('UNKNOWN_TOPIC_ID')), {
    offset: 0,
    creditBytes: 0,
  })
  expect(refused).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
})
