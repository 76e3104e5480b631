// ClusterObject: the one Durable Object that knows every topic. It gives the cluster machine its calls, and carries out the
// machine's errands: telling partitions that they are born, how they are configured, and that their topic is gone.

import { DurableObject } from 'cloudflare:workers'
import { brokerConfigsFromEnv } from '../cluster/broker-configs.ts'
import { type Call, nextCalls } from '../cluster/calls.ts'
import {
  type ClusterCommand,
  type ClusterFact,
  clusterMachine,
  type ClusterReply,
  type ClusterState,
  type ClusterView,
  type ConfigChange,
  type NewTopic,
  type ProducerIdBlock,
  type TopicView,
} from '../cluster/cluster.ts'
import { MAX_MESSAGE_BYTES, partitionConfig } from '../cluster/configs.ts'
import { view } from '../cluster/state.ts'
import { nameOf, readLogLevel, whenDue } from '../log-line.ts'
import { Reader } from '../protocol/bytes.ts'
import { type Failure, isFailure } from '../protocol/errors.ts'
import { ErrandRunner } from './errand-runner.ts'
import type { PartitionObject } from './partition.ts'
import { PartitionFiles } from './partition-files.ts'
import { partitionStub } from './place.ts'
import { Shard } from './shard.ts'

/** How long an answer waits for partitions to be told; the errand goes on behind it. */
const MAX_WAIT_MS = 10_000
/** Answers that wait so; one more does not wait. */
const MAX_WAITING = 1_000

/** Kafka's log of the same purpose, and its fixed id. */
const IDENTITY = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', topic: '__cluster_metadata', partition: 0 }
const CONFIG = partitionConfig({ 'cleanup.policy': 'compact', 'max.message.bytes': String(MAX_MESSAGE_BYTES) })

/** What it is called in what is logged. */
const OBJECT = nameOf(IDENTITY)

interface ClusterEnv {
  readonly PARTITION: DurableObjectNamespace<PartitionObject>
  /** On one's own machine: the folder of these objects' files (partition-files.ts). */
  readonly PARTITION_FILES?: Fetcher
}

interface Options {
  /** Judge only; nothing changes. */
  readonly validateOnly?: boolean
}

type TopicResults = readonly (TopicView | Failure)[]

export class ClusterObject extends DurableObject<ClusterEnv> {
  readonly #shard: Shard<ClusterState, ClusterCommand, ClusterFact, ClusterReply>
  readonly #errands: ErrandRunner<Call>
  /** On one's own machine. */
  readonly #files: PartitionFiles | undefined
  /** Answers that wait until nothing is left to tell the partitions of these topics. */
  readonly #waiting = new Set<{ readonly topicIds: readonly string[]; readonly resolve: () => void }>()
  #view: ClusterView | undefined

