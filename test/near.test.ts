import { afterEach, expect, it } from 'vitest'
import { endLines, Near, serve } from '../src/near.ts'

afterEach(endLines)

/** Calls before a line is opened. */
const UNTIL_OPEN = 16

/** An object that says what it was called with; `attend` may fail, as when the object is gone. */
function anObject() {
  const calls: unknown[] = []
  let gone: (error: Error) => void = () => {}
  const methods = {
    say: (word: string) => void calls.push(word),
    slowly: (answer: Promise<unknown>) => answer,
    refuse() {
      throw new RangeError('no')
    },
  }
  const attend = (line: string): Promise<boolean> =>
    Promise.race([serve(line, methods), new Promise<never>((_, reject) => (gone = reject))])
  return { calls, attend, die: (error: Error) => gone(error) }
}

/** An object and a line to it that is open. */
async function aLine() {
  const object = anObject()
  const near = new Near(object.attend)
  await opened(near)
  return { ...object, near }
}

async function opened(near: Near): Promise<void> {
  for (let i = 0; i < UNTIL_OPEN; i++) expect(near.call('say', 'far')).toBeUndefined()
  await Promise.resolve()
}

it('is called the far way until enough calls were made', async () => {
  const { calls, near } = await aLine()
  await near.call('say', 'near')
  expect(calls).toEqual(['near'])
})

it('answers what was called for, in order, and fails what fails', async () => {
  const { calls, near } = await aLine()
  const bytes = new Uint8Array(3)
  const answers = [near.call('say', 'one'), near.call('slowly', Promise.resolve(bytes)), near.call('say', 'two')]
  expect((await Promise.all(answers))[1]).toBe(bytes)
  expect(calls).toEqual(['one', 'two'])
  await expect(near.call('refuse')).rejects.toThrow(RangeError)
  await near.call('say', 'three')
  expect(calls).toEqual(['one', 'two', 'three'])
})

it('is called the far way for good where the object lives in another isolate', async () => {
  let attended = 0
  const near = new Near(() => {
    attended++
    return Promise.resolve(false)
  })
  for (let i = 0; i < 10 * UNTIL_OPEN; i++) {
    expect(near.call('say')).toBeUndefined()
    await Promise.resolve()
  }
  expect(attended).toBe(1)
})

it('fails what was called for when the object is gone, and opens again later', async () => {
  const { die, calls, near } = await aLine()
  const lost = near.call('slowly', new Promise(() => {}))!
  die(new Error('aborted'))
  await expect(lost).rejects.toThrow('aborted')
  await new Promise(resolve => setTimeout(resolve))
  await opened(near)
  await near.call('say', 'again')
  expect(calls).toEqual(['again'])
})

it('closes when everything called for has been answered', async () => {
  const { calls, near } = await aLine()
  const { promise, resolve } = Promise.withResolvers<string>()
  const answer = near.call('slowly', promise)
  const last = near.call('say', 'last')
  let isClosed = false
  const closed = near.close().then(() => (isClosed = true))
  await last
  expect(calls).toEqual(['last'])
  expect(isClosed).toBe(false)
  resolve('done')
  expect(await answer).toBe('done')
  await closed
  expect(near.call('say')).toBeUndefined()
})

it('rests when it was not used for a while', async () => {
  const { near } = await aLine()
  near.rest()
  await near.call('say', 'still there')
  near.rest()
  near.rest()
  expect(near.call('say')).toBeUndefined()
})

it('has so many lines at most', async () => {
  const nears = Array.from({ length: 1_005 }, () => new Near(anObject().attend))
  for (const near of nears) await opened(near)
  const open = nears.map(near => near.call('say', 'word')).filter(answer => answer !== undefined)
  expect(open).toHaveLength(1_000)
})

it('ends all lines when objects are to let go', async () => {
  const { calls, near } = await aLine()
  const answer = near.call('say', 'before')
  await endLines()
  await answer
  expect(near.call('say', 'after')).toBeUndefined()
  expect(calls).toEqual(['before'])
})
