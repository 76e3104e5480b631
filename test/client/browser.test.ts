// The client in a real Chromium, in a page of another origin than the broker's, whose broker is killed on the way.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { launchChromium } from '../support/chromium.ts'

const RECORDS = 100

/** Reads and writes until it has seen everything; asks for a token as pages do that have a session. */
const PROGRAM = `
  import { Edgelog } from '../../client/index.ts'
  window.run = async (url, count) => {
    const edgelog = new Edgelog(url, { token: async () => 'sesame' })
    const sent = []
    const produced = (async () => {
      for (let i = 0; i < count; i++) {
        sent.push((await edgelog.produce('t', { key: 'k', value: i })).offset)
        if (i === 20) window.restart()
      }
    })()
    await edgelog.produce('t', { key: 'k', value: -1 })
    const seen = []
    for await (const { offset, value } of edgelog.consume('t', { offset: 'earliest' })) {
      if (value >= 0) seen.push([offset, value])
      if (seen.length === count) break
    }
    await produced
    await edgelog.close()
    return { sent, seen }
  }
`

let pages: Server
let broker: TestBroker
let browser: Browser
let origin: string

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
  })
  pages = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8')
    answer.end(`<!doctype html><script type="module">${outputFiles[0]!.text}</script>`)
  }).listen(0, '127.0.0.1')
  await once(pages, 'listening')
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  ;[broker, browser] = await Promise.all([
    startBroker({ vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: 'sesame', EDGELOG_CORS: origin } }),
    launchChromium(),
  ])
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await broker?.close()
  pages?.close()
})

it('produces and consumes in order and once, over a broker that is killed', { timeout: 60_000 }, async () => {
  const page = await browser.newPage()
  const restarted = new Promise<void>(resolve => {
    void page.exposeFunction('restart', () => void broker.restart().then(resolve))
  })
  await page.goto(origin)
  const { sent, seen } = await page.evaluate<{ sent: number[]; seen: [number, number][] }, [string, number]>(
    ([url, count]) => (globalThis as any).run(url, count),
    [broker.http, RECORDS],
  )
  await restarted
  expect(seen.map(([, value]) => value)).toEqual(Array.from({ length: RECORDS }, (_, i) => i))
  expect(seen.map(([offset]) => offset)).toEqual(sent)
  await page.close()
})
