// MachineLogObject: an object whose log only its own machine writes, and which anybody may read as the partition it is. What
// nobody wrote yet is there all the same, and empty.

import type { AppendResult } from '../log/append.ts'
import type { LogConfig } from '../log/config.ts'
import type { Read, ReadRequest } from '../log/fetch.ts'
import type { Description, Identity, OffsetAndTimestamp, ToOpen } from '../log/partition-log.ts'
import type { Segment } from '../log/segments.ts'
import type { ActiveProducer } from '../log/producers.ts'
import { type Failure, failure } from '../protocol/errors.ts'
import { LogObject } from './log-object.ts'

const EMPTY = { logStartOffset: 0, highWatermark: 0, lastStableOffset: 0 }

export abstract class MachineLogObject<Env> extends LogObject<Env> {
  protected abstract readonly identity: Identity
  protected abstract readonly config: LogConfig

  override read(request: ReadRequest): Read {
    if (this.host.log !== undefined) return super.read(request)
    if (request.offset !== 0) return { ...failure('OFFSET_OUT_OF_RANGE'), ...EMPTY }
    return { records: new Uint8Array(0), nextOffset: 0, ...EMPTY }
  }

  override offsetFor(
    timestamp: number,
    isolation?: ReadRequest['isolation'],
    from?: number,
  ): OffsetAndTimestamp | ToOpen | Failure {
    if (this.host.log !== undefined) return super.offsetFor(timestamp, isolation, from)
    return { offset: timestamp === -1 || timestamp === -2 ? 0 : -1, timestamp: -1, leaderEpoch: 0 }
  }

  override describe(): Description | Failure {
    if (this.host.log !== undefined) return super.describe()
    return { ...EMPTY, sizeBytes: 0, segments: 0, leaderEpoch: 0 }
  }

  override segments(): readonly Segment[] | Failure {
    return this.host.log === undefined ? [] : super.segments()
  }

  override activeProducers(): ActiveProducer[] | Failure {
    return this.host.log === undefined ? [] : super.activeProducers()
  }

  /** A follower of what nobody wrote yet: now there has to be something to wait at. */
  override async fetch(request: Request): Promise<Response> {
    if (this.host.log === undefined) await this.host.birth(this.identity, this.config, 1)
    return super.fetch(request)
  }

  /** Only the coordinator writes here. */
  append(requests: readonly unknown[]): AppendResult[] {
    const { topic } = this.identity
    return requests.map(() => failure('INVALID_TOPIC_EXCEPTION', `${topic} is written by its coordinators.`))
  }

  deleteRecords(): Failure {
    return failure('INVALID_TOPIC_EXCEPTION', `${this.identity.topic} is kept by its coordinators.`)
  }

  knowsIdempotencyKey(): boolean {
    return false
  }
}

/** Its name says which partition it is; that is asked only when its log is born. */
export const partitionOf = ({ name }: DurableObjectId): number => Number(name?.split('-').at(-1) ?? 0)
