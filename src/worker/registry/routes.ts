// The schema registry's HTTP API at Confluent's paths, in every context. What each call means is src/schema/registry.ts.

import type { Context } from 'hono'
import * as z from 'zod'
import {
  type Filter,
  isRefusal,
  type Refusal,
  refusals,
  type RegistryCommand,
  type SchemaRequest,
  type SchemaVersion,
} from '../../schema/registry.ts'
import { ANY_CONTEXT, isDefaultContext, normalizeSubject, prefixOfContext } from '../../schema/registry/subjects.ts'
import type { App, AppEnv, Described } from '../app.ts'
import type { Registry } from './registry.ts'
import { answerMedia, errorAnswer, isReadable, jsonAnswer, registryErrors, schemaJson, textAnswer } from './answers.ts'
import { configBody, configChange, modeBody, readJsonBody, schemaBody, schemaRequest } from './bodies.ts'

const MAX_INT = 0x7fff_ffff

/** One call, as far as it is read. */
class Call {
  readonly c: Context<AppEnv>
  readonly registry: Registry
  readonly query: URLSearchParams
  /** Of the path's context. */
  readonly prefix: string

  constructor(c: Context<AppEnv>, prefix: string) {
    this.c = c
    this.prefix = prefix
    this.registry = c.var.broker.registry
    this.query = new URL(c.req.url).searchParams
  }

  ask<C extends RegistryCommand>(command: C) {
    return this.registry.ask(command)
  }

  param(name: string): string {
    return this.c.req.param(name) ?? ''
  }

  /** The path's subject, in the path's context; of a config or mode: none is everybody's. */
  get subject(): string {
    return this.inContext(this.param('subject'))
  }

  /** Whose config or mode: everybody's is ''. */
  get scope(): string {
    return isDefaultContext(this.subject) ? '' : this.subject
  }

  inContext(subject: string): string {
    const isQualified = subject.startsWith(':.') || subject.startsWith(ANY_CONTEXT)
    return normalizeSubject(isQualified ? subject : this.prefix + subject)
  }

  flag(name: string): boolean {
    return this.query.get(name)?.toLowerCase() === 'true'
  }

  /** -1: the latest. */
  get version(): number | Refusal {
    const text = this.param('version').trim()
    if (text.toLowerCase() === 'latest') return -1
    const version = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    return version === -1 || (version > 0 && version <= MAX_INT) ? version : refusals.invalidVersion(text)
  }

  get id(): number | Refusal {
    const text = this.param('id')
    return /^\d{1,10}$/.test(text) ? Number(text) : registryErrors.status(404)
  }

  get filter(): Filter {
    return this.flag('deletedOnly') ? 'deleted' : this.flag('deleted') ? 'all' : 'live'
  }

  get rich(): boolean {
    return this.c.req.header('confluent-accept-unknown-properties')?.toLowerCase() === 'true'
  }

  told(schema: SchemaVersion, named?: Parameters<typeof schemaJson>[2]): object {
    return schemaJson(schema, this.rich, named)
  }

  /** Another form of the schema, where one is asked for. */
  get format(): { readonly format?: string } {
    const format = this.query.get('format')?.trim()
    return format ? { format } : {}
  }

  async request(): Promise<SchemaRequest | Refusal> {
    const body = await readJsonBody(this.c.req.raw, schemaBody)
    return isRefusal(body) ? body : schemaRequest(body)
  }

  /** What `offset` and `limit` leave of a list. */
  page<T>(list: readonly T[]): readonly T[] {
    const offset = this.integer('offset', 0)
    const limit = this.integer('limit', -1)
    return list.slice(offset, limit > 0 ? offset + limit : undefined)
  }

  integer(name: string, preset: number): number {
    const text = this.query.get(name) ?? ''
    return /^-?\d{1,10}$/.test(text) ? Math.max(Number(text), preset) : preset
  }
}

/** JSON of the answer, a Refusal, or a whole Response. */
type Handle = (call: Call) => Promise<unknown>

interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  readonly path: string
  readonly summary: string
  readonly query?: readonly string[]
  readonly body?: z.ZodType
  readonly handle: Handle
}

/** An answer made of another one, unless that refuses. */
const then = async <T>(asked: Promise<T | Refusal>, make: (answer: T) => unknown): Promise<unknown> => {
  const answer = await asked
  return isRefusal(answer) ? answer : make(answer)
}

const endpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/schemas/types',
    summary: 'The formats of schemas',
    handle: async () => ['JSON', 'PROTOBUF', 'AVRO'],
  },
  {
    method: 'get',
    path: '/schemas',
    summary: 'Schemas of many subjects',
    query: ['subjectPrefix', 'deleted', 'latestOnly', 'offset', 'limit'],
    handle: call =>
      then(
        call.ask({
          type: 'schemas',
          prefix: call.inContext(call.query.get('subjectPrefix') ?? ''),
          deleted: call.flag('deleted'),
          latestOnly: call.flag('latestOnly'),
          offset: call.integer('offset', 0),
          limit: call.integer('limit', -1),
        }),
        schemas => schemas.map(schema => call.told(schema)),
      ),
  },
  {
    method: 'get',
    path: '/schemas/ids/{id}',
    summary: 'The schema of an id',
    query: ['subject', 'format'],
    handle: call =>
      ofId(call, id =>
        then(schemaOf(call, id), schema =>
          call.told(schema, call.rich && call.query.has('subject') ? 'all' : 'schema'),
        ),
      ),
  },
  {
    method: 'get',
    path: '/schemas/ids/{id}/schema',
    summary: 'The schema of an id, and nothing else',
    query: ['subject', 'format'],
    handle: call => ofId(call, id => then(schemaOf(call, id), ({ schema }) => raw(schema))),
  },
  {
    method: 'get',
    path: '/schemas/ids/{id}/subjects',
    summary: 'The subjects an id is registered under',
    query: ['subject', 'deleted', 'offset', 'limit'],
    handle: call =>
      ofId(call, id => then(usesOf(call, id), uses => call.page([...new Set(uses.map(use => use.subject))]))),
  },
  {
    method: 'get',
    path: '/schemas/ids/{id}/versions',
    summary: 'The subjects and versions of an id',
    query: ['subject', 'deleted', 'offset', 'limit'],
    handle: call => ofId(call, id => then(usesOf(call, id), uses => call.page(uses))),
  },
  {
    method: 'get',
    path: '/schemas/guids/{guid}',
    summary: 'The schema of a guid',
    query: ['format'],
    handle: call =>
      then(call.ask({ type: 'schemaOfGuid', guid: call.param('guid'), ...call.format }), schema =>
        call.told(schema, 'schema'),
      ),
  },
  {
    method: 'get',
    path: '/schemas/guids/{guid}/ids',
    summary: 'The ids of a guid, by context',
    handle: call => call.ask({ type: 'idsOfGuid', guid: call.param('guid') }),
  },
  {
    method: 'get',
    path: '/subjects',
    summary: 'The subjects',
    query: ['subjectPrefix', 'deleted', 'deletedOnly', 'offset', 'limit'],
    handle: call => {
      const asked = call.query.get('subjectPrefix')
      const prefix = asked === null && call.prefix === '' ? ANY_CONTEXT : call.inContext(asked ?? '')
      return then(call.ask({ type: 'subjects', prefix, filter: call.filter }), subjects => call.page(subjects))
    },
  },
  {
    method: 'post',
    path: '/subjects/{subject}',
    summary: 'Look up a schema under a subject',
    query: ['normalize', 'deleted', 'format'],
    body: schemaBody,
    handle: async call => {
      const { subject } = call
      const request = await call.request()
      if (isRefusal(request)) return request
      const normalize = call.flag('normalize')
      const deleted = call.flag('deleted')
      const found = call.ask({ type: 'lookup', subject, request, normalize, deleted, ...call.format })
      return then(found, schema => call.told(schema))
    },
  },
  {
    method: 'delete',
    path: '/subjects/{subject}',
    summary: 'Delete a subject: softly, and then for good',
    query: ['permanent'],
    handle: call => call.ask({ type: 'deleteSubject', subject: call.subject, permanent: call.flag('permanent') }),
  },
  {
    method: 'get',
    path: '/subjects/{subject}/metadata',
    summary: 'The latest version with these properties',
    query: ['key', 'value', 'deleted'],
    handle: call => {
      const values = call.query.getAll('value')
      const keys = call.query.getAll('key').slice(0, values.length)
      const properties = Object.fromEntries(keys.map((key, i) => [key, values[i]!]))
      const asked = call.ask({ type: 'latestWith', subject: call.subject, properties, deleted: call.flag('deleted') })
      return then(asked, schema => call.told(schema))
    },
  },
  {
    method: 'get',
    path: '/subjects/{subject}/versions',
    summary: 'The versions of a subject',
    query: ['deleted', 'deletedOnly', 'deletedAsNegative', 'offset', 'limit'],
    handle: call => {
      const negative = call.flag('deletedAsNegative')
      const filter = negative ? 'all' : call.filter
      return then(call.ask({ type: 'versions', subject: call.subject, filter }), versions =>
        call.page(versions.map(({ version, deleted }) => (negative && deleted ? -version : version))),
      )
    },
  },
  {
    method: 'post',
    path: '/subjects/{subject}/versions',
    summary: 'Register a schema under a subject',
    query: ['normalize'],
    body: schemaBody,
    handle: async call => {
      const { subject } = call
      const request = await call.request()
      if (isRefusal(request)) return request
      const registered = call.ask({ type: 'register', subject, request, normalize: call.flag('normalize') })
      return then(registered, schema => call.told(schema, 'id'))
    },
  },
  {
    method: 'get',
    path: '/subjects/{subject}/versions/{version}',
    summary: 'A version of a subject',
    query: ['deleted', 'format'],
    handle: call => then(versionOf(call), schema => call.told(schema)),
  },
  {
    method: 'delete',
    path: '/subjects/{subject}/versions/{version}',
    summary: 'Delete a version: softly, and then for good',
    query: ['permanent'],
    handle: async call => {
      const { version } = call
      if (isRefusal(version)) return version
      return call.ask({ type: 'deleteVersion', subject: call.subject, version, permanent: call.flag('permanent') })
    },
  },
  {
    method: 'get',
    path: '/subjects/{subject}/versions/{version}/schema',
    summary: 'The schema of a version, and nothing else',
    query: ['deleted', 'format'],
    handle: call => then(versionOf(call), ({ schema }) => raw(schema)),
  },
  {
    method: 'get',
    path: '/subjects/{subject}/versions/{version}/referencedby',
    summary: 'The ids of the schemas that refer to a version',
    query: ['deleted', 'offset', 'limit'],
    handle: async call => {
      const { subject, version } = call
      if (isRefusal(version)) return version
      const asked = call.ask({ type: 'referrers', subject, version, deleted: call.flag('deleted') })
      return then(asked, ids => call.page(ids))
    },
  },
  {
    method: 'post',
    path: '/compatibility/subjects/{subject}/versions',
    summary: 'Would a schema be compatible with its subject?',
    query: ['verbose', 'normalize'],
    body: schemaBody,
    handle: call => compatible(call, null),
  },
  {
    method: 'post',
    path: '/compatibility/subjects/{subject}/versions/{version}',
    summary: 'Would a schema be compatible with a version?',
    query: ['verbose', 'normalize'],
    body: schemaBody,
    handle: async call => {
      const { version } = call
      return isRefusal(version) ? version : compatible(call, version)
    },
  },
  ...['/config', '/config/{subject}'].flatMap((path): Endpoint[] => {
    const of = path === '/config' ? 'all subjects' : 'a subject'
    return [
      {
        method: 'get',
        path,
        summary: `The config of ${of}`,
        query: ['defaultToGlobal'],
        handle: call => call.ask({ type: 'config', subject: call.scope, inherit: call.flag('defaultToGlobal') }),
      },
      {
        method: 'put',
        path,
        summary: `Change the config of ${of}`,
        body: configBody,
        handle: async call => {
          const body = await readJsonBody(call.c.req.raw, configBody)
          if (isRefusal(body)) return body
          const asked = call.ask({ type: 'changeConfig', subject: call.scope, change: configChange(body) })
          return then(asked, ({ compatibilityLevel: compatibility, ...rest }) => ({ compatibility, ...rest }))
        },
      },
      {
        method: 'delete',
        path,
        summary: `Forget the config of ${of}`,
        handle: call => call.ask({ type: 'deleteConfig', subject: call.scope }),
      },
    ]
  }),
  ...['/mode', '/mode/{subject}'].flatMap((path): Endpoint[] => {
    const of = path === '/mode' ? 'all subjects' : 'a subject'
    return [
      {
        method: 'get',
        path,
        summary: `The mode of ${of}`,
        query: ['defaultToGlobal'],
        handle: call =>
          then(call.ask({ type: 'mode', subject: call.scope, inherit: call.flag('defaultToGlobal') }), mode => ({
            mode,
          })),
      },
      {
        method: 'put',
        path,
        summary: `Change the mode of ${of}`,
        query: ['force'],
        body: modeBody,
        handle: async call => {
          const body = await readJsonBody(call.c.req.raw, modeBody)
          if (isRefusal(body)) return body
          const { scope: subject } = call
          const asked = call.ask({ type: 'changeMode', subject, mode: body.mode ?? '', force: call.flag('force') })
          return then(asked, mode => ({ mode }))
        },
      },
      {
        method: 'delete',
        path,
        summary: `Forget the mode of ${of}`,
        query: ['recursive'],
        handle: call =>
          then(call.ask({ type: 'deleteMode', subject: call.scope, recursive: call.flag('recursive') }), mode => ({
            mode,
          })),
      },
    ]
  }),
  {
    method: 'get',
    path: '/contexts',
    summary: 'The contexts',
    query: ['contextPrefix', 'offset', 'limit'],
    handle: call => {
      const prefix = call.query.get('contextPrefix') ?? ''
      return then(call.ask({ type: 'contexts' }), all => call.page(all.filter(context => context.startsWith(prefix))))
    },
  },
  {
    method: 'get',
    path: '/v1/metadata/id',
    summary: 'The ids of the clusters',
    handle: async call => {
      const { clusterId } = await call.c.var.broker.view()
      const clusters = { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' }
      return { scope: { path: [], clusters } }
    },
  },
  {
    method: 'get',
    path: '/v1/metadata/version',
    summary: 'What program the registry is',
    handle: async () => ({ version: 'edgelog' }),
  },
]

