// The OpenAPI 3.1 document of all routes: made from the schemas that check requests, when it is first asked for.

import * as z from 'zod'
import type { App, Content, Described } from './app.ts'

export interface Media {
  readonly schema?: Schema
  readonly example?: unknown
}
/** As much of a JSON schema as the docs page shows. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly additionalProperties?: Schema | boolean
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly example?: unknown
}
export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}
export interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>
  >
}
export interface Document {
  readonly openapi: '3.1.0'
  readonly info: {
    readonly title: string
    readonly version: string
    readonly description: string
    readonly license: object
  }
  readonly security: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, object>>
    readonly schemas: Readonly<Record<string, Schema>>
  }
}

const documents = new WeakMap<App, Document>()

export function openApi(app: App): Document {
  const document = documents.get(app) ?? documentOf(app.described.map(each => each()))
  documents.set(app, document)
  return document
}

function documentOf(described: readonly Described[]): Document {
  const { schemas, named } = jsonSchemas(described.flatMap(schemasOf))
  const paths: Record<string, Record<string, Operation>> = {}
  for (const each of described) (paths[each.path] ??= {})[each.method] = operation(each, schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Edgelog',
      version: '1',
      description: 'An event log: topics of partitions, and records that stay in order.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: named },
    paths,
  }
}

function operation(described: Described, schemas: ReadonlyMap<z.ZodType, Schema>): Operation {
  const { tag, summary, description, params, query, headers, body, bodyIsOptional, answers } = described
  const content = (media: Readonly<Record<string, Content>>): Record<string, Media> =>
    mapped(media, ({ schema, example }) => ({
      schema: schemas.get(schema)!,
      ...(example === undefined ? {} : { example }),
    }))
  const parameters = (where: string, object: z.ZodObject | undefined): Parameter[] => {
    const { properties = {}, required = [] } = (object && schemas.get(object)) ?? {}
    return Object.entries(properties).map(([name, schema]) => ({
      name,
      in: where,
      required: required.includes(name),
      ...(schema.description === undefined ? {} : { description: schema.description }),
      schema,
    }))
  }
  const asked = [...parameters('path', params), ...parameters('query', query), ...parameters('header', headers)]
  return {
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(asked.length === 0 ? {} : { parameters: asked }),
    ...(body === undefined ? {} : { requestBody: { required: bodyIsOptional !== true, content: content(body) } }),
    responses: mapped(answers, answer => ({
      description: answer.description,
      ...(answer.content === undefined ? {} : { content: content(answer.content) }),
    })),
  }
}

function schemasOf({ params, query, headers, body = {}, answers }: Described): z.ZodType[] {
  const contents = [body, ...Object.values(answers).map(({ content = {} }) => content)].flatMap(Object.values<Content>)
  return [params, query, ...(headers === undefined ? [] : [headers]), ...contents.map(({ schema }) => schema)]
}

const COMPONENTS = '#/components/schemas/'

/** What a request has to be, of each schema; and those that have a name, to which the others refer. */
function jsonSchemas(all: readonly z.ZodType[]): {
  readonly schemas: ReadonlyMap<z.ZodType, Schema>
  readonly named: Readonly<Record<string, Schema>>
} {
  const unique = [...new Set(all)]
  // As one object, so that what several have in common is made once.
  const made = z.toJSONSchema(z.object(Object.fromEntries(unique.map((schema, i) => [`s${i}`, schema]))), {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => tidy(jsonSchema, z.globalRegistry.get(zodSchema)?.['default']),
  })
  const text = JSON.stringify({ all: made.properties, named: made.$defs ?? {} }).replaceAll(
    '"#/$defs/',
    `"${COMPONENTS}`,
  )
  const { all: properties, named } = JSON.parse(text) as Record<'all' | 'named', Record<string, Schema>>
  return { schemas: new Map(unique.map((schema, i) => [schema, properties[`s${i}`]!])), named }
}

/** Without what goes without saying, or belongs to how a text becomes a number; with what zod drops of such a number. */
function tidy(schema: z.core.JSONSchema.BaseSchema, preset: unknown): void {
  if (preset !== undefined) schema.default = preset as z.core.JSONSchema._JSONSchema
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.type !== 'string') delete schema.pattern
  delete schema.propertyNames
  delete schema.id
  const [value, orNull, ...others] = schema.anyOf ?? []
  if (value?.type === undefined || value.enum !== undefined || orNull?.type !== 'null' || others.length > 0) return
  delete schema.anyOf
  Object.assign(schema, { ...value, type: [value.type, 'null'], ...schema })
}

const mapped = <T, U>(object: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]))
