// The partition's SQL over Node's own SQLite, so that the log is tested in plain Node against the real statements.

import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Sql, Store } from '../../src/log/store.ts'

export class TestStorage implements Sql {
  readonly #db: DatabaseSync
  #openCursors = 0

  constructor(path = ':memory:') {
    this.#db = new DatabaseSync(path)
  }

  get databaseSize(): number {
    const pages = this.#db.prepare('PRAGMA page_count').get()!['page_count'] as number
    return pages * 4096
  }

  /** A cursor is open until its last row is seen, whoever stops before. */
  *#lazily(statement: string, bindings: readonly unknown[]): Generator<Record<string, never>> {
    const rows = this.#db.prepare(statement).iterate(...(bindings as SQLInputValue[]))
    this.#openCursors++
    let next = rows.next()
    while (next.done !== true) {
      const { value } = next
      next = rows.next()
      if (next.done !== true) yield value as Record<string, never>
      else {
        this.#openCursors--
        return yield value as Record<string, never>
      }
    }
    this.#openCursors--
  }

  /** As in a Durable Object: what writes runs at once, what reads runs as far as it is iterated, and locks until then. */
  exec(statement: string, ...bindings: unknown[]): Iterable<Record<string, never>> {
    if (statement.startsWith('DROP') && this.#openCursors > 0)
      throw new Error('database table is locked: SQLITE_LOCKED')
    if (statement.startsWith('SELECT')) return this.#lazily(statement, bindings)
    this.#db.prepare(statement).run(...(bindings as SQLInputValue[]))
    return []
  }

  tables(): string[] {
    return this.#db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all()
      .map(row => row['name'] as string)
  }

  store(): Store {
    return new Store(this)
  }
}
