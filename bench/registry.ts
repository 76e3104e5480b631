// The schema registry over HTTP: schemas found by id and by themselves, registered again and registered new.

import { request } from './connection.ts'
import { loadHttp, type LoadOptions } from './load.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

const TYPE = 'application/vnd.schemaregistry.v1+json'
const CONNECTIONS = [1, 32] as const

const schema = (name: string): string =>
  JSON.stringify({
    schema: JSON.stringify({
      type: 'record',
      name,
      fields: [
        { name: 'customer', type: 'string' },
        { name: 'amount', type: 'long' },
        { name: 'note', type: ['null', 'string'], default: null },
      ],
    }),
  })

const post = (path: string, body: string): Uint8Array => request('POST', path, { type: TYPE, body })

export async function* registryRows(target: Target, time: Omit<LoadOptions, 'workers'>): AsyncGenerator<Row> {
  const headers = { 'content-type': TYPE }
  const url = new URL('/subjects/bench-value/versions', target.http)
  const registered = await fetch(url, { method: 'POST', headers, body: schema('bench') })
  const { id } = (await registered.json()) as { id: number }
  let news = 0
  const kinds = [
    { what: 'GET a schema by id', next: () => request('GET', `/schemas/ids/${id}`) },
    { what: 'GET the latest version', next: () => request('GET', '/subjects/bench-value/versions/latest') },
    { what: 'POST a look-up under its subject', next: () => post('/subjects/bench-value', schema('bench')) },
    { what: 'POST a schema that is registered', next: () => post('/subjects/bench-value/versions', schema('bench')) },
    {
      what: 'POST a new schema, a subject each',
      next: () => post(`/subjects/bench-${news}-value/versions`, schema(`bench${news++}`)),
    },
  ]
  for (const { what, next } of kinds)
    for (const workers of CONNECTIONS) {
      const { perSecond, p50Ms, p99Ms } = await loadHttp(target.http, { ...time, workers }, next)
      const connections = workers === 1 ? '1 connection' : `${workers} connections`
      yield { what: `${what}, ${connections}`, requestsPerSecond: perSecond, p50Ms, p99Ms }
    }
}
