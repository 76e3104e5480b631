// Groups: members of both protocols join, share, commit, fall out and are described, and every way in which that is refused.

import { ZERO_UUID } from '../../../src/protocol/bytes.ts'
import { readAssignment, writeAssignment, writeSubscription } from '../../../src/coordinator/consumer-protocol.ts'
import type { Encodable } from '../../../src/protocol/schema.ts'
import { offsetCommit } from '../../../src/worker/kafka/apis/08-offset-commit.ts'
import { offsetFetch } from '../../../src/worker/kafka/apis/09-offset-fetch.ts'
import { findCoordinator } from '../../../src/worker/kafka/apis/10-find-coordinator.ts'
import { joinGroup } from '../../../src/worker/kafka/apis/11-join-group.ts'
import { heartbeat } from '../../../src/worker/kafka/apis/12-heartbeat.ts'
import { leaveGroup } from '../../../src/worker/kafka/apis/13-leave-group.ts'
import { syncGroup } from '../../../src/worker/kafka/apis/14-sync-group.ts'
import { describeGroups } from '../../../src/worker/kafka/apis/15-describe-groups.ts'
import { listGroups } from '../../../src/worker/kafka/apis/16-list-groups.ts'
import { deleteGroups } from '../../../src/worker/kafka/apis/42-delete-groups.ts'
import { offsetDelete } from '../../../src/worker/kafka/apis/47-offset-delete.ts'
import { consumerGroupHeartbeat } from '../../../src/worker/kafka/apis/68-consumer-group-heartbeat.ts'
import { consumerGroupDescribe } from '../../../src/worker/kafka/apis/69-consumer-group-describe.ts'
import type { KafkaClient } from '../../support/kafka-client.ts'
import type { Scenario, Transcript } from '../transcript.ts'
import { aTopic } from './topics.ts'

const MAX_TRIES = 100
const TRY_AGAIN_MS = 100
/** Kafka's coordinators take a moment to come to be: NOT_AVAILABLE, LOAD_IN_PROGRESS, NOT_COORDINATOR. */
const NOT_YET = new Set([14, 15, 16])

/** A group of this run whose coordinator is there. */
export async function aGroup(to: Transcript, name: string): Promise<string> {
  const groupId = to.topic(name)
  for (let i = 0; i < MAX_TRIES; i++) {
    // Whoever is asked for a coordinator makes the topic that groups are kept in.
    await to.ask(findCoordinator, 3, { key: groupId, keyType: 0, coordinatorKeys: [] })
    const { groups } = await to.ask(offsetFetch, 8, { groups: [{ groupId, topics: null }] })
    if (!NOT_YET.has(groups[0]!.errorCode)) return groupId
    await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS))
  }
  throw new Error(`no coordinator for ${name}`)
}

/** Answers with the ids of members and groups as names: what brokers make up is not compared. */
class Names {
  readonly #names = new Map<string, string>()

  member(memberId: string): string {
    if (memberId === '') return ''
    if (!this.#names.has(memberId)) this.#names.set(memberId, `member ${this.#names.size + 1}`)
    return this.#names.get(memberId)!
  }

  of(value: unknown, field = ''): unknown {
    if (Array.isArray(value)) return sorted(value.map(one => this.of(one)))
    // Subscriptions name topics, which are others in each run.
    if (value instanceof Uint8Array) return value.length > 3 ? 'bytes' : Buffer.from(value).toString('hex')
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.of(one, name)]))
    if (typeof value === 'string' && (field === 'memberId' || field === 'leader')) return this.member(value)
    return field === 'clientHost' ? 'somewhere' : value
  }
}

/** Brokers answer for groups and their members in any order. */
const sorted = (values: unknown[]): unknown[] => [...values].sort((a, b) => labelOf(a).localeCompare(labelOf(b)))

function labelOf(value: unknown): string {
  const { groupId, memberId } = (value ?? {}) as { groupId?: string; memberId?: string }
  return groupId ?? memberId ?? ''
}

const PROTOCOL = { protocolType: 'consumer', protocolName: 'range' }

const range = (...topics: string[]) => [{ name: 'range', metadata: writeSubscription(topics) }]

const offset = (partitionIndex: number, committedOffset: number, committedMetadata: string | null = null) => ({
  partitionIndex,
  committedOffset,
  committedMetadata,
})

