// CoordinatorObject k: the coordinator of the groups whose id hashes to k, and partition k of __consumer_offsets at once:
// what that partition says is all it knows. It gives the group machine its calls, its time, and the cluster's topics.

import { brokerConfig, brokerConfigsFromEnv } from '../cluster/broker-configs.ts'
import type { ClusterView } from '../cluster/cluster.ts'
import { partitionConfig } from '../cluster/configs.ts'
import { OFFSETS_TOPIC, OFFSETS_TOPIC_ID, offsetsTopic } from '../cluster/internal.ts'
import type { GroupCommand, GroupReply, World } from '../coordinator/commands.ts'
import { type ListedGroup, listed } from '../coordinator/describe.ts'
import type { GroupFact, GroupState } from '../coordinator/facts.ts'
import { groupMachine } from '../coordinator/group.ts'
import { DEFAULT_SETTINGS, type GroupSettings, groupSettings, noTopics, type Topics } from '../coordinator/settings.ts'
import { ENDED, isLate } from '../coordinator/transaction-offsets.ts'
import type { AppendResult } from '../log/append.ts'
import type { LogConfig } from '../log/config.ts'
import type { Identity } from '../log/partition-log.ts'
import type { TransactionEnd } from '../log/transactions.ts'
import { nameOf, whenDue } from '../log-line.ts'
import { ZERO_UUID } from '../protocol/bytes.ts'
import { isFailure } from '../protocol/errors.ts'
import type { ClusterObject } from './cluster.ts'
import type { LogHost } from './log-host.ts'
import { MachineLogObject, partitionOf } from './machine-log-object.ts'
import type { Rpc } from './place.ts'
import { Shard } from './shard.ts'

/** How old the topics may be that a heartbeat is judged by. Whoever joins or subscribes anew is judged by those of now. */
const TOPICS_MAX_AGE_MS = 3_000

interface CoordinatorEnv {
  readonly CLUSTER: DurableObjectNamespace<ClusterObject>
}

export class CoordinatorObject extends MachineLogObject<CoordinatorEnv> {
  protected override readonly identity: Identity
  protected override readonly config: LogConfig
  readonly #shard: Shard<GroupState, GroupCommand, GroupFact, GroupReply>
  readonly #world: World
  #seenMs = 0
  #seeing: Promise<void> | undefined

