// The partitions that a consumer instance reads, and how far it has read each: where it begins, what comes next, where it
// is moved to, and what of it is committed.

import type { TopicView } from '../../../cluster/cluster.ts'
import { type Failure, failure, isFailure } from '../../../protocol/errors.ts'
import type { Broker } from '../../broker.ts'
import { Fetching, FetchState } from '../../kafka/fetching.ts'
import { inWaves } from '../../kafka/partitions.ts'
import { placesInGroup } from '../../live/group-start.ts'
import { isRestFailure, type RestFailure } from '../errors.ts'
import { commitOffsets, type Committer } from './offsets.ts'
import type { Polled } from './polled.ts'
import type { AssignedPartition, NewConsumer, TopicPartition } from './stored.ts'

/** What is read of the log for one answer, in all and of one partition. */
const MAX_FETCH_BYTES = 8_388_608
const MAX_PARTITION_BYTES = 1_048_576

const LATEST = -1
const EARLIEST = -2

export interface Seek extends TopicPartition {
  readonly to: number | 'beginning' | 'end' | { readonly timestamp: number }
}

/** A partition, and from where it is to be read if that is known. */
export interface Beginning {
  readonly topic: TopicView
  readonly partition: number
  readonly offset?: number
}

interface Position {
  topic: TopicView
  readonly partition: number
  /** The next offset to be read. */
  offset: number
  /** The last offset committed. */
  committed: number | undefined
}

export class Positions {
  readonly #broker: Broker
  readonly #of: Pick<NewConsumer, 'group' | 'reset'>
  readonly #fetches = new FetchState()
  readonly #positions = new Map<string, Position>()

  constructor(broker: Broker, of: Pick<NewConsumer, 'group' | 'reset'>) {
    this.#broker = broker
    this.#of = of
  }

  get size(): number {
    return this.#positions.size
  }

  /** In order. */
  list(): Required<AssignedPartition>[] {
    return [...this.#positions.values()]
      .map(({ topic, partition, offset }) => ({ topic: topic.name, partition, offset }))
      .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#positions.has(keyOf(topic, partition))
  }

  /** Reads these, too: from where they say, from what the group has committed, or as the reset says. */
  async begin(wanted: readonly Beginning[]): Promise<Failure | undefined> {
    const { group, reset } = this.#of
    const unknown = wanted.filter(({ offset }) => offset === undefined)
    const begun = await placesInGroup(
      this.#broker,
      { groupId: group, reset: reset === 'latest' ? 'latest' : 'earliest', isolation: undefined },
      unknown,
    )
    if (isFailure(begun)) return begun
    const lost = reset === 'none' ? begun.find(({ committed }) => committed === undefined)?.place : undefined
    if (lost !== undefined)
      return failure(
        'OFFSET_OUT_OF_RANGE',
        `Undefined offset with no reset policy for partitions: [${lost.topic.name}-${lost.partition}]`,
      )
    for (const [i, { place, committed }] of begun.entries()) this.#put(unknown[i]!, place.offset, committed)
    for (const known of wanted) if (known.offset !== undefined) this.#put(known, known.offset, undefined)
    return undefined
  }

  drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#positions.delete(keyOf(topic, partition))
  }

  clear(): void {
    this.#positions.clear()
  }

  /** Nobody waits any more: what was followed meanwhile is let go of, so that nothing is kept awake. */
  rest(): void {
    this.#fetches.close()
  }

  /** All of them are there: has() said so. */
  async seek(seeks: readonly Seek[]): Promise<Failure | undefined> {
    const offsets = await inWaves(seeks, seek => this.#offsetOf(seek))
    for (const [i, { topic, partition }] of seeks.entries()) {
      const offset = offsets[i]!
      if (isFailure(offset)) return offset
      const position = this.#positions.get(keyOf(topic, partition))
      if (position !== undefined) position.offset = offset
    }
    return undefined
  }

  async #offsetOf({ topic, partition, to }: Seek): Promise<number | Failure> {
    if (typeof to === 'number') return to
    const position = this.#positions.get(keyOf(topic, partition))!
    const at = (timestamp: number) => this.#broker.offsetFor(position.topic, partition, timestamp)
    const found = await at(to === 'beginning' ? EARLIEST : to === 'end' ? LATEST : to.timestamp)
    if (isFailure(found)) return found
    if (found.offset >= 0) return found.offset
    // Nothing is so late: the end.
    const end = await at(LATEST)
    return isFailure(end) ? end : end.offset
  }

