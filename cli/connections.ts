// `edgelog connections`: who is connected, and what they have done.

import { type Command, Option } from 'commander'
import type { Connection, Connections } from '../client/answers.ts'
import { ago, bytes, printJson, printTable, remark } from './print.ts'
import { Remote } from './remote.ts'

const KINDS: readonly Connection['kind'][] = ['kafka', 'kafka-websocket', 'websocket', 'sse']

export function addConnections(program: Command): void {
  program
    .command('connections')
    .description('show who is connected, over Kafka and live, and what they have done')
    .addOption(new Option('-k, --kind <kind>', 'those of one kind').choices(KINDS))
    .action(async ({ kind }: { kind?: Connection['kind'] }, command: Command) => {
      const remote = Remote.of(command)
      const query = kind === undefined ? '' : `?kind=${kind}`
      const { counts, connections } = await remote.get<Connections>(`v1/connections${query}`)
      if (remote.json) return printJson({ counts, connections })
      const now = Date.now()
      const size = (count: number | null) => (count === null ? null : bytes(count))
      printTable(
        ['KIND', 'CLIENT', 'FROM', 'OPEN', 'IDLE', 'REQUESTS', 'IN', 'OUT', 'READS', 'GROUP'],
        connections.map(one => [
          one.kind,
          clientOf(one),
          one.remoteAddress,
          ago(one.openedMs, now),
          one.lastMs === null ? null : ago(one.lastMs, now),
          one.requests,
          size(one.bytesIn),
          size(one.bytesOut),
          readsOf(one),
          one.group,
        ]),
        'Nobody is connected.',
      )
      const all = kind === undefined ? Object.values(counts).reduce((sum, count) => sum + count) : counts[kind]
      if (all > connections.length) remark(`These are ${connections.length} of ${all}.`)
    })
}

/** `billing (apache-kafka-java 4.3.1)`, or what a browser says of itself. */
function clientOf({ clientId, clientSoftwareName, clientSoftwareVersion, userAgent }: Connection): string | null {
  const software = clientSoftwareName === null ? '' : ` (${clientSoftwareName} ${clientSoftwareVersion ?? ''})`
  const client = `${clientId ?? ''}${software}`.trim() || userAgent
  return client === null || client.length <= MAX_CLIENT_CHARS ? client : `${client.slice(0, MAX_CLIENT_CHARS - 1)}…`
}

const MAX_CLIENT_CHARS = 48

function readsOf({ topics, partitions }: Connection): string | null {
  if (!partitions) return null
  const [first, ...others] = topics
  return `${first}${others.length > 0 ? ` +${others.length}` : ''} (${partitions})`
}