const classic: Scenario = {
  name: 'a classic group',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const groupId = await aGroup(to, 'classic')
    const names = new Names()
    const topic = to.topic('t')
    const note = (what: string, answer: unknown) => to.note(what, names.of(answer))
    const join = (memberId: string, more: Partial<Encodable<(typeof joinGroup)['request']>> = {}, version = 9) =>
      to.ask(joinGroup, version, {
        groupId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        memberId,
        protocolType: 'consumer',
        protocols: range(topic),
        ...more,
      })
    const sync = (memberId: string, generationId: number, more: object = {}) =>
      to.ask(syncGroup, 5, { groupId, memberId, generationId, assignments: [], ...PROTOCOL, ...more })
    const beat = (memberId: string, generationId: number, version = 4) =>
      to.ask(heartbeat, version, { groupId, memberId, generationId })
    const commit = (memberId: string, generation: number, version = 9) =>
      to.ask(offsetCommit, version, {
        groupId,
        memberId,
        generationIdOrMemberEpoch: generation,
        topics: [{ name: topic, partitions: [offset(0, 5, 'note'), offset(9, 1)] }],
      })

    note('a stranger heartbeats', await beat('stranger', 1))
    note('a stranger syncs', await sync('stranger', 1))
    note('a stranger leaves', await to.ask(leaveGroup, 5, { groupId, members: [{ memberId: 'stranger' }] }))
    note('a stranger joins', await join('stranger'))
    note('a stranger commits', await commit('stranger', 1))
    note('a stranger commits in old words', await commit('stranger', 1, 8))
    note('too short a session', await join('', { sessionTimeoutMs: 1 }))
    note('no protocols', await join('', { protocols: [] }))
    note('no protocol type', await join('', { protocolType: '' }))
    note('no group', await join('', { groupId: '' }))

    const asked = await join('')
    note('without an id', asked)
    const { memberId } = asked
    const joined = await join(memberId)
    note('joins', joined)
    note('commits before the sync', await commit(memberId, 1))
    note('syncs another generation', await sync(memberId, 2))
    note('syncs another protocol', await sync(memberId, 1, { protocolName: 'sticky' }))
    note('syncs another type', await sync(memberId, 1, { protocolType: 'connect' }))
    const assignments = [{ memberId, assignment: new Uint8Array([0, 1, 2]) }]
    note('syncs', await sync(memberId, 1, { assignments }))
    note('syncs without saying how', await sync(memberId, 1, { protocolName: null }))
    note('syncs again', await sync(memberId, 1))
    for (const version of [0, 3, 4]) note(`heartbeats v${version}`, await beat(memberId, 1, version))
    note('another generation', await beat(memberId, 2))
    note('commits', await commit(memberId, 1))
    note('commits for another generation', await commit(memberId, 2))
    note('somebody else commits', await commit('', -1))
    note('another protocol', await join('', { protocols: [{ name: 'x', metadata: new Uint8Array(0) }] }))
    note('another type', await join('', { protocolType: 'connect' }))
    note('an instance nobody has', await join(memberId, { groupInstanceId: 'i' }))
    for (const version of [0, 4, 6])
      note(`described v${version}`, await to.ask(describeGroups, version, { groups: [groupId, to.topic('none')] }))
    note(
      'described as the other kind',
      await to.ask(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false }),
    )
    note('deleted', await to.ask(deleteGroups, 2, { groupsNames: [groupId, to.topic('none')] }))
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0 }] }]
    note('its offsets deleted', await to.ask(offsetDelete, 0, { groupId, topics }))

    note('the leader joins again', await join(memberId))
    note('syncs', await sync(memberId, 2, { assignments }))
    for (const version of [4, 5]) {
      const { groups } = await to.ask(listGroups, version, { statesFilter: ['stable'], typesFilter: [] })
      note(
        `listed v${version}`,
        groups.filter(group => group.groupId === groupId),
      )
    }
    note('leaves', await to.ask(leaveGroup, 5, { groupId, members: [{ memberId }, { memberId: 'stranger' }] }))
    note('described empty', await to.ask(describeGroups, 6, { groups: [groupId] }))
    note('heartbeats after', await beat(memberId, 2))
    note(
      'its offsets deleted',
      await to.ask(offsetDelete, 0, {
        groupId,
        topics: [...topics, { name: to.topic('none'), partitions: [{ partitionIndex: 0 }] }],
      }),
    )
    note('deleted', await to.ask(deleteGroups, 2, { groupsNames: [groupId] }))
    note('deleted again', await to.ask(deleteGroups, 2, { groupsNames: [groupId] }))
  },
}

