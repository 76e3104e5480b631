import { array, int16, int32, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'
import { eachGroup, errorCode } from '../groups.ts'

/** Deletes groups without members, with their offsets. v2 is flexible. */
export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
  async handle({ groupsNames }, { broker }) {
    const results = await eachGroup([...new Set(groupsNames)], async groupId => ({
      groupId,
      errorCode: errorCode(await broker.groups.ask(groupId, { type: 'delete' })),
    }))
    return { throttleTimeMs: 0, results }
  },
})
