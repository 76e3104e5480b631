import { array, bool, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * The configs of topics and brokers, with where each value comes from.
 * v1 tells sources and synonyms (KIP-226), v3 types and documentation (KIP-569), v4 is flexible.
 */
export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexible: '4+',
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string()).nullable(),
    }),
    includeSynonyms: bool().or(false),
    includeDocumentation: bool().in('3+').or(false),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      errorCode: int16(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().or(-1),
        isSensitive: bool(),
        synonyms: array({
          name: string(),
          value: string().nullable(),
          source: int8(),
        }),
        configType: int8().in('3+').or(0),
        documentation: string().in('3+').nullable(),
      }),
    }),
  },
})
