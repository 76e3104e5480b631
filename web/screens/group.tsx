// One group: how far behind it is on each partition, who is in it, and moving its offsets.

import { useState } from 'preact/hooks'
import { api, groupPath } from '../api.ts'
import type { Group, GroupOffset } from '../../client/answers.ts'
import { count } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Bar, Dialog, Empty, Head, Ready, Stat, Table } from '../parts.tsx'
import { go, href } from '../route.ts'
import { Reset } from './reset.tsx'

const EVERY_MS = 2_000

export function GroupScreen({ name }: { name: string }) {
  const loaded = useLoaded(name, signal => api<Group>(groupPath(name), { signal }), EVERY_MS)
  const [doing, setDoing] = useState<'reset' | 'delete'>()
  const done = (): void => setDoing(undefined)
  if (loaded.problem?.status === 404)
    return (
      <Empty title={`There is no group ${name}`}>
        <p>It may have been deleted, or forgotten after its offsets ran out.</p>
        <a href={href('groups')}>To the groups</a>
      </Empty>
    )
  return (
    <>
      <Head crumbs={[{ label: 'Groups', href: href('groups') }, { label: name }]}>
        <button type="button" disabled={!loaded.data} onClick={() => setDoing('delete')}>
          Delete
        </button>
        <button type="button" class="primary" disabled={!loaded.data} onClick={() => setDoing('reset')}>
          Reset offsets
        </button>
      </Head>
      <Ready loaded={loaded}>
        {group => (
          <>
            <div class="stats">
              <Stat label="State" value={group.state} />
              <Stat label="Lag" value={count(group.totalLag)} />
              <Stat label="Members" value={count(group.members.length)} />
              <Stat label="Protocol" value={group.type}>
                {group.protocol !== '' && <span class="soft cut-text">{group.protocol}</span>}
              </Stat>
            </div>
            <section>
              <h2>Lag</h2>
              {group.offsets.length === 0 ? (
                <Empty title="Nothing committed, nothing assigned" />
              ) : (
                <Lag group={group} />
              )}
            </section>
            <section>
              <h2>Members</h2>
              {group.members.length === 0 ? <Empty title="Nobody is in this group now" /> : <Members group={group} />}
            </section>
            {doing === 'reset' && <Reset group={group} close={done} reload={loaded.reload} />}
            {doing === 'delete' && <Delete group={group} close={done} />}
          </>
        )}
      </Ready>
    </>
  )
}

function Lag({ group: { offsets, members } }: { group: Group }) {
  const most = Math.max(1, ...offsets.map(({ lag }) => lag ?? 0))
  const ownerOf = ({ topic, partition }: GroupOffset): string =>
    members.find(({ assignment }) => assignment.some(one => one.topic === topic && one.partitions.includes(partition)))
      ?.clientId ?? ''
  return (
    <Table head={['Topic', '#Partition', '#Committed', '#End', '#Lag', 'Behind', 'Read by']} label="Lag by partition">
      {offsets.map(one => (
        <tr key={`${one.topic}/${one.partition}`}>
          <td>
            <a data-row href={href('topics', one.topic)}>
              {one.topic}
            </a>
          </td>
          <td class="num">{one.partition}</td>
          <td class="num">{one.offset === null ? <span class="soft">none</span> : count(one.offset)}</td>
          <td class="num">{one.endOffset === null ? <span class="soft">unknown</span> : count(one.endOffset)}</td>
          <td class="num">{one.lag === null ? <span class="soft">unknown</span> : count(one.lag)}</td>
          <td class="bars">
            <Bar value={one.lag ?? 0} of={most} label={`${one.lag ?? 0} behind`} />
          </td>
          <td class="soft cut">{ownerOf(one)}</td>
        </tr>
      ))}
    </Table>
  )
}

const Members = ({ group: { members } }: { group: Group }) => (
  <Table head={['Client', 'Host', 'Member id', 'Assigned']} label="Members">
    {members.map(({ memberId, clientId, clientHost, groupInstanceId, assignment }) => (
      <tr key={memberId}>
        <td>
          {clientId}
          {groupInstanceId !== null && <span class="soft"> static: {groupInstanceId}</span>}
        </td>
        <td class="mono">{clientHost}</td>
        <td class="mono cut soft">{memberId}</td>
        <td>
          {assignment.length === 0 ? (
            <span class="soft">nothing</span>
          ) : (
            assignment.map(({ topic, partitions }) => `${topic}: ${partitions.join(', ')}`).join('; ')
          )}
        </td>
      </tr>
    ))}
  </Table>
)

function Delete({ group, close }: { group: Group; close: () => void }) {
  const remove = async (): Promise<void> => {
    await api(groupPath(group.group), { method: 'DELETE' })
    go('groups')
  }
  const isFull = group.members.length > 0
  return (
    <Dialog title={`Delete ${group.group}`} close={close} action="Delete group" act={remove} danger blocked={isFull}>
      <p>
        {isFull
          ? 'It has members. Stop them first: a group can be deleted while nobody is in it.'
          : 'The group and its committed offsets go. Whoever joins it again begins where auto.offset.reset says.'}
      </p>
    </Dialog>
  )
}
