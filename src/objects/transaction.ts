// TransactionObject k: the coordinator of the transactional ids that hash to k, and partition k of __transaction_state at
// once. It gives the transaction machine its calls and its time, and carries out what the machine has decided: every
// partition of a prepared transaction is told how it ended, again and again until it has answered.

import { brokerConfig, brokerConfigsFromEnv } from '../cluster/broker-configs.ts'
import type { TopicView } from '../cluster/cluster.ts'
import { partitionConfig } from '../cluster/configs.ts'
import { OFFSETS_TOPIC, TRANSACTIONS_TOPIC, TRANSACTIONS_TOPIC_ID, transactionsTopic } from '../cluster/internal.ts'
import { transactionMachine } from '../coordinator/transaction.ts'
import type { TransactionCommand, TransactionReplies, TransactionReply } from '../coordinator/transaction-commands.ts'
import {
  isPrepared,
  type TopicPartition,
  type TransactionFact,
  type TransactionState,
} from '../coordinator/transaction-state.ts'
import type { LogConfig } from '../log/config.ts'
import type { Identity } from '../log/partition-log.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { nameOf, whenDue } from '../log-line.ts'
import { isFailure } from '../protocol/errors.ts'
import type { ClusterObject } from './cluster.ts'
import type { CoordinatorObject } from './coordinator.ts'
import { ErrandRunner } from './errand-runner.ts'
import type { LogHost } from './log-host.ts'
import { MachineLogObject, partitionOf } from './machine-log-object.ts'
import type { PartitionObject } from './partition.ts'
import { partitionStub, type Rpc } from './place.ts'
import { Shard } from './shard.ts'

/** How old the topics may be by which partitions are found. */
const TOPICS_MAX_AGE_MS = 3_000
/** How long a producer waits here for its last transaction to be told, before it is sent away to ask again. */
const MAX_WAIT_MS = 1_000

interface TransactionEnv {
  readonly CLUSTER: DurableObjectNamespace<ClusterObject>
  readonly COORDINATOR: DurableObjectNamespace<CoordinatorObject>
  readonly PARTITION: DurableObjectNamespace<PartitionObject>
}

/** One partition to be told of one transaction's end. */
interface Marking extends TopicPartition {
  readonly id: string
  readonly transactionalId: string
  readonly end: TransactionEnd & { readonly transaction: number }
}

/** What ListTransactions tells of each. */
export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly status: string
  readonly startMs: number
}

export class TransactionObject extends MachineLogObject<TransactionEnv> {
  protected override readonly identity: Identity
  protected override readonly config: LogConfig
  readonly #shard: Shard<TransactionState, TransactionCommand, TransactionFact, TransactionReply>
  readonly #errands: ErrandRunner<Marking>
  /** Transactional ids whose transaction of that number is prepared for good. Nothing is told before that is on disk. */
  readonly #prepared = new Map<string, number>()
  #topics: ReadonlyMap<string, TopicView> = new Map()
  #version: number | undefined
  #seenMs = 0

