// A whole broker on this machine: the Worker of wrangler.toml, bundled in memory and run by Miniflare with workerd listening
// itself, without a proxy before it. `npm start`, the tests, the bench and the demo all start it here.

import { join } from 'node:path'
import { build } from 'esbuild'
import type { Miniflare, MiniflareOptions } from 'miniflare'
import { DataFolder, DataFolderInUse } from './folder.ts'
import { leaveNoOrphans } from './orphans.ts'
import { freePorts, HOST, PortInUse } from './ports.ts'
import { readSettings } from './settings.ts'

export { DataFolderInUse, PortInUse }

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

/** A free port may be taken by somebody else before workerd listens; then others are tried, so often. */
const MAX_TRIES = 5

const root = join(import.meta.dirname, '..')
const settings = readSettings(join(root, 'wrangler.toml'))

export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const code = bundle()
  code.catch(() => {})
  leaveNoOrphans()
  const folder = new DataFolder(options.data)
  try {
    for (let attempt = 1; ; attempt++) {
      const ports = await freePorts([options.http ?? 0, ...[options.kafka ?? 0].flat()])
      try {
        return await run(await code, ports, folder, options)
      } catch (thrown) {
        if (!isAddressInUse(thrown)) throw thrown
        if (attempt === MAX_TRIES) throw new PortInUse(`One of the ports ${ports.join(', ')} is in use.`)
      }
    }
  } catch (thrown) {
    folder.close()
    throw thrown
  }
}

async function run(
  code: string,
  ports: readonly number[],
  folder: DataFolder,
  options: BrokerOptions,
): Promise<Broker> {
  const [http = 0, ...kafkaPorts] = ports
  const { Log, LogLevel, Miniflare } = await import('miniflare')
  const log = options.log ?? toStandardError
  const miniflare = new Miniflare({
    host: HOST,
    port: 0,
    cf: false,
    logRequests: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ level, message }) => log(level, message),
    unsafeHandleRuntimeRestart: () => log('warn', 'workerd ended unexpectedly and was started again.'),
    resourcePersistencePath: join(folder.path, 'v3'),
    workers: [worker(code, http, kafkaPorts, options.vars ?? {})],
  })
  try {
    await miniflare.ready
  } catch (thrown) {
    await miniflare.dispose().catch(() => {})
    throw thrown
  }
  return {
    http: new URL(`http://${HOST}:${http}`),
    kafka: kafkaPorts[0] ?? 0,
    kafkaPorts,
    data: folder.path,
    close: closing(miniflare, folder),
  }
}

/** What closes a broker, once however often it is called. */
function closing(miniflare: Miniflare, folder: DataFolder): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => (closed ??= miniflare.dispose().then(() => folder.close()))
}

const isAddressInUse = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_ADDRESS_IN_USE'

function worker(
  code: string,
  http: number,
  kafkaPorts: readonly number[],
  vars: Readonly<Record<string, string>>,
): MiniflareOptions['workers'][number] {
  const { name, compatibilityDate, compatibilityFlags, objects } = settings
  const texts = {
    ...settings.vars,
    EDGELOG_LOCAL: '1',
    EDGELOG_BROKERS: kafkaPorts.map(port => `localhost:${port}`).join(','),
    ...vars,
  }
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
        ...Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, { type: 'text', value }] as const)),
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

const toStandardError = (level: string, message: string): void => {
  process.stderr.write(`${level} ${message}\n`)
}
