// What a consumer may be asked for, and what it brings.

import type { Formats } from './formats.ts'

export interface ConsumeOptions extends Formats {
  /** Where each partition begins: latest, if nothing is said; an offset, or -N for N before the end. */
  readonly offset?: 'earliest' | 'latest' | number
  /** Where to begin instead: the first record of this time (ms since 1970) or later. */
  readonly timestamp?: number
  /** Those of one topic. All, if nothing is said, and those too that are added later. */
  readonly partitions?: readonly number[]
  /** A token that another consumer left (`consumer.resume`): it goes on exactly there. */
  readonly resume?: string
  /**
   * Joins this group: partitions are shared among its members, those of Kafka too, and each begins at what is committed, or
   * where nothing is at `offset` ('earliest' or 'latest'). What the loop has asked beyond is committed every five seconds, before
   * a partition goes to another member, and at the end.
   */
  readonly group?: string
  /** With a group: false leaves committing to `commit()`. */
  readonly autoCommit?: boolean
  /** With a group: be a static member, Kafka's group.instance.id. */
  readonly instanceId?: string
  /** With a group: after so much silence a member is taken for dead. */
  readonly sessionTimeoutMs?: number
  /** Leaves out what transactions have not committed. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
  /** Ends the consumer, as break does. */
  readonly signal?: AbortSignal
  /** Records sent ahead of whoever reads them: 2,000. */
  readonly ahead?: number
  /** How long the broker may be out of reach, ms, before that is an error: 2 minutes. */
  readonly reconnectMs?: number
}

export interface ConsumedRecord<V = unknown, K = string | null> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  readonly key: K
  readonly value: V
  readonly headers: Readonly<Record<string, unknown>> | readonly { readonly key: string; readonly value: unknown }[]
  /** Only where the record is not of the format asked for: how it is written instead. */
  readonly valueFormat?: 'text' | 'base64'
  readonly keyFormat?: 'text' | 'base64'
}

export interface Batch<V = unknown, K = string | null> {
  readonly records: readonly ConsumedRecord<V, K>[]
  /** Goes on just after these records. In a group there is none: the group keeps the offsets. */
  readonly resume: string | undefined
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}
