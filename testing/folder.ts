// The folder that keeps everything, used by one broker at a time: two would each keep its own idea of the same log in
// memory. The lock is SQLite's, so that the system lets go of it however its holder ends; a folder that was just made for
// one broker needs none.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

export class DataFolderInUse extends Error {
  override name = 'DataFolderInUse'
}

export class DataFolder {
  readonly path: string
  readonly #isTemporary: boolean
  readonly #lock: DatabaseSync | undefined

  /** Without a path it is a temporary one, gone when it is closed or the process ends. */
  constructor(path: string | undefined) {
    this.#isTemporary = path === undefined
    this.path = path === undefined ? mkdtempSync(join(tmpdir(), 'edgelog-')) : resolve(path)
    if (this.#isTemporary) process.once('exit', this.#remove)
    else {
      mkdirSync(this.path, { recursive: true })
      this.#lock = lock(this.path)
    }
  }

  close(): void {
    this.#lock?.close()
    if (!this.#isTemporary) return
    process.off('exit', this.#remove)
    this.#remove()
  }

  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true, maxRetries: 3 })
}

function lock(path: string): DatabaseSync {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  const database = new DatabaseSync(join(path, 'edgelog.lock'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch {
    database.close()
    throw new DataFolderInUse(`Another broker uses ${path}.`)
  }
}
