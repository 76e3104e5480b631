// Broker-side validation: topics may ask that keys or values have a schema which is registered under their subject. Records
// are opened here, since the log does not; what is found goes along as a fact, and the log decides by its own config.

import { topicConfig } from '../../cluster/configs.ts'
import type { TopicView } from '../../cluster/cluster.ts'
import type { SchemaFault } from '../../log/append.ts'
import { readBatches } from '../../log/batch.ts'
import { decodeBatch } from '../../log/records.ts'
import { type Failure, failure, isFailure } from '../../protocol/errors.ts'
import { isRefusal, type Refusal } from '../../schema/registry.ts'
import { keyOf, type KnownSchemas, schemaIdOf } from './known.ts'

/** The different ids one append may carry. */
const MAX_IDS = 1_000

type Part = 'key' | 'value'

/** The subjects of a topic's keys and values, by the name of a record; undefined: not asked for. */
export interface SchemaRules {
  readonly key: SubjectNaming | undefined
  readonly value: SubjectNaming | undefined
}

interface SubjectNaming {
  /** The name of the record's schema is a part of it. */
  readonly byRecord: boolean
  subject(record: string): string
}

const rules = new WeakMap<TopicView, SchemaRules>()

/** What the topic's config says of schemas, if it asks for any. */
export function schemaRules(topic: TopicView): SchemaRules | undefined {
  // The most common topic says nothing of it, and costs nothing.
  if (!asksAny(topic.config)) return undefined
  let known = rules.get(topic)
  if (known === undefined) {
    const config = topicConfig(topic.config)
    const of = (part: Part): SubjectNaming | undefined =>
      config[`confluent.${part}.schema.validation`] ? subjectNaming(topic, part) : undefined
    rules.set(topic, (known = { key: of('key'), value: of('value') }))
  }
  return known.key === undefined && known.value === undefined ? undefined : known
}

const asksAny = (config: TopicView['config']): boolean =>
  config['confluent.key.schema.validation'] !== undefined || config['confluent.value.schema.validation'] !== undefined

/** Confluent's subject name strategies. */
export function subjectNaming({ name, config }: Pick<TopicView, 'name' | 'config'>, part: Part): SubjectNaming {
  const strategy = topicConfig(config)[`confluent.${part}.subject.name.strategy`]
  if (strategy.endsWith('.TopicNameStrategy')) return { byRecord: false, subject: () => `${name}-${part}` }
  if (strategy.endsWith('.RecordNameStrategy')) return { byRecord: true, subject: record => record }
  return { byRecord: true, subject: record => `${name}-${record}` }
}

/** The first record that breaks a rule; null if none does. Batches that cannot be opened break none: the log judges them. */
export async function schemaFault(
  schemas: KnownSchemas,
  { key, value }: SchemaRules,
  bytes: Uint8Array,
): Promise<SchemaFault | null | Failure> {
  const parts = [...(key ? [['key', key] as const] : []), ...(value ? [['value', value] as const] : [])]
  const seen: { readonly index: number; readonly part: Part; readonly naming: SubjectNaming; readonly id: number }[] =
    []
  const ids = new Set<number>()
  let fault: SchemaFault | null = null
  let index = 0
  reading: for (const batch of readBatches(bytes)) {
    const records = decodeBatch(batch)
    if (isFailure(records)) break
    for (const record of records) {
      for (const [part, naming] of parts) {
        const content = record[part]
        // What is null deletes, or has no key, and needs no schema.
        if (content === null) continue
        const id = schemaIdOf(content)
        if (id === undefined) fault = { index, message: `The ${part} of record ${index} begins with no schema id.` }
        else if (!ids.has(id) && ids.size === MAX_IDS)
          fault = { index, message: `More than ${MAX_IDS} schemas at once.` }
        if (fault !== null) break reading
        ids.add(id!)
        seen.push({ index, part, naming, id: id! })
      }
      index++
    }
  }
  if (parts.some(([, { byRecord }]) => byRecord)) {
    const failed = await schemas.learn(ids)
    if (failed !== undefined) return unanswered(failed)
  }
  const wanted = seen.map(each => ({ ...each, subject: each.naming.subject(schemas.get(each.id)?.names[0] ?? '') }))
  const pairs = new Map(wanted.map(pair => [keyOf(pair), { id: pair.id, subject: pair.subject }]))
  const missing = await schemas.unregistered([...pairs.values()])
  if (isRefusal(missing)) return unanswered(missing)
  const first = wanted.find(pair => missing.has(keyOf(pair)))
  if (first === undefined) return fault
  const { part, id, subject } = first
  const message = `The ${part} of record ${first.index} has schema id ${id}, which is not registered under subject '${subject}'.`
  return { index: first.index, message }
}

const unanswered = ({ message }: Refusal): Failure => failure('COORDINATOR_NOT_AVAILABLE', message)
