// Reading one partition over HTTP: as JSON, as lines, and as stored.

import { Connection, request } from './connection.ts'
import { loadHttp, type LoadOptions } from './load.ts'
import { BATCH, connections, row, SIZES, sized } from './produce.ts'
import { recordBatch } from './records.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

/** What there is to read, of values. */
const STORED_BYTES = 100_000_000
const MAX_BYTES = 8_388_608
const RECORDS = '/v1/topics/bench-fetch/partitions/0/records'

export async function* fetchRows(target: Target, time: Omit<LoadOptions, 'workers'>): AsyncGenerator<Row> {
  for (const bytes of SIZES) {
    const stored = Math.floor(STORED_BYTES / bytes / BATCH) * BATCH
    await target.topic('bench-fetch')
    await fill(target, stored, bytes)

    const maxBytes = Math.max(1_048_576, BATCH * bytes * 2)
    for (const workers of [1, 32]) {
      const offsets = Array.from(
        { length: workers },
        (_, i) => (Math.floor(stored / BATCH / workers) * i * BATCH) % stored,
      )
      const measured = await loadHttp(target.http, { ...time, workers }, worker => {
        const offset = offsets[worker]!
        offsets[worker] = (offset + BATCH) % stored
        return request('GET', `${RECORDS}?offset=${offset}&limit=${BATCH}&maxBytes=${maxBytes}`)
      })
      yield row(`GET ${BATCH} records of ${sized(bytes)} as JSON, ${connections(workers)}`, measured, BATCH, bytes)
    }

    for (const workers of [1, 4]) {
      // How many records an answer holds is known by where the next one begins.
      const offsets = Array.from({ length: workers }, () => 0)
      let records = 0
      let answers = 0
      const measured = await loadHttp(
        target.http,
        { ...time, workers },
        worker =>
          request('GET', `${RECORDS}?offset=${offsets[worker]}&maxBytes=${MAX_BYTES}`, {
            headers: { accept: 'application/vnd.edgelog.recordbatch' },
          }),
        (head, worker) => {
          const next = Number(/\r\nedgelog-next-offset: *(\d+)/i.exec(head)![1])
          records += next - offsets[worker]!
          answers++
          offsets[worker] = next >= stored ? 0 : next
        },
      )
      yield row(`GET ${sized(bytes)} records as stored, ${connections(workers)}`, measured, records / answers, bytes)
    }

    yield await lines(target, stored, bytes)
    await target.forget('bench-fetch')
  }
}

async function fill(target: Target, records: number, bytes: number): Promise<void> {
  const connection = await Connection.open(target.http)
  const append = request('POST', RECORDS, {
    type: 'application/vnd.edgelog.recordbatch',
    body: recordBatch(BATCH, bytes),
  })
  for (let i = 0; i < records / BATCH; i++) {
    const { status, head } = await connection.request(append)
    if (status !== 200) throw new Error(`The broker answered ${head}`)
  }
  connection.close()
}

/** The whole partition as one answer. */
async function lines(target: Target, records: number, bytes: number): Promise<Row> {
  const connection = await Connection.open(target.http)
  let count = 0
  connection.onBody = chunk => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++
  }
  const start = performance.now()
  await connection.request(
    request('GET', `${RECORDS}?offset=earliest`, { headers: { accept: 'application/x-ndjson' } }),
  )
  const seconds = (performance.now() - start) / 1000
  connection.close()
  if (count < records) throw new Error(`${count} lines came of ${records} records.`)
  const what = `GET all records of ${sized(bytes)} as lines, 1 connection`
  const { p50Ms: _, p99Ms: __, ...rest } = row(what, { perSecond: 1 / seconds, p50Ms: 0, p99Ms: 0 }, records, bytes)
  return { ...rest, note: `${Math.round(seconds * 1000)} ms for ${records.toLocaleString('en-US')} records` }
}
