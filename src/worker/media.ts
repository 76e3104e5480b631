// The media types that are ours, and reading those that come.

/** Records as lines of JSON. */
export const NDJSON = 'application/x-ndjson'
/** Kafka's record batches, as they are stored. */
export const RECORD_BATCH = 'application/vnd.edgelog.recordbatch'

/** `Application/JSON; charset=utf-8` is application/json. */
export const mediaType = (contentType: string | null): string =>
  (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()

/** The media ranges of an Accept, the most wanted first. */
export function rangesOf(accept: string): string[] {
  const ranges = accept.split(',').map(part => {
    const q = /;\s*q=([\d.]+)/i.exec(part)?.[1]
    return { range: mediaType(part), weight: q === undefined ? 1 : Number(q) }
  })
  return ranges
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ range }) => range)
}
