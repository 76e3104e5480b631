// Registry: one question to the schema registry's object.

import { SCHEMAS_TOPIC_ID } from '../../cluster/internal.ts'
import type { Rpc } from '../../objects/place.ts'
import type { RegistryObject } from '../../objects/registry.ts'
import type { Refusal, RegistryCommand, RegistryReplies } from '../../schema/registry.ts'
import type { Broker } from '../broker.ts'
import { KnownSchemas } from './known.ts'

const writes = new Set<RegistryCommand['type']>(['register', 'changeConfig', 'changeMode'])

type Stub = Rpc<Pick<RegistryObject, 'ask'>>

export class Registry {
  readonly #broker: Broker
  readonly #namespace: DurableObjectNamespace<RegistryObject>
  readonly schemas: KnownSchemas
  #stub: Stub | undefined

  constructor(broker: Broker, namespace: DurableObjectNamespace<RegistryObject>) {
    this.#broker = broker
    this.#namespace = namespace
    this.schemas = new KnownSchemas(this, namespace)
  }

  /** What the registry answers; 50001, as when Confluent's store fails, where its object does not. */
  async ask<C extends RegistryCommand>(command: C): Promise<RegistryReplies[C['type']] | Refusal> {
    // Whoever only looks brings nothing about.
    if (writes.has(command.type)) await this.#broker.schemasTopic()
    this.#broker.calls++
    try {
      return (await this.#object().ask(command)) as RegistryReplies[C['type']] | Refusal
    } catch (error) {
      this.#stub = undefined
      const why = error instanceof Error ? error.message : String(error)
      return { errorCode: 50001, message: `The registry's store did not answer: ${why}` }
    }
  }

  #object(): Stub {
    return (this.#stub ??= this.#namespace.getByName(`${SCHEMAS_TOPIC_ID}-0`) as unknown as Stub)
  }
}
