// Broker: names to objects, with one cached view of the cluster; the only way from a door to the objects. It belongs to
// one request or connection, because stubs may not cross them; only the view, plain data, is shared.

import type { AppendRequest, AppendResult, RecordFacts } from '../log/append.ts'
import { lastOffset, readBatches } from '../log/batch.ts'
import type { LogBounds, Read, ReadRequest } from '../log/fetch.ts'
import { type Description, MAX_TIMESTAMP, type OffsetAndTimestamp, type ToOpen } from '../log/partition-log.ts'
import type { ActiveProducer } from '../log/producers.ts'
import { decodeBatch, type LogRecord } from '../log/records.ts'
import type { Segment } from '../log/segments.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { brokerConfigsFromEnv } from '../cluster/broker-configs.ts'
import type { ClusterView, TopicView } from '../cluster/cluster.ts'
import { type Overrides, topicConfig } from '../cluster/configs.ts'
import { OFFSETS_TOPIC, SCHEMAS_TOPIC, SCHEMAS_TOPIC_ID, TRANSACTIONS_TOPIC } from '../cluster/internal.ts'
import type { ClusterObject } from '../objects/cluster.ts'
import type { PartitionObject } from '../objects/partition.ts'
import { partitionName, partitionStub, type Rpc } from '../objects/place.ts'
import { type Failure, failure, isFailure } from '../protocol/errors.ts'
import { mayBeNear, Near } from '../near.ts'
import { Connections } from './connections.ts'
import type { Env } from './env.ts'
import { Follower, type Following } from './follower.ts'
import { Groups } from './groups.ts'
import { errors, partitionCalls, type Traffic, trafficOf } from './metrics/measured.ts'
import { PartitionLane } from './partition-lane.ts'
import { Registry } from './registry/registry.ts'
import { schemaFault, type SchemaRules, schemaRules } from './registry/validation.ts'
import { Transactions } from './transactions.ts'

/** How old the shared view may be before it is asked for again; a partition that moved on is noticed sooner. */
const VIEW_MAX_AGE_MS = 3_000

const NO_BOUNDS: LogBounds = { logStartOffset: -1, highWatermark: -1, lastStableOffset: -1 }

/** The cluster's topics, to be looked up. */
export interface Topics {
  readonly view: ClusterView
  readonly byName: ReadonlyMap<string, TopicView>
  readonly byId: ReadonlyMap<string, TopicView>
}

interface Cached extends Topics {
  readonly atMs: number
}

// Per isolate and per namespace: plain data that any request may read.
const cache = new WeakMap<object, Cached>()

/** The producer ids that this isolate may still hand out. */
const blocks = new WeakMap<object, { next: number; readonly end: number }>()

export interface Waiter {
  waitUntil(promise: Promise<unknown>): void
}

export class Broker {
  readonly cluster: Rpc<Omit<ClusterObject, 'fetch' | 'alarm'>>
  readonly groups: Groups
  readonly transactions: Transactions
  readonly registry: Registry
  readonly connections: Connections
  readonly #env: Env
  readonly #ctx: Waiter
  readonly #lasts: boolean
  readonly #partitions = new Map<string, PartitionLane>()
  /** Lanes with appends that wait for others to go along; undefined while none is held. */
  #held: Set<PartitionLane> | undefined
  #configs: Overrides | undefined
  /** Calls to objects made so far: each is a subrequest, and an invocation has only so many. */
  calls = 0

  /** `lasts`: it belongs to a connection, and is closed with it. */
  constructor(env: Env, ctx: Waiter, { lasts = false }: { readonly lasts?: boolean } = {}) {
    this.#env = env
    this.#ctx = ctx
    this.#lasts = lasts && mayBeNear && env.EDGELOG_LOCAL === '1'
    this.groups = new Groups(this, env.COORDINATOR)
    this.transactions = new Transactions(this, env.TRANSACTION)
    this.registry = new Registry(this, env.REGISTRY)
    this.connections = new Connections(env.CONNECTIONS, () => this.calls++)
    this.cluster = env.CLUSTER.getByName('cluster') as unknown as Rpc<Omit<ClusterObject, 'fetch' | 'alarm'>>
  }

