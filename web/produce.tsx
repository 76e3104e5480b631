// A form that produces a record to a topic, and says where it went.

import { useState } from 'preact/hooks'
import { api, topicPath } from './api.ts'
import type { Topic } from '../client/answers.ts'
import { Dialog, Field } from './parts.tsx'

interface Produced {
  readonly records: readonly {
    readonly partition: number
    readonly offset?: number
    readonly error?: { readonly detail: string }
  }[]
}

export function Produce({ topic, close }: { topic: Topic; close: () => void }) {
  const [key, setKey] = useState('')
  const [value, setValue] = useState('{\n  \n}')
  const [format, setFormat] = useState('json')
  const [headers, setHeaders] = useState('')
  const [partition, setPartition] = useState('')
  const [went, setWent] = useState('')
  const produce = async (): Promise<void> => {
    setWent('')
    const said = [
      ...(key === '' ? [] : [`"key":${JSON.stringify(key)}`]),
      ...(partition === '' ? [] : [`"partition":${partition}`]),
      ...(headers.trim() === '' ? [] : [`"headers":${JSON.stringify(headersIn(headers))}`]),
      `"value":${valueIn(value, format)}`,
    ]
    const { records } = await api<Produced>(
      `${topicPath(topic.name)}/records?format=${format === 'null' ? 'json' : format}`,
      { body: `{${said.join(',')}}` },
    )
    const [one] = records
    if (one?.error) throw new Error(one.error.detail)
    setWent(`It is partition ${one?.partition}, offset ${one?.offset}.`)
  }
  return (
    <Dialog title={`Produce to ${topic.name}`} close={close} action="Produce" act={produce} stays done={went}>
      <Field label="Key" hint="Decides the partition. Empty: none.">
        <input autofocus value={key} onInput={event => setKey(event.currentTarget.value)} />
      </Field>
      <Field label="Value">
        <textarea
          rows={8}
          class="mono"
          disabled={format === 'null'}
          value={value}
          onInput={event => setValue(event.currentTarget.value)}
        />
      </Field>
      <div class="pair">
        <Field label="Written as">
          <select value={format} onChange={event => setFormat(event.currentTarget.value)}>
            <option value="json">JSON</option>
            <option value="text">text</option>
            <option value="base64">base64</option>
            <option value="schema">the topic’s schema</option>
            <option value="null">null: delete the key</option>
          </select>
        </Field>
        <Field label="Partition">
          <select value={partition} onChange={event => setPartition(event.currentTarget.value)}>
            <option value="">by the key</option>
            {topic.partitions.map(({ partition }) => (
              <option key={partition}>{partition}</option>
            ))}
          </select>
        </Field>
      </div>
      <Field label="Headers" hint="One a line: name: value">
        <textarea rows={2} class="mono" value={headers} onInput={event => setHeaders(event.currentTarget.value)} />
      </Field>
    </Dialog>
  )
}

/** JSON goes as it was typed, so that nothing is lost on the way; it is only looked through. */
function valueIn(value: string, format: string): string {
  if (format === 'null') return 'null'
  if (format === 'text' || format === 'base64') return JSON.stringify(value)
  try {
    JSON.parse(value)
  } catch (error) {
    throw new Error(`The value is not JSON: ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
  return value
}

function headersIn(text: string): { key: string; value: string }[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const at = line.indexOf(':')
      if (at < 1) throw new Error(`A header is “name: value”, not “${line}”.`)
      return { key: line.slice(0, at).trim(), value: line.slice(at + 1).trim() }
    })
}
