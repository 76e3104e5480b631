import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { failure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { alterConfigs } from '../resources.ts'

/** Sets, deletes, appends to or subtracts from single configs (KIP-339). v1 is flexible. */
export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
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
      changes: configs.map(({ name, configOperation, value }) => {
        const operation = OPERATIONS[configOperation]
        if (operation === undefined) return failure('INVALID_REQUEST', `Unknown operations type ${configOperation}`)
        return { key: name, operation, value }
      }),
    }))
    return { responses: await alterConfigs(altered, { validateOnly, replaceAll: false }, call) }
  },
})

/** Kafka's AlterConfigOp.OpType, by number. */
const OPERATIONS = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const
