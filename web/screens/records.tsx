// The records of a topic: from any offset or time, page by page, searched, or live.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { Problem } from '../api.ts'
import type { LogRecord, Topic } from '../../client/answers.ts'
import { count, plural } from '../figures.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../loading.ts'
import { matcher } from '../merging.ts'
import { firstPage, MAX_PARTITIONS, newer, older, type Source, type Start, type Vector } from '../paging.ts'
import { Empty, Ready, Search, Wrong } from '../parts.tsx'
import { RecordTable } from '../record-table.tsx'

/** Whoever types has come to an end after so long. */
const TYPED_MS = 250

interface View {
  readonly partition: string
  readonly start: string
  readonly at: string
  readonly text: string
  readonly where: string
  readonly format: string
  readonly isolation: string
}

type Turn = { readonly to: 'older' | 'newer'; readonly vector: Vector }

export function Records({ topic, query, produce }: { topic: Topic; query: URLSearchParams; produce: () => void }) {
  const [view, setView] = useState<View>(() => ({
    partition: query.get('partition') ?? (topic.partitions.length > MAX_PARTITIONS ? '0' : 'all'),
    start: query.get('start') ?? 'latest',
    at: query.get('at') ?? '',
    text: query.get('text') ?? '',
    where: query.get('where') ?? 'anywhere',
    format: query.get('format') ?? 'schema',
    isolation: query.get('isolation') ?? 'read_uncommitted',
  }))
  const change = (part: Partial<View>): void => setView(view => ({ ...view, ...part }))
  useEffect(() => {
    // The screen can be linked to and loaded again, without a step in the history for each change.
    const said = new URLSearchParams(Object.entries(view).filter(([, value]) => value !== ''))
    history.replaceState(null, '', `${location.hash.split('?')[0]}?${said}`)
  }, [view])
  return (
    <>
      <Controls topic={topic} view={view} change={change} />
      {view.start === 'live' ? (
        <Tail topic={topic} view={view} />
      ) : (
        <Browse topic={topic} view={view} produce={produce} />
      )}
    </>
  )
}

