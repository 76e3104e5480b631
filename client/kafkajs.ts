// `edgelog/kafkajs`: KafkaJS over a WebSocket. Where no raw TCP comes through — to a deployed broker, that is — its bytes go
// through wss://…/kafka, and whatever address a broker is said to have, this is the way to all of them.

import type { Socket as TcpSocket } from 'node:net'
import { Duplex } from 'node:stream'
import { Door, type DoorOptions, type Socket } from './door.ts'

/** What is handed to the WebSocket as one message; the broker takes messages of up to 32 MiB. */
const MAX_MESSAGE_BYTES = 1_048_576
/** Bytes handed to the WebSocket and not yet on the line; beyond them writing waits. */
const MAX_BUFFERED_BYTES = 8_388_608
const LOOK_AGAIN_MS = 5

/** As KafkaJS's `ISocketFactory`. */
export type SocketFactory = (options: { readonly onConnect: () => void }) => TcpSocket

/** `new Kafka({ brokers: ['edgelog:9092'], socketFactory: socketFactory('wss://edgelog.example.com/kafka', { token }) })` */
export function socketFactory(url: string | URL, options: DoorOptions = {}): SocketFactory {
  const [address, path] = split(String(url))
  const door = new Door(address, options)
  return ({ onConnect }) => new Tunnel(door, path).once('connect', onConnect) as Duplex as TcpSocket
}

/** A WebSocket that looks like a connected net.Socket, as far as KafkaJS looks. */
class Tunnel extends Duplex {
  readonly #door: Door
  readonly #path: string
  #socket: Socket | undefined
  #opened = false

  constructor(door: Door, path: string) {
    super({ allowHalfOpen: false })
    this.#door = door
    this.#path = path
  }

  override _construct(done: (error?: Error | null) => void): void {
    this.#open().then(() => {
      done()
      this.emit('connect')
    }, done)
  }

  /** Received bytes come as they come; KafkaJS always listens. */
  override _read(): void {}

  override _write(bytes: Uint8Array, _: string, done: (error?: Error | null) => void): void {
    try {
      for (let at = 0; at < bytes.length; at += MAX_MESSAGE_BYTES)
        this.#socket!.send(bytes.subarray(at, at + MAX_MESSAGE_BYTES))
    } catch (error) {
      return done(error as Error)
    }
    this.#whenDrained(done)
  }

  override _final(done: () => void): void {
    this.#socket?.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.close(1000)
    done(error)
  }

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  async #open(): Promise<void> {
    const socket = await this.#door.connect(this.#path, 'kafka')
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve())
      socket.addEventListener('error', () => reject(new Error('the WebSocket could not be opened')))
      socket.addEventListener('close', () => reject(new Error('the WebSocket was closed')))
    })
    socket.addEventListener('message', ({ data }: { data: ArrayBuffer }) => this.push(Buffer.from(data)))
    socket.addEventListener('close', () => this.#opened && this.push(null))
    await opened.catch(async (error: unknown) => {
      throw (await this.#door.refusal(this.#path)) ?? error
    })
    this.#opened = true
  }

  #whenDrained(done: () => void): void {
    if ((this.#socket?.bufferedAmount ?? 0) <= MAX_BUFFERED_BYTES) done()
    else setTimeout(() => this.#whenDrained(done), LOOK_AGAIN_MS)
  }
}

/** The broker's address and what follows it; `/kafka`, if nothing does. */
function split(url: string): [address: string, path: string] {
  const { protocol, host, pathname } = new URL(url.replace(/^ws/, 'http'))
  const whole = pathname.replace(/\/+$/, '')
  const at = whole.lastIndexOf('/') + 1
  return [`${protocol}//${host}${whole.slice(0, at)}`, whole.slice(at) || 'kafka']
}
