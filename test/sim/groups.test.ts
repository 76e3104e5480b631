// One group and its members from a seed: they join, leave, stall, crash and race, answers get lost, the coordinator
// restarts. After every step nobody's partition is anybody else's and no offset went back; at the end all converge.

import { describe, expect, it } from 'vitest'
import {
  readAssignment,
  readTopics,
  writeAssignment,
  writeSubscription,
} from '../../src/coordinator/consumer-protocol.ts'
import type { JoinReply, SyncReply } from '../../src/coordinator/classic.ts'
import {
  beat,
  type Call,
  commit,
  committed,
  consume,
  Group,
  idOf,
  join,
  leave,
  resetNames,
  sync,
  topicsOf,
} from '../support/group.ts'

const PARTITIONS = 7
const STEPS = 400
const SEEDS =
  process.env['SEED'] === undefined ? Array.from({ length: 60 }, (_, i) => i + 1) : [Number(process.env['SEED'])]
const orders = idOf('orders')

/** mulberry32. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}

interface Member {
  readonly name: string
  /** What it takes itself to have. */
  readonly owned: ReadonlySet<number>
  /** In the group, with nothing to wait for. */
  readonly isSettled: boolean
  memberId: string
  generation: number
  /** One thing it would do next; `lost`: it does not see the answer. */
  step(lost: boolean): void
  leave(): void
}

/** Eager: gives up everything before it joins again. The leader deals partitions out in turn. */
class Classic implements Member {
  readonly #group: Group
  readonly name: string
  readonly #instance: string | null
  memberId = ''
  generation = -1
  owned: ReadonlySet<number> = new Set()
  #joining: Call<JoinReply> | undefined
  #syncing: Call<SyncReply> | undefined
  #sinceMs = 0

  constructor(group: Group, name: string, isStatic: boolean) {
    this.#group = group
    this.name = name
    this.#instance = isStatic ? name : null
  }

  get isSettled(): boolean {
    return this.generation >= 0 && this.#joining === undefined && this.#syncing === undefined
  }

  step(lost: boolean): void {
    if (this.#joining !== undefined) return this.#joined(this.#joining)
    if (this.#syncing !== undefined) return this.#synced(this.#syncing)
    if (this.generation < 0) {
      const protocols = [{ name: 'range', metadata: writeSubscription(['orders']) }]
      const groupInstanceId = this.#instance
      const call = this.#group.call(join(this.memberId, { clientId: this.name, protocols, groupInstanceId }))
      this.#sinceMs = this.#group.nowMs
      if (!lost) this.#joining = call
      return
    }
    const reply = this.#group.ask(beat(this.memberId, this.generation, this.#instance))
    if (reply === null || lost) return
    if (reply.error !== 'REBALANCE_IN_PROGRESS') this.#forget(reply.error)
    this.#rejoin()
  }

  leave(): void {
    if (this.memberId !== '') this.#group.ask(leave(this.memberId))
  }

  #rejoin(): void {
    this.generation = -1
    this.owned = new Set()
    this.#joining = this.#syncing = undefined
  }

  #forget(error: string): void {
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'FENCED_INSTANCE_ID') this.memberId = ''
  }

  /** The connection is gone after a while, as when the coordinator restarted. */
  #waitsTooLong(): boolean {
    return this.#group.nowMs - this.#sinceMs > 90_000
  }

  #joined({ reply }: Call<JoinReply>): void {
    if (reply === undefined) return this.#waitsTooLong() ? this.#rejoin() : undefined
    this.#joining = undefined
    if ('error' in reply) {
      this.#forget(reply.error)
      if (reply.error === 'MEMBER_ID_REQUIRED') this.memberId = reply.memberId
      return
    }
    this.memberId = reply.memberId
    this.generation = reply.generationId
    for (const { metadata } of reply.members) expect(readTopics(metadata)).toEqual(['orders'])
    const isLeader = reply.leader === this.memberId && !reply.skipAssignment
    const assignments = isLeader ? deal(reply.members.map(({ memberId }) => memberId)) : []
    this.#syncing = this.#group.call({
      ...sync(this.memberId, this.generation, {}, { groupInstanceId: this.#instance }),
      assignments,
    })
    this.#sinceMs = this.#group.nowMs
  }

  #synced({ reply }: Call<SyncReply>): void {
    if (reply === undefined) return this.#waitsTooLong() ? this.#rejoin() : undefined
    this.#syncing = undefined
    if ('error' in reply) {
      this.#forget(reply.error)
      return this.#rejoin()
    }
    this.owned = new Set(
      readAssignment(reply.assignment)!.assignedPartitions.flatMap(({ partitions }) => [...partitions]),
    )
  }
}

const deal = (memberIds: readonly string[]) =>
  memberIds.map((memberId, i) => ({
    memberId,
    assignment: writeAssignment(
      [
        {
          topic: 'orders',
          partitions: Array.from({ length: PARTITIONS }, (_, p) => p).filter(p => p % memberIds.length === i),
        },
      ],
      1,
    ),
  }))

/** Gives up what it is told to with the next heartbeat but one, and forgets everything when it is fenced. */
class Modern implements Member {
  readonly #group: Group
  readonly name: string
  readonly #instance: string | null
  memberId: string
  generation = 0
  owned: ReadonlySet<number> = new Set()
  #incarnation = 0

  constructor(group: Group, name: string, isStatic: boolean) {
    this.#group = group
    this.name = this.memberId = name
    this.#instance = isStatic ? name : null
  }

  get isSettled(): boolean {
    return this.generation > 0
  }

