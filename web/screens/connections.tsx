// Who is connected, and what they have done.

import { useState } from 'preact/hooks'
import type { Connection, Connections as Listed } from '../../client/answers.ts'
import { api } from '../api.ts'
import { bytes, count, duration } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Empty, Head, Ready, Search, Table } from '../parts.tsx'
import { href } from '../route.ts'

const EVERY_MS = 2_000
/** Each of them is asked every time. */
const MAX_SHOWN = 200

const KINDS: Readonly<Record<Connection['kind'], string>> = {
  kafka: 'Kafka',
  'kafka-websocket': 'Kafka over WebSocket',
  websocket: 'Live, WebSocket',
  sse: 'Live, events',
}

export function Connections({ kind }: { kind: string }) {
  const query = `?limit=${MAX_SHOWN}${kind === '' ? '' : `&kind=${encodeURIComponent(kind)}`}`
  const loaded = useLoaded(
    `connections ${kind}`,
    signal => api<Listed>(`/v1/connections${query}`, { signal }),
    EVERY_MS,
  )
  const [wanted, setWanted] = useState('')
  return (
    <>
      <Head crumbs={[{ label: 'Connections' }]}>
        <Search value={wanted} onValue={setWanted} label="Search connections" />
      </Head>
      <Ready loaded={loaded}>
        {({ counts, connections }) => {
          const shown = connections.filter(one => textOf(one).includes(wanted.toLowerCase()))
          const all = Object.values(counts).reduce((sum, open) => sum + open, 0)
          const asked = kind === '' ? all : (counts[kind as Connection['kind']] ?? 0)
          return (
            <>
              <div class="filters" role="group" aria-label="Kinds">
                <Kind kind="" label="All" open={all} current={kind} />
                {Object.entries(KINDS).map(([each, label]) => (
                  <Kind key={each} kind={each} label={label} open={counts[each as Connection['kind']]} current={kind} />
                ))}
              </div>
              {asked === 0 ? <Nobody kind={kind} /> : null}
              {asked > 0 && shown.length === 0 ? <Empty title={`No connection has “${wanted}” in it`} /> : null}
              {shown.length > 0 && <List connections={shown} />}
              {asked > connections.length && (
                <p class="soft">
                  These are {count(connections.length)} of {count(asked)}.
                </p>
              )}
            </>
          )
        }}
      </Ready>
    </>
  )
}

const Kind = ({ kind, label, open, current }: { kind: string; label: string; open: number; current: string }) => (
  <a
    class="kind"
    href={kind === '' ? href('connections') : `${href('connections')}?kind=${kind}`}
    aria-current={kind === current ? 'true' : undefined}
  >
    {label} <b>{count(open)}</b>
  </a>
)

const Nobody = ({ kind }: { kind: string }) => (
  <Empty title="Nobody is connected">
    <p>Kafka’s clients show up here, and live consumers, once they have been connected for a second:</p>
    <pre>
      {kind === 'kafka-websocket'
        ? `npx edgelog tunnel ${location.origin} --listen 9093\nkcat -L -b localhost:9093`
        : kind === 'kafka'
          ? 'kcat -C -b localhost:9092 -t hello'
          : kind === 'websocket'
            ? `npx edgelog consume hello --url ${location.origin}`
            : `curl -N ${location.origin}/v1/topics/hello/records -H 'accept: text/event-stream'`}
    </pre>
  </Empty>
)

function List({ connections }: { connections: readonly Connection[] }) {
  const now = Date.now()
  return (
    <Table
      head={['Client', 'From', '#Open', '#Idle', '#Requests', '#In', '#Out', 'Reads', 'Group']}
      label="Connections"
    >
      {connections.map(one => (
        <tr key={one.connectionId}>
          <td class="client">
            {clientOf(one)}
            <div class="soft">{KINDS[one.kind]}</div>
          </td>
          <td class="mono nowrap">{one.remoteAddress ?? ''}</td>
          <td class="num nowrap">{since(one.openedMs, now)}</td>
          <td class="num nowrap" title={one.lastRequest === null ? undefined : `Last asked: ${one.lastRequest}`}>
            {one.lastMs === null ? '' : since(one.lastMs, now)}
          </td>
          <td class="num">{one.requests === null ? 'does not answer' : count(one.requests)}</td>
          <td class="num nowrap">{one.bytesIn === null ? '' : bytes(one.bytesIn)}</td>
          <td class="num nowrap">{one.bytesOut === null ? '' : bytes(one.bytesOut)}</td>
          <td>
            {one.topics.map((topic, i) => (
              <>
                {i > 0 && ', '}
                <a href={href('topics', topic)}>{topic}</a>
              </>
            ))}
            {one.partitions ? <span class="soft nowrap"> {count(one.partitions)} p.</span> : null}
          </td>
          <td>{one.group === null ? '' : <a href={href('groups', one.group)}>{one.group}</a>}</td>
        </tr>
      ))}
    </Table>
  )
}

function since(ms: number, now: number): string {
  const seconds = Math.floor((now - ms) / 1_000)
  return seconds < 1 ? 'now' : duration(seconds * 1_000)
}

/** `Chrome 153 on Linux`, where that is what it says in many words. */
function browserOf(userAgent: string): string {
  const [, name, version] =
    /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(userAgent.replace(/Chrome(?=.* Edg\/)/, '')) ?? []
  if (!userAgent.startsWith('Mozilla/') || name === undefined) return userAgent
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0]
  return `${NAMES[name] ?? name} ${version}${system === undefined ? '' : ` on ${system}`}`
}

const NAMES: Readonly<Record<string, string>> = { Edg: 'Edge', Version: 'Safari' }

function clientOf({ clientId, clientSoftwareName, clientSoftwareVersion, transactionalId, userAgent }: Connection) {
  const software = [clientSoftwareName, clientSoftwareVersion].filter(text => text !== null).join(' ')
  return (
    <>
      {clientId ?? (userAgent === null ? 'unknown' : <span title={userAgent}>{browserOf(userAgent)}</span>)}{' '}
      {software !== '' && <span class="soft nowrap">{software}</span>}
      {transactionalId !== null && <span class="soft nowrap"> {transactionalId}</span>}
    </>
  )
}

const textOf = (one: Connection): string =>
  [
    one.clientId,
    one.clientSoftwareName,
    one.userAgent,
    one.remoteAddress,
    one.group,
    one.transactionalId,
    ...one.topics,
    KINDS[one.kind],
  ]
    .join(' ')
    .toLowerCase()
