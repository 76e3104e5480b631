// How a Fetch is answered: first what is there, read in bounded waves; then, if that is too little, whatever arrives on the
// followed tails until it is enough or time is up. The waiting happens here, where it costs nothing.

import { joined } from '../../protocol/bytes.ts'
import type { Aborted, LogBounds, ReadRequest } from '../../log/fetch.ts'
import { type ErrorName, isFailure } from '../../protocol/errors.ts'
import type { TopicView } from '../../cluster/cluster.ts'
import type { Broker } from '../broker.ts'
import { inWaves } from './partitions.ts'
import { Sessions, type Wanted } from './sessions.ts'
import { Tail } from './tail.ts'

/** One response's records at most, whatever the client allows: an isolate's memory is for many. */
const MAX_FETCH_BYTES = 16_777_216
/** What one partition contributes at most. */
const MAX_PARTITION_BYTES = 8_388_608
/** Partitions read at the same time. */
const MAX_WAVE = 32
/** Tails of one connection, and the bytes that may wait in all of them. */
const MAX_TAILS = 1_000
const MAX_TAILED_BYTES = 8_388_608
const MIN_CREDIT_BYTES = 16_384
/** Partitions of which a connection remembers how far they reached. */
const MAX_SEEN = 10_000

const NO_BOUNDS: LogBounds = { logStartOffset: -1, highWatermark: -1, lastStableOffset: -1 }
const NOTHING = new Uint8Array(0)

/** A partition that is asked for, and what came of it. */
export class Fetching {
  readonly key: string
  readonly wanted: Wanted
  readonly topic: TopicView | undefined
  error: ErrorName | undefined
  bounds = NO_BOUNDS
  records: Uint8Array = NOTHING
  /** Which of the records were aborted, for read_committed. */
  aborted: readonly Aborted[] = []
  /** What this fetch has read to. */
  nextOffset: number

  constructor(key: string, wanted: Wanted, topic: TopicView | undefined, error: ErrorName | undefined) {
    this.key = key
    this.wanted = wanted
    this.topic = topic
    this.error = error
    this.nextOffset = wanted.fetchOffset
  }

  add(records: Uint8Array, nextOffset: number, aborted: readonly Aborted[] = []): void {
    if (aborted.length > 0) this.aborted = distinct([...this.aborted, ...aborted])
    this.records = this.records.length === 0 ? records : joined([this.records, records])
    this.nextOffset = nextOffset
  }
}

export interface Limits {
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly isolation: 'read_uncommitted' | 'read_committed'
}

/** What a connection remembers between its fetches: sessions, tails, and where the last fetch began. */
export class FetchState {
  readonly sessions = new Sessions()
  readonly #tails = new Map<string, Tail>()
  /** Of what the tails bring. */
  #isolation: ReadRequest['isolation']
  #wake: (() => void) | undefined
  #turn = 0
  /** How far partitions reached when they were last asked. */
  readonly #seen = new Map<string, LogBounds>()