export function mountRegistry(app: App): void {
  for (const { path, ...endpoint } of endpoints) {
    app.described.push(() => described({ path, ...endpoint }))
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
    const method = endpoint.method.toUpperCase()
    // As with Confluent's, a slash at the end says nothing.
    app.on(method, [pattern, `${pattern}/`], c => serve(c, '', endpoint.handle))
    if (path.startsWith('/v1') || path === '/contexts') continue
    app.on(method, [`/contexts/:context${pattern}`, `/contexts/:context${pattern}/`], c => {
      const prefix = prefixOfContext(c.req.param('context') ?? '')
      if (prefix !== undefined) return serve(c, prefix, endpoint.handle)
      return errorAnswer(registryErrors.badRequest(`Context name '${c.req.param('context')}' cannot contain a colon`))
    })
  }
  app.delete('/contexts/:context', c => {
    const context = prefixOfContext(c.req.param('context')) ?? ''
    return serve(c, '', call =>
      then(call.ask({ type: 'deleteContext', context }), () => new Response(null, { status: 204 })),
    )
  })
}

async function serve(c: Context<AppEnv>, prefix: string, handle: Handle): Promise<Response> {
  const type = answerMedia(c.req.header('accept'))
  if (type === undefined) return errorAnswer(registryErrors.status(406))
  const takesBody = c.req.method === 'POST' || c.req.method === 'PUT'
  if (takesBody && !isReadable(c.req.header('content-type'))) return errorAnswer(registryErrors.status(415), type)
  const answer = await handle(new Call(c, prefix))
  if (answer instanceof Response) return answer
  if (isRefusal(answer)) return errorAnswer(answer, type)
  return answer instanceof Raw ? textAnswer(answer.text, type) : jsonAnswer(answer, type)
}

