// One Kafka API in one object: its key, its versions, its two messages and its handler. Everything said of an API elsewhere,
// what ApiVersions answers and what the documentation lists, is read from here.

import { bounds, type Decoded, type Encodable, inRange, type Message, type Versions } from '../../protocol/schema.ts'

/** What a handler knows of the request besides its body. */
export interface Call {
  readonly version: number
  readonly clientId: string | null
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
  /** Absent: the messages are known, but the API is not announced. */
  handle?(request: Decoded<Q>, call: Call): Promise<Encodable<S>> | Encodable<S>
}

// oxlint-disable-next-line typescript/no-explicit-any -- an API of whatever messages
export type AnyApi = Api<any, any>

/** For the compiler only: infers the messages' types from the literal. */
export const api = <const Q extends Message, const S extends Message>(definition: Api<Q, S>): Api<Q, S> => definition

export const serves = ({ versions }: AnyApi, version: number): boolean => inRange(versions, version)
export const isFlexible = ({ flexible }: AnyApi, version: number): boolean => version >= bounds(flexible)[0]
