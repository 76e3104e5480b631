import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'
import { alterConfigs as alter } from '../resources.ts'

/** Replaces all configs of a resource: what is not named goes back to its default. v2 is flexible. */
export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
      }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    responses: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
  async handle({ resources, validateOnly }, call) {
    const altered = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      changes: configs.map(({ name, value }) => ({ key: name, operation: 'SET', value }) as const),
    }))
    return { responses: await alter(altered, { validateOnly, replaceAll: true }, call) }
  },
})
