// What registry clients send, checked: schemas to register or look up, changes of configs and modes. Members that are null
// or unknown say nothing, as with Confluent's.

import * as z from 'zod'
import type { ConfigChange, SchemaRequest } from '../../schema/registry.ts'
import type { SchemaType } from '../../schema/schema.ts'
import { drain, readBody } from '../body.ts'
import { type RegistryError, registryErrors } from './answers.ts'

/** A schema has a million characters at most; as JSON in JSON each may take six bytes. */
const MAX_BODY_BYTES = 8_388_608
/** Schemas that one names, and rules or tags it carries. */
const MAX_ITEMS = 1_000
const MAX_INT = 0x7fff_ffff

const text = z.string()
const strings = z.array(text).max(MAX_ITEMS).nullish()
const texts = z.record(text, text).nullish()
const int = z.int().max(MAX_INT)

export const referenceSchema = z
  .object({ name: text, subject: text, version: int })
  .meta({ id: 'SchemaReference', description: 'What the schema calls it, and where it is registered.' })

export const metadataSchema = z
  .object({ tags: z.record(text, z.array(text)).nullish(), properties: texts, sensitive: strings })
  .meta({ id: 'SchemaMetadata' })

const ruleSchema = z.object({
  name: text.nullish(),
  doc: text.nullish(),
  kind: z.enum(['TRANSFORM', 'CONDITION']).nullish(),
  mode: z.enum(['UPGRADE', 'DOWNGRADE', 'UPDOWN', 'WRITE', 'READ', 'WRITEREAD']).nullish(),
  type: text.nullish(),
  tags: strings,
  params: texts,
  expr: text.nullish(),
  onSuccess: text.nullish(),
  onFailure: text.nullish(),
  disabled: z.boolean().nullish(),
})
const rules = z.array(ruleSchema).max(MAX_ITEMS).nullish()

export const ruleSetSchema = z
  .object({ migrationRules: rules, domainRules: rules, encodingRules: rules, enableAt: text.nullish() })
  .meta({ id: 'RuleSet' })

export const schemaBody = z
  .object({
    schema: text.nullish(),
    schemaType: text.nullish().meta({ description: 'AVRO (if left out), JSON or PROTOBUF.' }),
    references: z.array(referenceSchema).max(MAX_ITEMS).nullish(),
    metadata: metadataSchema.nullish(),
    ruleSet: ruleSetSchema.nullish(),
    version: int.nullish(),
    id: int.nullish(),
  })
  .meta({ id: 'RegisterSchema' })

export const configBody = z
  .object({
    compatibility: text.nullish(),
    compatibilityLevel: text.nullish(),
    compatibilityGroup: text.nullish(),
    alias: text.nullish(),
    normalize: z.boolean().nullish(),
    validateFields: z.boolean().nullish(),
    validateRules: z.boolean().nullish(),
    defaultMetadata: metadataSchema.nullish(),
    overrideMetadata: metadataSchema.nullish(),
    defaultRuleSet: ruleSetSchema.nullish(),
    overrideRuleSet: ruleSetSchema.nullish(),
  })
  .meta({ id: 'RegistryConfig' })

export const modeBody = z.object({ mode: text.nullish() }).meta({ id: 'RegistryMode' })

/** The body as the schema has it. Whatever Content-Type says: Confluent's takes octet streams, too, for JSON. */
export async function readJsonBody<T>(request: Request, schema: z.ZodType<T>): Promise<T | RegistryError> {
  const bytes = await readBody(request, MAX_BODY_BYTES)
  if (bytes instanceof Response) {
    await drain(request)
    return registryErrors.status(bytes.status)
  }
  const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers.get('content-type') ?? '')?.[1] ?? 'utf-8'
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch (error) {
    return registryErrors.badRequest(
      bytes.length === 0 ? 'The body is empty.' : `The body is not JSON: ${String(error)}`,
    )
  }
  const checked = schema.safeParse(body)
  if (checked.success) return checked.data
  const { path, message } = checked.error.issues[0]!
  return registryErrors.badRequest(`${path.join('.') || 'The body'}: ${message}`)
}

const types = new Set(['AVRO', 'JSON', 'PROTOBUF'])

/** Only a type that there is. */
export function schemaRequest(body: z.output<typeof schemaBody>): SchemaRequest | RegistryError {
  const { schema, schemaType, references, version, id } = body
  const type = schemaType || 'AVRO'
  if (!types.has(type)) return registryErrors.invalidSchemaType(type)
  const { metadata, ruleSet } = withoutNulls({ metadata: body.metadata, ruleSet: body.ruleSet })
  return {
    schema: schema ?? '',
    schemaType: type as SchemaType,
    references: references ?? [],
    version: version ?? 0,
    id: id ?? -1,
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  } as SchemaRequest
}

/** Null takes a member back; nulls further in say nothing. */
export function configChange({ compatibility, ...body }: z.output<typeof configBody>): ConfigChange {
  const level = compatibility === undefined ? body.compatibilityLevel : compatibility
  const change = { ...body, ...(level == null ? {} : { compatibilityLevel: level.toUpperCase() }) }
  const entries = Object.entries(change).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, value === null ? null : withoutNulls(value)]))
}

function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T
  if (typeof value !== 'object' || value === null) return value
  const said = Object.entries(value).filter(([, each]) => each !== null && each !== undefined)
  return Object.fromEntries(said.map(([name, each]) => [name, withoutNulls(each)])) as T
}
