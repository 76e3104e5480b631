import { array, bool, bytes, int16, int32, string } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { checkGroupId, eachGroup, GROUP_OPERATIONS, NO_OPERATIONS } from '../groups.ts'

/**
 * Groups of the classic protocol, with their members. v3 may tell what is allowed (KIP-430), v4 has static members, v5 is
 * flexible, v6 says GROUP_ID_NOT_FOUND of a group that is not there, which before was Dead (KIP-1043).
 */
export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool().in('3+'),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    groups: array({
      errorCode: int16(),
      errorMessage: string().in('6+').nullable('6+').or(null),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string().in('4+').nullable('4+').or(null),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32().in('3+').or(-2_147_483_648),
    }),
  },
  async handle({ groups, includeAuthorizedOperations }, { broker, version }) {
    const described = await eachGroup(groups, async groupId => {
      const group = checkGroupId(groupId) ?? (await broker.groups.ask(groupId, { type: 'describeClassic' }))
      if (isFailure(group)) {
        const isMissing = group.error === 'GROUP_ID_NOT_FOUND'
        return {
          errorCode: isMissing && version < 6 ? 0 : codeOf(group.error),
          errorMessage: group.message,
          groupId,
          groupState: isMissing ? 'Dead' : '',
          protocolType: '',
          protocolData: '',
          members: [],
        }
      }
      return {
        errorCode: 0,
        groupId,
        groupState: group.state,
        protocolType: group.protocolType,
        protocolData: group.protocol,
        members: group.members.map(({ metadata, assignment, ...member }) => ({
          ...member,
          memberMetadata: metadata,
          memberAssignment: assignment,
        })),
        authorizedOperations: includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS,
      }
    })
    return { groups: described }
  },
})
