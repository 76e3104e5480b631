// Builders for tests of the log: configs, batches and a log that commits at once.

import type { AppendResult } from '../../src/log/append.ts'
import { readBatches } from '../../src/log/batch.ts'
import type { LogConfig } from '../../src/log/config.ts'
import { PartitionLog } from '../../src/log/partition-log.ts'
import { type BatchOptions, decodeBatch, encodeBatch } from '../../src/log/records.ts'
import { TestStorage } from './sqlite.ts'

export const aConfig = (changes: Partial<LogConfig> = {}): LogConfig => ({
  'cleanup.policy': ['delete'],
  'confluent.key.schema.validation': false,
  'confluent.value.schema.validation': false,
  'delete.retention.ms': 86_400_000,
  'max.compaction.lag.ms': 2 ** 63,
  'max.message.bytes': 1_048_588,
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': 2 ** 63,
  'message.timestamp.after.max.ms': 3_600_000,
  'min.cleanable.dirty.ratio': 0.5,
  'min.compaction.lag.ms': 0,
  'retention.bytes': -1,
  'retention.ms': 604_800_000,
  'segment.bytes': 67_108_864,
  'segment.ms': 604_800_000,
  ...changes,
})

const text = new TextEncoder()

/** A batch with one record per value; a value may be text, bytes or null. */
export function aBatch(
  values: readonly (string | Uint8Array | null)[],
  options: BatchOptions & { timestamp?: number; key?: string | null } = {},
): Uint8Array {
  const { timestamp = 1_000, key = 'k', ...batch } = options
  const bytes = (value: string | Uint8Array | null): Uint8Array | null =>
    typeof value === 'string' ? text.encode(value) : value
  return encodeBatch(
    values.map(value => ({ timestamp, key: bytes(key), value: bytes(value), headers: [] })),
    batch,
  )
}

/** The offsets and values of stored batches. */
export function opened(records: Uint8Array): { offset: number; value: string }[] {
  return readBatches(records).flatMap(batch => {
    const inside = decodeBatch(batch)
    if ('error' in inside) throw new Error(inside.message)
    return inside.map(record => ({
      offset: record.offset,
      value: new TextDecoder().decode(record.value ?? new Uint8Array(0)),
    }))
  })
}

/** A log over a storage of its own, whose appends are committed one by one unless held back. */
export class TestLog {
  readonly storage: TestStorage
  log: PartitionLog
  now: number

  constructor(config: Partial<LogConfig> = {}, now = 10_000) {
    this.storage = new TestStorage()
    this.now = now
    this.log = PartitionLog.create(
      this.storage.store(),
      { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', topic: 't', partition: 0 },
      aConfig(config),
      1,
      now,
    )
  }

  append(
    records: Uint8Array,
    more: {
      idempotencyKey?: string
      facts?: { recordWithoutKey: number | null; minTimestamp: number }
      transaction?: number
    } = {},
  ): AppendResult {
    const result = this.log.append({ records, ...more }, this.now)
    this.commit()
    return result
  }

  commit(): void {
    this.log.write(this.now)
    this.log.committed()
  }

  /** As after an eviction: all that is left is what was stored. */
  restart(): void {
    const log = PartitionLog.open(this.storage.store(), this.now)
    if (log === undefined) throw new Error('nothing was stored')
    this.log = log
  }

  read(offset: number, maxBytes = 1_048_576): { offset: number; value: string }[] {
    const read = this.log.read({ offset, maxBytes })
    if ('error' in read) throw new Error(read.message)
    return opened(read.records)
  }
}
