// The Worker: every HTTP door in one app, Kafka's door, and the object classes that wrangler asks for.

import type { Context } from 'hono'
import { logEvent } from '../log-line.ts'
import { isFailure } from '../protocol/errors.ts'
import { type AppEnv, newApp } from './app.ts'
import { authorizationOf, authorize, LIVE_SUBPROTOCOL, subprotocols } from './auth.ts'
import { BodyLost } from './body.ts'
import { Broker } from './broker.ts'
import { mountConnections } from './connection-routes.ts'
import { mountConsume } from './consume.ts'
import { crossOrigin, isRead, preflight } from './cors.ts'
import { docsPage, homePage } from './docs.ts'
import type { Env } from './env.ts'
import { mountGroups } from './group-routes.ts'
import { mountLive } from './live.ts'
import { mountLooking } from './looking-routes.ts'
import { requestIdOf } from './request-id.ts'
import { httpRequests } from './metrics/measured.ts'
import { mountMetrics } from './metrics/metrics.ts'
import { serveTcp } from './kafka/tcp.ts'
import { serveTunnel } from './kafka/tunnel.ts'
import { openApi } from './openapi.ts'
import { html, page } from './page.ts'
import { badRequest, problem } from './problem.ts'
import { mountProduce } from './produce.ts'
import { errorAnswer, isRegistryPath, jsonAnswer, registryErrors } from './registry/answers.ts'
import { mountRegistry } from './registry/routes.ts'
import { inRestWords, isRestPath } from './rest/door.ts'
import { mountRestV2 } from './rest/v2.ts'
import { mountRestV3 } from './rest/v3.ts'
import { mountTopics } from './topics.ts'
import { mountTransactions } from './transaction-routes.ts'
import { isUiPath, mountUi } from './ui.ts'
import { asksForSocket } from './upgrade.ts'

export { ClusterObject } from '../objects/cluster.ts'
export { ConnectionsObject } from '../objects/connections.ts'
export { CoordinatorObject } from '../objects/coordinator.ts'
export { PartitionObject } from '../objects/partition.ts'
export { RegistryObject } from '../objects/registry.ts'
export { TransactionObject } from '../objects/transaction.ts'
export { RestConsumerObject } from './rest/consumer/object.ts'

const app = newApp()

app.use(async (c, next) => {
  const begunMs = performance.now()
  const url = new URL(c.req.url)
  const { raw, method } = c.req
  const page = crossOrigin(raw.headers.get('origin'), url.host, c.env)
  if (method === 'OPTIONS') return preflight(page, raw.headers.get('access-control-request-headers'))
  const requestId = requestIdOf(raw.headers)
  c.set('requestId', requestId)
  // Kafka's door writes too, and browsers let any page open a socket to it.
  const reads = isRead(method) && url.pathname !== '/kafka'
  const refused =
    (isUiPath(url.pathname) ? undefined : refuse(c, url.pathname)) ??
    (page.mayWrite || reads ? undefined : refuseWrite(raw))
  if (refused) c.res = refused
  else {
    c.set('broker', new Broker(c.env, c.executionCtx))
    await next()
  }
  if (isRestPath(url.pathname) && !c.res.ok) c.res = await inRestWords(c.res, url.pathname)
  c.res.headers.set('x-request-id', requestId)
  for (const [name, value] of Object.entries(page.headers)) c.res.headers.set(name, value)
  if (c.res.status === 101 && url.pathname !== '/kafka' && subprotocols(raw.headers).includes(LIVE_SUBPROTOCOL))
    c.res.headers.set('sec-websocket-protocol', LIVE_SUBPROTOCOL)
  httpRequests.observe(String(c.res.status), performance.now() - begunMs)
})

mountTopics(app)
mountProduce(app)
mountConsume(app)
mountLive(app)
mountGroups(app)
mountRegistry(app)
mountRestV2(app)
mountRestV3(app)
mountTransactions(app)
mountLooking(app)
mountConnections(app)
mountMetrics(app)
mountUi(app)

