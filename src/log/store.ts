// Every SQL statement of a partition, and nothing else. A segment is a table of its own, so that letting it go is one
// DROP TABLE, which costs no rows; a chunk is one row of it, its index before its bytes so that the index reads alone.

import { type Chunk, encodeIndex } from './chunk.ts'
import { joined } from '../protocol/bytes.ts'
import type { Segment } from './segments.ts'
import type { AbortedTransaction } from './transactions.ts'

type SqlValue = ArrayBuffer | Uint8Array | string | number | null
type Row = Record<string, SqlValue>

/** The part of a Durable Object's `ctx.storage.sql` that is used here. */
export interface Sql {
  exec(statement: string, ...bindings: SqlValue[]): Iterable<Row>
  /** Bytes on disk. */
  readonly databaseSize: number
}

/** The one row that says which partition this is. */
export interface PartitionRow {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly config: string
  readonly configVersion: number
  readonly leaderEpoch: number
  readonly logStartOffset: number
}

/** A chunk as its row says, its bytes still unread. */
export interface ChunkRow {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly index: Uint8Array
}

export interface ChunkBytes extends ChunkRow {
  readonly bytes: Uint8Array
  /** The size of the next one, where that goes beyond what was wanted at a time. */
  readonly beyond: number | undefined
}

/** Rows looked at together: no cursor is left open, for as long as one is, the platform lets no table go. */
const PAGE_ROWS = 64
/** A row stays below the platform's 2,000,000 bytes, its index and columns included. */
const MAX_BLOB_BYTES = 1_700_000

const table = (segment: Segment): string => `segment_${segment.baseOffset}_${segment.generation}`

export class Store {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  get sizeBytes(): number {
    return this.#sql.databaseSize
  }

  /** Undefined for a partition that was never born here: reading must not bring it to life. */
  partition(): PartitionRow | undefined {
    if (!this.#exists('partition')) return undefined
    const row = this.#first(
      'SELECT topic_id, topic, partition, config, config_version, leader_epoch, log_start_offset FROM partition',
    )
    if (row === undefined) return undefined
    return {
      topicId: row['topic_id'] as string,
      topic: row['topic'] as string,
      partition: row['partition'] as number,
      config: row['config'] as string,
      configVersion: row['config_version'] as number,
      leaderEpoch: row['leader_epoch'] as number,
      logStartOffset: row['log_start_offset'] as number,
    }
  }

