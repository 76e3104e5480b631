// The schemas that this isolate knows by their ids, parsed: what an id stands for never changes, so it is asked once and
// remembered within bounds. Whoever reads or checks data first learns the ids, and then finds them here at once.

import { isRefusal, type Refusal } from '../../schema/registry.ts'
import { type ParsedSchema, parseSchema } from '../../schema/schema.ts'
import type { Registry } from './registry.ts'

/** Schemas remembered in an isolate, and their characters with what they refer to. */
const MAX_KNOWN = 2_000
const MAX_KNOWN_CHARS = 8_000_000
/** Ids that are known to be of a subject, and for how long: a subject may be deleted for good. */
const MAX_REGISTRATIONS = 10_000
const REGISTERED_MS = 60_000
/** How old the id may be that a version of a subject has: the latest moves on. */
const VERSION_MAX_AGE_MS = 3_000
const MAX_VERSIONS = 1_000
/** Ids asked at once. */
const WAVE = 16

/** A key or value as Confluent's serializers write it: a zero, the id, and the datum. */
export const MAGIC = 0
export const PREFIX_BYTES = 5

/** The id that the bytes begin with; undefined if they begin otherwise. */
export function schemaIdOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== MAGIC) return undefined
  return ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
}

interface Known {
  readonly parsed: ParsedSchema
  readonly chars: number
}

class Memory {
  readonly schemas = new Map<number, Known>()
  readonly registered = new Map<string, number>()
  readonly versions = new Map<string, { readonly id: number; readonly atMs: number }>()
  #chars = 0

  keep(id: number, known: Known): void {
    if (this.schemas.has(id)) return
    this.schemas.set(id, known)
    this.#chars += known.chars
    for (const [oldest, { chars }] of this.schemas) {
      if (this.schemas.size <= MAX_KNOWN && this.#chars <= MAX_KNOWN_CHARS) return
      this.schemas.delete(oldest)
      this.#chars -= chars
    }
  }

  keepRegistration(key: string, nowMs: number): void {
    this.registered.delete(key)
    this.registered.set(key, nowMs)
    const [oldest] = this.registered.keys()
    if (this.registered.size > MAX_REGISTRATIONS) this.registered.delete(oldest!)
  }
}

// Per isolate and registry: plain data that any request may read.
const memories = new WeakMap<object, Memory>()

function memoryOf(namespace: object): Memory {
  let memory = memories.get(namespace)
  if (memory === undefined) memories.set(namespace, (memory = new Memory()))
  return memory
}

export class KnownSchemas {
  readonly #registry: Registry
  readonly #memory: Memory

  constructor(registry: Registry, namespace: object) {
    this.#registry = registry
    this.#memory = memoryOf(namespace)
  }

  /** What was learned of the id; undefined if there is no such schema. */
  get(id: number): ParsedSchema | undefined {
    return this.#memory.schemas.get(id)?.parsed
  }

  /** Asks for those that are not known yet. The refusal: the registry did not answer. */
  async learn(ids: Iterable<number>): Promise<Refusal | undefined> {
    const unknown = [...new Set(ids)].filter(id => !this.#memory.schemas.has(id))
    for (let at = 0; at < unknown.length; at += WAVE) {
      const wave = unknown.slice(at, at + WAVE)
      const failed = (await Promise.all(wave.map(id => this.#learn(id)))).find(each => each !== undefined)
      if (failed !== undefined) return failed
    }
    return undefined
  }

  /** The id of a version of a subject; -1: of its latest, which may be some seconds old. */
  async idOf(subject: string, version: number): Promise<number | Refusal> {
    const { versions } = this.#memory
    const key = `${version} ${subject}`
    const known = versions.get(key)
    if (known !== undefined && Date.now() - known.atMs < VERSION_MAX_AGE_MS) return known.id
    const answer = await this.#registry.ask({ type: 'version', subject, version, deleted: false })
    if (isRefusal(answer)) return answer
    versions.delete(key)
    versions.set(key, { id: answer.id, atMs: Date.now() })
    const [oldest] = versions.keys()
    if (versions.size > MAX_VERSIONS) versions.delete(oldest!)
    return answer.id
  }

  /** Those of (id, subject) that are not registered. */
  async unregistered(
    pairs: readonly { readonly id: number; readonly subject: string }[],
  ): Promise<ReadonlySet<string> | Refusal> {
    const nowMs = Date.now()
    const missing = new Set<string>()
    const asked = pairs.filter(pair => nowMs - (this.#memory.registered.get(keyOf(pair)) ?? 0) > REGISTERED_MS)
    for (let at = 0; at < asked.length; at += WAVE) {
      const wave = asked.slice(at, at + WAVE)
      const answers = await Promise.all(wave.map(pair => this.#registry.ask({ type: 'isRegistered', ...pair })))
      for (const [i, answer] of answers.entries()) {
        if (isRefusal(answer)) return answer
        if (answer) this.#memory.keepRegistration(keyOf(wave[i]!), nowMs)
        else missing.add(keyOf(wave[i]!))
      }
    }
    return missing
  }

  async #learn(id: number): Promise<Refusal | undefined> {
    const answer = await this.#registry.ask({ type: 'resolved', id, subject: '' })
    if (isRefusal(answer)) return answer.errorCode >= 50_000 ? answer : undefined
    const { schema, references } = answer
    const parsed = parseSchema(schema.schemaType, schema.schema, references, { asNew: false })
    if ('error' in parsed) return undefined
    const chars = references.reduce((sum, reference) => sum + reference.schema.length, schema.schema.length)
    this.#memory.keep(id, { parsed, chars })
    return undefined
  }
}

export const keyOf = ({ id, subject }: { readonly id: number; readonly subject: string }): string => `${id} ${subject}`
