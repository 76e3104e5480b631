// Every block of TypeScript in the README, docs/client.md and docs/testing.md, run as its reader would: each chapter is a program.

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { expectOk, run } from '../clients/run.ts'

const root = join(import.meta.dirname, '../..')

const folder = mkdtempSync(join(tmpdir(), 'edgelog-docs-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(async () => {
  await broker.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

interface Chapter {
  readonly title: string
  readonly code: string
}

/** What stands before the first heading is the beginning of every chapter. */
function chapters(page: string): Chapter[] {
  const [start = '', ...rest] = readFileSync(join(root, page), 'utf8').split(/^## /m)
  const blocks = (text: string): string => [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code).join('')
  return rest
    .map(text => ({ title: text.split('\n', 1)[0]!, code: blocks(text) }))
    .filter(({ code }) => code !== '')
    .map(({ title, code }) => ({ title, code: blocks(start) + code }))
}

/** Here its packages are their sources, and its broker is ours. */
const here = (code: string): string =>
  code
    .replaceAll("'edgelog/client'", `'${root}/client/index.ts'`)
    .replaceAll("'edgelog/kafkajs'", `'${root}/client/kafkajs.ts'`)
    .replaceAll("'edgelog/testing'", `'${root}/testing/index.ts'`)
    .replaceAll('http://127.0.0.1:8787', broker.http)
    .replaceAll('https://edgelog.example.com', broker.http)
    .replaceAll('wss://edgelog.example.com', broker.http.replace('http', 'ws'))

let programs = 0
async function runs({ code }: Chapter): Promise<void> {
  const file = join(folder, `chapter-${++programs}.test.ts`)
  writeFileSync(file, here(code))
  const [program, ...args] = code.includes("from 'vitest'")
    ? [join(root, 'node_modules/.bin/vitest'), 'run', '--root', folder]
    : [process.execPath, ...(code.includes("from 'node:test'") ? ['--test'] : [])]
  expectOk(await run(program!, [...args, file], { cwd: folder, env: { EDGELOG_TOKEN: 'sesame' } }))
}

describe.each(['README.md', 'docs/client.md', 'docs/testing.md'])('%s', page => {
  it.each(chapters(page))('$title', { timeout: 60_000 }, chapter => runs(chapter))
})
