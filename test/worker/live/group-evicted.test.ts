// Groups of live consumers while the objects behind them lose their memory, and after the broker died.

import { afterEach, expect, it } from 'vitest'
import { startBroker, type TestBroker } from '../../../testing/index.ts'
import { Api, LiveClient, type LiveRecord } from '../../support/live-client.ts'

let broker: TestBroker
const clients: LiveClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.cut()
  await broker?.close()
})

const CONFIG = {
  'group.initial.rebalance.delay.ms': 50,
  'group.min.session.timeout.ms': 500,
  'group.consumer.heartbeat.interval.ms': 1_000,
}
const values = (records: readonly LiveRecord[]): number[] => records.map(({ value }) => Number(value))
const numbered = (count: number, from: number) =>
  Array.from({ length: count }, (_, i) => ({ value: from + i, key: `k${(from + i) % 50}` }))

it.each(['classic', 'consumer'])(
  '%s: members go on, and every record is read',
  { timeout: 120_000 },
  async protocol => {
    broker = await startBroker({ config: CONFIG })
    const api = new Api(new URL(broker.http))
    const topic = await api.topic(6)
    const query = `group=g&offset=earliest&groupProtocol=${protocol}&sessionTimeoutMs=30000`
    const open = (): LiveClient => {
      const client = new LiveClient(api.url(`/v1/topics/${topic}/live?${query}`))
      clients.push(client)
      return client
    }
    const all = () => clients.flatMap(({ records }) => records)
    const first = open()
    await first.until(() => first.owned.size === 6)
    let count = 0
    const produce = async (): Promise<void> => {
      // What is on its way when an object is evicted may be unknown to have arrived; then it is sent again.
      for (let from = count; ;) {
        const sent = await api.produce(topic, numbered(100, from)).then(
          () => true,
          () => false,
        )
        if (sent) break
      }
      count += 100
    }
    open()
    const isShared = () => clients.every(({ owned }) => owned.size === 3)
    await first.until(isShared)
    for (let i = 0; i < 3; i++) await Promise.all([produce(), broker.evict()])
    await first.until(isShared)
    await first.until(() => new Set(values(all())).size === count)
    expect(new Set(clients.flatMap(({ owned }) => [...owned])).size).toBe(6)
    for (const client of clients) expect(client.closed).toBeUndefined()
  },
)

it('a member that comes back after the broker died goes on where it was', { timeout: 30_000 }, async () => {
  broker = await startBroker({ config: CONFIG })
  const api = new Api(new URL(broker.http))
  const topic = await api.topic(2)
  const open = (): LiveClient => {
    const path = `/v1/topics/${topic}/live?group=g&offset=earliest&sessionTimeoutMs=600&autoCommit=false`
    const client = new LiveClient(api.url(path))
    clients.push(client)
    return client
  }
  await api.produce(
    topic,
    [0, 1].flatMap(partition => [0, 1, 2].map(value => ({ partition, value }))),
  )
  const before = open()
  await before.until(() => before.records.length === 6)
  before.say({ type: 'commit', id: 1, offsets: [0, 1].map(partition => ({ partition, offset: 2 })) })
  expect(await before.frame('committed')).toEqual({ type: 'committed', id: 1 })
  await broker.restart()
  await before.ended()
  const after = open()
  await after.until(() => after.records.length === 2)
  expect(values(after.records)).toEqual([2, 2])
})
