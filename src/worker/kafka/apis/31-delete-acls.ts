import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { ACL_FILTER, NO_AUTHORIZER } from '../acls.ts'
import { refused } from '../answers.ts'
import { api } from '../api.ts'

/** Takes ACLs back: refused as long as there is no authorizer. v2 is flexible, v3 knows resources of type user (KIP-373). */
export const deleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: '1-3',
  flexible: '2+',
  request: { filters: array(ACL_FILTER) },
  response: {
    throttleTimeMs: int32().or(0),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string().nullable(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8().or(3),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
  handle: ({ filters }) => ({ filterResults: filters.map(() => ({ ...refused(NO_AUTHORIZER), matchingAcls: [] })) }),
})