  constructor(ctx: DurableObjectState, env: CoordinatorEnv) {
    super(ctx, env)
    const broker = brokerConfigsFromEnv(env)
    // As Kafka, which does not start with a config it cannot read.
    if (isFailure(broker)) throw new Error(broker.message)
    this.#world = { settings: settingsOf(brokerConfig(broker)), topics: noTopics }
    this.identity = { topicId: OFFSETS_TOPIC_ID, topic: OFFSETS_TOPIC, partition: partitionOf(ctx.id) }
    this.config = partitionConfig(offsetsTopic(broker).config, broker)
    this.#shard = new Shard(ctx, groupMachine(this.#world), {
      identity: this.identity,
      config: this.config,
      says: said,
    })
  }

  protected override get host(): LogHost {
    return this.#shard.host
  }

  /** One command of one group (src/coordinator/commands.ts). JoinGroup and SyncGroup wait here while a group rebalances. */
  async ask(groupId: string, command: GroupCommand): Promise<GroupReply> {
    const maxAgeMs = this.#topicsMaxAgeMs(groupId, command)
    if (maxAgeMs !== undefined && Date.now() - this.#seenMs >= maxAgeMs) await (this.#seeing ??= this.#see())
    if (command.type === 'commitInTransaction') {
      const late = isLate(this.#shard.state(ENDED).ended.get(command.producerId), command)
      if (late !== undefined) return this.#shard.read(() => late, ENDED)
    }
    return this.#shard.call(command, groupId)
  }

  /** Ends transactions for all groups here; the answers come when that is durable. May be repeated. */
  endTransactions(ends: readonly TransactionEnd[]): Promise<AppendResult[]> {
    return Promise.all(ends.map(end => this.#endTransaction(end)))
  }

  async #endTransaction(end: TransactionEnd): Promise<AppendResult> {
    const command = { type: 'endTransaction', ...end } as const
    // What has come by now is ended with it, what comes later is late.
    const groups = [...this.#shard.states].filter(([, { pending }]) => pending.has(end.producerId))
    await Promise.all([
      this.#shard.call({ ...command, remember: true }, ENDED),
      ...groups.map(([groupId]) => this.#shard.call({ ...command, remember: false }, groupId)),
    ])
    return { baseOffset: -1, lastOffset: -1, logAppendTime: -1, logStartOffset: -1 }
  }

  /** Every group there is. */
  list(): Promise<readonly ListedGroup[]> {
    return this.#shard.readAll(states => [...states.values()].map(listed).filter(group => group !== undefined))
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return whenDue(nameOf(this.identity), info, () => this.#shard.alarm())
  }

  /** How old the topics may be for this command; undefined: it looks at none. */
  #topicsMaxAgeMs(groupId: string, command: GroupCommand): number | undefined {
    const { consumer } = this.#shard.state(groupId)
    switch (command.type) {
      case 'consumerHeartbeat': {
        const { memberId, memberEpoch, subscribedTopicNames: names } = command
        // Some clients name their topics in every heartbeat.
        const isNew = names !== null && !namesAll(consumer?.members.get(memberId)?.subscribedTopicNames, names)
        return memberEpoch === 0 || (memberEpoch > 0 && isNew) ? 0 : TOPICS_MAX_AGE_MS
      }
      case 'join':
        return consumer === undefined ? undefined : 0
      case 'fetchOffsets':
        return command.topics === null ? TOPICS_MAX_AGE_MS : undefined
      case 'sync':
      case 'leave':
      case 'describeConsumer':
        return consumer === undefined ? undefined : TOPICS_MAX_AGE_MS
      default:
        return undefined
    }
  }

  /** Asks the cluster for its topics. Without an answer the last ones go on to count. */
  async #see(): Promise<void> {
    const askedMs = Date.now()
    const cluster = this.env.CLUSTER.getByName('cluster') as unknown as Rpc<Pick<ClusterObject, 'view'>>
    const { version } = this.#world.topics
    const view = await cluster.view(version).catch(() => null)
    this.#seeing = undefined
    this.#seenMs = Date.now()
    if (view === null) return
    this.#world.topics = topicsOf(view)
    await this.#forgetTopics(askedMs)
  }

  /** Offsets of topics that were deleted go; those committed since the cluster was asked may be of topics newer than that. */
  async #forgetTopics(askedMs: number): Promise<void> {
    const gone = await this.#shard.readAll(states =>
      [...states.values()].map(state => ({ groupId: state.groupId, topics: this.#goneOf(state, askedMs) })),
    )
    for (const { groupId, topics } of gone)
      if (topics.length > 0) await this.#shard.call({ type: 'topicsDeleted', topics }, groupId)
  }

  #goneOf({ offsets }: GroupState, askedMs: number): { readonly name: string; readonly topicId: string }[] {
    return [...offsets].flatMap(([name, partitions]) => {
      const ids = new Set(
        [...partitions.values()].filter(({ committedMs }) => committedMs < askedMs).map(o => o.topicId),
      )
      return [...ids]
        .filter(topicId => topicId !== ZERO_UUID && this.#world.topics.byId(topicId) === undefined)
        .map(topicId => ({ name, topicId }))
    })
  }
}

/** What operators care for: rebalances. */
function said(fact: GroupFact, groupId: string): string | undefined {
  if (fact.type === 'epoch')
    return fact.value === null
      ? `group ${groupId} is gone`
      : `group ${groupId} rebalances, to epoch ${fact.value.epoch}`
  if (fact.type !== 'classic') return undefined
  if (fact.group === null) return `group ${groupId} is gone`
  const { generation, members, state } = fact.group
  return `group ${groupId} is ${state} in generation ${generation}, members: ${members.size}`
}

function namesAll(known: readonly string[] | undefined, names: readonly string[]): boolean {
  if (known?.length !== names.length) return false
  const set = new Set(known)
  return names.every(name => set.has(name))
}

/** What the broker's configs say of groups. */
function settingsOf(config: Readonly<Record<string, unknown>>): GroupSettings {
  const set = Object.keys(DEFAULT_SETTINGS).flatMap(key => (config[key] == null ? [] : [[key, config[key]]]))
  return groupSettings(Object.fromEntries(set) as Partial<GroupSettings>)
}

function topicsOf({ version, topics }: ClusterView): Topics {
  const byName = new Map(topics.map(topic => [topic.name, topic]))
  const byId = new Map(topics.map(topic => [topic.topicId, topic]))
  return {
    version,
    byName: name => byName.get(name),
    byId: topicId => byId.get(topicId),
    names: () => byName.keys(),
  }
}
