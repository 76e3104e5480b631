// Records as a v2 consumer reads them: {"topic","key","value","partition","offset"}, opened from stored batches and written
// as JSON in the instance's format, up to a number of bytes.

import { isControl, lastOffset, readBatches } from '../../../log/batch.ts'
import { decodeBatch, type LogRecord } from '../../../log/records.ts'
import { type Failure, isFailure } from '../../../protocol/errors.ts'
import type { ContentReader } from '../../formats.ts'
import { JsonError, JsonReader } from '../../json.ts'
import { JsonWriter } from '../../json-writer.ts'
import { fromKafka, isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import type { EmbeddedFormat } from '../v2/media.ts'

/** One answer's JSON, about: a call carries 32 MiB. */
const MAX_JSON_BYTES = 16_777_216

const encoder = new TextEncoder()
const NULL = encoder.encode('null')

export class Polled {
  readonly #out = new JsonWriter(65_536)
  readonly #format: EmbeddedFormat
  readonly #maxBytes: number
  /** Reads what schemas wrote, in the formats that have them. */
  readonly #schemas: ContentReader | undefined
  /** Of keys and values, as they are stored. */
  bytes = 0
  count = 0
  /** No more fits, or can be read. */
  full = false

  constructor(format: EmbeddedFormat, maxBytes: number, schemas: ContentReader | undefined) {
    this.#schemas = schemas
    this.#format = format
    this.#maxBytes = maxBytes
    this.#out.ascii('[')
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#out.ascii(']').take()
  }

  /** Learns what it takes to read these. */
  async learn(batches: Uint8Array): Promise<Failure | undefined> {
    return this.#schemas?.learn(batches)
  }

  /** Writes the records from `offset` on, as far as they fit; where to go on from, or why the first cannot be read. */
  write(topic: string, partition: number, batches: Uint8Array, offset: number): number | RestFailure {
    const prefix = `{"topic":${JSON.stringify(topic)},"key":`
    const suffix = `,"partition":${partition},"offset":`
    let next = offset
    for (const batch of readBatches(batches)) {
      if (!isControl(batch)) {
        const opened = decodeBatch(batch)
        if (isFailure(opened)) return this.#stop(next, fromKafka(opened))
        for (const record of opened) {
          if (record.offset < next) continue
          const written = this.#record(record, prefix, suffix)
          if (isRestFailure(written)) return this.#stop(next, unreadable(topic, partition, record, written))
          if (!written) return next
          next = record.offset + 1
        }
      }
      next = Math.max(next, lastOffset(batch) + 1)
    }
    return next
  }

  /** What cannot be read is told when it comes first; until then, what comes before it. */
  #stop(next: number, failed: RestFailure): number | RestFailure {
    if (this.count === 0) return failed
    this.full = true
    return next
  }

  /** False: it does not fit. */
  #record({ key, value, offset }: LogRecord, prefix: string, suffix: string): boolean | RestFailure {
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    if (this.count > 0 && (this.bytes + size >= this.#maxBytes || this.#out.size >= MAX_JSON_BYTES)) {
      this.full = true
      return false
    }
    const keyText = this.#content(key)
    if (isRestFailure(keyText)) return keyText
    const valueText = this.#content(value)
    if (isRestFailure(valueText)) return valueText
    const out = this.#out
    if (this.count > 0) out.ascii(',')
    // The prefix has a topic's name, which is ASCII.
    out.ascii(prefix)
    this.#write(key, keyText)
    out.ascii(',"value":')
    this.#write(value, valueText)
    out.ascii(suffix).integer(offset).ascii('}')
    this.bytes += size
    this.count++
    return true
  }

  /** JSON text; undefined: base64 is to be written. */
  #content(content: Uint8Array | null): Uint8Array | RestFailure | undefined {
    if (content === null) return NULL
    if (this.#format === 'binary') return undefined
    if (this.#schemas === undefined) return jsonText(content)
    const text = this.#schemas.jsonOf(content)
    return text === undefined ? NO_SCHEMA : encoder.encode(text)
  }

  #write(content: Uint8Array | null, text: Uint8Array | undefined): void {
    if (text === undefined) this.#out.base64(content!)
    else this.#out.raw(text)
  }
}

function jsonText(content: Uint8Array): Uint8Array | RestFailure {
  const reader = new JsonReader(content)
  try {
    const text = reader.text()
    reader.finish()
    return text
  } catch (thrown) {
    if (thrown instanceof JsonError) return restFailure(NOT_DESERIALIZED, `it is not JSON: ${thrown.message}`)
    throw thrown
  }
}

const NOT_DESERIALIZED = 40801
const NO_SCHEMA = restFailure(NOT_DESERIALIZED, 'no schema of the registry wrote it')

const unreadable = (topic: string, partition: number, { offset }: LogRecord, { message }: RestFailure): RestFailure =>
  restFailure(
    NOT_DESERIALIZED,
    `Error deserializing key/value for partition ${topic}-${partition} at offset ${offset}: ${message}. If needed, please seek past the record to continue consumption.`,
  )
