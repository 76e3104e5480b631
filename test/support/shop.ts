// A broker with something in it: a shop's orders and payments, groups that read them, a transaction and schemas. What the
// admin page is tested and photographed with.

import { type Consumer, Kafka, logLevel } from 'kafkajs'
import type { Broker } from '../../testing/broker.ts'

const ORDERS = 120
const STARTED_MS = Date.UTC(2026, 10, 21, 9)

export async function fillShop({ http, kafka: port }: Broker): Promise<Consumer> {
  const send = async (path: string, body: unknown, method: 'POST' | 'PUT' = 'POST'): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(new URL(path, http), { method, headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
  }
  await send('/v1/topics', { name: 'orders', partitions: 3, config: { 'retention.ms': 2_592_000_000 } })
  await send('/v1/topics', { name: 'payments', partitions: 1, config: { 'cleanup.policy': 'compact' } })
  await send(
    '/v1/topics/orders/records',
    Array.from({ length: ORDERS }, (_, i) => order(i)),
  )
  await send('/v1/transactions', {
    transactionalId: 'billing-1',
    records: Array.from({ length: 40 }, (_, i) => ({ topic: 'payments', key: `payment-${i}`, value: { order: i } })),
  })
  await send(
    '/v1/groups/reports/offsets',
    { offsets: [0, 1, 2].map(partition => ({ topic: 'orders', partition, offset: 4 + 3 * partition })) },
    'PUT',
  )
  for (const fields of [['id'], ['id', 'customer']])
    await send('/subjects/orders-value/versions', {
      schema: JSON.stringify({
        type: 'record',
        name: 'Order',
        fields: fields.map(name => ({ name, type: 'string', default: '' })),
      }),
    })
  const consumer = new Kafka({
    brokers: [`localhost:${port}`],
    clientId: 'billing',
    logLevel: logLevel.NOTHING,
  }).consumer({ groupId: 'billing' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({ eachMessage: async () => {} })
  await joined
  return consumer
}

const order = (i: number) => ({
  key: `customer-${i % 7}`,
  timestamp: STARTED_MS + i * 61_000,
  value: {
    order: 1_000 + i,
    total: Math.round((i * 737) % 9_100) / 100,
    paid: i % 3 === 0,
    items: [{ sku: `SKU-${i % 13}`, quantity: 1 + (i % 4) }],
  },
  headers: { trace: `trace-${i}` },
})
