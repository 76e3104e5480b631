// Records in rows, each of which opens to everything it has.

import { useState } from 'preact/hooks'
import { writeJson } from './api.ts'
import type { HeaderValue, LogRecord } from '../client/answers.ts'
import { time } from './figures.ts'
import { Json } from './json.tsx'
import { textOf } from './merging.ts'
import { Copy, Table } from './parts.tsx'

/** Characters of a key or value in a row. */
const MAX_CHARS = 300

const idOf = ({ partition, offset }: LogRecord): string => `${partition}/${offset}`

export function RecordTable({ records }: { records: readonly LogRecord[] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const turn = (id: string): void => {
    const next = new Set(open)
    if (!next.delete(id)) next.add(id)
    setOpen(next)
  }
  return (
    <Table kind="records" head={['#Partition', '#Offset', 'Time', 'Key', 'Value']} label="Records">
      {records.map(record => {
        const id = idOf(record)
        const isOpen = open.has(id)
        return [
          <tr key={id} class="record">
            <td class="num">{record.partition}</td>
            <td class="num">
              <button type="button" class="link" data-row aria-expanded={isOpen} onClick={() => turn(id)}>
                {record.offset}
              </button>
            </td>
            <td class="nowrap when">{time(record.timestamp)}</td>
            <td class="cut key">{content(record.key)}</td>
            <td class="cut" onClick={() => turn(id)}>
              {content(record.value)}
            </td>
          </tr>,
          isOpen && (
            <tr key={`${id}/open`} class="detail">
              <td colSpan={5}>
                <Detail record={record} />
              </td>
            </tr>
          ),
        ]
      })}
    </Table>
  )
}

function content(value: unknown) {
  if (value === null || value === undefined) return <span class="soft">null</span>
  return <span class="mono">{textOf(value).slice(0, MAX_CHARS)}</span>
}

function Detail({ record }: { record: LogRecord }) {
  const { key, value, keyFormat, valueFormat } = record
  const headers = headersOf(record)
  return (
    <div class="opened">
      <div class="part">
        <h3>
          Value {valueFormat && <span class="soft">{valueFormat}</span>}
          <Copy text={() => (typeof value === 'string' ? value : writeJson(value))} label="Copy value" />
          <Copy text={() => writeJson(record)} label="Copy record" />
        </h3>
        {typeof value === 'string' ? <pre class="text">{value}</pre> : <Json value={value} />}
      </div>
      <div class="part">
        <h3>Time</h3>
        <p>{time(record.timestamp)}</p>
        <h3>Key {keyFormat && <span class="soft">{keyFormat}</span>}</h3>
        {typeof key === 'string' ? <pre class="text">{key}</pre> : <Json value={key} />}
        <h3>Headers</h3>
        {headers.length === 0 ? (
          <p class="soft">none</p>
        ) : (
          <dl class="facts">
            {headers.map(([name, text], i) => [
              <dt key={`${i}-name`} class="mono">
                {name}
              </dt>,
              <dd key={`${i}-value`} class="mono">
                {text}
              </dd>,
            ])}
          </dl>
        )}
      </div>
    </div>
  )
}

/** Names may repeat. */
function headersOf({ headers }: LogRecord): [string, string][] {
  if (Array.isArray(headers)) return headers.map(({ key, value }) => [key, headerText(value ?? null)])
  return Object.entries(headers ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each): [string, string] => [name, headerText(each as HeaderValue)]),
  )
}

function headerText(value: HeaderValue): string {
  if (value === null) return 'null'
  return typeof value === 'string' ? value : `${value.base64} (base64)`
}
