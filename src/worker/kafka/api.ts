// One Kafka API in one object: its key, its versions, its two messages and its handler. Everything said of an API elsewhere,
// what ApiVersions answers and what the documentation lists, is read from here.

import { bounds, type Decoded, type Encodable, inRange, type Message, type Versions } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import type { Nodes } from './nodes.ts'
import type { FetchState } from './fetching.ts'

/** What a handler knows of the request besides its body. */
export interface Call {
  readonly version: number
  readonly clientId: string | null
  /** The client's address, where it is known. */
  readonly clientHost: string | undefined
  readonly broker: Broker
  /** The brokers that clients are told of. */
  readonly nodes: Nodes
  /** What this connection remembers between fetches. */
  readonly fetches: FetchState
  /** The APIs that this broker announces. */
  readonly announced: readonly AnyApi[]
  /** Aborted when the client has gone: nobody waits for the answer any more. */
  readonly gone: AbortSignal
  /** Lets the connection's next request start before this one is answered; answers keep their order all the same. */
  sent(): void
  /** Ends the connection, which is how a request that gets no response tells of an error. */
  hangUp(why: string): void
}

export interface Api<Q extends Message = Message, S extends Message = Message> {
  readonly key: number
  /** As Kafka names it, without `Request`. */
  readonly name: string
  readonly versions: Versions
  /** The versions in the compact encoding with tagged fields (KIP-482). */
  readonly flexible: Versions
  readonly request: Q
  readonly response: S
  /** Absent: the messages are known, but the API is not announced. Undefined: there is no response (acks 0). */
  handle?(request: Decoded<Q>, call: Call): Promise<Encodable<S> | undefined> | Encodable<S> | undefined
}

// oxlint-disable-next-line typescript/no-explicit-any -- an API of whatever messages
export type AnyApi = Api<any, any>

/** For the compiler only: infers the messages' types from the literal. */
export const api = <const Q extends Message, const S extends Message>(definition: Api<Q, S>): Api<Q, S> => definition

export const serves = ({ versions }: AnyApi, version: number): boolean => inRange(versions, version)
export const isFlexible = ({ flexible }: AnyApi, version: number): boolean => version >= bounds(flexible)[0]
