import { int16, int32, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'
import { checkGroupId, errorCode } from '../groups.ts'

/** A member says that it is alive; REBALANCE_IN_PROGRESS asks it to join again. v3 has static members (KIP-345), v4 is flexible. */
export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().in('3+').nullable('3+').or(null),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    errorCode: int16(),
  },
  async handle({ groupId, generationId, memberId, groupInstanceId }, { broker }) {
    const command = { type: 'heartbeat' as const, generationId, memberId, groupInstanceId }
    const reply = checkGroupId(groupId) ?? (await broker.groups.ask(groupId, command))
    return { errorCode: errorCode(reply) }
  },
})
