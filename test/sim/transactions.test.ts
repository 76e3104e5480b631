// Transactions from a seed: producers, their coordinator and the partitions they write to, with crashes between any two steps
// and messages that are lost, repeated or late. Whatever happens, readers of what is committed see a transaction whole or
// not at all, in order, and nothing stays open.

import { describe, expect, it } from 'vitest'
import { isControl, isTransactional, readBatches } from '../../src/log/batch.ts'
import type { TransactionCommand, TransactionReplies } from '../../src/coordinator/transaction-commands.ts'
import { isPrepared } from '../../src/coordinator/transaction-state.ts'
import { type Failure, isFailure } from '../../src/protocol/errors.ts'
import { aBatch, opened, TestLog } from '../support/log.ts'
import { Transactional } from '../support/transactional.ts'

const RUNS = 150
const TRANSACTIONS = 12
const PARTITIONS = 3
const MAX_TRIES = 6
/** Requests asked again and again: as many as one transactional id remembers the answers of. */
const ASKED = 5
const ASKED_RUNS = 30

class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  chance(p: number): boolean {
    return this.next() < p
  }
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
}

type Outcome = 'committed' | 'aborted' | 'unknown'

class World {
  readonly random: Random
  readonly coordinator = new Transactional()
  readonly logs = Array.from({ length: PARTITIONS }, () => new TestLog({ 'segment.bytes': 600 }))
  readonly late: (() => void)[] = []
  readonly outcomes = new Map<string, { outcome: Outcome; values: string[] }>()
  trouble = 0.15

  constructor(seed: number) {
    this.random = new Random(seed)
  }

  /** One message and its answer; undefined: no answer. It may come twice, late, or after the answer was given up. */
  send<T>(deliver: () => T, crash: () => void, mayBeLate = true): T | undefined {
    const { random } = this
    if (random.chance(this.trouble)) {
      if (mayBeLate && random.chance(0.5)) this.late.push(deliver)
      return undefined
    }
    if (random.chance(this.trouble / 3)) {
      crash()
      return undefined
    }
    const answer = deliver()
    if (mayBeLate && random.chance(this.trouble)) this.late.push(deliver)
    if (random.chance(this.trouble / 3)) crash()
    return random.chance(this.trouble) ? undefined : answer
  }

  /**
   * With one epoch for all transactions, nothing tells what a producer asked in the last one from what it asks in this one:
   * the reason for KIP-890, of which TCP has to take care for older clients.
   */
  ask<C extends TransactionCommand>(command: C): TransactionReplies[C['type']] | undefined {
    return this.send(
      () => this.coordinator.ask(command),
      () => this.coordinator.restart(),
      !('clientVersion' in command) || command.clientVersion >= 2,
    )
  }

  append(partition: number, records: Uint8Array, transaction: number) {
    const log = this.logs[partition]!
    return this.send(
      () => {
        const result = log.log.append({ records: records.slice(), transaction }, log.now)
        // The power may go before anything is on disk.
        if (this.random.chance(this.trouble / 5)) {
          log.restart()
          return undefined
        }
        log.commit()
        return result
      },
      () => log.restart(),
    )
  }

  /** What the coordinator has decided is told, as the object does it. */
  tell(): void {
    const { value, unmarked } = this.coordinator.state
    if (value === undefined || !isPrepared(value)) return
    const { producerId, producerEpoch, startMs: transaction } = value
    const committed = value.status === 'PrepareCommit'
    for (const partition of [...(unmarked.get('orders') ?? [])]) {
      const log = this.logs[partition]!
      const ended = this.send(
        () => {
          const result = log.log.endTransaction({ producerId, producerEpoch, transaction, committed }, log.now)
          log.commit()
          return result
        },
        () => log.restart(),
      )
      if (ended === undefined) continue
      expect(ended).not.toHaveProperty('error')
      this.ask({ type: 'marked', transaction, partitions: [{ topic: 'orders', partition }] })
    }
  }

  deliverLate(): void {
    if (this.late.length > 0) this.late.splice(this.random.below(this.late.length), 1)[0]!()
  }

