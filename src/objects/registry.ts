// RegistryObject: the schema registry, and the only partition of _schemas at once: what that partition says is all it knows.

import { SCHEMAS_TOPIC, SCHEMAS_TOPIC_ID, schemasTopic } from '../cluster/internal.ts'
import { partitionConfig } from '../cluster/configs.ts'
import {
  type RegistryCommand,
  type RegistryFact,
  registryMachine,
  type RegistryReply,
  type RegistryState,
} from '../schema/registry.ts'
import { nameOf, whenDue } from '../log-line.ts'
import type { LogHost } from './log-host.ts'
import { MachineLogObject } from './machine-log-object.ts'
import { Shard } from './shard.ts'

export class RegistryObject extends MachineLogObject<unknown> {
  protected override readonly identity = { topicId: SCHEMAS_TOPIC_ID, topic: SCHEMAS_TOPIC, partition: 0 }
  protected override readonly config = partitionConfig(schemasTopic().config)
  readonly #shard: Shard<RegistryState, RegistryCommand, RegistryFact, RegistryReply>

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env)
    this.#shard = new Shard(ctx, registryMachine(), { identity: this.identity, config: this.config })
  }

  protected override get host(): LogHost {
    return this.#shard.host
  }

  /** One command or query (src/schema/registry.ts). */
  ask(command: RegistryCommand): Promise<RegistryReply> {
    return this.#shard.call(command)
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return whenDue(nameOf(this.identity), info, () => this.#shard.alarm())
  }
}
