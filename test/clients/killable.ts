// Edgelog as a process of its own, `npm start` without npm, so that it can be killed outright and started again on its data.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../testing/ports.ts'

const START_TIMEOUT_MS = 60_000

export interface Killable {
  /** Kafka's, the same after a restart. */
  readonly port: number
  /** All it said, over all its lives. */
  readonly log: string
  /** SIGKILL, and up again. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startKillable(vars: Readonly<Record<string, string>> = {}): Promise<Killable> {
  const data = mkdtempSync(join(tmpdir(), 'edgelog-'))
  const [http = 0, port = 0] = await freePorts([0, 0])
  const env = {
    ...process.env,
    ...vars,
    EDGELOG_DATA: data,
    EDGELOG_HTTP_PORT: String(http),
    EDGELOG_KAFKA_PORT: String(port),
  }
  let log = ''
  const start = async (): Promise<ChildProcess> => {
    const script = join(import.meta.dirname, '../../scripts/start.js')
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const before = log.length
    const isUp = Promise.withResolvers<void>()
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
        if (log.slice(before).includes('Ctrl-C stops it')) isUp.resolve()
      })
    child.once('exit', () => isUp.reject(new Error(`Edgelog ended:\n${log.slice(before)}`)))
    const timer = setTimeout(() => isUp.reject(new Error(`Edgelog is not up:\n${log.slice(before)}`)), START_TIMEOUT_MS)
    await isUp.promise
    clearTimeout(timer)
    return child
  }
  const end = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
  }
  let child = await start()
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    port,
    get log() {
      return log
    },
    async restart() {
      await end(child)
      child = await start()
    },
    async close() {
      await end(child)
      rmSync(data, { recursive: true, force: true })
    },
  }
}
