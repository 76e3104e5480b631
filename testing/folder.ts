// The folder that keeps everything, used by one broker at a time: two would each keep its own idea of the same log in
// memory. The lock is SQLite's, so that the system lets go of it however its holder ends.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class DataFolderInUse extends Error {
  override name = 'DataFolderInUse'
}

export class DataFolder {
  readonly path: string
  readonly #isTemporary: boolean
  readonly #lock: DatabaseSync

  /** Without a path it is a temporary one, gone when it is closed or the process ends. */
  constructor(path: string | undefined) {
    this.#isTemporary = path === undefined
    this.path = path === undefined ? mkdtempSync(join(tmpdir(), 'edgelog-')) : resolve(path)
    mkdirSync(this.path, { recursive: true })
    this.#lock = new DatabaseSync(join(this.path, 'edgelog.lock'), { timeout: 0 })
    try {
      this.#lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    } catch {
      this.#lock.close()
      throw new DataFolderInUse(`Another broker uses ${this.path}.`)
    }
    if (this.#isTemporary) process.once('exit', this.#remove)
  }

  close(): void {
    this.#lock.close()
    if (!this.#isTemporary) return
    process.off('exit', this.#remove)
    this.#remove()
  }

  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true, maxRetries: 3 })
}
