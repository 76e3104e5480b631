// `edgelog/client`: produce and consume from anywhere that has fetch and WebSocket — browsers, Node, Workers, Deno, Bun.

import type { ConsumeOptions } from './consumed.ts'
import { Consumer } from './consumer.ts'
import { Door, type DoorOptions } from './door.ts'
import type { Formats } from './formats.ts'
import { type NewRecord, type Produced, Producer, type ProducerOptions } from './producer.ts'

export type { Batch, ConsumedRecord, ConsumeOptions, TopicPartition } from './consumed.ts'
export type { Consumer } from './consumer.ts'
export { type DoorOptions, EdgelogError, type Token } from './door.ts'
export { type Format, type Formats } from './formats.ts'
export { type NewRecord, type Produced, type ProducerOptions } from './producer.ts'

export interface EdgelogOptions extends DoorOptions, ProducerOptions {}

export class Edgelog {
  readonly #door: Door
  readonly #producer: Producer
  /** What ends each consumer there is. */
  readonly #ends = new Set<() => void>()

  constructor(url: string | URL, options: EdgelogOptions = {}) {
    this.#door = new Door(url, options)
    this.#producer = new Producer(this.#door, options)
  }

  /** Resolves when the record is on disk; records of several calls go together. One topic's stay in order. */
  produce<V = unknown, K = unknown>(
    topic: string,
    record: NewRecord<NoInfer<V>, NoInfer<K>>,
    formats?: Formats,
  ): Promise<Produced>
  produce<V = unknown, K = unknown>(
    topic: string,
    records: readonly NewRecord<NoInfer<V>, NoInfer<K>>[],
    formats?: Formats,
  ): Promise<Produced[]>
  async produce(
    topic: string,
    records: NewRecord | readonly NewRecord[],
    formats: Formats = {},
  ): Promise<Produced | Produced[]> {
    const produced = await this.#producer.produce(topic, [records].flat(), formats)
    return Array.isArray(records) ? produced : produced[0]!
  }

  /** Resolves as soon as there is room for more; what became of the records flush() tells. For many records, fast. */
  send<V = unknown, K = unknown>(
    topic: string,
    records: NewRecord<NoInfer<V>, NoInfer<K>> | readonly NewRecord<NoInfer<V>, NoInfer<K>>[],
    formats: Formats = {},
  ): Promise<void> {
    return this.#producer.send(topic, [records].flat(), formats)
  }

  /** Resolves when everything produced and sent is on disk; throws the first thing that went wrong with what was sent. */
  flush(): Promise<void> {
    return this.#producer.flush()
  }

  /** Reads from now on, or from where the options say, for as long as the loop over it runs. */
  consume<V = unknown, K = string | null>(
    topics: string | readonly string[],
    options: ConsumeOptions = {},
  ): Consumer<V, K> {
    const end = (): void => consumer.close()
    this.#ends.add(end)
    const consumer: Consumer<V, K> = new Consumer(this.#door, [topics].flat(), options, () => this.#ends.delete(end))
    return consumer
  }

  /** Any other call of the HTTP API: `call('v1/topics', { method: 'POST', body: JSON.stringify({ name: 'orders' }) })`. */
  async call<T = unknown>(path: string, init: RequestInit = {}): Promise<T> {
    const json = init.body === undefined ? {} : { 'content-type': 'application/json' }
    return (await this.#door.call(path.replace(/^\//, ''), {
      ...init,
      headers: { ...json, ...(init.headers as object) },
    })) as T
  }

  /** Ends all consumers, and resolves when everything produced is on disk. */
  async close(): Promise<void> {
    for (const end of this.#ends) end()
    await this.#producer.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
