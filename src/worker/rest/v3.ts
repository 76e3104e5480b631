// Confluent's REST Proxy, version 3, under /v3/clusters: what its OpenAPI document describes, but ACLs.

import { failure } from '../../protocol/errors.ts'
import type { App } from '../app.ts'
import { mountBatch } from './v3/batch.ts'
import { mountClusters } from './v3/clusters.ts'
import { mountConfigs } from './v3/configs.ts'
import { mountGroups } from './v3/groups.ts'
import { mountPartitions } from './v3/partitions.ts'
import { mountRecords } from './v3/records.ts'
import { route } from './v3/route.ts'
import { mountTopics } from './v3/topics.ts'

export function mountRestV3(app: App): void {
  mountClusters(app)
  mountTopics(app)
  mountConfigs(app)
  mountPartitions(app)
  mountGroups(app)
  mountRecords(app)
  mountBatch(app)
  // As Kafka says where nothing authorizes.
  const none = failure('SECURITY_DISABLED', 'No Authorizer is configured.')
  for (const method of ['GET', 'POST', 'DELETE'] as const) route(app, method, '/acls', () => none)
  route(app, 'POST', '/:action{acls:batch}', () => none)
}
