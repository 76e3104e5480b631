// `npm run bench`: measures a fresh broker on this machine, prints a table, and keeps it in bench/results. A name (start,
// produce, fetch, compaction, rest, registry, groups, live) measures that alone, --quick only for a moment; neither is kept.

import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compactionRows } from './compaction.ts'
import { fetchRows } from './fetch.ts'
import { groupRows } from './groups.ts'
import { liveRows } from './live.ts'
import { produceRows } from './produce.ts'
import { registryRows } from './registry.ts'
import { Processors } from './processors.ts'
import { commit, heading, type Row, table } from './report.ts'
import { restRows } from './rest.ts'
import { memoryRow, startRows } from './start.ts'
import { Target } from './target.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } })
const time = values.quick ? { seconds: 1, warmUpSeconds: 0.5 } : { seconds: 4, warmUpSeconds: 2 }
const liveTime = values.quick ? { seconds: 2, warmUpSeconds: 1 } : { seconds: 15, warmUpSeconds: 3 }

const parts = {
  start: { title: 'Start', rows: () => startRows() },
  produce: { title: 'Produce, one partition', rows: (target: Target) => produceRows(target, time) },
  fetch: { title: 'Fetch, one partition', rows: (target: Target) => fetchRows(target, time) },
  compaction: {
    title: 'Compaction, one partition',
    rows: (target: Target) => compactionRows(target, values.quick ?? false),
  },
  rest: { title: 'Produce through the REST Proxy, one partition', rows: (target: Target) => restRows(target, time) },
  registry: { title: 'Schema registry', rows: (target: Target) => registryRows(target, time) },
  groups: { title: 'Groups', rows: (target: Target) => groupRows(target, time) },
  live: { title: 'Live', rows: (target: Target) => liveRows(target, liveTime) },
}
type Part = keyof typeof parts

const names = (positionals.length > 0 ? positionals : Object.keys(parts)) as Part[]
const unknown = names.find(name => !Object.hasOwn(parts, name))
if (unknown !== undefined) {
  console.error(`There is no "${unknown}" to measure; there are ${Object.keys(parts).join(', ')}.`)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const date = new Date().toISOString().slice(0, 10)
const measuredAt = commit()
const target = await Target.start()
try {
  const text = [heading(date, target.folder, measuredAt)]
  console.log(text[0])
  for (const name of names) {
    const { title, rows } = parts[name]
    const measured: Row[] = []
    const processors = new Processors(target)
    for await (const row of rows(target)) {
      process.stderr.write(`  ${row.what}\n`)
      measured.push(row)
    }
    if (name !== 'start') measured.push(memoryRow('memory after that', target), processors.row())
    text.push(table(title, measured))
    console.log(text.at(-1))
  }
  if (positionals.length === 0 && !values.quick) {
    mkdirSync('bench/results', { recursive: true })
    const path = `bench/results/${date}-${measuredAt}.md`
    writeFileSync(path, text.join('\n'))
    console.log(`Kept in ${path}`)
  }
} finally {
  await target.stop()
}
