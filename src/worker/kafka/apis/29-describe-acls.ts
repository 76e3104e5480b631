import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { ACL_FILTER, NO_AUTHORIZER_HERE } from '../acls.ts'
import { refused } from '../answers.ts'
import { api } from '../api.ts'

/** Who may do what: there is no authorizer yet, and this says so. v2 is flexible, v3 knows resources of type user (KIP-373). */
export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: '1-3',
  flexible: '2+',
  request: ACL_FILTER,
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8().or(3),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
  handle: () => ({ ...refused(NO_AUTHORIZER_HERE), resources: [] }),
})
