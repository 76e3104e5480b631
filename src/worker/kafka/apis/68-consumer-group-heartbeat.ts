import { array, int16, int32, string, struct, uuid } from '../../../protocol/schema.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { callerOf } from '../groups.ts'

const topicPartitions = () => array({ topicId: uuid(), partitions: array(int32()) })

/**
 * The one request of the consumer protocol (KIP-848): members join, say what they have, are told what to have, and leave.
 * v1 subscribes by expression and has members name themselves (KIP-1082).
 */
export const consumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string().nullable().or(null),
    rackId: string().nullable().or(null),
    rebalanceTimeoutMs: int32().or(-1),
    subscribedTopicNames: array(string()).nullable().or(null),
    subscribedTopicRegex: string().in('1+').nullable('1+').or(null),
    serverAssignor: string().nullable().or(null),
    topicPartitions: topicPartitions().nullable().or(null),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    memberId: string().nullable().or(null),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({
      topicPartitions: topicPartitions(),
    })
      .nullable()
      .or(null),
  },
  async handle({ groupId, ...beat }, call) {
    const reply =
      groupId === ''
        ? EMPTY_GROUP_ID
        : await call.broker.groups.ask(groupId, {
            type: 'consumerHeartbeat',
            ...callerOf(call),
            ...beat,
            fresh: crypto.randomUUID(),
          })
    if (isFailure(reply))
      return {
        throttleTimeMs: 0,
        errorCode: codeOf(reply.error),
        errorMessage: reply.message,
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
      }
    const { memberId, memberEpoch, heartbeatIntervalMs, assignment } = reply
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      memberId,
      memberEpoch,
      heartbeatIntervalMs,
      assignment: assignment && { topicPartitions: assignment },
    }
  },
})

const EMPTY_GROUP_ID = { error: 'INVALID_REQUEST' as const, message: "GroupId can't be empty." }
