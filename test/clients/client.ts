// Our own client where it will be run: the same program in a real browser, on a page of another origin, and in Deno, Bun and
// Node 20, against a broker that asks for a token and is killed while it is read.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { startBroker, type TestBroker } from '../../testing/index.ts'
import { type Checks, expectEqual } from './checks.ts'
import { cacheFolder, expectOk, run } from './run.ts'

const PACKAGES = {
  'playwright-core': '1.65.1',
  '@sparticuz/chromium': '153.0.0',
  deno: '2.9.6',
  bun: '1.4.5',
  node: '20.9.0',
  ws: '8.23.0',
}
const TOKEN = 'open-sesame'
const RECORDS = 500

const folder = join(cacheFolder, 'runtimes')

/** Produces, reads while the broker is killed, and says what came; `pause` asks whoever runs it to kill the broker. */
const PROGRAM = `
  import { Edgelog } from ${JSON.stringify(join(import.meta.dirname, '../../client/index.ts'))}
  export async function program(http, topic, options, kill) {
    const refused = await new Edgelog(http, { ...options, token: 'guess' }).consume(topic).next().catch(({ code }) => code)
    const edgelog = new Edgelog(http, { ...options, token: async () => '${TOKEN}' })
    for (let value = 0; value < ${RECORDS / 2}; value++) await edgelog.send(topic, { value })
    await edgelog.flush()
    const values = []
    for await (const { value } of edgelog.consume(topic, { offset: 'earliest' })) {
      values.push(value)
      if (values.length === ${RECORDS / 2}) {
        await kill()
        for (let value = ${RECORDS / 2}; value < ${RECORDS}; value++) await edgelog.send(topic, { value })
        await edgelog.flush()
      }
      if (values.length === ${RECORDS}) break
    }
    await edgelog.close()
    return { refused, values }
  }`

const EXPECTED = { refused: 'SASL_AUTHENTICATION_FAILED', values: Array.from({ length: RECORDS }, (_, i) => i) }

export async function ownClient(checks: Checks): Promise<void> {
  await checks.check('a browser, Deno, Bun and Node 20 are there', async () => {
    mkdirSync(folder, { recursive: true })
    const allowScripts = { bun: true, deno: true, node: true }
    const manifest = { private: true, type: 'module', dependencies: PACKAGES, allowScripts }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    const options = ['--prefer-offline', '--no-audit', '--no-fund']
    expectOk(await run('npm', ['install', ...options], { cwd: folder, timeoutMs: 400_000 }))
  })
  const broker = await startBroker({
    vars: { EDGELOG_LOCAL: '0', EDGELOG_ADMIN_TOKEN: TOKEN, EDGELOG_CORS: '*' },
    log: () => {},
  })
  // Whoever asks for this page kills the broker; the other one is for the browser.
  const pages = createServer((request, answer) => {
    answer.setHeader('access-control-allow-origin', '*')
    if (request.url === '/kill') void broker.restart().then(() => answer.end('killed'))
    else answer.setHeader('content-type', 'text/html').end('<!doctype html><title>A page of another origin</title>')
  })
  await new Promise<void>(resolve => pages.listen(0, '127.0.0.1', () => resolve()))
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  try {
    await inBrowser(checks, broker, origin)
    for (const { name, command, imports = '', options = '{}' } of RUNTIMES)
      await checks.check(
        `${name}: produces, reads over a broker that is killed, everything once and in order`,
        async () => {
          const file = join(folder, `${name}.mjs`)
          writeFileSync(
            file,
            `${imports}\n${await bundled()}
          const kill = async () => (await fetch('${origin}/kill')).text()
          console.log(JSON.stringify(await program('${broker.http}', '${name}', ${options}, kill)))
          process.exit(0)`,
          )
          const [bin, ...args] = command
          const { stdout } = expectOk(
            await run(join(folder, 'node_modules/.bin', bin!), [...args, file], { cwd: folder }),
          )
          expectEqual(JSON.parse(stdout), EXPECTED, name)
        },
      )
  } finally {
    pages.closeAllConnections()
    pages.close()
    await broker.close()
  }
}

interface Runtime {
  readonly name: string
  readonly command: readonly string[]
  readonly imports?: string
  readonly options?: string
}

const RUNTIMES: readonly Runtime[] = [
  { name: 'deno', command: ['deno', 'run', '--no-config', '--allow-net'] },
  { name: 'bun', command: ['bun', 'run'] },
  { name: 'node20', command: ['node'], imports: `import WebSocket from 'ws'`, options: '{ WebSocket }' },
]

const bundled = async (): Promise<string> => {
  const stdin = { contents: PROGRAM, resolveDir: import.meta.dirname, loader: 'ts' as const }
  const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'esm', logLevel: 'silent' })
  return outputFiles[0]!.text
}

async function inBrowser(checks: Checks, broker: TestBroker, origin: string): Promise<void> {
  const name = 'Chromium'
  await checks.check(`${name}: the same on a page of another origin`, async () => {
    const required = createRequire(join(folder, 'package.json'))
    const load = async (name: string): Promise<any> => import(pathToFileURL(required.resolve(name)).href)
    const { default: chromium } = await load('@sparticuz/chromium')
    const { default: playwright } = await load('playwright-core')
    const browser = await playwright.chromium.launch({
      executablePath: await chromium.executablePath(),
      args: chromium.args,
    })
    try {
      const page = await browser.newPage()
      await page.goto(origin)
      await page.addScriptTag({
        type: 'module',
        content: `${await bundled()}\nglobalThis.program = program`,
      })
      await page.waitForFunction('globalThis.program !== undefined')
      const said = await page.evaluate(
        `program('${broker.http}', '${name}', {}, async () => (await fetch('/kill')).text())`,
      )
      expectEqual(said, EXPECTED, name)
    } finally {
      await browser.close()
    }
  })
}
