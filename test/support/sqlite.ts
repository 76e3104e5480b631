// The partition's SQL over Node's own SQLite, so that the log is tested in plain Node against the real statements.

import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Sql, Store } from '../../src/log/store.ts'

export class TestStorage implements Sql {
  readonly #db: DatabaseSync

  constructor(path = ':memory:') {
    this.#db = new DatabaseSync(path)
  }

  get databaseSize(): number {
    const pages = this.#db.prepare('PRAGMA page_count').get()!['page_count'] as number
    return pages * 4096
  }

  *#lazily(statement: string, bindings: readonly unknown[]): Generator<Record<string, never>> {
    yield* this.#db.prepare(statement).iterate(...(bindings as SQLInputValue[])) as Iterable<Record<string, never>>
  }

  /** As in a Durable Object: what writes runs at once, what reads runs as far as it is iterated. */
  exec(statement: string, ...bindings: unknown[]): Iterable<Record<string, never>> {
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
