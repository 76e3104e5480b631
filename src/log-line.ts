// What the Worker and its objects log: one line of JSON an event, for Workers Logs and whatever else takes logs apart.
// The console is here, and nowhere else.

type Level = 'info' | 'warn' | 'error'

const MAX_MESSAGE_CHARS = 2_000
const MAX_STACK_CHARS = 4_000

/** What an event is about; `error` says where a throw came from. */
interface About {
  readonly requestId?: string
  readonly method?: string
  readonly path?: string
  /** The Durable Object, by the partition that it is: `orders-0`, `__consumer_offsets-7`. */
  readonly object?: string
  /** How often the platform has tried an alarm before. */
  readonly retries?: number
  readonly error?: unknown
}

/** Whether what goes well is logged, too. */
let isInfoWanted = false

/** Each object says at its start what the environment wants: EDGELOG_LOG_LEVEL. */
export function readLogLevel(env: unknown): void {
  isInfoWanted = (env as { readonly EDGELOG_LOG_LEVEL?: string } | undefined)?.EDGELOG_LOG_LEVEL === 'info'
}

export const logsInfo = (): boolean => isInfoWanted

export function logEvent(level: Level, message: string, { error, ...about }: About): void {
  if (level === 'info' && !isInfoWanted) return
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

/** What an object that keeps this log is called here. */
export const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}-${partition}`

/** An alarm's work. What it throws is said, and thrown on: the platform tries again, six times in all. */
export async function whenDue(
  object: string,
  alarm: { readonly retryCount: number } | undefined,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    const retries = alarm?.retryCount ?? 0
    logEvent('error', `what was due could not be done: ${String(error)}`, { object, retries, error })
    throw error
  }
}
