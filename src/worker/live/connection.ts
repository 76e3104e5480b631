// What every live connection does beside reading, whatever the door: partitions that are added later are read too, a
// silent connection is kept alive, and one that has used up much of its invocation ends cleanly, to be resumed.

import type { TopicView } from '../../cluster/cluster.ts'
import type { Activity } from '../../cluster/connections.ts'
import type { Isolation } from '../../log/followers.ts'
import { errors, type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Followed } from '../follower.ts'
import type { ContentReader, ReadFormat } from '../formats.ts'
import { MAX_LIVE_PARTITIONS } from '../resume.ts'
import { type Following, type LiveFailure, LiveSession, type Place, type Sink } from './session.ts'
import { addedTo, type Brokerage, type Start, tooMany } from './start.ts'

/** How often the cluster is looked at. */
const TICK_MS = 5_000
/** Ticks without a word to the client, after which it gets one. */
const SILENT_TICKS = 3
/** Ticks after which a client that takes nothing of what waits for it is sent away, to come again: Kafka's max.poll.interval.ms. */
const STALLED_TICKS = 60
/**
 * What one connection may use, well within the invocation's limits (wrangler.toml): calls are subrequests, and frames and
 * characters are what takes its CPU time.
 */
const MAX_CALLS = 900_000
const MAX_FRAMES = 2_000_000
const MAX_CHARS = 8_589_934_592
const MAX_AGE_TICKS = 86_400_000 / TICK_MS

export interface Door extends Sink {
  /** What is written to it is on its way only later, so that it lags behind where there are many. */
  readonly lags: boolean
  /** Set by the connection: the client can take more; the client has gone. */
  onReady: () => void
  onGone: () => void
  readonly sentFrames: number
  readonly sentChars: number
  /** What the client said; nothing where it cannot say anything. */
  readonly heardFrames: number
  readonly heardChars: number
  /** When there was last a word of either side. */
  readonly lastMs: number
  /** A word without meaning, unless the client does not even take what it has been sent. */
  keepAlive(): void
  /** Ends cleanly: the client may come again with the token it has. */
  end(): void
}

/** A Broker, as far as it is needed here. */
export interface LiveBroker extends Brokerage {
  readonly calls: number
  follow(
    topic: TopicView,
    partition: number,
    options: {
      readonly offset: number
      readonly creditBytes: number
      readonly isolation: Isolation | undefined
      readonly lags: boolean
    },
  ): Promise<Following | Failure>
}

export interface Live {
  readonly broker: LiveBroker
  readonly door: Door
  readonly format: ReadFormat
  readonly isolation?: Isolation | undefined
  /** Records say their topic. */
  readonly named: boolean
  /** All partitions are read, those too that are added later. */
  readonly whole: boolean
  readonly credit?: number
  readonly ended?: () => void
  /** For members of a group (live/group.ts): which, and who is told of each record that was sent. */
  readonly group?: string | undefined
  readonly sent?: (place: Place, offset: number) => void
}

export class LiveConnection {
  readonly session: LiveSession
  readonly #live: Live
  readonly #topics = new Map<string, TopicView>()
  readonly #timer: ReturnType<typeof setInterval>
  #ticks = 0
  #spokenFrames = 0
  #silentTicks = 0
  #stalledTicks = 0
  #looking = false

