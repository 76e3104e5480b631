import { array, int16, int32, string } from '../../../protocol/schema.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { checkGroupId, errorCode } from '../groups.ts'

/**
 * Members leave. v3 takes several at once, static ones by their instance id (KIP-345), v4 is flexible, v5 takes reasons.
 */
export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string(),
    memberId: string().in('0-2'),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable().or(null),
      reason: string().in('5+').nullable('5+').or(null),
    }).in('3+'),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    errorCode: int16(),
    members: array({
      memberId: string(),
      groupInstanceId: string().nullable(),
      errorCode: int16(),
    }).in('3+'),
  },
  async handle({ groupId, memberId, members }, { broker, version }) {
    const leaving = version < 3 ? [{ memberId, groupInstanceId: null }] : members
    const reply =
      checkGroupId(groupId) ??
      (await broker.groups.ask(groupId, {
        type: 'leave',
        members: leaving.map(member => ({ memberId: member.memberId, groupInstanceId: member.groupInstanceId })),
      }))
    if ('error' in reply) return { errorCode: errorCode(reply) }
    const answers = reply.members.map(({ error, ...member }) => ({ ...member, errorCode: codeOf(error) }))
    return version < 3 ? { errorCode: answers[0]!.errorCode } : { errorCode: 0, members: answers }
  },
})
