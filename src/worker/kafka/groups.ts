// What the handlers of group APIs share: who calls, and answers as codes.

import type { ErrorName, Failure } from '../../protocol/errors.ts'
import { codeOf, failure } from '../../protocol/errors.ts'
import type { Call } from './api.ts'

/** Groups named in one request. */
const MAX_GROUPS = 1_000
/** Groups asked for at once. */
const MAX_AT_ONCE = 20

/** As Kafka prints an address; where it is not known, nothing after the slash. */
export const callerOf = ({ clientId, clientHost, version }: Call) => ({
  version,
  clientId: clientId ?? '',
  clientHost: `/${clientHost ?? ''}`,
})

/** A group of the classic or consumer protocol has a name; offsets alone may be kept under the empty one. */
export const checkGroupId = (groupId: string): Failure | undefined =>
  groupId === '' ? failure('INVALID_GROUP_ID') : undefined

export const errorCode = (reply: object | null): number =>
  reply !== null && 'error' in reply ? codeOf(reply.error as ErrorName) : 0

/** Bytes of a request are views of its frame; what crosses a call must be nobody's view. */
export const own = (bytes: Uint8Array): Uint8Array => bytes.slice()

/** Asks for each group, in bounded waves; groups beyond what one request may name are refused. */
export async function eachGroup<T>(groupIds: readonly string[], ask: (groupId: string) => Promise<T>): Promise<T[]> {
  if (groupIds.length > MAX_GROUPS) throw new RangeError(`more than ${MAX_GROUPS} groups in one request`)
  const answers: T[] = []
  for (let first = 0; first < groupIds.length; first += MAX_AT_ONCE)
    answers.push(...(await Promise.all(groupIds.slice(first, first + MAX_AT_ONCE).map(ask))))
  return answers
}

/** Operations on a group that everyone is allowed: DELETE, DESCRIBE, READ, and those on its configs. */
export const GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
/** Not asked for. */
export const NO_OPERATIONS = -2_147_483_648
