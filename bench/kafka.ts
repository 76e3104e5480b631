// `npm run bench:kafka`: Edgelog and Apache Kafka side by side, in turn, in one run: Kafka's own producer and consumer tools
// for throughput, one raw client for latency, compaction and transactions. Kafka stands twice: as it comes, and with a flush
// behind every append, which is what Edgelog promises. Needs Java 17 and Maven. A word (produce, consume, latency, compaction,
// transactions) measures that alone; neither is kept.

import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startBroker } from '../testing/broker.ts'
import { haveKafka, type Kafka, startKafka, tool } from '../test/clients/kafka.ts'
import { compacted, compactions, nameOf } from './compaction.ts'
import { endToEnd, synchronous } from './kafka-latency.ts'
import { createTopic, deleteTopic } from './kafka-topics.ts'
import { transactionsPerSecond } from './kafka-transactions.ts'
import { commit, heading } from './report.ts'

/** Each figure is the median of so many turns; the brokers change places at every turn. */
const TURNS = 3
const PORTS = { kafka: 39_092, flushed: 39_192 }

interface Peer {
  readonly name: string
  readonly port: number
}

/** One figure of each peer, turn by turn. */
type Measure = (peer: Peer, turn: number) => Promise<number>

interface Line {
  readonly what: string
  readonly unit: string
  /** More is better, or less. */
  readonly better: 'more' | 'less'
  readonly measure: Measure
}

const batches = [
  { batch: 16_384, linger: 5 },
  { batch: 262_144, linger: 20 },
]

function produceLines(quick: boolean): Line[] {
  return [1, 8].flatMap(partitions =>
    [100, 1_024].flatMap(size =>
      batches.map(({ batch, linger }) => ({
        what: `produce ${size} B, ${partitions} partition${partitions > 1 ? 's' : ''}, batch ${batch / 1024} KiB, linger ${linger}`,
        unit: 'records/s',
        better: 'more' as const,
        measure: (peer: Peer, turn: number) =>
          produced(peer, {
            topic: `p${partitions}-s${size}-b${batch}-${turn}`,
            partitions,
            size,
            batch,
            linger,
            records: Math.round(((quick ? 30 : 100) * 1e6) / (size + 40)),
          }),
      })),
    ),
  )
}

const consumeLines = (quick: boolean): Line[] =>
  [1, 8].flatMap(partitions =>
    [100, 1_024].map(size => ({
      what: `consume ${size} B, ${partitions} partition${partitions > 1 ? 's' : ''}`,
      unit: 'records/s',
      better: 'more' as const,
      measure: (peer: Peer, turn: number) =>
        consumed(peer, `c${partitions}-s${size}-${turn}`, {
          partitions,
          size,
          records: Math.round(((quick ? 30 : 200) * 1e6) / (size + 40)),
        }),
    })),
  )

function latencyLines(quick: boolean): Line[] {
  const calls = quick ? 500 : 3_000
  return [0.5, 0.99].flatMap(quantile => [
    {
      what: `synchronous produce, 100 B, p${quantile * 100}`,
      unit: 'µs',
      better: 'less' as const,
      measure: ({ port }: Peer) => synchronous(port, calls, quantile),
    },
    {
      what: `end to end through a waiting fetch, 100 B, p${quantile * 100}`,
      unit: 'µs',
      better: 'less' as const,
      measure: ({ port }: Peer) => endToEnd(port, calls, quantile),
    },
  ])
}

const compactionLines = (quick: boolean): Line[] =>
  compactions(quick).map(compaction => ({
    what: `compact ${nameOf(compaction)}`,
    unit: 'MB/s',
    better: 'more' as const,
    measure: async ({ port }: Peer) => (await compacted(port, compaction)).megabytesPerSecond,
  }))

function transactionLines(quick: boolean): Line[] {
  const time = quick ? { seconds: 3, warmUpSeconds: 1 } : { seconds: 8, warmUpSeconds: 3 }
  return [
    ...[1, 16].map(producers => ({
      what: `transactions of one record, ${producers} producer${producers > 1 ? 's' : ''}`,
      unit: 'commits/s',
      better: 'more' as const,
      measure: ({ port }: Peer) => transactionsPerSecond(port, producers, time),
    })),
    {
      what: 'read_committed, 1,024 B written in transactions of 100 ms, 1 partition',
      unit: 'records/s',
      better: 'more' as const,
      measure: (peer: Peer, turn: number) => readCommitted(peer, turn, quick ? 30_000 : 200_000),
    },
  ]
}

/** Records per second of reading a topic from its beginning. */
async function consumed(
  { port }: Peer,
  topic: string,
  { partitions, size, records }: Pick<Load, 'partitions' | 'size' | 'records'>,
): Promise<number> {
  await createTopic(port, topic, partitions)
  await must('ProducerPerformance', [
    ...['--topic', topic, '--num-records', String(records), '--record-size', String(size), '--throughput', '-1'],
    ...['--command-property', `bootstrap.servers=127.0.0.1:${port}`, 'batch.size=262144', 'linger.ms=20'],
  ])
  const rate = await readAll(port, topic, records)
  await deleteTopic(port, topic)
  return rate
}

