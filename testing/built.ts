// What was built before, kept in node_modules/.cache and found again while nothing it is made of has changed.

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** How many are kept of each name: those used last. */
const MAX_KEPT = 6

/** The folders and files that something is made of, below a root. */
export interface Made {
  readonly of: readonly string[]
  /** And what else decides how it becomes. */
  readonly how: unknown
}

/** What `build` makes, or made when all this was the same. */
export async function built(
  root: string,
  name: string,
  { of, how }: Made,
  build: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const key = digest(root, of, how)
  if (key === undefined) return build()
  const folder = join(root, 'node_modules/.cache/edgelog')
  const path = join(folder, `${name}-${key}`)
  try {
    const found = readFileSync(path)
    const now = new Date()
    utimesSync(path, now, now)
    return found
  } catch {
    // It was never made, or is gone.
  }
  const made = await build()
  try {
    mkdirSync(folder, { recursive: true })
    // Whole or not at all, whoever else writes it just then.
    const part = `${path}.${process.pid}`
    writeFileSync(part, made)
    renameSync(part, path)
    prune(folder, name)
  } catch {
    // Then it is built again next time.
  }
  return made
}

/** Undefined if something of it is not there: then nobody can tell. */
function digest(root: string, of: readonly string[], how: unknown): string | undefined {
  if (!of.every(each => existsSync(join(root, each)))) return undefined
  const hash = createHash('sha256').update(JSON.stringify(how))
  for (const each of of)
    for (const file of filesOf(root, each)) {
      const bytes = readFileSync(join(root, file))
      hash.update(`\0${file}\0${bytes.length}\0`).update(bytes)
    }
  return hash.digest('hex').slice(0, 32)
}

function filesOf(root: string, path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path]
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath.slice(root.length + 1), name))
    .toSorted()
}

function prune(folder: string, name: string): void {
  const byUse = readdirSync(folder)
    .filter(file => file.startsWith(`${name}-`))
    .map(file => ({ file, usedMs: statSync(join(folder, file)).mtimeMs }))
    .toSorted((a, b) => b.usedMs - a.usedMs)
  for (const { file } of byUse.slice(MAX_KEPT)) rmSync(join(folder, file), { force: true })
}
