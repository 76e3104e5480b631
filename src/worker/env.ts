// What the Worker is given: its objects and its settings. Settings are strings, as wrangler.toml and secrets give them.

import type { ClusterObject } from '../objects/cluster.ts'
import type { ConnectionsObject } from '../objects/connections.ts'
import type { CoordinatorObject } from '../objects/coordinator.ts'
import type { PartitionObject } from '../objects/partition.ts'
import type { RegistryObject } from '../objects/registry.ts'
import type { TransactionObject } from '../objects/transaction.ts'
import type { RestConsumerObject } from './rest/consumer/object.ts'

export interface Env {
  readonly CLUSTER: DurableObjectNamespace<ClusterObject>
  readonly PARTITION: DurableObjectNamespace<PartitionObject>
  readonly COORDINATOR: DurableObjectNamespace<CoordinatorObject>
  readonly TRANSACTION: DurableObjectNamespace<TransactionObject>
  readonly REGISTRY: DurableObjectNamespace<RegistryObject>
  readonly CONNECTIONS: DurableObjectNamespace<ConnectionsObject>
  readonly REST_CONSUMER: DurableObjectNamespace<RestConsumerObject>
  /** The files of the admin page. Deployed, Cloudflare serves them before the Worker is asked. */
  readonly ASSETS?: Fetcher
  /** '1' when served locally: every door is open. Never set in wrangler.toml. */
  readonly EDGELOG_LOCAL?: string
  /** The bearer token that a deployed broker asks for; without it everything is refused. */
  readonly EDGELOG_ADMIN_TOKEN?: string
  /** Advertised Kafka listeners, `host:port` separated by commas; the first is broker 0. */
  readonly EDGELOG_BROKERS?: string
  /** Origins whose web pages may read and write, separated by commas; `*` for all (cors.ts). */
  readonly EDGELOG_CORS?: string
  /** 'info': what goes well is logged, too (log-line.ts). */
  readonly EDGELOG_LOG_LEVEL?: string
  /** Kafka's `auto.create.topics.enable`; 'false' turns it off. */
  readonly EDGELOG_AUTO_CREATE_TOPICS_ENABLE?: string
  /** After so many milliseconds without a request a consumer instance of the REST Proxy's v2 is gone: 300000 if not set. */
  readonly EDGELOG_CONSUMER_INSTANCE_TIMEOUT_MS?: string
}
