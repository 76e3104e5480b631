import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { decodeTold, encodeAsk, type Told } from '../../src/log/followers.ts'
import { parseBatches } from '../../src/log/batch.ts'
import type { LogConfig } from '../../src/log/config.ts'
import type { PartitionObject } from '../../src/objects/partition.ts'
import { type PartitionStub, partitionStub } from '../../src/objects/place.ts'
import type { Env } from '../../src/worker/env.ts'
import { aBatch, aConfig, opened } from '../support/log.ts'

let topics = 0
const namespace = (env as unknown as Env).PARTITION

/** A partition that was born with this config; `raw` is its stub for the test harness. */
async function aPartition(
  config: Partial<LogConfig> = {},
): Promise<{ partition: PartitionStub; raw: DurableObjectStub<PartitionObject> }> {
  const topicId = `topic-${topics++}`
  const partition = partitionStub(namespace, topicId, 0, {})
  await partition.birth({ topicId, topic: 't', partition: 0, config: aConfig(config), configVersion: 1 })
  return { partition, raw: namespace.getByName(`${topicId}-0`) }
}

const append = async (partition: PartitionStub, ...values: string[]): Promise<object> =>
  (await partition.append([{ records: aBatch(values, { timestamp: Date.now() }) }]))[0]!

async function valuesOf(partition: PartitionStub, offset = 0): Promise<string[]> {
  const read = await partition.read({ offset, maxBytes: 1_000_000 })
  if ('error' in read) throw new Error(read.message)
  return opened(read.records).map(record => record.value)
}

const tablesOf = (raw: DurableObjectStub<PartitionObject>): Promise<string[]> =>
  runInDurableObject(raw, (_, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY name")
      .toArray()
      .map(row => row['name'] as string),
  )

/** A follower as the Worker's end sees it. */
async function follow(partition: PartitionStub, offset: number, creditBytes: number, lags = false) {
  const response = await partition.fetch(
    `http://partition/follow?offset=${offset}&credit=${creditBytes}&lags=${lags}`,
    {
      headers: { Upgrade: 'websocket' },
    },
  )
  const socket = response.webSocket!
  socket.binaryType = 'arraybuffer'
  const told: Told[] = []
  let waiting: (() => void) | undefined
  socket.addEventListener('message', event => {
    told.push(decodeTold(new Uint8Array(event.data as ArrayBuffer)))
    waiting?.()
  })
  socket.accept()
  return {
    socket,
    async next(): Promise<Told> {
      while (told.length === 0) await new Promise<void>(resolve => (waiting = resolve))
      return told.shift()!
    },
  }
}

describe('an unborn partition', () => {
  it('answers UNKNOWN_TOPIC_ID to everything and writes nothing', async () => {
    const raw = namespace.getByName('nobody-0')
    const partition = raw as unknown as PartitionStub
    expect(await append(partition, 'x')).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await partition.read({ offset: 0, maxBytes: 1 })).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await partition.describe()).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(
      (await partition.fetch('http://partition/follow?offset=0&credit=0', { headers: { Upgrade: 'websocket' } }))
        .status,
    ).toBe(404)
    expect(await tablesOf(raw)).toEqual([])
  })

  it('stays dead after it was removed, whatever a stale producer sends', async () => {
    const { partition, raw } = await aPartition()
    await append(partition, 'x')
    await partition.remove()
    expect(await append(partition, 'late')).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    await evictDurableObject(raw)
    expect(await append(partition, 'later')).toMatchObject({ error: 'UNKNOWN_TOPIC_ID' })
    expect(await tablesOf(raw)).toEqual([])
    await partition.remove()
  })
})

