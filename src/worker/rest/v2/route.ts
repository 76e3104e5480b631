// How a route of the REST Proxy's v2 is made: what it finds is answered as v2's own JSON, what is wrong as its errors.

import type { Context } from 'hono'
import { type Failure, isFailure } from '../../../protocol/errors.ts'
import type { App, AppEnv } from '../../app.ts'
import { fromKafka, isRestFailure, refuse, type RestFailure } from '../errors.ts'
import { checkAccept, V2_JSON } from './media.ts'

export type Found = Response | object | RestFailure | Failure

export function route(
  app: App,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  handle: (c: Context<AppEnv>) => Found | Promise<Found>,
): void {
  // As with the proxy, a slash at the end says nothing.
  app.on(method, [path, `${path}/`], async c =>
    answered(checkAccept(c.req.raw.headers.get('accept')) ?? (await handle(c))),
  )
}

export function answered(found: Found): Response {
  if (found instanceof Response) return found
  if (isFailure(found)) return refuse(fromKafka(found), V2_JSON)
  if (isRestFailure(found)) return refuse(found, V2_JSON)
  return Response.json(found, { headers: { 'content-type': V2_JSON } })
}
