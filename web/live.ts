// The live tail: a WebSocket that is opened again where it was cut, and the newest records it brought. While it is paused
// nothing more is shown, and what it was allowed to send before that waits here: without new credit the broker holds the rest.

import { useEffect, useRef, useState } from 'preact/hooks'
import { parseJson, socket, topicPath } from './api.ts'
import type { LogRecord } from '../client/answers.ts'

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
  /** Come while it is paused, and not shown yet. */
  readonly waiting: number
  readonly state: 'connecting' | 'open' | 'failed'
  readonly message: string
  clear(): void
}

export function useLive(topic: string, query: string, paused: boolean): Live {
  const [records, setRecords] = useState<readonly LogRecord[]>([])
  const [seen, setSeen] = useState(0)
  const [state, setState] = useState<Live['state']>('connecting')
  const [message, setMessage] = useState('')
  const [waiting, setWaiting] = useState(0)
  /** Records that came while it was paused, newest first: as many as there was credit for. */
  const held = useRef<readonly LogRecord[]>([])
  /** The credit that goes out when it goes on. */
  const owed = useRef(0)
  const isPaused = useRef(paused)
  const open = useRef<WebSocket | undefined>(undefined)
  isPaused.current = paused
  const show = (arrived: readonly LogRecord[]): void => setRecords(kept => [...arrived, ...kept].slice(0, MAX_KEPT))
  const give = (): void => {
    if (owed.current === 0 || open.current?.readyState !== WebSocket.OPEN) return
    open.current.send(JSON.stringify({ type: 'credit', records: owed.current }))
    owed.current = 0
  }

  useEffect(() => {
    let resume = ''
    let ended = false
    let timer: ReturnType<typeof setTimeout> | undefined
    setRecords([])
    setSeen(0)
    setState('connecting')
    held.current = []
    setWaiting(0)
    const connect = (): void => {
      const token = resume === '' ? '' : `&resume=${encodeURIComponent(resume)}`
      owed.current = isPaused.current ? CREDIT : 0
      const live = socket(`${topicPath(topic)}/live?${query}&credit=${CREDIT - owed.current}${token}`)
      open.current = live
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
        if (isPaused.current) {
          held.current = [...arrived.toReversed(), ...held.current]
          setWaiting(held.current.length)
        } else {
          show(arrived.toReversed())
          give()
        }
      })
      live.addEventListener('close', () => {
        if (ended) return
        setState('connecting')
        timer = setTimeout(connect, RETRY_MS)
      })
    }
    connect()
    return () => {
      ended = true
      clearTimeout(timer)
      open.current?.close()
    }
  }, [topic, query])

  useEffect(() => {
    if (paused) return
    show(held.current)
    held.current = []
    setWaiting(0)
    give()
  }, [paused])

  return { records, seen, waiting, state, message, clear: () => setRecords([]) }
}
