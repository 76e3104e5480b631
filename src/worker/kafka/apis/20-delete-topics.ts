import { array, int16, int32, string, uuid } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Deletes topics with all they hold.
 * v4 is flexible, v5 has error messages and may be throttled (KIP-599), v6 goes by name or topic id (KIP-516).
 */
export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: array({
      name: string().nullable().or(null),
      topicId: uuid(),
    }).in('6+'),
    topicNames: array(string()).in('0-5'),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    responses: array({
      name: string().nullable('6+'),
      topicId: uuid().in('6+'),
      errorCode: int16(),
      errorMessage: string().in('5+').nullable().or(null),
    }),
  },
})
