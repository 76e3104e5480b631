// workerd with the Worker of wrangler.toml in it: run by Miniflare, listening itself, without a proxy before it; again on
// the same ports and folder if asked to.

import { join } from 'node:path'
import type { Miniflare, MiniflareOptions } from 'miniflare'
import { type Entry, workerCode } from './bundle.ts'
import { DataFolder } from './folder.ts'
import type { LaunchOptions } from './options.ts'
import { leaveNoOrphans } from './orphans.ts'
import { serveAsset } from './assets.ts'
import { freePorts, HOST, PortInUse } from './ports.ts'
import { readSettings } from './settings.ts'

/** A free port may be taken by somebody else before workerd listens; then others are tried, so often. */
const MAX_TRIES = 5

export const settings = readSettings(join(import.meta.dirname, '../wrangler.toml'))

interface Program {
  readonly code: string
  readonly flags: readonly string[]
}

/** In a test, objects are made to forget by workerd's own way to do that. */
const programOf = async (entry: Entry): Promise<Program> => ({
  code: await workerCode(entry),
  flags: entry === 'testing' ? ['unsafe_module'] : [],
})

export class Launched {
  readonly httpPort: number
  readonly kafkaPorts: readonly number[]
  readonly folder: DataFolder
  miniflare: Miniflare
  readonly #program: Program
  readonly #options: LaunchOptions
  #closed: Promise<void> | undefined

  constructor(
    program: Program,
    ports: readonly number[],
    folder: DataFolder,
    options: LaunchOptions,
    running: Miniflare,
  ) {
    const [http = 0, ...kafkaPorts] = ports
    this.httpPort = http
    this.kafkaPorts = kafkaPorts
    this.folder = folder
    this.miniflare = running
    this.#program = program
    this.#options = options
  }

  /** Kills workerd outright and starts it on the same folder and ports, with these settings besides. */
  async again(vars: Readonly<Record<string, string>>): Promise<void> {
    await this.miniflare.dispose()
    const options = { ...this.#options, vars: { ...this.#options.vars, ...vars } }
    this.miniflare = await run(this.#program, [this.httpPort, ...this.kafkaPorts], this.folder, options)
  }

  /** Once, however often it is called. */
  close(): Promise<void> {
    return (this.#closed ??= this.miniflare.dispose().then(() => this.folder.close()))
  }
}

export async function launch(entry: Entry, options: LaunchOptions): Promise<Launched> {
  const program = programOf(entry)
  program.catch(() => {})
  leaveNoOrphans()
  const folder = new DataFolder(options.data)
  try {
    for (let attempt = 1; ; attempt++) {
      const ports = await freePorts([options.http ?? 0, ...[options.kafka ?? 0].flat()])
      try {
        const miniflare = await run(await program, ports, folder, options)
        return new Launched(await program, ports, folder, options, miniflare)
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
  program: Program,
  ports: readonly number[],
  folder: DataFolder,
  options: LaunchOptions,
): Promise<Miniflare> {
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
    workers: [worker(program, ports, options.vars ?? {})],
  })
  try {
    await miniflare.ready
  } catch (thrown) {
    await miniflare.dispose().catch(() => {})
    throw thrown
  }
  return miniflare
}

const isAddressInUse = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_ADDRESS_IN_USE'

function worker(
  { code, flags }: Program,
  [http = 0, ...kafkaPorts]: readonly number[],
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
      compatibilityFlags: [...compatibilityFlags, ...flags],
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
        ASSETS: { type: 'node-handler', handler: serveAsset },
      },
      triggers: kafkaPorts.map(port => ({ type: 'connect', protocol: 'tcp', port, address: HOST }) as const),
    },
    dev: { unsafeDirectSockets: [{ host: HOST, port: http }] },
  }
}

const toStandardError = (level: string, message: string): void => {
  process.stderr.write(`${level} ${message}\n`)
}