  step(lost: boolean): void {
    const topicPartitions = this.owned.size === 0 ? [] : [{ topicId: orders, partitions: [...this.owned] }]
    const reply = this.#group.ask(
      consume(this.memberId, this.generation, {
        instanceId: this.#instance,
        topicPartitions,
        rebalanceTimeoutMs: 60_000,
        subscribedTopicNames: ['orders'],
      }),
    )
    if (lost) return
    if ('error' in reply) {
      this.generation = 0
      this.owned = new Set()
      if (reply.error === 'FENCED_INSTANCE_ID') this.memberId = `${this.name}.${++this.#incarnation}`
      return
    }
    this.generation = reply.memberEpoch
    if (reply.assignment !== null) this.owned = new Set(reply.assignment.flatMap(({ partitions }) => [...partitions]))
  }

  leave(): void {
    this.#group.ask(consume(this.memberId, this.#instance === null ? -1 : -2, { instanceId: this.#instance }))
    this.generation = 0
    this.owned = new Set()
  }
}

class Sim {
  readonly group = new Group({}, topicsOf({ orders: PARTITIONS }))
  readonly members: Member[] = []
  readonly committed: Record<number, number> = {}
  readonly random: () => number
  readonly #kinds: readonly ('classic' | 'modern')[]
  #names = 0

  constructor(seed: number, kinds: readonly ('classic' | 'modern')[]) {
    resetNames()
    this.random = random(seed)
    this.#kinds = kinds
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!
  }

  step(): void {
    const { group, members } = this
    const dice = this.random()
    const member = this.pick(members)
    if (dice < 0.06 && members.length < 6) this.#add()
    else if (member === undefined || dice < 0.2) group.advance(Math.floor(this.random() ** 3 * 50_000))
    else if (dice < 0.23) {
      member.leave()
      members.splice(members.indexOf(member), 1)
    } else if (dice < 0.25) members.splice(members.indexOf(member), 1)
    else if (dice < 0.26) group.restart()
    else if (dice < 0.4) this.#commit(member)
    else member.step(this.random() < 0.05)
    this.check()
  }

  #add(): void {
    const isStatic = this.random() < 0.25
    const name = isStatic ? this.pick(['s1', 's2']) : `m${++this.#names}`
    if (this.members.some(member => member.name === name)) return
    const kind = this.pick(this.#kinds)
    this.members.push(new (kind === 'classic' ? Classic : Modern)(this.group, name, isStatic))
  }

  #commit({ memberId, generation, owned }: Member): void {
    const offsets = Object.fromEntries(
      [...owned].map(p => [p, (this.committed[p] ?? 0) + Math.floor(this.random() * 9)]),
    )
    const reply = this.group.ask(commit(offsets, { memberId, generationId: generation }))
    if (!('error' in reply) && generation > 0) Object.assign(this.committed, offsets)
  }

  check(): void {
    const { group } = this
    const { classic, consumer } = group.state
    expect(classic === undefined || consumer === undefined, 'one protocol at a time').toBe(true)
    if (classic?.state === 'Stable') {
      const owned = [...classic.members.values()].flatMap(({ assignment }) =>
        readAssignment(assignment)!.assignedPartitions.flatMap(({ partitions }) => [...partitions]),
      )
      expect(new Set(owned).size, 'two owners in one generation').toBe(owned.length)
    }
    if (consumer !== undefined) {
      const members = [...consumer.members.values()]
      const owned = members.flatMap(({ assigned, revoking }) =>
        [assigned, revoking].flatMap(has => [...(has.get(orders)?.keys() ?? [])]),
      )
      expect(new Set(owned).size, 'two owners').toBe(owned.length)
      for (const member of this.members) {
        const known = consumer.members.get(member.memberId)
        if (!(member instanceof Modern) || known === undefined || known.memberEpoch !== member.generation) continue
        for (const partition of member.owned)
          expect(
            known.assigned.get(orders)?.has(partition) || known.revoking.get(orders)?.has(partition),
            'has more than it may',
          ).toBe(true)
      }
    }
    expect(committed(group), 'an offset went back').toEqual(this.committed)
  }

  /** Nobody comes, goes or loses anything any more. */
  converge(): void {
    if (this.members.length === 0) this.members.push(new Modern(this.group, 'last', false))
    for (let round = 0; round < 100; round++) {
      for (const member of this.members) {
        member.step(false)
        this.check()
      }
      this.group.advance(3_000)
      this.check()
    }
    const owned = this.members.flatMap(member => [...member.owned]).sort((a, b) => a - b)
    expect(owned, 'everything has one owner').toEqual(Array.from({ length: PARTITIONS }, (_, p) => p))
    expect(this.members.every(({ isSettled }) => isSettled)).toBe(true)
    expect(new Set(this.members.map(({ generation }) => generation)).size, 'one generation').toBe(1)
    expect(this.group.parked).toBe(0)
    const described = this.group.ask({ type: this.group.state.classic ? 'describeClassic' : 'describeConsumer' })
    expect(described).toMatchObject({ state: 'Stable' })
  }
}

describe.each([
  { kinds: ['classic'] as const },
  { kinds: ['modern'] as const },
  { kinds: ['classic', 'modern'] as const },
])('members of $kinds', ({ kinds }) => {
  it(`${SEEDS.length} seeds`, () => {
    for (const seed of SEEDS)
      try {
        const sim = new Sim(seed, kinds)
        for (let step = 0; step < STEPS; step++) sim.step()
        sim.converge()
      } catch (error) {
        throw new Error(`SEED=${seed}`, { cause: error })
      }
  })
})

it('the same seed is the same run', () => {
  const run = () => {
    const sim = new Sim(7, ['classic', 'modern'])
    for (let step = 0; step < STEPS; step++) sim.step()
    return JSON.stringify([...sim.group.log])
  }
  expect(run()).toBe(run())
})
