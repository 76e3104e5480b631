// What a broker answered, as lines of text that two brokers can be compared by: a line a field, without what differs from
// one cluster to the next (ids, addresses, the time of day).

import { codecOf, readBatches } from '../../src/log/batch.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { ZERO_UUID } from '../../src/protocol/bytes.ts'
import { errorOf } from '../../src/protocol/errors.ts'
import type { Decoded, Encodable, Message } from '../../src/protocol/schema.ts'
import type { Api } from '../../src/worker/kafka/api.ts'
import type { KafkaClient } from '../support/kafka-client.ts'

/** What no two clusters have in common, whatever the value. */
const OWN = new Set(['host', 'port', 'clusterId', 'logDir', 'totalBytes', 'usableBytes', 'clientSoftwareVersion'])
/** Told as a sentence or not at all. */
const PROSE = new Set(['documentation'])
const BROKERS = new Set(['nodeId', 'leaderId', 'brokerId', 'controllerId'])
const BROKER_LISTS = new Set(['replicaNodes', 'isrNodes'])
const SKIPPED = new Set(['throttleTimeMs', 'lastTimestamp'])
const DAY_MS = 86_400_000

/** One run of one scenario against one broker. */
export class Transcript {
  readonly lines: string[] = []
  readonly #dial: () => Promise<KafkaClient>
  readonly #names = new Map<string, string>()
  readonly #producers = new Map<number, string>()
  readonly #prefix: string
  #client: KafkaClient | undefined

  readonly #settleMs: number

  /** `prefix` sets the topics of this run apart from those of others; `settleMs` is how long changes take to be seen. */
  constructor(dial: () => Promise<KafkaClient>, prefix: string, settleMs = 0) {
    this.#dial = dial
    this.#settleMs = settleMs
    this.#prefix = prefix
  }

  /** The name of a topic of this run. */
  topic(name: string): string {
    return this.#prefix + name
  }

  /** A connection of its own; `call` uses one that all calls share. */
  connect(): Promise<KafkaClient> {
    return this.#dial()
  }

  /** Waits until what was changed is seen: Kafka's brokers hear of it after its controller has answered. */
  async settle(): Promise<void> {
    if (this.#settleMs > 0) await new Promise(resolve => setTimeout(resolve, this.#settleMs))
  }

  /** Calls and notes the answer. */
  async call<Q extends Message, S extends Message>(
    what: string,
    api: Api<Q, S>,
    version: number,
    request: Encodable<Q>,
    client?: KafkaClient,
  ): Promise<Decoded<S>> {
    const response = await this.ask(api, version, request, client)
    this.note(`${what}: ${api.name} v${version}`, response)
    return response
  }

  /** Calls without noting. */
  async ask<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    version: number,
    request: Encodable<Q>,
    client?: KafkaClient,
  ): Promise<Decoded<S>> {
    const by = client ?? (this.#client ??= await this.connect())
    return by.call(api, version, request)
  }

  note(what: string, response: unknown): void {
    this.lines.push(`## ${this.#plain(what)}`)
    this.#learn(response)
    this.#write('', '', response)
  }

  close(): void {
    this.#client?.close()
  }

  /** Remembers which topic has which id. */
  #learn(value: unknown): void {
    if (Array.isArray(value)) for (const one of value) this.#learn(one)
    else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      const { name, topicId } = value as { name?: unknown; topicId?: unknown }
      if (typeof name === 'string' && typeof topicId === 'string' && topicId !== ZERO_UUID)
        this.#names.set(topicId, this.#plain(name))
      for (const one of Object.values(value)) this.#learn(one)
    }
  }

  #write(path: string, field: string, value: unknown): void {
    if (SKIPPED.has(field)) return
    if (value instanceof Uint8Array && field === 'records') this.#batches(path, value)
    else if (Array.isArray(value)) this.#list(path, field, value)
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) this.#write(path === '' ? name : `${path}.${name}`, name, one)
    else this.lines.push(`${path} = ${this.#shown(field, value)}`)
  }

  #list(path: string, field: string, values: readonly unknown[]): void {
    if (BROKER_LISTS.has(field)) this.lines.push(`${path} = ${values.length} brokers`)
    else if (values.every(one => typeof one !== 'object' || one === null))
      this.lines.push(`${path} = [${values.map(one => this.#shown(field, one)).join(', ')}]`)
    else {
      // Kafka keeps its answers in hash maps: their order says nothing.
      const labelled = values.map((one, i) => [this.#label(one) ?? String(i), one] as const)
      for (const [label, one] of labelled.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        this.#write(`${path}[${label}]`, '', one)
    }
  }

  /** What tells the elements of a list apart. */
  #label(one: unknown): string | undefined {
    const element = one as Record<string, unknown>
    for (const key of ['name', 'topic', 'resourceName', 'key', 'apiKey', 'topicId', 'partitionId'])
      if (element[key] !== undefined && element[key] !== null && element[key] !== ZERO_UUID)
        return this.#shown(key === 'topicId' ? 'topicId' : 'name', element[key]).replaceAll('"', '')
    for (const key of ['partitionIndex', 'index', 'partition'])
      if (typeof element[key] === 'number') return String(element[key])
    return undefined
  }

  #shown(field: string, value: unknown): string {
    if (value === null) return 'null'
    if (OWN.has(field)) return `some ${field}`
    if (PROSE.has(field)) return 'a sentence'
    if (field === 'topicId') return value === ZERO_UUID ? 'none' : `id of ${this.#names.get(value as string) ?? '?'}`
    if (field === 'errorCode' || field === 'topicConfigErrorCode') return errorOf(value as number)
    if (field === 'sessionId') return value === 0 ? '0' : 'a session'
    if (BROKERS.has(field)) return (value as number) >= 0 ? 'a broker' : String(value)
    if (field === 'producerId' && (value as number) >= 0) {
      if (!this.#producers.has(value as number))
        this.#producers.set(value as number, `producer ${this.#producers.size}`)
      return this.#producers.get(value as number)!
    }
    if (typeof value === 'number' && Math.abs(value - Date.now()) < DAY_MS) return 'about now'
    return typeof value === 'string' ? JSON.stringify(this.#plain(value)) : String(value)
  }

  #plain(text: string): string {
    return text.replaceAll(this.#prefix, '').replaceAll(/-?\d{13,}/g, 'a time')
  }

  #batches(path: string, bytes: Uint8Array): void {
    for (const batch of readBatches(bytes)) {
      const records = decodeBatch(batch)
      const at = `${path}[${batch.baseOffset}]`
      const { lastOffsetDelta, leaderEpoch, maxTimestamp, producerId, producerEpoch, baseSequence } = batch
      const said = { lastOffsetDelta, leaderEpoch, maxTimestamp, producerId, producerEpoch, baseSequence }
      this.#write(at, '', { ...said, codec: codecOf(batch) })
      if ('error' in records) this.lines.push(`${at} = ${records.error}`)
      else
        for (const { offset, timestamp, key, value } of records)
          this.lines.push(
            `${at}[${offset}] = ${textOf(key)} ${textOf(value)} at ${this.#shown('timestamp', timestamp)}`,
          )
    }
  }
}

const textOf = (bytes: Uint8Array | null): string =>
  bytes === null ? 'null' : JSON.stringify(new TextDecoder().decode(bytes))

export interface Scenario {
  readonly name: string
  run(to: Transcript): Promise<void>
}
