// Stored batches as the JSON that live consumers get. Many of them read the same tail, so what is new is opened once an
// isolate and remembered for a moment: plain text, which any request may use.

import { type Batch, crcOf, isControl } from '../../log/batch.ts'
import { decodeBatch } from '../../log/records.ts'
import { type Failure, isFailure } from '../../protocol/errors.ts'
import type { ReadFormat } from '../formats.ts'
import { JsonWriter } from '../json-writer.ts'
import { recordPrefix, writeRecord } from '../records-out.ts'

export interface EncodedRecord {
  readonly offset: number
  readonly json: string
}

/** Characters of JSON remembered in an isolate, and of one batch: whoever is far behind reads alone. */
const MAX_REMEMBERED = 4_194_304
const MAX_REMEMBERED_BATCH = 65_536

/** The records of one partition for readers who ask for one format. */
export class Encoding {
  readonly #prefix: string
  readonly #format: ReadFormat
  readonly #key: string

  /** `named`: the records say which topic they are of. */
  constructor(
    partition: { readonly topic: string; readonly topicId: string; readonly partition: number },
    format: ReadFormat,
    named: boolean,
  ) {
    this.#prefix = recordPrefix(partition.partition, named ? partition.topic : undefined)
    this.#format = format
    this.#key = `${partition.topicId}-${partition.partition}/${format.format}/${format.keyFormat}/${named}/`
  }

  /** All records of the batch. Control batches are for clients that follow transactions: here they have no records. */
  encode(batch: Batch): readonly EncodedRecord[] | Failure {
    if (isControl(batch)) return []
    if (batch.bytes.length > MAX_REMEMBERED_BATCH) return this.#encode(batch)
    const key = `${this.#key}${batch.baseOffset}/${crcOf(batch)}`
    const known = remembered.get(key)
    if (known !== undefined) return known
    const encoded = this.#encode(batch)
    if (!isFailure(encoded)) remembered.set(key, encoded)
    return encoded
  }

  #encode(batch: Batch): EncodedRecord[] | Failure {
    const records = decodeBatch(batch)
    if (isFailure(records)) return records
    const out = new JsonWriter(batch.bytes.length * 2)
    const encoded: EncodedRecord[] = []
    for (const record of records) {
      writeRecord(out, this.#prefix, record, this.#format)
      encoded.push({ offset: record.offset, json: decoder.decode(out.take()) })
    }
    return encoded
  }
}

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Forgets what came first when there is too much. */
class Remembered {
  readonly #batches = new Map<string, readonly EncodedRecord[]>()
  #size = 0

  get(key: string): readonly EncodedRecord[] | undefined {
    return this.#batches.get(key)
  }

  set(key: string, records: readonly EncodedRecord[]): void {
    const size = sizeOf(records)
    if (size > MAX_REMEMBERED_BATCH) return
    this.#batches.set(key, records)
    this.#size += size
    for (const [oldest, batch] of this.#batches) {
      if (this.#size <= MAX_REMEMBERED) return
      this.#batches.delete(oldest)
      this.#size -= sizeOf(batch)
    }
  }
}

/** What a record takes in memory beside its text, about. */
const RECORD_OVERHEAD = 100

function sizeOf(records: readonly EncodedRecord[]): number {
  let size = RECORD_OVERHEAD
  for (const { json } of records) size += json.length + RECORD_OVERHEAD
  return size
}

const remembered = new Remembered()
