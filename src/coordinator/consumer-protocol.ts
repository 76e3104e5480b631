// The messages that consumers of the classic protocol put into JoinGroup and SyncGroup, which a coordinator otherwise
// passes on unopened: what a member subscribes to and owns, and what it is assigned (Kafka's ConsumerProtocol).

import { Reader, Writer } from '../protocol/bytes.ts'
import { codecFor } from '../protocol/codec.ts'
import { array, bytes, type Decoded, int32, type Message, string } from '../protocol/schema.ts'
import { ProtocolError } from '../protocol/errors.ts'

/** The protocol type of groups whose members share partitions of topics. */
export const CONSUMER_PROTOCOL = 'consumer'

/** The newest version read as such; a newer one begins with the same fields. */
const MAX_VERSION = 3

const subscription = {
  topics: array(string()),
  userData: bytes().nullable().or(null),
  ownedPartitions: array({ topic: string(), partitions: array(int32()) }).in('1+'),
  generationId: int32().in('2+').or(-1),
  rackId: string().in('3+').nullable('3+').or(null),
}

const assignment = {
  assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
  userData: bytes().nullable().or(null),
}

export type Subscription = Decoded<typeof subscription>
export type NamedPartitions = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

/** Undefined if the bytes are no subscription. */
export const readSubscription = (from: Uint8Array): Subscription | undefined => read(subscription, from)

/** What every version begins with, so topics are known even of versions to come. Undefined if the bytes are none. */
export const readTopics = (from: Uint8Array): readonly string[] | undefined =>
  read({ topics: subscription.topics }, from)?.topics

/** Undefined if the bytes are no assignment. Empty bytes assign nothing. */
export const readAssignment = (from: Uint8Array): Decoded<typeof assignment> | undefined =>
  from.length === 0 ? { assignedPartitions: [], userData: null } : read(assignment, from)

export function versionOf(from: Uint8Array): number {
  return from.length < 2 ? 0 : Math.min(new Reader(from).int16(), MAX_VERSION)
}

export function writeAssignment(assignedPartitions: NamedPartitions, version: number): Uint8Array {
  return written(assignment, { assignedPartitions }, version)
}

/** For clients that live inside the broker, and for tests. */
export function writeSubscription(topics: readonly string[], ownedPartitions: NamedPartitions = []): Uint8Array {
  return written(subscription, { topics, ownedPartitions }, 1)
}

function read<M extends Message>(message: M, from: Uint8Array): Decoded<M> | undefined {
  try {
    const reader = new Reader(from)
    const version = reader.int16()
    return version < 0 ? undefined : codecFor(message, Math.min(version, MAX_VERSION), false).read(reader)
  } catch (error) {
    if (error instanceof RangeError || error instanceof ProtocolError) return undefined
    throw error
  }
}

function written<M extends Message>(
  message: M,
  value: Parameters<ReturnType<typeof codecFor<M>>['write']>[1],
  version: number,
): Uint8Array {
  const writer = new Writer()
  writer.int16(version)
  codecFor(message, version, false).write(writer, value)
  return writer.done().slice()
}