const offsets: Scenario = {
  name: 'offsets of a group',
  async run(to) {
    await aTopic(to, 't', { partitions: 3 })
    const groupId = await aGroup(to, 'offsets')
    const topic = to.topic('t')
    const fetch = (version: number, topics: readonly { name: string; partitionIndexes: number[] }[] | null) =>
      version < 8
        ? to.call('some', offsetFetch, version, { groupId, topics, groups: [] })
        : to.call('some', offsetFetch, version, { groups: [{ groupId, topics }] })
    for (const version of [1, 2, 5, 7, 8, 9]) {
      await to.call('commit', offsetCommit, Math.max(version, 2), {
        groupId,
        memberId: '',
        topics: [
          { name: topic, partitions: [offset(0, version), offset(1, 10 * version, `v${version}`), offset(7, 1)] },
          { name: to.topic('none'), partitions: [offset(0, 1)] },
        ],
      })
      await fetch(version, [
        { name: topic, partitionIndexes: [0, 1, 2, 7] },
        { name: to.topic('none'), partitionIndexes: [0] },
      ])
      if (version >= 2) await fetch(version, null)
    }
    await to.call('large note', offsetCommit, 8, {
      groupId,
      topics: [{ name: topic, partitions: [offset(0, 1, 'x'.repeat(4_096)), offset(1, 1, 'x'.repeat(4_097))] }],
    })
    await to.call('no such topic id', offsetCommit, 10, {
      groupId,
      topics: [{ topicId: ZERO_UUID, partitions: [offset(0, 1)] }],
    })
    await to.call('no such member', offsetFetch, 9, {
      groups: [{ groupId, memberId: 'm', memberEpoch: 1, topics: null }],
    })
    await to.call('many groups', offsetFetch, 8, {
      groups: [to.topic('a'), to.topic('b')].map(id => ({
        groupId: id,
        topics: [{ name: topic, partitionIndexes: [0] }],
      })),
    })
  },
}

