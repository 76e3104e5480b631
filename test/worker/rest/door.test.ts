// What the broker as a whole refuses, in the words of the REST Proxy; and its settings.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../../testing/broker.ts'
import { client } from '../../support/http.ts'

const V2 = 'application/vnd.kafka.v2+json'
const token = { authorization: 'Bearer secret' }

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  const vars = { EDGELOG_LOCAL: '', EDGELOG_ADMIN_TOKEN: 'secret', EDGELOG_CONSUMER_INSTANCE_TIMEOUT_MS: '200' }
  broker = await startBroker({ vars })
  api = client(broker.http)
})
afterAll(() => broker?.close())

describe('a broker that asks for a token', () => {
  it.each([
    { what: 'GET /topics', media: V2 },
    { what: 'POST /consumers/g', media: V2 },
    { what: 'GET /v3/clusters', media: 'application/json' },
    { what: 'POST /v3/clusters/x/topics/t/records', media: 'application/json' },
  ])('tells $what so', async ({ what, media }) => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
      const reply = await api(what, { headers })
      expect(reply).toMatchObject({ status: 401, json: { error_code: 40101, message: expect.any(String) } })
      expect(reply.headers.get('content-type')).toBe(media)
      expect(reply.headers.get('www-authenticate')).toMatch(/^B/)
    }
  })

  it('lets pages of elsewhere write nothing', async () => {
    const headers = { ...token, origin: 'https://elsewhere.example' }
    const reply = await api('POST /topics/t', { headers, type: 'application/vnd.kafka.json.v2+json', body: '{}' })
    expect(reply).toMatchObject({ status: 403, json: { error_code: 40301 } })
  })
})

it('ends instances as soon as it is set to', async () => {
  const made = await api('POST /consumers/g', { headers: token, type: V2, body: {} })
  expect(made).toMatchObject({ status: 200 })
  const path = new URL(made.json.base_uri).pathname
  await expect
    .poll(() => api(`GET ${path}/subscription`, { headers: token }).then(({ status }) => status), { interval: 400 })
    .toBe(404)
})
