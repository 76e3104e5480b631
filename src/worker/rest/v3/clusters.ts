// /v3/clusters: the one cluster there is, and its brokers, which are those that EDGELOG_BROKERS names.

import type { App } from '../../app.ts'
import type { Node } from '../../kafka/nodes.ts'
import { NOT_ACCEPTABLE, refuse } from '../errors.ts'
import { acceptsJson, type Call, callOf, NOT_FOUND, route } from './route.ts'

export function mountClusters(app: App): void {
  app.on('GET', ['/v3/clusters', '/v3/clusters/'], async c => {
    if (!acceptsJson(c.req.header('accept'))) return refuse(NOT_ACCEPTABLE)
    const { clusterId } = await c.var.broker.view()
    const call = callOf(c, c.var.broker, clusterId)
    return c.json({
      kind: 'KafkaClusterList',
      metadata: { self: call.links.clusters(), next: null },
      data: [clusterData(call)],
    })
  })
  route(app, 'GET', '', clusterData)
  route(app, 'GET', '/brokers', call =>
    call.links.list(
      'KafkaBroker',
      ['brokers'],
      call.nodes.all.map(node => brokerData(call, node)),
    ),
  )
  route(app, 'GET', '/brokers/:broker', call => {
    const node = nodeOf(call)
    return node === undefined ? NOT_FOUND : brokerData(call, node)
  })
}

/** The broker that the path names. */
export function nodeOf({ nodes, param }: Call): Node | undefined {
  const id = param('broker')
  return /^\d{1,3}$/.test(id) ? nodes.all[Number(id)] : undefined
}

const clusterData = ({ links, nodes }: Call) =>
  links.resource('KafkaCluster', [], [], {
    controller: links.related('brokers', nodes.controllerId),
    acls: links.related('acls'),
    brokers: links.related('brokers'),
    broker_configs: links.related('broker-configs'),
    consumer_groups: links.related('consumer-groups'),
    topics: links.related('topics'),
    partition_reassignments: links.related('topics', '-', 'partitions', '-', 'reassignment'),
  })

const brokerData = ({ links }: Call, { nodeId, host, port }: Node) =>
  links.resource('KafkaBroker', ['brokers', nodeId], ['broker', String(nodeId)], {
    broker_id: nodeId,
    host,
    port,
    rack: null,
    configs: links.related('brokers', nodeId, 'configs'),
    partition_replicas: links.related('brokers', nodeId, 'partition-replicas'),
  })
