// The topics there are, and a form for another one.

import { useState } from 'preact/hooks'
import { api } from '../api.ts'
import type { Topic } from '../../client/answers.ts'
import { bytes, count, sum } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Dialog, Empty, Field, Head, Ready, Search, Table } from '../parts.tsx'
import { go, href } from '../route.ts'

const EVERY_MS = 5_000

export function Topics() {
  const loaded = useLoaded('topics', signal => api<{ topics: Topic[] }>('/v1/topics', { signal }), EVERY_MS)
  const [wanted, setWanted] = useState('')
  const [creating, setCreating] = useState(false)
  return (
    <>
      <Head crumbs={[{ label: 'Topics' }]}>
        <Search value={wanted} onValue={setWanted} label="Search topics" />
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          Create topic
        </button>
      </Head>
      <Ready loaded={loaded}>
        {({ topics }) => {
          const found = topics.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()))
          const shown = [...found.filter(topic => !isOwn(topic)), ...found.filter(isOwn)]
          if (topics.length === 0)
            return (
              <Empty title="No topics yet">
                <p>Create one here, or produce to it: it comes into being with its first record.</p>
              </Empty>
            )
          if (shown.length === 0) return <Empty title={`No topic has “${wanted}” in its name`} />
          return (
            <Table head={['Topic', '#Partitions', '#Records', '#Stored', 'Configs set']} label="Topics">
              {shown.map(topic => (
                <tr key={topic.name}>
                  <td>
                    <a data-row href={href('topics', topic.name)}>
                      {topic.name}
                    </a>
                    {isOwn(topic) && <span class="soft"> internal</span>}
                  </td>
                  <td class="num">{topic.partitions.length}</td>
                  <td class="num">
                    {count(
                      sum(
                        topic.partitions,
                        ({ highWatermark = 0, logStartOffset = 0 }) => highWatermark - logStartOffset,
                      ),
                    )}
                  </td>
                  <td class="num">{bytes(sum(topic.partitions, ({ sizeBytes }) => sizeBytes))}</td>
                  <td class="soft cut wide">
                    {Object.entries(topic.config)
                      .map(([name, value]) => `${name}=${value}`)
                      .join(', ')}
                  </td>
                </tr>
              ))}
            </Table>
          )
        }}
      </Ready>
      {creating && <Create close={() => setCreating(false)} />}
    </>
  )
}

/** Those that the broker keeps for itself come last. */
const isOwn = ({ name }: Topic): boolean => /^(__.*|_schemas)$/.test(name)

function Create({ close }: { close: () => void }) {
  const [name, setName] = useState('')
  const [partitions, setPartitions] = useState('1')
  const [policy, setPolicy] = useState('')
  const [retention, setRetention] = useState('')
  const create = async (): Promise<void> => {
    const config = {
      ...(policy === '' ? {} : { 'cleanup.policy': policy }),
      ...(retention === '' ? {} : { 'retention.ms': retention }),
    }
    await api('/v1/topics', { body: { name, partitions: Number(partitions), config } })
    go('topics', name)
  }
  return (
    <Dialog title="Create topic" close={close} action="Create" act={create} blocked={name === ''}>
      <Field label="Name">
        <input autofocus required value={name} onInput={event => setName(event.currentTarget.value)} />
      </Field>
      <Field label="Partitions" hint="Can become more later, never fewer.">
        <input
          type="number"
          min="1"
          required
          value={partitions}
          onInput={event => setPartitions(event.currentTarget.value)}
        />
      </Field>
      <Field label="What is cleaned up" hint="cleanup.policy">
        <select value={policy} onChange={event => setPolicy(event.currentTarget.value)}>
          <option value="">the broker’s default</option>
          <option value="delete">delete: old segments go</option>
          <option value="compact">compact: the last record of each key stays</option>
          <option value="compact,delete">both</option>
        </select>
      </Field>
      <Field label="How long records are kept" hint="retention.ms">
        <select value={retention} onChange={event => setRetention(event.currentTarget.value)}>
          <option value="">the broker’s default</option>
          <option value="3600000">1 hour</option>
          <option value="86400000">1 day</option>
          <option value="604800000">7 days</option>
          <option value="2592000000">30 days</option>
          <option value="-1">for ever</option>
        </select>
      </Field>
    </Dialog>
  )
}
