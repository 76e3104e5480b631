// One HTTP connection that costs as little as it can, so that what is measured is the broker: requests are bytes made
// beforehand, answers are counted and not looked into further than asked.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** Status line and headers, lower case not assured. */
  readonly head: string
  readonly bodyBytes: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
/** Between chunks, in the size line of one. */
const IN_SIZE = -1

export class Connection {
  readonly #socket: Socket
  #left: Buffer | undefined
  #head = ''
  /** Bytes still to come, of the body or of its current chunk. */
  #toCome = 0
  #isChunked = false
  #isLastChunk = false
  #bodyBytes = 0
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
  /** Sees the body as it comes, chunk sizes left out. */
  onBody: ((bytes: Buffer) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', error => this.#settle?.reject(error))
    socket.on('close', () => this.#settle?.reject(new Error('The broker closed the connection.')))
  }

  static async open(url: URL): Promise<Connection> {
    const socket = connect(Number(url.port), url.hostname)
    await once(socket, 'connect')
    return new Connection(socket)
  }

  request(bytes: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#head = ''
      this.#bodyBytes = 0
      this.#socket.write(bytes)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    let rest = this.#left === undefined ? bytes : Buffer.concat([this.#left, bytes])
    this.#left = undefined
    if (this.#head === '') {
      const end = rest.indexOf(HEAD_END)
      if (end < 0) {
        this.#left = rest
        return
      }
      this.#head = rest.toString('latin1', 0, end)
      this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(this.#head)
      this.#isLastChunk = false
      this.#toCome = this.#isChunked ? IN_SIZE : Number(/\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1] ?? 0)
      rest = rest.subarray(end + HEAD_END.length)
    }
    if (this.#isChunked) this.#takeChunks(rest)
    else this.#takeBody(rest)
  }

  #takeBody(bytes: Buffer): void {
    this.#count(bytes)
    this.#toCome -= bytes.length
    if (this.#toCome <= 0) this.#done()
  }

  #takeChunks(bytes: Buffer): void {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#toCome === IN_SIZE) {
        const end = rest.indexOf(LINE_END)
        if (end < 0) break
        const size = Number.parseInt(rest.toString('latin1', 0, end), 16)
        rest = rest.subarray(end + LINE_END.length)
        this.#isLastChunk = size === 0
        this.#toCome = size + LINE_END.length
      }
      const here = Math.min(rest.length, this.#toCome)
      const ofBody = Math.max(0, Math.min(here, this.#toCome - LINE_END.length))
      if (ofBody > 0) this.#count(rest.subarray(0, ofBody))
      this.#toCome -= here
      rest = rest.subarray(here)
      if (this.#toCome > 0) continue
      this.#toCome = IN_SIZE
      if (this.#isLastChunk) {
        this.#done()
        return
      }
    }
    if (rest.length > 0) this.#left = rest
  }

  #count(bytes: Buffer): void {
    this.#bodyBytes += bytes.length
    this.onBody?.(bytes)
  }

  #done(): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve({ status: Number(this.#head.slice(9, 12)), head: this.#head, bodyBytes: this.#bodyBytes })
  }
}

/** The bytes of one request. */
export function request(
  method: string,
  path: string,
  {
    type,
    body = '',
    headers = {},
  }: { type?: string; body?: string | Uint8Array; headers?: Record<string, string> } = {},
): Buffer {
  const bytes = Buffer.from(body as string)
  const lines = Object.entries({
    host: 'bench',
    ...(type && { 'content-type': type }),
    ...(method !== 'GET' && { 'content-length': String(bytes.length) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes])
}
