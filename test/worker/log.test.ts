// What the Worker logs, and the id that ties a line to the answer of its request.

import { connect } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { logEvent, whenDue } from '../../src/log-line.ts'
import { requestIdOf } from '../../src/worker/request-id.ts'
import { client } from '../support/http.ts'
import { LiveClient } from '../support/live-client.ts'

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

const lines = (logged: readonly string[]) =>
  logged.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as { level: string; message: string })

it('what goes well is logged where the environment wants it, and nowhere else', async () => {
  const chatty: string[] = []
  const vars = { EDGELOG_LOG_LEVEL: 'info', EDGELOG_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' }
  const other = await startBroker({ vars, log: (_level, message) => void chatty.push(message) })
  for (const { http } of [broker, other]) {
    const api = client(http)
    await api('POST /v1/topics', { body: { name: 'told', partitions: 1 } })
    const member = new LiveClient(new URL('/v1/topics/told/live?group=readers', http))
    await member.frame('assigned')
    member.cut()
    await api('PATCH /v1/topics/told', { body: { partitions: 2 } })
    await api('DELETE /v1/topics/told')
  }
  await other.close()
  const said = lines(chatty)
  const info = (object: string, message: RegExp) =>
    expect(said).toContainEqual(
      expect.objectContaining({ level: 'info', object, message: expect.stringMatching(message) }),
    )
  info('__cluster_metadata-0', /^topic told \(.+\) is created, partitions: 1$/)
  info('__cluster_metadata-0', /^topic told has more partitions: 2$/)
  info('__cluster_metadata-0', /^topic told \(.+\) is deleted$/)
  expect(said.map(({ message }) => message).join('\n')).toMatch(/^group readers is \w+ in generation 1, members: 1$/m)
  expect(lines(logged).filter(({ level }) => level === 'info')).toEqual([])
})

it('an alarm that fails says so, and is tried again', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  const failing = async (): Promise<void> => {
    throw new Error('no disk')
  }
  await expect(whenDue('orders-0', { retryCount: 2 }, failing)).rejects.toThrow('no disk')
  const event = JSON.parse(String(error.mock.calls[0]![0]))
  error.mockRestore()
  expect(event).toMatchObject({ level: 'error', object: 'orders-0', retries: 2 })
  expect(event.stack).toContain('no disk')
})
