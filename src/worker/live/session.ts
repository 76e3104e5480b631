// LiveSession: what one live consumer reads, whatever the door. It keeps the vector of next offsets, lets followers bring
// records as far as there is room, and hands them on, in order per partition, as far as the reader takes them. It knows
// no socket and no clock: the doors (sse.ts, socket.ts) are its sinks.

import { type Batch, lastOffset, readBatches } from '../../log/batch.ts'
import type { LogBounds } from '../../log/fetch.ts'
import type { Isolation } from '../../log/followers.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import { withoutAborted } from '../committed.ts'
import type { Followed } from '../follower.ts'
import type { ReadFormat } from '../formats.ts'
import { ResumeVector } from '../resume.ts'
import { Encoding } from './encoded.ts'

/**
 * Bytes of stored batches that wait here for a slow reader, split among the partitions. What comes is whole batches, and
 * each partition that may send can exceed its part by one, so this and 32 batches is what a connection holds at most.
 */
const WINDOW_BYTES = 524_288
/** So many partitions send whenever they have something. The others send one batch when asked, as many at a time. */
const EAGER_PARTITIONS = 16
/** Followers opened at once. */
const OPENING = 32
/** What goes out as one frame. */
const MAX_FRAME_RECORDS = 1_000
const MAX_FRAME_CHARS = 262_144

export interface LiveTopic {
  readonly name: string
  readonly topicId: string
}

export interface Place {
  readonly topic: LiveTopic
  readonly partition: number
  readonly offset: number
  /** The log said where this is, not the reader: where it has lost that by the first read, it begins where the log does. */
  readonly mayMove?: boolean
}

/** A Follower, as far as it is needed here. */
export interface Following {
  next(): Promise<Followed>
  credit(bytes: number): void
  close(): void
}

/** Rejects as little as it can: what is thrown here ends the session as REQUEST_TIMED_OUT. */
export type Follow = (place: Place, creditBytes: number) => Promise<Following | Failure>

/** Why a live consumer cannot go on. */
export interface LiveFailure extends Failure {
  readonly topic?: string
  readonly partition?: number
  /** The next offset that would have been read. */
  readonly offset?: number
  /** With OFFSET_OUT_OF_RANGE: what the partition still has from. */
  readonly logStartOffset?: number
}

export interface Sink {
  /** Can the reader take more? When it can again, the sink calls drain(). */
  readonly ready: boolean
  /** A record of the frame that is being made; `resume` stands just after it, until the next call. */
  record(json: string, resume: ResumeVector | undefined): void
  /** The frame is full, `resume` the token after it. Without a record: what was passed had nothing for the reader. */
  send(resume: string | undefined): void
  /** There are records that wait for the reader: for `creditLeft` to be more than 0, or for it to be ready. */
  waits(creditLeft: number): void
  /** The last word: the session has ended. */
  fail(failure: LiveFailure): void
}

export interface SessionOptions {
  readonly follow: Follow
  readonly sink: Sink
  readonly format: ReadFormat
  /** What the followers bring: with read_committed, aborted records too, to be left out here. */
  readonly isolation?: Isolation | undefined
  /** Records say their topic. */
  readonly named: boolean
  /** Records that may be sent until there is more credit. */
  readonly credit?: number
  /** The reader is a member of a group, which keeps its place: there are no tokens. Told of each record it is sent. */
  readonly sent?: ((place: Place, offset: number) => void) | undefined
  /** The session has ended, whoever ended it. */
  readonly ended?: () => void
  /** Calls back when what is arriving has arrived; a turn of this thread, if there is none. */
  readonly later?: (drain: () => void) => void
}

/** One partition being read. */
interface Reading {
  readonly place: Place
  readonly following: Following
  readonly encoding: Encoding
  readonly beginOffset: number
  /** The next offset to deliver. */
  nextOffset: number
  /** The next offset to come. */
  fetchedTo: number
  /** Bytes it may hold here; 0: it sends one batch when asked. */
  readonly windowBytes: number
  /** Where it is asked: bytes it was allowed and has not sent; below 0 it sent more. */
  allowedBytes: number
  /** Bytes passed on since it was last allowed more. */
  passedBytes: number
  /** It was asked for a batch that has not been passed on yet. */
  asked: boolean
}

/** What came from a partition in one piece. */
interface Arrived {
  readonly reading: Reading
  readonly batches: readonly Batch[]
  readonly sizeBytes: number
  readonly nextOffset: number
  /** The batch, and within it the record, to go on with. */
  batch: number
  record: number
}

const TURN = Promise.resolve()

