// Links from page to page: the file is there, and so is the heading.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { pages, readPage, root } from './pages.ts'

const links = [...pages, 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].flatMap(page =>
  [...readPage(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, to, heading]) => ({
    page,
    to: to === '' ? page : join(dirname(page), to!),
    heading,
  })),
)

/** As GitHub names headings. */
const anchorsOf = (page: string): string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

it('none is broken', () => {
  expect(links.length).toBeGreaterThan(50)
  expect(links.filter(({ to }) => !existsSync(join(root, to)))).toEqual([])
  expect(links.filter(({ to, heading }) => heading !== undefined && !anchorsOf(to).includes(heading))).toEqual([])
})
