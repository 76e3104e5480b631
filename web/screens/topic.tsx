// One topic: its records, partitions and configs, each under a tab with a URL.

import { useState } from 'preact/hooks'
import { api, topicPath } from '../api.ts'
import type { Config, Segment, Topic } from '../../client/answers.ts'
import { ConfigTable } from '../config-table.tsx'
import { bytes, count, plural, sum, time } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Dialog, Empty, Field, Head, Ready, Table } from '../parts.tsx'
import { Produce } from '../produce.tsx'
import { go, href } from '../route.ts'
import { Records } from './records.tsx'

const EVERY_MS = 5_000
const TABS = [
  ['records', 'Records'],
  ['partitions', 'Partitions'],
  ['configuration', 'Configuration'],
] as const
type Doing = 'produce' | 'grow' | 'delete' | undefined

export function TopicScreen({ name, tab, query }: { name: string; tab: string; query: URLSearchParams }) {
  const loaded = useLoaded(name, signal => api<Topic>(topicPath(name), { signal }), EVERY_MS)
  const [doing, setDoing] = useState<Doing>()
  const done = (): void => setDoing(undefined)
  if (loaded.problem?.status === 404)
    return (
      <Empty title={`There is no topic ${name}`}>
        <p>It may have been deleted.</p>
        <a href={href('topics')}>To the topics</a>
      </Empty>
    )
  return (
    <>
      <Head crumbs={[{ label: 'Topics', href: href('topics') }, { label: name }]}>
        <button type="button" onClick={() => setDoing('grow')}>
          Add partitions
        </button>
        <button type="button" onClick={() => setDoing('delete')}>
          Delete
        </button>
        <button type="button" class="primary" onClick={() => setDoing('produce')}>
          Produce
        </button>
      </Head>
      <div class="tabs">
        {TABS.map(([id, label]) => (
          <a key={id} href={href('topics', name, id)} aria-current={id === tab ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </div>
      <Ready loaded={loaded}>
        {topic => (
          <>
            {tab === 'records' && (
              <Records key={query.toString()} topic={topic} query={query} produce={() => setDoing('produce')} />
            )}
            {tab === 'partitions' && <Partitions topic={topic} reload={loaded.reload} />}
            {tab === 'configuration' && <Configs topic={name} />}
            {doing === 'produce' && <Produce topic={topic} close={done} />}
            {doing === 'grow' && <Grow topic={topic} close={done} reload={loaded.reload} />}
            {doing === 'delete' && <Delete topic={topic} close={done} />}
          </>
        )}
      </Ready>
    </>
  )
}

function Partitions({ topic, reload }: { topic: Topic; reload: () => void }) {
  const [open, setOpen] = useState<number>()
  const [cutting, setCutting] = useState<number>()
  return (
    <>
      <p class="soft">
        {plural(topic.partitions.length, 'partition')}, {bytes(sum(topic.partitions, ({ sizeBytes }) => sizeBytes))},
        topic id <span class="mono">{topic.topicId}</span>
      </p>
      <Table
        head={['Partition', '#First offset', '#Next offset', '#Records', '#Stored', '#Segments', '']}
        label="Partitions"
      >
        {topic.partitions.map(({ partition, logStartOffset = 0, highWatermark = 0, sizeBytes = 0, segments = 0 }) => (
          <>
            <tr key={partition}>
              <td>
                <button
                  type="button"
                  class="link"
                  data-row
                  aria-expanded={open === partition}
                  onClick={() => setOpen(open === partition ? undefined : partition)}
                >
                  {partition}
                </button>
              </td>
              <td class="num">{count(logStartOffset)}</td>
              <td class="num">{count(highWatermark)}</td>
              <td class="num">{count(highWatermark - logStartOffset)}</td>
              <td class="num">{bytes(sizeBytes)}</td>
              <td class="num">{count(segments)}</td>
              <td class="right">
                <button type="button" class="small" onClick={() => setCutting(partition)}>
                  Delete records
                </button>
              </td>
            </tr>
            {open === partition && (
              <tr key={`${partition}-segments`} class="detail">
                <td colSpan={7}>
                  <Segments topic={topic.name} partition={partition} />
                </td>
              </tr>
            )}
          </>
        ))}
      </Table>
      {cutting !== undefined && (
        <Cut
          topic={topic}
          partition={cutting}
          close={() => {
            setCutting(undefined)
            reload()
          }}
        />
      )}
    </>
  )
}

function Segments({ topic, partition }: { topic: string; partition: number }) {
  const loaded = useLoaded(`${topic}/${partition}`, signal =>
    api<{ segments: Segment[] }>(`${topicPath(topic)}/partitions/${partition}/segments`, { signal }),
  )
  return (
    <Ready loaded={loaded}>
      {({ segments }) => (
        <Table
          head={['Segment', '#Next offset', '#Stored', '#Rows', '#Rewritten', 'Created', 'Last timestamp']}
          label="Segments"
        >
          {segments.map(segment => (
            <tr key={segment.baseOffset}>
              <td>
                <span class="mono">{segment.baseOffset}</span>{' '}
                {segment.active && <span class="state good">active</span>}
              </td>
              <td class="num">{count(segment.nextOffset)}</td>
              <td class="num">{bytes(segment.sizeBytes)}</td>
              <td class="num">{count(segment.chunks)}</td>
              <td class="num">{count(segment.generation)}</td>
              <td>{time(segment.createdMs)}</td>
              <td>{time(segment.maxTimestamp)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Ready>
  )
}

function Configs({ topic }: { topic: string }) {
  const loaded = useLoaded(topic, signal => api<{ config: Config[] }>(`${topicPath(topic)}/config`, { signal }))
  const change = async (name: string, value: string | null): Promise<void> => {
    await api(topicPath(topic), { method: 'PATCH', body: { config: { [name]: value } } })
    loaded.reload()
  }
  return <Ready loaded={loaded}>{({ config }) => <ConfigTable config={config} change={change} />}</Ready>
}

function Grow({ topic, close, reload }: { topic: Topic; close: () => void; reload: () => void }) {
  const [partitions, setPartitions] = useState(String(topic.partitions.length + 1))
  const grow = async (): Promise<void> => {
    await api(topicPath(topic.name), { method: 'PATCH', body: { partitions: Number(partitions) } })
    reload()
  }
  return (
    <Dialog title={`Add partitions to ${topic.name}`} close={close} action="Add" act={grow}>
      <Field label="Partitions then" hint="Keys may go to other partitions from then on; records stay where they are.">
        <input
          type="number"
          autofocus
          min={topic.partitions.length + 1}
          value={partitions}
          onInput={event => setPartitions(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}

function Cut({ topic, partition, close }: { topic: Topic; partition: number; close: () => void }) {
  const { logStartOffset = 0, highWatermark = 0 } = topic.partitions[partition]!
  const [before, setBefore] = useState(String(highWatermark))
  const cut = (): Promise<void> =>
    api(`${topicPath(topic.name)}/partitions/${partition}/records?before=${before}`, { method: 'DELETE' })
  return (
    <Dialog
      title={`Delete records of ${topic.name}, partition ${partition}`}
      close={close}
      action="Delete records"
      act={cut}
      danger
    >
      <Field label="First offset to keep" hint={`From ${logStartOffset} to ${highWatermark}, which keeps none.`}>
        <input
          type="number"
          autofocus
          min={logStartOffset}
          max={highWatermark}
          value={before}
          onInput={event => setBefore(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}

function Delete({ topic, close }: { topic: Topic; close: () => void }) {
  const [typed, setTyped] = useState('')
  const remove = async (): Promise<void> => {
    await api(topicPath(topic.name), { method: 'DELETE' })
    go('topics')
  }
  return (
    <Dialog
      title={`Delete ${topic.name}`}
      close={close}
      action="Delete topic"
      act={remove}
      danger
      blocked={typed !== topic.name}
    >
      <p>The topic and all its records go. This cannot be undone.</p>
      <Field label={`Type ${topic.name} to go on`}>
        <input autofocus autocomplete="off" value={typed} onInput={event => setTyped(event.currentTarget.value)} />
      </Field>
    </Dialog>
  )
}
