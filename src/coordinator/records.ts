// What __consumer_offsets holds: the keys and values of its records, byte for byte as Kafka 4.3 writes them, so that
// Kafka's own formatters print them. What a record means to a group is left to facts.ts.

import { Reader, Writer } from '../protocol/bytes.ts'
import { codecFor } from '../protocol/codec.ts'
import {
  array,
  bounds,
  bytes,
  type Decoded,
  type Encodable,
  inRange,
  int16,
  int32,
  int64,
  int8,
  type Message,
  string,
  struct,
  uuid,
  type Versions,
} from '../protocol/schema.ts'
import type { FactRecord } from '../machine.ts'

interface RecordType<K extends Message = Message, V extends Message = Message> {
  /** What the key begins with; it also says which type a record is of. The last one is written. */
  readonly keyVersions: Versions
  readonly key: K
  /** The versions that can be read. */
  readonly valueVersions: Versions
  readonly written: number
  /** From this version on, values are in the compact encoding. */
  readonly flexible: number
  readonly value: V
}

/** For the compiler only: infers the messages' types from the literal. */
const type = <const K extends Message, const V extends Message>(literal: RecordType<K, V>) => literal

const topicPartitions = () => array({ topicId: uuid(), partitions: array(int32()) })

const ofGroup = { groupId: string() }
const ofMember = { groupId: string(), memberId: string() }

