// Other people's programs, run as users run them: with a time limit, their output kept, and nothing left running.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where downloaded clients stay between runs, outside of the tree. */
export const cacheFolder = process.env['EDGELOG_CACHE'] ?? join(homedir(), '.cache', 'edgelog')

const temporary: string[] = []
process.once('exit', () => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone once this process is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'witness-'))
  temporary.push(folder)
  return folder
}

const MAX_OUTPUT_LENGTH = 16_777_216

export interface Ran {
  /** 127: there is no such program. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function run(
  program: string,
  args: readonly string[],
  {
    stdin = '',
    cwd,
    timeoutMs = 60_000,
    env,
  }: { stdin?: string | Uint8Array; cwd?: string; timeoutMs?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise(resolve => {
    const child = spawn(program, args, { ...(cwd && { cwd }), env: { ...process.env, ...env } })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(-MAX_OUTPUT_LENGTH)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_OUTPUT_LENGTH)))
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    child.once('error', error => {
      clearTimeout(timer)
      resolve({ code: 127, stdout, stderr: String(error) })
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({
        code: code ?? 1,
        stdout,
        stderr: signal === 'SIGKILL' ? `${stderr}\nstopped after ${timeoutMs} ms` : stderr,
      })
    })
  })
}

/** The run, or an error with what it said. */
export function expectOk(ran: Ran): Ran {
  if (ran.code === 0) return ran
  throw new Error(`ended with ${ran.code}:\n${ran.stdout.slice(-1_000)}\n${ran.stderr.slice(-2_000)}`)
}
