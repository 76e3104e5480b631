// Bodies and answers of any length: read, written and given up midway, in bounded memory.

import { connect, type Socket } from 'node:net'
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client } from '../support/http.ts'

let broker: Broker
let api: ReturnType<typeof client>
const logged: string[] = []
beforeAll(async () => {
  broker = await startBroker({ log: (level, message) => logged.push(`${level}: ${message}`) })
  api = client(broker.http)
})
afterAll(async () => {
  await broker?.close()
  expect(logged).toEqual([])
})

let made = 0
async function aTopic(partitions = 1): Promise<string> {
  const name = `stream-${made++}`
  await api('POST /v1/topics', { body: { name, partitions } })
  return name
}
const ndjson = 'application/x-ndjson'
const endOf = async (name: string): Promise<number> =>
  (await api(`GET /v1/topics/${name}/partitions/0/records?offset=latest`)).json.highWatermark

/** A request sent by hand, so that it can be left in the middle. */
function open(method: string, path: string, headers: Record<string, string> = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(broker.http.port), '127.0.0.1', () => {
      const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, () => resolve(socket))
    })
    socket.on('error', reject)
  })
}
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const write = (socket: Socket, text: string): Promise<void> =>
  new Promise(resolve => socket.write(text, () => resolve()))

/** What comes on the socket until it has all of these. */
function until(socket: Socket, ...wanted: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = ''
    const more = (data: Buffer): void => {
      got += data.toString('latin1')
      if (!wanted.every(text => got.includes(text))) return
      socket.off('data', more)
      resolve(got)
    }
    socket.on('data', more).on('close', () => reject(new Error(`closed after: ${got.slice(-500)}`)))
  })
}

/** Resident bytes of the broker's runtime: the largest workerd below this process. */
function memory(): number {
  const children = execFileSync('ps', ['-o', 'pid=,rss=,comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
  const sizes = [...children.matchAll(/(\d+) +(\d+) workerd/g)].map(match => Number(match[2]) * 1024)
  return Math.max(...sizes)
}

describe('lines', () => {
  it('are answered while they are still being sent', async () => {
    const name = await aTopic()
    const socket = await open('POST', `/v1/topics/${name}/records`, {
      'content-type': ndjson,
      accept: ndjson,
      'transfer-encoding': 'chunked',
    })
    for (let i = 0; i < 3; i++) {
      await write(socket, chunk(`{"value":${i}}\n`))
      await until(socket, `"offset":${i},`)
    }
    const rest = until(socket, '"offset":3,', '\r\n0\r\n')
    await write(socket, `${chunk('{"value":3}')}0\r\n\r\n`)
    await rest
    socket.destroy()
  })

  it('are answered in one piece if they are few, and as they come if they are many', async () => {
    const name = await aTopic(4)
    const body = Array.from({ length: 60_000 }, (_, i) => `{"key":"k${i % 100}","value":${i}}\n`).join('')
    const { status, json } = await api(`POST /v1/topics/${name}/records`, { body, type: ndjson })
    expect(status).toBe(200)
    expect(json.records).toHaveLength(60_000)
    const next = [0, 0, 0, 0]
    for (const { partition, offset } of json.records) expect(offset).toBe(next[partition]!++)
  })

  it('that go wrong are appended up to there, and it is said where', async () => {
    const name = await aTopic()
    const good = (n: number) => Array.from({ length: n }, () => '{"value":1}\n').join('')
    const socket = await open('POST', `/v1/topics/${name}/records`, {
      'content-type': ndjson,
      'transfer-encoding': 'chunked',
    })
    await write(socket, chunk(good(3)))
    while ((await endOf(name)) < 3) await new Promise(resolve => setTimeout(resolve, 5))
    const answered = until(socket, '\r\n\r\n', ']}')
    await write(socket, `${chunk(`{"value":4}\n{"value":5,"partition":-1}\n${good(2)}`)}0\r\n\r\n`)
    const answer = await answered
    expect(answer).toMatch(/^HTTP\/1.1 207/)
    const { records } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    expect(records).toMatchObject([
      { offset: 0 },
      { offset: 1 },
      { offset: 2 },
      { offset: 3 },
      {
        error: {
          code: 'INVALID_REQUEST',
          line: 5,
          record: 4,
          field: 'partition',
          detail: expect.stringContaining('(line 5)'),
        },
      },
    ])
    socket.destroy()
    expect(await endOf(name)).toBe(4)
  })

  it('that go wrong after the answer began say so in it', async () => {
    const name = await aTopic()
    const good = Array.from({ length: 40_000 }, () => '{"value":1}\n').join('')
    const { status, json } = await api(`POST /v1/topics/${name}/records`, { body: `${good}oops`, type: ndjson })
    expect([200, 207]).toContain(status)
    expect(json.records).toHaveLength(40_001)
    expect(json.records.at(-1)).toMatchObject({ error: { line: 40_001, column: 1 } })
    expect(await endOf(name)).toBe(40_000)
  })

  it('that go wrong early are answered although much more is sent', async () => {
    const name = await aTopic()
    const piece = new TextEncoder().encode('{"value":1}\n'.repeat(10_000))
    let pieces = 0
    const body = new ReadableStream<Uint8Array>({
      pull: controller => {
        if (pieces === 300) controller.close()
        else controller.enqueue(pieces++ === 1 ? new TextEncoder().encode('oops\n') : piece)
      },
    })
    const reply = await api(`POST /v1/topics/${name}/records`, { body, type: ndjson })
    // Refused as a whole if nothing was sent to a partition yet, else told behind what was.
    expect([400, 207]).toContain(reply.status)
    expect(reply.text).toContain('"line":10001')
    const refused = new Blob(Array.from({ length: 300 }, () => piece)).stream()
    expect(await api(`POST /v1/topics/${name}/records`, { body: refused, type: 'application/xml' })).toMatchObject({
      status: 415,
    })
  })

  it('of which the client vanishes midway are kept as far as they were whole', async () => {
    const name = await aTopic()
    const socket = await open('POST', `/v1/topics/${name}/records`, {
      'content-type': ndjson,
      'transfer-encoding': 'chunked',
    })
    await write(socket, chunk('{"value":1}\n{"value":2}\n{"value":34'))
    while ((await endOf(name)) < 2) await new Promise(resolve => setTimeout(resolve, 5))
    socket.destroy()
    await api(`POST /v1/topics/${name}/records`, { body: { value: 'after' } })
    const { json } = await api(`GET /v1/topics/${name}/partitions/0/records`)
    expect(json.records.map(({ value }: { value: unknown }) => value)).toEqual([1, 2, 'after'])
  })

  it('that are cut off are answered with what was appended, to whoever still listens', async () => {
    const name = await aTopic()
    const socket = await open('POST', `/v1/topics/${name}/records`, {
      'content-type': ndjson,
      'transfer-encoding': 'chunked',
    })
    await write(socket, chunk('{"value":1}\n{"value":2}\n'))
    while ((await endOf(name)) < 2) await new Promise(resolve => setTimeout(resolve, 5))
    const answered = until(socket, '\r\n\r\n', ']}')
    socket.end(chunk('{"value":3}\n{"val'))
    const answer = await answered
    expect(answer).toMatch(/^HTTP\/1.1 207/)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).records).toMatchObject([
      { offset: 0 },
      { offset: 1 },
      { offset: 2 },
      { error: { code: 'INVALID_REQUEST', record: 3, line: 4, detail: 'The body ended too early (line 4).' } },
    ])
    expect(await endOf(name)).toBe(3)
  })

  it('that are cut off and come again under their Idempotency-Key are whole, and nothing is twice', async () => {
    const name = await aTopic()
    const path = `/v1/topics/${name}/records`
    // More than one batch, so that some of it is sent before the cut, and some is not.
    const lines = Array.from({ length: 40 }, (_, i) => `{"value":"${i}${'x'.repeat(60_000)}"}\n`)
    const socket = await open('POST', path, {
      'content-type': ndjson,
      'transfer-encoding': 'chunked',
      'idempotency-key': 'again',
    })
    await write(socket, chunk(lines.slice(0, 30).join('')))
    while ((await endOf(name)) === 0) await new Promise(resolve => setTimeout(resolve, 5))
    const answered = until(socket, '\r\n\r\n', 'too early')
    socket.end()
    expect(await answered).toMatch(/^HTTP\/1.1 207/)
    const headers = { 'idempotency-key': 'again' }
    const again = await api(`POST ${path}`, { body: lines.join(''), type: ndjson, headers })
    expect(again.status).toBe(200)
    expect(again.json.records.map(({ offset }: { offset: number }) => offset)).toEqual([...lines.keys()])
    expect(await endOf(name)).toBe(40)
  })

  it('need little memory, however many', async () => {
    const name = await aTopic(2)
    const line = `{"key":"k","value":"${'x'.repeat(980)}"}\n`
    const piece = new TextEncoder().encode(line.repeat(1_000))
    let pieces = 100
    const body = new ReadableStream<Uint8Array>({
      pull: controller => (pieces-- > 0 ? controller.enqueue(piece) : controller.close()),
    })
    const before = memory()
    const { json } = await api(`POST /v1/topics/${name}/records`, { body, type: ndjson })
    expect(json.records).toHaveLength(100_000)
    expect(memory() - before).toBeLessThan(250_000_000)
  })
})

