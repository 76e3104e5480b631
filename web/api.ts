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
