// A request's JSON body, checked by the schema that /openapi.json shows, or the answer that refuses it.

import type * as z from 'zod'
import { readBody } from './body.ts'
import { isMalformed, readJson } from './malformed.ts'
import { mediaType } from './media.ts'
import { badRequest, malformedProblem, unsupportedMedia } from './problem.ts'

/** What a topic or a group is told takes little; more than this is neither. */
const MAX_JSON_BODY_BYTES = 1_048_576

/** The sentences of the schema go behind the member's name. */
export async function readChecked<T>(request: Request, schema: z.ZodType<T>): Promise<T | Response> {
  if (mediaType(request.headers.get('content-type')) !== 'application/json')
    return unsupportedMedia('Send application/json.', { accept: 'application/json' })
  const bytes = await readBody(request, MAX_JSON_BODY_BYTES)
  if (bytes instanceof Response) return bytes
  const text = readJson(bytes, reader => reader.text())
  if (isMalformed(text)) return malformedProblem(text)
  const checked = schema.safeParse(JSON.parse(new TextDecoder().decode(text)))
  if (checked.success) return checked.data
  const { path, message } = checked.error.issues[0]!
  const field = fieldOf(path)
  return badRequest(`${field || 'The body'} ${message}.`, field ? { field } : {})
}

/** `offsets[17].partition` */
export const fieldOf = (path: readonly PropertyKey[]): string =>
  path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')

/** What a strict object says of members that it has not. */
export const unknownMembers = (members: string) => ({
  error: (issue: z.core.$ZodRawIssue) =>
    issue.code === 'unrecognized_keys'
      ? `has unknown members (${issue.keys.join(', ')}): it may have ${members}`
      : 'must be an object',
})
