// Read, process and write over HTTP alone, as a serverless function does it: every step is one request, repeated under the same
// Idempotency-Key until it has an answer, while the broker is killed and forgets. The output is the input, once.

import { expect, it } from 'vitest'
import { startBroker } from '../../testing/index.ts'
import { client, type Reply } from '../support/http.ts'

const RECORDS = 600
const STEP = 20
const PARTITIONS = 2
/** Steps while which the broker is killed, or made to forget. */
const RESTARTS = new Set([3, 9, 14, 22])
const EVICTIONS = new Set([5, 12, 19, 27])

it('is exactly once, whatever happens to the broker between any two moments', { timeout: 60_000 }, async () => {
  await using broker = await startBroker()
  const api = client(broker.http)
  await api('POST /v1/topics', { body: { name: 'in', partitions: 1 } })
  await api('POST /v1/topics', { body: { name: 'out', partitions: PARTITIONS } })
  await api('POST /v1/topics/in/records', { body: Array.from({ length: RECORDS }, (_, value) => ({ value })) })

  /** Again and again, as a function whose call failed is called again. */
  const asked = async (ask: () => Promise<Reply>): Promise<Reply> => {
    let reply: Reply | undefined
    await expect
      .poll(
        async () => {
          reply = await ask().catch(() => undefined)
          return reply?.status
        },
        { timeout: 20_000 },
      )
      .toBe(200)
    return reply!
  }
  const answers = new Map<number, unknown>()
  for (let step = 0; step * STEP < RECORDS; step++) {
    const offset = step * STEP
    const read = await asked(() => api(`GET /v1/topics/in/partitions/0/records?offset=${offset}&limit=${STEP}`))
    const values: number[] = read.json.records.map(({ value }: { value: number }) => value)
    const body = {
      transactionalId: 'etl',
      records: values.map(value => ({ topic: 'out', partition: value % PARTITIONS, value: { was: value } })),
      offsets: { group: 'etl', offsets: [{ topic: 'in', partition: 0, offset: offset + values.length }] },
    }
    const ask = () => api('POST /v1/transactions', { body, headers: { 'Idempotency-Key': `step ${step}` } })
    const disturbance = RESTARTS.has(step) ? broker.restart() : EVICTIONS.has(step) ? broker.evict() : undefined
    const first = await asked(ask)
    await disturbance
    answers.set(step, first.json)
    // An answer that was lost on the way is asked for again.
    if (step % 4 === 0) expect((await asked(ask)).json).toEqual(first.json)
  }

  const out = async (partition: number): Promise<number[]> => {
    const path = `/v1/topics/out/partitions/${partition}/records?isolation=read_committed&limit=10000`
    const { json } = await api(`GET ${path}`)
    return json.records.map(({ value }: { value: { was: number } }) => value.was)
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const expected = Array.from({ length: RECORDS / PARTITIONS }, (_, i) => i * PARTITIONS + partition)
    await expect.poll(() => out(partition), { timeout: 15_000 }).toEqual(expected)
  }
  const { json } = await api('GET /v1/groups/etl/offsets')
  expect(json.offsets).toMatchObject([{ topic: 'in', partition: 0, offset: RECORDS }])
})
