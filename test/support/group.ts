// One group on the machine alone: a clock that is set, callers that may be parked, and a log that a restart replays.

import { CONSUMER_PROTOCOL, writeSubscription } from '../../src/coordinator/consumer-protocol.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../../src/coordinator/commands.ts'
import type { GroupState } from '../../src/coordinator/facts.ts'
import { groupMachine } from '../../src/coordinator/group.ts'
import { type GroupSettings, groupSettings, type TopicFacts, type Topics } from '../../src/coordinator/settings.ts'
import type { FactRecord, Outcome } from '../../src/machine.ts'
import type { GroupFact } from '../../src/coordinator/facts.ts'

type CommandOf<T extends keyof GroupReplies> = Extract<GroupCommand, { type: T }>
/** Undefined while the caller is parked. */
export interface Call<R = GroupReply> {
  reply: R | undefined
}

/** Topics by name, with how many partitions each has; ids are `id-` and the name. */
export const topicsOf = (partitions: Readonly<Record<string, number>>, version = 1): Topics => {
  const facts = Object.entries(partitions).map(([name, count]): TopicFacts => ({
    name,
    topicId: idOf(name),
    partitions: count,
  }))
  return {
    version,
    byName: name => facts.find(topic => topic.name === name),
    byId: topicId => facts.find(topic => topic.topicId === topicId),
    names: () => facts.map(({ name }) => name),
  }
}

/** An id that can be written as one: the name in base64url, filled up. */
export const idOf = (name: string): string => {
  const bytes = new Uint8Array(16)
  bytes.set(Buffer.from(name).subarray(0, 16))
  return Buffer.from(bytes).toString('base64url')
}

export class Group {
  nowMs = 1_700_000_000_000
  readonly world
  state: GroupState
  /** The latest record of each key. */
  readonly log = new Map<string, FactRecord>()
  /** Facts stored so far. */
  stored: GroupFact[] = []
  readonly #machine
  readonly #parked = new Map<number, Call>()
  #tickets = 0

  constructor(settings: Partial<GroupSettings> = {}, topics: Topics = topicsOf({})) {
    this.world = { settings: groupSettings(settings), topics }
    this.#machine = groupMachine(this.world)
    this.state = this.#machine.empty('g')
  }

  get parked(): number {
    return this.#parked.size
  }

  call<C extends GroupCommand>(command: C): Call<GroupReplies[C['type']]> {
    const ticket = ++this.#tickets
    const call: Call = { reply: undefined }
    this.#parked.set(ticket, call)
    this.#carryOut(this.#machine.decide(this.state, command, ticket, this.nowMs))
    this.#settle()
    return call as Call<GroupReplies[C['type']]>
  }

  /** The reply of a call that is not to be parked. */
  ask<C extends GroupCommand>(command: C): GroupReplies[C['type']] {
    const { reply } = this.call(command)
    if (reply === undefined) throw new Error(`${command.type} was parked`)
    return reply
  }

  /** Time goes by, and the machine ticks whenever it wants to. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (let ticks = 0; ; ticks++) {
      const due = this.#machine.deadline(this.state)
      if (due === undefined || due > untilMs) break
      if (ticks > 1_000) throw new Error('the machine ticks for ever')
      this.nowMs = Math.max(this.nowMs, due)
      this.#carryOut(this.#machine.tick(this.state, this.nowMs))
    }
    this.nowMs = untilMs
  }

  /** As after an eviction: what was stored is all there is, and nobody is parked. */
  restart(): void {
    this.#parked.clear()
    this.state = this.#machine.empty('g')
    for (const record of this.log.values()) {
      const decoded = this.#machine.decode(record)
      if (decoded !== undefined) this.#machine.replay(this.state, decoded.fact)
    }
    this.#settle()
  }

  get isEmpty(): boolean {
    return this.#machine.isEmpty(this.state)
  }

  get deadline(): number | undefined {
    return this.#machine.deadline(this.state)
  }

  #settle(): void {
    this.advance(0)
  }

  #carryOut({ facts, replies }: Outcome<GroupFact, GroupReply>): void {
    for (const fact of facts) {
      this.#machine.replay(this.state, fact)
      if (fact.volatile === true) continue
      this.stored.push(fact)
      const record = this.#machine.encode(fact, 'g')
      const key = Buffer.from(record.key).toString('hex')
      this.log.delete(key)
      if (record.value !== null) this.log.set(key, record)
    }
    for (const [ticket, reply] of replies) {
      const call = this.#parked.get(ticket)
      if (call === undefined) continue
      call.reply = reply
      this.#parked.delete(ticket)
    }
  }
}

let fresh = 0
export const resetNames = (): void => {
  fresh = 0
}

export const join = (memberId = '', more: Partial<CommandOf<'join'>> = {}): CommandOf<'join'> => ({
  type: 'join',
  version: 9,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  memberId,
  groupInstanceId: null,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  protocolType: CONSUMER_PROTOCOL,
  protocols: [{ name: 'range', metadata: writeSubscription(['orders']) }],
  fresh: `${++fresh}`,
  ...more,
})

export const sync = (
  memberId: string,
  generationId: number,
  assignments: Readonly<Record<string, string>> = {},
  more: Partial<CommandOf<'sync'>> = {},
): CommandOf<'sync'> => ({
  type: 'sync',
  memberId,
  groupInstanceId: null,
  generationId,
  protocolType: null,
  protocolName: null,
  assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
  ...more,
})

export const beat = (memberId: string, generationId: number, groupInstanceId: string | null = null) => ({
  type: 'heartbeat' as const,
  memberId,
  groupInstanceId,
  generationId,
})

export const leave = (...memberIds: string[]) => ({
  type: 'leave' as const,
  members: memberIds.map(memberId => ({ memberId, groupInstanceId: null })),
})

export const commit = (
  offsets: Readonly<Record<number, number>>,
  more: Partial<CommandOf<'commit'>> = {},
): CommandOf<'commit'> => ({
  type: 'commit',
  version: 9,
  memberId: '',
  groupInstanceId: null,
  generationId: -1,
  retentionTimeMs: -1,
  topics: [
    {
      name: 'orders',
      topicId: idOf('orders'),
      partitions: Object.entries(offsets).map(([partition, offset]) => ({
        partition: Number(partition),
        offset,
        leaderEpoch: -1,
        metadata: null,
      })),
    },
  ],
  ...more,
})

export const fetchAll: CommandOf<'fetchOffsets'> = {
  type: 'fetchOffsets',
  memberId: null,
  memberEpoch: -1,
  topics: null,
}

/** Offsets of `orders`, by partition. */
export function committed(group: Group): Record<number, number> {
  const fetched = group.ask(fetchAll)
  if ('error' in fetched) throw new Error(fetched.error)
  return Object.fromEntries(
    fetched.topics.flatMap(({ partitions }) => partitions.map(({ partition, offset }) => [partition, offset])),
  )
}

export const consume = (
  memberId: string,
  memberEpoch: number,
  more: Partial<CommandOf<'consumerHeartbeat'>> = {},
): CommandOf<'consumerHeartbeat'> => ({
  type: 'consumerHeartbeat',
  version: 1,
  clientId: 'c',
  clientHost: '/127.0.0.1',
  memberId,
  memberEpoch,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: memberEpoch === 0 ? 60_000 : -1,
  subscribedTopicNames: memberEpoch === 0 ? ['orders'] : null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: memberEpoch === 0 ? [] : null,
  fresh: `${++fresh}`,
  ...more,
})
