import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { OFFSETS_TOPIC_ID } from '../../src/cluster/internal.ts'
import type { GroupCommand, GroupReplies } from '../../src/coordinator/commands.ts'
import { readBatches } from '../../src/log/batch.ts'
import type { LogConfig } from '../../src/log/config.ts'
import { decodeBatch, encodeBatch } from '../../src/log/records.ts'
import { PARTITION_CLEANING } from '../../src/objects/log-cleaner.ts'
import { LogHost, type LogHostOptions } from '../../src/objects/log-host.ts'
import { partitionStub } from '../../src/objects/place.ts'
import type { Env } from '../../src/worker/env.ts'
import { commit, fetchAll } from '../support/group.ts'
import { aConfig } from '../support/log.ts'

const bindings = env as unknown as Env
const HOUR_MS = 3_600_000
const text = new TextEncoder()
const untext = new TextDecoder()
let topics = 0

/** A compacted partition, as its callers see it and as the test harness does. */
async function aPartition(config: Partial<LogConfig> = {}) {
  const topicId = `compacted-${topics++}`
  const partition = partitionStub(bindings.PARTITION, topicId, 0, {})
  const compacted = aConfig({ 'cleanup.policy': ['compact'], 'segment.bytes': 2_000, ...config })
  await partition.birth({ topicId, topic: 't', partition: 0, config: compacted, configVersion: 1 })
  const raw = bindings.PARTITION.getByName(`${topicId}-0`)
  const again = () => bindings.PARTITION.getByName(`${topicId}-0`)
  const put = (from: number, n: number, keys: number) => {
    const requests = Array.from({ length: n }, (_, i) => ({
      records: encodeBatch([
        {
          timestamp: Date.now(),
          key: text.encode(`k${(from + i) % keys}`),
          value: text.encode(`${from + i}`),
          headers: [],
        },
      ]),
      facts: { recordWithoutKey: null, minTimestamp: 1 },
    }))
    return partition.append(requests)
  }
  const all = async () => {
    const seen: { offset: number; key: string; value: string }[] = []
    for (let offset = 0; ;) {
      // A stub of its own: one that saw the object break stays broken.
      const read = await partitionStub(bindings.PARTITION, topicId, 0, {}).read({ offset, maxBytes: 10_000 })
      if ('error' in read) throw new Error(read.message)
      for (const batch of readBatches(read.records)) {
        const records = decodeBatch(batch)
        if ('error' in records) throw new Error(records.message)
        for (const { offset: at, key, value } of records)
          seen.push({ offset: at, key: untext.decode(key!), value: untext.decode(value!) })
      }
      if (read.nextOffset === offset) return seen
      offset = read.nextOffset
    }
  }
  return { raw, again, put, all }
}

type Raw = Awaited<ReturnType<typeof aPartition>>['raw']
const alarmOf = (raw: Raw) => runInDurableObject(raw, (_, state) => state.storage.getAlarm())
const segmentTables = (raw: Raw) =>
  runInDurableObject(raw, (_, state) =>
    state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'segment\\_%' ESCAPE '\\'").toArray(),
  )
/** Records may not be cleaned yet, and so the partition's own alarm leaves them alone; by the time of `later` they may. */
const MUCH_LATER: Partial<LogConfig> = { 'min.compaction.lag.ms': HOUR_MS }
const later = (): number => Date.now() + 2 * HOUR_MS
/** A host of its own on the partition's storage, as after a start. */
const withHost = <T>(raw: Raw, options: LogHostOptions, use: (host: LogHost) => Promise<T>): Promise<T> =>
  runInDurableObject(raw, (_, state) => use(new LogHost(state, options)))

const valuesOf = (seen: readonly { key: string; value: string }[]) =>
  new Map(seen.map(({ key, value }) => [key, value]))
/** The last values of `n` records put in turn under so many keys. */
const lastOf = (n: number, keys: number) =>
  new Map(Array.from({ length: keys }, (_, i) => [`k${(n - keys + i) % keys}`, `${n - keys + i}`]))

