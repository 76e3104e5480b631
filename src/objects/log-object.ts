// LogObject: what every Durable Object that keeps a partition's log lets others read of it, whoever writes it. An object
// whose log was never born answers UNKNOWN_TOPIC_ID.

import { DurableObject } from 'cloudflare:workers'
import type { LogBounds, Read, ReadRequest } from '../log/fetch.ts'
import type { Description, OffsetAndTimestamp, ToOpen } from '../log/partition-log.ts'
import type { Segment } from '../log/segments.ts'
import type { ActiveProducer } from '../log/producers.ts'
import { readLogLevel } from '../log-line.ts'
import { serve } from '../near.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import type { LogHost } from './log-host.ts'

/** Bytes one read answers at most: a call carries 32 MiB, and memory is shared. */
const MAX_READ_BYTES = 8_388_608

const NO_BOUNDS: LogBounds = { logStartOffset: -1, highWatermark: -1, lastStableOffset: -1 }

export abstract class LogObject<Env = unknown> extends DurableObject<Env> {
  protected abstract readonly host: LogHost

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    readLogLevel(env)
  }

  read(request: ReadRequest): Read {
    if (this.host.log === undefined) return { ...unborn(), ...NO_BOUNDS }
    return this.host.read({ ...request, maxBytes: Math.min(request.maxBytes, MAX_READ_BYTES) })
  }

  offsetFor(
    timestamp: number,
    isolation?: ReadRequest['isolation'],
    from?: number,
  ): OffsetAndTimestamp | ToOpen | Failure {
    return this.host.log?.offsetFor(timestamp, isolation, from) ?? unborn()
  }

  describe(): Description | Failure {
    return this.host.log?.describe() ?? unborn()
  }

  segments(): readonly Segment[] | Failure {
    return this.host.log?.segments ?? unborn()
  }

  activeProducers(): ActiveProducer[] | Failure {
    return this.host.log?.activeProducers() ?? unborn()
  }

  /** Takes a caller of the same isolate at its word: what it calls for comes by near.ts until it is gone. */
  attend(line: string): Promise<boolean> {
    return serve(line, this)
  }

  /** The socket of a follower: `?offset=&credit=&isolation=` is its first ask (src/log/followers.ts). */
  override fetch(request: Request): Response | Promise<Response> {
    const { searchParams } = new URL(request.url)
    if (this.host.log === undefined) return Response.json(unborn(), { status: 404 })
    const socket = this.host.telling.follow(
      Number(searchParams.get('offset')),
      Number(searchParams.get('credit')),
      searchParams.get('isolation') === 'read_committed' ? 'read_committed' : 'read_uncommitted',
      searchParams.get('lags') === 'true',
    )
    if (socket === undefined)
      return Response.json(failure('THROTTLING_QUOTA_EXCEEDED', 'Too many followers of one partition.'), {
        status: 429,
      })
    return new Response(null, { status: 101, webSocket: socket })
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    if (typeof message !== 'string' && this.host.log !== undefined) this.host.telling.asked(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    this.host.telling.left(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.host.telling.left(socket)
  }
}

export const unborn = (): Failure => failure('UNKNOWN_TOPIC_ID')
