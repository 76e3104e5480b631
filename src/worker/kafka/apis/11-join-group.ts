import { array, bool, bytes, int16, int32, string } from '../../../protocol/schema.ts'
import type { JoinReply } from '../../../coordinator/classic.ts'
import { codeOf, type Failure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { callerOf, checkGroupId, own } from '../groups.ts'

/**
 * A consumer becomes a member of a group, or takes part in its next generation; the answer waits until that begins.
 * v4 asks for a member id first (KIP-394), v5 has static members (KIP-345), v6 is flexible, v7 tells the protocol type
 * (KIP-559), v8 takes a reason, v9 may tell a leader to leave the assignment as it is (KIP-814).
 */
export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32().in('1+').or(-1),
    memberId: string(),
    groupInstanceId: string().in('5+').nullable('5+').or(null),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string().in('8+').nullable('8+').or(null),
  },
  response: {
    throttleTimeMs: int32().in('2+'),
    errorCode: int16(),
    generationId: int32().or(-1),
    protocolType: string().in('7+').nullable('7+').or(null),
    protocolName: string().nullable('7+'),
    leader: string(),
    skipAssignment: bool().in('9+').or(false),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string().in('5+').nullable('5+').or(null),
      metadata: bytes(),
    }),
  },
  async handle(request, call) {
    const { groupId, memberId } = request
    const invalid = checkGroupId(groupId)
    if (invalid !== undefined) return refused({ ...invalid, memberId }, call.version)
    const reply: JoinReply | Failure = await call.broker.groups.ask(groupId, {
      type: 'join',
      ...callerOf(call),
      memberId,
      groupInstanceId: request.groupInstanceId,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: own(metadata) })),
      fresh: crypto.randomUUID(),
    })
    if ('error' in reply) return refused({ memberId, ...reply }, call.version)
    const { generationId, protocolType, leader, skipAssignment, members } = reply
    return {
      errorCode: 0,
      generationId,
      protocolType,
      protocolName: reply.protocolName,
      leader,
      skipAssignment,
      memberId: reply.memberId,
      members,
      throttleTimeMs: 0,
    }
  },
})

/** Before v7 a protocol could not be null. */
const refused = ({ error, memberId }: Failure & { readonly memberId: string }, version: number) => ({
  errorCode: codeOf(error),
  protocolName: version >= 7 ? null : '',
  leader: '',
  memberId,
  members: [],
})
