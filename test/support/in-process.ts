// A whole broker in this thread: the real doors and the real objects, over a stand-in for the platform that keeps each
// object's tables in memory. What crosses between objects is copied, as RPC does. Alarms are noted, and fire when told to.
// A test file that uses it says `vi.mock('cloudflare:workers', () => import('../support/cloudflare-workers.ts'))`.

import { createHash } from 'node:crypto'
import { ClusterObject } from '../../src/objects/cluster.ts'
import { CoordinatorObject } from '../../src/objects/coordinator.ts'
import { PartitionObject } from '../../src/objects/partition.ts'
import { RegistryObject } from '../../src/objects/registry.ts'
import { TransactionObject } from '../../src/objects/transaction.ts'
import { Broker } from '../../src/worker/broker.ts'
import type { Env } from '../../src/worker/env.ts'
import { Connection } from '../../src/worker/kafka/connection.ts'
import { Nodes } from '../../src/worker/kafka/nodes.ts'
import { KafkaClient } from './kafka-client.ts'
import { TestStorage } from './sqlite.ts'

type AnyObject = Record<string, (...args: unknown[]) => unknown>
type ObjectClass = new (ctx: DurableObjectState, env: never) => object

/** One end of a WebSocket; what one end sends, the other gets, copied, a moment later. */
class End extends EventTarget {
  peer!: End
  closed = false
  binaryType = ''
  #attachment: unknown
  accept(): void {}
  send(bytes: Uint8Array): void {
    if (this.closed) throw new TypeError('the socket is closed')
    const data = bytes.slice().buffer
    queueMicrotask(() => this.peer.receive(data))
  }
  receive(data: ArrayBuffer): void {
    if (!this.closed) this.dispatchEvent(new MessageEvent('message', { data }))
  }
  close(): void {
    if (this.closed) return
    this.closed = true
    const { peer } = this
    queueMicrotask(() => {
      peer.closed = true
      peer.dispatchEvent(new Event('close'))
    })
  }
  serializeAttachment(value: unknown): void {
    this.#attachment = structuredClone(value)
  }
  deserializeAttachment(): unknown {
    return this.#attachment
  }
}

class Pair {
  0 = new End()
  1 = new End()
  constructor() {
    this[0].peer = this[1]
    this[1].peer = this[0]
  }
}

/** Node's own refuses to say 101. */
class Upgrade extends Response {
  override readonly webSocket: WebSocket | null
  readonly #status: number
  constructor(body: BodyInit | null, init: ResponseInit & { webSocket?: WebSocket | null } = {}) {
    super(body, init.status === 101 ? {} : init)
    this.#status = init.status ?? 200
    this.webSocket = init.webSocket ?? null
  }
  override get status(): number {
    return this.#status
  }
}

/** What an object has of the platform. */
class State {
  readonly id: { readonly name: string; toString(): string }
  readonly sockets = new Set<End>()
  readonly tables = new TestStorage()
  object!: AnyObject
  alarmMs: number | null = null

  constructor(name: string) {
    const hex = createHash('sha256').update(name).digest('hex')
    this.id = { name, toString: () => hex }
  }

  readonly storage = {
    sql: this.tables,
    sync: () => Promise.resolve(),
    getAlarm: () => Promise.resolve(this.alarmMs),
    setAlarm: async (ms: number) => void (this.alarmMs = ms),
    deleteAlarm: async () => void (this.alarmMs = null),
    transactionSync: <T>(writes: () => T): T => {
      this.tables.exec('BEGIN')
      try {
        const result = writes()
        this.tables.exec('COMMIT')
        return result
      } catch (error) {
        this.tables.exec('ROLLBACK')
        throw error
      }
    },
    deleteAll: async () => {
      for (const table of this.tables.tables()) this.tables.exec(`DROP TABLE "${table}"`)
      this.alarmMs = null
    },
  }

  waitUntil(): void {}
  blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T> {
    return work()
  }
  abort(reason: string): void {
    throw new Error(`aborted: ${reason}`)
  }
  getWebSockets(): End[] {
    return [...this.sockets].filter(({ closed }) => !closed)
  }
  acceptWebSocket(socket: End): void {
    this.sockets.add(socket)
    socket.addEventListener('message', event => this.object['webSocketMessage']!(socket, (event as MessageEvent).data))
    socket.addEventListener('close', () => {
      this.sockets.delete(socket)
      this.object['webSocketClose']!(socket)
    })
  }
}

/** Objects by name, each made when it is first called. */
class Namespace {
  readonly #class: ObjectClass
  readonly #env: object
  readonly #objects = new Map<string, AnyObject>()

  constructor(object: ObjectClass, env: object) {
    this.#class = object
    this.#env = env
  }

  jurisdiction(): this {
    return this
  }

  getByName(name: string): AnyObject {
    return new Proxy({} as AnyObject, {
      get:
        (_, method: string) =>
        async (...args: unknown[]) => {
          if (method === 'fetch') return this.#object(name)['fetch']!(new Request(args[0] as string))
          const copied = structuredClone(args)
          await Promise.resolve()
          return structuredClone(await this.#object(name)[method]!(...copied))
        },
    })
  }

  #object(name: string): AnyObject {
    let object = this.#objects.get(name)
    if (object === undefined) {
      const state = new State(name)
      object = new this.#class(state as unknown as DurableObjectState, this.#env as never) as AnyObject
      state.object = object
      this.#objects.set(name, object)
    }
    return object
  }
}

export class InProcess {
  readonly #env: Env
  readonly #nodes: Nodes
  /** Why connections were closed. */
  readonly logged: string[] = []

  constructor(vars: Readonly<Record<string, string>> = {}) {
    Object.assign(globalThis, { WebSocketPair: Pair, Response: Upgrade })
    const env = { EDGELOG_LOCAL: '1', ...vars } as Record<string, unknown>
    env['CLUSTER'] = new Namespace(ClusterObject as unknown as ObjectClass, env)
    env['COORDINATOR'] = new Namespace(CoordinatorObject as unknown as ObjectClass, env)
    env['REGISTRY'] = new Namespace(RegistryObject as unknown as ObjectClass, env)
    env['TRANSACTION'] = new Namespace(TransactionObject as unknown as ObjectClass, env)
    env['PARTITION'] = new Namespace(PartitionObject as unknown as ObjectClass, env)
    this.#env = env as unknown as Env
    this.#nodes = Nodes.parse(vars['EDGELOG_BROKERS'])
  }

  broker(): Broker {
    return new Broker(this.#env, { waitUntil: () => {} }, { lasts: true })
  }

  /** A Kafka client with nothing between it and the door. */
  connect(): Promise<KafkaClient> {
    let received: (bytes: Uint8Array) => void = () => {}
    let closed: () => void = () => {}
    const pipe = {
      send: async (bytes: Uint8Array) => received(bytes.slice()),
      close: () => queueMicrotask(() => closed()),
    }
    const connection = new Connection(this.broker(), this.#nodes, pipe, line => this.logged.push(line))
    const line = {
      write: (bytes: Uint8Array) => void connection.receive(bytes.slice()),
      close: () => connection.close(),
      listen(onReceived: typeof received, onClosed: typeof closed) {
        received = onReceived
        closed = onClosed
      },
    }
    return Promise.resolve(new KafkaClient(line))
  }
}
