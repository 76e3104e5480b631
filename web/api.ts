// What the page asks of the broker: requests with the token if there is one, answers as JSON whose integers stay exact, and
// problems in the broker's own words.

const TOKEN_KEY = 'edgelog.token'

export class Problem extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export interface Partition {
  readonly partition: number
  readonly logStartOffset?: number
  readonly highWatermark?: number
  readonly sizeBytes?: number
  readonly segments?: number
}

export interface Topic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly Partition[]
  readonly config: Readonly<Record<string, string>>
}

export interface Config {
  readonly name: string
  readonly value: string | null
  readonly source: 'TOPIC' | 'STATIC_BROKER' | 'DEFAULT'
  readonly readOnly: boolean
  readonly documentation: string
}

export interface Cluster {
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: number
  readonly partitions: number
  readonly config: readonly Config[]
}

export interface Segment {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  readonly chunks: number
  readonly createdMs: number
  readonly maxTimestamp: number
  readonly generation: number
  readonly active: boolean
}

export type HeaderValue = string | null | { readonly base64: string }

export interface LogRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: unknown
  readonly keyFormat?: string
  readonly value: unknown
  readonly valueFormat?: string
  readonly headers:
    | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
    | readonly { readonly key: string; readonly value?: HeaderValue }[]
}

export interface Fetched {
  readonly records: readonly LogRecord[]
  readonly nextOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
}

export interface ListedGroup {
  readonly group: string
  readonly state: string
  readonly type: string
  readonly protocolType: string
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly metadata: string | null
  readonly endOffset: number | null
  readonly lag: number | null
}

export interface Group extends ListedGroup {
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  }[]
  readonly offsets: readonly GroupOffset[]
  readonly totalLag: number
}

export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly state: string
  readonly startMs: number
}

export const token = {
  get: (): string => sessionStorage.getItem(TOKEN_KEY) ?? '',
  set: (value: string): void => sessionStorage.setItem(TOKEN_KEY, value),
}

interface Asked {
  readonly method?: string
  readonly body?: unknown
  readonly type?: string
  readonly signal?: AbortSignal
}

/** The JSON that the broker answers; a Problem is thrown. */
export async function api<T>(path: string, asked: Asked = {}): Promise<T> {
  const text = await apiText(path, asked)
  return (text === '' ? undefined : parseJson(text)) as T
}

export async function apiText(path: string, { method, body, type, signal }: Asked = {}): Promise<string> {
  const headers: Record<string, string> = { accept: 'application/json, text/plain;q=0.5' }
  if (token.get() !== '') headers['authorization'] = `Bearer ${token.get()}`
  if (body !== undefined) headers['content-type'] = type ?? 'application/json'
  const answer = await fetch(path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Problem(0, 'UNREACHABLE', 'The broker does not answer. Is it running?')
  })
  const text = await answer.text()
  if (answer.ok) return text
  const said = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
  const message = said['detail'] ?? said['message'] ?? said['title'] ?? (text || `HTTP ${answer.status}`)
  throw new Problem(answer.status, String(said['code'] ?? said['error_code'] ?? answer.status), String(message))
}

interface WithSource {
  readonly source?: string
}

/** Integers that a double cannot hold become BigInts where the browser tells their text; others stay as they are. */
export function parseJson(text: string): unknown {
  const exact = (_: string, value: unknown, context?: WithSource): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}

/** JSON for people, whose BigInts are numbers again. */
export function writeJson(value: unknown, indent = 2): string {
  const mark = '\u0001'
  const marked = JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${mark}${each}${mark}` : each), indent)
  return (marked ?? 'null').replaceAll(/"\\u0001(-?\d+)\\u0001"/g, '$1')
}

export const topicPath = (topic: string): string => `/v1/topics/${encodeURIComponent(topic)}`
export const groupPath = (group: string): string => `/v1/groups/${encodeURIComponent(group)}`

/** A live socket: browsers send the token as a subprotocol. */
export function socket(path: string): WebSocket {
  const url = new URL(path, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  const secret = token.get()
  if (secret === '') return new WebSocket(url)
  const bytes = new TextEncoder().encode(secret)
  const base64 = btoa(String.fromCharCode(...bytes))
  return new WebSocket(url, [
    'edgelog',
    `bearer.${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`,
  ])
}