  constructor(ctx: DurableObjectState, env: TransactionEnv) {
    super(ctx, env)
    const broker = brokerConfigsFromEnv(env)
    // As Kafka, which does not start with a config it cannot read.
    if (isFailure(broker)) throw new Error(broker.message)
    this.identity = { topicId: TRANSACTIONS_TOPIC_ID, topic: TRANSACTIONS_TOPIC, partition: partitionOf(ctx.id) }
    this.config = partitionConfig(transactionsTopic(broker).config, broker)
    const configs = brokerConfig(broker)
    const machine = transactionMachine({
      'transaction.max.timeout.ms': configs['transaction.max.timeout.ms'] ?? 900_000,
      'transactional.id.expiration.ms': configs['transactional.id.expiration.ms'] ?? 604_800_000,
    })
    this.#errands = new ErrandRunner<Marking>(nameOf(this.identity), {
      next: (most, except) => this.#next(most, except),
      carryOut: marking => this.#mark(marking),
      report: (answered, failed) => this.#report(answered, failed),
    })
    this.#shard = new Shard(ctx, machine, {
      identity: this.identity,
      config: this.config,
      onTick: () => this.ctx.waitUntil(this.#tellAll()),
      says: said,
    })
  }

  protected override get host(): LogHost {
    return this.#shard.host
  }

  /** One command of one transactional id (src/coordinator/transaction-commands.ts). */
  async ask(transactionalId: string, command: TransactionCommand): Promise<TransactionReply> {
    const reply = await this.#ask(transactionalId, command)
    const inits = command.type === 'init' || command.type === 'initOnce'
    const waits = inits || command.type === 'add' || command.type === 'verify'
    if (!waits || !isFailure(reply) || reply.error !== 'CONCURRENT_TRANSACTIONS') return reply
    // The transaction before is as good as ended: its partitions are being told.
    await within(MAX_WAIT_MS, this.#tellAll())
    return inits ? reply : this.#ask(transactionalId, command)
  }

  /** Every transactional id there is. */
  list(): Promise<readonly ListedTransaction[]> {
    return this.#shard.readAll(states =>
      [...states].flatMap(([transactionalId, { value }]) =>
        value === undefined
          ? []
          : [{ transactionalId, producerId: value.producerId, status: value.status, startMs: value.startMs }],
      ),
    )
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return whenDue(nameOf(this.identity), info, async () => {
      await this.#shard.alarm()
      await this.#tellAll()
    })
  }

  async #ask<C extends TransactionCommand>(
    transactionalId: string,
    command: C,
  ): Promise<TransactionReplies[C['type']]> {
    const reply = (await this.#shard.call(command, transactionalId)) as TransactionReplies[C['type']]
    if (command.type === 'end' && reply !== null && 'transaction' in reply) {
      this.#prepared.set(transactionalId, reply.transaction!)
      this.ctx.waitUntil(this.#errands.run())
    }
    return reply
  }

  /** Tells whatever is prepared; resolves when nothing is left to try now. */
  async #tellAll(): Promise<void> {
    const prepared = await this.#shard.readAll(states =>
      [...states].flatMap(([id, { value }]) =>
        value !== undefined && isPrepared(value) ? [[id, value.startMs] as const] : [],
      ),
    )
    for (const [transactionalId, transaction] of prepared) this.#prepared.set(transactionalId, transaction)
    if (prepared.length > 0) await this.#errands.run()
  }

  #next(most: number, except: ReadonlySet<string>): readonly Marking[] {
    const next: Marking[] = []
    for (const [transactionalId, transaction] of this.#prepared) {
      const { value, unmarked } = this.#shard.state(transactionalId)
      if (value === undefined || !isPrepared(value) || value.startMs !== transaction) {
        this.#prepared.delete(transactionalId)
        continue
      }
      const { producerId, producerEpoch } = value
      const end = { producerId, producerEpoch, transaction, committed: value.status === 'PrepareCommit' }
      for (const [topic, partitions] of unmarked)
        for (const partition of partitions) {
          const id = `${transactionalId}/${transaction}/${topic}-${partition}`
          if (except.has(id)) continue
          next.push({ id, transactionalId, topic, partition, end })
          if (next.length === most) return next
        }
    }
    return next
  }

  /** A partition that is no more has nothing to end. */
  async #mark({ topic: name, partition, end }: Marking): Promise<void> {
    const topic = (await this.#topic(name)) ?? (await this.#topic(name, 0))
    if (topic === undefined || partition >= topic.partitions) return
    const [result] = await this.#stub(topic, partition).endTransactions([end])
    if (!isFailure(result)) return
    if (result.error === 'UNKNOWN_TOPIC_ID' && (await this.#topic(name, 0))?.topicId !== topic.topicId) return
    throw new Error(`${name}-${partition}: ${result.error}: ${result.message}`)
  }

  #stub({ name, topicId, config }: TopicView, partition: number) {
    const objects = name === OFFSETS_TOPIC ? this.env.COORDINATOR : this.env.PARTITION
    return partitionStub(objects as unknown as DurableObjectNamespace<PartitionObject>, topicId, partition, config)
  }

  async #topic(name: string, maxAgeMs = TOPICS_MAX_AGE_MS): Promise<TopicView | undefined> {
    if (Date.now() - this.#seenMs >= maxAgeMs) {
      const cluster = this.env.CLUSTER.getByName('cluster') as unknown as Rpc<Pick<ClusterObject, 'view'>>
      const view = await cluster.view(this.#version)
      this.#seenMs = Date.now()
      if (view !== null) {
        this.#version = view.version
        this.#topics = new Map(view.topics.map(topic => [topic.name, topic]))
      }
    }
    return this.#topics.get(name)
  }

  async #report(answered: readonly Marking[], failed: readonly Marking[]): Promise<void> {
    const byId = Map.groupBy([...answered, ...failed], ({ transactionalId }) => transactionalId)
    const have = new Set(answered)
    const reports = [...byId].map(([transactionalId, markings]) => {
      const { transaction } = markings[0]!.end
      const partitions = markings.filter(marking => have.has(marking))
      return this.#shard.call(
        partitions.length > 0 ? { type: 'marked', transaction, partitions } : { type: 'unmarked', transaction },
        transactionalId,
      )
    })
    await Promise.all(reports)
  }
}

/** Until the work is done, but no longer than that. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<void>(resolve => (timer = setTimeout(resolve, ms)))
  await Promise.race([work, over]).finally(() => clearTimeout(timer))
}

/** What operators care for: what is not committed. */
function said(fact: TransactionFact, transactionalId: string): string | undefined {
  if (fact.type !== 'transaction' || fact.value?.status !== 'PrepareAbort') return undefined
  const { producerId, producerEpoch, startMs } = fact.value
  return `the transaction of ${transactionalId} that began at ${new Date(startMs).toISOString()} is aborted (producer ${producerId}, epoch ${producerEpoch})`
}
