// The consumer groups there are.

import { useState } from 'preact/hooks'
import { api } from '../api.ts'
import type { ListedGroup } from '../../client/answers.ts'
import { useLoaded } from '../loading.ts'
import { Empty, Head, Ready, Search, State, Table } from '../parts.tsx'
import { href } from '../route.ts'

const EVERY_MS = 5_000

export function Groups() {
  const loaded = useLoaded(
    'groups',
    signal => api<{ groups: ListedGroup[]; next?: string }>('/v1/groups', { signal }),
    EVERY_MS,
  )
  const [wanted, setWanted] = useState('')
  return (
    <>
      <Head crumbs={[{ label: 'Groups' }]}>
        <Search value={wanted} onValue={setWanted} label="Search groups" />
      </Head>
      <Ready loaded={loaded}>
        {({ groups, next }) => {
          const shown = groups.filter(({ group }) => group.toLowerCase().includes(wanted.toLowerCase()))
          if (groups.length === 0)
            return (
              <Empty title="No groups yet">
                <p>A group begins with its first member:</p>
                <pre>{`curl -N '${location.origin}/v1/topics/hello/records?group=readers' -H 'accept: text/event-stream'`}</pre>
              </Empty>
            )
          if (shown.length === 0) return <Empty title={`No group has “${wanted}” in its id`} />
          return (
            <>
              <Table head={['Group', 'State', 'Protocol', 'Protocol type']} label="Groups">
                {shown.map(({ group, state, type, protocolType }) => (
                  <tr key={group}>
                    <td>
                      <a data-row href={href('groups', group)}>
                        {group}
                      </a>
                    </td>
                    <td>
                      <State state={state} />
                    </td>
                    <td>{type}</td>
                    <td>{protocolType}</td>
                  </tr>
                ))}
              </Table>
              {next && <p class="soft">There are more; the first {groups.length} are shown.</p>}
            </>
          )
        }}
      </Ready>
    </>
  )
}
