import { array, bool, int16, int32, int64, string, uuid } from '../../../protocol/schema.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import type { FetchedOffsets } from '../../../coordinator/offsets.ts'
import { codeOf, type Failure, isFailure } from '../../../protocol/errors.ts'
import { api, type Call } from '../api.ts'
import { eachGroup } from '../groups.ts'

const partitions = () =>
  array({
    partitionIndex: int32(),
    committedOffset: int64(),
    committedLeaderEpoch: int32().in('5+').or(-1),
    metadata: string().nullable(),
    errorCode: int16(),
  })

/**
 * The offsets a group has committed. v2 may ask for all, v5 tells leader epochs (KIP-320), v6 is flexible, v7 may wait for
 * transactions (KIP-447), v8 asks for many groups, v9 checks member epochs (KIP-848), v10 goes by topic id.
 */
export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '1-10',
  flexible: '6+',
  request: {
    groupId: string().in('0-7'),
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    })
      .in('0-7')
      .nullable('2-7'),
    groups: array({
      groupId: string(),
      memberId: string().in('9+').nullable('9+').or(null),
      memberEpoch: int32().in('9+').or(-1),
      topics: array({
        name: string().in('8-9'),
        topicId: uuid().in('10+'),
        partitionIndexes: array(int32()),
      }).nullable(),
    }).in('8+'),
    requireStable: bool().in('7+').or(false),
  },
  response: {
    throttleTimeMs: int32().in('3+'),
    topics: array({
      name: string(),
      partitions: partitions(),
    }).in('0-7'),
    errorCode: int16().in('2-7').or(0),
    groups: array({
      groupId: string(),
      topics: array({
        name: string().in('8-9'),
        topicId: uuid().in('10+'),
        partitions: partitions(),
      }),
      errorCode: int16().or(0),
    }).in('8+'),
  },
  async handle(request, call) {
    const { requireStable } = request
    if (call.version >= 8) {
      const asked = new Map(request.groups.map(group => [group.groupId, group]))
      const groups = await eachGroup([...asked.keys()], async groupId => {
        const group = asked.get(groupId)!
        const { topics, error } = await fetchOffsets(call, groupId, { ...group, requireStable })
        return { groupId, topics, errorCode: error }
      })
      return { topics: [], groups }
    }
    const { topics, error } = await fetchOffsets(call, request.groupId, {
      memberId: null,
      memberEpoch: -1,
      requireStable,
      topics: request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null,
    })
    // v1 has no place for an error but each partition.
    return call.version >= 2 ? { topics, errorCode: error, groups: [] } : { topics, groups: [] }
  },
})

interface Asked {
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly requireStable: boolean
  readonly topics:
    | readonly { readonly name: string; readonly topicId: string; readonly partitionIndexes: readonly number[] }[]
    | null
}

/** By name the topic is the one that has it now, so that nobody gets offsets of one deleted since. */
async function fetchOffsets(call: Call, groupId: string, asked: Asked) {
  const { memberId, memberEpoch, requireStable, topics } = asked
  const byId = call.version >= 10
  const { byName, byId: named } = await call.broker.topics()
  const wanted = topics?.map(topic => {
    const known = byId ? named.get(topic.topicId) : byName.get(topic.name)
    return { asked: topic, name: known?.name ?? topic.name, topicId: known?.topicId ?? topic.topicId, known }
  })
  const reply: FetchedOffsets | Failure = await call.broker.groups.ask(groupId, {
    type: 'fetchOffsets',
    memberId,
    memberEpoch,
    requireStable,
    topics: wanted?.map(({ asked, name, topicId }) => ({ name, topicId, partitions: asked.partitionIndexes })) ?? null,
  })
  const error = isFailure(reply) ? codeOf(reply.error) : 0
  if (isFailure(reply)) {
    if (call.version >= 2) return { topics: [], error }
    return { topics: (topics ?? []).map(topic => none(topic, error)), error }
  }
  if (wanted === undefined)
    return {
      topics: reply.topics.map(topic => told(topic, byName.get(topic.name)?.topicId ?? ZERO_UUID)),
      error,
    }
  return {
    topics: wanted.map(({ asked, known }, i) =>
      byId && known === undefined
        ? none(asked, codeOf('UNKNOWN_TOPIC_ID'))
        : { ...told(reply.topics[i]!, asked.topicId), name: asked.name },
    ),
    error,
  }
}

const told = ({ name, partitions: fetched }: FetchedOffsets['topics'][number], topicId: string) => ({
  name,
  topicId,
  partitions: fetched.map(({ partition, offset, leaderEpoch, metadata, error = 'NONE' }) => ({
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: codeOf(error),
  })),
})

const none = (topic: NonNullable<Asked['topics']>[number], errorCode: number) => ({
  name: topic.name,
  topicId: topic.topicId,
  partitions: topic.partitionIndexes.map(partitionIndex => ({
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  })),
})