describe('a compacted partition', () => {
  it('is cleaned by its alarm, which it sets when there is something to clean and not before', async () => {
    const { raw, put, all } = await aPartition()
    await put(0, 10, 5)
    expect(await alarmOf(raw)).toBeNull()
    await put(10, 190, 5)
    for (let i = 190; i < 200; i++) await put(10 + i, 1, 5)
    expect(await alarmOf(raw)).not.toBeNull()
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await alarmOf(raw)).toBeNull()
    const seen = await all()
    expect(seen.length).toBeLessThan(50)
    expect(valuesOf(seen)).toEqual(lastOf(210, 5))
    await evictDurableObject(raw)
    expect(await all()).toEqual(seen)
    expect(await runDurableObjectAlarm(raw)).toBe(false)
    expect(await segmentTables(raw)).toHaveLength(2)
  })

  it('sets its alarm for when min.compaction.lag.ms has passed, and max.compaction.lag.ms where too little is dirty', async () => {
    for (const config of [
      { 'min.compaction.lag.ms': HOUR_MS },
      { 'max.compaction.lag.ms': HOUR_MS, 'min.cleanable.dirty.ratio': 1 },
    ]) {
      const fromMs = Date.now()
      const { raw, put } = await aPartition(config)
      for (let i = 0; i < 30; i++) await put(i * 10, 10, 5)
      const alarmMs = (await alarmOf(raw))!
      expect(alarmMs).toBeGreaterThanOrEqual(fromMs + HOUR_MS)
      expect(alarmMs).toBeLessThanOrEqual(Date.now() + HOUR_MS)
    }
  })

  it('waits while another of the isolate has its turn, whose map takes as much memory as may be', async () => {
    const [one, other] = [await aPartition(MUCH_LATER), await aPartition(MUCH_LATER)]
    for (let i = 0; i < 20; i++) await Promise.all([one.put(i * 10, 10, 7), other.put(i * 10, 10, 7)])
    /** Whether it is still to be cleaned after an alarm. */
    const isDueAfter = (raw: Raw, alarmBytes = PARTITION_CLEANING.alarmBytes) =>
      withHost(raw, { now: later, cleaning: { ...PARTITION_CLEANING, stepBytes: 10_000, alarmBytes } }, async host => {
        await host.alarm()
        return (host.log!.cleanableMs() ?? Number.POSITIVE_INFINITY) <= later()
      })
    expect(await isDueAfter(one.raw, 1)).toBe(true)
    expect(await isDueAfter(other.raw)).toBe(true)
    expect(await alarmOf(other.raw)).toBeGreaterThan(later() - 1_000)
    expect(await isDueAfter(one.raw)).toBe(false)
    expect(await isDueAfter(other.raw)).toBe(false)
  })

  it('gets to the end over evictions after every step', async () => {
    const { raw, put, all } = await aPartition(MUCH_LATER)
    for (let i = 0; i < 20; i++) await put(i * 10, 10, 7)
    const before = await all()
    let alarms = 0
    const cleaning = { ...PARTITION_CLEANING, stepBytes: 12_000, alarmBytes: 1 }
    const isDue = (host: LogHost) => (host.log!.cleanableMs() ?? Number.POSITIVE_INFINITY) <= later()
    const turn = () =>
      withHost(raw, { cleaning, now: later }, async host => {
        const due = isDue(host)
        await host.alarm()
        return due
      })
    for (; await turn(); alarms++) {
      await evictDurableObject(raw)
      const seen = await all()
      expect(valuesOf(seen)).toEqual(lastOf(200, 7))
      expect(seen).toEqual(before.filter(({ offset }) => seen.some(one => one.offset === offset)))
      expect(alarms).toBeLessThan(500)
    }
    expect(alarms).toBeGreaterThan(5)
    expect((await all()).length).toBeLessThan(60)
    expect(await segmentTables(raw)).toHaveLength(2)
  })

  it('loses and repeats nothing where it is cut off in the middle of any step', async () => {
    const { again, put, all } = await aPartition(MUCH_LATER)
    for (let i = 0; i < 20; i++) await put(i * 10, 10, 7)
    const before = await all()
    const cleaning = { ...PARTITION_CLEANING, stepBytes: 8_000, takesTurn: false }
    let wasCutOff = true
    for (let n = 4; wasCutOff; n += 3) {
      wasCutOff = false
      await runInDurableObject(again(), async (_, state) => {
        let asked = 0
        const now = (): number => {
          if (++asked === n) {
            wasCutOff = true
            state.abort('cut off')
            throw new Error('cut off')
          }
          return later()
        }
        await new LogHost(state, { now, cleaning }).alarm()
      }).catch(() => {})
      await evictDurableObject(again()).catch(() => {})
      const seen = await all()
      expect(valuesOf(seen)).toEqual(lastOf(200, 7))
      expect(seen).toEqual(before.filter(({ offset }) => seen.some(one => one.offset === offset)))
      expect(n).toBeLessThan(1_000)
    }
    expect((await all()).length).toBeLessThan(60)
    expect(await segmentTables(again())).toHaveLength(2)
  })

  it('takes appends and reads between the steps', async () => {
    const { raw, put, all } = await aPartition(MUCH_LATER)
    for (let i = 0; i < 40; i++) await put(i * 10, 10, 7)
    const cleaning = { ...PARTITION_CLEANING, stepBytes: 5_000 }
    await withHost(raw, { cleaning, now: later }, async host => {
      let isOver = false
      const cleaned = host.alarm().then(() => (isOver = true))
      const facts = { recordWithoutKey: null, minTimestamp: 1 }
      // What comes meanwhile is to be cleaned, too: were there no end of it, there would be none of cleaning.
      for (let n = 400; n < 410; n++) {
        const [key, value] = [text.encode(`k${n % 7}`), text.encode(`${n}`)]
        const records = encodeBatch([{ timestamp: Date.now(), key, value, headers: [] }])
        expect(await host.append({ records, facts })).toMatchObject({ baseOffset: n })
        const read = host.read({ offset: 0, maxBytes: 100_000 })
        if ('error' in read) throw new Error(read.message)
        expect(readBatches(read.records).length).toBeGreaterThan(6)
        expect(isOver).toBe(false)
      }
      await cleaned
    })
    await evictDurableObject(raw)
    const seen = await all()
    expect(seen.length).toBeLessThan(60)
    expect(valuesOf(seen)).toEqual(lastOf(410, 7))
  })

  it('ends with its topic, whenever that is deleted', async () => {
    const failed = vi.spyOn(console, 'error')
    for (const asked of [1, 2, 3, 5, 8, 13, 21]) {
      const { raw, put } = await aPartition(MUCH_LATER)
      for (let i = 0; i < 10; i++) await put(i * 10, 10, 7)
      await runInDurableObject(raw, async (_, state) => {
        let removed: Promise<void> | undefined
        let times = 0
        // In the middle of a step nothing else runs, so right after whatever asks for the time.
        const now = (): number => {
          if (++times === asked) queueMicrotask(() => (removed = host.remove()))
          return later()
        }
        const host = new LogHost(state, { now, cleaning: { ...PARTITION_CLEANING, stepBytes: 8_000 } })
        await host.alarm()
        await removed
        expect(removed).toBeDefined()
        const tables = "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'"
        expect(state.storage.sql.exec(tables).toArray()).toEqual([])
        expect(await state.storage.getAlarm()).toBeNull()
      })
      // The object itself still believes in its topic.
      await evictDurableObject(raw)
    }
    expect(failed).not.toHaveBeenCalled()
    failed.mockRestore()
  })

  it('gives up until the next start where a step fails, and stays readable', async () => {
    const { raw, put, all } = await aPartition(MUCH_LATER)
    for (let i = 0; i < 20; i++) await put(i * 10, 10, 7)
    await withHost(raw, { now: later }, async host => {
      host.log!.clean = () => {
        throw new Error('a bug')
      }
      await host.alarm()
      expect(host.read({ offset: 199, maxBytes: 1 })).toMatchObject({ nextOffset: 200 })
    })
    expect(await all()).toHaveLength(200)
    await evictDurableObject(raw)
    await withHost(raw, { now: later }, host => host.alarm())
    await evictDurableObject(raw)
    expect((await all()).length).toBeLessThan(60)
  })
})

