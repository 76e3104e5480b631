// JSON to look into: members fold, and what is long is cut until it is asked for.

import { useState } from 'preact/hooks'

const MAX_CHILDREN = 200
const MAX_CHARS = 4_000
/** Deeper than this, members begin folded. */
const OPEN_DEPTH = 3

export function Json({ value, name, depth = 0 }: { value: unknown; name?: string; depth?: number }) {
  const [all, setAll] = useState(false)
  const label = name === undefined ? null : <span class="j-name">{name}: </span>
  if (typeof value !== 'object' || value === null)
    return (
      <div class="j-line">
        {label}
        <Scalar value={value} />
      </div>
    )
  const isArray = Array.isArray(value)
  const entries = Object.entries(value)
  const shown = all ? entries : entries.slice(0, MAX_CHILDREN)
  const size = isArray ? `[${entries.length}]` : `{${entries.length}}`
  if (entries.length === 0)
    return (
      <div class="j-line">
        {label}
        {isArray ? '[]' : '{}'}
      </div>
    )
  return (
    <details class="j-node" open={depth < OPEN_DEPTH && (depth === 0 || entries.length <= 50)}>
      <summary>
        {label}
        <span class="soft">{size}</span>
      </summary>
      {shown.map(([key, each]) => (
        <Json key={key} name={key} value={each} depth={depth + 1} />
      ))}
      {shown.length < entries.length && (
        <button type="button" class="small" onClick={() => setAll(true)}>
          {entries.length - shown.length} more
        </button>
      )}
    </details>
  )
}

function Scalar({ value }: { value: unknown }) {
  const [all, setAll] = useState(false)
  if (typeof value !== 'string')
    return <span class={`j-${value === null ? 'null' : typeof value}`}>{String(value)}</span>
  const text = JSON.stringify(all ? value : value.slice(0, MAX_CHARS))
  return (
    <>
      <span class="j-string">{text}</span>
      {!all && value.length > MAX_CHARS && (
        <button type="button" class="small" onClick={() => setAll(true)}>
          {value.length - MAX_CHARS} more characters
        </button>
      )}
    </>
  )
}
