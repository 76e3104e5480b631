// Prometheus itself, from Debian: it lints and scrapes /metrics and has to find something for every panel of
// docs/grafana.json; and Grafana's own types of a dashboard, in Python, which have to know every member of it.

import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { Checks } from './checks.ts'
import { python } from './python.ts'
import { cacheFolder, expectOk, run, temporaryFolder } from './run.ts'

const DASHBOARD = join(import.meta.dirname, '../../docs/grafana.json')
const PORT = Number(process.env['EDGELOG_PROMETHEUS_PORT'] ?? 21_890)
const MAX_WAIT_MS = 30_000

interface Target {
  readonly expr: string
  readonly legendFormat: string
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[]
  }
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]
  }
}

export async function prometheus(checks: Checks, http: URL): Promise<void> {
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard
  const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(target => ({ title, ...target })))
  let bin = ''
  await checks.check('Debian has a Prometheus for us', async () => {
    bin = await install()
  })
  if (bin === '') return
  await checks.check('promtool finds nothing to say about /metrics', async () => {
    const text = await (await fetch(new URL('/metrics', http))).text()
    const { stdout, stderr } = expectOk(await run(join(bin, 'promtool'), ['check', 'metrics'], { stdin: text }))
    if (stdout + stderr !== '') throw new Error(stdout + stderr)
  })

  const folder = temporaryFolder()
  const config = `scrape_configs: [{ job_name: edgelog, scrape_interval: 1s, static_configs: [{ targets: ['${http.host}'] }] }]`
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const server = spawn(
    join(bin, 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${PORT}`,
    ],
    { stdio: 'ignore' },
  )
  const kafka = new Kafka({ brokers: [`127.0.0.1:${await kafkaPort(http)}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  try {
    await admin.connect()
    // Growth is what Prometheus has seen grow: families begin before it looks first.
    await use(http, 1, () => admin.fetchTopicMetadata())
    await found('edgelog_group_lag')
    const used = use(http, 5, () => admin.fetchTopicMetadata())
    for (const { title, expr, legendFormat } of targets)
      await checks.check(`Prometheus has something for '${title}': ${expr}`, async () => {
        await used
        const result = await found(expr.replaceAll('$topic', '.*'))
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          if (result.every(({ metric }) => metric[label!] === undefined)) throw new Error(`nothing has a ${label}`)
      })
    await checks.check('Prometheus knows what topics may be chosen from', async () => {
      const { query } = dashboard.templating.list.find(({ name }) => name === 'topic')!.query
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query)!
      const { data } = await ask<{ data: string[] }>(`/api/v1/label/${label}/values?match[]=${metric}`)
      if (!data.includes('measured')) throw new Error(`it knows ${data.join(', ')}`)
    })
  } finally {
    await admin.disconnect()
    server.kill('SIGKILL')
  }
  await checks.check("Grafana's own types know every member of the dashboard", grafana)
}

/** Something of everything that is measured, a refusal and all, once a second. */
async function use(http: URL, rounds: number, andKafka: () => Promise<unknown>): Promise<void> {
  const send = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(new URL(path, http), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const offsets = [{ topic: 'measured', partition: 0, offset: 0 }]
  for (let round = 0; round < rounds; round++) {
    await send('POST', '/v1/topics/measured/records', { value: round })
    await send('GET', '/v1/topics/measured/partitions/0/records')
    await send('GET', '/v1/topics/measured/partitions/0/records?offset=999999')
    await send('PUT', '/v1/groups/measuring/offsets', { offsets })
    await andKafka()
    await passed(1_000)
  }
}

/** What the query gives once there is a number in it. */
async function found(query: string): Promise<Answer['data']['result']> {
  const untilMs = Date.now() + MAX_WAIT_MS
  for (;;) {
    const { status, error, data } = await ask<Answer>(`/api/v1/query?query=${encodeURIComponent(query)}`)
    if (status !== 'success') throw new Error(error)
    if (data.result.some(({ value: [, value] }) => value !== 'NaN')) return data.result
    if (Date.now() > untilMs) throw new Error(`it has ${JSON.stringify(data.result)}`)
    await passed(500)
  }
}

const ask = async <T>(path: string): Promise<T> => {
  const untilMs = Date.now() + MAX_WAIT_MS
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${PORT}${path}`).catch(() => undefined)
    if (answer !== undefined && answer.status !== 503) return (await answer.json()) as T
    if (Date.now() > untilMs) throw new Error('Prometheus does not answer')
    await passed(200)
  }
}

async function kafkaPort(http: URL): Promise<number> {
  const cluster = await fetch(new URL('/v1/cluster', http))
  return ((await cluster.json()) as { brokers: { port: number }[] }).brokers[0]!.port
}

/** Where the programs are: on the PATH, or out of Debian's package, which is unpacked and not installed. */
async function install(): Promise<string> {
  const onPath = await run('sh', ['-c', 'dirname "$(command -v prometheus)"'])
  if ((await run('promtool', ['--version'])).code === 0) return onPath.stdout.trim()
  const folder = join(cacheFolder, 'prometheus')
  const bin = join(folder, 'usr/bin')
  if ((await run(join(bin, 'promtool'), ['--version'])).code === 0) return bin
  mkdirSync(folder, { recursive: true })
  expectOk(await run('apt-get', ['download', '-q', 'prometheus'], { cwd: folder, timeoutMs: 300_000 }))
  const file = readdirSync(folder).find(name => name.endsWith('.deb'))!
  expectOk(await run('dpkg', ['-x', file, folder], { cwd: folder }))
  expectOk(await run(join(bin, 'promtool'), ['--version']))
  return bin
}

async function grafana(): Promise<void> {
  expectOk(await run(python, ['-m', 'pip', 'install', '--quiet', 'grafana-foundation-sdk']))
  expectOk(await run(python, [join(import.meta.dirname, 'grafana.py'), DASHBOARD]))
}
