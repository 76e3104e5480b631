// A machine of the simplest kind in a real object: counters by name, callers parked until a count, a count forgotten in time.

import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { partitionConfig } from '../../src/cluster/configs.ts'
import type { Fact, Machine, Ticket } from '../../src/machine.ts'
import { Shard } from '../../src/objects/shard.ts'
import type { PartitionObject } from '../../src/objects/partition.ts'
import type { Env } from '../../src/worker/env.ts'

interface Counter {
  count: number
  forgetMs: number | undefined
  readonly parked: Map<Ticket, number>
}
type Command =
  | { readonly type: 'add'; readonly n: number; readonly times?: number }
  | { readonly type: 'whenAt'; readonly count: number }
  | { readonly type: 'forgetAfter'; readonly ms: number }
  | { readonly type: 'look' }
  | { readonly type: 'fail' }
interface CounterFact extends Fact {
  readonly count?: number
  readonly pad?: string
  readonly forgetMs?: number
  readonly park?: readonly [Ticket, number]
  readonly unpark?: Ticket
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const counters: Machine<Counter, Command, CounterFact, number> = {
  empty: () => ({ count: 0, forgetMs: undefined, parked: new Map() }),
  decide(state, command, ticket, nowMs) {
    switch (command.type) {
      case 'add': {
        const count = state.count + command.n
        const freed = [...state.parked].filter(([, at]) => at <= count)
        const facts = Array.from({ length: command.times ?? 1 }, () => ({ count, pad: 'x'.repeat(200) }))
        return {
          facts: [...facts, ...freed.map(([parked]) => ({ unpark: parked, volatile: true as const }))],
          replies: [[ticket, count], ...freed.map(([parked]) => [parked, count] as const)],
        }
      }
      case 'whenAt':
        return { facts: [{ park: [ticket, command.count], volatile: true }], replies: [] }
      case 'forgetAfter':
        return { facts: [{ forgetMs: nowMs + command.ms, volatile: true }], replies: [[ticket, state.count]] }
      case 'look':
        return { facts: [], replies: [[ticket, state.count]] }
      case 'fail':
        throw new Error('a bug')
    }
  },
  replay(state, { count, forgetMs, park, unpark }) {
    if (count !== undefined) state.count = count
    if (count === 0) state.forgetMs = undefined
    if (forgetMs !== undefined) state.forgetMs = forgetMs
    if (park !== undefined) state.parked.set(...park)
    if (unpark !== undefined) state.parked.delete(unpark)
  },
  tick: state => ({
    facts: [{ count: 0 }, ...[...state.parked.keys()].map(unpark => ({ unpark, volatile: true as const }))],
    replies: [...state.parked.keys()].map(ticket => [ticket, -1] as const),
  }),
  deadline: state => state.forgetMs,
  isEmpty: state => state.count === 0 && state.parked.size === 0,
  encode: ({ count }, of) => ({ key: encoder.encode(of), value: encoder.encode(String(count)) }),
  decode: ({ key, value }) =>
    value === null ? undefined : { of: decoder.decode(key), fact: { count: Number(decoder.decode(value)) } },
}

const identity = { topicId: 'counters', topic: '__counters', partition: 0 }
const config = partitionConfig({ 'cleanup.policy': 'compact', 'max.message.bytes': '16777216' })
type Counters = Shard<Counter, Command, CounterFact, number>

let objects = 0
const named = (name: string): DurableObjectStub<PartitionObject> => (env as unknown as Env).PARTITION.getByName(name)
const fresh = (): DurableObjectStub<PartitionObject> => named(`counters-${objects++}`)

/** Runs a shard in an object of its own; the same object runs it again after an eviction. */
const within = <T>(
  stub: DurableObjectStub<PartitionObject>,
  use: (shard: Counters, state: DurableObjectState) => Promise<T>,
  options: { onTick?: () => void; now?: () => number } = {},
): Promise<T> =>
  runInDurableObject(stub, (_, state) => use(new Shard(state, counters, { identity, config, ...options }), state))

describe('a shard', () => {
  it('writes nothing until there is a first fact', async () => {
    const stub = fresh()
    await within(stub, async (shard, state) => {
      expect(await shard.call({ type: 'look' })).toBe(0)
      expect(await shard.read(({ count }) => count)).toBe(0)
      const tables = state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      expect(tables.toArray()).toEqual([])
      expect(await state.storage.getAlarm()).toBeNull()
    })
  })

  it('finds its states again after a restart', async () => {
    const stub = fresh()
    await within(stub, async shard => {
      expect(await shard.call({ type: 'add', n: 2 }, 'a')).toBe(2)
      expect(await shard.call({ type: 'add', n: 3 }, 'a')).toBe(5)
      expect(await shard.call({ type: 'add', n: 7 }, 'b')).toBe(7)
    })
    await evictDurableObject(stub)
    await within(stub, async shard => {
      expect(await shard.call({ type: 'look' }, 'a')).toBe(5)
      expect(await shard.read(({ count }) => count, 'b')).toBe(7)
      expect(await shard.call({ type: 'look' }, 'c')).toBe(0)
    })
  })

  it('stores a turn of many facts as a whole', async () => {
    const stub = fresh()
    await within(stub, shard => shard.call({ type: 'add', n: 1, times: 50_000 }, 'a'))
    await evictDurableObject(stub)
    await within(stub, async shard => {
      expect(shard.host.log!.highWatermark).toBe(50_000)
      expect(await shard.call({ type: 'look' }, 'a')).toBe(1)
    })
  })

  it('decides in call order and answers only what is durable', async () => {
    await within(fresh(), async (shard, state) => {
      const answers = [1, 1, 1, 1].map(n => shard.call({ type: 'add', n }))
      const seen = shard.read(({ count }) => count)
      expect(shard.state().count).toBe(4)
      expect(await seen).toBe(4)
      expect(shard.host.log!.highWatermark).toBe(4)
      expect(await Promise.all(answers)).toEqual([1, 2, 3, 4])
      await state.storage.sync()
    })
  })

  it('answers parked callers when a later turn says so', async () => {
    await within(fresh(), async shard => {
      const waiting = shard.call({ type: 'whenAt', count: 3 })
      await shard.call({ type: 'add', n: 2 })
      await shard.call({ type: 'add', n: 2 })
      expect(await waiting).toBe(4)
    })
  })

  it('ticks by its timer while someone waits, and says so', async () => {
    let ticks = 0
    await within(
      fresh(),
      async shard => {
        await shard.call({ type: 'add', n: 2 })
        const waiting = shard.call({ type: 'whenAt', count: 9 })
        await shard.call({ type: 'forgetAfter', ms: 30 })
        expect(await waiting).toBe(-1)
        expect(shard.state().count).toBe(0)
        expect(ticks).toBe(1)
      },
      { onTick: () => ticks++ },
    )
  })

  it('leaves what is far off to one alarm, which moves only to earlier', async () => {
    let nowMs = 1_900_000_000_000
    await within(
      fresh(),
      async (shard, state) => {
        await shard.call({ type: 'add', n: 2 })
        await shard.call({ type: 'forgetAfter', ms: 60_000 })
        expect(await state.storage.getAlarm()).toBe(nowMs + 60_000)
        await shard.call({ type: 'forgetAfter', ms: 90_000 })
        expect(await state.storage.getAlarm()).toBe(nowMs + 60_000)
        nowMs += 60_000
        await state.storage.deleteAlarm()
        await shard.alarm()
        expect(shard.state().count).toBe(2)
        expect(await state.storage.getAlarm()).toBe(nowMs + 30_000)
        nowMs += 30_000
        await state.storage.deleteAlarm()
        await shard.alarm()
        expect(shard.state().count).toBe(0)
        expect(await state.storage.getAlarm()).toBeNull()
      },
      { now: () => nowMs },
    )
  })

  it('starts again from what is stored when a turn throws', async () => {
    await within(named('failing'), shard => shard.call({ type: 'add', n: 2 }, 'a'))
    await expect(within(named('failing'), shard => shard.call({ type: 'fail' }, 'a'))).rejects.toThrow('a turn failed')
    await within(named('failing'), async shard => expect(await shard.call({ type: 'look' }, 'a')).toBe(2))
  })

  it('refuses callers beyond what it can park', async () => {
    await within(fresh(), async shard => {
      const parked = Array.from({ length: 10_000 }, () => shard.call({ type: 'whenAt', count: 1 }))
      await expect(shard.call({ type: 'look' })).rejects.toThrow(/callers are waiting/)
      parked.forEach(one => one.catch(() => {}))
    })
  })
})
