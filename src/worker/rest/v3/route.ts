// How a route of the REST Proxy's v3 is made: its path stands under a cluster, which has to be this one, and its handler
// says what it found or what is wrong.

import type { Context } from 'hono'
import { type Failure, isFailure } from '../../../protocol/errors.ts'
import type { App, AppEnv } from '../../app.ts'
import type { Broker } from '../../broker.ts'
import { Nodes } from '../../kafka/nodes.ts'
import { rangesOf } from '../../media.ts'
import { fromKafka, isRestFailure, NOT_ACCEPTABLE, refuse, type RestFailure, restFailure } from '../errors.ts'
import { Links } from './links.ts'

export interface Call {
  readonly c: Context<AppEnv>
  readonly broker: Broker
  readonly clusterId: string
  readonly links: Links
  readonly nodes: Nodes
  /** A part of the path. */
  param(name: string): string
}

export type Found = Response | object | RestFailure | Failure

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** `path` goes on behind /v3/clusters/:cluster, perhaps with a slash at its end; what a handler finds is answered as JSON. */
export function route(app: App, method: Method, path: string, handle: (call: Call) => Found | Promise<Found>): void {
  const whole = `/v3/clusters/:cluster${path}`
  app.on(method, [whole, `${whole}/`], async c => {
    if (!acceptsJson(c.req.header('accept'))) return refuse(NOT_ACCEPTABLE)
    const { broker } = c.var
    const { clusterId } = await broker.view()
    const asked = c.req.param('cluster')!
    if (asked !== clusterId) return refuse(restFailure(404, `Cluster ${asked} cannot be found.`))
    return answered(await handle(callOf(c, broker, clusterId)))
  })
}

const JSON_RANGES = new Set(['application/json', 'application/*', '*/*'])

/** v3 has nothing else to say. */
export const acceptsJson = (accept: string | undefined): boolean =>
  accept === undefined || rangesOf(accept).some(range => JSON_RANGES.has(range))

export const callOf = (c: Context<AppEnv>, broker: Broker, clusterId: string): Call => ({
  c,
  broker,
  clusterId,
  links: new Links(new URL(c.req.url).origin, clusterId),
  nodes: Nodes.parse(c.env.EDGELOG_BROKERS),
  param: name => c.req.param(name)!,
})

function answered(found: Found): Response {
  if (found instanceof Response) return found
  if (isFailure(found)) return refuse(fromKafka(found))
  if (isRestFailure(found)) return refuse(found)
  return Response.json(found)
}

export const NOT_FOUND = restFailure(404, 'HTTP 404 Not Found')
export const noContent = (): Response => new Response(null, { status: 204 })
