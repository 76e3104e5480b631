// The admin page: the frame around its screens, the keys, light and dark, and the token where the broker asks for one.

import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Problem, api, token } from './api.ts'
import { listenToKeys, Help } from './keys.tsx'
import { useLoaded } from './loading.ts'
import { Empty, Field, Wrong } from './parts.tsx'
import { href, type Place, usePlace } from './route.ts'
import { Configuration } from './screens/configuration.tsx'
import { Connections } from './screens/connections.tsx'
import { GroupScreen } from './screens/group.tsx'
import { Groups } from './screens/groups.tsx'
import { Overview } from './screens/overview.tsx'
import { Schemas } from './screens/schemas.tsx'
import { TopicScreen } from './screens/topic.tsx'
import { Topics } from './screens/topics.tsx'
import { Transactions } from './screens/transactions.tsx'
import { Theme } from './theme.tsx'
import './style.css'

const SCREENS = [
  ['', 'Overview'],
  ['topics', 'Topics'],
  ['groups', 'Groups'],
  ['transactions', 'Transactions'],
  ['schemas', 'Schemas'],
  ['connections', 'Connections'],
  ['configuration', 'Configuration'],
] as const

function Screen({ parts, query }: Place) {
  const [screen = '', name, tab] = parts
  switch (screen) {
    case '':
      return <Overview />
    case 'topics':
      return name === undefined ? (
        <Topics />
      ) : (
        <TopicScreen key={name} name={name} tab={tab ?? 'records'} query={query} />
      )
    case 'groups':
      return name === undefined ? <Groups /> : <GroupScreen key={name} name={name} />
    case 'transactions':
      return <Transactions />
    case 'schemas':
      return <Schemas subject={name} />
    case 'connections':
      return <Connections kind={query.get('kind') ?? ''} />
    case 'configuration':
      return <Configuration />
    default:
      return (
        <Empty title="There is no such screen">
          <a href="#/">To the overview</a>
        </Empty>
      )
  }
}

function App() {
  const place = usePlace()
  const [helping, setHelping] = useState(false)
  const cluster = useLoaded('cluster', () => api('/v1/cluster').then(() => true as const, opened))
  useEffect(() => listenToKeys(() => setHelping(true)), [])
  const current = place.parts[0] ?? ''
  useEffect(() => {
    const [screen, name] = place.parts
    const label = SCREENS.find(([id]) => id === (screen ?? ''))?.[1] ?? 'Edgelog'
    document.title = `${name ?? label} · Edgelog`
    // On small screens the screens are a row that is wider than the page.
    document.querySelector('.screens [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [place])
  const closed = cluster.problem
  return (
    <div class="app">
      <a class="skip" href="#main" onClick={event => (event.preventDefault(), document.querySelector('main')?.focus())}>
        To the content
      </a>
      <nav aria-label="Screens">
        <a class="brand" href="#/">
          <img src="/ui/icon.svg" alt="" width="18" height="18" /> Edgelog
        </a>
        <div class="screens">
          {SCREENS.map(([id, label]) => (
            <a key={id} href={href(id)} aria-current={id === current ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </div>
        <div class="foot">
          <Theme />
          <button type="button" class="quiet" onClick={() => setHelping(true)} aria-label="Keys">
            ?
          </button>
          <a class="quiet" href="/docs">
            API
          </a>
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        {closed?.status === 401 || closed?.status === 503 ? (
          <Closed problem={closed} again={cluster.reload} />
        ) : cluster.data === undefined && closed === undefined ? null : (
          <Screen {...place} />
        )}
      </main>
      {helping && <Help close={() => setHelping(false)} />}
    </div>
  )
}

/** Being refused is the only answer that closes the page; what else goes wrong, the screens say. */
function opened(problem: Problem): true {
  if (problem.status === 401 || problem.status === 503) throw problem
  return true
}

function Closed({ problem, again }: { problem: Problem; again: () => void }) {
  const [typed, setTyped] = useState('')
  if (problem.status === 503)
    return (
      <Empty title="This broker has no token yet">
        <p>So it refuses everything. Set one, then load this page again:</p>
        <pre>npx wrangler secret put EDGELOG_ADMIN_TOKEN</pre>
      </Empty>
    )
  return (
    <form
      class="empty token"
      onSubmit={event => {
        event.preventDefault()
        token.set(typed.trim())
        again()
      }}
    >
      <h2>Which token?</h2>
      <p>This broker asks for the token that was set as EDGELOG_ADMIN_TOKEN. It is kept until this tab closes.</p>
      {token.get() !== '' && <Wrong problem={problem} />}
      <Field label="Token">
        <input
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={typed}
          onInput={event => setTyped(event.currentTarget.value)}
        />
      </Field>
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  )
}

render(<App />, document.body)
