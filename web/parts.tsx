// The pieces screens are made of: headings, tables, problems, dialogs, figures in a row, small charts.

import { cloneElement, type ComponentChildren, type VNode } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Problem } from './api.ts'
import { toProblem } from './loading.ts'

export interface Crumb {
  readonly label: string
  readonly href?: string
}

export function Head({ crumbs, children }: { crumbs: readonly Crumb[]; children?: ComponentChildren }) {
  return (
    <header class="head">
      <h1>
        {crumbs.map(({ label, href }, i) => (
          <>
            {i > 0 && <span class="sep">/</span>}
            {href ? <a href={href}>{label}</a> : <span>{label}</span>}
          </>
        ))}
      </h1>
      <div class="actions">{children}</div>
    </header>
  )
}

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
)

export const Wrong = ({ problem, retry }: { problem: Problem | undefined; retry?: () => void }) =>
  problem ? (
    <div class="wrong" role="alert">
      <b>{problem.code}</b> <span>{problem.message}</span>
      {retry && (
        <button type="button" class="small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  ) : null

export const Loading = () => (
  <p class="soft loading" role="status">
    Loading…
  </p>
)

/** Content that waits for data, or says why there is none. */
export function Ready<T>({
  loaded,
  children,
}: {
  loaded: { data: T | undefined; problem: Problem | undefined; reload(): void }
  children: (data: T) => ComponentChildren
}) {
  return (
    <>
      <Wrong problem={loaded.problem} retry={loaded.reload} />
      {loaded.data === undefined ? loaded.problem ? null : <Loading /> : children(loaded.data)}
    </>
  )
}

export const Stat = ({ label, value, children }: { label: string; value: string; children?: ComponentChildren }) => (
  <div class="stat">
    <span class="label">{label}</span>
    <span class="value">{value}</span>
    {children}
  </div>
)

const WIDTH = 240
const HEIGHT = 40

/** The last values as a line; one value more at the right each time. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  const top = Math.max(...values, 1e-9)
  const step = WIDTH / Math.max(values.length - 1, 1)
  const points = values.map(
    (value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1)}`,
  )
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {points.length > 1 && (
        <>
          <polygon points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />
          <polyline points={points.join(' ')} />
        </>
      )}
    </svg>
  )
}

export const Bar = ({ value, of, label }: { value: number; of: number; label: string }) => (
  <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}>
    <rect class="track" width="100" height="6" />
    <rect class="filled" width={of > 0 ? Math.max((100 * value) / of, value > 0 ? 1 : 0) : 0} height="6" />
  </svg>
)

export const Search = ({
  value,
  onValue,
  label,
}: {
  value: string
  onValue: (value: string) => void
  label: string
}) => (
  <input
    type="search"
    class="search"
    placeholder={label}
    aria-label={label}
    value={value}
    onInput={event => onValue(event.currentTarget.value)}
  />
)

interface FieldProps {
  readonly label: string
  readonly hint?: string
  /** The control: it gets the id that the label is for. */
  readonly children: VNode<{ id?: string; 'aria-describedby'?: string }>
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId()
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }
  return (
    <div class="field">
      <label for={id} class="label">
        {label}
      </label>
      {cloneElement(children, { id, ...described })}
      {hint && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
    </div>
  )
}

interface DialogProps {
  readonly title: string
  readonly close: () => void
  readonly children: ComponentChildren
  /** What the button says and does; it closes unless it throws. */
  readonly action?: string
  readonly act?: () => Promise<void>
  readonly danger?: boolean
  readonly blocked?: boolean
  /** It stays open after its action, and says what was done. */
  readonly stays?: boolean
  readonly done?: string
}

export function Dialog({ title, close, children, action, act, danger, blocked, stays, done }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [problem, setProblem] = useState<Problem>()
  const [busy, setBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!act) return close()
    setBusy(true)
    setProblem(undefined)
    try {
      await act()
      if (!stays) return close()
    } catch (error) {
      setProblem(toProblem(error))
    }
    setBusy(false)
  }
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={event => event.target === dialog.current && close()}
    >
      <form onSubmit={submit}>
        <h2>{title}</h2>
        <div class="body">{children}</div>
        <Wrong problem={problem} />
        <footer>
          {done && (
            <span class="done" role="status">
              {done}
            </span>
          )}
          <button type="button" onClick={close}>
            {act && !stays ? 'Cancel' : 'Close'}
          </button>
          {act && (
            <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy || blocked === true}>
              {action}
            </button>
          )}
        </footer>
      </form>
    </dialog>
  )
}

export function Copy({ text, label }: { text: () => string; label: string }) {
  const [done, setDone] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text())
    setDone(true)
    setTimeout(() => setDone(false), 1_500)
  }
  return (
    <button type="button" class="small" onClick={copy}>
      {done ? 'Copied' : label}
    </button>
  )
}

/** A list that j, k and Enter walk through: the first link of a row is what Enter opens. */
export const Table = ({
  head,
  children,
  label,
  kind,
}: {
  head: readonly string[]
  children: ComponentChildren
  label: string
  kind?: string
}) => (
  <div class="scroll">
    <table aria-label={label} class={kind}>
      <thead>
        <tr>
          {head.map(name => (
            <th key={name} scope="col" class={name.startsWith('#') ? 'num' : undefined}>
              {name.replace('#', '')}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)

export const State = ({ state }: { state: string }) => <span class={`state ${stateClass(state)}`}>{state}</span>

function stateClass(state: string): string {
  if (['Stable', 'CompleteCommit'].includes(state)) return 'good'
  if (/Rebalance|Assigning|Reconciling|Ongoing|Prepare/.test(state)) return 'busy'
  return ['Dead', 'CompleteAbort'].includes(state) ? 'bad' : 'idle'
}
