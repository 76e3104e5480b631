// franz-go's client of a registry (registry.go), built with Go in the cache folder from modules as Go fetches them.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Checks, expectEqual } from './checks.ts'
import { cacheFolder, expectOk, run } from './run.ts'

const MODULES = {
  'github.com/hamba/avro/v2': 'v2.31.0',
  'github.com/twmb/franz-go': 'v1.22.2',
  'github.com/twmb/franz-go/pkg/sr': 'v1.8.0',
}
const folder = join(cacheFolder, 'go-registry')
const program = join(folder, 'witness')

const ORDERS = [
  { item: 'tea', count: 2 },
  { item: 'größer', count: -1 },
]
const SUBJECTS = {
  version: 1,
  'looked up': true,
  versions: [1],
  compatible: false,
  refused: 409,
  compatibility: 'FULL',
  'referred to': true,
  deleted: [[1], [1]],
  gone: 40401,
}

/** Writes Avro to `topic`; `others` are topics that hold ORDERS as Avro. */
export async function goRegistryClient(
  checks: Checks,
  { bootstrap, http, topic, others }: { bootstrap: string; http: URL; topic: string; others: readonly string[] },
): Promise<void> {
  const told = new Map<string, unknown>()
  let why = ''
  await checks.check('franz-go’s registry client is there, and runs', async () => {
    await build()
    const { stdout, stderr } = await run(program, [bootstrap, http.origin, topic, ...others], { timeoutMs: 90_000 })
    why = stderr.slice(-1_500)
    for (const line of stdout.split('\n').filter(each => each !== '')) {
      const { what, found } = JSON.parse(line) as { what: string; found: unknown }
      told.set(what, found)
    }
    if (!told.has('gone')) throw new Error(why)
  })
  for (const each of [topic, ...others])
    await checks.check(`franz-go reads the Avro of ${each}`, async () => {
      expectEqual(told.get(`read: ${each}`) ?? why, ORDERS, each)
    })
  await checks.check('franz-go: subjects, compatibility, references, deletion', async () => {
    for (const [what, found] of Object.entries(SUBJECTS)) expectEqual(told.get(what) ?? why, found, what)
  })
}

async function build(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(import.meta.dirname, 'registry.go'), join(folder, 'main.go'))
  const needed = Object.entries(MODULES).map(([name, version]) => `require ${name} ${version}`)
  writeFileSync(join(folder, 'go.mod'), ['module witness', '', 'go 1.22', '', ...needed, ''].join('\n'))
  expectOk(await run('go', ['mod', 'tidy'], { cwd: folder, timeoutMs: 120_000 }))
  expectOk(await run('go', ['build', '-o', program, '.'], { cwd: folder, timeoutMs: 300_000 }))
}