describe('the log of a coordinator', () => {
  it('stays small after four thousand commits of a group', async () => {
    const raw = bindings.COORDINATOR.getByName(`${OFFSETS_TOPIC_ID}-999`)
    const coordinator = raw as unknown as {
      ask(id: string, c: GroupCommand): Promise<GroupReplies[keyof GroupReplies]>
      describe(): Promise<{ highWatermark: number; sizeBytes: number }>
    }
    let commits = 0
    let largestBytes = 0
    while (commits < 4_000) {
      await Promise.all(Array.from({ length: 500 }, (_, i) => coordinator.ask('g', commit({ [i % 4]: commits + i }))))
      commits += 500
      await runDurableObjectAlarm(raw)
      largestBytes = Math.max(largestBytes, (await coordinator.describe()).sizeBytes)
    }
    const offsets = async () => {
      const { topics: found } = (await coordinator.ask('g', fetchAll)) as unknown as {
        topics: { partitions: { partition: number }[] }[]
      }
      return found[0]!.partitions.sort((a, b) => a.partition - b.partition)
    }
    const committed = await offsets()
    await evictDurableObject(raw)
    expect(await offsets()).toEqual(committed)
    const { highWatermark, sizeBytes } = await coordinator.describe()
    expect(highWatermark).toBe(commits)
    // Of 510 kB that were written: the newest segment, and what is left of those before.
    expect(Math.max(largestBytes, sizeBytes)).toBeLessThan(320_000)
  })
})
