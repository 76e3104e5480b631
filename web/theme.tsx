// Light or dark: as the system has it, unless somebody said otherwise here.

import { useState } from 'preact/hooks'

const KEY = 'edgelog.theme'
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const
type Choice = keyof typeof NEXT

const chosen = (): Choice => {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

function apply(choice: Choice): void {
  document.documentElement.dataset['theme'] = choice
}

apply(chosen())

export function Theme() {
  const [choice, setChoice] = useState(chosen)
  const turn = (): void => {
    const next = NEXT[choice]
    localStorage.setItem(KEY, next)
    apply(next)
    setChoice(next)
  }
  return (
    <button type="button" class="quiet" onClick={turn} title="Light, dark, or as the system">
      {choice === 'system' ? 'Auto' : choice === 'light' ? 'Light' : 'Dark'}
    </button>
  )
}
