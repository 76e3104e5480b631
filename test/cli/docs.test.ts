// Every block of docs/cli.md, run in a shell as its reader would, in order, in one folder.

import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { ended, says } from './edgelog.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!.trim())

let broker: Broker
const folder = mkdtempSync(join(tmpdir(), 'edgelog-docs-'))
beforeAll(async () => {
  broker = await startBroker()
  const program = join(folder, 'edgelog')
  writeFileSync(program, `#!/bin/sh\nexec node ${JSON.stringify(join(root, 'cli/index.ts'))} "$@"\n`)
  chmodSync(program, 0o755)
})
afterAll(async () => {
  await broker.close()
})

function shell(script: string) {
  const path = [folder, dirname(process.execPath), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: path,
      XDG_CONFIG_HOME: join(folder, 'config'),
      EDGELOG_URL: broker.http.href,
      TOKEN: 'secret',
      CI: '1',
    },
  })
}

it('has blocks', () => expect(blocks.length).toBeGreaterThan(8))

it.each(blocks)('%s', async block => {
  const stays = /^edgelog (dev|tunnel)/.test(block)
  const child = shell(stays ? `exec ${block}` : block)
  const end = ended(child)
  if (stays) {
    await says(child, /Ctrl-C/)
    child.kill('SIGINT')
  }
  const { code, out, err } = await end
  expect({ code, err: code === 0 ? '' : err + out }).toEqual({ code: 0, err: '' })
})
