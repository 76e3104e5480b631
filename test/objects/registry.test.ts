import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { SCHEMAS_TOPIC, SCHEMAS_TOPIC_ID } from '../../src/cluster/internal.ts'
import { readBatches } from '../../src/log/batch.ts'
import { decodeBatch } from '../../src/log/records.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { aRecord, aRequest } from '../support/registry.ts'

const bindings = env as unknown as Env
const raw = bindings.REGISTRY.getByName(`${SCHEMAS_TOPIC_ID}-0`)
const broker = (): Broker => new Broker(bindings, { waitUntil: () => {} })
const register = (subject: string, schema: string) =>
  broker().registry.ask({ type: 'register', subject, request: aRequest(schema), normalize: false })

it('the registry writes nothing for those who only look, and keeps what it was told when it is evicted', async () => {
  expect(await broker().registry.ask({ type: 'subjects', prefix: ':*:', filter: 'all' })).toEqual([])
  const tables = await runInDurableObject(raw, (_, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  )
  expect(tables).toEqual([])
  expect(isFailure(await broker().topic(SCHEMAS_TOPIC))).toBe(true)

  expect(await register('s', aRecord('r', 'a'))).toMatchObject({ id: 1, version: 1 })
  expect(await register('s', aRecord('r', 'a', '?b'))).toMatchObject({ id: 2, version: 2 })
  await evictDurableObject(raw)
  expect(await register('s', aRecord('r', 'a', '?b'))).toMatchObject({ id: 2, version: 2 })
  expect(await register('s', aRecord('r', 'a', 'c'))).toMatchObject({ errorCode: 409 })

  const topic = await broker().topic(SCHEMAS_TOPIC)
  if (isFailure(topic)) throw new Error(topic.message)
  expect(topic).toMatchObject({ partitions: 1, config: { 'cleanup.policy': 'compact' } })
  const read = await broker().read(topic, 0, { offset: 0, maxBytes: 1_000_000 })
  if ('error' in read) throw new Error(read.message)
  const keys = readBatches(read.records).flatMap(batch => {
    const records = decodeBatch(batch)
    if (isFailure(records)) throw new Error(records.message)
    return records.map(({ key }) => JSON.parse(new TextDecoder().decode(key!)) as object)
  })
  expect(keys).toEqual([1, 2].map(version => ({ keytype: 'SCHEMA', subject: 's', version, magic: 1 })))
})

it('one schema registered by many at once is one', async () => {
  const schema = aRecord('many', 'a')
  const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => register(`many-${i % 5}`, schema)))
  const [first] = replies as { id: number }[]
  for (const reply of replies) expect(reply).toMatchObject({ id: first!.id, version: 1 })
})
