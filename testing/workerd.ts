// workerd as a process of its own: started, heard, ended, and never left behind. What it runs is its configuration's
// (configuration.ts); that it is started again after a crash, launch.ts's.

import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export type Log = (level: string, message: string) => void

export interface Workerd {
  readonly exited: Promise<void>
  /** Outright, as a power cut would. */
  end(): Promise<void>
}

/** Somebody else listens where it should. */
export class AddressInUse extends Error {
  override name = 'AddressInUse'
}

/** Lines of its log that are kept until it listens: they are the error if it never does. */
const MAX_EARLY_LINES = 1_000

/** What workerd says of itself that helps nobody who runs a broker. */
const NOISE =
  /\$LLVM_SYMBOLIZER|became the default as of|took recursive isolate lock|CODE_MOVED|stack:( (0|[a-f\d]{4,})){3,}/
const ADDRESS_IN_USE = /Address already in use|bind\(\): .*\(os error (48|98|10048)\)/

/** Resolves once all its sockets listen. */
export async function startWorkerd(configurationPath: string, { sockets, environment, log }: Wanted): Promise<Workerd> {
  const { default: binary } = createRequire(import.meta.url)('workerd') as { readonly default: string }
  const child = spawn(binary, ['serve', '--experimental', '--control-fd=3', configurationPath], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
    env: { ...process.env, ...environment, TZ: 'UTC' },
  })
  endWithUs(child)
  const exited = new Promise<void>(resolve => child.once('exit', resolve).once('error', resolve))
  const early: [string, string][] = []
  let hear: Log = (level, message) => {
    if (early.length < MAX_EARLY_LINES) early.push([level, message])
  }
  for (const stream of [child.stdout!, child.stderr!])
    createInterface(stream).on('line', line => {
      const { level, message } = heard(line)
      if (!NOISE.test(message)) hear(level, message)
    })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      const said = early.map(([, message]) => message).join('\n')
      reject(ADDRESS_IN_USE.test(said) ? new AddressInUse(said) : new Error(`workerd could not start: ${said}`))
    })
  })
  failed.catch(() => {})
  await Promise.race([listening(child.stdio[3] as Readable, sockets), failed])
  hear = log
  for (const [level, message] of early) log(level, message)
  return {
    exited,
    async end() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

interface Wanted {
  readonly sockets: number
  readonly environment: Readonly<Record<string, string>>
  readonly log: Log
}

/** It says so, a line for each socket. */
async function listening(control: Readable, sockets: number): Promise<void> {
  let count = 0
  await new Promise<void>(resolve => {
    createInterface(control).on('line', line => {
      if ((JSON.parse(line) as { event: string }).event === 'listen' && ++count === sockets) resolve()
    })
  })
}

/** A line of its log; what is none, as when it crashes, stands as it is. */
function heard(line: string): { readonly level: string; readonly message: string } {
  try {
    const { level, message } = JSON.parse(line) as { level?: unknown; message?: unknown }
    if (typeof level === 'string' && typeof message === 'string') return { level, message }
  } catch {
    // Not JSON.
  }
  return { level: 'error', message: line }
}

const alive = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

const END_WITH_PIPE = 'trap "" INT TERM HUP; read -r _; kill -9 "$0"'

/**
 * workerd would outlive this process if that is killed outright, and keep its ports. So each workerd gets a shell that reads
 * from a pipe held open by this process alone, and ends workerd once the pipe does.
 */
function endWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  if (process.platform === 'win32') return
  const watcher = spawn('/bin/sh', ['-c', END_WITH_PIPE, String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  child.once('exit', () => watcher.kill('SIGKILL'))
}
