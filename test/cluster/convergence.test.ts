// Whatever is created, changed and deleted, whatever answers are lost and whenever the process dies: in the end exactly the
// partitions of the topics that exist are alive, each with the config that holds.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Call } from '../../src/cluster/calls.ts'
import { partitionConfig } from '../../src/cluster/configs.ts'
import { ClusterUnderTest } from './cluster-under-test.ts'

interface World {
  cluster: ClusterUnderTest
  /** What partition objects hold: the version and config they were told last. */
  readonly alive: Map<string, { readonly version: number; readonly config: unknown }>
  /** Calls that were sent and may arrive at any time until a minute has passed. */
  onTheirWay: Call[]
}

function arrive({ alive }: World, { topicId, partition, configVersion, birth }: Call): void {
  const key = `${topicId}-${partition}`
  if (birth === undefined) alive.delete(key)
  else if ((alive.get(key)?.version ?? 0) < configVersion)
    alive.set(key, { version: configVersion, config: birth.config })
}

const answer = ({ cluster }: World, call: Call): void =>
  void cluster.run({ type: 'carriedOut', answered: [{ ...call, partitions: [call.partition] }], postponed: [] })

const names = ['a', 'b', 'c']
const name = fc.constantFrom(...names)
type Step = (world: World) => void
const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  fc
    .tuple(name, fc.integer({ min: 1, max: 4 }))
    .map(
      ([topic, partitions]) =>
        [
          `create ${topic} ${partitions}`,
          (world: World) => void world.cluster.create({ name: topic, partitions }),
        ] as const,
    ),
  name.map(topic => [`delete ${topic}`, (world: World) => void world.cluster.delete(topic)] as const),
  fc
    .tuple(name, fc.integer({ min: 2, max: 6 }))
    .map(
      ([topic, count]) => [`grow ${topic} ${count}`, (world: World) => void world.cluster.grow(topic, count)] as const,
    ),
  fc
    .tuple(name, fc.constantFrom('retention.ms', 'flush.ms'), fc.integer({ min: 1, max: 9 }))
    .map(
      ([topic, key, value]) =>
        [
          `alter ${topic} ${key} ${value}`,
          (world: World) => void world.cluster.alter(topic, [[key, String(value)]]),
        ] as const,
    ),
  fc
    .integer({ min: 1, max: 9 })
    .map(
      hours =>
        [
          `broker ${hours}`,
          (world: World) =>
            void world.cluster.run({ type: 'configureBroker', broker: { 'log.retention.hours': String(hours) } }),
        ] as const,
    ),
  fc.integer({ min: 1, max: 3 }).map(
    most =>
      [
        `answered ${most}`,
        (world: World) => {
          for (const call of world.cluster.pending(most)) {
            arrive(world, call)
            answer(world, call)
          }
        },
      ] as const,
  ),
  fc
    .integer({ min: 1, max: 3 })
    .map(
      most => [`sent ${most}`, (world: World) => void world.onTheirWay.push(...world.cluster.pending(most))] as const,
    ),
  fc.tuple(fc.nat({ max: 5 }), fc.boolean()).map(
    ([i, heard]) =>
      [
        `arrives ${i}${heard ? ' and is answered' : ''}`,
        (world: World) => {
          const [call] = world.onTheirWay.splice(i, 1)
          if (call === undefined) return
          arrive(world, call)
          if (heard) answer(world, call)
        },
      ] as const,
  ),
  fc.constant(['fails', (world: World) => world.cluster.fail()] as readonly [string, Step]),
  fc.constant(['restart', (world: World) => void (world.cluster = world.cluster.restart())] as readonly [string, Step]),
)

/** Time passes: what was on its way arrives, in any order, and the cluster does all that falls due. */
function settle(world: World): void {
  for (const call of world.onTheirWay.splice(0).reverse()) arrive(world, call)
  for (let due = 0; due !== undefined;) {
    world.cluster.nowMs = Math.max(world.cluster.nowMs, due)
    world.cluster.tick()
    for (const call of world.cluster.pending(1000)) {
      arrive(world, call)
      answer(world, call)
    }
    due = world.cluster.machine.deadline(world.cluster.state) as number
  }
}

it('partitions converge to what the cluster says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), steps => {
      const world: World = { cluster: new ClusterUnderTest(), alive: new Map(), onTheirWay: [] }
      for (const [, take] of steps) take(world)
      settle(world)
      const wanted = new Map<string, unknown>()
      const { state } = world.cluster
      for (const topic of state.topics.values())
        for (let partition = 0; partition < topic.partitions; partition++)
          wanted.set(`${topic.topicId}-${partition}`, partitionConfig(topic.config, state.broker))
      expect(new Map([...world.alive].map(([key, { config }]) => [key, config]))).toEqual(wanted)
      expect(state.errands.size).toBe(0)
      // What the environment says of the broker is not kept before there is something to keep.
      if (state.version > 0) expect(world.cluster.restart().state).toEqual(state)
    }),
    { numRuns: 300 },
  )
})
