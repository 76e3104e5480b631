// What `_schemas` holds: JSON keys and values as Confluent's registry writes them, member by member, so that its tools and
// any Kafka client can read them.

import type { FactRecord } from '../../machine.ts'
import { compact, type Metadata, type RuleSet, type SchemaReference } from './metadata.ts'
import {
  compatibilityLevels,
  type Mode,
  modes,
  type RegistryConfig,
  type RegistryFact,
  type SchemaVersion,
  withGuid,
} from './state.ts'
import { globalContextSubject } from './subjects.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface RecordKey {
  readonly keytype: string
  readonly subject?: string
  readonly version?: number
  readonly context?: string
}

export function encodeFact(fact: RegistryFact): FactRecord {
  const [key, value] = recordOf(fact)
  return { key: json(key), value: value === null ? null : json(value) }
}

const json = (value: object): Uint8Array => encoder.encode(JSON.stringify(value))

function recordOf(fact: RegistryFact): readonly [key: object, value: object | null] {
  switch (fact.type) {
    case 'schema': {
      const { subject, version, schema } = fact
      return [{ keytype: 'SCHEMA', subject, version, magic: 1 }, schema && schemaValue(schema)]
    }
    case 'config':
      return [keyOf('CONFIG', fact.subject), fact.config && { ...subjectOf(fact.subject), ...fact.config }]
    case 'mode':
      return [keyOf('MODE', fact.subject), fact.mode && { ...subjectOf(fact.subject), mode: fact.mode }]
    case 'context': {
      const of = { tenant: TENANT, context: fact.context }
      return [{ keytype: 'CONTEXT', ...of, magic: 0 }, fact.known ? of : null]
    }
    case 'deleteSubject': {
      const { subject, version } = fact
      return [keyOf('DELETE_SUBJECT', subject), { subject, version }]
    }
    case 'clearSubject':
      return [keyOf('CLEAR_SUBJECT', fact.subject), { subject: fact.subject }]
    case 'maxIds':
      // To Confluent's reader a record without meaning.
      return [{ keytype: 'NOOP', magic: 0 }, { maxIds: fact.maxIds }]
  }
}

const TENANT = 'default'

/** What is of all subjects has no subject. */
const subjectOf = (subject: string): object => (subject === '' ? {} : { subject })

const keyOf = (keytype: string, subject: string): object => ({ keytype, ...subjectOf(subject), magic: 0 })

/** The hash goes without saying: it is of what is there. */
function schemaValue(of: SchemaVersion): object {
  const { subject, version, id, schemaType, references, metadata, ruleSet, schema, deleted } = of
  return compact({ subject, version, id, schemaType, references, metadata, ruleSet, schema, deleted })
}

/** Undefined for keys of other kinds, and what cannot be read. */
export function decodeFact({ key, value }: FactRecord): RegistryFact | undefined {
  const { keytype, subject = '', version = 0, context } = parsed(key) as unknown as RecordKey
  const body = value === null ? null : parsed(value)
  switch (keytype) {
    case 'SCHEMA':
      return { type: 'schema', subject, version, schema: body && schemaOf(body) }
    case 'CONFIG':
      return { type: 'config', subject, config: body && configOf(body) }
    case 'MODE':
      return { type: 'mode', subject, mode: body && modeOf(body) }
    case 'CONTEXT':
      return context === undefined ? undefined : { type: 'context', context, known: body !== null }
    case 'DELETE_SUBJECT':
      return body === null ? undefined : { type: 'deleteSubject', subject, version: Number(body['version'] ?? 0) }
    case 'CLEAR_SUBJECT':
      return body === null ? undefined : { type: 'clearSubject', subject: subject || globalContextSubject }
    case 'NOOP':
      return body?.['maxIds'] === undefined
        ? undefined
        : { type: 'maxIds', maxIds: body['maxIds'] as Record<string, number> }
    default:
      return undefined
  }
}

type Body = Readonly<Record<string, unknown>>

const parsed = (bytes: Uint8Array): Body => JSON.parse(decoder.decode(bytes)) as Body

const schemaOf = (body: Body): SchemaVersion =>
  withGuid({
    subject: String(body['subject']),
    version: Number(body['version']),
    id: Number(body['id']),
    schemaType: (body['schemaType'] ?? 'AVRO') as SchemaVersion['schemaType'],
    references: (body['references'] ?? []) as SchemaReference[],
    ...(body['metadata'] ? { metadata: body['metadata'] as Metadata } : {}),
    ...(body['ruleSet'] ? { ruleSet: body['ruleSet'] as RuleSet } : {}),
    schema: String(body['schema']),
    deleted: body['deleted'] === true,
  })

function configOf(body: Body): RegistryConfig {
  const level = body['compatibilityLevel'] as RegistryConfig['compatibilityLevel']
  const known = level === undefined || compatibilityLevels.includes(level)
  const said = Object.entries(body).filter(([name]) => name !== 'subject' && (known || name !== 'compatibilityLevel'))
  return Object.fromEntries(said)
}

const modeOf = ({ mode }: Body): Mode => (modes.includes(mode as Mode) ? (mode as Mode) : 'READWRITE')
