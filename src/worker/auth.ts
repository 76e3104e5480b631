// Who calls, and may they: the one place every door asks. For now: everyone where the broker is served locally, and
// deployed whoever has the token. Finer rights grow here.

import { Buffer } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { type Failure, failure } from '../protocol/errors.ts'
import type { Env } from './env.ts'

/** As Kafka writes principals: `User:name`. */
export interface Principal {
  readonly type: 'User'
  readonly name: string
}

const ANONYMOUS: Principal = { type: 'User', name: 'ANONYMOUS' }
const ADMIN: Principal = { type: 'User', name: 'admin' }

type Settings = Pick<Env, 'EDGELOG_LOCAL' | 'EDGELOG_ADMIN_TOKEN'>

/** SECURITY_DISABLED: nobody said yet who may; SASL_AUTHENTICATION_FAILED: this caller may not. */
export function authorize(request: { authorization?: string | null }, env: Settings): Principal | Failure {
  if (env.EDGELOG_LOCAL === '1') return ANONYMOUS
  if (!env.EDGELOG_ADMIN_TOKEN)
    return failure(
      'SECURITY_DISABLED',
      'This broker has no token yet, so it refuses everything. Set one with `npx wrangler secret put EDGELOG_ADMIN_TOKEN`, then send it as `Authorization: Bearer <token>`.',
    )
  const token = tokenOf(request.authorization ?? '')
  if (token === undefined)
    return failure('SASL_AUTHENTICATION_FAILED', 'Send the token of this broker as `Authorization: Bearer <token>`.')
  return sameText(token, env.EDGELOG_ADMIN_TOKEN)
    ? ADMIN
    : failure('SASL_AUTHENTICATION_FAILED', 'That is not the token of this broker.')
}

/** Registry clients know names and passwords rather than tokens: then the password is the token, whatever the name. */
function tokenOf(authorization: string): string | undefined {
  const [, scheme = '', said] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization) ?? []
  if (said === undefined || scheme.toLowerCase() === 'bearer') return said
  const login = Buffer.from(said, 'base64').toString()
  return login.includes(':') ? login.slice(login.indexOf(':') + 1) : undefined
}

/** The WebSocket subprotocol of live sockets, for clients that must name one to say their token beside it. */
export const LIVE_SUBPROTOCOL = 'edgelog'
const BEARER = 'bearer.'

/** The subprotocols that a WebSocket is asked for with. */
export const subprotocols = (headers: Headers): readonly string[] =>
  headers
    .get('sec-websocket-protocol')
    ?.split(',')
    .map(name => name.trim()) ?? []

/**
 * What a request says of who calls. Browsers send no headers of their own with a WebSocket, but subprotocols: there the
 * token is `bearer.` and itself in base64url, beside the protocol that is to be spoken.
 */
export function authorizationOf(headers: Headers): string | null {
  const said = headers.get('authorization')
  if (said !== null) return said
  const token = subprotocols(headers).find(name => name.startsWith(BEARER))
  return token === undefined ? null : `Bearer ${Buffer.from(token.slice(BEARER.length), 'base64url').toString()}`
}

/** Takes as long however much of a guess is right. */
function sameText(guess: string, secret: string): boolean {
  const encoder = new TextEncoder()
  const a = encoder.encode(guess)
  const b = encoder.encode(secret)
  return timingSafeEqual(a.length === b.length ? a : new Uint8Array(b.length), b) && a.length === b.length
}
