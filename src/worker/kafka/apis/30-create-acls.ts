import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { NO_AUTHORIZER } from '../acls.ts'
import { refused } from '../answers.ts'
import { api } from '../api.ts'

/** Allows and forbids: refused as long as there is no authorizer. v2 is flexible, v3 knows resources of type user (KIP-373). */
export const createAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: '1-3',
  flexible: '2+',
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8().or(3),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
    }),
  },
  handle: ({ creations }) => ({ results: creations.map(() => refused(NO_AUTHORIZER)) }),
})
