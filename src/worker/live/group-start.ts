// Where a member of a group begins to read: at what the group has committed, or where it has nothing, or nothing that is
// still there, at one end of the log (Kafka's auto.offset.reset).

import type { TopicView } from '../../cluster/cluster.ts'
import type { FetchedOffsets } from '../../coordinator/offsets.ts'
import type { Isolation } from '../../log/followers.ts'
import { type Failure, isFailure } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import { inWaves } from '../kafka/partitions.ts'
import { whenThere } from './membership.ts'
import type { LiveFailure, Place } from './session.ts'

export interface GroupPlaces {
  readonly groupId: string
  readonly reset: 'earliest' | 'latest'
  readonly isolation: Isolation | undefined
}

export interface Begun {
  readonly place: Place
  /** What the group has committed; undefined: nothing, or nothing that is still there. */
  readonly committed: number | undefined
}

type Wanted = readonly { readonly topic: TopicView; readonly partition: number }[]

export async function placesInGroup(
  broker: Pick<Broker, 'groups' | 'describe'>,
  { groupId, reset, isolation }: GroupPlaces,
  wanted: Wanted,
): Promise<Begun[] | LiveFailure> {
  const committed = await committedOffsets(broker, groupId, wanted)
  if (isFailure(committed)) return committed
  const begun = await inWaves(
    [...wanted.entries()],
    async ([i, { topic, partition }]): Promise<Begun | LiveFailure> => {
      const bounds = await whenThere(() => broker.describe(topic, partition))
      if (isFailure(bounds)) return { ...bounds, topic: topic.name, partition }
      const { logStartOffset, highWatermark, lastStableOffset } = bounds
      const offset = committed[i]!
      if (offset >= logStartOffset && offset <= highWatermark)
        return { place: { topic, partition, offset }, committed: offset }
      const end = isolation === 'read_committed' ? lastStableOffset : highWatermark
      const begin = reset === 'earliest' ? logStartOffset : end
      return { place: { topic, partition, offset: begin, mayMove: true }, committed: undefined }
    },
  )
  return begun.find(isFailure) ?? (begun as Begun[])
}

/** In the order asked; -1 for none. While a transaction may still change one of them, it is waited for (KIP-447). */
async function committedOffsets(
  broker: Pick<Broker, 'groups'>,
  groupId: string,
  wanted: Wanted,
): Promise<readonly number[] | Failure> {
  const topics = Map.groupBy(wanted, ({ topic }) => topic)
  const asked = [...topics].map(([{ name, topicId }, places]) => ({
    name,
    topicId,
    partitions: places.map(({ partition }) => partition),
  }))
  const fetched = await whenThere(async () => {
    const fetched: FetchedOffsets | Failure = await broker.groups.ask(groupId, {
      type: 'fetchOffsets',
      memberId: null,
      memberEpoch: -1,
      requireStable: true,
      topics: asked,
    })
    return isFailure(fetched) ? fetched : (unstable(fetched) ?? fetched)
  })
  if (isFailure(fetched)) return fetched
  const offsets = new Map(
    fetched.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, offset }) => [`${name}-${partition}`, offset] as const),
    ),
  )
  return wanted.map(({ topic, partition }) => offsets.get(`${topic.name}-${partition}`) ?? -1)
}

function unstable({ topics }: FetchedOffsets): Failure | undefined {
  const error = topics.flatMap(({ partitions }) => partitions).find(({ error = 'NONE' }) => error !== 'NONE')?.error
  return error && { error, message: 'Offsets of the group are not settled yet.' }
}
