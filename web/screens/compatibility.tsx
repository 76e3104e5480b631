// Which changes of schemas are allowed: of one subject, or of all that say nothing themselves.

import { useState } from 'preact/hooks'
import { api, type Problem } from '../api.ts'
import { toProblem, useLoaded } from '../loading.ts'
import { Wrong } from '../parts.tsx'

const LEVELS = ['BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE', 'NONE']

export function Compatibility({ subject }: { subject?: string }) {
  const path = subject === undefined ? '/config' : `/config/${encodeURIComponent(subject)}`
  const loaded = useLoaded(path, async signal => {
    const ask = (query: string) => api<{ compatibilityLevel: string }>(`${path}${query}`, { signal })
    if (subject === undefined) return { level: (await ask('')).compatibilityLevel, isOwn: true }
    try {
      return { level: (await ask('')).compatibilityLevel, isOwn: true }
    } catch (error) {
      if (toProblem(error).status !== 404) throw error
      return { level: (await ask('?defaultToGlobal=true')).compatibilityLevel, isOwn: false }
    }
  })
  const [problem, setProblem] = useState<Problem>()
  const set = async (level: string): Promise<void> => {
    setProblem(undefined)
    try {
      await (level === ''
        ? api(path, { method: 'DELETE' })
        : api(path, { method: 'PUT', body: { compatibility: level } }))
    } catch (error) {
      setProblem(toProblem(error))
    }
    loaded.reload()
  }
  if (!loaded.data) return <Wrong problem={loaded.problem} retry={loaded.reload} />
  const { level, isOwn } = loaded.data
  return (
    <>
      <div class="filters">
        <label class="inline">
          <span class="soft">Compatibility{subject === undefined && ' of all subjects'}</span>{' '}
          <select value={isOwn ? level : ''} onChange={event => set(event.currentTarget.value)}>
            {subject !== undefined && (
              <option value="">{isOwn ? 'as all subjects' : `as all subjects: ${level}`}</option>
            )}
            {LEVELS.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <Wrong problem={problem} />
    </>
  )
}