  visible(partition: number): string[] {
    const log = this.logs[partition]!.log
    const values: string[] = []
    for (let offset = 0; offset < log.bounds.lastStableOffset;) {
      const read = log.read({ offset, maxBytes: 500, isolation: 'read_committed' })
      if ('error' in read) throw new Error(read.message)
      const waiting = [...read.aborted!]
      const aborting = new Set<number>()
      for (const batch of readBatches(read.records)) {
        while (waiting[0] !== undefined && waiting[0].firstOffset <= batch.baseOffset + batch.lastOffsetDelta)
          aborting.add(waiting.shift()!.producerId)
        if (isControl(batch)) aborting.delete(batch.producerId)
        else if (!isTransactional(batch) || !aborting.has(batch.producerId))
          values.push(...opened(batch.bytes).map(({ value }) => value))
      }
      offset = read.nextOffset
    }
    return values
  }
}

/** A producer, one step at a time; whenever it cannot go on it begins anew, as an application would. */
function* producer(world: World, name: string, bumps: boolean): Generator<void> {
  const clientVersion = bumps ? 2 : 0
  let fresh = 9_000 + name.charCodeAt(0) * 1_000
  let me = { producerId: -1, producerEpoch: -1 }
  let sequences = new Map<number, number>()
  const start = function* (): Generator<void> {
    for (;;) {
      const reply = world.ask({ type: 'init', timeoutMs: 60_000, expected: null, freshProducerId: fresh++ })
      yield
      if (reply === undefined || isFailure(reply)) continue
      me = reply
      sequences = new Map()
      return
    }
  }
  const retried = function* <T>(ask: () => T | Failure | undefined): Generator<void, T | undefined> {
    // Some give up at once.
    for (let tries = world.random.below(MAX_TRIES); tries < MAX_TRIES; tries++) {
      const reply = ask()
      yield
      if (reply === undefined) continue
      if (!isFailure(reply)) return reply
      if (reply.error !== 'CONCURRENT_TRANSACTIONS') return undefined
    }
    return undefined
  }
  yield* start()
  for (let n = 0; n < TRANSACTIONS; n++) {
    const id = `${name}${n}`
    const entry = { outcome: 'unknown' as Outcome, values: [] as string[] }
    world.outcomes.set(id, entry)
    let going = true
    for (let i = 0; i < 4 && going; i++) {
      const partition = world.random.below(PARTITIONS)
      const partitions = [{ topic: 'orders', partition }]
      const added = yield* retried(() => world.ask({ type: 'add', ...me, partitions, clientVersion }))
      const verified =
        added === undefined || bumps ? added : yield* retried(() => world.ask({ type: 'verify', ...me, partitions }))
      if (verified === undefined) {
        going = false
        break
      }
      const value = `${id}/${partition}/${i}`
      const baseSequence = sequences.get(partition) ?? 0
      const records = aBatch([value], { ...me, baseSequence, transactional: true })
      const appended = yield* retried(() => world.append(partition, records, verified.transaction))
      going = appended !== undefined
      sequences.set(partition, baseSequence + 1)
      if (going) entry.values.push(value)
    }
    const committed = going && world.random.chance(0.7)
    const end = { type: 'end' as const, ...me, committed, clientVersion, freshProducerId: fresh++ }
    const ended = yield* retried(() => world.ask(end))
    if (ended !== undefined) {
      entry.outcome = committed ? 'committed' : 'aborted'
      const isSame = ended.producerId === me.producerId && ended.producerEpoch === me.producerEpoch
      if (!isSame) sequences = new Map()
      me = { producerId: ended.producerId, producerEpoch: ended.producerEpoch }
    }
    // A batch that was refused leaves a hole in the sequences.
    if (ended === undefined || !going) yield* start()
  }
}

/**
 * A request that is asked again until it has an answer, whatever becomes of each attempt, as with an Idempotency-Key. Each
 * attempt writes values of its own; the answer says which count.
 */
function* asker(world: World, name: string, answers: Map<string, string>): Generator<void> {
  let fresh = 50_000 + name.charCodeAt(0) * 1_000
  for (let n = 0; n < ASKED; n++)
    for (let attempt = 0; ; attempt++) {
      const key = `k${n}`
      yield
      const me = world.ask({ type: 'initOnce', timeoutMs: 60_000, key, freshProducerId: fresh++ })
      if (me === undefined || isFailure(me)) continue
      if ('answer' in me) {
        answers.set(`${name}/${key}`, new TextDecoder().decode(me.answer))
        break
      }
      const partitions = [0, 1].map(partition => ({ topic: 'orders', partition }))
      yield
      const added = world.ask({ type: 'add', ...me, partitions, clientVersion: 2 })
      if (added === undefined || isFailure(added)) continue
      const value = `${key}/${name}${attempt}`
      const records = aBatch([value], { ...me, baseSequence: 0, transactional: true })
      const appended = [world.append(0, records, added.transaction), world.append(1, records, added.transaction)]
      yield
      if (appended.some(result => result === undefined || 'error' in result)) continue
      const kept = { key, answer: new TextEncoder().encode(value) }
      const end = { type: 'end' as const, ...me, committed: true, clientVersion: 2, freshProducerId: fresh++, kept }
      const ended = world.ask(end)
      if (ended === undefined || isFailure(ended)) continue
      answers.set(`${name}/${key}`, value)
      break
    }
}

