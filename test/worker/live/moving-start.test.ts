// Readers that begin where a log does, while retention (here: DeleteRecords, as fast as it goes) moves that on.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { Edgelog } from '../../../client/index.ts'
import { startBroker, type TestBroker } from '../../../testing/index.ts'
import { Api, EventClient, LiveClient } from '../../support/live-client.ts'

const READERS = 50

let broker: TestBroker
let api: Api
let topic: string
let deleting: Promise<void>
const over = new AbortController()

beforeAll(async () => {
  broker = await startBroker({ config: { 'group.initial.rebalance.delay.ms': 0 } })
  api = new Api(new URL(broker.http))
  topic = await api.topic()
  await api.produce(topic, [{ value: 0 }])
  deleting = (async () => {
    for (let count = 1; !over.signal.aborted; count++) {
      await api.produce(topic, [{ value: count }])
      await api.call('DELETE', `/v1/topics/${topic}/partitions/0/records?before=${count}`)
    }
  })()
})
afterAll(async () => {
  over.abort()
  await deleting
  await broker.close()
})

async function viaSocket(query: string): Promise<unknown> {
  const client = new LiveClient(api.url(`/v1/topics/${topic}/live?${query}`))
  await client.until(() => client.records.length > 0 || client.closed !== undefined)
  client.cut()
  return client.frames.find(({ type }) => type === 'error')
}

async function viaEvents(query: string): Promise<unknown> {
  const client = new EventClient(api.url(`/v1/topics/${topic}/records?${query}`))
  await client.until(() => client.records.length > 0 || client.ended)
  client.cut()
  return client.records.length > 0 ? undefined : (client.events.at(-1) ?? client.response?.statusCode)
}

async function viaHttp(query: string): Promise<unknown> {
  const { status, body } = await api.call('GET', `/v1/topics/${topic}/partitions/0/records?${query}&waitMs=1000`)
  return status === 200 ? undefined : body
}

async function viaClient(query: string): Promise<unknown> {
  const options =
    query === 'timestamp=0' ? { timestamp: 0 } : { offset: query === 'offset=-3' ? -3 : ('earliest' as const) }
  for await (const record of new Edgelog(broker.http).consume(topic, options)) return record && undefined
  return 'nothing came'
}

let groups = 0
const viaGroup = (query: string): Promise<unknown> => viaSocket(`${query}&group=g${++groups}`)

it.each([
  ['offset=earliest', 'a WebSocket', viaSocket],
  ['offset=-3', 'a WebSocket', viaSocket],
  ['timestamp=0', 'a WebSocket', viaSocket],
  ['offset=earliest', 'an event stream', viaEvents],
  ['offset=earliest', 'HTTP', viaHttp],
  ['offset=-3', 'HTTP', viaHttp],
  ['timestamp=0', 'HTTP', viaHttp],
  ['offset=earliest', 'the client', viaClient],
  ['offset=earliest', 'a group', viaGroup],
])('?%s over %s is never out of range', async (query, _, via) => {
  for (let i = 0; i < READERS; i++) expect(await via(query)).toBeUndefined()
})
