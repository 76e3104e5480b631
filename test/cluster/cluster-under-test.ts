// A cluster without objects: commands go to the machine, stored facts go through their records, time stands still until
// told. `restart` is the same cluster again from what was stored.

import { nextCalls } from '../../src/cluster/calls.ts'
import {
  clusterMachine,
  type ClusterCommand,
  type ClusterFact,
  type ClusterReply,
  type NewTopic,
  type TopicView,
} from '../../src/cluster/cluster.ts'
import { type ClusterState, view } from '../../src/cluster/state.ts'
import type { FactRecord } from '../../src/machine.ts'
import type { Failure } from '../../src/protocol/errors.ts'

const NEVER = new Set<string>()

export class ClusterUnderTest {
  readonly machine = clusterMachine('cluster-id-of-22-chars')
  readonly records: FactRecord[]
  nowMs = 1_000_000
  state: ClusterState
  #ids = 0

  constructor(records: FactRecord[] = []) {
    this.records = records
    this.state = this.machine.empty('')
    for (const record of records) this.machine.replay(this.state, this.machine.decode(record)!.fact)
  }

  run(command: ClusterCommand): ClusterReply {
    const { facts, replies } = this.machine.decide(this.state, command, 7, this.nowMs)
    this.#keep(facts)
    return replies[0]![1]
  }

  tick(): void {
    this.#keep(this.machine.tick(this.state, this.nowMs).facts)
  }

  create(...topics: NewTopic[]): readonly (TopicView | Failure)[] {
    return this.run({ type: 'create', topics, topicIds: topics.map(() => `id-${++this.#ids}`) }) as TopicView[]
  }

  delete(...names: string[]): readonly (TopicView | Failure)[] {
    return this.run({ type: 'delete', topics: names.map(name => ({ name })) }) as TopicView[]
  }

  grow(name: string, count: number): TopicView | Failure {
    return (this.run({ type: 'grow', topics: [{ name, count }] }) as TopicView[])[0]!
  }

  alter(
    name: string,
    changes: (readonly [key: string, value: string | null, operation?: 'SET' | 'DELETE' | 'APPEND' | 'SUBTRACT'])[],
    replaceAll = false,
  ): TopicView | Failure {
    const topics = [
      { name, replaceAll, changes: changes.map(([key, value, operation = 'SET']) => ({ key, value, operation })) },
    ]
    return (this.run({ type: 'alter', topics }) as TopicView[])[0]!
  }

  get view() {
    return view(this.state)
  }

  /** What would be called now, as text. */
  get calls(): string[] {
    return this.pending(1000).map(({ topicId, partition, kind, configVersion }) =>
      kind === 'tell' ? `${topicId}-${partition} v${configVersion}` : `${topicId}-${partition} gone`,
    )
  }

  pending(most: number) {
    return nextCalls(this.state, most, NEVER)
  }

  /** Answers the next calls, or lets them fail. */
  answer(most = 1000): void {
    const answered = this.pending(most).map(call => ({ ...call, partitions: [call.partition] }))
    for (const one of answered) this.run({ type: 'carriedOut', answered: [one], postponed: [] })
  }

  fail(): void {
    const postponed = [...new Map(this.pending(1000).map(call => [call.topicId, call])).values()]
    this.run({ type: 'carriedOut', answered: [], postponed })
  }

  restart(): ClusterUnderTest {
    const again = new ClusterUnderTest(this.records)
    again.nowMs = this.nowMs
    again.#ids = this.#ids
    return again
  }

  #keep(facts: readonly ClusterFact[]): void {
    for (const fact of facts) {
      if (!fact.volatile) this.records.push(this.machine.encode(fact, ''))
      this.machine.replay(this.state, fact)
    }
  }
}
