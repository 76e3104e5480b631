// RestConsumerObject: one consumer instance of the REST Proxy's v2, so that whichever isolate gets a request finds it. It is
// a client of the broker rather than a part of it, and therefore stands here, on a Broker of its own, and not beside the
// partitions. Its memory may be lost between any two requests; what it is and reads is stored, and an alarm brings it back
// in time for its group. Nobody asks for it for a while: it leaves its group and is gone.

import { DurableObject } from 'cloudflare:workers'
import { Broker } from '../../broker.ts'
import type { Env } from '../../env.ts'
import { INSTANCE_NOT_FOUND, type RestFailure, restFailure } from '../errors.ts'
import { RestConsumer } from './consumer.ts'
import type { OffsetToCommit } from './offsets.ts'
import type { Seek } from './positions.ts'
import type { NewConsumer, Reads, StoredConsumer, TopicPartition } from './stored.ts'

/** Kafka REST's consumer.instance.timeout.ms. */
const DEFAULT_INSTANCE_TIMEOUT_MS = 300_000
/** A member that slept is back within a third of its session. */
const MEMBER_ALARM_MS = 15_000
/** How far the expiry moves before that is written down. */
const EXPIRY_STEP_MS = 30_000
const KEY = 'consumer'

const EXISTS = restFailure(40902, 'Consumer with specified consumer ID already exists in the specified consumer group.')

export type ConsumerRequest =
  | { readonly type: 'subscribe'; readonly reads: Extract<Reads, { from: 'topics' | 'pattern' }> }
  | { readonly type: 'subscription' }
  | { readonly type: 'unsubscribe' }
  | { readonly type: 'assign'; readonly partitions: readonly TopicPartition[] }
  | { readonly type: 'assignment' }
  | { readonly type: 'seek'; readonly seeks: readonly Seek[] }
  | { readonly type: 'commit'; readonly offsets: readonly OffsetToCommit[] | undefined }
  | { readonly type: 'committed'; readonly partitions: readonly TopicPartition[] }
  | {
      readonly type: 'poll'
      readonly formats: readonly NewConsumer['format'][]
      readonly timeoutMs?: number
      readonly maxBytes?: number
    }

/** What each is answered, or a RestFailure; null: it is done. */
export interface ConsumerReplies {
  subscribe: null
  subscription: { readonly topics: readonly string[] }
  unsubscribe: null
  assign: null
  assignment: { readonly partitions: readonly TopicPartition[] }
  seek: null
  commit: null
  committed: { readonly offsets: readonly OffsetToCommit[] }
  poll: Uint8Array
}

type Reply = ConsumerReplies[ConsumerRequest['type']] | RestFailure

const FORMAT_MISMATCH = restFailure(
  40601,
  'The requested embedded data format does not match the deserializer for this consumer instance',
)

export class RestConsumerObject extends DurableObject<Env> {
  #stored: StoredConsumer | undefined
  #consumer: RestConsumer | undefined
  #loading: Promise<void> | undefined
  #expiresMs = 0
  /** Requests on their way: nobody expires while asked. */
  #asked = 0

  async create(made: NewConsumer): Promise<RestFailure | null> {
    // One that has expired may still be there; whoever comes first meanwhile has the name.
    for (;;) {
      if ((await this.#load()) !== undefined) return EXISTS
      if (this.#stored === undefined) break
      await this.#end()
    }
    this.#expiresMs = Date.now() + this.#timeoutMs
    this.#stored = { ...made, reads: { from: 'nothing' }, expiresMs: this.#expiresMs }
    this.#consumer = this.#build(this.#stored)
    await Promise.all([this.ctx.storage.put(KEY, this.#stored), this.#setAlarm()])
    return null
  }

  async remove(): Promise<RestFailure | null> {
    if ((await this.#load()) === undefined) return INSTANCE_NOT_FOUND
    await this.#end()
    return null
  }

  async ask(request: ConsumerRequest): Promise<Reply> {
    const consumer = await this.#load()
    if (consumer === undefined) return INSTANCE_NOT_FOUND
    this.#asked++
    try {
      await this.#used()
      return await this.#answer(consumer, request)
    } finally {
      this.#asked--
      await this.#used()
    }
  }

  override async alarm(): Promise<void> {
    const consumer = await this.#load()
    if (consumer === undefined) return this.#stored && this.#end()
    await consumer.refresh()
    await this.#setAlarm()
  }

  async #answer(consumer: RestConsumer, request: ConsumerRequest): Promise<Reply> {
    switch (request.type) {
      case 'subscribe':
        return consumer.subscribe(request.reads)
      case 'subscription':
        return { topics: consumer.topics }
      case 'unsubscribe':
        await consumer.unsubscribe()
        return null
      case 'assign':
        return consumer.assign(request.partitions)
      case 'assignment':
        return { partitions: await consumer.assignment() }
      case 'seek':
        return consumer.seek(request.seeks)
      case 'commit':
        return consumer.commit(request.offsets)
      case 'committed': {
        const offsets = await consumer.committed(request.partitions)
        return 'errorCode' in offsets ? offsets : { offsets }
      }
      case 'poll':
        if (!request.formats.includes(this.#stored!.format)) return FORMAT_MISMATCH
        return consumer.poll(request.timeoutMs, request.maxBytes)
    }
  }

  /** Undefined: there is none, or no more. */
  async #load(): Promise<RestConsumer | undefined> {
    if (this.#consumer === undefined)
      await (this.#loading ??= this.#resume().finally(() => {
        this.#loading = undefined
      }))
    return this.#stored !== undefined && (this.#asked > 0 || Date.now() < this.#expiresMs) ? this.#consumer : undefined
  }

  async #resume(): Promise<void> {
    const stored = await this.ctx.storage.get<StoredConsumer>(KEY)
    if (stored === undefined) return
    this.#stored = stored
    this.#expiresMs = stored.expiresMs
    const consumer = this.#build(stored)
    if (Date.now() < stored.expiresMs) await consumer.resume()
    this.#consumer = consumer
  }

  #build(stored: StoredConsumer): RestConsumer {
    const broker = new Broker(this.env, this.ctx)
    return new RestConsumer(broker, stored, changes => {
      if (this.#stored === undefined) return
      this.#stored = { ...this.#stored, ...changes }
      this.ctx.waitUntil(this.ctx.storage.put(KEY, this.#stored))
      this.ctx.waitUntil(this.#setAlarm())
    })
  }

  async #used(): Promise<void> {
    if (this.#stored === undefined) return
    this.#expiresMs = Date.now() + this.#timeoutMs
    if (this.#expiresMs - this.#stored.expiresMs < EXPIRY_STEP_MS) return
    this.#stored = { ...this.#stored, expiresMs: this.#expiresMs }
    await this.ctx.storage.put(KEY, this.#stored)
  }

  async #setAlarm(): Promise<void> {
    if (this.#stored === undefined) return
    const soon = Date.now() + MEMBER_ALARM_MS
    const early = this.#consumer?.isMember || this.#asked > 0
    const expires = Math.max(this.#expiresMs, this.#asked > 0 ? soon : 0)
    await this.ctx.storage.setAlarm(early ? Math.min(soon, expires) : expires)
  }

  async #end(): Promise<void> {
    const consumer = this.#consumer
    this.#stored = undefined
    this.#consumer = undefined
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
    await consumer?.close()
  }

  get #timeoutMs(): number {
    const text = this.env.EDGELOG_CONSUMER_INSTANCE_TIMEOUT_MS
    return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : DEFAULT_INSTANCE_TIMEOUT_MS
  }
}
