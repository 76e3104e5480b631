// A transaction from one request where answers get lost on the way: what its sender is told is true, and asking again under
// the same key leads to the one answer there is.

import { expect, it, vi } from 'vitest'
import { failure, isFailure } from '../../src/protocol/errors.ts'
import type { Broker } from '../../src/worker/broker.ts'
import { isControl, readBatches } from '../../src/log/batch.ts'
import { withoutAborted } from '../../src/worker/committed.ts'
import { transact } from '../../src/worker/transact.ts'
import { parseTransaction } from '../../src/worker/transaction-body.ts'
import { isMalformed } from '../../src/worker/malformed.ts'
import { InProcess } from '../support/in-process.ts'

vi.mock('cloudflare:workers', () => import('../support/cloudflare-workers.ts'))

const inProcess = new InProcess()

/** A broker whose coordinator's answers to `end` are lost as long as there are some to lose; they are carried out all the same. */
function losing(count: number, meanwhile: () => Promise<unknown> = async () => {}): Broker {
  const broker = inProcess.broker()
  const { transactions } = broker
  const ask = transactions.ask.bind(transactions)
  let left = count
  transactions.ask = async (id, command) => {
    const reply = await ask(id, command)
    if (command.type !== 'end' || left === 0) return reply
    left--
    await meanwhile()
    return failure('COORDINATOR_NOT_AVAILABLE')
  }
  return broker
}

let topics = 0
function aRequest(key: string | undefined, more: object = {}) {
  const topic = `t${topics++}`
  const bytes = new TextEncoder().encode(JSON.stringify({ records: [{ topic, value: topic }], ...more }))
  const body = parseTransaction(bytes, { format: 'json', keyFormat: 'text', now: Date.now() })
  if (isMalformed(body)) throw new Error(body.malformed)
  return { topic, request: { body, nowMs: Date.now(), digest: 'd', key, sticky: key ?? '' } }
}

/** What readers of what is committed get of it, once nothing is open. */
async function committed(name: string): Promise<number> {
  const broker = inProcess.broker()
  const topic = await broker.topic(name)
  if (isFailure(topic)) return 0
  let count = 0
  await expect
    .poll(
      async () => {
        const read = await broker.read(topic, 0, { offset: 0, maxBytes: 100_000, isolation: 'read_committed' })
        if ('error' in read) throw new Error(read.message)
        const batches = readBatches(withoutAborted(read).records).filter(batch => !isControl(batch))
        count = batches.reduce((sum, batch) => sum + batch.count, 0)
        return read.lastStableOffset === read.highWatermark
      },
      { timeout: 15_000 },
    )
    .toBe(true)
  return count
}

it('is committed although the first answer of its end was lost', async () => {
  const { topic, request } = aRequest(undefined)
  expect(await transact(losing(1), request)).toHaveProperty('transacted')
  expect(await committed(topic)).toBe(1)
})

it('says that it does not know where no end was answered, and knows when it is asked again under its key', async () => {
  const { topic, request } = aRequest('key-1')
  const lost = await transact(losing(99), request)
  expect(lost).toMatchObject({ error: 'COORDINATOR_NOT_AVAILABLE', part: 'transaction', outcome: 'unknown' })
  expect(await transact(inProcess.broker(), request)).toMatchObject({ transacted: { digest: 'd' } })
  expect(await committed(topic)).toBe(1)
})

it('does not call aborted what was committed before somebody took over', async () => {
  const { topic, request } = aRequest(undefined, { transactionalId: 'mine' })
  const newer = aRequest(undefined, { transactionalId: 'mine' })
  const lost = await transact(
    losing(1, () => transact(inProcess.broker(), newer.request)),
    request,
  )
  expect(lost).toMatchObject({ outcome: 'unknown' })
  expect(await committed(topic)).toBe(1)
  expect(await committed(newer.topic)).toBe(1)
})

it('is aborted where it is not known whether a record was written, and is made once when it is asked again', async () => {
  const { topic, request } = aRequest('key-2')
  const broker = inProcess.broker()
  const append = broker.append.bind(broker)
  broker.append = async (...args) => {
    await append(...args)
    return failure('REQUEST_TIMED_OUT')
  }
  expect(await transact(broker, request)).toMatchObject({ part: 'records', outcome: 'aborted' })
  expect(await committed(topic)).toBe(0)
  expect(await transact(inProcess.broker(), request)).toHaveProperty('transacted')
  expect(await committed(topic)).toBe(1)
})

it('is told that it took too long, or who took over', async () => {
  const fenced = aRequest(undefined, { transactionalId: 'fenced' })
  const broker = inProcess.broker()
  const append = broker.append.bind(broker)
  broker.append = async (...args) => {
    await transact(inProcess.broker(), aRequest(undefined, { transactionalId: 'fenced' }).request)
    return append(...args)
  }
  expect(await transact(broker, fenced.request)).toMatchObject({ error: 'PRODUCER_FENCED', outcome: 'aborted' })
  expect(await committed(fenced.topic)).toBe(0)
})
