// The media types that are ours, and reading those that come.

/** Records as lines of JSON. */
export const NDJSON = 'application/x-ndjson'
/** Kafka's record batches, as they are stored. */
export const RECORD_BATCH = 'application/vnd.edgelog.recordbatch'

/** `Application/JSON; charset=utf-8` is application/json. */
export const mediaType = (contentType: string | null): string =>
  (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
