// What the Worker logs: one line of JSON an event, for Workers Logs and whatever else takes logs apart. What objects have to
// say is theirs, and plain text.

type Level = 'warn' | 'error'

const MAX_MESSAGE_CHARS = 2_000
const MAX_STACK_CHARS = 4_000
/** Cloudflare's own, `8f3c…-FRA`; whatever else comes in its place is not repeated. */
const RAY = /^[\w-]{1,64}$/

/** What an event is about; `error` says where a throw came from. */
interface About {
  readonly requestId: string
  readonly method?: string
  readonly path?: string
  readonly error?: unknown
}

export function logEvent(level: Level, message: string, { error, ...about }: About): void {
  const stack =
    error instanceof Error ? (error.stack ?? String(error)) : error === undefined ? undefined : String(error)
  const event = {
    time: new Date().toISOString(),
    level,
    message: message.slice(0, MAX_MESSAGE_CHARS),
    ...about,
    ...(stack === undefined ? {} : { stack: stack.slice(0, MAX_STACK_CHARS) }),
  }
  console[level](JSON.stringify(event))
}

/** The id that every answer carries as `x-request-id` and every line about the request repeats: Cloudflare's, or one of chance. */
export function requestIdOf(headers: Headers): string {
  const ray = headers.get('cf-ray')
  return ray !== null && RAY.test(ray) ? ray : crypto.randomUUID()
}
