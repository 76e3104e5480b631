// A live consumer in a group: the membership says which partitions it reads, the client what it is done with, and that
// is what is committed for it, so that whoever reads on begins there: nothing is lost, and what was sent but not
// confirmed comes again.
//
// A WebSocket confirms with its credit: a frame of N is done with the N oldest records it was sent. An event stream says
// nothing; what its other end took some seconds ago counts.

import type { TopicView } from '../../cluster/cluster.ts'
import type { NamedPartitions } from '../../coordinator/consumer-protocol.ts'
import type { Commit, PartitionErrors } from '../../coordinator/offsets.ts'
import type { Isolation } from '../../log/followers.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { MAX_LIVE_PARTITIONS } from '../resume.ts'
import { ClassicMember } from './classic-member.ts'
import type { Door, LiveConnection } from './connection.ts'
import { ConsumerMember } from './consumer-member.ts'
import { placesInGroup } from './group-start.ts'
import { type GroupReader, type Membership, whenThere } from './membership.ts'
import type { Place } from './session.ts'
import { tooMany } from './start.ts'
import { Unconfirmed } from './unconfirmed.ts'

const TICK_MS = 1_000
/** Kafka's auto.commit.interval.ms. */
const COMMIT_TICKS = 5
/** What an event stream's other end took so long ago counts as read. */
const TAKEN_TICKS = 2
const MIN_SESSION_TICKS = 3
/** How long a client may take to be done with what it was sent of partitions it loses. */
const REVOKE_TICKS = 10
/** Records sent and not confirmed, and credit, together. */
export const MAX_UNCONFIRMED = 100_000

export interface GroupAsked {
  readonly groupId: string
  /** Undefined: as the group is. */
  readonly protocol: 'classic' | 'consumer' | undefined
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly autoCommit: boolean
  readonly reset: 'earliest' | 'latest'
}

export interface GroupDoor extends Door {
  moved(type: 'assigned' | 'revoked', members: Readonly<Record<string, unknown>>): void
  /** Ends as the client asked: it has left the group. */
  left?(): void
  /** Event streams: of `sentChars`, those that the other end has taken. Undefined: the client confirms. */
  readonly takenChars?: number
}

export interface GroupOptions {
  readonly broker: Pick<Broker, 'groups' | 'topic' | 'topics' | 'describe' | 'background'>
  readonly door: GroupDoor
  readonly asked: GroupAsked
  readonly isolation: Isolation | undefined
  readonly clientHost: string
}

/** Which offset of which partition a client commits. */
export interface OffsetToCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata?: string | null | undefined
}

/** A partition that is this member's. */
interface Owned {
  readonly topic: string
  readonly partition: number
  /** Undefined while it is looked where to begin. */
  place: Place | undefined
  /** The last offset committed. */
  committed: number | undefined
}

export class LiveGroup implements GroupReader {
  readonly #options: GroupOptions
  #member: Membership | undefined
  #topics: readonly TopicView[] = []
  readonly #unconfirmed = new Unconfirmed()
  #timer: ReturnType<typeof setTimeout>
  #connection!: LiveConnection
  #owned: Owned[] = []
  /** Partitions given up, to be committed once the client is done with them. */
  #leaving: { readonly owned: readonly Owned[]; ticks: number; done: () => void } | undefined
  /** Event streams: what had been sent at each tick. */
  #marks: { readonly records: number; readonly chars: number }[] = []
  #takenChars = 0
  #revoking: Promise<void> = Promise.resolve()
  #left: Promise<void> = Promise.resolve()
  #committing: Promise<unknown> = Promise.resolve()
  #ticks = 0
  #silentTicks = 0
  #goes = false
  #ended = false

  constructor(options: GroupOptions) {
    this.#options = options
    this.#timer = setTimeout(() => this.#tick(), TICK_MS)
  }

  /** What the connection that reads for the group has to know of it. */
  readonly sent = (place: Place, offset: number): void => this.#unconfirmed.sent(place, offset)
  readonly ended = (): void => this.#end()

