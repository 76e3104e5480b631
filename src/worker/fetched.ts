// Stored batches opened and written out as JSON, from an offset on and up to a number of records.

import { isControl, lastOffset, readBatches } from '../log/batch.ts'
import type { ReadResult } from '../log/fetch.ts'
import { decodeBatch } from '../log/records.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import type { ReadFormat } from './formats.ts'
import type { JsonWriter } from './json-writer.ts'
import { recordPrefix, writeRecord } from './records-out.ts'

/** A batch whose inside is not what its header says; `nextOffset` is where the log goes on behind it. */
export type Unreadable = Failure & { readonly nextOffset: number }

/** JSON that is gathered before it goes out, about: schemas can make much of few bytes. */
const MAX_JSON_BYTES = 16_777_216

export class FetchedRecords {
  readonly #out: JsonWriter
  readonly #prefix: string
  readonly #format: ReadFormat
  readonly #limit: number
  /** Records written. */
  count = 0
  /** The first offset that is neither written nor passed over. */
  nextOffset: number

  constructor(out: JsonWriter, partition: number, format: ReadFormat, limit: number, offset: number) {
    this.#out = out
    this.#prefix = recordPrefix(partition)
    this.#format = format
    this.#limit = limit
    this.nextOffset = offset
  }

  get full(): boolean {
    return this.count >= this.#limit
  }

  /** What is written goes out before more is. */
  get isLarge(): boolean {
    return this.#out.size >= MAX_JSON_BYTES
  }

  /** Writes what was read, between or behind separators, as far as the limit goes or until it is large. */
  write(
    { records, nextOffset }: Pick<ReadResult, 'records' | 'nextOffset'>,
    separator: ',' | '\n',
  ): Unreadable | undefined {
    for (const batch of readBatches(records)) {
      if (this.full) return undefined
      if (!isControl(batch)) {
        const opened = decodeBatch(batch)
        if (isFailure(opened)) return { ...opened, nextOffset: lastOffset(batch) + 1 }
        for (const record of opened) {
          if (record.offset < this.nextOffset) continue
          if (this.full || this.isLarge) return undefined
          if (separator === ',' && this.count > 0) this.#out.ascii(',')
          writeRecord(this.#out, this.#prefix, record, this.#format)
          if (separator === '\n') this.#out.ascii('\n')
          this.count++
          this.nextOffset = record.offset + 1
        }
      }
      this.nextOffset = Math.max(this.nextOffset, lastOffset(batch) + 1)
    }
    this.nextOffset = Math.max(this.nextOffset, nextOffset)
    return undefined
  }
}
