// Keys: / to search, j and k through rows, Enter to open, g and a letter to go to a screen, ? for this list.

import { Dialog } from './parts.tsx'
import { go } from './route.ts'

const GO: Readonly<Record<string, string>> = {
  o: '',
  t: 'topics',
  g: 'groups',
  x: 'transactions',
  s: 'schemas',
  n: 'connections',
  c: 'configuration',
}
const GO_WITHIN_MS = 1_500

export function listenToKeys(help: () => void): () => void {
  let wentAt = 0
  const pressed = (event: KeyboardEvent): void => {
    const { target, key } = event
    if (event.metaKey || event.ctrlKey || event.altKey) return
    const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select')
    if (key === 'Escape' && isTyping && !target.closest('dialog')) return target.blur()
    if (isTyping || document.querySelector('dialog[open]')) return
    const screen = performance.now() - wentAt < GO_WITHIN_MS ? GO[key] : undefined
    wentAt = key === 'g' && screen === undefined ? performance.now() : 0
    if (screen !== undefined) go(screen)
    else if (key === '?') help()
    else if (key === '/') document.querySelector<HTMLElement>('main .search')?.focus()
    else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1)
    else return
    event.preventDefault()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

/** Rows are walked by what opens them. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  const at = rows.findIndex(row => row === document.activeElement)
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)
  rows[next]?.focus()
}

const LIST = [
  ['/', 'search on this screen'],
  ['j k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'leave a field, close a dialog'],
  ['g o', 'overview'],
  ['g t', 'topics'],
  ['g g', 'groups'],
  ['g x', 'transactions'],
  ['g s', 'schemas'],
  ['g n', 'connections'],
  ['g c', 'configuration'],
  ['?', 'this list'],
] as const

export const Help = ({ close }: { close: () => void }) => (
  <Dialog title="Keys" close={close}>
    <dl class="keys">
      {LIST.map(([keys, does]) => (
        <>
          <dt>
            {keys.split(' ').map(key => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{does}</dd>
        </>
      ))}
    </dl>
  </Dialog>
)
