// The live tail: a WebSocket that is opened again where it was cut, and the newest records it brought. While it is paused
// it is given no credit, so that the broker holds what comes.

import { useEffect, useRef, useState } from 'preact/hooks'
import { parseJson, socket, topicPath } from './api.ts'
import type { LogRecord } from './types.ts'

/** Records that are kept to look at. */
const MAX_KEPT = 500
const CREDIT = 200
const RETRY_MS = 1_000

interface Frame {
  readonly type: string
  readonly records?: readonly LogRecord[]
  readonly resume?: string
  readonly message?: string
  readonly credit?: number
}

export interface Live {
  /** Newest first. */
  readonly records: readonly LogRecord[]
  readonly seen: number
  readonly state: 'connecting' | 'open' | 'failed'
  readonly message: string
  clear(): void
}

export function useLive(topic: string, query: string, paused: boolean): Live {
  const [records, setRecords] = useState<readonly LogRecord[]>([])
  const [seen, setSeen] = useState(0)
  const [state, setState] = useState<Live['state']>('connecting')
  const [message, setMessage] = useState('')
  /** What was taken while it was paused is owed as credit. */
  const owed = useRef(0)
  const held = useRef(paused)
  const open = useRef<WebSocket | undefined>(undefined)
  held.current = paused

  useEffect(() => {
    let resume = ''
    let ended = false
    let timer: ReturnType<typeof setTimeout> | undefined
    setRecords([])
    setSeen(0)
    const connect = (): void => {
      const token = resume === '' ? '' : `&resume=${encodeURIComponent(resume)}`
      const live = socket(`${topicPath(topic)}/live?${query}&credit=${CREDIT}${token}`)
      open.current = live
      owed.current = 0
      live.addEventListener('open', () => setState('open'))
      live.addEventListener('message', ({ data }) => {
        const frame = parseJson(String(data)) as Frame
        if (frame.resume !== undefined) resume = frame.resume
        if (frame.type === 'ping') live.send('{"type":"pong"}')
        if (frame.type === 'error') {
          ended = true
          setState('failed')
          setMessage(frame.message ?? 'The broker ended the connection.')
        }
        if (frame.type !== 'records' || !frame.records?.length) return
        const arrived = frame.records
        owed.current += arrived.length
        setSeen(seen => seen + arrived.length)
        setRecords(kept => [...arrived.toReversed(), ...kept].slice(0, MAX_KEPT))
        if (!held.current) give(live)
      })
      live.addEventListener('close', () => {
        if (ended) return
        setState('connecting')
        timer = setTimeout(connect, RETRY_MS)
      })
    }
    const give = (live: WebSocket): void => {
      live.send(JSON.stringify({ type: 'credit', records: owed.current }))
      owed.current = 0
    }
    connect()
    return () => {
      ended = true
      clearTimeout(timer)
      open.current?.close()
    }
  }, [topic, query])

  useEffect(() => {
    const live = open.current
    if (paused || owed.current === 0 || live?.readyState !== WebSocket.OPEN) return
    live.send(JSON.stringify({ type: 'credit', records: owed.current }))
    owed.current = 0
  }, [paused])

  return { records, seen, state, message, clear: () => setRecords([]) }
}