const modern: Scenario = {
  name: 'a group of the consumer protocol',
  async run(to) {
    await aTopic(to, 't', { partitions: 4 })
    const groupId = await aGroup(to, 'modern')
    const names = new Names()
    const topic = to.topic('t')
    const note = (what: string, answer: unknown) => to.note(what, names.of(answer))
    const beat = (
      memberId: string,
      memberEpoch: number,
      more: Partial<Encodable<(typeof consumerGroupHeartbeat)['request']>> = {},
      version = 1,
    ) =>
      to.ask(consumerGroupHeartbeat, version, {
        groupId,
        memberId,
        memberEpoch,
        rebalanceTimeoutMs: memberEpoch === 0 ? 30_000 : -1,
        subscribedTopicNames: memberEpoch === 0 ? [topic] : null,
        topicPartitions: memberEpoch === 0 ? [] : null,
        ...more,
      })
    note('no such group', await beat('a', 1))
    note('no member id', await beat('', 0))
    note('no group id', await beat('a', 0, { groupId: '' }))
    note('no timeout', await beat('a', 0, { rebalanceTimeoutMs: -1 }))
    note('no subscription', await beat('a', 0, { subscribedTopicNames: null }))
    note('no partitions', await beat('a', 0, { topicPartitions: null }))
    note('an empty instance id', await beat('a', 0, { instanceId: '' }))
    note('an assignor nobody has', await beat('a', 0, { serverAssignor: 'x' }))
    note('an epoch nobody has', await beat('a', -3))
    note('leaves for now without being static', await beat('a', -2))
    note('leaves what is not there', await beat('a', -1))

    const joined = await beat('a', 0, { instanceId: 'i' })
    note('joins', joined)
    const topicId = joined.assignment!.topicPartitions[0]!.topicId
    note('stays', await beat('a', joined.memberEpoch, { instanceId: 'i' }))
    note('ahead', await beat('a', 9, { instanceId: 'i' }))
    note('another of the same instance', await beat('b', 0, { instanceId: 'i' }))
    note('one without the instance', await beat('b', 1, { instanceId: 'i' }))
    note('an unknown member', await beat('z', 1))
    note('an instance nobody has', await beat('z', 1, { instanceId: 'y' }))
    const commit = (memberId: string, epoch: number, version: number) =>
      to.ask(offsetCommit, version, {
        groupId,
        memberId,
        generationIdOrMemberEpoch: epoch,
        topics: [{ name: topic, partitions: [offset(0, 3)] }],
      })
    note('commits', await commit('a', joined.memberEpoch, 9))
    note('commits in old words', await commit('a', joined.memberEpoch, 8))
    note('commits ahead', await commit('a', 9, 9))
    note('commits behind', await commit('a', 1, 9))
    note('a stranger commits', await commit('z', 1, 9))
    note('nobody commits', await commit('', -1, 9))
    const fetch = (memberId: string | null, memberEpoch: number) =>
      to.ask(offsetFetch, 9, { groups: [{ groupId, memberId, memberEpoch, topics: null }] })
    note('fetches', await fetch('a', joined.memberEpoch))
    note('fetches ahead', await fetch('a', 9))
    note('a stranger fetches', await fetch('z', 1))
    note('anybody fetches', await fetch(null, -1))
    note(
      'described',
      await to.ask(consumerGroupDescribe, 1, {
        groupIds: [groupId, to.topic('none')],
        includeAuthorizedOperations: false,
      }),
    )
    note('described as the other kind', await to.ask(describeGroups, 6, { groups: [groupId] }))
    const { groups } = await to.ask(listGroups, 5, { statesFilter: [], typesFilter: ['consumer'] })
    note(
      'listed',
      groups.filter(group => group.groupId === groupId),
    )
    note('deleted', await to.ask(deleteGroups, 2, { groupsNames: [groupId] }))
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0 }] }]
    note('its offsets deleted', await to.ask(offsetDelete, 0, { groupId, topics }))
    note('subscribes to nothing', await beat('a', 2, { instanceId: 'i', subscribedTopicNames: [] }))
    note('lets go', await beat('a', 2, { instanceId: 'i', topicPartitions: [] }))
    note('subscribes by a broken expression', await beat('a', 3, { instanceId: 'i', subscribedTopicRegex: '(' }))
    note('leaves for now', await beat('a', -2, { instanceId: 'i' }))
    note('leaves', await beat('a', -1, { instanceId: 'i' }))
    note(
      'described empty',
      await to.ask(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false }),
    )
    note('deleted', await to.ask(deleteGroups, 2, { groupsNames: [groupId] }))
    to.note('it was about', topicId === ZERO_UUID ? 'no topic' : 'a topic')
  },
}

const rebalances: Scenario = {
  name: 'rebalances and static members',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const groupId = await aGroup(to, 'static')
    const names = new Names()
    const [one, two] = [await to.connect(), await to.connect()]
    const note = (what: string, answer: unknown) => to.note(what, names.of(answer))
    const join = (client: KafkaClient, groupInstanceId: string | null, memberId = '', version = 9) =>
      client.call(joinGroup, version, {
        groupId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        memberId,
        groupInstanceId,
        protocolType: 'consumer',
        protocols: range(to.topic('t')),
      })
    const sync = (
      client: KafkaClient,
      groupInstanceId: string,
      memberId: string,
      generationId: number,
      all: string[] = [],
    ) =>
      client.call(syncGroup, 5, {
        groupId,
        memberId,
        groupInstanceId,
        generationId,
        ...PROTOCOL,
        assignments: all.map((id, i) => ({ memberId: id, assignment: new Uint8Array([i]) })),
      })
    const beat = (groupInstanceId: string, memberId: string, generationId: number) =>
      one.call(heartbeat, 4, { groupId, memberId, groupInstanceId, generationId })

    const a = await join(one, 'a')
    note('a joins', a)
    note('a syncs', await sync(one, 'a', a.memberId, 1, [a.memberId]))
    const joining = join(two, 'b')
    for (let i = 0; i < MAX_TRIES && (await beat('a', a.memberId, 1)).errorCode === 0; i++)
      await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS))
    note('a hears of b', await beat('a', a.memberId, 1))
    note('a joins again', await join(one, 'a', a.memberId))
    const b = await joining
    note('b joined', b)
    const syncing = sync(two, 'b', b.memberId, 2)
    note('a syncs', await sync(one, 'a', a.memberId, 2, [a.memberId, b.memberId]))
    note('b synced', await syncing)

    const again = await join(two, 'b')
    note('b is back', again)
    note('b syncs', await sync(two, 'b', again.memberId, 2))
    note('the former b heartbeats', await beat('b', b.memberId, 2))
    note('the former b joins', await join(two, 'b', b.memberId))
    note('the former b syncs', await sync(two, 'b', b.memberId, 2))
    note(
      'the former b commits',
      await two.call(offsetCommit, 9, {
        groupId,
        memberId: b.memberId,
        groupInstanceId: 'b',
        generationIdOrMemberEpoch: 2,
        topics: [{ name: to.topic('t'), partitions: [offset(0, 1)] }],
      }),
    )
    note('b under the name of a', await beat('a', again.memberId, 2))
    const leader = await join(one, 'a')
    note('the leader is back', { ...leader, members: leader.members.length })
    note('the leader is back in old words', await join(one, 'a', '', 8))
    note(
      'they leave',
      await one.call(leaveGroup, 5, {
        groupId,
        members: [
          { memberId: '', groupInstanceId: 'a' },
          { memberId: b.memberId, groupInstanceId: 'b' },
          { memberId: '', groupInstanceId: 'x' },
        ],
      }),
    )
    note('described', await one.call(describeGroups, 6, { groups: [groupId] }))
    note('b leaves', await one.call(leaveGroup, 2, { groupId, memberId: again.memberId }))
    one.close()
    two.close()
  },
}

