// A broker on this machine: the Worker of wrangler.toml in a workerd that listens itself, started again on the same ports
// and folder if it crashes or is asked to.

import { mkdirSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { brokerConfigsFromEnv } from '../src/cluster/broker-configs.ts'
import { isFailure } from '../src/protocol/errors.ts'
import { type Assets, serveAssets } from './assets.ts'
import { type Entry, workerCode } from './bundle.ts'
import { configurationText, objectsFolder, partitionFolder } from './configuration.ts'
import { DataFolder } from './folder.ts'
import type { LaunchOptions } from './options.ts'
import { freePorts, PortInUse } from './ports.ts'
import { readSettings } from './settings.ts'
import { AddressInUse, type Log, startWorkerd, type Workerd } from './workerd.ts'

/** A free port may be taken by somebody else before workerd listens; then others are tried, so often. */
const MAX_TRIES = 5
/** After a crash workerd is started at once, but not more often than this. */
const MIN_LIFE_MS = 1_000

/** In the folder of the broker: what objects store, as `wrangler dev` has it, and what workerd runs. */
const STORAGE = 'v3/do'
const CONFIGURATION = 'workerd.capnp'
const CODE = 'worker.js'

const settings = readSettings(join(import.meta.dirname, '../wrangler.toml'))

interface Place {
  readonly httpPort: number
  readonly kafkaPorts: readonly number[]
  readonly folder: DataFolder
  readonly assets: Assets
}

export class Launched {
  readonly httpPort: number
  readonly kafkaPorts: readonly number[]
  readonly folder: DataFolder
  readonly #assets: Assets
  readonly #flags: readonly string[]
  readonly #log: Log
  #vars: Readonly<Record<string, string>>
  /** The one that runs, and should. */
  #workerd: Workerd | undefined
  /** What is done to it, one after the other. */
  #turn: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(entry: Entry, { httpPort, kafkaPorts, folder, assets }: Place, { vars, log }: LaunchOptions) {
    this.httpPort = httpPort
    this.kafkaPorts = kafkaPorts
    this.folder = folder
    this.#assets = assets
    // In a test, objects are made to forget by workerd's own way to do that.
    this.#flags = entry === 'testing' ? ['unsafe_module'] : []
    this.#log = log ?? toStandardError
    this.#vars = {
      ...settings.vars,
      EDGELOG_LOCAL: '1',
      EDGELOG_BROKERS: kafkaPorts.map(port => `localhost:${port}`).join(','),
      ...vars,
    }
  }

  /** The code stays in the folder: after a crash the same broker is started, whatever was built since. */
  async start(code: Uint8Array): Promise<void> {
    mkdirSync(partitionFolder(join(this.folder.path, STORAGE), settings), { recursive: true })
    writeFileSync(join(this.folder.path, CODE), code)
    await this.#run()
  }

  /** Kills workerd outright and starts it on the same folder and ports, with these settings besides. */
  again(vars: Readonly<Record<string, string>>): Promise<void> {
    return this.#inTurn(async () => {
      this.#vars = { ...this.#vars, ...vars }
      await this.#end()
      await this.#run()
    })
  }

  /** Once, however often it is called. */
  close(): Promise<void> {
    return (this.#closed ??= this.#inTurn(async () => {
      await this.#end()
      await this.#assets.close()
      this.folder.close()
    }))
  }

  /** All objects that have stored something, by binding. */
  async objects(): Promise<Record<string, string[]>> {
    const found = settings.objects.map(async ({ binding, className }) => {
      const files = await readdir(join(this.folder.path, STORAGE, objectsFolder(settings, className))).catch(() => [])
      return [binding, files.flatMap(file => OBJECT.exec(file)?.[1] ?? [])] as const
    })
    return Object.fromEntries(await Promise.all(found))
  }

  async #run(): Promise<void> {
    const { folder, httpPort, kafkaPorts } = this
    const path = join(folder.path, CONFIGURATION)
    const text = configurationText({
      settings,
      flags: this.#flags,
      code: CODE,
      vars: Object.keys(this.#vars),
      storage: join(folder.path, STORAGE),
      assetsPort: this.#assets.port,
      httpPort,
      kafkaPorts,
    })
    writeFileSync(path, text)
    const begunMs = performance.now()
    const workerd = await startWorkerd(path, {
      sockets: 1 + kafkaPorts.length,
      environment: this.#vars,
      log: this.#log,
    })
    this.#workerd = workerd
    void workerd.exited.then(() => this.#crashed(workerd, Math.max(0, begunMs + MIN_LIFE_MS - performance.now())))
  }

  async #end(): Promise<void> {
    const workerd = this.#workerd
    this.#workerd = undefined
    await workerd?.end()
  }

  #crashed(workerd: Workerd, waitMs: number): void {
    if (this.#workerd !== workerd) return
    this.#workerd = undefined
    setTimeout(() => {
      void this.#inTurn(async () => {
        if (this.#closed !== undefined || this.#workerd !== undefined) return
        try {
          await this.#run()
          this.#log('warn', 'workerd ended unexpectedly and was started again.')
        } catch (error) {
          this.#log('error', `workerd ended unexpectedly and could not be started again: ${String(error)}`)
        }
      })
    }, waitMs).unref()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

/** A file for each object, beside workerd's own. */
const OBJECT = /^([\da-f]{64})\.sqlite$/

export async function launch(entry: Entry, options: LaunchOptions): Promise<Launched> {
  // The Worker would answer every request with this.
  const configs = brokerConfigsFromEnv(options.vars ?? {})
  if (isFailure(configs)) throw new RangeError(configs.message)
  const code = workerCode(entry)
  code.catch(() => {})
  const folder = new DataFolder(options.data)
  const assets = await serveAssets()
  try {
    for (let attempt = 1; ; attempt++) {
      const ports = await freePorts([options.http ?? 0, ...[options.kafka ?? 0].flat()])
      const [httpPort = 0, ...kafkaPorts] = ports
      try {
        const launched = new Launched(entry, { httpPort, kafkaPorts, folder, assets }, options)
        await launched.start(await code)
        return launched
      } catch (thrown) {
        if (!(thrown instanceof AddressInUse)) throw thrown
        if (attempt === MAX_TRIES) throw new PortInUse(`One of the ports ${ports.join(', ')} is in use.`)
      }
    }
  } catch (thrown) {
    await assets.close()
    folder.close()
    throw thrown
  }
}

const toStandardError: Log = (level, message) => {
  process.stderr.write(`${level} ${message}\n`)
}