  /** Why there can be no membership, as far as the group says at once. */
  async begin(connection: LiveConnection, names: readonly string[]): Promise<Failure | undefined> {
    this.#connection = connection
    const { broker, asked, clientHost } = this.#options
    const topics = await Promise.all(names.map(name => broker.topic(name)))
    const missing = topics.find(isFailure)
    if (missing !== undefined) return missing
    this.#topics = topics as TopicView[]
    await connection.read({ topics: this.#topics, places: [] })
    const protocol = await protocolOf(broker, asked)
    if (isFailure(protocol)) return protocol
    if (this.#ended) return undefined
    const { groupId, instanceId, sessionTimeoutMs } = asked
    const options = { broker, reader: this, groupId, instanceId, sessionTimeoutMs, topics: names, clientHost }
    this.#member = protocol === 'consumer' ? new ConsumerMember(options) : new ClassicMember(options)
    return this.#member.begin()
  }

  /** Until the connection ends, or the group will not have it. */
  async run(): Promise<void> {
    try {
      const failed = await this.#member?.run()
      if (failed !== undefined) this.#connection.fail(failed)
    } catch (error) {
      this.#connection.fail(failure('UNKNOWN_SERVER_ERROR', `The group could not be kept: ${String(error)}`))
    }
  }

  /** The client said something: it is alive. */
  heard(): void {
    this.#silentTicks = 0
  }

  /** The client takes so many more, having done with as many. */
  credit(records: number): void {
    this.#unconfirmed.confirm(records)
    this.#settle()
    const { session } = this.#connection
    session.credit(Math.max(0, Math.min(records, MAX_UNCONFIRMED - this.#unconfirmed.size - session.creditLeft)))
  }

  /** The client needs no more time for what it was told to give up. */
  release(): void {
    this.#leaving?.done()
  }

  /** The client wants to go: as with any partition that is given up, it is waited until it is done with them. */
  async leave(): Promise<void> {
    if (this.#goes) return
    this.#goes = true
    await this.revoked(this.#owned.map(({ topic, partition }) => ({ topic, partitions: [partition] })))
    this.#connection.close()
    await this.#left
    this.#options.door.left?.()
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<Failure | undefined> {
    const mine = [...this.#owned, ...(this.#leaving?.owned ?? [])]
    const found = offsets.map(({ topic, partition }) =>
      mine.find(owned => owned.topic === topic && owned.partition === partition && owned.place !== undefined),
    )
    const foreign = offsets[found.indexOf(undefined)]
    if (foreign !== undefined)
      return failure('ILLEGAL_GENERATION', `${foreign.topic}-${foreign.partition} is not assigned to this member.`)
    const failed = await this.#commit(
      offsets.map(({ offset, metadata = null }, i) => ({ owned: found[i]!, offset, metadata })),
    )
    if (failed !== undefined) return failed
    for (const [i, { offset }] of offsets.entries()) this.#unconfirmed.doneBelow(found[i]!.place!, offset)
    this.#settle()
    return undefined
  }

  async assigned(partitions: NamedPartitions): Promise<void> {
    const { broker, asked, isolation, door } = this.#options
    const known = new Map(this.#topics.map(topic => [topic.name, topic]))
    const added = partitions.flatMap(({ topic, partitions: numbers }) =>
      numbers.map((partition): Owned => ({ topic, partition, place: undefined, committed: undefined })),
    )
    this.#owned.push(...added)
    if (this.#owned.length > MAX_LIVE_PARTITIONS) return this.#connection.fail(tooMany())
    const wanted = added.map(({ topic, partition }) => ({ topic: known.get(topic)!, partition }))
    const begun = await placesInGroup(broker, { ...asked, isolation }, wanted)
    if (this.#ended || this.#goes) return
    if (isFailure(begun)) return this.#connection.fail(begun)
    // It may have been taken away meanwhile.
    const still = begun.filter((_, i) => this.#owned.includes(added[i]!))
    for (const [i, { place, committed }] of begun.entries()) Object.assign(added[i]!, { place, committed })
    const places = still.map(({ place }) => place)
    door.moved('assigned', {
      partitions: places.map(({ topic, partition, offset }) => ({ topic: topic.name, partition, offset })),
    })
    // From here on the group has a place in all of them: nothing is passed over, whoever reads on.
    if (asked.autoCommit) void this.#commitProgress(this.#owned)
    await this.#connection.session.read(places)
  }

  revoked(partitions: NamedPartitions): Promise<void> {
    this.#revoking = this.#revoking.then(() => this.#revoke(partitions))
    return this.#revoking
  }

  async #revoke(partitions: NamedPartitions): Promise<void> {
    const gone = this.#take(partitions, false)
    if (gone.length === 0 || this.#ended) return
    await new Promise<void>(done => {
      this.#leaving = { owned: gone, ticks: 0, done }
      this.#settle()
    })
    if (this.#ended) return
    if (this.#options.asked.autoCommit) await this.#commitProgress(gone)
    this.#leaving = undefined
    for (const { place } of gone) if (place !== undefined) this.#unconfirmed.forget(place)
  }

  lost(partitions: NamedPartitions): void {
    for (const { place } of this.#take(partitions, true)) if (place !== undefined) this.#unconfirmed.forget(place)
  }

  /** Stops reading them, and tells the client up to where it was sent each. */
  #take(partitions: NamedPartitions, lost: boolean): readonly Owned[] {
    const { session } = this.#connection
    const named = new Set(partitions.flatMap(({ topic, partitions: ps }) => ps.map(p => `${topic}-${p}`)))
    const gone = this.#owned.filter(({ topic, partition }) => named.has(`${topic}-${partition}`))
    this.#owned = this.#owned.filter(owned => !gone.includes(owned))
    const members: { topic: string; partition: number; offset?: number }[] = []
    for (const { topic, partition, place } of gone) {
      if (place === undefined) continue
      members.push({ topic, partition, offset: session.nextOffset(place) })
    }
    session.release(new Set(gone.flatMap(({ place }) => place ?? [])))
    if (gone.length > 0 && !this.#ended)
      this.#options.door.moved('revoked', { partitions: members, ...(lost ? { lost } : {}) })
    return gone
  }

  /** Is the client done with what it was sent of the partitions it gives up? */
  #settle(): void {
    if (this.#leaving === undefined) return
    const firsts = this.#unconfirmed.firsts()
    if (this.#leaving.owned.every(({ place }) => place === undefined || !firsts.has(place))) this.#leaving.done()
  }

  #tick(): void {
    const { door, asked } = this.#options
    // Where everything stood still for a while that is one tick: what clients said meanwhile comes after it.
    this.#timer = setTimeout(() => this.#tick(), TICK_MS)
    this.#ticks++
    if (door.takenChars !== undefined) this.#confirmTaken(door.sentChars, door.takenChars)
    if (this.#leaving !== undefined && ++this.#leaving.ticks >= REVOKE_TICKS) this.#leaving.done()
    if (asked.autoCommit && this.#ticks % COMMIT_TICKS === 0) void this.#commitProgress(this.#owned)
    // A member that is silent is asked whether it is alive, and taken for dead after its session's time.
    this.#silentTicks++
    const sessionTicks = Math.max(MIN_SESSION_TICKS, asked.sessionTimeoutMs / TICK_MS)
    if (this.#silentTicks > sessionTicks) this.#connection.end()
    else if (this.#silentTicks % Math.floor(sessionTicks / 3) === 0) door.keepAlive()
  }

  #confirmTaken(sentChars: number, takenChars: number): void {
    this.#marks.push({ records: this.#unconfirmed.size, chars: sentChars })
    if (takenChars === sentChars || takenChars > this.#takenChars) this.heard()
    this.#takenChars = takenChars
    if (this.#marks.length <= TAKEN_TICKS) return
    const { records, chars } = this.#marks.shift()!
    if (takenChars < chars) return
    for (const mark of this.#marks) Object.assign(mark, { records: Math.max(0, mark.records - records) })
    this.credit(records)
  }

  /** Commits as far as the client is done, where that is further than before. */
  #commitProgress(some: readonly Owned[]): Promise<Failure | undefined> {
    const { session } = this.#connection
    const firsts = this.#unconfirmed.firsts()
    const moved = some.flatMap(owned => {
      const { place, committed } = owned
      if (place === undefined) return []
      const offset = firsts.get(place) ?? session.nextOffset(place)
      return offset === committed ? [] : [{ owned, offset, metadata: null }]
    })
    return this.#commit(moved)
  }

  /** Commits go out one after the other. */
  #commit(
    offsets: readonly { readonly owned: Owned; readonly offset: number; readonly metadata: string | null }[],
  ): Promise<Failure | undefined> {
    const committed = this.#committing.then(async () => {
      if (offsets.length === 0) return undefined
      const topics = Map.groupBy(offsets, ({ owned }) => owned.place!.topic)
      const toCommit = [...topics].map(([{ name, topicId }, placed]): Commit['topics'][number] => ({
        name,
        topicId,
        partitions: placed.map(({ owned: { partition }, offset, metadata }) => ({
          partition,
          offset,
          leaderEpoch: -1,
          metadata,
        })),
      }))
      const reply = await whenThere(() => this.#member!.commit(toCommit))
      const failed = isFailure(reply) ? reply : refused(reply)
      if (failed === undefined) for (const { owned, offset } of offsets) owned.committed = offset
      return failed
    })
    this.#committing = committed
    return committed
  }

  /** The client has gone, or cannot go on: what it is done with is committed, and its partitions are others'. */
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    const owned = [...this.#owned, ...(this.#leaving?.owned ?? [])]
    this.#leaving?.done()
    this.#left = this.#leave(owned)
    this.#options.broker.background(this.#left)
  }

  async #leave(owned: readonly Owned[]): Promise<void> {
    if (this.#member === undefined) return
    if (this.#options.asked.autoCommit) await this.#commitProgress(owned)
    await this.#member.leave()
  }
}

/** How to be a member, where the client does not say: as the others are. */
async function protocolOf(
  { groups }: Pick<Broker, 'groups'>,
  { groupId, protocol }: GroupAsked,
): Promise<'classic' | 'consumer' | Failure> {
  if (protocol !== undefined) return protocol
  const consumer = await groups.ask(groupId, { type: 'describeConsumer' })
  if (!isFailure(consumer)) return 'consumer'
  return consumer.error === 'GROUP_ID_NOT_FOUND' ? 'classic' : consumer
}

function refused({ topics }: PartitionErrors): Failure | undefined {
  const wrong = topics.flatMap(({ partitions }) => partitions).find(({ error }) => error !== 'NONE')
  return wrong && failure(wrong.error)
}
