// A partition as lines, up to the end as it was when the reader came: read on only as fast as the reader takes it.

import type { ReadResult } from '../log/fetch.ts'
import { failure } from '../protocol/errors.ts'
import { FetchedRecords } from './fetched.ts'
import type { ReadFormat } from './formats.ts'
import { JsonWriter } from './json-writer.ts'
import { recordError } from './problem.ts'
import { endOf, type From, readAt } from './reading.ts'

/** What goes wrong on the way is told in the last line, as {"error"}. */
export function recordLines(
  from: From,
  first: ReadResult,
  { limit = Number.POSITIVE_INFINITY, ...format }: ReadFormat & { limit?: number | undefined },
): ReadableStream<Uint8Array> {
  const out = new JsonWriter()
  const records = new FetchedRecords(out, from.partition, format, limit, from.offset)
  const end = endOf(from, first)
  let read: ReadResult | undefined = first
  return new ReadableStream<Uint8Array>({
    pull: async controller => {
      for (let ended = false; !ended;) {
        const before = records.nextOffset
        const next = read ?? (await readAt(from, records.nextOffset))
        read = undefined
        const unread = 'error' in next ? next : await format.schemas?.learn(next.records)
        const wrong = unread ?? records.write(next as ReadResult, '\n')
        if (wrong)
          out
            .ascii('{"error":')
            .value(recordError(failure(wrong.error, wrong.message)))
            .ascii('}\n')
        // Whatever the log says: where nothing comes of reading on, it ends.
        ended = wrong !== undefined || records.full || records.nextOffset >= end || records.nextOffset === before
        const written = out.take()
        if (written.length > 0) controller.enqueue(written)
        if (ended) controller.close()
        else if (written.length > 0) return
      }
    },
  })
}
