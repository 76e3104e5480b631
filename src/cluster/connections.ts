// What is known of a connection: what is said when it is announced, and what it tells of itself when somebody looks
// (objects/connections.ts). The texts are bounded here, on both ends.

export const connectionKinds = ['kafka', 'kafka-websocket', 'websocket', 'sse'] as const
export type ConnectionKind = (typeof connectionKinds)[number]

/** Connections asked at once, and shown; what more there are is only counted. */
export const MAX_SHOWN = 1_000
/** Of a text that a client chose. */
const MAX_CHARS = 200
/** Topics that a connection tells of. */
const MAX_TOPICS = 20
/** One of either message. */
const MAX_MESSAGE_CHARS = 65_536

/** What holds from its beginning. */
export interface Announced {
  readonly connectionId: string
  readonly kind: ConnectionKind
  readonly openedMs: number
  readonly remoteAddress: string | null
  readonly userAgent: string | null
}

/** What it has done so far; what is not known of a kind of connection is null. */
export interface Activity {
  readonly clientId: string | null
  /** What Kafka's clients say of themselves with ApiVersions (KIP-511). */
  readonly clientSoftwareName: string | null
  readonly clientSoftwareVersion: string | null
  readonly group: string | null
  readonly transactionalId: string | null
  /** By name, or by id where that is all the client says. */
  readonly topics: readonly string[]
  /** Partitions that it reads. */
  readonly partitions: number
  readonly requests: number
  /** Kafka's name of the last request. */
  readonly lastRequest: string | null
  readonly lastMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** A connection as it is shown: one that does not answer in time has no activity. */
export type Shown = Announced & { readonly activity: Activity | null }

export const writeAnnounced = (announced: Announced): string =>
  JSON.stringify({
    ...announced,
    connectionId: announced.connectionId.slice(0, MAX_CHARS),
    remoteAddress: clipped(announced.remoteAddress),
    userAgent: clipped(announced.userAgent),
  })

export function readAnnounced(text: string): Announced | undefined {
  const said = read(text) as Announced | undefined
  return said !== undefined && connectionKinds.includes(said.kind) ? said : undefined
}

/** `round` is the question that this answers. */
export const writeActivity = (round: number, activity: Activity): string =>
  JSON.stringify({
    round,
    activity: {
      ...activity,
      clientId: clipped(activity.clientId),
      clientSoftwareName: clipped(activity.clientSoftwareName),
      clientSoftwareVersion: clipped(activity.clientSoftwareVersion),
      group: clipped(activity.group),
      transactionalId: clipped(activity.transactionalId),
      topics: activity.topics.slice(0, MAX_TOPICS).map(topic => topic.slice(0, MAX_CHARS)),
    } satisfies Activity,
  })

export const readActivity = (text: string): { readonly round: number; readonly activity: Activity } | undefined =>
  read(text) as { round: number; activity: Activity } | undefined

const clipped = (text: string | null): string | null => text?.slice(0, MAX_CHARS) ?? null

function read(text: string): object | undefined {
  if (text.length > MAX_MESSAGE_CHARS) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
