// GET /metrics: what this isolate has measured and, asked of the objects at every scrape, how large the partitions are,
// how far groups are behind and who is connected; in Prometheus' text format.

import * as z from 'zod'
import { isFailure } from '../../protocol/errors.ts'
import { type App, route } from '../app.ts'
import type { Broker } from '../broker.ts'
import { viewGroup, viewOffsets } from '../group-view.ts'
import { inWaves } from '../kafka/partitions.ts'
import { nothing, oneOf } from '../parameters.ts'
import { type Durations, Exposition, type Labels } from './exposition.ts'
import { errors, httpRequests, kafkaRequests, partitionCalls, type Traffic, trafficOfTopics } from './measured.ts'

/** Objects asked in one scrape; where there are more, edgelog_scrape_complete says 0. */
const MAX_PARTITIONS = 2_000
const MAX_GROUPS = 200

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'

export function mountMetrics(app: App): void {
  route(
    app,
    {
      method: 'get',
      path: '/metrics',
      tag: 'Operations',
      summary: 'Metrics for Prometheus',
      description:
        'Counters and histograms are those of the isolate that answers, since it began. Every scrape asks the partitions and the coordinators, which wakes them: leave out what is not looked at.',
      params: nothing,
      query: z.object({
        ask: oneOf(['all', 'partitions', 'groups', 'connections', 'none'], 'Which objects are asked.').default('all'),
      }),
      answers: { 200: { description: 'The metrics.', content: { 'text/plain': { schema: z.string() } } } },
    },
    async (c, { query: { ask } }) => {
      const { broker } = c.var
      const out = new Exposition()
      const whole = [
        await measured(out, broker),
        ask === 'all' || ask === 'partitions' ? await partitions(out, broker) : true,
        ask === 'all' || ask === 'groups' ? await groups(out, broker) : true,
        ask === 'all' || ask === 'connections' ? await connections(out, broker) : true,
      ]
      const complete = whole.every(Boolean) ? 1 : 0
      out.family('edgelog_scrape_complete', 'gauge', 'Whether everything that was asked for is here.', [[{}, complete]])
      return new Response(out.toString(), { headers: { 'content-type': TEXT } })
    },
  )
}

async function measured(out: Exposition, broker: Broker): Promise<true> {
  const traffic = trafficOfTopics((await broker.topics()).byId)
  const by = (figure: 'recordsIn' | 'bytesIn' | 'recordsOut' | 'bytesOut') =>
    traffic.map(one => sample(one, one[figure]))
  out.family('edgelog_records_in_total', 'counter', 'Records appended.', by('recordsIn'))
  out.family('edgelog_bytes_in_total', 'counter', 'Bytes of record batches appended.', by('bytesIn'))
  out.family('edgelog_records_out_total', 'counter', 'Offsets passed on to readers.', by('recordsOut'))
  out.family('edgelog_bytes_out_total', 'counter', 'Bytes of record batches passed on to readers.', by('bytesOut'))
  const seconds = (name: string, help: string, durations: Durations) =>
    out.family(`edgelog_${name}_duration_seconds`, 'histogram', help, durations.samples())
  seconds('partition_call', 'How long partitions took to answer: appends are on disk by then.', partitionCalls)
  seconds('kafka_request', 'Kafka requests from their arrival to their answer, waiting included.', kafkaRequests)
  seconds('http_request', 'HTTP requests from their arrival to the head of their answer.', httpRequests)
  out.family('edgelog_errors_total', 'counter', 'Appends and reads that were refused.', errors.samples())
  return true
}

const sample = ({ topic, partition }: Pick<Traffic, 'topic' | 'partition'>, value: number) =>
  [{ topic, partition }, value] as const

async function partitions(out: Exposition, broker: Broker): Promise<boolean> {
  const { view } = await broker.topics()
  const all = view.topics.flatMap(topic =>
    Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
  )
  const asked = all.slice(0, MAX_PARTITIONS)
  const described = await inWaves(asked, ({ topic, partition }) => broker.describe(topic, partition))
  const family = (name: string, help: string, figure: 'logStartOffset' | 'highWatermark' | 'sizeBytes' | 'segments') =>
    out.family(
      `edgelog_partition_${name}`,
      'gauge',
      help,
      asked.flatMap(({ topic, partition }, i) => {
        const one = described[i]
        return one === undefined || isFailure(one) ? [] : [sample({ topic: topic.name, partition }, one[figure])]
      }),
    )
  family('log_start_offset', 'The first offset that is kept.', 'logStartOffset')
  family('high_watermark', 'The offset of the next record.', 'highWatermark')
  family('size_bytes', 'Bytes that are stored.', 'sizeBytes')
  family('segments', 'Segments that are stored.', 'segments')
  return asked.length === all.length && !described.some(isFailure)
}

async function connections(out: Exposition, broker: Broker): Promise<boolean> {
  const counts = await broker.connections.counts()
  if (isFailure(counts)) return false
  const samples = Object.entries(counts).map(([kind, open]) => [{ kind }, open] as const)
  out.family('edgelog_connections', 'gauge', 'Connections that are open.', samples)
  return true
}

async function groups(out: Exposition, broker: Broker): Promise<boolean> {
  const listed = await broker.groups.list()
  if (isFailure(listed)) return false
  const asked = listed.slice(0, MAX_GROUPS)
  const lags: [Labels, number][] = []
  const members: [Labels, number][] = []
  let complete = asked.length === listed.length
  for (const { groupId } of asked) {
    const view = await viewGroup(broker, groupId)
    const offsets = isFailure(view) ? view : await viewOffsets(broker, view)
    if (isFailure(view) || isFailure(offsets)) {
      complete = false
      continue
    }
    members.push([{ group: groupId, state: view.state }, view.members.length])
    for (const { topic, partition, lag } of offsets.offsets)
      if (lag !== null) lags.push([{ group: groupId, topic, partition }, lag])
  }
  out.family('edgelog_group_members', 'gauge', 'Members of a consumer group.', members)
  out.family('edgelog_group_lag', 'gauge', 'Offsets between what a group has committed and the end.', lags)
  return complete
}
