import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { failure } from '../../../protocol/errors.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'
import { repeated } from '../changing.ts'

/** Which users have SCRAM credentials (KIP-554): nobody has any, and there is no way to give them. */
export const describeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: {
    users: array({
      name: string(),
    }).nullable(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string().nullable(),
      credentialInfos: array({
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
  handle({ users }) {
    const asked = users ?? []
    if (asked.length > MAX_USERS) return { ...refused(TOO_MANY), results: [] }
    const names = asked.map(({ name }) => name)
    const twice = repeated(names)
    const results = [...new Set(names)].map(user => ({
      user,
      ...refused(
        twice.has(user)
          ? failure(
              'DUPLICATE_RESOURCE',
              `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
            )
          : failure('RESOURCE_NOT_FOUND', `Attempt to describe a user credential that does not exist: ${user}`),
      ),
      credentialInfos: [],
    }))
    return { ...DONE, results }
  },
})

/** Asked about in one request: an answer is longer than its question. */
const MAX_USERS = 10_000

const TOO_MANY = failure('INVALID_REQUEST', `A request may name ${MAX_USERS} users.`)
