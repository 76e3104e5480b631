// What a client is to the exchange: it produces records in a codec, and consumes a partition from its beginning.

import type { Codec } from '../../src/log/compression.ts'

/** Bytes are base64, so that they cross any program unchanged. */
export interface WitnessRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string])[]
}

export interface Witness {
  readonly name: string
  readonly produces: readonly Codec[]
  /** Bytes of any kind and nulls, not lines of text alone. */
  readonly binary: boolean
  /** Why it can't be had; undefined once it is there. */
  install(): Promise<string | undefined>
  produce?(bootstrap: string, topic: string, codec: Codec, records: readonly WitnessRecord[]): Promise<void>
  consume?(bootstrap: string, topic: string, count: number): Promise<readonly WitnessRecord[]>
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64')
export const plain = (bytes: string | null): string => Buffer.from(bytes ?? '', 'base64').toString()
