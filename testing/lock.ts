// One broker per data folder: two would each keep its own idea of the same log in memory. The lock is SQLite's, so that the
// system lets go of it however its holder ends.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class DataFolderInUse extends Error {
  override name = 'DataFolderInUse'
}

/** @returns what lets go again. */
export function lockFolder(folder: string): () => void {
  const db = new DatabaseSync(join(folder, 'edgelog.lock'), { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch {
    db.close()
    throw new DataFolderInUse(`Another broker uses ${folder}.`)
  }
  return () => db.close()
}