// To those who do not look at it, the root is the registry's: its clients ask there whether it is up.
app.get('/', c =>
  c.req.header('accept')?.includes('text/html')
    ? homePage(new URL(c.req.url).origin)
    : jsonAnswer({}, 'application/json'),
)
app.get('/docs', () => docsPage(openApi(app)))
app.get('/openapi.json', c => c.json(openApi(app)))
app.get('/kafka', c =>
  asksForSocket(c.req.raw.headers)
    ? serveTunnel(c.req.raw, c.env, c.executionCtx, c.var.requestId)
    : problem({ error: 'INVALID_REQUEST', message: 'Kafka is spoken here over WebSocket.' }, { status: 426 }),
)
app.get('/healthz', c => c.json({ status: 'ok' }))

app.notFound(c => {
  const methods = methodsOf(c.req.path)
  if (isRegistryPath(c.req.path)) return errorAnswer(registryErrors.status(methods.length === 0 ? 404 : 405))
  if (methods.length === 0)
    return problem({
      error: 'RESOURCE_NOT_FOUND',
      message: `There is nothing at ${c.req.path}; /docs says what there is.`,
    })
  const message = `${c.req.path} takes ${methods.join(', ')}, not ${c.req.method}.`
  return problem({ error: 'INVALID_REQUEST', message }, { status: 405, headers: { allow: methods.join(', ') } })
})

app.onError((error, c) => {
  if (error instanceof BodyLost) return badRequest(error.message)
  // Whoever has gone away gets no answer, and that is no fault of ours.
  if (!c.req.raw.signal.aborted) {
    const { method, path } = c.req
    logEvent('error', `${method} ${path} failed: ${error.message}`, { requestId: c.var.requestId, method, path, error })
  }
  if (isRegistryPath(c.req.path)) return errorAnswer(registryErrors.status(500))
  return problem({ error: 'UNKNOWN_SERVER_ERROR', message: 'Something unexpected went wrong in the broker.' })
})

/** The answer to somebody who may not; undefined for all others. Whether the broker is well, anybody may ask. */
function refuse(c: Context<AppEnv>, pathname: string): Response | undefined {
  const principal = authorize({ authorization: authorizationOf(c.req.raw.headers) }, c.env)
  if (!isFailure(principal)) return undefined
  if (isRegistryPath(pathname)) {
    const errorCode = principal.error === 'SECURITY_DISABLED' ? 503 : 401
    return errorAnswer({ errorCode, message: principal.message })
  }
  if (principal.error !== 'SECURITY_DISABLED') {
    if (pathname === '/healthz') return undefined
    return problem(principal, { headers: { 'www-authenticate': 'Bearer realm="edgelog"' } })
  }
  if (!c.req.raw.headers.get('accept')?.includes('text/html')) return problem(principal, { status: 503 })
  return page(
    'Edgelog is closed',
    html`<h1>This broker has no token yet</h1>
      <p>So it refuses everything. Set one, and it opens to whoever sends it:</p>
      <pre>
npx wrangler secret put EDGELOG_ADMIN_TOKEN

curl -H "authorization: Bearer $EDGELOG_ADMIN_TOKEN" …</pre>`,
    503,
  )
}

function refuseWrite(request: Request): Response {
  const message = `Pages of ${request.headers.get('origin')} may not write here; EDGELOG_CORS says which may.`
  return problem({ error: 'CLUSTER_AUTHORIZATION_FAILED', message })
}

/** The methods of a path, if it is one of ours. */
function methodsOf(path: string): string[] {
  const methods = new Set<string>()
  for (const { method, path: pattern } of app.routes) {
    if (method === 'ALL') continue
    if (new RegExp(`^${pattern.replaceAll(/:\w+(?:\{([^}]+)\})?/g, (_, only) => only ?? '[^/]+')}$`).test(path))
      methods.add(method)
  }
  // Whoever may GET may ask for the headers alone.
  return [...methods].flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}

export default {
  fetch: (request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> =>
    app.fetch(request, env, ctx),

  /** Kafka over raw TCP, which only reaches a broker on this machine. */
  async connect(socket: Socket, env: Env, ctx: ExecutionContext): Promise<void> {
    if (isFailure(authorize({ authorization: null }, env))) await socket.close().catch(() => {})
    else await serveTcp(socket, env, ctx)
  },
}
