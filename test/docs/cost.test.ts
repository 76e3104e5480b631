// The calculator of docs/cost.html, run: it computes what docs/deployment.md shows, and its own policy lets it run.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { expect, it } from 'vitest'
import { readPage, root } from './pages.ts'

const page = readFileSync(join(root, 'docs/cost.html'), 'utf8')
const textOf = (tag: string): string => new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)![1]!

const context = createContext({})
runInContext(textOf('script'), context)
const cost = (asked: string): { listed: number; billed: number } => runInContext(`cost(${asked})`, context)

const examples = [...readPage('docs/deployment.md').matchAll(/^\| `(\{.*\})` \| \$([\d.]+) \| \$([\d.]+) \|$/gm)]

it('has examples', () => expect(examples.length).toBeGreaterThan(5))

it.each(examples.map(([, asked, listed, billed]) => ({ asked: asked!, listed, billed })))(
  '$asked costs $listed, with the plan $billed',
  ({ asked, listed, billed }) => {
    const found = cost(asked)
    expect([found.listed.toFixed(2), found.billed.toFixed(2)]).toEqual([listed, billed])
  },
)

it.each(['script', 'style'])('its policy names the hash of its %s, and no other', tag => {
  const hash = createHash('sha256').update(textOf(tag)).digest('base64')
  expect(page).toContain(`${tag}-src 'sha256-${hash}'`)
  expect(page.match(new RegExp(`<${tag}\\b`, 'g'))).toHaveLength(1)
})

it('has nothing in it that its policy forbids, and loads nothing', () => {
  expect(page).toContain("default-src 'none'")
  expect(page.match(/ (style|on[a-z]+|src)="|@import|url\(/g)).toBeNull()
})
