// Every block of shell in README and docs, run as its reader would: in order, a folder and a broker for each page. Blocks
// with programs that npm does not bring (kcat, Kafka's tools) are left to test/clients/docs.ts.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { ended, says } from '../cli/edgelog.ts'
import { blocksOf, needsMore, pages, RUN, root } from './pages.ts'

const folder = mkdtempSync(join(tmpdir(), 'edgelog-docs-'))
const programs = join(folder, 'bin')
mkdirSync(programs)
beforeAll(() => {
  const cli = join(root, 'cli/index.ts')
  program('edgelog', `exec ${JSON.stringify(process.execPath)} ${JSON.stringify(cli)} "$@"`)
  // An answer that is an error fails the block.
  program('curl', `PATH=\${PATH#*:}\nexec curl --fail-with-body -sS "$@"`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

function program(name: string, script: string): void {
  const file = join(programs, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

/** What runs until it is ended, and what it says when it is up. */
const stays = [
  { block: /^edgelog (dev|tunnel)/, up: /Ctrl-C/ },
  { block: /^curl -N/, up: /^data: /m },
]

it('knows what every block of every page is', () => {
  expect(pages.flatMap(page => blocksOf(page).filter(({ language }) => !RUN.has(language)))).toEqual([])
})

const withShell = pages
  .map(page => ({ page, blocks: blocksOf(page).filter(({ language, text }) => language === 'sh' && !needsMore(text)) }))
  .filter(({ blocks }) => blocks.length > 0)

describe.each(withShell)('$page', ({ blocks }) => {
  let broker: Broker
  let home: string
  beforeAll(async () => {
    home = mkdtempSync(join(folder, 'page-'))
    broker = await startBroker()
  })
  afterAll(() => broker.close())

  function shell(script: string) {
    const path = [programs, dirname(process.execPath), join(root, 'node_modules/.bin'), process.env['PATH']]
    return spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
      cwd: home,
      env: {
        ...process.env,
        PATH: path.join(delimiter),
        XDG_CONFIG_HOME: join(home, 'config'),
        EDGELOG_URL: broker.http.href,
        TOKEN: 'secret',
        CI: '1',
      },
    })
  }

  it.each(blocks)('$text', async ({ text }) => {
    const script = text
      .replaceAll('localhost:8787', broker.http.host)
      .replaceAll('localhost:9092', `localhost:${broker.kafka}`)
    const staying = stays.find(({ block }) => block.test(text))
    const child = shell(staying ? `exec ${script}` : script)
    const end = ended(child)
    if (staying) {
      await says(child, staying.up)
      child.kill('SIGINT')
    }
    const { code, out, err } = await end
    if (staying) expect([0, 130, null]).toContain(code)
    else expect({ code, err: code === 0 ? '' : err + out }).toEqual({ code: 0, err: '' })
  })
})
