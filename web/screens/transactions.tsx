// Transactional ids and how their transactions stand.

import { useState } from 'preact/hooks'
import { api } from '../api.ts'
import type { Transaction } from '../../client/answers.ts'
import { time } from '../figures.ts'
import { useLoaded } from '../loading.ts'
import { Empty, Head, Ready, Search, State, Table } from '../parts.tsx'

const EVERY_MS = 5_000

export function Transactions() {
  const loaded = useLoaded(
    'transactions',
    signal => api<{ transactions: Transaction[]; next?: string }>('/v1/transactions', { signal }),
    EVERY_MS,
  )
  const [wanted, setWanted] = useState('')
  const [state, setState] = useState('')
  return (
    <>
      <Head crumbs={[{ label: 'Transactions' }]}>
        <Search value={wanted} onValue={setWanted} label="Search transactional ids" />
      </Head>
      <Ready loaded={loaded}>
        {({ transactions, next }) => {
          if (transactions.length === 0)
            return (
              <Empty title="No transactions">
                <p>
                  Producers with a <code>transactional.id</code> and <code>POST /v1/transactions</code> show up here,
                  with how their last transaction stands.
                </p>
              </Empty>
            )
          const states = [...new Set(transactions.map(({ state }) => state))].sort()
          const shown = transactions.filter(
            one =>
              (state === '' || one.state === state) && one.transactionalId.toLowerCase().includes(wanted.toLowerCase()),
          )
          return (
            <>
              <div class="filters">
                <select aria-label="State" value={state} onChange={event => setState(event.currentTarget.value)}>
                  <option value="">every state</option>
                  {states.map(one => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </div>
              <Table head={['Transactional id', 'State', '#Producer id', 'Began']} label="Transactions">
                {shown.map(one => (
                  <tr key={one.transactionalId}>
                    <td class="mono">{one.transactionalId}</td>
                    <td>
                      <State state={one.state} />
                    </td>
                    <td class="num">{one.producerId}</td>
                    <td>{one.startMs > 0 ? time(one.startMs) : <span class="soft">none yet</span>}</td>
                  </tr>
                ))}
              </Table>
              {next && <p class="soft">There are more; the first {transactions.length} are shown.</p>}
            </>
          )
        }}
      </Ready>
    </>
  )
}