describe('durability', () => {
  it('keeps everything answered over an eviction between any two calls', async () => {
    const { partition, raw } = await aPartition({ 'segment.bytes': 400 })
    for (let i = 0; i < 12; i++) {
      expect(await append(partition, `v${i}`)).toMatchObject({ baseOffset: i })
      await evictDurableObject(raw)
    }
    expect(await valuesOf(partition)).toEqual(Array.from({ length: 12 }, (_, i) => `v${i}`))
  })

  it('stores concurrent appends in order, few rows for many', async () => {
    const { partition, raw } = await aPartition()
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => append(partition, `v${i}`)))
    expect(results.map(result => (result as { baseOffset: number }).baseOffset)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    )
    const rows = await runInDurableObject(
      raw,
      (_, state) => state.storage.sql.exec('SELECT count(*) AS n FROM segment_0_0').one()['n'] as number,
    )
    expect(rows).toBeLessThan(100)
    expect(await valuesOf(partition)).toHaveLength(200)
  })

  it('stores the appends of one call as one row', async () => {
    const { partition } = await aPartition()
    const requests = ['a', 'b', 'c'].map(value => ({ records: aBatch([value], { timestamp: Date.now() }) }))
    expect(await partition.append(requests)).toMatchObject([{ baseOffset: 0 }, { baseOffset: 1 }, { baseOffset: 2 }])
    expect(await partition.segments()).toMatchObject([{ chunks: 1 }])
  })

  it('answers a duplicate only once what it repeats is durable, and with the first offset', async () => {
    const { partition, raw } = await aPartition()
    const batch = () => aBatch(['once'], { producerId: 5, producerEpoch: 0, baseSequence: 0, timestamp: Date.now() })
    const [first, second] = await Promise.all([
      partition.append([{ records: batch() }]),
      partition.append([{ records: batch() }]),
    ])
    expect(first[0]).toMatchObject({ baseOffset: 0 })
    expect(second[0]).toMatchObject({ baseOffset: 0, duplicate: true })
    await evictDurableObject(raw)
    expect((await partition.append([{ records: batch() }]))[0]).toMatchObject({ baseOffset: 0, duplicate: true })
    expect(await valuesOf(partition)).toEqual(['once'])
  })

  it('starts again from disk when a write throws, and answers nothing it did not store', async () => {
    const { partition, raw } = await aPartition()
    await append(partition, 'before')
    await runInDurableObject(raw, (_, state) => {
      state.storage.sql.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON segment_0_0 BEGIN SELECT RAISE(ABORT, 'disk full'); END",
      )
    })
    await expect(append(partition, 'lost')).rejects.toThrow()
    const again = namespace.get(raw.id)
    await runInDurableObject(again, (_, state) => {
      state.storage.sql.exec('DROP TRIGGER broken')
    })
    expect(await append(again as unknown as PartitionStub, 'after')).toMatchObject({ baseOffset: 1 })
    expect(await valuesOf(again as unknown as PartitionStub)).toEqual(['before', 'after'])
  })

  it('keeps rows below 2,000,000 bytes for any batch', async () => {
    const { partition, raw } = await aPartition({ 'max.message.bytes': 16_777_216 })
    for (const size of [1_699_000, 1_700_000, 1_999_900, 2_000_000, 4_000_000]) {
      const big = new Uint8Array(size).fill(size % 251)
      const [result] = await partition.append([{ records: aBatch([big], { timestamp: Date.now() }) }])
      expect(result).not.toHaveProperty('error')
    }
    await evictDurableObject(raw)
    const widest = await runInDurableObject(
      raw,
      (_, state) =>
        state.storage.sql.exec('SELECT max(length(bytes) + length(batches)) AS n FROM segment_0_0').one()[
          'n'
        ] as number,
    )
    expect(widest).toBeLessThan(2_000_000)
    const read = await partition.read({ offset: 0, maxBytes: 8_388_608 })
    if ('error' in read) throw new Error(read.message)
    // Parsing checks every checksum: each byte came back.
    expect(parseBatches(read.records)).toHaveLength(4)
  })
})

describe('the alarm', () => {
  it('lets segments go by time, arms again for the next, and is not set while nothing can expire', async () => {
    const { partition, raw } = await aPartition({ 'retention.ms': 1_000, 'segment.bytes': 100 })
    expect(await runDurableObjectAlarm(raw)).toBe(false)
    const old = Date.now() - 5_000
    await partition.append([{ records: aBatch(['old'], { timestamp: old }) }])
    await partition.append([{ records: aBatch(['older'], { timestamp: old + 1 }) }])
    await partition.append([{ records: aBatch(['new'], { timestamp: Date.now() + 60_000 }) }])
    expect(await tablesOf(raw)).toEqual(['partition', 'segment_0_0', 'segment_1_0', 'segment_2_0', 'segments'])
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await tablesOf(raw)).toEqual(['partition', 'segment_2_0', 'segments'])
    expect(await partition.describe()).toMatchObject({ logStartOffset: 2, highWatermark: 3 })
    const next = await runInDurableObject(raw, (_, state) => state.storage.getAlarm())
    expect(next).toBeGreaterThan(Date.now() + 50_000)
    await evictDurableObject(raw)
    // Early: nothing goes, and it is armed again.
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await partition.describe()).toMatchObject({ logStartOffset: 2, highWatermark: 3 })
    expect(await runInDurableObject(raw, (_, state) => state.storage.getAlarm())).toBe(next)
  })

  it('comes at once when there are more bytes than retention keeps, and leaves no more than a segment over it', async () => {
    const { partition, raw } = await aPartition({ 'segment.bytes': 100 })
    for (let i = 0; i < 8; i++) await append(partition, 'x'.repeat(40))
    const before = await partition.describe()
    if ('error' in before) throw new Error(before.message)
    const sizeBytes = before.sizeBytes / 8
    expect(await runInDurableObject(raw, (_, state) => state.storage.getAlarm())).toBeGreaterThan(Date.now() + 60_000)
    const config = aConfig({ 'segment.bytes': 100, 'retention.bytes': 3 * sizeBytes })
    await partition.configure({ config, configVersion: 2 })
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await partition.describe()).toMatchObject({
      logStartOffset: 5,
      highWatermark: 8,
      sizeBytes: 3 * sizeBytes,
    })
    await append(partition, 'x'.repeat(40))
    expect(await runDurableObjectAlarm(raw)).toBe(true)
    expect(await partition.describe()).toMatchObject({ logStartOffset: 6, highWatermark: 9 })
    expect(await runInDurableObject(raw, (_, state) => state.storage.getAlarm())).toBeGreaterThan(Date.now() + 60_000)
  })

  it('comes sooner when the retention becomes shorter', async () => {
    const { partition, raw } = await aPartition()
    await append(partition, 'x')
    await partition.configure({ config: aConfig({ 'retention.ms': 10_000_000 }), configVersion: 2 })
    expect(await runInDurableObject(raw, (_, state) => state.storage.getAlarm())).toBeLessThan(Date.now() + 10_001_000)
    await partition.configure({ config: aConfig({ 'retention.ms': 5 }), configVersion: 1 })
    expect(await runInDurableObject(raw, (_, state) => state.storage.getAlarm())).toBeGreaterThan(
      Date.now() + 9_000_000,
    )
  })
})

