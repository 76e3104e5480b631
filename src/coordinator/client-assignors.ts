// Who gets which partitions in a classic group whose leader lives inside the broker: what Kafka's clients do under the
// same names, so that they find a protocol they have in common. The broker's own assignors are assignors.ts.

import { type Assignee, type Assignment, assignors } from './assignors.ts'
import type { NamedPartitions } from './consumer-protocol.ts'

export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  /** What a member that gives nothing up before it joins still has. */
  readonly owned: NamedPartitions
  /** Of which generation it has that; -1: not told. */
  readonly generation: number
}

/** By member id, topic by topic. Topics without partitions are given to nobody. */
export type ClientAssignor = (
  subscribers: readonly Subscriber[],
  partitionsOf: (topic: string) => number,
) => ReadonlyMap<string, Assignment>

/**
 * In the order of preference. Java and librdkafka have `range` (and `cooperative-sticky`), librdkafka, kafka-python,
 * aiokafka and @platformatic/kafka have `roundrobin`, franz-go has `cooperative-sticky`, KafkaJS has a name of its own.
 */
export const clientAssignors: Readonly<Record<string, ClientAssignor>> = {
  range: (subscribers, partitionsOf) => assignors['range']!(subscribers.map(bare), partitionsOf),
  roundrobin,
  'cooperative-sticky': cooperativeSticky,
  RoundRobinAssigner: roundrobin,
}

const bare = (subscriber: Subscriber): Assignee => ({
  memberId: subscriber.memberId,
  instanceId: subscriber.groupInstanceId,
  topicIds: subscriber.topics,
  assigned: new Map(),
})

/** All partitions in order go round the members, past those who do not want the topic. Kafka's RoundRobinAssignor. */
function roundrobin(subscribers: readonly Subscriber[], partitionsOf: (topic: string) => number) {
  const members = [...subscribers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const shares = new Map(members.map(({ memberId }) => [memberId, new Map<string, Set<number>>()]))
  let next = 0
  for (const topic of [...new Set(members.flatMap(({ topics }) => topics))].sort())
    for (let partition = 0; partition < partitionsOf(topic); partition++) {
      while (!members[next % members.length]!.topics.includes(topic)) next++
      const share = shares.get(members[next++ % members.length]!.memberId)!
      share.set(topic, (share.get(topic) ?? new Set()).add(partition))
    }
  return shares
}

/**
 * Everyone keeps what may stay. What moves is not given away yet: who has it sees that it is to give it up, does, and
 * joins again, and then it is free (KIP-429). Kafka's CooperativeStickyAssignor.
 */
function cooperativeSticky(subscribers: readonly Subscriber[], partitionsOf: (topic: string) => number) {
  const owners = new Map<string, string>()
  const assignees = subscribers
    // Of two who claim a partition the later generation is right.
    .toSorted((a, b) => b.generation - a.generation)
    .map((subscriber): Assignee => {
      const assigned = new Map<string, Set<number>>()
      for (const { topic, partitions } of subscriber.owned)
        for (const partition of partitions) {
          if (owners.has(`${topic}-${partition}`)) continue
          owners.set(`${topic}-${partition}`, subscriber.memberId)
          assigned.set(topic, (assigned.get(topic) ?? new Set()).add(partition))
        }
      return { ...bare(subscriber), assigned }
    })
  const isFree = (memberId: string, topic: string, partition: number): boolean =>
    (owners.get(`${topic}-${partition}`) ?? memberId) === memberId
  return new Map(
    [...assignors['uniform']!(assignees, partitionsOf)].map(([memberId, share]) => [
      memberId,
      new Map(
        [...share].map(([topic, partitions]) => [
          topic,
          new Set([...partitions].filter(partition => isFree(memberId, topic, partition))),
        ]),
      ),
    ]),
  )
}
