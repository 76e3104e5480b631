// Records of v3 on their way: parsed, encoded and appended in order, and a result for each in the same order, be it
// stored or wrong. Memory is bounded: whoever sends without reading the results is not read on.

import type { TopicView } from '../../../cluster/cluster.ts'
import type { Accumulator } from '../../accumulator.ts'
import { type Broker } from '../../broker.ts'
import { startProducing } from '../../producing.ts'
import { type RestFailure, errorBody, fromKafka, isRestFailure } from '../errors.ts'
import { encode, type Told } from './encoded.ts'
import { checkPartition, parseRecord } from './record.ts'

/** Results waiting to be read by the client; beyond them nothing more is read of it. */
const MAX_UNTOLD = 100_000

/** A record whose turn has not come, or what is wrong with it. */
type Waiting = RestFailure | { readonly id: string | undefined; readonly key?: Told; readonly value?: Told }

/** What came of a record: the answer that v3 gives for it, by the names it has there. */
export interface Result {
  /** Of an entry of a batch. */
  readonly id: string | undefined
  readonly failed: boolean
  readonly body: object
}

export class Production {
  readonly #accumulator: Accumulator
  readonly #topic: TopicView
  readonly #clusterId: string
  #waiting: Waiting[] = []
  /** Records that the log has not answered yet. */
  #sent = 0
  #changing: Promise<void> | undefined

  private constructor(accumulator: Accumulator, topic: TopicView, clusterId: string) {
    this.#accumulator = accumulator
    this.#topic = topic
    this.#clusterId = clusterId
  }

  static async start(broker: Broker, topic: TopicView, clusterId: string): Promise<Production> {
    return new Production(await startProducing(broker, topic, {}), topic, clusterId)
  }

  /** More waits to be read, or is on its way, than may be. */
  get full(): boolean {
    return this.#accumulator.full || this.#waiting.length > MAX_UNTOLD
  }

  /** Everything that came has been answered. */
  get idle(): boolean {
    return this.#sent === 0
  }

  add(bytes: Uint8Array): void {
    const record = parseRecord(bytes)
    this.#waiting.push(isRestFailure(record) ? record : this.#take(record))
  }

  /** The stream is no stream of records from here on. */
  fail(failure: RestFailure): void {
    this.#waiting.push(failure)
  }

  #take(record: Exclude<ReturnType<typeof parseRecord>, RestFailure>): Waiting {
    const wrong = checkPartition(record, this.#topic.partitions)
    if (wrong !== undefined) return wrong
    const key = encode(record.key)
    if (isRestFailure(key)) return key
    const value = encode(record.value)
    if (isRestFailure(value)) return value
    const { partition, headers, timestamp = Date.now() } = record
    this.#accumulator.add({ partition, headers, timestamp, key: key.bytes, value: value.bytes })
    this.#sent++
    return { id: record.id, ...(key.told && { key: key.told }), ...(value.told && { value: value.told }) }
  }

  /** Sends what has gathered: everything, or only where the partition has nothing to do meanwhile. */
  flush(which: 'all' | 'idle'): void {
    this.#accumulator.flush(which)
  }

  /** The next answer has come. */
  changed(): Promise<void> {
    this.#changing ??= this.#accumulator.changed().then(() => {
      this.#changing = undefined
    })
    return this.#changing
  }

  /** What is known and was not told yet, in order. */
  results(): Result[] {
    const results: Result[] = []
    let at = 0
    const tellWrong = (): void => {
      for (let next = this.#waiting[at]; next !== undefined && isRestFailure(next); next = this.#waiting[++at])
        results.push({ id: undefined, failed: true, body: errorBody(next) })
    }
    tellWrong()
    this.#accumulator.answer.tell((partition, offset, timestamp, failed) => {
      const record = this.#waiting[at++] as Exclude<Waiting, RestFailure>
      this.#sent--
      results.push(
        failed === undefined
          ? { id: record.id, failed: false, body: this.#stored(partition, offset, timestamp, record) }
          : { id: record.id, failed: true, body: errorBody(fromKafka(failed)) },
      )
      tellWrong()
    })
    this.#waiting.splice(0, at)
    return results
  }

  #stored(partition: number, offset: number, timestamp: number, { key, value }: Exclude<Waiting, RestFailure>) {
    return {
      error_code: 200,
      cluster_id: this.#clusterId,
      topic_name: this.#topic.name,
      partition_id: partition,
      offset,
      timestamp: instantOf(timestamp),
      ...(key && { key }),
      ...(value && { value }),
    }
  }
}

/** As Java writes an Instant: without a fraction that is zero. */
const instantOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
