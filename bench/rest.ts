// Producing to one partition through Confluent's REST Proxy, v2 and v3, beside the native route with the same records.

import { request } from './connection.ts'
import { loadHttp, type LoadOptions } from './load.ts'
import { connections, row, sized } from './produce.ts'
import { jsonRecord, jsonRecords } from './records.ts'
import type { Row } from './report.ts'
import type { Target } from './target.ts'

const BYTES = 100
const BATCH = 1_000
const CONNECTIONS = [1, 32] as const
const V2_JSON = 'application/vnd.kafka.json.v2+json'
const TOPIC = 'bench-rest'

export async function* restRows(target: Target, time: Omit<LoadOptions, 'workers'>): AsyncGenerator<Row> {
  const answer = await fetch(new URL('/v3/clusters', target.http))
  const [{ cluster_id: cluster }] = ((await answer.json()) as { data: [{ cluster_id: string }] }).data
  const native = `/v1/topics/${TOPIC}/records`
  const v2 = `/topics/${TOPIC}`
  const v3 = `/v3/clusters/${cluster}/topics/${TOPIC}/records`
  const one = jsonRecord(BYTES)
  const many = jsonRecords(BATCH, BYTES)
  const kinds = [
    { what: 'native, one record', path: native, records: 1, type: 'application/json', body: one },
    { what: 'v2, one record', path: v2, records: 1, type: V2_JSON, body: `{"records":[${one}]}` },
    { what: 'v3, one record', path: v3, records: 1, type: 'application/json', body: inV3(one) },
    { what: `native, ${BATCH} records`, path: native, records: BATCH, type: 'application/json', body: many },
    { what: `v2, ${BATCH} records`, path: v2, records: BATCH, type: V2_JSON, body: `{"records":${many}}` },
    {
      what: `v3, ${BATCH} concatenated records`,
      path: v3,
      records: BATCH,
      type: 'application/json',
      body: (JSON.parse(many) as object[]).map(record => inV3(JSON.stringify(record))).join('\n'),
    },
  ]
  for (const { what, path, records, type, body } of kinds)
    for (const workers of CONNECTIONS) {
      await target.topic(TOPIC)
      const bytesOfRequest = request('POST', path, { type, body })
      const measured = await loadHttp(target.http, { ...time, workers }, () => bytesOfRequest)
      yield row(`POST ${what} of ${sized(BYTES)}, ${connections(workers)}`, measured, records, BYTES)
      await target.forget(TOPIC)
    }
}

const inV3 = (record: string): string => record.replace('"value":', '"value":{"type":"JSON","data":').concat('}')