function Controls({ topic, view, change }: { topic: Topic; view: View; change: (part: Partial<View>) => void }) {
  const { partitions } = topic
  const [text, setText] = useState(view.text)
  useEffect(() => {
    const timer = setTimeout(() => change({ text }), TYPED_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div class="filters">
      <Search value={text} onValue={setText} label="Search records" />
      <select
        aria-label="Search in"
        value={view.where}
        onChange={event => change({ where: event.currentTarget.value })}
      >
        <option value="anywhere">in everything</option>
        <option value="key">in keys</option>
        <option value="value">in values</option>
        <option value="headers">in headers</option>
      </select>
      <select
        aria-label="Partition"
        value={view.partition}
        onChange={event => change({ partition: event.currentTarget.value })}
      >
        {partitions.length <= MAX_PARTITIONS && <option value="all">all partitions</option>}
        {partitions.map(({ partition }) => (
          <option key={partition} value={String(partition)}>
            partition {partition}
          </option>
        ))}
      </select>
      <select
        aria-label="From"
        value={view.start}
        onChange={event => change({ start: event.currentTarget.value, at: '' })}
      >
        <option value="latest">newest first</option>
        <option value="earliest">from the beginning</option>
        <option value="offset">from offset</option>
        <option value="time">from time</option>
        <option value="live">live</option>
      </select>
      {view.start === 'offset' && (
        <input
          type="number"
          min="0"
          class="narrow"
          aria-label="Offset"
          placeholder="0"
          value={view.at}
          onChange={event => change({ at: event.currentTarget.value })}
        />
      )}
      {view.start === 'time' && (
        <input
          type="datetime-local"
          step="1"
          aria-label="Time"
          value={view.at}
          onChange={event => change({ at: event.currentTarget.value })}
        />
      )}
      <select aria-label="Format" value={view.format} onChange={event => change({ format: event.currentTarget.value })}>
        <option value="schema">as schemas say</option>
        <option value="json">JSON</option>
        <option value="text">text</option>
        <option value="base64">base64</option>
      </select>
      <select
        aria-label="Isolation"
        value={view.isolation}
        onChange={event => change({ isolation: event.currentTarget.value })}
      >
        <option value="read_uncommitted">uncommitted, too</option>
        <option value="read_committed">committed only</option>
      </select>
    </div>
  )
}

function startOf({ start, at }: View): Start {
  if (start === 'offset') return { offset: Number(at) || 0 }
  if (start === 'time') {
    const timestamp = new Date(at).getTime()
    return Number.isNaN(timestamp) ? 'latest' : { timestamp: Math.max(0, timestamp) }
  }
  return start === 'earliest' ? 'earliest' : 'latest'
}

function Browse({ topic, view, produce }: { topic: Topic; view: View; produce: () => void }) {
  const [turn, setTurn] = useState<{ of: string; turn: Turn }>()
  const [reloads, setReloads] = useState(0)
  const key = `${topic.topicId}/${topic.partitions.length}/${JSON.stringify(view)}`
  const turned = turn?.of === key ? turn.turn : undefined
  const matches = useMemo(() => matcher(view.text, view.where), [view.text, view.where])
  const descending = view.start === 'latest' || (view.start === 'time' && view.at === '')
  const loaded = useLoaded(
    `${key}/${reloads}/${turned ? turned.to + JSON.stringify([...turned.vector]) : ''}`,
    signal => {
      const source: Source = {
        topic,
        partitions:
          view.partition === 'all' ? topic.partitions.map(({ partition }) => partition) : [Number(view.partition)],
        format: view.format,
        isolation: view.isolation,
        matches,
        signal,
      }
      if (turned?.to === 'newer') return newer(source, turned.vector)
      if (turned?.to === 'older') return older(source, turned.vector)
      return firstPage(source, startOf(view))
    },
  )
  const first = (): void => {
    setTurn(undefined)
    setReloads(reloads + 1)
  }
  return (
    <Ready loaded={loaded}>
      {({ records, from, to, hasOlder, hasNewer, scanned }) => (
        <>
          {records.length === 0 ? (
            <Empty title={matches ? `Nothing like “${view.text}” here` : 'No records here'}>
              {matches ? (
                <p>
                  {plural(scanned, 'record')} looked at
                  {hasOlder || hasNewer ? '; there are more to look at.' : ', which is all.'}
                </p>
              ) : (
                <button type="button" onClick={produce}>
                  Produce one
                </button>
              )}
            </Empty>
          ) : (
            <RecordTable records={descending ? records.toReversed() : records} />
          )}
          <div class="pager">
            <button
              type="button"
              disabled={!hasOlder}
              onClick={() => setTurn({ of: key, turn: { to: 'older', vector: from } })}
            >
              ‹ Older
            </button>
            <button
              type="button"
              disabled={!hasNewer}
              onClick={() => setTurn({ of: key, turn: { to: 'newer', vector: to } })}
            >
              Newer ›
            </button>
            <button type="button" onClick={first}>
              Refresh
            </button>
            <span class="soft">
              {plural(records.length, 'record')}
              {matches && ` of ${count(scanned)} looked at`}
            </span>
          </div>
        </>
      )}
    </Ready>
  )
}

function Tail({ topic, view }: { topic: Topic; view: View }) {
  const [paused, setPaused] = useState(false)
  const partitions = view.partition === 'all' ? '' : `&partitions=${view.partition}`
  const formats = `format=${view.format}&keyFormat=${view.format === 'json' ? 'text' : view.format}`
  const live = useLive(topic.name, `${formats}&isolation=${view.isolation}${partitions}`, paused)
  const matches = matcher(view.text, view.where)
  const shown: readonly LogRecord[] = matches ? live.records.filter(matches) : live.records
  return (
    <>
      <div class="pager">
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" onClick={live.clear}>
          Clear
        </button>
        <span class={`state ${live.state === 'open' ? (paused ? 'idle' : 'good') : 'busy'}`} role="status">
          {live.state === 'connecting' ? 'connecting' : paused ? 'paused' : live.state === 'open' ? 'live' : 'ended'}
        </span>
        <span class="soft">
          {plural(live.seen, 'record')} since it began
          {live.waiting > 0 && `, ${count(live.waiting)} waiting`}
        </span>
      </div>
      {live.state === 'failed' && <Wrong problem={new Problem(0, 'ENDED', live.message)} />}
      {shown.length === 0 ? (
        <Empty title="Waiting for records">
          <p>What is produced from now on shows up here.</p>
        </Empty>
      ) : (
        <RecordTable records={shown} />
      )}
    </>
  )
}
