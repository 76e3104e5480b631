import { array, int16, int32, int64, int8, records, string, struct, uuid } from '../../../protocol/schema.ts'
import { ZERO_UUID } from '../../../protocol/bytes.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api, type Call } from '../api.ts'
import { Fetching } from '../fetching.ts'
import { type Session, keyOf, type Wanted } from '../sessions.ts'
import { byIdOrName } from '../topics.ts'

/**
 * Reads batches from partitions, waiting up to maxWaitMs for minBytes.
 * v5 tells the log start offset, v7 brings incremental sessions (KIP-227), v9 leader epochs (KIP-320), v10 lets zstd through
 * (KIP-110), v11 follower reads (KIP-392), v12 is flexible, v13 goes by topic id (KIP-516), v15 moves the replica's own fields
 * into replicaState (KIP-903), v16 tells where new leaders are (KIP-951), v17 and v18 add what only replicas send.
 */
export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: string().tagged(0, '12+').nullable().or(null),
    replicaId: int32().in('0-14').or(-1),
    replicaState: struct({
      replicaId: int32().or(-1),
      replicaEpoch: int64().or(-1),
    }).tagged(1, '15+'),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().or(0x7fff_ffff),
    isolationLevel: int8().or(0),
    sessionId: int32().in('7+').or(0),
    sessionEpoch: int32().in('7+').or(-1),
    topics: array({
      topic: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().in('9+').or(-1),
        fetchOffset: int64(),
        lastFetchedEpoch: int32().in('12+').or(-1),
        logStartOffset: int64().in('5+').or(-1),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid().tagged(0, '17+'),
        highWatermark: int64().tagged(1, '18+').or(Number.MAX_SAFE_INTEGER),
      }),
    }),
    forgottenTopicsData: array({
      topic: string().in('7-12'),
      topicId: uuid().in('13+'),
      partitions: array(int32()),
    }).in('7+'),
    rackId: string().in('11+').or(''),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16().in('7+'),
    sessionId: int32().in('7+').or(0),
    responses: array({
      topic: string().in('0-12'),
      topicId: uuid().in('13+'),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64().or(-1),
        logStartOffset: int64().in('5+').or(-1),
        divergingEpoch: struct({
          epoch: int32().or(-1),
          endOffset: int64().or(-1),
        }).tagged(0, '12+'),
        currentLeader: struct({
          leaderId: int32().or(-1),
          leaderEpoch: int32().or(-1),
        }).tagged(1, '12+'),
        snapshotId: struct({
          endOffset: int64().or(-1),
          epoch: int32().or(-1),
        }).tagged(2, '12+'),
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64(),
        }).nullable(),
        preferredReadReplica: int32().in('11+').or(-1),
        records: records().nullable(),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
    }).tagged(0, '16+'),
  },
  async handle(request, call) {
    if (request.isolationLevel !== 0 && request.isolationLevel !== 1) return unknownIsolation(request, call.version)
    const wanted = request.topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(one => ({ topic, topicId, ...one, maxBytes: one.partitionMaxBytes })),
    )
    const forgotten = request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(partition => ({ topic, topicId, partition })),
    )
    const opened = call.fetches.sessions.open(request.sessionId, request.sessionEpoch, wanted, forgotten)
    if (typeof opened === 'string') return { errorCode: codeOf(opened), responses: [] }
    const partitions = await resolve(opened.wanted, call)
    await call.fetches.fetch(
      call.broker,
      partitions,
      {
        minBytes: request.minBytes,
        maxBytes: request.maxBytes,
        maxWaitMs: Math.min(Math.max(request.maxWaitMs, 0), MAX_WAIT_MS),
        isolation: request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted',
      },
      call.gone,
    )
    const told = opened.incremental ? partitions.filter(one => isNew(one, opened.session!)) : partitions
    if (opened.session !== undefined) for (const one of told) opened.session.known.set(one.key, one.bounds)
    return {
      errorCode: 0,
      sessionId: opened.session?.id ?? 0,
      responses: byTopic(told, request.isolationLevel === 1),
    }
  },
})

/** A fetch is answered after this at the latest: the longest that Kafka's own clients are ever set to wait. */
const MAX_WAIT_MS = 300_000

/** As Kafka answers what it did not expect: each partition with the error as long as topics have names, then none. */
function unknownIsolation<P extends { readonly partition: number }>(
  { topics }: { readonly topics: readonly { readonly topic: string; readonly partitions: readonly P[] }[] },
  version: number,
) {
  const errorCode = codeOf('UNKNOWN_SERVER_ERROR')
  const nothing = { errorCode, highWatermark: -1, abortedTransactions: [], records: NO_RECORDS }
  const responses = topics.map(({ topic, partitions }) => ({
    topic,
    topicId: ZERO_UUID,
    partitions: partitions.map(({ partition }) => ({ partitionIndex: partition, ...nothing })),
  }))
  return { errorCode, responses: version >= 13 ? [] : responses }
}

const NO_RECORDS = new Uint8Array(0)

/** Finds the topics, and refuses at once what can't be read. */
async function resolve(wanted: ReadonlyMap<string, Wanted>, call: Call): Promise<Fetching[]> {
  const topics = await byIdOrName(call.broker, wanted.values(), call.version >= 13)
  return Array.from(wanted, ([key, one]) => {
    const topic = topics(one)
    if (isFailure(topic)) return new Fetching(key, one, undefined, topic.error)
    const { currentLeaderEpoch: epoch, partition } = one
    if (partition < 0 || partition >= topic.partitions)
      return new Fetching(key, one, undefined, 'UNKNOWN_TOPIC_OR_PARTITION')
    // The one epoch of every partition is 0: it never has another leader.
    return new Fetching(key, one, topic, epoch > 0 ? 'UNKNOWN_LEADER_EPOCH' : undefined)
  })
}

function isNew(one: Fetching, session: Session): boolean {
  const known = session.known.get(keyOf(one.wanted))
  return (
    known === undefined ||
    one.error !== undefined ||
    one.records.length > 0 ||
    known.highWatermark !== one.bounds.highWatermark ||
    known.logStartOffset !== one.bounds.logStartOffset
  )
}

function byTopic(partitions: readonly Fetching[], committed: boolean) {
  const topics = new Map<string, Fetching[]>()
  for (const one of partitions) {
    const name = one.wanted.topic || one.wanted.topicId
    const together = topics.get(name)
    if (together === undefined) topics.set(name, [one])
    else together.push(one)
  }
  return Array.from(topics.values(), together => ({
    topic: together[0]!.wanted.topic,
    topicId: together[0]!.wanted.topicId,
    partitions: together.map(one => ({
      partitionIndex: one.wanted.partition,
      errorCode: codeOf(one.error ?? 'NONE'),
      ...one.bounds,
      abortedTransactions: committed || one.topic === undefined ? one.aborted : null,
      records: one.records,
    })),
  }))
}
