import { array, bool, float64, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { type Failure, failure } from '../../../protocol/errors.ts'
import { DONE, refused } from '../answers.ts'
import { api } from '../api.ts'

/** The quotas set for users, client ids and addresses (KIP-546). v1 is flexible. */
export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string().nullable(),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable(),
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string().nullable(),
      }),
      values: array({
        key: string(),
        value: float64(),
      }),
    }).nullable(),
  },
  handle({ components }) {
    const wrong = check(components)
    // No quotas are set, whatever the filter.
    return wrong === undefined ? { ...DONE, entries: [] } : { ...refused(wrong), entries: null }
  },
})

const ENTITY_TYPES: ReadonlySet<string> = new Set(['ip', 'user', 'client-id'])
const EXACT = 0
const SPECIFIED = 2

/** Kafka's ClientQuotasImage. */
function check(
  components: readonly { readonly entityType: string; readonly matchType: number; readonly match: string | null }[],
): Failure | undefined {
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') return failure('INVALID_REQUEST', 'Invalid empty entity type.')
    if (seen.has(entityType))
      return failure('INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once in the filter.`)
    seen.add(entityType)
    if (!ENTITY_TYPES.has(entityType)) return failure('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    if (matchType < EXACT || matchType > SPECIFIED) return failure('INVALID_REQUEST', `Unknown match type ${matchType}`)
    const name = ['EXACT', 'DEFAULT', 'SPECIFIED'][matchType]
    if (matchType === EXACT && match === null)
      return failure('INVALID_REQUEST', `Request specified MATCH_TYPE_${name}, but set match string to null.`)
    if (matchType !== EXACT && match !== null)
      return failure('INVALID_REQUEST', `Request specified MATCH_TYPE_${name}, but also specified a match string.`)
  }
  if (seen.has('ip') && seen.size > 1)
    return failure(
      'INVALID_REQUEST',
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  return undefined
}
