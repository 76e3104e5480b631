// PartitionObject: the Durable Object of one partition, named by topic id and partition. It gives a PartitionLog its
// calls and its alarm, and answers UNKNOWN_TOPIC_ID until the cluster has told it that it is born.

import type { AppendRequest, AppendResult } from '../log/append.ts'
import type { LogConfig } from '../log/config.ts'
import type { Identity } from '../log/partition-log.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { whenDue } from '../log-line.ts'
import type { Failure } from '../protocol/errors.ts'
import { LogHost } from './log-host.ts'
import { LogObject, unborn } from './log-object.ts'

/** Appends in one call; the Broker sends what one socket read held. */
const MAX_APPENDS = 1_000

export interface Birth extends Identity {
  readonly config: LogConfig
  readonly configVersion: number
}

export class PartitionObject extends LogObject {
  protected override readonly host: LogHost

  constructor(ctx: DurableObjectState, env: never) {
    super(ctx, env)
    this.host = new LogHost(ctx)
  }

  /** The cluster says that this partition exists, or that its config changed. May be repeated. */
  async birth({ topicId, topic, partition, config, configVersion }: Birth): Promise<void> {
    await this.host.birth({ topicId, topic, partition }, config, configVersion)
  }

  async configure({ config, configVersion }: { config: LogConfig; configVersion: number }): Promise<void> {
    const { log } = this.host
    if (log === undefined) return
    await this.host.transact(() => log.configure(config, configVersion))
    await this.host.arm()
  }

  /** The topic is deleted: everything stored goes, and whoever follows is told. May be repeated. */
  async remove(): Promise<void> {
    await this.host.remove()
  }

  /** Each append is judged by itself, in order; the answers come when what they say is durable. */
  append(requests: readonly AppendRequest[]): Promise<AppendResult[]> {
    if (requests.length > MAX_APPENDS) throw new RangeError(`more than ${MAX_APPENDS} appends in one call`)
    if (this.host.log === undefined) return Promise.resolve(requests.map(() => unborn()))
    return Promise.all(requests.map(request => this.host.append(request)))
  }

  /** Ends transactions, each by itself; the answers come when that is durable. May be repeated. */
  endTransactions(ends: readonly TransactionEnd[]): Promise<AppendResult[]> {
    if (ends.length > MAX_APPENDS) throw new RangeError(`more than ${MAX_APPENDS} markers in one call`)
    if (this.host.log === undefined) return Promise.resolve(ends.map(() => unborn()))
    return Promise.all(ends.map(end => this.host.endTransaction(end)))
  }

  async deleteRecords(before: number): Promise<{ readonly logStartOffset: number } | Failure> {
    return this.host.log === undefined ? unborn() : this.host.deleteRecords(before)
  }

  knowsIdempotencyKey(key: string): boolean {
    return this.host.log?.knowsIdempotencyKey(key) ?? false
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return whenDue(this.host.name, info, () => this.host.alarm())
  }
}
