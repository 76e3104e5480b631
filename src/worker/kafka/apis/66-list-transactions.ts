import { array, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { compileRegex } from '../../../protocol/regex.ts'
import { STATUSES } from '../../../coordinator/transaction-state.ts'
import { codeOf, isFailure } from '../../../protocol/errors.ts'
import { api } from '../api.ts'

/** The transactional ids there are (KIP-664). v1 filters by how long a transaction runs (KIP-994), v2 by a pattern (KIP-1152). */
export const listTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64().in('1+').or(-1),
    transactionalIdPattern: string().in('2+').nullable('2+').or(null),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
  async handle({ stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }, { broker }) {
    const unknownStateFilters = stateFilters.filter(state => !STATUSES.includes(state as (typeof STATUSES)[number]))
    const matches = transactionalIdPattern ? compileRegex(transactionalIdPattern) : () => true
    if (isFailure(matches)) return { errorCode: codeOf(matches.error), unknownStateFilters: [], transactionStates: [] }
    const listed = await broker.transactions.list()
    if (isFailure(listed)) return { errorCode: codeOf(listed.error), unknownStateFilters: [], transactionStates: [] }
    const states = new Set(stateFilters)
    const producerIds = new Set(producerIdFilters)
    const sinceMs = durationFilter < 0 ? Infinity : Date.now() - durationFilter
    return {
      errorCode: 0,
      unknownStateFilters,
      transactionStates: listed
        .filter(({ status }) => states.size === 0 || states.has(status))
        .filter(({ producerId }) => producerIds.size === 0 || producerIds.has(producerId))
        .filter(({ startMs }) => startMs < sinceMs)
        .filter(({ transactionalId }) => matches(transactionalId))
        .map(({ transactionalId, producerId, status }) => ({ transactionalId, producerId, transactionState: status })),
    }
  },
})
