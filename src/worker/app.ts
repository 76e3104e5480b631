// How a route is made: its parameters are checked by the very schemas that /openapi.json shows, and its handler gets them
// checked, with a Broker of its own.

import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Broker } from './broker.ts'
import type { Env } from './env.ts'
import { badRequest } from './problem.ts'

export interface AppEnv {
  Bindings: Env
  Variables: { broker: Broker; requestId: string }
}
export type App = OpenAPIHono<AppEnv>

export const newApp = (): App => new OpenAPIHono<AppEnv>()

/** A body or answer in one media type; what the schema cannot say stands in the description. */
export interface Content {
  readonly schema: z.ZodType
  readonly example?: unknown
}

export interface Route<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** `/v1/topics/{topic}` */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly params: P
  readonly query: Q
  readonly headers?: z.ZodObject
  /** Media type to what it holds. */
  readonly body?: Readonly<Record<string, Content>>
  readonly bodyIsOptional?: true
  readonly answers: Readonly<
    Record<number, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >
}

export interface Checked<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly params: z.output<P>
  readonly query: z.output<Q>
}

/** Adds a route to the app and to its OpenAPI document. */
export function route<P extends z.ZodObject, Q extends z.ZodObject>(
  app: App,
  spec: Route<P, Q>,
  handle: (c: Context<AppEnv>, checked: Checked<P, Q>) => Response | Promise<Response>,
): void {
  describe(app, spec)
  // Nothing asked for is the most common query: it is checked once.
  const preset = spec.query.safeParse({})
  app.on(spec.method.toUpperCase(), spec.path.replaceAll(/\{(\w+)\}/g, ':$1'), c => {
    const params = spec.params.safeParse(c.req.param())
    if (!params.success) return notAsked('path', params.error)
    const query = c.req.url.includes('?') ? spec.query.safeParse(c.req.query()) : preset
    if (!query.success) return notAsked('query', query.error)
    return handle(c, { params: params.data, query: query.data })
  })
}

function describe<P extends z.ZodObject, Q extends z.ZodObject>(app: App, spec: Route<P, Q>): void {
  const { method, path, tag, summary, description, params, query, headers, body, bodyIsOptional, answers } = spec
  const problem = {
    description: 'What went wrong.',
    content: { 'application/problem+json': { schema: problemSchema } },
  }
  app.openAPIRegistry.registerPath({
    method,
    path,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    request: {
      params,
      query,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body: { required: bodyIsOptional !== true, content: body } }),
    },
    responses: { ...answers, default: problem },
  })
}

function notAsked(where: string, error: z.ZodError): Response {
  const { path, message } = error.issues[0]!
  const field = path.join('.')
  return badRequest(`In the ${where}, ${field} ${message}.`, { field })
}

export const problemSchema = z
  .looseObject({
    type: z.string().openapi({ example: '/docs#UNKNOWN_TOPIC_OR_PARTITION' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().openapi({ description: "Kafka's name of the error.", example: 'UNKNOWN_TOPIC_OR_PARTITION' }),
    errorCode: z.int().openapi({ description: "Kafka's number of it.", example: 3 }),
    retriable: z.boolean().openapi({ description: 'Whether the same request may succeed later.' }),
  })
  .openapi('Problem', {
    description: 'RFC 9457. More members say more: `field`, `record`, `position`, `line`, `column`, `logStartOffset`.',
  })
