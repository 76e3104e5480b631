import { array, bool, int16, int32, int8, string, struct, uuid } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { checkGroupId, eachGroup, GROUP_OPERATIONS, NO_OPERATIONS } from '../groups.ts'

const assignment = () =>
  struct({ topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }) })

/** Groups of the consumer protocol, with what their members have and shall have (KIP-848). v1 tells members' protocols. */
export const consumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string().nullable().or(null),
        rackId: string().nullable().or(null),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string().nullable().or(null),
        assignment: assignment(),
        targetAssignment: assignment(),
        memberType: int8().in('1+').or(-1),
      }),
      authorizedOperations: int32().or(-2_147_483_648),
    }),
  },
  async handle({ groupIds, includeAuthorizedOperations }, { broker }) {
    const groups = await eachGroup(groupIds, async groupId => {
      const group = checkGroupId(groupId) ?? (await broker.groups.ask(groupId, { type: 'describeConsumer' }))
      if (isFailure(group))
        return {
          errorCode: codeOf(group.error),
          errorMessage: group.message,
          groupId,
          groupState: '',
          groupEpoch: 0,
          assignmentEpoch: 0,
          assignorName: '',
          members: [],
        }
      return {
        errorCode: 0,
        groupId,
        groupState: group.state,
        groupEpoch: group.epoch,
        assignmentEpoch: group.assignmentEpoch,
        assignorName: group.assignor,
        members: group.members.map(({ assignment: has, target, isClassic, ...member }) => ({
          ...member,
          assignment: { topicPartitions: has },
          targetAssignment: { topicPartitions: target },
          memberType: isClassic ? 0 : 1,
        })),
        authorizedOperations: includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS,
      }
    })
    return { throttleTimeMs: 0, groups }
  },
})