describe('followers', () => {
  it('get what is there and what comes, as far as their credit goes', async () => {
    const { partition } = await aPartition()
    await append(partition, 'a', 'b')
    const follower = await follow(partition, 0, 1)
    const first = await follower.next()
    expect(first).toMatchObject({ type: 'data', position: 0, nextOffset: 2, highWatermark: 2 })
    await append(partition, 'c')
    expect(await follower.next()).toMatchObject({ type: 'end', highWatermark: 3 })
    follower.socket.send(encodeAsk({ type: 'credit', creditBytes: 1_000 }))
    expect(await follower.next()).toMatchObject({ type: 'data', position: 2, nextOffset: 3 })
    await append(partition, 'd')
    const pushed = await follower.next()
    expect(pushed).toMatchObject({ type: 'data', position: 3, nextOffset: 4 })
    expect(opened((pushed as { records: Uint8Array }).records).map(r => r.value)).toEqual(['d'])
  })

  it('are asked where they were after an eviction, and go on', async () => {
    const { partition, raw } = await aPartition()
    const follower = await follow(partition, 0, 1_000)
    await append(partition, 'a')
    expect(await follower.next()).toMatchObject({ type: 'data', nextOffset: 1 })
    await evictDurableObject(raw, { webSockets: 'hibernate' })
    await append(partition, 'b')
    expect(await follower.next()).toEqual({ type: 'where' })
    follower.socket.send(encodeAsk({ type: 'seek', offset: 1, creditBytes: 1_000 }))
    expect(await follower.next()).toMatchObject({ type: 'data', position: 1, nextOffset: 2 })
    await evictDurableObject(raw, { webSockets: 'hibernate' })
    follower.socket.send(encodeAsk({ type: 'credit', creditBytes: 10 }))
    expect(await follower.next()).toEqual({ type: 'where' })
  })

  it('are told when what they want is deleted, and when the topic is', async () => {
    const { partition } = await aPartition()
    await append(partition, 'a', 'b', 'c')
    const early = await follow(partition, 0, 0)
    expect(await early.next()).toMatchObject({ type: 'end', highWatermark: 3 })
    await partition.deleteRecords(2)
    expect(await early.next()).toMatchObject({ type: 'error', error: 'OFFSET_OUT_OF_RANGE', logStartOffset: 2 })
    const late = await follow(partition, 3, 0)
    await partition.remove()
    expect(await late.next()).toMatchObject({ type: 'error', error: 'UNKNOWN_TOPIC_ID' })
  })

  it('may be many', async () => {
    const { partition } = await aPartition()
    const followers = await Promise.all(Array.from({ length: 300 }, () => follow(partition, 0, 1_000)))
    await append(partition, 'all')
    const told = await Promise.all(followers.map(follower => follower.next()))
    expect(new Set(told.map(one => JSON.stringify(one))).size).toBe(1)
    expect(told[0]).toMatchObject({ type: 'data', nextOffset: 1 })
    for (const { socket } of followers) socket.close(1000)
  })

  it('tells those that lag, a part at a time, each record once and in order while more are appended', async () => {
    const { partition } = await aPartition()
    const followers = await Promise.all(Array.from({ length: 120 }, (_, i) => follow(partition, 0, 100_000, i % 6 > 0)))
    const read = Promise.all(
      followers.map(async follower => {
        const positions: number[] = []
        for (let nextOffset = 0; nextOffset < 60;) {
          const told = await follower.next()
          if (told.type !== 'data') continue
          positions.push(told.position - nextOffset)
          nextOffset = told.nextOffset
        }
        return positions.every(gap => gap === 0)
      }),
    )
    for (let i = 0; i < 60; i++) await append(partition, `value ${i}`)
    expect(await read).toEqual(followers.map(() => true))
    for (const { socket } of followers) socket.close(1000)
  })
})