  /** The broker's own configs as the environment sets them; none where it sets one wrongly. */
  get configs(): Overrides {
    if (this.#configs === undefined) {
      const given = brokerConfigsFromEnv(this.#env)
      this.#configs = isFailure(given) ? {} : given
    }
    return this.#configs
  }

  /** The cluster as it was seen within the last seconds, or, if `fresh`, as it is. */
  async view({ fresh = false }: { fresh?: boolean } = {}): Promise<ClusterView> {
    return (await this.#seen(fresh)).view
  }

  /** The topics by name and by id, as they were seen within the last seconds or, if `fresh`, as they are. */
  topics({ fresh = false }: { fresh?: boolean } = {}): Promise<Topics> {
    return this.#seen(fresh)
  }

  /** UNKNOWN_TOPIC_OR_PARTITION if there is none, after asking the cluster afresh. Never creates. */
  async topic(name: string): Promise<TopicView | Failure> {
    const known = (await this.#seen(false)).byName.get(name) ?? (await this.#seen(true)).byName.get(name)
    return known ?? failure('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic '${name}'.`)
  }

  /** Creates the topic with the defaults where `auto.create.topics.enable` says so, as Kafka does for a producer. */
  async topicOrCreate(name: string): Promise<TopicView | Failure> {
    const known = await this.topic(name)
    if (!isFailure(known) || this.#env.EDGELOG_AUTO_CREATE_TOPICS_ENABLE === 'false') return known
    if (name === SCHEMAS_TOPIC) return this.schemasTopic()
    const [created] = await this.cluster.createTopics([{ name }])
    await this.#seen(true)
    if (created === undefined || (isFailure(created) && created.error === 'TOPIC_ALREADY_EXISTS'))
      return this.topic(name)
    return created
  }

  /** The topic that groups are kept in; whoever asks for a group first brings it about. */
  offsetsTopic(): Promise<TopicView> {
    return this.#ownTopic(OFFSETS_TOPIC, () => this.cluster.offsetsTopic())
  }

  /** The topic that transactions are kept in; the first transactional producer brings it about. */
  transactionsTopic(): Promise<TopicView> {
    return this.#ownTopic(TRANSACTIONS_TOPIC, () => this.cluster.transactionsTopic())
  }

  /** The topic that schemas are kept in; whoever asks the registry first brings it about. */
  schemasTopic(): Promise<TopicView> {
    return this.#ownTopic(SCHEMAS_TOPIC, () => this.cluster.schemasTopic())
  }

  /** A producer id that nobody else has: the cluster hands out blocks, and each isolate counts through its own. */
  async producerId(): Promise<number | Failure> {
    const known = blocks.get(this.#env.CLUSTER)
    if (known !== undefined && known.next < known.end) return known.next++
    this.calls++
    const block = await this.cluster.allocateProducerIds()
    if (isFailure(block)) return block
    blocks.set(this.#env.CLUSTER, { next: block.first + 1, end: block.first + block.count })
    return block.first
  }

  /**
   * Sent in call order per partition, together with what else this turn appends there. A failure of the platform is
   * answered REQUEST_TIMED_OUT: whether the records were written is unknown, and nothing is repeated here.
   */
  async append(topic: TopicView, partition: number, request: AppendRequest): Promise<AppendResult> {
    const result = await this.#append(topic, partition, request)
    if (!('error' in result)) return result
    if (result.ask === 'facts') {
      // Its config may have changed since the cluster was seen.
      const now = (await this.#seen(true)).byId.get(topic.topicId) ?? topic
      return this.#append(now, partition, { ...request, facts: recordFacts(request.records) })
    }
    if (result.error !== 'UNKNOWN_TOPIC_ID') return result
    const now = await this.#again(topic, partition)
    return isFailure(now) ? now : this.#append(now, partition, request)
  }

  /** From now on appends wait for `release`: those of several requests then go in one call a partition. */
  hold(): void {
    this.#held ??= new Set()
  }

  release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    for (const lane of held) lane.send()
  }

  async read(topic: TopicView, partition: number, request: ReadRequest): Promise<Read> {
    const begunMs = performance.now()
    const result = await this.#call(topic, partition, lane => lane.read(request))
    partitionCalls.observe('read', performance.now() - begunMs)
    if ('records' in result)
      passedOn(this.#lane(topic, partition).traffic, result.nextOffset - request.offset, result.records.length)
    else errors.add(result.error)
    return 'records' in result || 'highWatermark' in result ? result : { ...result, ...NO_BOUNDS }
  }

  /** Where the first record of `timestamp` (ms) or later stands; also Kafka's -1 latest (for read_committed: stable), -2 earliest, -3 newest. Offset -1: nowhere. */
  async offsetFor(
    topic: TopicView,
    partition: number,
    timestamp: number,
    isolation?: ReadRequest['isolation'],
  ): Promise<OffsetAndTimestamp | Failure> {
    for (let from = 0; ;) {
      const found = await this.#call(topic, partition, ({ stub }) => stub.offsetFor(timestamp, isolation, from))
      if (!('open' in found)) return found
      const record = recordAt(found, timestamp)
      if (!('next' in record)) return record
      from = record.next
    }
  }

  async deleteRecords(
    topic: TopicView,
    partition: number,
    before: number,
  ): Promise<{ readonly logStartOffset: number } | Failure> {
    if (!topicConfig(topic.config, this.configs)['cleanup.policy'].includes('delete'))
      return failure('POLICY_VIOLATION', 'The topic only compacts: its cleanup.policy does not let records be deleted.')
    return this.#call(topic, partition, ({ stub }) => stub.deleteRecords(before))
  }

  describe(topic: TopicView, partition: number): Promise<Description | Failure> {
    return this.#call(topic, partition, ({ stub }) => stub.describe())
  }

  segments(topic: TopicView, partition: number): Promise<readonly Segment[] | Failure> {
    return this.#call(topic, partition, ({ stub }) => stub.segments())
  }

  activeProducers(topic: TopicView, partition: number): Promise<ActiveProducer[] | Failure> {
    return this.#call(topic, partition, ({ stub }) => stub.activeProducers())
  }

  async knowsIdempotencyKey(topic: TopicView, partition: number, key: string): Promise<boolean> {
    return (await this.#call(topic, partition, ({ stub }) => stub.knowsIdempotencyKey(key))) === true
  }

  /** Follows a partition's tail from `offset`, getting records as far as the credit goes. */
  follow(topic: TopicView, partition: number, from: Following): Promise<Follower | Failure> {
    const { traffic } = this.#lane(topic, partition)
    const dial = async ({ offset, creditBytes, isolation = 'read_uncommitted' }: Following): Promise<Response> => {
      const lane = this.#lane(topic, partition)
      this.calls++
      const ask = `offset=${offset}&credit=${creditBytes}&isolation=${isolation}&lags=${from.lags === true}`
      return lane.stub.fetch(`http://partition/follow?${ask}`, { headers: { Upgrade: 'websocket' } })
    }
    return Follower.open(dial, from, (offsets, bytes) => passedOn(traffic, offsets, bytes))
  }

  /** Ends transactions in one partition, as an administrator does by hand. */
  async endTransactions(
    topic: TopicView,
    partition: number,
    ends: readonly TransactionEnd[],
  ): Promise<readonly AppendResult[] | Failure> {
    return this.#call(topic, partition, ({ stub }) => stub.endTransactions(ends))
  }

  /** Keeps the invocation alive for work whose answer nobody waits for. */
  background(work: Promise<unknown>): void {
    this.#ctx.waitUntil(work)
  }

  /** Lets go of what was not used since this was asked last. */
  rest(): void {
    for (const { near } of this.#partitions.values()) near?.rest()
  }

  close(): void {
    for (const lane of this.#partitions.values()) this.#drop(lane)
  }

  async #ownTopic(name: string, need: () => Promise<TopicView>): Promise<TopicView> {
    // Once there it never changes, so a view of any age will do.
    const known = (cache.get(this.#env.CLUSTER) ?? (await this.#seen(false))).byName.get(name)
    if (known !== undefined) return known
    this.calls++
    const topic = await need()
    await this.#seen(true)
    return topic
  }

  async #seen(fresh: boolean): Promise<Cached> {
    const cached = cache.get(this.#env.CLUSTER)
    if (!fresh && cached !== undefined && Date.now() - cached.atMs < VIEW_MAX_AGE_MS) return cached
    this.release()
    this.calls++
    const newer = await this.cluster.view(cached?.view.version)
    const seen = { ...(newer === null ? cached! : index(newer)), atMs: Date.now() }
    cache.set(this.#env.CLUSTER, seen)
    return seen
  }

  /** The topic as it is now, for one more try after a partition said it does not know this one. */
  async #again(topic: TopicView, partition: number): Promise<TopicView | Failure> {
    const now = (await this.#seen(true)).byName.get(topic.name)
    if (now === undefined || partition >= now.partitions)
      return failure('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${partition} of topic '${topic.name}'.`)
    return now
  }

  async #call<T extends object | boolean>(
    topic: TopicView,
    partition: number,
    ask: (lane: PartitionLane) => Promise<T | Failure>,
  ): Promise<T | Failure> {
    const result = await this.#once(topic, partition, ask)
    if (!isFailure(result) || result.error !== 'UNKNOWN_TOPIC_ID') return result
    const now = await this.#again(topic, partition)
    return isFailure(now) ? now : this.#once(now, partition, ask)
  }

  async #once<T>(
    topic: TopicView,
    partition: number,
    ask: (lane: PartitionLane) => Promise<T | Failure>,
  ): Promise<T | Failure> {
    const lane = this.#lane(topic, partition)
    this.calls++
    try {
      return await ask(lane)
    } catch (error) {
      this.#drop(lane)
      return unanswered(topic, partition, error)
    }
  }

  #append(topic: TopicView, partition: number, request: AppendRequest): Promise<AppendResult> {
    const facts = request.facts ?? (needsFacts(topic) ? recordFacts(request.records) : undefined)
    const whole = facts === undefined ? request : { ...request, facts }
    const lane = this.#lane(topic, partition)
    const rules = schemaRules(topic)
    return rules === undefined ? lane.append(whole) : lane.appendJudged(this.#judged(rules, whole))
  }

  /** The request with what the records' schemas are found to be. */
  async #judged(rules: SchemaRules, request: AppendRequest): Promise<AppendRequest | Failure> {
    const fault = await schemaFault(this.registry.schemas, rules, request.records)
    if (isFailure(fault)) return fault
    return { ...request, facts: { ...(request.facts ?? recordFacts(request.records)), schemaFault: fault } }
  }

  /** Partitions of the broker's own topics are their keepers, which can be read like any. */
  #objectsOf({ name, topicId }: TopicView): DurableObjectNamespace<PartitionObject> {
    const { COORDINATOR, TRANSACTION, REGISTRY, PARTITION } = this.#env
    const own =
      name === OFFSETS_TOPIC
        ? COORDINATOR
        : name === TRANSACTIONS_TOPIC
          ? TRANSACTION
          : topicId === SCHEMAS_TOPIC_ID
            ? REGISTRY
            : PARTITION
    return own as unknown as DurableObjectNamespace<PartitionObject>
  }

  #lane(topic: TopicView, partition: number): PartitionLane {
    const key = partitionName(topic.topicId, partition)
    const known = this.#partitions.get(key)
    if (known !== undefined) return known
    const stub = partitionStub(this.#objectsOf(topic), topic.topicId, partition, topic.config)
    const near = this.#lasts ? new Near(line => stub.attend(line)) : undefined
    const lane = new PartitionLane(key, stub, trafficOf(topic, partition), near, {
      ready: ready => (this.#held === undefined ? queueMicrotask(() => ready.send()) : this.#held.add(ready)),
      sent: () => this.calls++,
      broke: error => {
        this.#drop(lane)
        return unanswered(topic, partition, error)
      },
    })
    this.#partitions.set(key, lane)
    return lane
  }

  /** Another takes over, should there be more to call for; the line it has is ended behind what was sent. */
  #drop(lane: PartitionLane): void {
    if (this.#partitions.get(lane.key) === lane) this.#partitions.delete(lane.key)
    if (lane.near !== undefined) this.background(lane.near.close())
  }
}

function passedOn(traffic: Traffic, offsets: number, bytes: number): void {
  traffic.recordsOut += Math.max(0, offsets)
  traffic.bytesOut += bytes
}

const index = (view: ClusterView): Omit<Cached, 'atMs'> => ({
  view,
  byName: new Map(view.topics.map(topic => [topic.name, topic])),
  byId: new Map(view.topics.map(topic => [topic.topicId, topic])),
})

const needsFacts = (topic: TopicView): boolean =>
  topic.config['cleanup.policy']?.includes('compact') === true ||
  topic.config['message.timestamp.before.max.ms'] !== undefined

/** Opens the batches for what their headers do not say. What cannot be opened has no facts: the log judges the header. */
function recordFacts(bytes: Uint8Array): RecordFacts {
  let recordWithoutKey: number | null = null
  let minTimestamp = -1
  let index = 0
  for (const batch of readBatches(bytes)) {
    const records = decodeBatch(batch)
    if (isFailure(records)) break
    for (const record of records) {
      if (record.key === null) recordWithoutKey ??= index
      if (record.timestamp >= 0 && (minTimestamp < 0 || record.timestamp < minTimestamp))
        minTimestamp = record.timestamp
      index++
    }
  }
  return { recordWithoutKey, minTimestamp }
}

/** The record a time look-up meant, inside the batch the log found; or from where to look on. */
function recordAt(
  { open, start }: ToOpen,
  timestamp: number,
): OffsetAndTimestamp | Failure | { readonly next: number } {
  const batch = readBatches(open)[0]
  if (batch === undefined) return failure('CORRUPT_MESSAGE')
  const records = decodeBatch(batch)
  if (isFailure(records)) return records
  const there = records.filter(({ offset }) => offset >= start)
  const wanted =
    timestamp === MAX_TIMESTAMP ? there.reduce((max, { timestamp: at }) => Math.max(max, at), -1) : timestamp
  const record: LogRecord | undefined = there.find(candidate => candidate.timestamp >= wanted)
  if (record === undefined) return { next: lastOffset(batch) + 1 }
  return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.leaderEpoch }
}

function unanswered(topic: TopicView, partition: number, error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error)
  return failure('REQUEST_TIMED_OUT', `Partition ${topic.name}-${partition} did not answer: ${why}`)
}