  /** Fills in what each partition has, until `minBytes` are there, something is wrong, or the time is up. */
  async fetch(broker: Broker, partitions: readonly Fetching[], limits: Limits, gone: AbortSignal): Promise<void> {
    if (limits.isolation !== this.#isolation) this.#letGo()
    this.#isolation = limits.isolation
    const maxBytes = Math.min(Math.max(limits.maxBytes, 0), MAX_FETCH_BYTES)
    const deadlineMs = Date.now() + limits.maxWaitMs
    // Each fetch begins with another partition, so that none waits behind the others' plenty for ever.
    const turn = partitions.length === 0 ? 0 : this.#turn++ % partitions.length
    const inTurn = [...partitions.slice(turn), ...partitions.slice(0, turn)]
    await this.#readAll(broker, inTurn, maxBytes, limits)
    refuseNegative(partitions, limits)
    while (!enough(inTurn, limits.minBytes) && !gone.aborted) {
      const leftMs = deadlineMs - Date.now()
      if (leftMs <= 0) return
      const ready = this.#arrival(leftMs, gone)
      await this.#followAll(broker, inTurn)
      if (this.#takeAll(inTurn, maxBytes)) this.#wake?.()
      await ready
      this.#takeAll(inTurn, maxBytes)
    }
  }

  close(): void {
    this.#letGo()
    this.#wake?.()
  }

  #letGo(): void {
    for (const tail of this.#tails.values()) tail.close()
    this.#tails.clear()
  }

  /** One partition may give a batch that is larger than allowed, so that its reader gets on; the others keep to their limits. */
  async #readAll(broker: Broker, partitions: readonly Fetching[], maxBytes: number, limits: Limits): Promise<void> {
    this.#takeAll(partitions, maxBytes)
    const unread = partitions.filter(one => one.error === undefined && !this.#followed(one))
    let at = 0
    for (let left = maxBytes - total(partitions); at < unread.length; left = maxBytes - total(partitions)) {
      if (left <= 0 && total(partitions) > 0) break
      const wave = waveOf(unread, at, left)
      await Promise.all(
        wave.map((one, i) => {
          const share = Math.min(limitOf(one), left)
          left -= share
          const atLeastOne = at + i === 0 && total(partitions) === 0
          return this.#read(broker, one, { maxBytes: share, atLeastOne, isolation: limits.isolation })
        }),
      )
      at += wave.length
    }
    for (const one of unread.slice(0, at)) {
      if (total(partitions) > 0) break
      if (one.error === undefined && one.nextOffset < endOf(one.bounds, limits.isolation))
        await this.#read(broker, one, { maxBytes: 0, atLeastOne: true, isolation: limits.isolation })
    }
    await inWaves(unread.slice(at), one => this.#measure(broker, one, limits.isolation))
  }

  async #read(broker: Broker, one: Fetching, how: Omit<ReadRequest, 'offset'>): Promise<void> {
    this.#drop(one.key)
    const read = await broker.read(one.topic!, one.wanted.partition, { offset: one.nextOffset, ...how })
    const { logStartOffset, highWatermark, lastStableOffset } = read
    one.bounds = { logStartOffset, highWatermark, lastStableOffset }
    if ('error' in read) one.error = read.error
    else this.#remember(one)
    if ('records' in read && read.records.length > 0) one.add(read.records, read.nextOffset, read.aborted)
  }

  /** A partition there was no room for tells how far it reaches all the same: as it was last seen, or by asking it. */
  async #measure(broker: Broker, one: Fetching, isolation: Limits['isolation']): Promise<void> {
    const seen = this.#seen.get(one.key)
    if (seen === undefined) await this.#read(broker, one, { maxBytes: 0, atLeastOne: false, isolation })
    else one.bounds = seen
  }

  #remember({ key, bounds }: Fetching): void {
    this.#seen.delete(key)
    this.#seen.set(key, bounds)
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value!)
  }

  /** Takes what has arrived on the tails of these partitions; true if there was anything. */
  #takeAll(partitions: readonly Fetching[], maxBytes: number): boolean {
    let any = false
    for (const one of partitions) {
      const tail = this.#followed(one)
      if (tail === undefined) continue
      if (tail.bounds !== undefined) {
        one.bounds = tail.bounds
        this.#remember(one)
      }
      const left = maxBytes - total(partitions)
      if (!tail.hasNews || (left <= 0 && total(partitions) > 0)) continue
      any = true
      if (tail.failed === undefined) {
        const { records, aborted } = tail.take(Math.min(one.wanted.maxBytes, left))
        one.add(records, tail.position, aborted)
      } else {
        one.error = tail.failed.error
        this.#drop(one.key)
      }
    }
    return any
  }

  /** The partition's tail, if it stands where the client reads. */
  #followed(one: Fetching): Tail | undefined {
    const tail = this.#tails.get(one.key)
    return tail !== undefined && tail.position === one.nextOffset && one.error === undefined ? tail : undefined
  }

  async #followAll(broker: Broker, partitions: readonly Fetching[]): Promise<void> {
    const creditBytes = Math.max(MIN_CREDIT_BYTES, Math.floor(MAX_TAILED_BYTES / Math.max(1, partitions.length)))
    const unfollowed = partitions.filter(one => one.error === undefined && this.#followed(one) === undefined)
    await Promise.all(
      unfollowed.map(async one => {
        this.#drop(one.key)
        if (this.#tails.size >= MAX_TAILS) return
        const credit = Math.min(creditBytes, Math.max(one.wanted.maxBytes, 1), MAX_PARTITION_BYTES)
        const { partition } = one.wanted
        const arrived = (): void => this.#wake?.()
        const tail = await Tail.open(broker, one.topic!, partition, one.nextOffset, credit, this.#isolation, arrived)
        if (isFailure(tail)) one.error = tail.error
        else {
          tail.bounds = one.bounds
          this.#tails.set(one.key, tail)
        }
      }),
    )
  }

  #drop(key: string): void {
    this.#tails.get(key)?.close()
    this.#tails.delete(key)
  }

  /** Resolves when something arrives on any tail, the client goes, or the time is up. */
  #arrival(ms: number, gone: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        gone.removeEventListener('abort', done)
        if (this.#wake === done) this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      gone.addEventListener('abort', done)
      this.#wake = done
    })
  }
}

/** A transaction that reaches over several reads is told with each of them. */
const distinct = (aborted: readonly Aborted[]): Aborted[] =>
  [...new Map(aborted.map(one => [`${one.producerId} ${one.firstOffset}`, one])).values()].sort(
    (a, b) => a.firstOffset - b.firstOffset,
  )

const total = (partitions: readonly Fetching[]): number => partitions.reduce((sum, one) => sum + one.records.length, 0)

const enough = (partitions: readonly Fetching[], minBytes: number): boolean =>
  partitions.length === 0 || total(partitions) >= minBytes || partitions.some(one => one.error !== undefined)

/** What a partition may contribute. */
const limitOf = ({ wanted }: Fetching): number => Math.min(Math.max(wanted.maxBytes, 0), MAX_PARTITION_BYTES)

/** Less than nothing cannot be read, where there is something to read: Kafka's LogSegment. */
function refuseNegative(partitions: readonly Fetching[], { maxBytes, isolation }: Limits): void {
  for (const one of partitions) {
    if ((maxBytes >= 0 && one.wanted.maxBytes >= 0) || one.error !== undefined) continue
    if (one.wanted.fetchOffset >= endOf(one.bounds, isolation)) continue
    one.error = 'UNKNOWN_SERVER_ERROR'
    one.bounds = NO_BOUNDS
    one.records = NOTHING
  }
}

const endOf = ({ highWatermark, lastStableOffset }: LogBounds, isolation: Limits['isolation']): number =>
  isolation === 'read_committed' ? lastStableOffset : highWatermark

/** The next partitions to read at once: as many as may fill what is left, and no more than a wave. */
function waveOf(unread: readonly Fetching[], at: number, leftBytes: number): readonly Fetching[] {
  let bytes = 0
  let end = at
  while (end < unread.length && end - at < MAX_WAVE && (end === at || bytes < leftBytes)) {
    bytes += limitOf(unread[end]!)
    end++
  }
  return unread.slice(at, end)
}
