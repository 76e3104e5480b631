import { array, int16, int32, string } from '../../../protocol/schema.ts'
import { isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { errorCode } from '../groups.ts'

/** All groups. v3 is flexible, v4 filters by state (KIP-518), v5 by type (KIP-848). */
export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array(string()).in('4+'),
    typesFilter: array(string()).in('5+'),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string().in('4+'),
      groupType: string().in('5+'),
    }),
  },
  async handle({ statesFilter, typesFilter }, { broker }) {
    const groups = await broker.groups.list()
    if (isFailure(groups)) return { errorCode: errorCode(groups), groups: [] }
    const states = new Set(statesFilter.map(state => state.trim().toLowerCase()))
    const types = new Set(typesFilter.map(type => type.trim().toLowerCase()))
    return {
      errorCode: 0,
      groups: groups
        .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
        .filter(({ type }) => types.size === 0 || types.has(type))
        .map(({ groupId, protocolType, state, type }) => ({
          groupId,
          protocolType,
          groupState: state,
          groupType: type,
        })),
    }
  },
})