  create(row: PartitionRow): void {
    this.#sql.exec(
      'CREATE TABLE partition (id INTEGER PRIMARY KEY, topic_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, config TEXT NOT NULL, config_version INTEGER NOT NULL, leader_epoch INTEGER NOT NULL, log_start_offset INTEGER NOT NULL)',
    )
    this.#sql.exec(
      'CREATE TABLE segments (base_offset INTEGER PRIMARY KEY, generation INTEGER NOT NULL, created_ms INTEGER NOT NULL, next_offset INTEGER NOT NULL, max_timestamp INTEGER NOT NULL, size_bytes INTEGER NOT NULL, chunks INTEGER NOT NULL, producers BLOB NOT NULL)',
    )
    this.#sql.exec(
      'INSERT INTO partition VALUES (0, ?, ?, ?, ?, ?, ?, ?)',
      row.topicId,
      row.topic,
      row.partition,
      row.config,
      row.configVersion,
      row.leaderEpoch,
      row.logStartOffset,
    )
  }

  setConfig(config: string, configVersion: number): void {
    this.#sql.exec('UPDATE partition SET config = ?, config_version = ? WHERE id = 0', config, configVersion)
  }

  setLogStartOffset(offset: number): void {
    this.#sql.exec('UPDATE partition SET log_start_offset = ? WHERE id = 0', offset)
  }

  /** Oldest first. What the row says of the newest is what it was when it began. */
  segments(): Segment[] {
    const rows = this.#sql.exec(
      'SELECT base_offset, generation, created_ms, next_offset, max_timestamp, size_bytes, chunks FROM segments ORDER BY base_offset',
    )
    return Array.from(rows, row => ({
      baseOffset: row['base_offset'] as number,
      generation: row['generation'] as number,
      createdMs: row['created_ms'] as number,
      nextOffset: row['next_offset'] as number,
      maxTimestamp: row['max_timestamp'] as number,
      sizeBytes: row['size_bytes'] as number,
      chunks: row['chunks'] as number,
    }))
  }

  /** The producers as they stood when the segment began. */
  producersAt(segment: Segment): Uint8Array {
    const row = this.#first('SELECT producers FROM segments WHERE base_offset = ?', segment.baseOffset)
    return row === undefined ? new Uint8Array(0) : blob(row['producers'])
  }

  /** A segment's table by itself, which no reader looks into yet. */
  createTable(segment: Segment): void {
    this.#sql.exec(
      `CREATE TABLE ${table(segment)} (base_offset INTEGER PRIMARY KEY, last_offset INTEGER NOT NULL, max_timestamp INTEGER NOT NULL, batches BLOB NOT NULL, bytes BLOB NOT NULL)`,
    )
  }

  dropTable(segment: Segment): void {
    this.#sql.exec(`DROP TABLE ${table(segment)}`)
    this.#sql.exec(`DROP TABLE IF EXISTS ${table(segment)}_rest`)
  }

  createSegment(segment: Segment, producers: Uint8Array): void {
    this.createTable(segment)
    this.#sql.exec(
      'INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      segment.baseOffset,
      segment.generation,
      segment.createdMs,
      segment.nextOffset,
      segment.maxTimestamp,
      segment.sizeBytes,
      segment.chunks,
      producers,
    )
  }

  /** Writes down what a segment came to, once it takes no more. */
  closeSegment(segment: Segment): void {
    this.#sql.exec(
      'UPDATE segments SET next_offset = ?, max_timestamp = ?, size_bytes = ?, chunks = ? WHERE base_offset = ?',
      segment.nextOffset,
      segment.maxTimestamp,
      segment.sizeBytes,
      segment.chunks,
      segment.baseOffset,
    )
  }

  dropSegment(segment: Segment): void {
    this.dropTable(segment)
    this.#sql.exec('DELETE FROM segments WHERE base_offset = ?', segment.baseOffset)
  }

  /** Puts one segment, whose table is there already, in place of neighbours; one without chunks leaves none. */
  replaceSegments(neighbours: readonly Segment[], cleaned: Segment): void {
    const isEmpty = cleaned.chunks === 0
    for (const [i, segment] of neighbours.entries())
      if (i > 0 || isEmpty) this.dropSegment(segment)
      else this.dropTable(segment)
    if (isEmpty) return this.dropTable(cleaned)
    this.#sql.exec(
      'UPDATE segments SET generation = ?, created_ms = ? WHERE base_offset = ?',
      cleaned.generation,
      cleaned.createdMs,
      cleaned.baseOffset,
    )
    this.closeSegment(cleaned)
  }

  /** How far compaction is, in its own words; undefined if it never was. */
  cleaner(): string | undefined {
    if (!this.#exists('cleaner')) return undefined
    return this.#first('SELECT state FROM cleaner')?.['state'] as string | undefined
  }

  setCleaner(state: string): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS cleaner (id INTEGER PRIMARY KEY, state TEXT NOT NULL)')
    this.#sql.exec('INSERT OR REPLACE INTO cleaner VALUES (0, ?)', state)
  }

  insertChunk(segment: Segment, chunk: Chunk): void {
    const bytes = joined(chunk.batches.map(batch => batch.bytes))
    const fits = bytes.length <= MAX_BLOB_BYTES
    this.#sql.exec(
      `INSERT INTO ${table(segment)} VALUES (?, ?, ?, ?, ?)`,
      chunk.baseOffset,
      chunk.lastOffset,
      chunk.maxTimestamp,
      encodeIndex(chunk.batches),
      fits ? bytes : bytes.slice(0, MAX_BLOB_BYTES),
    )
    if (!fits) this.#insertRest(segment, chunk.baseOffset, bytes)
  }

  /** The chunk that holds `offset`, or the one before it if that lies in a gap; undefined if the segment begins later. */
  chunkAt(segment: Segment, offset: number): ChunkRow | undefined {
    const row = this.#first(
      `SELECT base_offset, last_offset, max_timestamp, batches FROM ${table(segment)} WHERE base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
      offset,
    )
    return row && chunkRow(row)
  }

  /** Where the chunk begins that holds `offset`; `offset` itself where none does. */
  chunkStart(segment: Segment, offset: number): number {
    const row = this.#first(
      `SELECT base_offset, last_offset FROM ${table(segment)} WHERE base_offset <= ? ORDER BY base_offset DESC LIMIT 1`,
      offset,
    )
    return row !== undefined && (row['last_offset'] as number) >= offset ? (row['base_offset'] as number) : offset
  }

  /** Chunks from `offset` on, oldest first, lazily, and to be read to the end: a cursor left open locks every table. */
  *chunksFrom(segment: Segment, offset: number): Iterable<ChunkRow> {
    const rows = this.#sql.exec(
      `SELECT base_offset, last_offset, max_timestamp, batches FROM ${table(segment)} WHERE base_offset >= ? ORDER BY base_offset`,
      offset,
    )
    for (const row of rows) yield chunkRow(row)
  }

  /** The first chunk holding a record of `timestamp` or later. */
  chunkByTime(segment: Segment, timestamp: number, fromOffset: number): ChunkRow | undefined {
    const row = this.#first(
      `SELECT base_offset, last_offset, max_timestamp, batches FROM ${table(segment)} WHERE last_offset >= ? AND max_timestamp >= ? ORDER BY base_offset LIMIT 1`,
      fromOffset,
      timestamp,
    )
    return row && chunkRow(row)
  }

  /**
   * Whole chunks with their bytes that begin from `offset` on and before `upTo`, about `maxBytes` of them at a time, for as
   * long as the caller wants more. Bytes kept in the side table are fetched too.
   */
  *chunkBytesFrom(
    segment: Segment,
    offset: number,
    maxBytes: number,
    upTo = Number.MAX_SAFE_INTEGER,
  ): Iterable<ChunkBytes> {
    for (let from = offset; ;) {
      const sizes = this.#all(
        `SELECT base_offset, length(bytes) AS size FROM ${table(segment)} WHERE base_offset >= ? AND base_offset < ? ORDER BY base_offset LIMIT ${PAGE_ROWS}`,
        from,
        upTo,
      )
      if (sizes.length === 0) return
      let bytes = 0
      // The first that does not fit ends the page, unless it is the only one.
      const tooMuch = sizes.findIndex((row, i) => (bytes += row['size'] as number) > maxBytes && i > 0)
      const last = sizes.at(tooMuch < 0 ? -1 : tooMuch - 1)!
      const beyond = tooMuch < 0 ? undefined : (sizes[tooMuch]!['size'] as number)
      const rows = this.#all(
        `SELECT base_offset, last_offset, max_timestamp, batches, bytes FROM ${table(segment)} WHERE base_offset BETWEEN ? AND ? ORDER BY base_offset`,
        from,
        last['base_offset'] as number,
      )
      for (const row of rows)
        yield {
          ...chunkRow(row),
          bytes: this.#wholeBytes(segment, row),
          beyond: row === rows.at(-1) ? beyond : undefined,
        }
      if (last === sizes.at(-1) && sizes.length < PAGE_ROWS) return
      from = (last['base_offset'] as number) + 1
    }
  }

  /** Part of one chunk's bytes: what a reader that begins inside it gets. */
  slice(segment: Segment, chunkBaseOffset: number, position: number, sizeBytes: number): Uint8Array {
    if (position + sizeBytes > MAX_BLOB_BYTES) {
      for (const chunk of this.chunkBytesFrom(segment, chunkBaseOffset, 1))
        return chunk.bytes.slice(position, position + sizeBytes)
    }
    const row = this.#first(
      `SELECT substr(bytes, ?, ?) AS part FROM ${table(segment)} WHERE base_offset = ?`,
      position + 1,
      sizeBytes,
      chunkBaseOffset,
    )
    return row === undefined ? new Uint8Array(0) : blob(row['part'])
  }

  /** Generations of answers to idempotency keys, oldest first. */
  answerGenerations(): number[] {
    const tables = this.#sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'answers_%'")
    return Array.from(tables, ({ name }) => Number((name as string).slice('answers_'.length))).sort((a, b) => a - b)
  }

  beginAnswers(generation: number): void {
    this.#sql.exec(`CREATE TABLE answers_${generation} (key TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID`)
  }

  dropAnswers(generation: number): void {
    this.#sql.exec(`DROP TABLE answers_${generation}`)
  }

  countAnswers(generation: number): number {
    return this.#first(`SELECT count(*) AS n FROM answers_${generation}`)?.['n'] as number
  }

  answer(generation: number, key: string): string | undefined {
    return this.#first(`SELECT answer FROM answers_${generation} WHERE key = ?`, key)?.['answer'] as string | undefined
  }

  keepAnswer(generation: number, key: string, answer: string): void {
    this.#sql.exec(`INSERT OR REPLACE INTO answers_${generation} VALUES (?, ?)`, key, answer)
  }

  keepAborted({ lastOffset, firstOffset, producerId, lastStableOffset }: AbortedTransaction): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS aborted (last_offset INTEGER PRIMARY KEY, first_offset INTEGER NOT NULL, producer_id INTEGER NOT NULL, last_stable_offset INTEGER NOT NULL)',
    )
    this.#sql.exec('INSERT INTO aborted VALUES (?, ?, ?, ?)', lastOffset, firstOffset, producerId, lastStableOffset)
  }

  /** Aborted transactions whose markers stand at `offset` or later, in the order of these, for as long as the caller wants. */
  *abortedFrom(offset: number): Iterable<AbortedTransaction> {
    if (!this.#exists('aborted')) return
    for (let from = offset; ;) {
      const rows = this.#all(
        `SELECT last_offset, first_offset, producer_id, last_stable_offset FROM aborted WHERE last_offset >= ? ORDER BY last_offset LIMIT ${PAGE_ROWS}`,
        from,
      )
      for (const row of rows)
        yield {
          producerId: row['producer_id'] as number,
          firstOffset: row['first_offset'] as number,
          lastOffset: row['last_offset'] as number,
          lastStableOffset: row['last_stable_offset'] as number,
        }
      if (rows.length < PAGE_ROWS) return
      from = (rows.at(-1)!['last_offset'] as number) + 1
    }
  }

  /** Forgets those that ended before `offset`. */
  forgetAborted(offset: number): void {
    if (this.#exists('aborted')) this.#sql.exec('DELETE FROM aborted WHERE last_offset < ?', offset)
  }

  #insertRest(segment: Segment, baseOffset: number, bytes: Uint8Array): void {
    const rest = `${table(segment)}_rest`
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS ${rest} (base_offset INTEGER, part INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (base_offset, part)) WITHOUT ROWID`,
    )
    for (let part = 1; part * MAX_BLOB_BYTES < bytes.length; part++) {
      this.#sql.exec(
        `INSERT INTO ${rest} VALUES (?, ?, ?)`,
        baseOffset,
        part,
        bytes.slice(part * MAX_BLOB_BYTES, (part + 1) * MAX_BLOB_BYTES),
      )
    }
  }

  #wholeBytes(segment: Segment, row: Row): Uint8Array {
    const head = blob(row['bytes'])
    if (head.length < MAX_BLOB_BYTES || !this.#exists(`${table(segment)}_rest`)) return head
    const rest = this.#all(
      `SELECT bytes FROM ${table(segment)}_rest WHERE base_offset = ? ORDER BY part`,
      row['base_offset'] as number,
    )
    return joined([head, ...rest.map(({ bytes }) => blob(bytes))])
  }

  #exists(name: string): boolean {
    return this.#first("SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = ?", name) !== undefined
  }

  /** Of statements that find one row at most: what they might find beyond it would stay locked. */
  #first(statement: string, ...bindings: SqlValue[]): Row | undefined {
    for (const row of this.#sql.exec(statement, ...bindings)) return row
    return undefined
  }

  #all(statement: string, ...bindings: SqlValue[]): Row[] {
    return [...this.#sql.exec(statement, ...bindings)]
  }
}

const blob = (value: SqlValue | undefined): Uint8Array =>
  value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer)

const chunkRow = (row: Row): ChunkRow => ({
  baseOffset: row['base_offset'] as number,
  lastOffset: row['last_offset'] as number,
  maxTimestamp: row['max_timestamp'] as number,
  index: blob(row['batches']),
})
