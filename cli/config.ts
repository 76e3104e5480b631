// The profiles: brokers by name, with their tokens, in a file that only its owner can read.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failed } from './failed.ts'

export interface Profile {
  readonly url: string
  readonly token?: string
}

export interface Config {
  readonly current?: string
  readonly profiles: Readonly<Record<string, Profile>>
}

export const configPath = (): string =>
  join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'edgelog', 'config.json')

export function readConfig(): Config {
  let text: string
  try {
    text = readFileSync(configPath(), 'utf8')
  } catch {
    return { profiles: {} }
  }
  try {
    const config = JSON.parse(text) as Config
    if (typeof config.profiles !== 'object') throw new TypeError('it has no profiles')
    return config
  } catch (error) {
    throw new Failed(`${configPath()} cannot be read: ${(error as Error).message}. Mend it, or delete it.`)
  }
}

export function writeConfig(config: Config): void {
  const path = configPath()
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const made = `${path}.${process.pid}`
  writeFileSync(made, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
  renameSync(made, path)
}
