// Configs with where they come from and what they do; those of a topic can be changed.

import { useState } from 'preact/hooks'
import type { Config } from '../client/answers.ts'
import { bytes, duration } from './figures.ts'
import { Dialog, Empty, Field, Search, Table } from './parts.tsx'

const SOURCE = { TOPIC: 'set here', STATIC_BROKER: 'broker', DEFAULT: 'default' } as const

interface Props {
  readonly config: readonly Config[]
  readonly change?: (name: string, value: string | null) => Promise<void>
}

export function ConfigTable({ config, change }: Props) {
  const [wanted, setWanted] = useState('')
  const [onlySet, setOnlySet] = useState(false)
  const [editing, setEditing] = useState<Config>()
  const text = wanted.toLowerCase()
  const shown = config.filter(
    ({ name, documentation, source }) =>
      (!onlySet || source !== 'DEFAULT') && `${name} ${documentation}`.toLowerCase().includes(text),
  )
  return (
    <>
      <div class="filters">
        <Search value={wanted} onValue={setWanted} label="Search configs" />
        <label class="check">
          <input type="checkbox" checked={onlySet} onChange={event => setOnlySet(event.currentTarget.checked)} /> only
          what is set
        </label>
      </div>
      {shown.length === 0 ? (
        <Empty title={onlySet && text === '' ? 'Everything is at its default' : 'No config is like that'} />
      ) : (
        <Table head={['Config', 'Value', 'Source', 'What it does']} label="Configs">
          {shown.map(one => (
            <tr key={one.name}>
              <td class="mono nowrap">
                {change && !one.readOnly ? (
                  <button type="button" class="link" data-row onClick={() => setEditing(one)}>
                    {one.name}
                  </button>
                ) : (
                  one.name
                )}
              </td>
              <td class="value-cell">
                <span class="mono">
                  {one.value === null || one.value === '' ? <span class="soft">none</span> : one.value}
                </span>{' '}
                <span class="soft">{meaning(one)}</span>
              </td>
              <td class="nowrap">
                <span class={one.source === 'DEFAULT' ? 'soft' : 'state good'}>{SOURCE[one.source]}</span>
              </td>
              <td class="soft docs">{one.documentation}</td>
            </tr>
          ))}
        </Table>
      )}
      {editing && change && <Edit config={editing} change={change} close={() => setEditing(undefined)} />}
    </>
  )
}

interface EditProps {
  readonly config: Config
  readonly change: (name: string, value: string | null) => Promise<void>
  readonly close: () => void
}

function Edit({ config: { name, value, source, documentation }, change, close }: EditProps) {
  const [typed, setTyped] = useState(value ?? '')
  const [reset, setReset] = useState(false)
  return (
    <Dialog title={name} close={close} action={reset ? 'Reset' : 'Set'} act={() => change(name, reset ? null : typed)}>
      <p>{documentation}</p>
      <Field label="Value">
        <input autofocus disabled={reset} value={typed} onInput={event => setTyped(event.currentTarget.value)} />
      </Field>
      {source === 'TOPIC' && (
        <label class="check">
          <input type="checkbox" checked={reset} onChange={event => setReset(event.currentTarget.checked)} /> back to
          the default
        </label>
      )}
    </Dialog>
  )
}

/** Milliseconds and bytes in words. */
function meaning({ name, value }: Config): string {
  const figure = Number(value)
  if (value === null || value === '' || !(figure >= 1_000) || figure > Number.MAX_SAFE_INTEGER) return ''
  if (/(^|\.)ms$/.test(name)) return `= ${duration(figure)}`
  return name.endsWith('bytes') ? `= ${bytes(figure)}` : ''
}
