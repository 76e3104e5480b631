// Groups of live consumers while the objects behind them lose their memory, or the broker dies.

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
  'group.consumer.heartbeat.interval.ms': 300,
}
const values = (records: readonly LiveRecord[]): number[] => records.map(({ value }) => Number(value))
const numbered = (count: number, from: number) =>
  Array.from({ length: count }, (_, i) => ({ value: from + i, key: `k${(from + i) % 50}` }))

it.each(['classic', 'consumer'])('%s: members go on, and every record is read', { timeout: 60_000 }, async protocol => {
  broker = await startBroker({ config: CONFIG })
  const api = new Api(new URL(broker.http))
  const topic = await api.topic(6)
  const query = `group=g&offset=earliest&groupProtocol=${protocol}&sessionTimeoutMs=6000`
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
  for (let members = 2; members <= 3; members++) {
    open()
    const isShared = () => clients.every(({ owned }) => owned.size === 6 / members)
    await first.until(isShared)
    for (let i = 0; i < 3; i++) await Promise.all([produce(), broker.evict()])
    await first.until(isShared)
  }
  await first.until(() => new Set(values(all())).size === count)
  expect(new Set(clients.flatMap(({ owned }) => [...owned])).size).toBe(6)
  for (const client of clients) expect(client.closed).toBeUndefined()

  await broker.restart()
  for (const client of clients) await client.ended()
  const after = open()
  await after.until(() => after.owned.size === 6)
  await produce()
  await after.until(() => new Set(values(all())).size === count)
})
