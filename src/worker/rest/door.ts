// Which paths are Confluent's, and what is said there before or instead of a handler: clients of the REST Proxy expect its
// errors, whoever in the broker finds something wrong.

import { PROBLEM_JSON } from '../problem.ts'
import { refuse, restFailure } from './errors.ts'
import { V2_JSON } from './v2/media.ts'

const PATHS = /^\/(v3|topics|consumers|brokers)(\/|$)/

export const isRestPath = (pathname: string): boolean => PATHS.test(pathname)

/** What the proxy says where there is nothing more to say than the status. */
const sentences: Readonly<Record<number, string>> = {
  404: 'HTTP 404 Not Found',
  405: 'HTTP 405 Method Not Allowed',
  415: 'HTTP 415 Unsupported Media Type',
}

/** A problem of the broker in the words of the proxy; any other answer stays. */
export async function inRestWords(answer: Response, pathname: string): Promise<Response> {
  if (answer.headers.get('content-type') !== PROBLEM_JSON) return answer
  const { status, detail } = (await answer.json()) as { status: number; detail: string }
  const errorCode = status === 401 ? 40101 : status === 403 ? 40301 : status
  const refused = refuse(
    restFailure(errorCode, sentences[status] ?? detail),
    pathname.startsWith('/v3') ? 'application/json' : V2_JSON,
  )
  for (const name of ['www-authenticate', 'allow', 'retry-after']) {
    const value = answer.headers.get(name)
    if (value !== null) refused.headers.set(name, value)
  }
  return refused
}
