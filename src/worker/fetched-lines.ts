// A partition as lines, up to the end as it was when the reader came: read on only as fast as the reader takes it.

import type { ReadResult } from '../log/fetch.ts'
import { failure } from '../protocol/errors.ts'
import { FetchedRecords } from './fetched.ts'
import type { RecordFormat } from './formats.ts'
import { JsonWriter } from './json-writer.ts'
import { recordError } from './problem.ts'
import type { From } from './reading.ts'

/** What goes wrong on the way is told in the last line, as {"error"}. */
export function recordLines(
  from: From,
  first: ReadResult,
  { limit = Number.POSITIVE_INFINITY, ...format }: RecordFormat & { limit?: number | undefined },
): ReadableStream<Uint8Array> {
  const { broker, topic, partition, maxBytes } = from
  const out = new JsonWriter()
  const records = new FetchedRecords(out, partition, format, limit, from.offset)
  const end = first.highWatermark
  let read: ReadResult | undefined = first
  return new ReadableStream<Uint8Array>({
    pull: async controller => {
      for (let ended = false; !ended;) {
        const next = read ?? (await broker.read(topic, partition, { offset: records.nextOffset, maxBytes }))
        read = undefined
        const wrong = 'error' in next ? next : records.write(next, '\n')
        if (wrong)
          out
            .ascii('{"error":')
            .value(recordError(failure(wrong.error, wrong.message)))
            .ascii('}\n')
        ended = wrong !== undefined || records.full || records.nextOffset >= end
        const written = out.take()
        if (written.length > 0) controller.enqueue(written)
        if (ended) controller.close()
        else if (written.length > 0) return
      }
    },
  })
}