describe('a client', () => {
  it('that vanishes in the middle of a body leaves nothing behind', async () => {
    const name = await aTopic()
    for (const headers of [{ 'content-length': '1000' }, { 'transfer-encoding': 'chunked' }]) {
      const socket = await open('POST', `/v1/topics/${name}/records`, {
        'content-type': 'application/json',
        ...headers,
      })
      await write(socket, 'content-length' in headers ? '{"value":' : chunk('{"value":1}'))
      socket.destroy()
    }
    expect(await endOf(name)).toBe(0)
    expect(await api(`POST /v1/topics/${name}/records`, { body: { value: 1 } })).toMatchObject({ status: 200 })
  })

  it('that stops reading holds up nobody, and little memory', async () => {
    const name = await aTopic()
    const body = JSON.stringify(Array.from({ length: 10_000 }, () => ({ value: 'x'.repeat(1_000) })))
    for (let i = 0; i < 6; i++) await api(`POST /v1/topics/${name}/records`, { body, type: 'application/json' })
    const before = memory()
    const sockets = await Promise.all(
      Array.from({ length: 10 }, () => open('GET', `/v1/topics/${name}/partitions/0/records`, { accept: ndjson })),
    )
    for (const socket of sockets) await new Promise(resolve => socket.once('readable', resolve))
    for (const socket of sockets) socket.pause()
    for (let i = 0; i < 50; i++)
      expect(await api(`POST /v1/topics/${name}/records`, { body: { value: i } })).toMatchObject({ status: 200 })
    expect(memory() - before).toBeLessThan(150_000_000)
    for (const socket of sockets) socket.destroy()
  })

  it('that leaves a long poll is not waited for', async () => {
    const name = await aTopic()
    const socket = await open('GET', `/v1/topics/${name}/partitions/0/records?waitMs=60000`)
    socket.destroy()
    await api(`POST /v1/topics/${name}/records`, { body: { value: 1 } })
    expect(await api(`GET /v1/topics/${name}/partitions/0/records`)).toMatchObject({ status: 200 })
  })
})
