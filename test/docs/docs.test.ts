// Every block of TypeScript in README and docs, run as its reader would: each chapter is a program. Blocks of JavaScript are
// for a browser's console, and run until they have printed something.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Edgelog } from '../../client/index.ts'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { ended, says } from '../cli/edgelog.ts'
import { expectOk, run } from '../clients/run.ts'
import { blocksOf, pages, readPage, root } from './pages.ts'

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
  const [start = '', ...rest] = readPage(page).split(/^## /m)
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
    .replaceAll(/http:\/\/(127\.0\.0\.1|localhost):8787/g, broker.http)
    .replaceAll('ws://localhost:8787', broker.http.replace('http', 'ws'))
    .replaceAll('localhost:9092', broker.kafka)
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

const withPrograms = pages
  .map(page => ({ page, programs: chapters(page) }))
  .filter(({ programs }) => programs.length > 0)

describe.each(withPrograms)('$page', ({ programs }) => {
  it.each(programs)('$title', { timeout: 60_000 }, chapter => runs(chapter))
})

const inBrowsers = pages.flatMap(page =>
  blocksOf(page)
    .filter(({ language }) => language === 'js')
    .map(({ text }) => ({ page, text })),
)

it.each(inBrowsers)('$page, in a console: $text', async ({ text }) => {
  await new Edgelog(broker.http).produce('hello', { value: 'seen' })
  const script = text.replaceAll("'/v1/", `'${broker.http}/v1/`)
  const child = spawn(process.execPath, ['--experimental-eventsource', '-e', script])
  const end = ended(child)
  await says(child, /seen/)
  child.kill()
  await end
})