  constructor(ctx: DurableObjectState, env: ClusterEnv) {
    super(ctx, env)
    readLogLevel(env)
    const broker = brokerConfigsFromEnv(env)
    // As Kafka, which does not start with a config it cannot read.
    if (isFailure(broker)) throw new Error(broker.message)
    const { PARTITION, PARTITION_FILES } = env
    if (PARTITION_FILES !== undefined)
      this.#files = new PartitionFiles(PARTITION_FILES, PARTITION as unknown as DurableObjectNamespace)
    this.#errands = new ErrandRunner<Call>(OBJECT, {
      next: (most, except) => nextCalls(this.#shard.state(), most, except),
      carryOut: call => this.#tell(call),
      report: (answered, failed) => this.#report(answered, failed),
    })
    this.#shard = new Shard(ctx, clusterMachine(clusterIdOf(ctx.id)), {
      identity: IDENTITY,
      config: CONFIG,
      onTick: () => this.ctx.waitUntil(this.#errands.run()),
      says: fact => said(fact, this.#shard.state()),
    })
    void this.#shard.call({ type: 'configureBroker', broker })
  }

  /** Every topic there is; null if nothing changed since that version. */
  async view(sinceVersion?: number): Promise<ClusterView | null> {
    const seen = await this.#shard.read(state => {
      if (this.#view === undefined || this.#view.version !== state.version) this.#view = view(state)
      return this.#view
    })
    return seen.version === sinceVersion ? null : seen
  }

  /** One answer a topic, when its partitions have been told that they are born. */
  async createTopics(topics: readonly NewTopic[], options: Options = {}): Promise<TopicResults> {
    const files = this.#files
    const create = { type: 'create', topics, topicIds: topics.map(() => freshId()) } as const
    if (options.validateOnly || files === undefined) return this.#change({ ...create, ...options }, options)
    const judged = (await this.#shard.call({ ...create, validateOnly: true })) as TopicResults
    await Promise.all(judged.map(topic => isFailure(topic) || files.prepare(topic)))
    const results = await this.#change(create)
    await Promise.all(judged.map((topic, i) => isFailure(topic) || !isFailure(results[i]!) || files.discard(topic)))
    return results
  }

  /** One answer a topic, as it was, when its partitions have let go of everything. */
  deleteTopics(topics: readonly { readonly name?: string; readonly topicId?: string }[]): Promise<TopicResults> {
    return this.#change({ type: 'delete', topics })
  }

  /** Raises topics to so many partitions in all. */
  createPartitions(
    topics: readonly { readonly name: string; readonly count: number }[],
    options: Options = {},
  ): Promise<TopicResults> {
    return this.#change({ type: 'grow', topics, ...options }, options)
  }

  /** `replaceAll`: what is not named goes back to its default, as with Kafka's older AlterConfigs. */
  alterConfigs(
    topics: readonly {
      readonly name: string
      readonly changes: readonly ConfigChange[]
      readonly replaceAll?: boolean
    }[],
    options: Options = {},
  ): Promise<TopicResults> {
    return this.#change({ type: 'alter', topics, ...options }, options)
  }

  /** The topic that groups are kept in, which comes to be with the first group. */
  async offsetsTopic(): Promise<TopicView> {
    const [topic] = (await this.#shard.call({ type: 'needOffsets' })) as readonly TopicView[]
    return topic!
  }

  /** The topic that transactions are kept in, which comes to be with the first transactional producer. */
  async transactionsTopic(): Promise<TopicView> {
    const [topic] = (await this.#shard.call({ type: 'needTransactions' })) as readonly TopicView[]
    return topic!
  }

  /** The topic that schemas are kept in, which comes to be when the registry is first asked for something. */
  async schemasTopic(): Promise<TopicView> {
    const [topic] = (await this.#shard.call({ type: 'needSchemas' })) as readonly TopicView[]
    return topic!
  }

  /** A block of producer ids that nobody else gets. */
  async allocateProducerIds(): Promise<ProducerIdBlock> {
    return (await this.#shard.call({ type: 'allocateProducerIds' })) as ProducerIdBlock
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return whenDue(OBJECT, info, async () => {
      await this.#shard.alarm()
      await this.#errands.run()
    })
  }

  async #change(command: ClusterCommand, { validateOnly = false }: Options = {}): Promise<TopicResults> {
    const results = (await this.#shard.call(command)) as TopicResults
    // Whoever lost a race for a name is answered when the winner's topic is ready, too.
    if (!validateOnly) await this.#told(results.flatMap((result, i) => this.#topicIdOf(command, result, i)))
    return results
  }

  #topicIdOf(command: ClusterCommand, result: TopicView | Failure, i: number): readonly string[] {
    if (!isFailure(result)) return [result.topicId]
    const existing =
      command.type === 'create' && result.error === 'TOPIC_ALREADY_EXISTS'
        ? this.#shard.state().byName.get(command.topics[i]!.name)
        : undefined
    return existing === undefined ? [] : [existing.topicId]
  }

  /** Resolves when nothing is left to tell the partitions of these topics, or after MAX_WAIT_MS. */
  async #told(topicIds: readonly string[]): Promise<void> {
    if (this.#isTold(topicIds)) return
    this.ctx.waitUntil(this.#errands.run())
    if (this.#waiting.size >= MAX_WAITING) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => done(), MAX_WAIT_MS)
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        resolve()
      }
      const waiting = { topicIds, resolve: done }
      this.#waiting.add(waiting)
    })
  }

  #isTold(topicIds: readonly string[]): boolean {
    const { errands } = this.#shard.state()
    return topicIds.every(topicId => errands.get(topicId)?.late ?? true)
  }

  #tell({ topicId, partition, place, configVersion, birth }: Call): Promise<void> {
    const stub = partitionStub(this.env.PARTITION, topicId, partition, place)
    return birth === undefined ? stub.remove() : stub.birth({ topicId, partition, configVersion, ...birth })
  }

  async #report(answered: readonly Call[], failed: readonly Call[]): Promise<void> {
    const alike = ({ topicId, kind, configVersion, late }: Call): string =>
      `${topicId}-${kind}-${configVersion}-${late}`
    const told = Map.groupBy(answered, alike)
    await this.#shard.call({
      type: 'carriedOut',
      answered: [...told.values()].map(calls => ({
        ...calls[0]!,
        partitions: calls.map(call => call.partition),
      })),
      postponed: [...new Map(failed.map(call => [alike(call), call])).values()],
    })
    for (const waiting of this.#waiting) if (this.#isTold(waiting.topicIds)) waiting.resolve()
  }
}

/** What operators care for: topics that come, change and go. `state` is from before the fact. */
function said(fact: ClusterFact, { topics }: ClusterState): string | undefined {
  if (fact.type !== 'topic') return undefined
  const { topic, topicId } = fact
  const before = topics.get(topicId)
  if (topic === null) return `topic ${before?.name} (${topicId}) is deleted`
  if (before === undefined) return `topic ${topic.name} (${topicId}) is created, partitions: ${topic.partitions}`
  if (topic.partitions > before.partitions) return `topic ${topic.name} has more partitions: ${topic.partitions}`
  return `topic ${topic.name} is configured anew: ${JSON.stringify(topic.config)}`
}

/** A cluster that was never stored is known by the object it lives in. */
const clusterIdOf = (id: DurableObjectId): string => {
  const hex = id.toString().slice(0, 32)
  return new Reader(Uint8Array.from(hex.match(/../g)!, byte => Number.parseInt(byte, 16))).uuid()
}

/** As Kafka's, an id never begins with a dash, which command lines would take for an option. */
function freshId(): string {
  for (;;) {
    const id = new Reader(crypto.getRandomValues(new Uint8Array(16))).uuid()
    if (!id.startsWith('-')) return id
  }
}
