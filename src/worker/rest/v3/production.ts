// Records of v3 on their way: parsed, encoded and appended in order, and a result for each in the same order, be it
// stored or wrong. Memory is bounded: whoever sends without reading the results is not read on.

import type { TopicView } from '../../../cluster/cluster.ts'
import type { Accumulator } from '../../accumulator.ts'
import { type Broker } from '../../broker.ts'
import { startProducing } from '../../producing.ts'
import { type RestFailure, errorBody, fromKafka, isRestFailure } from '../errors.ts'
import { Schemas } from '../schemas.ts'
import { encode, type Encoded, type Told } from './encoded.ts'
import { checkPartition, parseRecord, type RecordIn } from './record.ts'

/** Results waiting to be read by the client; beyond them nothing more is read of it. */
const MAX_UNTOLD = 100_000

/** A record whose turn has not come, or what is wrong with it. */
type Waiting = { readonly id: string | undefined } & (RestFailure | { readonly told: string })
type Sent = Exclude<Waiting, RestFailure>

/** What came of a record. */
export interface Result {
  /** Of an entry of a batch. */
  readonly id: string | undefined
  readonly failed: boolean
  /** Members of the answer that v3 gives for it, as JSON text without its braces. */
  readonly members: string
}

export class Production {
  readonly #accumulator: Accumulator
  readonly #topic: TopicView
  /** What every record's answer begins with. */
  readonly #start: string
  #timestamp = -1
  #instant = ''
  readonly #schemas: Schemas
  #waiting: Waiting[] = []
  /** Records that the log has not answered yet. */
  #sent = 0
  #changing: Promise<void> | undefined

  private constructor(broker: Broker, accumulator: Accumulator, topic: TopicView, clusterId: string) {
    this.#accumulator = accumulator
    this.#topic = topic
    const names = `"cluster_id":${JSON.stringify(clusterId)},"topic_name":${JSON.stringify(topic.name)}`
    this.#start = `${names},"partition_id":`
    this.#schemas = new Schemas(broker, topic.name)
  }

  static async start(broker: Broker, topic: TopicView, clusterId: string): Promise<Production> {
    return new Production(broker, await startProducing(broker, topic, {}), topic, clusterId)
  }

  /** More waits to be read, or is on its way, than may be. */
  get full(): boolean {
    return this.#accumulator.full || this.#waiting.length > MAX_UNTOLD
  }

  /** Everything that came has been answered. */
  get idle(): boolean {
    return this.#sent === 0
  }

  /** One after the other: where it is a promise, the next has to wait for it. */
  add(bytes: Uint8Array, id?: string): void | Promise<void> {
    const record = parseRecord(bytes)
    if (isRestFailure(record)) return this.fail(record, id)
    const wrong = checkPartition(record, this.#topic.partitions)
    if (wrong !== undefined) return this.fail(wrong, id)
    const key = encode('key', record.key, this.#schemas)
    const value = encode('value', record.value, this.#schemas)
    if (!(key instanceof Promise) && !(value instanceof Promise)) return this.#take(record, key, value, id)
    return Promise.all([key, value]).then(([key, value]) => this.#take(record, key, value, id))
  }

  /** Said in the place of a record; the stream may be none from here on. */
  fail(failure: RestFailure, id?: string): void {
    this.#waiting.push({ ...failure, id })
  }

  #take(record: RecordIn, key: Encoded | RestFailure, value: Encoded | RestFailure, id?: string): void {
    if (isRestFailure(key)) return this.fail(key, id)
    if (isRestFailure(value)) return this.fail(value, id)
    const { partition, headers, timestamp = Date.now() } = record
    this.#accumulator.add({ partition, headers, timestamp, key: key.bytes, value: value.bytes })
    this.#sent++
    this.#waiting.push({ id, told: membersOf('key', key.told) + membersOf('value', value.told) })
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

  /** What came of everything, once that is known. */
  async all(): Promise<Result[]> {
    this.flush('all')
    const results = this.results()
    while (!this.idle) {
      await this.changed()
      results.push(...this.results())
    }
    return results
  }

  /** What is known and was not told yet, in order. */
  results(): Result[] {
    const results: Result[] = []
    let at = 0
    const tellWrong = (): void => {
      for (let next = this.#waiting[at]; next !== undefined && isRestFailure(next); next = this.#waiting[++at])
        results.push({ id: next.id, failed: true, members: errorMembers(next) })
    }
    tellWrong()
    this.#accumulator.answer.tell((partition, offset, timestamp, failed) => {
      const record = this.#waiting[at++] as Sent
      this.#sent--
      results.push(
        failed === undefined
          ? { id: record.id, failed: false, members: this.#stored(partition, offset, timestamp, record.told) }
          : { id: record.id, failed: true, members: errorMembers(fromKafka(failed)) },
      )
      tellWrong()
    })
    this.#waiting.splice(0, at)
    return results
  }

  #stored(partition: number, offset: number, timestamp: number, told: string): string {
    if (timestamp !== this.#timestamp) {
      this.#timestamp = timestamp
      this.#instant = instantOf(timestamp)
    }
    return `${this.#start}${partition},"offset":${offset},"timestamp":"${this.#instant}"${told}`
  }
}

const errorMembers = (failure: RestFailure): string => JSON.stringify(errorBody(failure)).slice(1, -1)

function membersOf(part: 'key' | 'value', told: Told | undefined): string {
  if (told === undefined) return ''
  if (told.subject !== undefined) return `,"${part}":${JSON.stringify(told)}`
  // Written by hand: most records are told of so.
  return `,"${part}":{"type":"${told.type}","size":${told.size}}`
}

/** As Java writes an Instant: without a fraction that is zero. */
const instantOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
