// How a route is made: its parameters are checked by the very schemas that /openapi.json shows, and its handler gets them
// checked, with a Broker of its own.

import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Broker } from './broker.ts'
import type { Env } from './env.ts'
import { badRequest } from './problem.ts'

export interface AppEnv {
  Bindings: Env
  Variables: { broker: Broker; requestId: string }
}
/** Hono, and what /openapi.json says of its routes. */
export class App extends Hono<AppEnv> {
  readonly described: (() => Described)[] = []
}

export const newApp = (): App => new App()

/** A body or answer in one media type; what the schema cannot say stands in the description. */
export interface Content {
  readonly schema: z.ZodType
  readonly example?: unknown
}

/** What is said of a route. */
export interface Described {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** `/v1/topics/{topic}` */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly headers?: z.ZodObject
  /** Media type to what it holds. */
  readonly body?: Readonly<Record<string, Content>>
  readonly bodyIsOptional?: true
  /** By status, or `default`. */
  readonly answers: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >
}

export interface Route<P extends z.ZodObject, Q extends z.ZodObject> extends Described {
  readonly params: P
  readonly query: Q
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
  const { params: asked, query: queried } = spec
  app.described.push(() => ({ ...spec, answers: { ...spec.answers, default: PROBLEM } }))
  // Nothing asked for is the most common query: it is checked once, when it first comes.
  let preset: ReturnType<typeof queried.safeParse> | undefined
  app.on(spec.method.toUpperCase(), spec.path.replaceAll(/\{(\w+)\}/g, ':$1'), c => {
    const params = asked.safeParse(c.req.param())
    if (!params.success) return notAsked('path', params.error)
    const said = queryOf(c.req.url, queried.shape)
    if (said instanceof Response) return said
    const query = said ? queried.safeParse(said) : (preset ??= queried.safeParse({}))
    if (!query.success) return notAsked('query', query.error)
    return handle(c, { params: params.data, query: query.data })
  })
}

/** What the query says of these parameters, each once; undefined if it says nothing. Others are nobody's. */
function queryOf(url: string, known: Readonly<Record<string, unknown>>): Record<string, string> | undefined | Response {
  const at = url.indexOf('?')
  if (at < 0) return undefined
  const said: Record<string, string> = {}
  for (const part of url.slice(at + 1).split('&')) {
    const [name = '', ...value] = part.split('=').map(text => decoded(text))
    if (name === undefined || !Object.hasOwn(known, name)) continue
    if (Object.hasOwn(said, name)) return badRequest(`In the query, ${name} stands more than once.`, { field: name })
    if (value.includes(undefined))
      return badRequest(`In the query, ${name} is not percent-encoded UTF-8.`, { field: name })
    said[name] = value.join('=')
  }
  return said
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function notAsked(where: string, error: z.ZodError): Response {
  const { path, message } = error.issues[0]!
  const field = path.join('.')
  return badRequest(`In the ${where}, ${field} ${message}.`, { field })
}

export const problemSchema = z
  .looseObject({
    type: z.string().meta({ example: '/docs#UNKNOWN_TOPIC_OR_PARTITION' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: "Kafka's name of the error.", example: 'UNKNOWN_TOPIC_OR_PARTITION' }),
    errorCode: z.int().meta({ description: "Kafka's number of it.", example: 3 }),
    retriable: z.boolean().meta({ description: 'Whether the same request may succeed later.' }),
  })
  .meta({
    id: 'Problem',
    description: 'RFC 9457. More members say more: `field`, `record`, `position`, `line`, `column`, `logStartOffset`.',
  })

const PROBLEM = {
  description: 'What went wrong.',
  content: { 'application/problem+json': { schema: problemSchema } },
}
