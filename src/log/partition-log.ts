// PartitionLog: one partition's append-only log over one store. Appends are decided at once, in the order they come, and
// gather until the host writes them as one commit; only what was committed is ever read. No clock, no waiting: the host
// (objects/log-host.ts) says when to write, when it is durable, and what time it is.

import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { Answers } from './answers.ts'
import { type Appended, type AppendRequest, type AppendResult, judge, type Origin } from './append.ts'
import { type Batch, lastOffset, parseBatches, readBatches, stamp } from './batch.ts'
import { type Chunk, MAX_CHUNK_BYTES, toChunks } from './chunk.ts'
import { joined } from '../protocol/bytes.ts'
import type { CleanableLog } from './cleanable.ts'
import { Cleaner } from './compaction.ts'
import { isCompacted, type LogConfig } from './config.ts'
import { batchByTime, type LogBounds, read, type Read, type ReadRequest } from './fetch.ts'
import type { ActiveProducer, Producers } from './producers.ts'
import { recover } from './recovery.ts'
import { emptySegment, expired, grown, nextExpiryMs, type Segment, shouldRoll } from './segments.ts'
import type { Store } from './store.ts'
import { type AbortedTransaction, encodeMarker, type TransactionEnd, type Transactions } from './transactions.ts'

/** A Durable Object holds 10 GB; appends are refused a little before, while there is room to let segments go. */
const FULL_BYTES = 9_800_000_000
/** How big the store is costs a statement, so it is asked once in so many small chunks. */
const SIZED_CHUNKS = 16

export interface Identity {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
}

/** What is known of a partition without reading it. Sizes in bytes of stored batches. */
export interface Description extends LogBounds {
  readonly sizeBytes: number
  readonly segments: number
  readonly leaderEpoch: number
}

/** The place of a record: -1 where there is none. */
export interface OffsetAndTimestamp {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/** A batch that holds the answer, if it is at `start` or behind it. */
export interface ToOpen {
  readonly open: Uint8Array
  readonly start: number
}

/** Kafka's special timestamps of ListOffsets. */
export const LATEST = -1
export const EARLIEST = -2
export const MAX_TIMESTAMP = -3

export class PartitionLog {
  readonly identity: Identity
  readonly leaderEpoch: number
  readonly #store: Store
  #config: LogConfig
  #configVersion: number
  #segments: readonly Segment[]
  #producers: Producers
  #transactions: Transactions
  readonly #cleaner: Cleaner
  readonly #answers: Answers
  /** Accepted, and written with the next commit. */
  #pendingAborted: AbortedTransaction[] = []
  #logStartOffset: number
  /** Where the next accepted batch goes: everything decided. */
  #logEndOffset: number
  /** Everything written into the running commit. */
  #writtenOffset: number
  /** Everything durable: all that anybody sees. */
  #highWatermark: number
  #pending: Batch[] = []
  #pendingBytes = 0
  #written: Chunk[] = []
  #full = false

  private constructor(
    store: Store,
    identity: Identity,
    config: LogConfig,
    configVersion: number,
    leaderEpoch: number,
    logStartOffset: number,
    nowMs: number,
  ) {
    this.#store = store
    this.identity = identity
    this.leaderEpoch = leaderEpoch
    this.#config = config
    this.#configVersion = configVersion
    this.#logStartOffset = logStartOffset
    const { segments, producers, transactions } = recover(store, nowMs)
    this.#segments = segments
    this.#producers = producers
    this.#transactions = transactions
    this.#cleaner = new Cleaner(store)
    this.#answers = new Answers(store)
    this.#logEndOffset = this.#writtenOffset = this.#highWatermark = this.#active.nextOffset
    this.#transactions.settled(this.#highWatermark)
    this.#full = this.#store.sizeBytes > FULL_BYTES
  }

  /** The log of a partition that is born now: its tables, and an empty segment at offset 0. Inside the host's transaction. */
  static create(
    store: Store,
    identity: Identity,
    config: LogConfig,
    configVersion: number,
    nowMs: number,
  ): PartitionLog {
    store.create({ ...identity, config: JSON.stringify(config), configVersion, leaderEpoch: 0, logStartOffset: 0 })
    store.createSegment(emptySegment(0, nowMs), new Uint8Array(0))
    return new PartitionLog(store, identity, config, configVersion, 0, 0, nowMs)
  }