function askAgain(seed: number): { world: World; answers: Map<string, string> } {
  const world = new World(seed)
  const answers = new Map<string, string>()
  const askers = [asker(world, 'a', answers), asker(world, 'b', answers)]
  for (let step = 0, done = 0; done < askers.length; step++) {
    expect(step, 'steps').toBeLessThan(50_000)
    done = askers.filter(one => (world.random.chance(0.5) ? one.next().done : false)).length
    passTime(world)
  }
  settle(world)
  return { world, answers }
}

function passTime(world: World): void {
  if (world.random.chance(0.5)) world.tell()
  if (world.random.chance(0.2)) world.deliverLate()
  world.coordinator.nowMs += world.random.below(50)
  if (world.random.chance(0.005)) {
    world.coordinator.nowMs += 60_000
    world.coordinator.tick()
  }
}

/** Everything is well again, and what is late comes. */
function settle(world: World): void {
  world.trouble = 0
  for (let step = 0; world.late.length > 0 || step < 20; step++) {
    world.deliverLate()
    world.coordinator.nowMs += 60_001
    world.coordinator.tick()
    world.tell()
  }
}

function run(seed: number, bumps: boolean): World {
  const world = new World(seed)
  const client = producer(world, 'a', bumps)
  for (let step = 0; !client.next().done; step++) {
    expect(step, 'steps').toBeLessThan(20_000)
    passTime(world)
  }
  settle(world)
  return world
}

describe.each([
  ['one epoch for all', false],
  ['an epoch each (KIP-890)', true],
])('transactions with %s', (_, bumps) => {
  const first = Math.floor(Math.random() * 1_000_000)
  it(`are whole or not at all, in order, and never open for ever (seeds ${first} to ${first + RUNS - 1})`, () => {
    const seen = { committed: 0, aborted: 0, unknown: 0 }
    for (let seed = first; seed < first + RUNS; seed++) {
      const world = run(seed, bumps)
      const visible = world.logs.map((_, partition) => world.visible(partition))
      const all = visible.flat()
      expect(new Set(all).size, `seed ${seed}: nothing twice`).toBe(all.length)
      world.logs.forEach(({ log }, i) =>
        expect(log.bounds.lastStableOffset, `seed ${seed}: partition ${i} is open`).toBe(log.bounds.highWatermark),
      )
      for (const [id, { outcome, values }] of world.outcomes) {
        seen[outcome]++
        const there = all.filter(value => value.startsWith(`${id}/`))
        if (outcome === 'committed') expect(there.sort(), `seed ${seed}: ${id} committed`).toEqual(values.sort())
        else if (outcome === 'aborted') expect(there, `seed ${seed}: ${id} aborted`).toEqual([])
        else if (there.length > 0) expect(there, `seed ${seed}: ${id} half`).toEqual(expect.arrayContaining(values))
      }
      for (const values of visible) {
        const order = values.map(value => Number(value.slice(1).split('/')[0]) * 10 + Number(value.split('/')[2]))
        expect(order, `seed ${seed}: order`).toEqual([...order].sort((a, b) => a - b))
      }
    }
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10)
  })
})

describe('a request that is asked again until it has an answer, by two at once', () => {
  const first = Math.floor(Math.random() * 1_000_000)
  it(`is made once, and both get the same answer (seeds ${first} to ${first + ASKED_RUNS - 1})`, () => {
    for (let seed = first; seed < first + ASKED_RUNS; seed++) {
      const { world, answers } = askAgain(seed)
      for (const partition of [0, 1]) {
        const visible = world.visible(partition)
        for (let n = 0; n < ASKED; n++) {
          const there = visible.filter(value => value.startsWith(`k${n}/`))
          for (const name of ['a', 'b'])
            expect(there, `seed ${seed}: k${n} of ${name}`).toEqual([answers.get(`${name}/k${n}`)])
        }
        expect(visible).toHaveLength(ASKED)
      }
    }
  })
})