  /** Commits how far these (all, if none are named) were read, where that moved. */
  async commit(committer: Committer, only?: readonly TopicPartition[]): Promise<Failure | undefined> {
    const asked = only?.map(({ topic, partition }) => this.#positions.get(keyOf(topic, partition)))
    const moved = (asked ?? [...this.#positions.values()]).filter(
      (position): position is Position => position !== undefined && position.offset !== position.committed,
    )
    if (moved.length === 0) return undefined
    const offsets = moved.map(({ topic, partition, offset }) => ({
      topic: topic.name,
      partition,
      offset,
      metadata: null,
    }))
    const failed = await commitOffsets(this.#broker, committer, offsets)
    if (failed === undefined) for (const [i, { offset }] of offsets.entries()) moved[i]!.committed = offset
    return failed
  }

  /** Reads on, waiting until something is there. A failure that the next read will not meet again is not told. */
  async read(
    polled: Polled,
    { minBytes, maxBytes, maxWaitMs }: { minBytes: number; maxBytes: number; maxWaitMs: number },
    gone: AbortSignal,
  ): Promise<Failure | RestFailure | undefined> {
    const fetchings = [...this.#positions.values()].map(fetchingOf)
    const limits = {
      minBytes,
      // Batches carry more than keys and values, but compressed ones may carry less.
      maxBytes: Math.min(maxBytes + 65_536, MAX_FETCH_BYTES),
      maxWaitMs,
      isolation: 'read_uncommitted',
    } as const
    await this.#fetches.fetch(this.#broker, fetchings, limits, gone)
    for (const fetching of fetchings) {
      const position = this.#positions.get(keyOf(fetching.wanted.topic, fetching.wanted.partition))
      // Taken away meanwhile, or moved: what was read is not what comes next.
      if (position === undefined || position.offset !== fetching.wanted.fetchOffset) continue
      if (fetching.error !== undefined) {
        const failed = await this.#recover(position, fetching.error)
        if (failed !== undefined) return failed
      } else if (!polled.full && fetching.records.length > 0) {
        const unlearned = await polled.learn(fetching.records)
        if (unlearned !== undefined) return unlearned
        const next = polled.write(fetching.wanted.topic, position.partition, fetching.records, position.offset)
        if (isRestFailure(next)) return next
        position.offset = polled.full ? next : Math.max(next, fetching.nextOffset)
      }
    }
    return undefined
  }

  async #recover(position: Position, error: Failure['error']): Promise<Failure | undefined> {
    const { topic, partition } = position
    if (error === 'OFFSET_OUT_OF_RANGE') {
      const { reset } = this.#of
      if (reset === 'none')
        return failure(error, `Fetch position is out of range for partition ${topic.name}-${partition}.`)
      const found = await this.#broker.offsetFor(topic, partition, reset === 'latest' ? LATEST : EARLIEST)
      if (isFailure(found)) return found
      position.offset = found.offset
      return undefined
    }
    if (error !== 'UNKNOWN_TOPIC_ID' && error !== 'UNKNOWN_TOPIC_OR_PARTITION') return failure(error)
    const { byName } = await this.#broker.topics({ fresh: true })
    const now = byName.get(topic.name)
    this.#positions.delete(keyOf(topic.name, partition))
    // Deleted, it is read no more; created again, it is read as a new one.
    return now === undefined || partition >= now.partitions ? undefined : this.begin([{ topic: now, partition }])
  }

  #put({ topic, partition }: Beginning, offset: number, committed: number | undefined): void {
    this.#positions.set(keyOf(topic.name, partition), { topic, partition, offset, committed })
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}-${partition}`

function fetchingOf({ topic, partition, offset }: Position): Fetching {
  const wanted = {
    topic: topic.name,
    topicId: topic.topicId,
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: offset,
    maxBytes: MAX_PARTITION_BYTES,
  }
  return new Fetching(`${topic.topicId}-${partition}`, wanted, topic, undefined)
}
