import { array, bytes, int16, int32, string } from '../../../protocol/schema.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { checkGroupId, errorCode, own } from '../groups.ts'

/**
 * The leader brings the assignment of a new generation, everyone else waits for theirs.
 * v3 has static members (KIP-345), v4 is flexible, v5 says the protocol (KIP-559).
 */
export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string().in('3+').nullable('3+').or(null),
    protocolType: string().in('5+').nullable('5+').or(null),
    protocolName: string().in('5+').nullable('5+').or(null),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    errorCode: int16(),
    protocolType: string().in('5+').nullable('5+').or(null),
    protocolName: string().in('5+').nullable('5+').or(null),
    assignment: bytes(),
  },
  async handle({ groupId, assignments, ...sync }, { broker, version }) {
    if (version >= 5 && (sync.protocolType === null || sync.protocolName === null)) return UNNAMED
    const given = assignments.map(({ memberId, assignment }) => ({ memberId, assignment: own(assignment) }))
    const reply =
      checkGroupId(groupId) ?? (await broker.groups.ask(groupId, { type: 'sync', ...sync, assignments: given }))
    return 'error' in reply
      ? { errorCode: errorCode(reply), assignment: new Uint8Array(0) }
      : { errorCode: 0, ...reply }
  },
})

/** Since v5 the protocol must be said. */
const UNNAMED = { errorCode: codeOf('INCONSISTENT_GROUP_PROTOCOL'), assignment: new Uint8Array(0) }
