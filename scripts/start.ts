// `npm start`, by start.js: the broker on this machine, until Ctrl-C. Ports and folder come from wrangler.toml or the environment:
// EDGELOG_HTTP_PORT, EDGELOG_KAFKA_PORT (several, by commas, are several brokers), EDGELOG_DATA.

import { join } from 'node:path'
import { startBroker } from '../testing/broker.ts'
import { readSettings } from '../testing/settings.ts'

const settings = readSettings(join(import.meta.dirname, '../wrangler.toml'))
const { EDGELOG_HTTP_PORT, EDGELOG_KAFKA_PORT, EDGELOG_DATA = '.wrangler/state', ...environment } = process.env

// Leaving by process.exit() ends workerd, too; what it has answered is on disk.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0))

try {
  const broker = await startBroker({
    http: port('EDGELOG_HTTP_PORT', EDGELOG_HTTP_PORT ?? String(settings.httpPort)),
    kafka: (EDGELOG_KAFKA_PORT ?? settings.kafkaPorts.join(','))
      .split(',')
      .map(text => port('EDGELOG_KAFKA_PORT', text)),
    data: EDGELOG_DATA,
    vars: Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => entry[0].startsWith('EDGELOG_')),
    ),
  })
  const url = broker.http.href.replace(/\/$/, '')
  process.stdout.write(`
  Edgelog is up, and keeps everything in ${EDGELOG_DATA}

    HTTP    ${url}            docs at ${url}/docs
    Admin   ${url}/ui
    Kafka   ${broker.kafkaPorts.map(kafka => `localhost:${kafka}`).join(', ')}

  Try   curl ${url}/v1/topics/hello/records --json '{"key":"you","value":"hello"}'
        curl ${url}/v1/topics/hello/partitions/0/records?offset=earliest

  Ctrl-C stops it.

`)
} catch (thrown) {
  process.stderr.write(`${explain(thrown)}\n`)
  process.exit(1)
}

function port(name: string, text: string): number {
  const number = Number(text.trim() || Number.NaN)
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number
  throw new RangeError(`${name} is "${text}"; it must be a port, or 0 for a free one.`)
}

function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  switch (thrown.name) {
    case 'PortInUse':
      return `${thrown.message} Set EDGELOG_HTTP_PORT or EDGELOG_KAFKA_PORT to another one; 0 takes a free one.`
    case 'DataFolderInUse':
      return `${thrown.message} To run a second one, set EDGELOG_DATA, EDGELOG_HTTP_PORT and EDGELOG_KAFKA_PORT for it.`
    case 'RangeError':
      return thrown.message
    default:
      return `Edgelog could not start: ${thrown.stack ?? thrown.message}`
  }
}
