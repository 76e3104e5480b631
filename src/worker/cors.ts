// Which web pages may use the broker from a browser. Served locally, any page may read; who else may, and who may write,
// is EDGELOG_CORS. A page that may not write is refused even where browsers would let it send (a form, text/plain).

import type { Env } from './env.ts'

const EXPOSED =
  'edgelog-next-offset, edgelog-high-watermark, edgelog-log-start-offset, location, retry-after, x-request-id'
const PREFLIGHT_KEPT_S = '7200'

type Settings = Pick<Env, 'EDGELOG_LOCAL' | 'EDGELOG_CORS'>

export interface CrossOrigin {
  readonly mayRead: boolean
  readonly mayWrite: boolean
  /** For the answer, if the page may read it. */
  readonly headers: Readonly<Record<string, string>>
}

/** What a page of `origin` may do with a broker at `host`. No origin: not a browser's cross-site request. */
export function crossOrigin(origin: string | null | undefined, host: string, settings: Settings): CrossOrigin {
  if (!origin || sameHost(origin, host)) return { mayRead: true, mayWrite: true, headers: {} }
  const listed = (settings.EDGELOG_CORS ?? '').split(',').map(entry => entry.trim())
  const mayWrite = listed.includes('*') || listed.includes(origin)
  const mayRead = mayWrite || (settings.EDGELOG_LOCAL === '1' && settings.EDGELOG_CORS === undefined)
  const headers = {
    'access-control-allow-origin': listed.includes('*') || !mayWrite ? '*' : origin,
    'access-control-expose-headers': EXPOSED,
    vary: 'origin',
  }
  return { mayRead, mayWrite, headers: mayRead ? headers : {} }
}

/** The answer to OPTIONS: what a page may send. */
export function preflight({ mayRead, mayWrite, headers }: CrossOrigin, asked: string | null | undefined): Response {
  if (!mayRead) return new Response(null, { status: 204 })
  return new Response(null, {
    status: 204,
    headers: {
      ...headers,
      'access-control-allow-methods': mayWrite ? 'GET, HEAD, POST, PUT, PATCH, DELETE' : 'GET, HEAD',
      ...(asked ? { 'access-control-allow-headers': asked } : {}),
      'access-control-max-age': PREFLIGHT_KEPT_S,
    },
  })
}

export const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'

function sameHost(origin: string, host: string): boolean {
  const at = origin.indexOf('://')
  return at > 0 && origin.slice(at + 3) === host
}
