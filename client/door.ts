// The way to the broker: its address, who calls, and what it says when something is wrong.

import { toBase64Url } from './formats.ts'

/** A token, or what gets one: asked for each request and each connection. */
export type Token = string | (() => string | Promise<string>)

/** As much of a WebSocket as is needed here; browsers', Node's, Deno's, Bun's and that of the package `ws` are one. */
export interface Socket {
  binaryType: string
  readonly bufferedAmount?: number
  // oxlint-disable-next-line typescript/no-explicit-any
  addEventListener(type: string, listener: (event: any) => void): void
  // oxlint-disable-next-line typescript/no-explicit-any
  send(data: any): void
  close(code?: number): void
}

export type SocketClass = new (url: string, protocols?: string[]) => Socket

export interface DoorOptions {
  /** Sent as `Authorization: Bearer …`, and with WebSockets as a subprotocol. */
  readonly token?: Token
  /** Instead of the global one: a service binding's, say. */
  readonly fetch?: (url: string, init?: RequestInit) => Promise<Response>
  /** Where there is no global one, as in Node 20: the class of the package `ws`. */
  readonly WebSocket?: unknown
}

/** What went wrong, by Kafka's name for it. */
export class EdgelogError extends Error {
  override readonly name = 'EdgelogError'
  /** `UNKNOWN_TOPIC_OR_PARTITION`, say, and Kafka's number of it. */
  readonly code: string
  readonly errorCode: number
  /** The same may succeed later. */
  readonly retriable: boolean
  /** What else the broker said: `status`, `field`, `record`, `partition`, `logStartOffset`… */
  readonly details: Readonly<Record<string, unknown>>

  constructor(told: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    const { code, errorCode, retriable, detail, message, ...details } = told
    super(String(detail ?? message ?? code), options)
    this.code = String(code)
    this.errorCode = Number(errorCode)
    this.retriable = retriable === true
    this.details = details
  }
}

export const unreachable = (message: string, cause?: unknown): EdgelogError =>
  new EdgelogError({ code: 'NETWORK_EXCEPTION', errorCode: 13, retriable: true, message }, { cause })

export class Door {
  readonly #base: string
  readonly #options: DoorOptions

  constructor(url: string | URL, options: DoorOptions) {
    this.#base = String(url).replace(/\/*$/, '/')
    this.#options = options
  }

  /** The answer's JSON; throws an EdgelogError for everything but 2xx. */
  async call(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await this.#fetch(path, init)
    if (!response.ok) throw await wrong(response)
    return parsed(await textOf(response))
  }

  /** A WebSocket on its way, or open. */
  async connect(path: string, protocol: string): Promise<Socket> {
    // A Worker may use a binding, sends headers, and sees what is answered.
    if ('WebSocketPair' in globalThis && !this.#options.WebSocket) return this.#upgrade(path, protocol)
    const { WebSocket = globalThis.WebSocket } = this.#options
    if (WebSocket === undefined)
      throw new TypeError('There is no WebSocket here: pass one as an option, that of the package ws, for example.')
    const token = await this.#token()
    const protocols = [protocol, ...(token === undefined ? [] : [`bearer.${toBase64Url(token)}`])]
    return new (WebSocket as SocketClass)((this.#base + path).replace(/^http/, 'ws'), protocols)
  }

  /** Why a WebSocket was refused, which browsers don't tell: undefined if it might open another time. */
  async refusal(path: string): Promise<EdgelogError | undefined> {
    const answer = await this.call(path).catch((error: unknown) => error)
    if (!(answer instanceof EdgelogError) || answer.retriable || answer.details['status'] === 426) return undefined
    return answer
  }

  async #upgrade(path: string, protocol: string): Promise<Socket> {
    const response = await this.#fetch(path, {
      headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocol },
    })
    const { webSocket } = response as Response & { webSocket?: Socket & { accept(): void } }
    if (!webSocket) throw await wrong(response)
    webSocket.binaryType = 'arraybuffer'
    webSocket.accept()
    return webSocket
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const token = await this.#token()
    const headers = {
      ...(init.headers as object),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const { fetch = globalThis.fetch } = this.#options
    return fetch(this.#base + path, { ...init, headers }).catch((cause: unknown) => {
      throw unreachable(`The broker could not be reached: ${String(cause)}`, cause)
    })
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#options
    return typeof token === 'function' ? token() : token
  }
}

/** What an answer other than 2xx says. */
async function wrong(response: Response): Promise<EdgelogError> {
  const { status, statusText, headers } = response
  const retryAfter = Number(headers.get('retry-after')) || 0
  const problem = parsed(await textOf(response))
  if (typeof problem?.['code'] === 'string') return new EdgelogError({ ...problem, retryAfter })
  // Something on the way answered.
  const retriable = status >= 500 || status === 429
  const message = `${status} ${statusText} instead of an answer of the broker`
  return new EdgelogError({ code: 'UNKNOWN_SERVER_ERROR', errorCode: -1, retriable, message, status, retryAfter })
}

const textOf = (response: Response): Promise<string> =>
  response.text().catch((cause: unknown) => {
    throw unreachable('The answer of the broker ended too early.', cause)
  })

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** Is it worth trying again? A topic or partition that is not there might come, but whoever asks for it wants to know. */
export const mayPass = ({ retriable, code }: { readonly retriable?: unknown; readonly code?: unknown }): boolean =>
  retriable === true && !String(code).startsWith('UNKNOWN_TOPIC')

/** Waits twice as long each time, up to `mostMs`, give or take a half: not everybody comes again at once. */
export const backoffMs = (attempt: number, mostMs: number): number =>
  Math.min(mostMs, 100 * 2 ** attempt) * (0.5 + Math.random())
