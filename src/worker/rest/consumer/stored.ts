// What a consumer instance is and remembers: how it was made, and what it reads.

import type { EmbeddedFormat } from '../v2/media.ts'

export type Reset = 'earliest' | 'latest' | 'none'

/** As POST /consumers/{group} made it. */
export interface NewConsumer {
  readonly group: string
  readonly name: string
  readonly format: EmbeddedFormat
  readonly reset: Reset
  readonly autoCommit: boolean
  /** A read waits until so many bytes are there; at least something. */
  readonly minBytes: number
  /** How long a read may wait at most, ms. */
  readonly waitMs: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A partition that was assigned by hand, and from where it is read on. */
export interface AssignedPartition extends TopicPartition {
  /** Undefined: not known yet, as the group's offsets say. */
  readonly offset?: number
}

/** What it reads: nothing yet, what the group gives it of topics, or partitions it was given by hand. */
export type Reads =
  | { readonly from: 'nothing' }
  | { readonly from: 'topics'; readonly topics: readonly string[] }
  | { readonly from: 'pattern'; readonly pattern: string }
  | { readonly from: 'assignment'; readonly partitions: readonly AssignedPartition[] }

export interface StoredConsumer extends NewConsumer {
  readonly reads: Reads
  /** As the group knows it, so that after a restart it is no stranger. */
  readonly memberId?: string
  /** When it expires unless it is used, as far as that was written down. */
  readonly expiresMs: number
}