  /** The log as it was last committed, under what `configured` makes of its config; undefined where none was born. */
  static open(store: Store, nowMs: number, configured = (config: LogConfig) => config): PartitionLog | undefined {
    const row = store.partition()
    if (row === undefined) return undefined
    const { topicId, topic, partition } = row
    return new PartitionLog(
      store,
      { topicId, topic, partition },
      configured(JSON.parse(row.config) as LogConfig),
      row.configVersion,
      row.leaderEpoch,
      row.logStartOffset,
      nowMs,
    )
  }

  get config(): LogConfig {
    return this.#config
  }

  get configVersion(): number {
    return this.#configVersion
  }

  get bounds(): LogBounds {
    const logStartOffset = this.#logStartOffset
    const highWatermark = this.#highWatermark
    const unstable = Math.max(this.#transactions.firstUnstableOffset ?? highWatermark, logStartOffset)
    return { logStartOffset, highWatermark, lastStableOffset: Math.min(unstable, highWatermark) }
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  /** Is anything decided that no commit holds yet? */
  get dirty(): boolean {
    return this.#pending.length > 0 || this.#answers.dirty
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Decides one append: accepted (its offsets given, its batches stamped in place), a duplicate, or refused. The answer
   * may leave only when everything decided so far is durable.
   */
  append(request: AppendRequest, nowMs: number, origin: Origin = 'client'): AppendResult {
    const key = request.idempotencyKey
    const before = key === undefined ? undefined : this.#answers.get(key)
    if (before !== undefined) return again(before, request.records)
    if (this.#full) return this.#refuseFull()
    const batches = parseBatches(request.records)
    if (isFailure(batches)) return { ...batches, logStartOffset: this.#logStartOffset }
    // The idlest comes first, so that it costs nothing to look.
    this.#expireProducers(nowMs)
    const judgement = judge(batches, request, this.#producers, this.#transactions, this.#config, nowMs, origin)
    if (judgement === 'accept') {
      const appended = this.#accept(batches, nowMs, request.transaction)
      if (key !== undefined && !('error' in appended)) this.#answers.keep(key, appended)
      return appended
    }
    if ('error' in judgement) return { ...judgement, logStartOffset: this.#logStartOffset }
    const { baseOffset, lastOffset: last, timestamp } = judgement.duplicateOf
    // As Kafka does: whichever clock gave the time, a repeated batch is answered with it.
    return {
      baseOffset,
      lastOffset: last,
      logAppendTime: timestamp,
      logStartOffset: this.#logStartOffset,
      duplicate: true,
    }
  }

  /**
   * Ends a transaction with a marker, unless it has ended here before: then the answer is a duplicate at offset -1. A
   * partition that is full still takes markers.
   */
  endTransaction(end: TransactionEnd, nowMs: number): AppendResult {
    const judged = this.#transactions.judgeEnd(end)
    const logStartOffset = this.#logStartOffset
    if (judged === 'ended')
      return { baseOffset: -1, lastOffset: -1, logAppendTime: -1, logStartOffset, duplicate: true }
    if (judged !== undefined) return judged
    const marker = parseBatches(encodeMarker(end, nowMs))
    if (isFailure(marker)) throw new Error(marker.message)
    const ended = this.#transactions.startOf(end.producerId)
    const appended = this.#accept(marker, nowMs, end.transaction)
    if (!end.committed && ended >= 0 && !('error' in appended)) this.#abort(end.producerId, ended, appended.lastOffset)
    return appended
  }

  #abort(producerId: number, firstOffset: number, lastOffset: number): void {
    const lastStableOffset = this.#transactions.firstOpenOffset ?? lastOffset + 1
    this.#pendingAborted.push({ producerId, firstOffset, lastOffset, lastStableOffset })
  }

  /** Is all that `write` has to do a single row? That is written or not by itself, so it needs no transaction. */
  writesOneRow(nowMs: number): boolean {
    const others = this.#pendingAborted.length > 0 || this.#answers.dirty
    return (
      !others &&
      this.#pendingBytes <= MAX_CHUNK_BYTES &&
      !shouldRoll(this.#active, this.#pendingBytes, this.#config, nowMs)
    )
  }

  /**
   * Writes everything decided, as one row a chunk. Inside the host's transaction, unless `writesOneRow`; a throw leaves
   * memory ahead of disk.
   */
  write(nowMs: number): void {
    const chunks = toChunks(this.#pending)
    for (const chunk of chunks) {
      if (shouldRoll(this.#active, chunk.sizeBytes, this.#config, nowMs)) this.#roll(chunk, nowMs)
      this.#store.insertChunk(this.#active, chunk)
      this.#segments = this.#segments.with(-1, grown(this.#active, chunk))
      this.#writtenOffset = chunk.lastOffset + 1
    }
    for (const aborted of this.#pendingAborted) this.#store.keepAborted(aborted)
    this.#pendingAborted = []
    this.#answers.write(nowMs)
    this.#written = chunks
    if (this.#pendingBytes > MAX_CHUNK_BYTES || this.#active.chunks % SIZED_CHUNKS === 0)
      this.#full = this.#store.sizeBytes > FULL_BYTES
    this.#pending = []
    this.#pendingBytes = 0
  }

  /** What was written is durable now: readers may see it. Returns the new chunks, for those who follow the tail. */
  committed(): readonly Chunk[] {
    const chunks = this.#written
    this.#written = []
    this.#highWatermark = this.#writtenOffset
    this.#transactions.settled(this.#highWatermark)
    return chunks
  }

  read(request: ReadRequest): Read {
    return read(this.#store, this.#segments, this.bounds, request)
  }

  /**
   * The offset for one of Kafka's special timestamps (LATEST, EARLIEST, MAX_TIMESTAMP) or for the first record of a time
   * or later, at `from` or behind it. Where the answer lies inside a batch, that batch, and the first offset that counts:
   * whoever opens records finds it there, or asks again from behind it.
   */
  offsetFor(timestamp: number, isolation?: ReadRequest['isolation'], from = 0): OffsetAndTimestamp | ToOpen {
    const at = (offset: number): OffsetAndTimestamp => ({ offset, timestamp: -1, leaderEpoch: this.leaderEpoch })
    const { highWatermark, lastStableOffset } = this.bounds
    const end = isolation === 'read_committed' ? lastStableOffset : highWatermark
    if (timestamp === LATEST) return at(end)
    if (timestamp === EARLIEST) return at(this.#logStartOffset)
    const wanted =
      timestamp === MAX_TIMESTAMP
        ? this.#segments.reduce((max, segment) => Math.max(max, segment.maxTimestamp), -1)
        : timestamp
    const bounds = { start: Math.max(from, this.#logStartOffset), end }
    const open = wanted < 0 ? undefined : batchByTime(this.#store, this.#segments, bounds, wanted)
    if (open === undefined) return { offset: -1, timestamp: -1, leaderEpoch: this.leaderEpoch }
    return { open, start: bounds.start }
  }

  /** DeleteRecords: nothing below `before` is read again; -1 means up to the high watermark. Inside the host's transaction. */
  deleteRecords(before: number, nowMs: number): { readonly logStartOffset: number } | Failure {
    const offset = before === -1 ? this.#highWatermark : before
    if (offset < 0 || offset > this.#highWatermark)
      return failure(
        'OFFSET_OUT_OF_RANGE',
        `Records can be deleted up to offset ${this.#highWatermark}, not ${before}.`,
      )
    if (offset > this.#logStartOffset) {
      this.#setLogStart(offset)
      this.retain(nowMs)
    }
    return { logStartOffset: this.#logStartOffset }
  }

  /** Takes over a newer config of the topic. Inside the host's transaction. */
  configure(config: LogConfig, configVersion: number): void {
    if (configVersion <= this.#configVersion) return
    this.#store.setConfig(JSON.stringify(config), configVersion)
    this.#config = config
    this.#configVersion = configVersion
    if (!isCompacted(config)) this.#cleaner.abandon()
  }

  /** Lets go what retention and DeleteRecords no longer keep, and answers that expired. Inside the host's transaction. */
  retain(nowMs: number): void {
    this.#expireProducers(nowMs)
    this.#transactions.expire(nowMs)
    this.#answers.expire(nowMs)
    const durable = this.#segments.findLastIndex(segment => segment.nextOffset <= this.#highWatermark) + 1
    const count = Math.min(durable, expired(this.#segments, this.#logStartOffset, this.#config, nowMs))
    if (count === 0) return
    if (count === this.#segments.length) this.#startSegment(emptySegment(this.#active.nextOffset, nowMs))
    for (const segment of this.#segments.slice(0, count)) this.#store.dropSegment(segment)
    this.#segments = this.#segments.slice(count)
    this.#setLogStart(Math.max(this.#logStartOffset, this.#segments[0]!.baseOffset))
    this.#store.forgetAborted(this.#logStartOffset)
    this.#full = this.#store.sizeBytes > FULL_BYTES
  }

  /** When `retain` is next worth calling, ms; undefined if only appends can change that. */
  deadline(): number | undefined {
    const expiry = nextExpiryMs(this.#segments, this.#config)
    const answers = this.#answers.deadlineMs
    return expiry === undefined || answers === undefined ? (expiry ?? answers) : Math.min(expiry, answers)
  }

  /** When `clean` is next worth calling, ms, which may be long ago; undefined while there is nothing to clean. */
  cleanableMs(): number | undefined {
    return this.#cleaner.dueMs(this.#cleanable)
  }

  /**
   * One step of compaction, which reads about `maxBytes`, a record counting as 1,000 more; true if it stored how far it got. Inside the host's transaction;
   * a throw changes nothing here.
   */
  clean(nowMs: number, maxBytes: number): boolean {
    const { segments, isStored } = this.#cleaner.step(this.#cleanable, this.#producers, nowMs, maxBytes)
    this.#segments = segments
    this.#full = this.#store.sizeBytes > FULL_BYTES
    return isStored
  }

  /** Gives back the memory that compaction takes between its steps. */
  restCleaning(): void {
    this.#cleaner.rest()
  }

  /** Has a request with this idempotency key been answered within the last minutes? */
  knowsIdempotencyKey(key: string): boolean {
    return this.#answers.get(key) !== undefined
  }

  activeProducers(): ActiveProducer[] {
    return this.#producers.active().map(producer => ({
      ...producer,
      coordinatorEpoch: this.#transactions.hasEnded(producer.producerId) ? 0 : -1,
      currentTxnStartOffset: this.#transactions.startOf(producer.producerId),
    }))
  }

  describe(): Description {
    return {
      ...this.bounds,
      sizeBytes: this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
      segments: this.#segments.length,
      leaderEpoch: this.leaderEpoch,
    }
  }

  /** From the oldest to the active one. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  get #cleanable(): CleanableLog {
    return { ...this.bounds, segments: this.#segments, config: this.#config }
  }

  get #active(): Segment {
    return this.#segments.at(-1)!
  }

  #accept(batches: readonly Batch[], nowMs: number, transaction?: number): AppendResult {
    const stampsTime = this.#config['message.timestamp.type'] === 'LogAppendTime'
    const logAppendTime = stampsTime ? nowMs : undefined
    const baseOffset = this.#logEndOffset
    for (const batch of batches) {
      const at = { baseOffset: this.#logEndOffset, leaderEpoch: this.leaderEpoch, logAppendTime }
      const stamped = { ...stamp(batch, at), ...(transaction !== undefined && { transaction }) }
      this.#pending.push(stamped)
      this.#pendingBytes += stamped.bytes.length
      this.#producers.wrote(stamped, nowMs)
      this.#transactions.wrote(stamped, nowMs)
      this.#logEndOffset = lastOffset(stamped) + 1
    }
    return {
      baseOffset,
      lastOffset: this.#logEndOffset - 1,
      logAppendTime: logAppendTime ?? -1,
      logStartOffset: this.#logStartOffset,
    }
  }

  #expireProducers(nowMs: number): void {
    const isOpen = (producerId: number): boolean => this.#transactions.isOpen(producerId)
    this.#producers.expire(nowMs, isOpen, this.#config['producer.id.expiration.ms'])
  }

  #refuseFull(): AppendResult {
    return {
      ...failure(
        'KAFKA_STORAGE_ERROR',
        `Partition ${this.identity.topic}-${this.identity.partition} has reached the 10 GB that one Durable Object holds: lower retention.bytes or retention.ms, delete records, or add partitions.`,
      ),
      logStartOffset: this.#logStartOffset,
    }
  }

  #roll(next: Chunk, nowMs: number): void {
    this.#store.closeSegment(this.#active)
    this.#startSegment(emptySegment(next.baseOffset, nowMs))
    if (this.#config['retention.bytes'] >= 0) this.retain(nowMs)
  }

  #startSegment(segment: Segment): void {
    this.#store.createSegment(segment, joined([this.#producers.encode(), this.#transactions.encode()]))
    this.#segments = [...this.#segments, segment]
  }

  #setLogStart(offset: number): void {
    this.#store.setLogStartOffset(offset)
    this.#logStartOffset = offset
  }
}

/** A request that came before is answered as then; one that only says so, as it has other records, is refused. */
function again(before: Appended, records: Uint8Array): AppendResult {
  const count = readBatches(records).reduce((sum, batch) => sum + batch.lastOffsetDelta + 1, 0)
  const then = before.lastOffset - before.baseOffset + 1
  if (count === then) return { ...before, duplicate: true }
  return failure(
    'INVALID_REQUEST',
    `Another request was made under this key: of ${then} records here, not of ${count}.`,
  )
}
