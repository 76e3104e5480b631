// A whole broker on this machine: the Worker of wrangler.toml, bundled in memory and run by Miniflare with workerd listening
// itself, without a proxy before it. `npm start`, the tests, the bench and the demo all start it here.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { Miniflare, MiniflareOptions } from 'miniflare'
import { DataFolderInUse, lockFolder } from './lock.ts'
import { leaveNoOrphans } from './orphans.ts'
import { readSettings, type Settings } from './settings.ts'

export interface BrokerOptions {
  /** Ports on 127.0.0.1; 0, the default, takes a free one. Several Kafka ports are as many brokers to Kafka's clients. */
  readonly http?: number
  readonly kafka?: number | readonly number[]
  /** The folder that keeps everything. Without one the broker forgets: a temporary folder goes when it closes. */
  readonly data?: string
  /** Settings of the Worker (src/worker/env.ts). EDGELOG_LOCAL is '1' unless set otherwise: every door is open. */
  readonly vars?: Readonly<Record<string, string>>
  /** What the Worker logs, and what workerd says of it; standard error by default. */
  readonly log?: (level: string, message: string) => void
}

export interface Broker {
  readonly http: URL
  /** The first Kafka port; `kafkaPorts` has all. */
  readonly kafka: number
  readonly kafkaPorts: readonly number[]
  readonly data: string
  close(): Promise<void>
}

/** Somebody else has the port; the message says what to do about it. */
export class PortInUse extends Error {
  override name = 'PortInUse'
}
export { DataFolderInUse }

const HOST = '127.0.0.1'
const root = join(import.meta.dirname, '..')
const settings = readSettings(join(root, 'wrangler.toml'))

export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const bundling = bundle()
  bundling.catch(() => {})
  const { Log, LogLevel, Miniflare } = await import('miniflare')
  const [http = 0, ...kafkaPorts] = await claimPorts([options.http ?? 0, ...[options.kafka ?? 0].flat()])
  const data = options.data === undefined ? mkdtempSync(join(tmpdir(), 'edgelog-')) : resolve(options.data)
  mkdirSync(data, { recursive: true })
  const unlock = lockFolder(data)
  const forget = (): void => rmSync(data, { recursive: true, force: true, maxRetries: 3 })
  if (options.data === undefined) process.once('exit', forget)
  leaveNoOrphans()
  let miniflare: Miniflare | undefined
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await miniflare?.dispose()
    unlock()
    if (options.data !== undefined) return
    process.off('exit', forget)
    forget()
  }
  const vars = {
    ...settings.vars,
    EDGELOG_LOCAL: '1',
    EDGELOG_BROKERS: kafkaPorts.map(port => `localhost:${port}`).join(','),
    ...options.vars,
  }
  try {
    const code = await bundling
    miniflare = new Miniflare({
      host: HOST,
      port: 0,
      cf: false,
      logRequests: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ level, message }) => (options.log ?? toStandardError)(level, message),
      resourcePersistencePath: join(data, 'v3'),
      workers: [worker(settings, code, { http, kafkaPorts, vars })],
    })
    await miniflare.ready
  } catch (thrown) {
    await close().catch(() => {})
    throw thrown
  }
  return { http: new URL(`http://${HOST}:${http}`), kafka: kafkaPorts[0] ?? 0, kafkaPorts, data, close }
}

type MiniflareWorker = MiniflareOptions['workers'][number]

function worker(
  { name, compatibilityDate, compatibilityFlags, objects }: Settings,
  code: string,
  { http, kafkaPorts, vars }: { http: number; kafkaPorts: readonly number[]; vars: Readonly<Record<string, string>> },
): MiniflareWorker {
  return {
    config: {
      name,
      compatibilityDate,
      compatibilityFlags: [...compatibilityFlags],
      manifest: { mainModule: 'worker.js', modules: { 'worker.js': { type: 'esm', contents: code } } },
      exports: Object.fromEntries(
        objects.map(({ className }) => [className, { type: 'durable-object', storage: 'sqlite' }] as const),
      ),
      env: {
        ...Object.fromEntries(Object.entries(vars).map(([key, value]) => [key, { type: 'text', value }] as const)),
        ...Object.fromEntries(
          objects.map(
            ({ binding, className }) =>
              [binding, { type: 'durable-object', worker: name, exportName: className }] as const,
          ),
        ),
      },
      triggers: kafkaPorts.map(port => ({ type: 'connect', protocol: 'tcp', port, address: HOST }) as const),
    },
    dev: { unsafeDirectSockets: [{ host: HOST, port: http }] },
  }
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [settings.main],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}

/** The ports asked for, each free a moment ago; 0 becomes one that is. */
async function claimPorts(ports: readonly number[]): Promise<number[]> {
  const servers = await Promise.all(ports.map(listen))
  const claimed = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => new Promise(closed => server.close(closed))))
  return claimed
}

function listen(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((listening, refused) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      refused(error.code === 'EADDRINUSE' ? new PortInUse(`Port ${port} is in use.`) : error),
    )
    server.listen(port, HOST, () => listening(server))
  })
}

const toStandardError = (level: string, message: string): void => {
  process.stderr.write(`${level} ${message}\n`)
}
