// Live fan-out: many readers of one topic at a steady rate, and how long after it was sent each record arrives.

import { once } from 'node:events'
import WebSocket from 'ws'
import { Connection, request } from './connection.ts'
import { percentiles } from './load.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

const READERS = 200
const PER_SECOND = 100
/** Of each record, spaces included; the value is the time it was sent. */
const VALUE_BYTES = 100

export async function* liveRows(
  target: Target,
  { seconds, warmUpSeconds }: { seconds: number; warmUpSeconds: number },
): AsyncGenerator<Row> {
  for (const door of ['WebSocket', 'SSE'] as const) {
    await target.topic('bench-live')
    const delays: number[] = []
    let from = Number.POSITIVE_INFINITY
    const got = (text: string): void => {
      const now = performance.now()
      for (const [, sent] of text.matchAll(/"value":\[([\d.]+)/g))
        if (Number(sent) >= from) delays.push(now - Number(sent))
    }
    const open = door === 'WebSocket' ? openSocket : openStream
    const readers = await Promise.all(Array.from({ length: READERS }, () => open(target.http, got)))

    await produceSteadily(target.http, warmUpSeconds)
    from = performance.now()
    const sent = await produceSteadily(target.http, seconds)
    for (let waited = 0; delays.length < sent * READERS && waited < 100; waited++) await sleep(20)

    for (const close of readers) close()
    yield {
      what: `${READERS} ${door} readers of ${PER_SECOND} records/s`,
      recordsPerSecond: delays.length / seconds,
      megabytesPerSecond: (delays.length * VALUE_BYTES) / seconds / 1e6,
      ...percentiles(delays),
      note: `delay from sending to arriving; ${delays.length.toLocaleString('en-US')} of ${(sent * READERS).toLocaleString('en-US')} arrived`,
    }
    await target.forget('bench-live')
  }
}

async function produceSteadily(http: URL, seconds: number): Promise<number> {
  const connection = await Connection.open(http)
  const start = performance.now()
  const count = seconds * PER_SECOND
  for (let i = 0; i < count; i++) {
    const early = start + (i * 1000) / PER_SECOND - performance.now()
    if (early > 0) await sleep(early)
    const value = `[${performance.now()}]`.padEnd(VALUE_BYTES)
    await connection.request(
      request('POST', '/v1/topics/bench-live/records', { type: 'application/json', body: `{"value":${value}}` }),
    )
  }
  connection.close()
  return count
}

async function openSocket(http: URL, got: (text: string) => void): Promise<() => void> {
  const url = new URL('/v1/topics/bench-live/live?offset=latest&credit=1000000', http)
  const socket = new WebSocket(url.href.replace('http', 'ws'))
  socket.on('message', (data: Buffer) => {
    const text = data.toString('latin1')
    got(text)
    if (text.startsWith('{"type":"ping"')) socket.send('{"type":"pong"}')
  })
  // The first frame is the token of where it begins.
  await once(socket, 'message')
  return () => socket.terminate()
}

async function openStream(http: URL, got: (text: string) => void): Promise<() => void> {
  const connection = await Connection.open(http)
  const begun = new Promise<void>(resolve => {
    connection.onBody = bytes => {
      resolve()
      got(bytes.toString('latin1'))
    }
  })
  const headers = { accept: 'text/event-stream' }
  connection.request(request('GET', '/v1/topics/bench-live/records?offset=latest', { headers })).catch(() => {})
  await begun
  return () => connection.close()
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
