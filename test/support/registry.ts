// Builders for tests of the schema registry: the machine with its state, asked one command at a time, its facts stored as
// records and replayed as an object would.

import type { FactRecord } from '../../src/machine.ts'
import { isRefusal, type RegistryCommand, registryMachine, type RegistryReplies } from '../../src/schema/registry.ts'
import type { Refusal, RegistryState, SchemaRequest } from '../../src/schema/registry.ts'

export const aRequest = (schema: string, more: Partial<SchemaRequest> = {}): SchemaRequest => ({
  schema,
  schemaType: 'AVRO',
  references: [],
  version: 0,
  id: -1,
  ...more,
})

/** An Avro record; a field that begins with `?` has a default. */
export const aRecord = (name: string, ...fields: readonly string[]): string =>
  JSON.stringify({
    type: 'record',
    name,
    fields: fields.map(field =>
      field.startsWith('?') ? { name: field.slice(1), type: 'int', default: 0 } : { name: field, type: 'int' },
    ),
  })

export class TestRegistry {
  readonly records: FactRecord[] = []
  readonly #machine = registryMachine()
  readonly state: RegistryState = this.#machine.empty('')

  ask<C extends RegistryCommand>(command: C): RegistryReplies[C['type']] | Refusal {
    const { facts, replies } = this.#machine.decide(this.state, command, 1, 0)
    for (const fact of facts) {
      this.#machine.replay(this.state, fact)
      this.records.push(this.#machine.encode(fact, ''))
    }
    return replies[0]![1] as RegistryReplies[C['type']] | Refusal
  }

  /** The answer of a command that nothing refuses. */
  done<C extends RegistryCommand>(command: C): RegistryReplies[C['type']] {
    const reply = this.ask(command)
    if (isRefusal(reply)) throw new Error(`${reply.errorCode}: ${reply.message}`)
    return reply
  }

  register(subject: string, schema: string, more: Partial<SchemaRequest> = {}) {
    return this.ask({ type: 'register', subject, request: aRequest(schema, more), normalize: false })
  }

  /** What another registry knows that reads the log, or what compaction leaves of it. */
  restarted({ compacted = false } = {}): RegistryState {
    const machine = registryMachine()
    const state = machine.empty('')
    const text = new TextDecoder()
    const last = new Map(this.records.map((record, i) => [text.decode(record.key), i]))
    for (const [i, record] of this.records.entries()) {
      if (compacted && (last.get(text.decode(record.key)) !== i || record.value === null)) continue
      const decoded = machine.decode(record)
      if (decoded !== undefined) machine.replay(state, decoded.fact)
    }
    return state
  }
}
