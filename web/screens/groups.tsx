// The consumer groups there are.

import { useState } from 'preact/hooks'
import { api, apiText } from '../api.ts'
import type { ListedGroup } from '../../client/answers.ts'
import { count } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Empty, Head, Ready, Search, State, Table } from '../parts.tsx'
import { href } from '../route.ts'

const EVERY_MS = 5_000

export function Groups() {
  const loaded = useLoaded(
    'groups',
    async signal => {
      const [listed, metrics] = await Promise.all([
        api<{ groups: ListedGroup[]; next?: string }>('/v1/groups', { signal }),
        apiText('/metrics?ask=groups', { signal }),
      ])
      return { ...listed, members: byGroup(metrics, 'members'), lags: byGroup(metrics, 'lag') }
    },
    EVERY_MS,
  )
  const [wanted, setWanted] = useState('')
  return (
    <>
      <Head crumbs={[{ label: 'Groups' }]}>
        <Search value={wanted} onValue={setWanted} label="Search groups" />
      </Head>
      <Ready loaded={loaded}>
        {({ groups, next, members, lags }) => {
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
              <Table head={['Group', 'State', '#Members', '#Lag', 'Protocol', 'Protocol type']} label="Groups">
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
                    <td class="num">{figure(members.get(group))}</td>
                    <td class="num">{figure(lags.get(group))}</td>
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

const figure = (value: number | undefined) => (value === undefined ? <span class="soft">–</span> : count(value))

/** What /metrics tells of each group, summed up: it asks all of them at once, 200 at most. */
function byGroup(metrics: string, what: 'members' | 'lag'): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const [, labels, value] of metrics.matchAll(new RegExp(`^edgelog_group_${what}\\{(.*)\\} (\\d+)$`, 'gm'))) {
    const quoted = /(?:^|,)group=("(?:[^"\\]|\\.)*")/.exec(labels!)?.[1]
    if (quoted === undefined) continue
    const group = JSON.parse(quoted) as string
    sums.set(group, (sums.get(group) ?? 0) + Number(value))
  }
  return sums
}
