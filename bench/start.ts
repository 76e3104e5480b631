// How soon `npm start` takes a record, and what the broker holds in memory.

import { Connection, request } from './connection.ts'
import type { Row } from './report.ts'
import { Target } from './target.ts'

const STARTS = 5

export async function* startRows(): AsyncGenerator<Row> {
  const up: number[] = []
  const accepted: number[] = []
  for (let i = 0; i < STARTS; i++) {
    const start = performance.now()
    const target = await Target.start()
    up.push(performance.now() - start)
    const connection = await Connection.open(target.http)
    const body = '{"value":"first"}'
    await connection.request(request('POST', '/v1/topics/bench-start/records', { type: 'application/json', body }))
    accepted.push(performance.now() - start)
    connection.close()
    if (i === STARTS - 1) {
      yield { what: '`npm start` until it says it is up', p50Ms: median(up), note: `${STARTS} starts` }
      yield { what: '`npm start` until the first record is accepted', p50Ms: median(accepted), note: 'topic created' }
      yield memoryRow('memory after the first record', target)
    }
    await target.stop()
  }
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

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
