// PartitionObject: the Durable Object of one partition, named by topic id and partition. It gives a PartitionLog its
// calls, its alarm and its followers, and answers UNKNOWN_TOPIC_ID until the cluster has told it that it is born.

import { DurableObject } from 'cloudflare:workers'
import type { AppendRequest, AppendResult } from '../log/append.ts'
import type { LogConfig } from '../log/config.ts'
import type { LogBounds, Read, ReadRequest } from '../log/fetch.ts'
import type { Description, Identity, OffsetAndTimestamp } from '../log/partition-log.ts'
import type { ActiveProducer } from '../log/producers.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import { LogHost } from './log-host.ts'

/** Appends in one call; the Broker sends what one socket read held. */
const MAX_APPENDS = 1_000
/** Bytes one read answers at most: a call carries 32 MiB, and memory is shared. */
const MAX_READ_BYTES = 8_388_608

const NO_BOUNDS: LogBounds = { logStartOffset: -1, highWatermark: -1, lastStableOffset: -1 }

export interface Birth extends Identity {
  readonly config: LogConfig
  readonly configVersion: number
}

export class PartitionObject extends DurableObject {
  readonly #host: LogHost

  constructor(ctx: DurableObjectState, env: never) {
    super(ctx, env)
    this.#host = new LogHost(ctx)
  }

  /** The cluster says that this partition exists, or that its config changed. May be repeated. */
  async birth({ topicId, topic, partition, config, configVersion }: Birth): Promise<void> {
    await this.#host.birth({ topicId, topic, partition }, config, configVersion)
  }

  async configure({ config, configVersion }: { config: LogConfig; configVersion: number }): Promise<void> {
    const { log } = this.#host
    if (log === undefined) return
    await this.#host.transact(() => log.configure(config, configVersion))
    await this.#host.arm()
  }

  /** The topic is deleted: everything stored goes, and whoever follows is told. May be repeated. */
  async remove(): Promise<void> {
    await this.#host.remove()
  }

  /** Each append is judged by itself, in order; the answers come when what they say is durable. */
  append(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    if (requests.length > MAX_APPENDS) throw new RangeError(`more than ${MAX_APPENDS} appends in one call`)
    if (this.#host.log === undefined) return Promise.resolve(requests.map(() => unborn()))
    return Promise.all(requests.map(request => this.#host.append(request)))
  }

  read(request: ReadRequest): Read {
    if (this.#host.log === undefined) return { ...unborn(), ...NO_BOUNDS }
    return this.#host.read({ ...request, maxBytes: Math.min(request.maxBytes, MAX_READ_BYTES) })
  }

  offsetFor(timestamp: number): OffsetAndTimestamp | { readonly open: Uint8Array } | Failure {
    return this.#host.log?.offsetFor(timestamp) ?? unborn()
  }

  async deleteRecords(before: number): Promise<{ readonly logStartOffset: number } | Failure> {
    return this.#host.log === undefined ? unborn() : this.#host.deleteRecords(before)
  }

  describe(): Description | Failure {
    return this.#host.log?.describe() ?? unborn()
  }

  activeProducers(): ActiveProducer[] | Failure {
    return this.#host.log?.activeProducers() ?? unborn()
  }

  knowsIdempotencyKey(key: string): boolean {
    return this.#host.log?.knowsIdempotencyKey(key, Date.now()) ?? false
  }

  /** The socket of a follower: `?offset=&credit=` is its first ask (src/log/followers.ts). */
  override fetch(request: Request): Response {
    const { searchParams } = new URL(request.url)
    if (this.#host.log === undefined) return Response.json(unborn(), { status: 404 })
    const socket = this.#host.follow(Number(searchParams.get('offset')), Number(searchParams.get('credit')))
    if (socket === undefined)
      return Response.json(failure('THROTTLING_QUOTA_EXCEEDED', 'Too many followers of one partition.'), {
        status: 429,
      })
    return new Response(null, { status: 101, webSocket: socket })
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    this.#host.asked(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    this.#host.left(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#host.left(socket)
  }

  override async alarm(): Promise<void> {
    await this.#host.alarm()
  }
}

const unborn = (): Failure => failure('UNKNOWN_TOPIC_ID')
