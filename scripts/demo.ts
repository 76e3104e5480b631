// npm run demo: real data through a running broker. 231,083 flights go in over HTTP and come out twice, fetched and followed
// live over a WebSocket that is cut and resumed ten times; then it says whether anything was lost, doubled or disordered.
// npm run demo -- earthquakes: a week of earthquakes, small enough to look at with curl.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerClient, Refused } from './demo/broker-client.ts'
import { holds, Ledger, type LedgerReader, type Sent, type Verdict } from './demo/ledger.ts'
import { counted, Progress } from './demo/progress.ts'

const CUTS = 10
const HELP = `npm run demo [-- flights|earthquakes] [--url http://127.0.0.1:8787] [--topic NAME] [--partitions 8] [--records N]
The topic is made anew each time. EDGELOG_ADMIN_TOKEN is sent where it is set, for a deployed broker.`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: `http://127.0.0.1:${process.env['EDGELOG_HTTP_PORT'] ?? 8787}` },
    topic: { type: 'string' },
    partitions: { type: 'string', default: '8' },
    records: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

const { origin } = new URL(options.url)
const broker = new BrokerClient(new URL(origin), process.env['EDGELOG_ADMIN_TOKEN'])
const which = positionals[0] ?? 'flights'

async function flights(topic: string, partitions: number): Promise<boolean> {
  const data = dataset<{ distance: number }[]>('flights-200k.json')
  const records = data
    .slice(0, Number(options.records ?? data.length))
    .map((flight): Sent => ({ key: String(flight.distance), value: JSON.stringify(flight) }))
  const total = records.length
  const ledger = new Ledger(records)

  console.log(
    `${counted(total)} flights, keyed by distance, to topic '${topic}' of ${partitions} partitions at ${origin}`,
  )
  await broker.renewTopic(topic, partitions)

  const producing = new Progress('produce', total)
  await broker.produce(topic, records, (index, place) => {
    ledger.stored(index, place)
    producing.at(index + 1)
  })
  producing.done(total)

  const fetched = ledger.reader()
  const fetching = new Progress('fetch', total)
  await broker.fetchAll(topic, partitions, record => look(fetched, fetching, record))
  fetching.done(fetched.read)

  const followed = ledger.reader()
  const following = new Progress('live', total)
  let cuts = 0
  await broker.followAll(
    topic,
    total,
    record => look(followed, following, record),
    seen => {
      if (cuts >= CUTS || seen < (total * (cuts + 1)) / (CUTS + 1)) return false
      cuts++
      return true
    },
  )
  following.done(followed.read, `, cut and resumed ${cuts} times`)

  console.log()
  const verdicts = [fetched.verdict(), followed.verdict()]
  for (const [i, verdict] of verdicts.entries()) console.log(`${i === 0 ? 'fetched' : 'live   '}  ${sentence(verdict)}`)
  const proven = verdicts.every(holds)
  console.log(proven ? '\nNothing lost, nothing twice, order per key kept.' : '\nThat is not what was promised.')
  return proven
}

function look(reader: LedgerReader, progress: Progress, record: Parameters<LedgerReader['see']>[0]): void {
  reader.see(record)
  progress.at(reader.read)
}

const sentence = ({ read, lost, twice, wrong, outOfOrder, keys }: Verdict): string =>
  `${counted(read)} records of ${counted(keys)} keys: ${lost} lost, ${twice} twice, ${wrong} wrong, ${outOfOrder} out of order`

interface Earthquakes {
  readonly features: readonly {
    readonly id: string
    readonly properties: { readonly time: number; readonly mag: number; readonly place: string }
    readonly geometry: { readonly coordinates: readonly number[] }
  }[]
}

async function earthquakes(topic: string): Promise<void> {
  const { features } = dataset<Earthquakes>('earthquakes.json')
  const records = features
    .map(({ id, properties: { time, mag, place }, geometry }) => ({
      key: id,
      value: JSON.stringify({ magnitude: mag, place, coordinates: geometry.coordinates }),
      timestamp: time,
    }))
    .toSorted((a, b) => a.timestamp - b.timestamp)
  // They are of 2018, and keep their time: retention would delete them at once.
  await broker.renewTopic(topic, 1, { 'retention.ms': '-1' })
  const producing = new Progress('produce', records.length)
  await broker.produce(topic, records, index => producing.at(index + 1))
  producing.done(records.length)
  console.log(`
Look at the last three:
  curl '${origin}/v1/topics/${topic}/partitions/0/records?offset=-3'
Or follow them from the start as events, as a browser would:
  curl -N -H 'Accept: text/event-stream' '${origin}/v1/topics/${topic}/records?offset=earliest'`)
}

/** The package exports its code alone; its data lies beside it. */
function dataset<T>(name: string): T {
  const folder = join(import.meta.dirname, '../node_modules/vega-datasets/data')
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
}

try {
  if (options.help || (which !== 'flights' && which !== 'earthquakes')) console.log(HELP)
  else if (which === 'earthquakes') await earthquakes(options.topic ?? 'earthquakes')
  else process.exitCode = (await flights(options.topic ?? 'flights', Number(options.partitions))) ? 0 : 1
} catch (error) {
  if (!(error instanceof Refused)) throw error
  console.error(error.message)
  process.exitCode = 1
}
