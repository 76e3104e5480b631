import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { type ConnectionKind, writeActivity, writeAnnounced } from '../../src/cluster/connections.ts'
import type { ConnectionsObject } from '../../src/objects/connections.ts'
import type { Env } from '../../src/worker/env.ts'
import { activity } from '../support/connections.ts'

let names = 0
const namespace = (env as unknown as Env).CONNECTIONS
type Stub = DurableObjectStub<ConnectionsObject>
const anObject = (): Stub => namespace.getByName(`connections-${names++}`)

/** The end of a connection that answers what it is asked, unless it is mute. */
async function connect(stub: Stub, connectionId: string, kind: ConnectionKind = 'kafka', mute = false) {
  const openedMs = Number(connectionId)
  const announced = writeAnnounced({ connectionId, kind, openedMs, remoteAddress: null, userAgent: null })
  const response = await stub.fetch(`http://connections/?connection=${encodeURIComponent(announced)}`, {
    headers: { Upgrade: 'websocket' },
  })
  const socket = response.webSocket!
  socket.addEventListener('message', ({ data }) => {
    if (!mute) socket.send(writeActivity(Number(data), activity))
  })
  socket.accept()
  return socket
}

const list = async (stub: Stub, kind?: ConnectionKind) => (await stub.list(kind)).connections

it('lists those who are connected, the oldest first, with what they have done', async () => {
  const stub = anObject()
  await connect(stub, '2', 'sse')
  await connect(stub, '1')
  expect(await list(stub)).toEqual([
    { connectionId: '1', kind: 'kafka', openedMs: 1, remoteAddress: null, userAgent: null, activity },
    { connectionId: '2', kind: 'sse', openedMs: 2, remoteAddress: null, userAgent: null, activity },
  ])
  expect((await list(stub, 'sse')).map(({ connectionId }) => connectionId)).toEqual(['2'])
  expect(await stub.counts()).toEqual({ kafka: 1, 'kafka-websocket': 0, websocket: 0, sse: 1 })
})

it('shows no more than it is asked for, and counts them all', async () => {
  const stub = anObject()
  for (const connectionId of ['1', '2', '3']) await connect(stub, connectionId)
  const { counts, connections } = await stub.list(undefined, 2)
  expect(counts.kafka).toBe(3)
  expect(connections.length).toBe(2)
})

it('shows one that does not answer without what it has done', async () => {
  const stub = anObject()
  await connect(stub, '1')
  await connect(stub, '2', 'kafka', true)
  expect((await list(stub)).map(one => one.activity)).toEqual([activity, null])
})

it('forgets one with its socket', async () => {
  const stub = anObject()
  const socket = await connect(stub, '1')
  await connect(stub, '2')
  socket.close(1000)
  await expect.poll(async () => (await stub.counts()).kafka).toBe(1)
  expect((await list(stub)).map(({ connectionId }) => connectionId)).toEqual(['2'])
})

it('knows them all after it was evicted, and has stored nothing', async () => {
  const stub = anObject()
  await connect(stub, '1')
  await evictDurableObject(stub, { webSockets: 'hibernate' })
  expect(await list(stub)).toMatchObject([{ connectionId: '1', activity }])
  const tables = await runInDurableObject(stub, (_, state) =>
    state.storage.sql.exec("SELECT count(*) AS n FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").one(),
  )
  expect(tables).toEqual({ n: 0 })
})

it('takes nobody who does not say who it is', async () => {
  const stub = anObject()
  for (const connection of ['', '{', '[]', '{"kind":"fax"}'])
    expect((await stub.fetch(`http://connections/?connection=${encodeURIComponent(connection)}`)).status).toBe(400)
})

it('is not confused by what nobody asked for', async () => {
  const stub = anObject()
  const socket = await connect(stub, '1')
  for (const said of ['', 'x'.repeat(20_000), writeActivity(99, activity), new ArrayBuffer(3)]) socket.send(said)
  expect(await list(stub)).toMatchObject([{ activity }])
})
