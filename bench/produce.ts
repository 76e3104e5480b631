// Producing to one partition: over HTTP as JSON and as stored batches, and through a live WebSocket.

import { once } from 'node:events'
import WebSocket from 'ws'
import { request } from './connection.ts'
import { load, loadHttp, type LoadOptions, type Measured } from './load.ts'
import { jsonRecord, jsonRecords, recordBatch } from './records.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

export const SIZES = [100, 1024] as const
export const BATCH = 1_000
const CONNECTIONS = [1, 32] as const
/** Frames on their way through one socket. */
const FRAMES = [1, 8] as const
const BATCH_TYPE = 'application/vnd.edgelog.recordbatch'

export async function* produceRows(target: Target, time: Omit<LoadOptions, 'workers'>): AsyncGenerator<Row> {
  for (const bytes of SIZES) {
    const kinds = [
      { what: 'one JSON record', records: 1, type: 'application/json', body: jsonRecord(bytes) },
      { what: `${BATCH} JSON records`, records: BATCH, type: 'application/json', body: jsonRecords(BATCH, bytes) },
      { what: `a batch of ${BATCH}`, records: BATCH, type: BATCH_TYPE, body: recordBatch(BATCH, bytes) },
    ]
    for (const { what, records, type, body } of kinds)
      for (const workers of CONNECTIONS) {
        await target.topic('bench-produce')
        const path =
          type === BATCH_TYPE ? '/v1/topics/bench-produce/partitions/0/records' : '/v1/topics/bench-produce/records'
        const bytesOfRequest = request('POST', path, { type, body })
        const measured = await loadHttp(target.http, { ...time, workers }, () => bytesOfRequest)
        yield row(`POST ${what} of ${sized(bytes)}, ${connections(workers)}`, measured, records, bytes)
        await target.forget('bench-produce')
      }
  }
  for (const bytes of SIZES)
    for (const records of [1, BATCH])
      for (const workers of FRAMES) {
        await target.topic('bench-produce')
        const measured = await throughSocket(target, { ...time, workers }, records, bytes)
        const frames = workers === 1 ? '1 frame on its way' : `${workers} frames on their way`
        const what = records === 1 ? 'one record' : `${records} records`
        yield row(`WebSocket ${what} of ${sized(bytes)} a frame, ${frames}`, measured, records, bytes)
        await target.forget('bench-produce')
      }
}

async function throughSocket(target: Target, options: LoadOptions, records: number, bytes: number): Promise<Measured> {
  const url = new URL('/v1/topics/bench-produce/live?partitions=', target.http)
  const socket = new WebSocket(url.href.replace('http', 'ws'))
  await once(socket, 'open')
  const waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  socket.on('message', (data: Buffer) => {
    const said = data.toString('latin1', 0, 64)
    if (!said.startsWith('{"type":"ack"')) return
    const id = Number(/"id":(\d+)/.exec(said)?.[1])
    const waits = waiting.get(id)
    waiting.delete(id)
    if (data.includes('"error"')) waits?.reject(new Error(String(data)))
    else waits?.resolve()
  })
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The broker closed the socket.'))
  })
  const body = records === 1 ? jsonRecord(bytes) : jsonRecords(records, bytes)
  let id = 0
  try {
    return await load(
      options,
      () =>
        new Promise<void>((resolve, reject) => {
          waiting.set(++id, { resolve, reject })
          socket.send(`{"type":"produce","id":${id},"records":${body}}`)
        }),
    )
  } finally {
    socket.terminate()
  }
}

export function row(what: string, measured: Measured, records: number, bytes: number): Row {
  const recordsPerSecond = measured.perSecond * records
  return {
    what,
    recordsPerSecond,
    megabytesPerSecond: (recordsPerSecond * bytes) / 1e6,
    requestsPerSecond: measured.perSecond,
    p50Ms: measured.p50Ms,
    p99Ms: measured.p99Ms,
  }
}

export const sized = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`)
export const connections = (count: number): string => (count === 1 ? '1 connection' : `${count} connections`)