const migration: Scenario = {
  name: 'a group that changes its protocol',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const groupId = await aGroup(to, 'changing')
    const names = new Names()
    const topic = to.topic('t')
    const note = (what: string, answer: unknown) => to.note(what, names.of(answer))
    const join = (memberId: string, owned: readonly number[]) =>
      to.ask(joinGroup, 9, {
        groupId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: writeSubscription([topic], [{ topic, partitions: owned }]) }],
      })
    const sync = async (memberId: string, generationId: number, assignment?: Uint8Array) => {
      const assignments = assignment === undefined ? [] : [{ memberId, assignment }]
      const answer = await to.ask(syncGroup, 5, { groupId, memberId, generationId, ...PROTOCOL, assignments })
      const assigned = readAssignment(answer.assignment)?.assignedPartitions.map(({ partitions }) => [...partitions])
      return { ...answer, assignment: JSON.stringify(assigned) }
    }
    const classicBeat = (memberId: string, generationId: number) =>
      to.ask(heartbeat, 4, { groupId, memberId, generationId })
    const beat = (memberEpoch: number, owned: readonly number[], topicId = ZERO_UUID) =>
      to.ask(consumerGroupHeartbeat, 1, {
        groupId,
        memberId: 'modern',
        memberEpoch,
        rebalanceTimeoutMs: memberEpoch === 0 ? 30_000 : -1,
        subscribedTopicNames: memberEpoch === 0 ? [topic] : null,
        topicPartitions: owned.length === 0 ? [] : [{ topicId, partitions: owned }],
      })
    const { memberId } = await join('', [])
    note('the classic member joins', await join(memberId, []))
    note('it syncs', await sync(memberId, 1, writeAssignment([{ topic, partitions: [0, 1] }], 1)))
    note('another kind of member comes', await beat(0, []))
    note(
      'described',
      await to.ask(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false }),
    )
    note('the classic member hears of it', await classicBeat(memberId, 1))
    note('it syncs', await sync(memberId, 1))
    note('it joins again', await join(memberId, [0, 1]))
    note('it syncs', await sync(memberId, 1))
    note('the other waits', await beat(2, []))
    note('it joins without what it gave up', await join(memberId, [0]))
    note('it syncs', await sync(memberId, 2))
    note('the other gets it', await beat(2, []))
    note('it heartbeats', await classicBeat(memberId, 2))
    note(
      'described again',
      await to.ask(consumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false }),
    )
    note('the other leaves', await beat(-1, []))
    note('it hears of that', await classicBeat(memberId, 2))
    note('described as what it was', await to.ask(describeGroups, 6, { groups: [groupId] }))
    note('it joins', await join(memberId, [0]))
    note('it leaves', await to.ask(leaveGroup, 5, { groupId, members: [{ memberId }] }))
    note('the other kind comes to an empty group', await beat(0, []))
    note('it leaves', await beat(-1, []))
    note('a classic member comes to an empty group', await join('', []))
  },
}

export const groups: readonly Scenario[] = [classic, offsets, modern, rebalances, migration]
