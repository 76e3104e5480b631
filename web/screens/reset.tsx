// Moving the offsets of a group. What would happen is shown first: the broker is asked for a dry run.

import { useState } from 'preact/hooks'
import { api, groupPath } from '../api.ts'
import type { Group } from '../../client/answers.ts'
import { count } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Dialog, Empty, Field, Ready, Table } from '../parts.tsx'

type Target = 'earliest' | 'latest' | 'offset' | 'timestamp' | 'duration' | 'shiftBy'

interface Moved {
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly from: number | null
    readonly to: number
  }[]
}

/** As the broker takes it; undefined while it is not typed yet. */
function targetOf(target: Target, typed: string): unknown {
  if (target === 'earliest' || target === 'latest') return target
  if (typed === '') return undefined
  if (target === 'timestamp') {
    const timestamp = new Date(typed).getTime()
    return Number.isNaN(timestamp) ? undefined : { timestamp }
  }
  return { [target]: target === 'duration' ? typed : Number(typed) }
}

export function Reset({ group, close, reload }: { group: Group; close: () => void; reload: () => void }) {
  const [target, setTarget] = useState<Target>('earliest')
  const [typed, setTyped] = useState('')
  const [topic, setTopic] = useState('')
  const topics = [...new Set(group.offsets.map(({ topic }) => topic))]
  const to = targetOf(target, typed)
  const path = `${groupPath(group.group)}/offsets/reset`
  const asked = { to, ...(topic === '' ? {} : { topics: [topic] }) }
  const isFull = group.members.length > 0
  const apply = async (): Promise<void> => {
    await api(path, { body: asked })
    reload()
  }
  if (isFull)
    return (
      <Dialog title={`Reset offsets of ${group.group}`} close={close}>
        <p>
          The group has members, who would overwrite what is set here. Stop them first; offsets are moved while nobody
          is in it.
        </p>
      </Dialog>
    )
  return (
    <Dialog
      title={`Reset offsets of ${group.group}`}
      close={close}
      action="Reset offsets"
      act={apply}
      blocked={to === undefined}
    >
      <div class="pair">
        <Field label="To">
          <select
            autofocus
            value={target}
            onChange={event => {
              setTarget(event.currentTarget.value as Target)
              setTyped('')
            }}
          >
            <option value="earliest">the beginning</option>
            <option value="latest">the end</option>
            <option value="offset">an offset</option>
            <option value="timestamp">a time</option>
            <option value="duration">so long ago</option>
            <option value="shiftBy">forward or back by</option>
          </select>
        </Field>
        {(target === 'offset' || target === 'shiftBy') && (
          <Field label={target === 'offset' ? 'Offset' : 'Records, below 0 for back'}>
            <input type="number" value={typed} onInput={event => setTyped(event.currentTarget.value)} />
          </Field>
        )}
        {target === 'timestamp' && (
          <Field label="Time">
            <input
              type="datetime-local"
              step="1"
              value={typed}
              onInput={event => setTyped(event.currentTarget.value)}
            />
          </Field>
        )}
        {target === 'duration' && (
          <Field label="How long" hint="ISO 8601: PT1H is an hour, P2D two days">
            <input placeholder="PT1H" value={typed} onInput={event => setTyped(event.currentTarget.value)} />
          </Field>
        )}
        <Field label="Topics">
          <select value={topic} onChange={event => setTopic(event.currentTarget.value)}>
            <option value="">all of them</option>
            {topics.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
      </div>
      {to !== undefined && <Preview path={path} asked={asked} />}
    </Dialog>
  )
}

function Preview({ path, asked }: { path: string; asked: object }) {
  const loaded = useLoaded(JSON.stringify(asked), signal =>
    api<Moved>(path, { body: { ...asked, dryRun: true }, signal }),
  )
  return (
    <Ready loaded={loaded}>
      {({ offsets }) =>
        offsets.length === 0 ? (
          <Empty title="There is nothing to move" />
        ) : (
          <Table head={['Topic', '#Partition', '#Now', '#Then', '#Change']} label="What would be committed">
            {offsets.map(({ topic, partition, from, to }) => (
              <tr key={`${topic}/${partition}`}>
                <td>{topic}</td>
                <td class="num">{partition}</td>
                <td class="num">{from === null ? 'none' : count(from)}</td>
                <td class="num">{count(to)}</td>
                <td class="num">{from === null ? '' : `${to >= from ? '+' : '−'}${count(Math.abs(to - from))}`}</td>
              </tr>
            ))}
          </Table>
        )
      }
    </Ready>
  )
}