/** The same of records that were written in transactions. */
async function readCommitted({ port }: Peer, turn: number, records: number): Promise<number> {
  const topic = `committed-${turn}`
  await createTopic(port, topic, 1)
  await must('ProducerPerformance', [
    ...['--topic', topic, '--num-records', String(records), '--record-size', '1024', '--throughput', '-1'],
    ...['--transactional-id', topic, '--transaction-duration-ms', '100'],
    ...['--command-property', `bootstrap.servers=127.0.0.1:${port}`],
  ])
  return readAll(port, topic, records, ['isolation.level=read_committed'])
}

/** Records per second of Kafka's ConsumerPerformance, which counts them from its first fetch on. */
async function readAll(
  port: number,
  topic: string,
  records: number,
  properties: readonly string[] = [],
): Promise<number> {
  const said = await must('ConsumerPerformance', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic],
    ...['--num-records', String(records), '--timeout', '30000'],
    ...['--command-property', 'auto.offset.reset=earliest', ...properties],
  ])
  const figures = said.trim().split('\n').at(-1)!.split(',')
  const [read, rate] = [Number(figures[4]), Number(figures.at(-1))]
  if (!(read >= records) || !(rate > 0)) throw new Error(`ConsumerPerformance said: ${said}`)
  return rate
}

interface Load {
  readonly topic: string
  readonly partitions: number
  readonly size: number
  readonly batch: number
  readonly linger: number
  readonly records: number
}

/** Records per second of Kafka's ProducerPerformance once it is warm. */
async function produced({ port }: Peer, { topic, partitions, size, batch, linger, records }: Load): Promise<number> {
  await createTopic(port, topic, partitions)
  const said = await must('ProducerPerformance', [
    ...['--topic', topic, '--num-records', String(records), '--record-size', String(size), '--throughput', '-1'],
    ...['--warmup-records', String(Math.round(records / 5))],
    ...['--command-property', `bootstrap.servers=127.0.0.1:${port}`, `batch.size=${batch}`, `linger.ms=${linger}`],
  ])
  await deleteTopic(port, topic)
  const steady = [...said.matchAll(/([\d.]+) records\/sec/g)].at(-1)?.[1]
  if (steady === undefined) throw new Error(`ProducerPerformance said: ${said}`)
  return Number(steady)
}

async function must(name: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await tool(name, args)
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr || stdout}`)
  return stdout
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Measures a line in turns and says it as a row: each peer's median, and how Edgelog stands to the others. */
async function row({ what, unit, better, measure }: Line, peers: readonly Peer[], turns: number): Promise<string> {
  const figures = new Map(peers.map(({ name }) => [name, [] as number[]]))
  for (let turn = 0; turn < turns; turn++) {
    for (const peer of turn % 2 === 0 ? peers : peers.toReversed())
      figures.get(peer.name)!.push(await measure(peer, turn))
  }
  const [edgelog, kafka, flushed] = peers.map(({ name }) => median(figures.get(name)!)) as [number, number, number]
  const ratio = (other: number): string => (better === 'more' ? edgelog / other : other / edgelog).toFixed(2)
  const shown = [edgelog, kafka, flushed].map(figure => Math.round(figure).toLocaleString('en-US'))
  process.stderr.write(`  ${what}: ${shown.join(' / ')} ${unit}\n`)
  return `| ${what} (${unit}) | ${shown.join(' | ')} | ${ratio(kafka)} | ${ratio(flushed)} |`
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } })
const quick = values.quick ?? false
const parts: Readonly<Record<string, Line[]>> = {
  produce: produceLines(quick),
  consume: consumeLines(quick),
  latency: latencyLines(quick),
  compaction: compactionLines(quick),
  transactions: transactionLines(quick),
}
const unknown = positionals.find(name => !Object.hasOwn(parts, name))
if (unknown !== undefined) {
  console.error(`There is no "${unknown}" to measure; there are ${Object.keys(parts).join(', ')}.`)
  process.exit(1)
}
if (!(await haveKafka())) {
  console.error('Apache Kafka could not be had: this bench needs Java 17, Maven and its registry.')
  process.exit(1)
}
const broker = await startBroker()
const kafkas: Kafka[] = []
try {
  // Kafka's cleaner looks for work every 15 s, which is none of its speed.
  const properties = ['log.cleaner.backoff.ms=50']
  kafkas.push(await startKafka(PORTS.kafka, { heap: '1g', properties }))
  kafkas.push(
    await startKafka(PORTS.flushed, { heap: '1g', properties: [...properties, 'log.flush.interval.messages=1'] }),
  )
  const peers = [
    { name: 'edgelog', port: broker.kafka },
    { name: 'kafka', port: PORTS.kafka },
    { name: 'flushed', port: PORTS.flushed },
  ]
  const date = new Date().toISOString().slice(0, 10)
  const lines = [
    heading(date, broker.data),
    `Medians of ${quick ? 1 : TURNS} turns. A ratio above 1 says that Edgelog is ahead.`,
    '',
    '| | Edgelog | Kafka | Kafka, flushed | × Kafka | × flushed |',
    '|---|--:|--:|--:|--:|--:|',
  ]
  for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
    for (const line of parts[name]!) lines.push(await row(line, peers, quick ? 1 : TURNS))
  }
  console.log(lines.join('\n'))
  if (positionals.length === 0 && !quick) {
    mkdirSync('bench/results', { recursive: true })
    const path = `bench/results/${date}-${commit()}-kafka.md`
    writeFileSync(path, `${lines.join('\n')}\n`)
    console.log(`Kept in ${path}`)
  }
} finally {
  await Promise.all([broker.close(), ...kafkas.map(kafka => kafka.close())])
}