export const recordTypes = {
  /** One committed offset. */
  offset: type({
    keyVersions: '0-1',
    key: { groupId: string(), topic: string(), partition: int32() },
    valueVersions: '0-4',
    written: 4,
    flexible: 4,
    value: {
      offset: int64(),
      leaderEpoch: int32().in('3+').or(-1),
      metadata: string(),
      commitTimestamp: int64(),
      expireTimestamp: int64().in('1').or(-1),
      topicId: uuid().tagged(0, '4+'),
    },
  }),
  /** A group of the classic protocol as its last completed generation left it. */
  classic: type({
    keyVersions: '2',
    key: ofGroup,
    valueVersions: '0-4',
    written: 3,
    flexible: 4,
    value: {
      protocolType: string(),
      generation: int32(),
      protocol: string().nullable(),
      leader: string().nullable(),
      currentStateTimestamp: int64().in('2+').or(-1),
      members: array({
        memberId: string(),
        groupInstanceId: string().in('3+').nullable('3+').or(null),
        clientId: string(),
        clientHost: string(),
        rebalanceTimeout: int32().in('1+').or(-1),
        sessionTimeout: int32(),
        subscription: bytes(),
        assignment: bytes(),
      }),
    },
  }),
  /** A group of the consumer protocol (KIP-848): its epoch, and a hash of the topics it is subscribed to. */
  epoch: type({
    keyVersions: '3',
    key: ofGroup,
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: { epoch: int32(), metadataHash: int64().tagged(0, '0+').or(0) },
  }),
  /** Who is in it, and what they want. */
  member: type({
    keyVersions: '5',
    key: ofMember,
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: {
      instanceId: string().nullable(),
      rackId: string().nullable(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: array(string()),
      subscribedTopicRegex: string().nullable(),
      rebalanceTimeoutMs: int32().or(-1),
      serverAssignor: string().nullable(),
      classicMemberMetadata: struct({
        sessionTimeoutMs: int32(),
        supportedProtocols: array({ name: string(), metadata: bytes() }),
      })
        .nullable()
        .tagged(0, '0+')
        .or(null),
    },
  }),
  /** The epoch that the target assignment was computed for. */
  targetEpoch: type({
    keyVersions: '6',
    key: ofGroup,
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: { assignmentEpoch: int32(), assignmentTimestamp: int64().tagged(0, '0+').or(0) },
  }),
  /** What a member shall have. */
  target: type({
    keyVersions: '7',
    key: ofMember,
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: { topicPartitions: topicPartitions() },
  }),
  /** What a member has, and what it is giving up. */
  current: type({
    keyVersions: '8',
    key: ofMember,
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: {
      memberEpoch: int32(),
      previousMemberEpoch: int32(),
      state: int8(),
      assignedPartitions: array({
        topicId: uuid(),
        partitions: array(int32()),
        assignmentEpochs: array(int32()).nullable().tagged(0, '0+').or(null),
      }),
      partitionsPendingRevocation: array({
        topicId: uuid(),
        partitions: array(int32()),
        assignmentEpochs: array(int32()).nullable().tagged(0, '0+').or(null),
      }),
    },
  }),
  /** The topics that a regular expression matched. */
  regex: type({
    keyVersions: '16',
    key: { groupId: string(), regularExpression: string() },
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: { topics: array(string()), version: int64(), timestamp: int64() },
  }),
  /** Ours, which Kafka's formatters pass over: an offset whose transaction has not ended. */
  pending: type({
    keyVersions: '1000',
    key: { groupId: string(), producerId: int64(), topic: string(), partition: int32() },
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: {
      producerEpoch: int16(),
      transaction: int64(),
      offset: int64(),
      leaderEpoch: int32(),
      metadata: string(),
      commitTimestamp: int64(),
      topicId: uuid(),
    },
  }),
  /** Ours, too: the last transaction of a producer that has ended here. */
  ended: type({
    keyVersions: '1001',
    key: { groupId: string(), producerId: int64() },
    valueVersions: '0',
    written: 0,
    flexible: 0,
    value: { producerEpoch: int16(), transaction: int64(), endedMs: int64() },
  }),
}

export type RecordTypes = typeof recordTypes
export type RecordTypeName = keyof RecordTypes
export type Key<T extends RecordTypeName> = Decoded<RecordTypes[T]['key']>
export type Value<T extends RecordTypeName> = Decoded<RecordTypes[T]['value']>

/** One record, opened. A null value takes back what an earlier record of the same key said. */
export type GroupRecord = { [T in RecordTypeName]: { type: T; key: Key<T>; value: Value<T> | null } }[RecordTypeName]

/** Kafka's CoordinatorRecordSerde: a version of 16 bits before the key and before the value. */
export function encodeRecord<T extends RecordTypeName>(
  name: T,
  key: Encodable<RecordTypes[T]['key']>,
  value: Encodable<RecordTypes[T]['value']> | null,
): FactRecord {
  const type = recordTypes[name] as RecordType
  const version = name === 'offset' && expires(value) ? 1 : type.written
  return {
    key: written(type.key, key as Encodable<Message>, bounds(type.keyVersions)[1], false),
    value: value === null ? null : written(type.value, value as Encodable<Message>, version, version >= type.flexible),
  }
}

/** Undefined for a type or version that this one does not know: share groups, streams groups, whatever comes. */
export function decodeRecord({ key, value }: FactRecord): GroupRecord | undefined {
  const reader = new Reader(key)
  const keyVersion = reader.int16()
  const found = Object.entries(recordTypes).find(([, { keyVersions }]) => inRange(keyVersions, keyVersion))
  if (found === undefined) return undefined
  const { key: keyMessage, valueVersions, flexible, value: valueMessage } = found[1] as RecordType
  const opened = { type: found[0], key: codecFor(keyMessage, keyVersion, false).read(reader) }
  if (value === null) return { ...opened, value: null } as GroupRecord
  const valueReader = new Reader(value)
  const version = valueReader.int16()
  if (!inRange(valueVersions, version)) return undefined
  return { ...opened, value: codecFor(valueMessage, version, version >= flexible).read(valueReader) } as GroupRecord
}

/** An offset that its client gave a life of its own (OffsetCommit before v5) is written in the one version that says so. */
const expires = (value: object | null): boolean =>
  value !== null && 'expireTimestamp' in value && (value.expireTimestamp as number) >= 0

function written(message: Message, value: Encodable<Message>, at: number, flexible: boolean): Uint8Array {
  const writer = new Writer()
  writer.int16(at)
  codecFor(message, at, flexible).write(writer, value)
  return writer.done().slice()
}
