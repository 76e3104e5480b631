// What the Worker logs, and the id that ties a line to the answer of its request.

import { connect } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { logEvent, requestIdOf } from '../../src/worker/log.ts'
import { client } from '../support/http.ts'

const logged: string[] = []
let broker: Broker
beforeAll(async () => {
  broker = await startBroker({ log: (_level, message) => void logged.push(message) })
})
afterAll(async () => {
  await broker.close()
})

it('an event is one line of JSON, however many its stack has, and bounded', () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  logEvent('error', 'x'.repeat(9_000), { requestId: 'r-1', method: 'GET', path: '/', error: new Error('a\nb') })
  const line = String(error.mock.calls[0]![0])
  error.mockRestore()
  expect(line).not.toContain('\n')
  const event = JSON.parse(line)
  expect(event).toMatchObject({ level: 'error', requestId: 'r-1', method: 'GET', path: '/' })
  expect(event.message).toHaveLength(2_000)
  expect(event.stack).toContain('a\nb')
  expect(Date.now() - Date.parse(event.time)).toBeLessThan(60_000)
})

it.each([
  ['8f3c1a2b3c4d5e6f-FRA', '8f3c1a2b3c4d5e6f-FRA'],
  ['no "ray"', undefined],
  ['r'.repeat(65), undefined],
  [undefined, undefined],
])('the request id for cf-ray %s', (ray, id) => {
  const said = requestIdOf(new Headers(ray === undefined ? {} : { 'cf-ray': ray }))
  if (id === undefined) expect(said).toMatch(/^[0-9a-f-]{36}$/)
  else expect(said).toBe(id)
})

it.each([
  ['GET /healthz', 200],
  ['GET /v1/topics/nothing-here', 404],
  ['GET /subjects/nothing-here/versions', 404],
  ['GET /v3/clusters/nobody', 404],
])('%s is answered with an id of its own', async (what, status) => {
  const api = client(broker.http)
  const [one, other] = [await api(what), await api(what)]
  expect(one.status).toBe(status)
  const id = one.headers.get('x-request-id')
  expect(id).toMatch(/^[\w-]{16,}$/)
  expect(other.headers.get('x-request-id')).not.toBe(id)
})

it('a Kafka connection that is closed for what it sent says why in one line', async () => {
  const socket = connect(broker.kafka, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
  await expect
    .poll(() => logged.map(line => JSON.parse(line) as object))
    .toContainEqual(
      expect.objectContaining({
        level: 'warn',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        message: expect.stringContaining('this looks like HTTP'),
      }),
    )
})
