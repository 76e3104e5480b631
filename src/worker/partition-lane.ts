// One partition as one connection sees it. Calls on one stub arrive in the order made, so appends keep theirs; what comes
// while calls are on their way goes together in the next.

import type { AppendRequest, AppendResult } from '../log/append.ts'
import type { Read, ReadRequest } from '../log/fetch.ts'
import type { Near } from '../near.ts'
import type { PartitionStub } from '../objects/place.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import { errors, partitionCalls, type Traffic } from './metrics/measured.ts'

/** Appends and bytes in one call to a partition: a call carries 32 MiB. */
const MAX_APPENDS_PER_CALL = 500
const MAX_BYTES_PER_CALL = 24 * 1_048_576
/** Calls on their way at a time: one that is being written, and one to go on with. */
const MAX_CALLS_IN_FLIGHT = 2

interface LaneEvents {
  /** There is something to send: `send` is to be called, soon. */
  ready(lane: PartitionLane): void
  sent(): void
  broke(error: unknown): Failure
}

interface Waiting {
  readonly request: AppendRequest
  readonly answer: (result: AppendResult) => void
}

export class PartitionLane {
  readonly key: string
  readonly stub: PartitionStub
  readonly traffic: Traffic
  /** Of a connection that lasts, on a machine where objects may be near. */
  readonly near: Near | undefined
  readonly #events: LaneEvents
  #waiting: Waiting[] = []
  #inFlight = 0
  /** Whether these go over the line. */
  #isNear = false
  /** What those that come now must not overtake. */
  #judging: Promise<unknown> | undefined

  constructor(key: string, stub: PartitionStub, traffic: Traffic, near: Near | undefined, events: LaneEvents) {
    this.key = key
    this.stub = stub
    this.traffic = traffic
    this.near = near
    this.#events = events
  }

  read(request: ReadRequest): Promise<Read> {
    return (this.near?.call('read', request) as Promise<Read> | undefined) ?? this.stub.read(request)
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return this.#judging === undefined ? this.#enqueue(request) : this.appendJudged(Promise.resolve(request))
  }

  /** Appends what has to be looked at first; what comes after it waits, so that all keep their order. */
  async appendJudged(judged: Promise<AppendRequest | Failure>): Promise<AppendResult> {
    const before = this.#judging
    const turn = judged.catch(this.#events.broke).then(async request => {
      await before
      return isFailure(request) ? request : () => this.#enqueue(request)
    })
    this.#judging = turn
    const append = await turn
    if (this.#judging === turn) this.#judging = undefined
    return typeof append === 'function' ? append() : append
  }

  #enqueue(request: AppendRequest): Promise<AppendResult> {
    return new Promise(answer => {
      if (this.#waiting.push({ request, answer }) === 1) this.#events.ready(this)
    })
  }

  /** Sends what waits, as far as calls may be on their way: all over the line or all by RPC, lest one overtake another. */
  send(): void {
    while (this.#waiting.length > 0 && this.#inFlight < MAX_CALLS_IN_FLIGHT) {
      const isNear = this.near?.isOpen ?? false
      if (this.#inFlight > 0 && isNear !== this.#isNear) return
      this.#isNear = isNear
      const wave = this.#waiting.splice(0, this.#waveSize())
      this.#events.sent()
      this.#inFlight++
      void this.#call(wave)
    }
  }

  async #call(wave: readonly Waiting[]): Promise<void> {
    const begunMs = performance.now()
    let results: readonly AppendResult[]
    try {
      results = await this.#append(wave.map(({ request }) => request))
      partitionCalls.observe('append', performance.now() - begunMs)
    } catch (error) {
      const failed = this.#events.broke(error)
      results = wave.map(() => failed)
      // Another lane takes over: what was not sent yet must not come behind what it sends.
      for (const { answer } of this.#waiting.splice(0)) answer(failed)
    }
    this.#inFlight--
    wave.forEach(({ request, answer }, i) => {
      took(this.traffic, request, results[i]!)
      answer(results[i]!)
    })
    this.send()
  }

  #append(requests: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
    const near = this.near?.call('append', requests) as Promise<readonly AppendResult[]> | undefined
    return near ?? this.stub.append(requests.map(request => ({ ...request, records: exact(request.records) })))
  }

  #waveSize(): number {
    let bytes = 0
    let n = 0
    while (n < this.#waiting.length && n < MAX_APPENDS_PER_CALL) {
      bytes += this.#waiting[n]!.request.records.length
      if (n > 0 && bytes > MAX_BYTES_PER_CALL) break
      n++
    }
    return n
  }
}

/** A call sends the whole buffer behind a view, so what is sent must be nobody else's view. */
const exact = (bytes: Uint8Array): Uint8Array => (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice())

function took(traffic: Traffic, { records }: AppendRequest, result: AppendResult): void {
  if ('error' in result) errors.add(result.error)
  else if (result.duplicate === undefined) {
    traffic.recordsIn += result.lastOffset - result.baseOffset + 1
    traffic.bytesIn += records.length
  }
}
