// Times and durations as people write them, ISO 8601.

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i
const DURATION = /^P(?=\d|T\d)(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/i

/** ms since 1970; without a zone it is UTC, as Kafka's tools have it. Undefined: no time, or one before 1970. */
export function timeOf(text: string): number | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const [, time, , , zone] = match
  const ms = Date.parse(time !== undefined && zone === undefined ? `${text}Z` : text)
  return ms >= 0 ? ms : undefined
}

/** Days to seconds, as Kafka's tools (java.time.Duration) take them. Undefined: no duration. */
export function durationMs(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map(part => Number(part ?? 0))
  return Math.round((((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1_000)
}