  constructor(live: Live) {
    const { broker, door, format, isolation, named, credit, sent } = live
    this.#live = live
    this.session = new LiveSession({
      sink: door,
      format,
      isolation,
      named,
      ...(credit === undefined ? {} : { credit }),
      sent,
      ended: () => {
        clearInterval(this.#timer)
        live.ended?.()
      },
      later: drain => setTimeout(drain, 0),
      follow: async ({ topic, partition, offset }, creditBytes) => {
        const from = { offset, creditBytes, isolation, lags: door.lags }
        const following = await broker.follow(this.#topics.get(topic.topicId)!, partition, from)
        return format.schemas === undefined || isFailure(following)
          ? following
          : new Learning(following, format.schemas)
      },
    })
    door.onReady = () => this.session.drain()
    door.onGone = () => this.close()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  async read({ topics, places }: Start): Promise<void> {
    for (const topic of topics) this.#topics.set(topic.topicId, topic)
    await this.session.read(places)
  }

  fail(why: LiveFailure): void {
    this.session.fail(why)
  }

  close(): void {
    this.session.close()
  }

  /** What it has done so far. In and out are counted in characters. */
  get activity(): Activity {
    const { door, group = null } = this.#live
    const topics = new Set<string>()
    let partitions = 0
    for (const { topic } of this.session.places) {
      topics.add(topic.name)
      partitions++
    }
    return {
      clientId: null,
      clientSoftwareName: null,
      clientSoftwareVersion: null,
      group,
      transactionalId: null,
      topics: [...topics],
      partitions,
      requests: 1 + door.heardFrames,
      lastRequest: null,
      lastMs: door.lastMs,
      bytesIn: door.heardChars,
      bytesOut: door.sentChars,
    }
  }

  /** Ends cleanly: the client may come again. */
  end(): void {
    this.session.drain()
    this.close()
    this.#live.door.end()
  }

  #tick(): void {
    this.#ticks++
    if (this.#isUsedUp()) return this.end()
    if (this.#looking) return
    this.#looking = true
    // The cluster may be out of reach for a moment; the next tick looks again.
    void this.#look()
      .catch(() => {})
      .finally(() => (this.#looking = false))
  }

  /** Looks after the client, too: it is kept alive, or given up. */
  #isUsedUp(): boolean {
    const { broker, door } = this.#live
    const silent = door.sentFrames === this.#spokenFrames
    this.#spokenFrames = door.sentFrames
    this.#silentTicks = silent ? this.#silentTicks + 1 : 0
    this.#stalledTicks = silent && this.session.waiting ? this.#stalledTicks + 1 : 0
    if (this.#stalledTicks >= STALLED_TICKS) return true
    if (this.#silentTicks >= SILENT_TICKS) door.keepAlive()
    return (
      broker.calls > MAX_CALLS ||
      door.sentFrames > MAX_FRAMES ||
      door.sentChars > MAX_CHARS ||
      this.#ticks > MAX_AGE_TICKS
    )
  }

  /** Sees topics that are gone, which the partitions themselves mostly say sooner, and partitions that are new. */
  async #look(): Promise<void> {
    const { broker, whole } = this.#live
    const { topics } = await broker.view()
    const grown: { topic: TopicView; known: number }[] = []
    let partitions = 0
    for (const known of this.#topics.values()) {
      const topic = topics.find(({ topicId }) => topicId === known.topicId)
      if (topic === undefined)
        return this.fail({ ...failure('UNKNOWN_TOPIC_ID', 'The topic was deleted.'), topic: known.name })
      if (topic.partitions > known.partitions) grown.push({ topic, known: known.partitions })
      partitions += topic.partitions
    }
    if (!whole || grown.length === 0) return
    if (partitions > MAX_LIVE_PARTITIONS) return this.fail(tooMany())
    const places = await addedTo(broker, grown)
    if (isFailure(places)) return
    for (const { topic } of grown) this.#topics.set(topic.topicId, topic)
    await this.session.read(places)
  }
}

/** An error as live consumers are told it. */
export function errorMembers({ error, message, ...where }: LiveFailure): Readonly<Record<string, unknown>> {
  return { code: error, errorCode: errors[error].code, retriable: errors[error].retriable, message, ...where }
}

/** Following that knows the schemas of what it brings before it brings it. */
class Learning implements Following {
  readonly #following: Following
  readonly #schemas: ContentReader

  constructor(following: Following, schemas: ContentReader) {
    this.#following = following
    this.#schemas = schemas
  }

  async next(): Promise<Followed> {
    const followed = await this.#following.next()
    const failed = followed.type === 'data' ? await this.#schemas.learn(followed.records) : undefined
    return failed === undefined ? followed : { type: 'error', ...failed, logStartOffset: -1 }
  }

  credit(bytes: number): void {
    this.#following.credit(bytes)
  }

  close(): void {
    this.#following.close()
  }
}
