// Which schema a key or value of the REST Proxy is written with — by id, by version of a subject, as text that is registered
// if it is new, or the subject's latest — and the bytes it makes of JSON. What a subject is called is Confluent's strategies.

import { isRefusal, type SchemaVersion } from '../../schema/registry.ts'
import { type ParsedSchema, parseSchema, type SchemaType } from '../../schema/schema.ts'
import type { Broker } from '../broker.ts'
import { encodeWith } from '../registry/encoding.ts'
import { badRequest } from './embedded.ts'
import { type RestFailure, restFailure } from './errors.ts'

/** Schemas one request names. */
const MAX_REMEMBERED = 100
/** How long a stream goes by what it found: the latest of a subject moves on. */
const REMEMBERED_MS = 3_000
const LATEST = -1

export type Part = 'key' | 'value'
export type Strategy = 'TOPIC_NAME' | 'RECORD_NAME' | 'TOPIC_RECORD_NAME'

/** As a request says it; with neither id, version nor text it is the latest. */
export interface SchemaAsked {
  readonly subject?: string | undefined
  readonly strategy?: Strategy | undefined
  readonly id?: number | undefined
  readonly version?: number | undefined
  readonly text?: string | undefined
  /** Of the text. */
  readonly type?: SchemaType | undefined
}

export interface FoundSchema {
  readonly id: number
  readonly version: number
  readonly subject: string
  readonly parsed: ParsedSchema
}

/** As v3 and the formats of v2 call the types. */
export const TYPES: Readonly<Record<SchemaType, string>> = { AVRO: 'AVRO', JSON: 'JSONSCHEMA', PROTOBUF: 'PROTOBUF' }

export class Schemas {
  readonly #broker: Broker
  readonly #topic: string
  readonly #found = new Map<string, { readonly schema: Promise<FoundSchema | RestFailure>; readonly atMs: number }>()

  constructor(broker: Broker, topic: string) {
    this.#broker = broker
    this.#topic = topic
  }

  find(part: Part, asked: SchemaAsked): Promise<FoundSchema | RestFailure> {
    const key = JSON.stringify([part, asked])
    const known = this.#found.get(key)
    if (known !== undefined && Date.now() - known.atMs < REMEMBERED_MS) return known.schema
    const schema = this.#find(part, asked)
    this.#found.delete(key)
    this.#found.set(key, { schema, atMs: Date.now() })
    const [oldest] = this.#found.keys()
    if (this.#found.size > MAX_REMEMBERED) this.#found.delete(oldest!)
    return schema
  }

  #find(part: Part, asked: SchemaAsked): Promise<FoundSchema | RestFailure> {
    const { id, text, type } = asked
    if (id !== undefined) return this.#byId(part, asked, id)
    if (text !== undefined && type !== undefined) return this.#byText(part, asked, text, type)
    return this.#byVersion(part, asked)
  }

  async #byId(part: Part, asked: SchemaAsked, id: number): Promise<FoundSchema | RestFailure> {
    const parsed = await this.#learn(id)
    if (parsed === undefined) return serializing(`Error when fetching schema by id. schemaId = ${id}`)
    const subject = this.#subjectOf(part, asked, parsed)
    const uses = await this.#broker.registry.ask({ type: 'usesOfId', id, subject: '', deleted: false })
    const use = isRefusal(uses) ? undefined : uses.find(found => found.subject === subject)
    if (use === undefined)
      return serializing(`Error when fetching schema version. subject = ${subject}, schema = ${parsed.text}`)
    return { id, version: use.version, subject, parsed }
  }

  async #byVersion(part: Part, asked: SchemaAsked): Promise<FoundSchema | RestFailure> {
    const { strategy, version = LATEST } = asked
    if (asked.subject === undefined && strategy !== undefined && strategy !== 'TOPIC_NAME')
      return badRequest(`Cannot use schema_subject_strategy=${strategy} without schema_id or schema.`)
    const subject = asked.subject ?? topicSubject(this.#topic, part)
    const found = await this.#broker.registry.ask({ type: 'version', subject, version, deleted: false })
    if (isRefusal(found))
      return version === LATEST
        ? serializing(`Error when fetching latest schema version. subject = ${subject}`)
        : badRequest(`Schema does not exist for subject: ${subject}, version: ${version}`)
    return this.#parsed(found)
  }

  async #byText(
    part: Part,
    asked: SchemaAsked,
    text: string,
    schemaType: SchemaType,
  ): Promise<FoundSchema | RestFailure> {
    const parsed = parseSchema(schemaType, text)
    if ('error' in parsed) return restFailure(42205, `Invalid schema: ${parsed.message}`)
    const subject = this.#subjectOf(part, asked, parsed)
    const request = { schema: text, schemaType, references: [], version: 0, id: -1 }
    const { registry } = this.#broker
    const known = await registry.ask({ type: 'lookup', subject, request, normalize: false, deleted: false })
    const found = isRefusal(known)
      ? await registry.ask({ type: 'register', subject, request, normalize: false })
      : known
    if (isRefusal(found))
      return serializing(
        `Error when registering schema. format = ${TYPES[schemaType]}, subject = ${subject}, schema = ${parsed.text}\n${found.message}`,
      )
    return this.#parsed(found)
  }

  async #parsed({ id, version, subject }: SchemaVersion): Promise<FoundSchema | RestFailure> {
    const parsed = await this.#learn(id)
    return parsed === undefined
      ? serializing(`Error when fetching schema by id. schemaId = ${id}`)
      : { id, version, subject, parsed }
  }

  async #learn(id: number): Promise<ParsedSchema | undefined> {
    const { schemas } = this.#broker.registry
    await schemas.learn([id])
    return schemas.get(id)
  }

  #subjectOf(part: Part, { subject, strategy = 'TOPIC_NAME' }: SchemaAsked, { names }: ParsedSchema): string {
    if (subject !== undefined) return subject
    if (strategy === 'TOPIC_NAME') return topicSubject(this.#topic, part)
    const record = names[0] ?? ''
    return strategy === 'RECORD_NAME' ? record : `${this.#topic}-${record}`
  }
}

const topicSubject = (topic: string, part: Part): string => `${topic}-${part}`

const serializing = (why: string): RestFailure => restFailure(42207, `Error serializing message. ${why}`)

const NULL = 0x6e

/** JSON text as the datum that the schema makes of it, with its id before it. Null stays null. */
export function encodeJson({ id, parsed }: FoundSchema, json: Uint8Array): Uint8Array | null | RestFailure {
  if (json[0] === NULL) return null
  const encoded = encodeWith({ id, parsed }, json)
  return 'wrong' in encoded ? badRequest(`data${encoded.path} ${encoded.wrong}.`) : encoded.bytes
}
