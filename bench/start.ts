// How soon `npm start` and a broker in a test take a record, and what the broker holds in memory.

import { startBroker } from '../testing/index.ts'
import { Connection, request } from './connection.ts'
import type { Row } from './report.ts'
import { Target } from './target.ts'

const STARTS = 9

export async function* startRows(): AsyncGenerator<Row> {
  const up: number[] = []
  const accepted: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const start = performance.now()
    const target = await Target.start()
    up.push(performance.now() - start)
    await produceFirst(target.http)
    accepted.push(performance.now() - start)
    if (i === STARTS - 1) {
      yield timeRow('`npm start` until it says it is up', up, `${STARTS} starts`)
      yield timeRow('`npm start` until the first record is accepted', accepted, 'topic created')
      yield memoryRow('memory after the first record', target)
    }
    await target.stop()
  }
  const tested: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const start = performance.now()
    const broker = await startBroker()
    await produceFirst(new URL(broker.http))
    tested.push(performance.now() - start)
    await broker.close()
  }
  yield timeRow(
    '`startBroker()` in a test until the first record is accepted',
    tested,
    `${STARTS} starts in one process`,
  )
}

async function produceFirst(http: URL): Promise<void> {
  const connection = await Connection.open(http)
  const body = '{"value":"first"}'
  await connection.request(request('POST', '/v1/topics/bench-start/records', { type: 'application/json', body }))
  connection.close()
}

function timeRow(what: string, times: readonly number[], note: string): Row {
  const sorted = times.toSorted((a, b) => a - b)
  const slowest = `${note}; the slowest ${Math.round(sorted.at(-1)!)} ms`
  return { what, p50Ms: sorted[Math.floor(sorted.length / 2)]!, note: slowest }
}

export function memoryRow(what: string, target: Target): Row {
  const memory = target.processes()
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
  const parts = memory
    .filter(({ bytes }) => bytes > 5e6)
    .map(({ command, bytes }) => `${command} ${megabytes(bytes)}`)
    .join(', ')
  return { what, note: `${megabytes(memory.reduce((sum, { bytes }) => sum + bytes, 0))}: ${parts}` }
}
