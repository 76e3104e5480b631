// The schema registry: subjects, their versions with what changed, and what changes are allowed.

import { useState } from 'preact/hooks'
import { api, writeJson } from '../api.ts'
import { diff } from '../diff.ts'
import { toProblem, useLoaded } from '../loading.ts'
import { Copy, Empty, Head, Ready, Search, Table } from '../parts.tsx'
import { href } from '../route.ts'
import { Compatibility } from './compatibility.tsx'
import { DeleteSchema } from './delete-schema.tsx'
import { Register } from './register.tsx'

export interface Schema {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType?: string
  readonly schema: string
}

interface Version extends Schema {
  /** Softly: its id can still be read. */
  readonly isDeleted: boolean
}

/** Versions looked at of one subject: the newest. */
const MAX_VERSIONS = 50

export function Schemas({ subject }: { subject: string | undefined }) {
  return subject === undefined ? <Subjects /> : <Subject key={subject} subject={subject} />
}

function Subjects() {
  const [withDeleted, setWithDeleted] = useState(false)
  const loaded = useLoaded(`subjects ${withDeleted}`, async signal => {
    const [subjects, all] = await Promise.all([
      api<string[]>('/subjects', { signal }),
      withDeleted ? api<string[]>('/subjects?deleted=true', { signal }) : [],
    ])
    return { subjects: withDeleted ? all : subjects, isThere: new Set(subjects) }
  })
  const [wanted, setWanted] = useState('')
  const [registering, setRegistering] = useState(false)
  if (loaded.problem?.status === 404)
    return (
      <Empty title="This broker has no schema registry">
        <p>Confluent’s API would be at {location.origin}/subjects.</p>
      </Empty>
    )
  return (
    <>
      <Head crumbs={[{ label: 'Schemas' }]}>
        <Search value={wanted} onValue={setWanted} label="Search subjects" />
        <button type="button" class="primary" onClick={() => setRegistering(true)}>
          Register schema
        </button>
      </Head>
      <Ready loaded={loaded}>
        {({ subjects, isThere }) => {
          const shown = subjects.filter(name => name.toLowerCase().includes(wanted.toLowerCase()))
          return (
            <>
              <div class="side-by-side">
                <Compatibility />
                <label class="check soft">
                  <input
                    type="checkbox"
                    checked={withDeleted}
                    onChange={event => setWithDeleted(event.currentTarget.checked)}
                  />{' '}
                  Deleted ones, too
                </label>
              </div>
              {subjects.length === 0 ? (
                <Empty title="No schemas yet">
                  <p>
                    Register one here, or let a serializer do it whose <code>schema.registry.url</code> is{' '}
                    {location.origin}.
                  </p>
                </Empty>
              ) : shown.length === 0 ? (
                <Empty title={`No subject has “${wanted}” in its name`} />
              ) : (
                <Table head={['Subject']} label="Subjects">
                  {shown.map(name => (
                    <tr key={name}>
                      <td>
                        <a data-row href={href('schemas', name)}>
                          {name}
                        </a>{' '}
                        {!isThere.has(name) && <Deleted />}
                      </td>
                    </tr>
                  ))}
                </Table>
              )}
            </>
          )
        }}
      </Ready>
      {registering && <Register close={() => setRegistering(false)} done={loaded.reload} />}
    </>
  )
}

function Subject({ subject }: { subject: string }) {
  const path = `/subjects/${encodeURIComponent(subject)}/versions`
  const loaded = useLoaded(subject, async signal => {
    const all = await api<number[]>(`${path}?deleted=true`, { signal })
    const there = await api<number[]>(path, { signal }).catch(noneIfGone)
    const newest = all.slice(-MAX_VERSIONS).toReversed()
    return Promise.all(
      newest.map(async (version): Promise<Version> => {
        const schema = await api<Schema>(`${path}/${version}?deleted=true`, { signal })
        return { ...schema, isDeleted: !there.includes(version) }
      }),
    )
  })
  const [chosen, setChosen] = useState<number>()
  const [against, setAgainst] = useState<number>()
  const [registering, setRegistering] = useState(false)
  const [deleting, setDeleting] = useState(false)
  if (loaded.problem?.status === 404)
    return (
      <Empty title={`There is no subject ${subject}`}>
        <a href={href('schemas')}>To the schemas</a>
      </Empty>
    )
  return (
    <>
      <Head crumbs={[{ label: 'Schemas', href: href('schemas') }, { label: subject }]}>
        <button type="button" disabled={!loaded.data} onClick={() => setDeleting(true)}>
          Delete
        </button>
        <button type="button" class="primary" disabled={!loaded.data} onClick={() => setRegistering(true)}>
          New version
        </button>
      </Head>
      <Compatibility subject={subject} />
      <Ready loaded={loaded}>
        {versions => {
          const shown =
            versions.find(({ version }) => version === chosen) ??
            versions.find(({ isDeleted }) => !isDeleted) ??
            versions[0]!
          const other = versions.find(({ version }) => version === against)
          return (
            <>
              <div class="filters">
                <select
                  aria-label="Version"
                  value={String(shown.version)}
                  onChange={event => setChosen(Number(event.currentTarget.value))}
                >
                  {versions.map(({ version, id, isDeleted }) => (
                    <option key={version} value={String(version)}>
                      version {version}, id {id}
                      {isDeleted && ', deleted'}
                    </option>
                  ))}
                </select>
                <select
                  aria-label="Compare with"
                  value={String(other?.version ?? '')}
                  onChange={event => setAgainst(Number(event.currentTarget.value) || undefined)}
                >
                  <option value="">compare with…</option>
                  {versions
                    .filter(({ version }) => version !== shown.version)
                    .map(({ version }) => (
                      <option key={version} value={String(version)}>
                        what changed since version {version}
                      </option>
                    ))}
                </select>
                <span class="soft">{shown.schemaType ?? 'AVRO'}</span>
                {shown.isDeleted && <Deleted />}
                <Copy text={() => shown.schema} label="Copy schema" />
              </div>
              {other ? (
                <pre class="diff" aria-label="Changes">
                  {diff(pretty(other), pretty(shown)).map(({ mark, text }, i) => (
                    <div key={i} class={mark === '+' ? 'came' : mark === '-' ? 'went' : undefined}>
                      {mark} {text}
                    </div>
                  ))}
                </pre>
              ) : (
                <pre aria-label="Schema">{pretty(shown)}</pre>
              )}
              {deleting && (
                <DeleteSchema
                  subject={subject}
                  versions={versions}
                  shown={shown.version}
                  close={() => setDeleting(false)}
                  done={loaded.reload}
                />
              )}
              {registering && (
                <Register
                  subject={subject}
                  type={versions[0]!.schemaType ?? 'AVRO'}
                  schema={pretty(versions[0]!)}
                  close={() => setRegistering(false)}
                  done={loaded.reload}
                />
              )}
            </>
          )
        }}
      </Ready>
    </>
  )
}

const Deleted = () => <span class="state bad">deleted</span>

/** Of a subject whose versions were all deleted, the registry says that there is none. */
function noneIfGone(error: unknown): number[] {
  if (toProblem(error).status === 404) return []
  throw error
}

function pretty({ schema }: Schema): string {
  try {
    return writeJson(JSON.parse(schema))
  } catch {
    return schema
  }
}
