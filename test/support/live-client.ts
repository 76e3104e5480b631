// Clients of a running broker for tests of live consumers: a WebSocket and an event stream that remember what they got.

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import WebSocket from 'ws'

export interface LiveRecord {
  readonly topic?: string
  readonly partition: number
  readonly offset: number
  readonly key: unknown
  readonly value: unknown
}

export interface Frame {
  readonly type: string
  readonly id?: unknown
  readonly records?: LiveRecord[]
  readonly resume?: string
  readonly credit?: number
  readonly code?: string
  readonly [member: string]: unknown
}

/** Waits for what others do, by looking after every word that comes. */
class Watch {
  #looking: { looks: () => boolean; resolve: () => void }[] = []

  until(looks: () => boolean): Promise<void> {
    if (looks()) return Promise.resolve()
    return new Promise(resolve => this.#looking.push({ looks, resolve }))
  }

  look(): void {
    this.#looking = this.#looking.filter(({ looks, resolve }) => {
      if (!looks()) return true
      resolve()
      return false
    })
  }
}

export class LiveClient {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  readonly records: LiveRecord[] = []
  resume = ''
  closed: { code: number; reason: string } | undefined
  /** As a member of a group: what it has, as `topic-partition`. */
  readonly owned = new Set<string>()
  /** Gives back as credit what it got. */
  generous: boolean
  readonly #watch = new Watch()

  constructor(url: URL, options: { generous?: boolean; headers?: Record<string, string> } = {}) {
    this.generous = options.generous ?? true
    this.socket = new WebSocket(url.href.replace(/^http/, 'ws'), { headers: options.headers ?? {} })
    this.socket.on('message', (data: Buffer) => this.#got(JSON.parse(String(data)) as Frame))
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
      this.#watch.look()
    })
    this.socket.on('error', () => {})
  }

  /** Until its first token came: from then on it misses nothing. */
  async opened(): Promise<this> {
    await this.until(() => this.resume !== '' || this.closed !== undefined)
    return this
  }

  until(looks: () => boolean): Promise<void> {
    return this.#watch.until(looks)
  }

  async frame(type: string, which = 0): Promise<Frame> {
    const found = (): Frame | undefined => this.frames.filter(frame => frame.type === type)[which]
    await this.until(() => found() !== undefined)
    return found()!
  }

  async ended(): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== undefined)
    return this.closed!
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** Gone without a word, as when the line is cut. */
  cut(): void {
    this.socket.removeAllListeners('message')
    this.socket.terminate()
  }

  #got(frame: Frame): void {
    this.frames.push(frame)
    if (frame.type === 'records') {
      this.records.push(...frame.records!)
      this.resume = frame.resume ?? ''
      if (this.generous && frame.records!.length > 0) this.say({ type: 'credit', records: frame.records!.length })
    }
    if (frame.type === 'ping' && this.generous) this.say({ type: 'pong' })
    moved(this.owned, frame.type, frame['partitions'])
    this.#watch.look()
  }
}

/** Follows what a member of a group is told to have. */
function moved(owned: Set<string>, type: string | undefined, partitions: unknown): void {
  if (type !== 'assigned' && type !== 'revoked') return
  for (const { topic, partition } of partitions as readonly { topic: string; partition: number }[])
    if (type === 'assigned') owned.add(`${topic}-${partition}`)
    else owned.delete(`${topic}-${partition}`)
}

interface Event {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

export class EventClient {
  readonly events: Event[] = []
  readonly records: LiveRecord[] = []
  lastId = ''
  ended = false
  response: IncomingMessage | undefined
  readonly owned = new Set<string>()
  readonly #request: ClientRequest
  readonly #watch = new Watch()
  #text = ''

  constructor(url: URL, headers: Record<string, string> = {}) {
    this.#request = get(url.href, { headers: { accept: 'text/event-stream', ...headers }, agent: false })
    this.#request.on('error', () => {})
    this.#request.on('response', response => {
      this.response = response
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('data', (text: string) => this.#got(text))
      response.on('close', () => {
        this.ended = true
        this.#watch.look()
      })
    })
  }

  async opened(): Promise<this> {
    if (this.response === undefined) await once(this.#request, 'response')
    await this.until(() => this.lastId !== '' || this.ended)
    return this
  }

  until(looks: () => boolean): Promise<void> {
    return this.#watch.until(looks)
  }

  cut(): void {
    this.response?.removeAllListeners('data')
    this.#request.destroy()
  }

  #got(text: string): void {
    this.#text += text
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#event(this.#text.slice(0, end))
      this.#text = this.#text.slice(end + 2)
    }
    this.#watch.look()
  }

  #event(text: string): void {
    const event: { id?: string; event?: string; data?: string; retry?: string } = {}
    for (const line of text.split('\n')) {
      const colon = line.indexOf(':')
      if (colon > 0) event[line.slice(0, colon) as keyof typeof event] = line.slice(colon + 2)
    }
    this.events.push(event)
    if (event.id !== undefined) this.lastId = event.id
    if (event.event !== undefined && event.data !== undefined)
      moved(this.owned, event.event, (JSON.parse(event.data) as { partitions?: unknown }).partitions)
    if (event.data !== undefined && event.event === undefined) this.records.push(JSON.parse(event.data) as LiveRecord)
  }
}

/** JSON calls of a broker. */
export class Api {
  readonly base: URL
  constructor(base: URL) {
    this.base = base
  }

  url(path: string): URL {
    return new URL(path, this.base)
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
    const answer = await fetch(this.url(path), {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** A new topic, and its name. */
  async topic(partitions = 1, config?: Record<string, string>): Promise<string> {
    const name = `t${Math.random().toString(36).slice(2, 12)}`
    const { status, body } = await this.call('POST', '/v1/topics', { name, partitions, ...(config ? { config } : {}) })
    if (status !== 201) throw new Error(JSON.stringify(body))
    return name
  }

  async produce(topic: string, records: readonly unknown[]): Promise<void> {
    const { status, body } = await this.call('POST', `/v1/topics/${topic}/records`, records)
    if (status !== 200) throw new Error(JSON.stringify(body))
  }
}

/** Bytes in memory of the workerd processes that this process started. Linux only; 0 elsewhere. */
export function workerdMemory(): number {
  if (process.platform !== 'linux') return 0
  let bytes = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      if (!new RegExp(`^Name:\\s*workerd$[^]*^PPid:\\s*${process.pid}$`, 'm').test(status)) continue
      bytes += Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024
    } catch {
      // It has ended meanwhile.
    }
  }
  return bytes
}
