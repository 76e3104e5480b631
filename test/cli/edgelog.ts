// Runs the CLI as a program of its own, as its users do.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../../cli/index.ts')
/** Profiles of these tests, and of nobody else. */
export const configFolder = mkdtempSync(join(tmpdir(), 'edgelog-cli-'))

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export const start = (args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], XDG_CONFIG_HOME: configFolder, NO_COLOR: '1', ...env },
  })

export async function edgelog(args: readonly string[], url: URL | string, input = ''): Promise<Ran> {
  const child = start(args, { EDGELOG_URL: String(url) })
  child.stdin!.end(input)
  return ended(child)
}

export function ended(child: ChildProcess): Promise<Ran> {
  let out = ''
  let err = ''
  child.stdout!.on('data', text => (out += text))
  child.stderr!.on('data', text => (err += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, out, err }))
  })
}

/** What a program that stays says, up to this. */
export function says(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let said = ''
  return new Promise((resolve, reject) => {
    const look = (text: Buffer): void => {
      said += text
      const found = pattern.exec(said)
      if (found) resolve(found)
    }
    child.stdout!.on('data', look)
    child.stderr!.on('data', look)
    child.once('close', code => reject(new Error(`it ended with ${code} and said: ${said}`)))
  })
}