/** Text that is the answer as it is. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
const raw = (text: string): Raw => new Raw(text)

async function ofId(call: Call, handle: (id: number) => Promise<unknown>): Promise<unknown> {
  const { id } = call
  return isRefusal(id) ? id : handle(id)
}

const schemaOf = (call: Call, id: number) =>
  call.ask({ type: 'schema', id, subject: call.inContext(call.query.get('subject') ?? ''), ...call.format })

const usesOf = (call: Call, id: number) =>
  call.ask({
    type: 'usesOfId',
    id,
    subject: call.inContext(call.query.get('subject') ?? ''),
    deleted: call.flag('deleted'),
  })

async function versionOf(call: Call) {
  const { subject, version } = call
  if (isRefusal(version)) return version
  return call.ask({ type: 'version', subject, version, deleted: call.flag('deleted'), ...call.format })
}

async function compatible(call: Call, version: number | null): Promise<unknown> {
  const { subject } = call
  const request = await call.request()
  if (isRefusal(request)) return request
  const verbose = call.flag('verbose')
  const asked = await call.ask({ type: 'compatibility', subject, version, request, normalize: call.flag('normalize') })
  if (isRefusal(asked) && !(verbose && asked.errorCode === 42201)) return asked
  const messages = isRefusal(asked) ? [asked.message] : asked
  return { is_compatible: messages.length === 0, ...(verbose ? { messages } : {}) }
}

function described({ method, path, summary, query = [], body }: Omit<Endpoint, 'handle'>): Described {
  const texts = (names: readonly string[], optional: boolean) =>
    z.object(Object.fromEntries(names.map(name => [name, optional ? z.string().optional() : z.string()])))
  return {
    method,
    path,
    tag: 'Schema registry',
    summary,
    params: texts(
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
      false,
    ),
    query: texts(query, true),
    ...(body === undefined ? {} : { body: { 'application/json': { schema: body } } }),
    answers: {
      200: { description: 'As Confluent’s Schema Registry answers.' },
      default: {
        description: 'What went wrong.',
        content: { 'application/vnd.schemaregistry.v1+json': { schema: errorSchema } },
      },
    },
  }
}

const errorSchema = z.object({ error_code: z.int(), message: z.string() }).meta({ id: 'RegistryError' })