export class LiveSession {
  readonly #options: SessionOptions
  readonly #vector = new ResumeVector()
  readonly #places = new Set<Place>()
  #readings: Reading[] = []
  /** Where reading stopped. */
  readonly #stopped = new WeakMap<Place, number>()
  #queue: Arrived[] = []
  #credit: number
  /** Those that have more and send it only when asked, in the order in which they are asked; and how many are. */
  readonly #wanting = new Set<Reading>()
  #asked = 0
  /** The reader has been told of everything up to the vector. */
  #told = true
  #scheduled = false
  #draining = false
  #ended = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.#credit = options.credit ?? Number.POSITIVE_INFINITY
  }

  /** What is read, or about to be. */
  get places(): Iterable<Place> {
    return this.#places
  }

  /** Tells the reader where it stands, and starts to read there; partitions that turn up later are read with it too. */
  async read(places: readonly Place[]): Promise<void> {
    const first = this.#readings.length === 0
    for (const place of places) {
      this.#places.add(place)
      this.#vector.set(place.topic.topicId, place.partition, place.offset)
    }
    this.#tell()
    const eager = Math.max(0, EAGER_PARTITIONS - this.#readings.length)
    const windowBytes = Math.floor(WINDOW_BYTES / (first && places.length <= eager ? places.length : EAGER_PARTITIONS))
    for (let at = 0; at < places.length && !this.#ended; at += OPENING)
      await Promise.all(
        places.slice(at, at + OPENING).map((place, i) => this.#open(place, at + i < eager ? windowBytes : 0)),
      )
  }

  /** Reads these no more; what of them waits here is not sent. */
  release(gone: ReadonlySet<Place>): void {
    for (const place of gone) this.#places.delete(place)
    for (const reading of this.#readings) {
      if (!gone.has(reading.place)) continue
      this.#leave(reading)
    }
    this.#queue = this.#queue.filter(({ reading }) => !gone.has(reading.place))
    this.#ask()
  }

  /** The next offset to be sent, also after the end; where reading stopped. */
  nextOffset(place: Place): number {
    const reading = this.#readings.find(reading => reading.place === place)
    return reading?.nextOffset ?? this.#stopped.get(place) ?? place.offset
  }

  get creditLeft(): number {
    return this.#credit
  }

  /** The reader takes that many records more. */
  credit(records: number): void {
    this.#credit = Math.min(this.#credit + records, Number.MAX_SAFE_INTEGER)
    this.drain()
  }

  /** Are there records that the reader does not take? */
  get waiting(): boolean {
    return this.#queue.length > 0
  }

  /** Passes on what has come, as far as the reader takes it. */
  drain(): void {
    // The sink may say that it can take more while it is given something.
    if (this.#draining) return
    this.#draining = true
    const { sink } = this.#options
    while (!this.#ended && this.#queue.length > 0 && this.#credit > 0 && sink.ready) this.#frame()
    if (!this.#told && sink.ready) this.#tell()
    if (this.#queue.length > 0) sink.waits(this.#credit)
    this.#draining = false
  }

  get #isCommittedOnly(): boolean {
    return this.#options.isolation === 'read_committed'
  }

  /** Ends with what can be passed on still passed on. */
  fail(why: LiveFailure): void {
    if (this.#ended) return
    this.drain()
    if (this.#ended) return
    this.close()
    this.#options.sink.fail(why)
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#queue = []
    for (const { following } of this.#readings) following.close()
    this.#options.ended?.()
  }

  readonly #drainSoon = (): void => {
    this.#scheduled = false
    this.drain()
  }

  async #open(place: Place, windowBytes: number, offset = place.offset): Promise<void> {
    const { follow, format, named } = this.#options
    const following = await follow({ ...place, offset }, windowBytes).catch(unreachable)
    if (isFailure(following)) {
      if (this.#places.has(place)) this.fail(failureAt(place, offset, following))
      return
    }
    if (this.#ended || !this.#places.has(place)) return following.close()
    const { topic, partition } = place
    const reading: Reading = {
      place,
      following,
      encoding: new Encoding({ topic: topic.name, topicId: topic.topicId, partition }, format, named),
      beginOffset: offset,
      nextOffset: offset,
      fetchedTo: offset,
      windowBytes,
      allowedBytes: windowBytes,
      passedBytes: 0,
      asked: false,
    }
    this.#readings.push(reading)
    void this.#pump(reading)
  }

  async #pump(reading: Reading): Promise<void> {
    for (;;) {
      const followed = await reading.following.next()
      if (this.#ended || !this.#places.has(reading.place)) return
      if (followed.type === 'error' && hasMoved(reading, followed)) return this.#moved(reading, followed.logStartOffset)
      if (followed.type === 'error')
        return this.fail(failureAt(reading.place, reading.nextOffset, followed, followed.logStartOffset))
      if (followed.type === 'data') this.#arrived(reading, followed)
      else this.#hasMore(reading, followed)
    }
  }

  /** Retention or DeleteRecords came between where it was to begin and the first read. */
  async #moved(reading: Reading, logStartOffset: number): Promise<void> {
    this.#move(reading, logStartOffset)
    this.#leave(reading)
    this.#ask()
    this.drain()
    await this.#open(reading.place, reading.windowBytes, logStartOffset)
  }

  #leave(reading: Reading): void {
    this.#stopped.set(reading.place, reading.nextOffset)
    reading.following.close()
    this.#wanting.delete(reading)
    if (reading.asked) this.#asked--
    this.#readings = this.#readings.filter(other => other !== reading)
  }

  #arrived(reading: Reading, followed: Followed & { type: 'data' }): void {
    const { nextOffset } = followed
    const sizeBytes = followed.records.length
    reading.allowedBytes -= sizeBytes
    reading.fetchedTo = nextOffset
    const { records } = this.#isCommittedOnly ? withoutAborted(followed) : followed
    this.#queue.push({ reading, batches: readBatches(records), sizeBytes, nextOffset, batch: 0, record: 0 })
    this.#hasMore(reading, followed)
    if (this.#scheduled) return
    this.#scheduled = true
    // Partitions that are told together tell together: what all of them send goes into one frame.
    if (this.#readings.length > 1 && this.#options.later) this.#options.later(this.#drainSoon)
    // (queueMicrotask takes several times as long in workerd.)
    else void TURN.then(this.#drainSoon)
  }

  /** Sends one frame of what is first in the queue. */
  #frame(): void {
    const { sink, sent } = this.#options
    const resume = sent === undefined ? this.#vector : undefined
    let records = 0
    let chars = 0
    let wrong: LiveFailure | undefined
    while (wrong === undefined && records < MAX_FRAME_RECORDS && chars < MAX_FRAME_CHARS && this.#credit > 0) {
      const arrived = this.#queue[0]
      if (arrived === undefined) break
      const { reading } = arrived
      const batch = arrived.batches[arrived.batch]
      if (batch === undefined) {
        this.#passed(arrived)
        continue
      }
      const encoded = reading.encoding.encode(batch)
      if (isFailure(encoded)) {
        wrong = failureAt(reading.place, reading.nextOffset, encoded)
        break
      }
      const after = arrived.batch + 1 === arrived.batches.length ? arrived.nextOffset : lastOffset(batch) + 1
      for (; arrived.record < encoded.length; arrived.record++) {
        if (records >= MAX_FRAME_RECORDS || chars >= MAX_FRAME_CHARS || this.#credit <= 0) break
        const { offset, json } = encoded[arrived.record]!
        if (offset < reading.nextOffset) continue
        this.#move(reading, encoded[arrived.record + 1]?.offset ?? after)
        sink.record(json, resume)
        sent?.(reading.place, offset)
        this.#credit--
        records++
        chars += json.length
      }
      if (arrived.record < encoded.length) break
      this.#move(reading, after)
      arrived.batch++
      arrived.record = 0
    }
    if (records > 0) this.#tell(true)
    if (wrong) this.#stop(wrong)
  }

  /** Everything of a piece went on its way: its partition may send as much again. */
  #passed({ reading, sizeBytes, nextOffset }: Arrived): void {
    this.#queue.shift()
    this.#move(reading, nextOffset)
    if (reading.windowBytes === 0) {
      if (reading.asked) this.#asked--
      reading.asked = false
      return this.#ask()
    }
    reading.passedBytes += sizeBytes
    // Seldom, in large pieces: every word to a partition wakes its object.
    if (reading.passedBytes * 2 < reading.windowBytes) return
    reading.following.credit(reading.passedBytes)
    reading.passedBytes = 0
  }

  #hasMore(reading: Reading, { highWatermark, lastStableOffset }: LogBounds): void {
    const end = this.#isCommittedOnly ? lastStableOffset : highWatermark
    if (reading.windowBytes > 0 || end <= reading.fetchedTo) return
    this.#wanting.add(reading)
    this.#ask()
  }

  /** Asks for a batch each, as many as may be asked at a time. Those that may still send will say so with what they send. */
  #ask(): void {
    for (const reading of this.#wanting) {
      if (this.#asked >= EAGER_PARTITIONS) return
      if (reading.asked) continue
      this.#wanting.delete(reading)
      if (reading.allowedBytes > 0) continue
      const bytes = 1 - reading.allowedBytes
      reading.allowedBytes += bytes
      reading.asked = true
      this.#asked++
      reading.following.credit(bytes)
    }
  }

  #move(reading: Reading, nextOffset: number): void {
    if (nextOffset <= reading.nextOffset) return
    reading.nextOffset = nextOffset
    this.#vector.set(reading.place.topic.topicId, reading.place.partition, nextOffset)
    this.#told = false
  }

  #tell(hasRecords = false): void {
    this.#told = true
    const { sink, sent } = this.#options
    if (sent === undefined) sink.send(this.#vector.token())
    else if (hasRecords) sink.send(undefined)
  }

  #stop(why: LiveFailure): void {
    this.close()
    this.#options.sink.fail(why)
  }
}

/** Nothing had come of it yet. */
const hasMoved = (
  { place, beginOffset, fetchedTo }: Reading,
  { error, logStartOffset }: Followed & { type: 'error' },
) =>
  place.mayMove === true && error === 'OFFSET_OUT_OF_RANGE' && fetchedTo === beginOffset && logStartOffset > fetchedTo

function failureAt({ topic, partition }: Place, offset: number, why: Failure, logStartOffset = -1): LiveFailure {
  return {
    ...failure(why.error, why.message),
    topic: topic.name,
    partition,
    offset,
    ...(logStartOffset < 0 ? {} : { logStartOffset }),
  }
}

const unreachable = (error: unknown): Failure =>
  failure('REQUEST_TIMED_OUT', `The partition could not be reached: ${error instanceof Error ? error.message : error}`)
