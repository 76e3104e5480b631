// How much is kept and how fast it grows, from what the partitions say every two seconds.

import { useRef } from 'preact/hooks'
import { api, apiText } from '../api.ts'
import type { Cluster, ListedGroup, Topic } from '../../client/answers.ts'
import { bytes, count, short, sum } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Empty, Head, Ready, Spark, Stat, Table } from '../parts.tsx'
import { href } from '../route.ts'

const EVERY_MS = 2_000
/** Two minutes. */
const MAX_SAMPLES = 60
const MAX_BUSIEST = 10

interface Sample {
  readonly atMs: number
  readonly records: number
  readonly sizeBytes: number
  readonly ends: ReadonlyMap<string, number>
}

const recordsOf = ({ partitions }: Topic): number => sum(partitions, ({ highWatermark }) => highWatermark)
const sizeOf = ({ partitions }: Topic): number => sum(partitions, ({ sizeBytes }) => sizeBytes)

export function Overview() {
  const samples = useRef<Sample[]>([])
  const loaded = useLoaded(
    'overview',
    async signal => {
      const [cluster, { topics }, { groups }, metrics] = await Promise.all([
        api<Cluster>('/v1/cluster', { signal }),
        api<{ topics: Topic[] }>('/v1/topics', { signal }),
        api<{ groups: ListedGroup[] }>('/v1/groups', { signal }),
        apiText('/metrics?ask=connections', { signal }),
      ])
      samples.current = [
        ...samples.current.slice(1 - MAX_SAMPLES),
        {
          atMs: performance.now(),
          records: sum(topics, recordsOf),
          sizeBytes: sum(topics, sizeOf),
          ends: new Map(topics.map(topic => [topic.name, recordsOf(topic)])),
        },
      ]
      return { cluster, topics, groups, connections: connectionsIn(metrics) }
    },
    EVERY_MS,
  )
  const rates = ratesOf(samples.current)
  return (
    <>
      <Head crumbs={[{ label: 'Overview' }]} />
      <Ready loaded={loaded}>
        {({ cluster, topics, groups, connections }) => (
          <>
            <div class="stats wide">
              <Stat label="Records in, per second" value={short(Math.round(rates.at(-1) ?? 0))}>
                <Spark values={rates} label="Records in per second, over the last two minutes" />
              </Stat>
              <Stat label="Stored" value={bytes(samples.current.at(-1)?.sizeBytes ?? 0)}>
                <Spark
                  values={samples.current.map(({ sizeBytes }) => sizeBytes)}
                  label="Bytes stored, over the last two minutes"
                />
              </Stat>
            </div>
            <div class="stats">
              <Stat label="Topics" value={count(topics.length)} />
              <Stat label="Partitions" value={count(cluster.partitions)} />
              <Stat label="Groups" value={count(groups.length)} />
              <Stat label="Records written" value={short(sum(topics, recordsOf))} />
            </div>
            {topics.length === 0 ? <Nothing /> : <Busiest topics={topics} samples={samples.current} />}
            <section>
              <h2>Cluster</h2>
              <dl class="facts">
                <dt>Cluster id</dt>
                <dd class="mono">{cluster.clusterId}</dd>
                <dt>Brokers for Kafka’s clients</dt>
                <dd class="mono">{cluster.brokers.map(({ host, port }) => `${host}:${port}`).join(', ')}</dd>
                <dt>HTTP</dt>
                <dd class="mono">{location.origin}</dd>
                <dt>Connections</dt>
                <dd>
                  <a href={href('connections')}>
                    {connections.map(([kind, open]) => `${kind} ${open}`).join(', ') || 'none'}
                  </a>
                </dd>
              </dl>
            </section>
          </>
        )}
      </Ready>
    </>
  )
}

function Busiest({ topics, samples }: { topics: readonly Topic[]; samples: readonly Sample[] }) {
  const last = samples.at(-1)!
  const before = samples.at(-6) ?? samples[0]!
  const seconds = Math.max((last.atMs - before.atMs) / 1_000, 1)
  const rate = ({ name }: Topic): number =>
    Math.max(0, (last.ends.get(name) ?? 0) - (before.ends.get(name) ?? last.ends.get(name) ?? 0)) / seconds
  const busiest = topics.toSorted((a, b) => rate(b) - rate(a) || recordsOf(b) - recordsOf(a)).slice(0, MAX_BUSIEST)
  return (
    <section>
      <h2>Busiest topics</h2>
      <Table head={['Topic', '#Records/s', '#Records written', '#Stored']} label="Busiest topics">
        {busiest.map(topic => (
          <tr key={topic.name}>
            <td>
              <a data-row href={href('topics', topic.name)}>
                {topic.name}
              </a>
            </td>
            <td class="num">{count(Math.round(rate(topic) * 10) / 10)}</td>
            <td class="num">{count(recordsOf(topic))}</td>
            <td class="num">{bytes(sizeOf(topic))}</td>
          </tr>
        ))}
      </Table>
    </section>
  )
}

const Nothing = () => (
  <Empty title="No topics yet">
    <p>A topic comes into being with its first record:</p>
    <pre>{`curl ${location.origin}/v1/topics/hello/records --json '{"key": "you", "value": {"says": "hello"}}'`}</pre>
    <p>
      Or <a href="#/topics">create one</a>.
    </p>
  </Empty>
)

function ratesOf(samples: readonly Sample[]): number[] {
  return samples.slice(1).map(({ atMs, records }, i) => {
    const before = samples[i]!
    return Math.max(0, ((records - before.records) * 1_000) / Math.max(atMs - before.atMs, 1))
  })
}

/** `edgelog_connections{kind="…"} 3` */
function connectionsIn(metrics: string): [string, string][] {
  return [...metrics.matchAll(/^edgelog_connections\{\w+="([^"]*)"\} (\d+)/gm)]
    .map(([, kind, open]): [string, string] => [kind!, open!])
    .filter(([, open]) => open !== '0')
}
