// GET /metrics, read by a Prometheus parser that nobody here wrote; and what docs make of it.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Kafka, logLevel } from 'kafkajs'
import parsePrometheus from 'parse-prometheus-text-format'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { client } from '../support/http.ts'
import { LiveClient } from '../support/live-client.ts'

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value?: string
}

let broker: Broker
let api: ReturnType<typeof client>
beforeAll(async () => {
  broker = await startBroker()
  api = client(broker.http)
})
afterAll(async () => {
  await broker.close()
})

async function scrape(query = ''): Promise<Map<string, { type: string; samples: readonly Sample[] }>> {
  const { status, headers, text } = await api(`GET /metrics${query}`)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const families = parsePrometheus(text) as { name: string; type: string; metrics: Sample[] }[]
  return new Map(families.map(({ name, type, metrics }) => [name, { type, samples: metrics }]))
}

/** The families that a page or a dashboard names. */
function namedIn(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const names = [...text.matchAll(/\bedgelog_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
  return [...new Set(names)].sort()
}

it('the dashboard can be read, and no two of its panels are one', () => {
  const { panels } = JSON.parse(readFileSync('docs/grafana.json', 'utf8')) as { panels: { id: number }[] }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
})

it('tells traffic, sizes, lag, durations, errors and connections', async () => {
  const topic = 'quoted-metrics'
  await api('POST /v1/topics', { body: { name: topic, partitions: 2 } })
  const records = Array.from({ length: 7 }, (_, value) => ({ value, partition: 1 }))
  await api(`POST /v1/topics/${topic}/records`, { body: records })
  await api(`GET /v1/topics/${topic}/partitions/1/records`)
  await api(`GET /v1/topics/${topic}/partitions/1/records?offset=99`)
  await api('PUT /v1/groups/a"group/offsets', { body: { offsets: [{ topic, partition: 1, offset: 3 }] } })
  const live = await new LiveClient(new URL(`/v1/topics/${topic}/live`, broker.http)).opened()
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.kafka}`], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await expect
    .poll(async () => (await api('GET /metrics?ask=connections')).text, { timeout: 10_000 })
    .toContain(
      'edgelog_connections{kind="kafka"} 1\nedgelog_connections{kind="kafka-websocket"} 0\nedgelog_connections{kind="websocket"} 1\n',
    )

  const families = await scrape()
  const figure = (name: string, labels: object): number | undefined => {
    const found = families
      .get(name)
      ?.samples.find(sample => Object.entries(labels).every(([label, value]) => sample.labels?.[label] === value))
    return found && Number(found.value)
  }
  const there = { topic, partition: '1' }
  expect(figure('edgelog_records_in_total', there)).toBe(7)
  expect(figure('edgelog_bytes_in_total', there)).toBeGreaterThan(60)
  expect(figure('edgelog_records_out_total', there)).toBe(7)
  expect(figure('edgelog_bytes_out_total', there)).toBeGreaterThan(60)
  expect(figure('edgelog_partition_high_watermark', there)).toBe(7)
  expect(figure('edgelog_partition_high_watermark', { topic, partition: '0' })).toBe(0)
  expect(figure('edgelog_partition_segments', there)).toBe(1)
  expect(figure('edgelog_partition_size_bytes', there)).toBeGreaterThan(60)
  expect(figure('edgelog_group_lag', { group: 'a"group', ...there })).toBe(4)
  expect(figure('edgelog_errors_total', { error: 'OFFSET_OUT_OF_RANGE' })).toBe(1)
  expect(figure('edgelog_scrape_complete', {})).toBe(1)
  expect(families.get('edgelog_partition_call_duration_seconds')?.type).toBe('HISTOGRAM')
  expect(namedIn('docs/grafana.json')).toEqual([...families.keys()].sort())
  expect(namedIn('docs/operations.md')).toEqual([...families.keys()].sort())
  // (The parser does not know labels of histograms; `npm run test:clients -- metrics` has Prometheus' own.)
  const { text } = await api('GET /metrics')
  expect(text).toContain('\nedgelog_partition_call_duration_seconds_bucket{call="append",le="+Inf"} 1\n')
  expect(text).toContain('\nedgelog_http_request_duration_seconds_count{status="201"} 1\n')
  expect(text).toContain('\nedgelog_kafka_request_duration_seconds_count{api="ApiVersions"} 1\n')

  await admin.disconnect()
  live.cut()
  await expect
    .poll(async () => (await scrape('?ask=connections')).get('edgelog_connections')?.samples.map(({ value }) => value))
    .toEqual(['0', '0', '0', '0'])
})

it('asks no object that it is told to leave alone', async () => {
  const names = [...(await scrape('?ask=groups')).keys()]
  expect(names).toContain('edgelog_group_lag')
  expect(names).not.toContain('edgelog_partition_size_bytes')
  expect((await api('GET /metrics?ask=everything')).json).toMatchObject({ code: 'INVALID_REQUEST', field: 'ask' })
})
