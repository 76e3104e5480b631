// Data that is asked for, and again every now and then while somebody looks.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Problem } from './api.ts'

export interface Loaded<T> {
  readonly data: T | undefined
  readonly problem: Problem | undefined
  reload(): void
}

/** `key` says what is asked for: when it changes, what was known is forgotten. everyMs 0: once. */
export function useLoaded<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; problem?: Problem }>({ key })
  const [turn, setTurn] = useState(0)
  const asking = useRef(ask)
  asking.current = ask
  useEffect(() => {
    const gone = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let isFirst = true
    const again = async (): Promise<void> => {
      // Nobody looks: partitions may sleep.
      if (isFirst || !document.hidden) {
        isFirst = false
        try {
          const data = await asking.current(gone.signal)
          if (!gone.signal.aborted) setState({ key, data })
        } catch (error) {
          if (gone.signal.aborted) return
          const problem = toProblem(error)
          setState(known => (known.key === key && known.data !== undefined ? { ...known, problem } : { key, problem }))
        }
      }
      if (everyMs > 0 && !gone.signal.aborted) timer = setTimeout(again, everyMs)
    }
    void again()
    return () => {
      gone.abort()
      clearTimeout(timer)
    }
  }, [key, everyMs, turn])
  const reload = useCallback(() => setTurn(turn => turn + 1), [])
  const current = state.key === key
  return { data: current ? state.data : undefined, problem: current ? state.problem : undefined, reload }
}

export const toProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(0, 'ERROR', error instanceof Error ? error.message : String(error))
