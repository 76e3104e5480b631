// Every error the HTTP doors answer: RFC 9457 problem+json, with Kafka's own name and code for it.

import { errors, type ErrorName, type Failure } from '../protocol/errors.ts'
import { detailOf, type Malformed } from './malformed.ts'

export const PROBLEM_JSON = 'application/problem+json'

/** The error of one record among many, or what all members of a problem that Kafka knows are. */
export interface RecordError {
  readonly code: ErrorName
  readonly errorCode: number
  readonly retriable: boolean
  readonly detail: string
}

export interface ProblemOptions {
  /** Where HTTP knows it better than Kafka's error does. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** What else is known: position, field, logStartOffset… */
  readonly members?: Readonly<Record<string, unknown>>
}

export const recordError = ({ error, message }: Failure): RecordError => ({
  code: error,
  errorCode: errors[error].code,
  retriable: errors[error].retriable,
  detail: message,
})

export function problem(failure: Failure, { status, headers, members }: ProblemOptions = {}): Response {
  const known = errors[failure.error]
  const answered = status ?? known.status
  const body = {
    type: `/docs#${failure.error}`,
    title: known.sentence,
    status: answered,
    ...recordError(failure),
    ...members,
  }
  return new Response(`${JSON.stringify(body)}\n`, {
    status: answered,
    headers: {
      'content-type': PROBLEM_JSON,
      // The platform's own pauses are short: a client that comes again at once adds to them.
      ...(known.retriable && answered >= 429 ? { 'retry-after': '1' } : {}),
      ...headers,
    },
  })
}

/** What cannot be read: 400, or 413 where there is just too much of it. */
export function malformedProblem(malformed: Malformed): Response {
  const { malformed: _, tooMany: __, ...members } = malformed
  return problem(malformedFailure(malformed), { members })
}

export const malformedFailure = (malformed: Malformed): Failure => ({
  error: malformed.tooMany ? 'RECORD_LIST_TOO_LARGE' : 'INVALID_REQUEST',
  message: detailOf(malformed),
})

export const badRequest = (message: string, members?: Readonly<Record<string, unknown>>): Response =>
  problem({ error: 'INVALID_REQUEST', message }, members ? { members } : {})

export const unsupportedMedia = (message: string, headers?: Readonly<Record<string, string>>): Response =>
  problem({ error: 'INVALID_REQUEST', message }, { status: 415, ...(headers ? { headers } : {}) })
