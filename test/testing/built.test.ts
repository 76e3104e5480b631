import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { built } from '../../testing/built.ts'

let root: string
let builds: number
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'edgelog-built-'))
  builds = 0
  mkdirSync(join(root, 'src/deep'), { recursive: true })
  writeFileSync(join(root, 'src/a.ts'), 'a')
  writeFileSync(join(root, 'src/deep/b.ts'), 'b')
  writeFileSync(join(root, 'lock.json'), '{}')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const build = async (how: unknown = 'so', of = ['src', 'lock.json']): Promise<string> =>
  Buffer.from(await built(root, 'thing', { of, how }, async () => Buffer.from(`build ${++builds}`))).toString()

describe('what was built before', () => {
  it('is found again while nothing has changed', async () => {
    expect(await build()).toBe('build 1')
    expect(await build()).toBe('build 1')
    expect(builds).toBe(1)
  })

  const changes: Record<string, () => void> = {
    'a file has changed': () => writeFileSync(join(root, 'src/deep/b.ts'), 'B'),
    'a file has come': () => writeFileSync(join(root, 'src/deep/c.ts'), ''),
    'a file has gone': () => rmSync(join(root, 'src/a.ts')),
    'a file has another name': () => {
      rmSync(join(root, 'src/a.ts'))
      writeFileSync(join(root, 'src/z.ts'), 'a')
    },
    'text has moved from one file into another': () => {
      writeFileSync(join(root, 'src/a.ts'), 'ab')
      writeFileSync(join(root, 'src/deep/b.ts'), '')
    },
    'other packages were installed': () => writeFileSync(join(root, 'lock.json'), '{"a":1}'),
  }
  it.each(Object.entries(changes))('is built again when %s', async (_, change) => {
    await build()
    change()
    expect(await build()).toBe('build 2')
  })

  it('is built again when it is built in another way, and both are kept', async () => {
    expect(await build({ minify: false })).toBe('build 1')
    expect(await build({ minify: true })).toBe('build 2')
    expect(await build({ minify: false })).toBe('build 1')
  })

  it('is built each time where it cannot be kept or told', async () => {
    writeFileSync(join(root, 'node_modules'), 'not a folder')
    expect(await build()).toBe('build 1')
    expect(await build()).toBe('build 2')
    expect(await build('so', ['src', 'missing.json'])).toBe('build 3')
  })

  it('does not pile up', async () => {
    for (let how = 0; how < 20; how++) await build(how)
    expect(readdirSync(join(root, 'node_modules/.cache/edgelog')).length).toBeLessThan(10)
    expect(await build(19)).toBe('build 20')
  })
})
