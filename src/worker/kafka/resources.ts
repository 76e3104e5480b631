// What the two ways to change configs have in common: which resources may be named, and how their changes reach the
// cluster. Kafka's ConfigAdminManager and ControllerConfigurationValidator.

import type { ConfigChange } from '../../cluster/cluster.ts'
import { checkTopicName } from '../../cluster/topics.ts'
import { type Failure, failure } from '../../protocol/errors.ts'
import { DONE, refused } from './answers.ts'
import type { Call } from './api.ts'
import { change, repeated } from './changing.ts'
import type { Nodes } from './nodes.ts'

/** Kafka's ConfigResource.Type. */
export const resourceTypes = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

export interface Altered {
  readonly resourceType: number
  readonly resourceName: string
  readonly changes: readonly (ConfigChange | Failure)[]
}

/** Changes the configs of all resources that may be, and answers for each of them. */
export async function alterConfigs(
  resources: readonly Altered[],
  options: { readonly validateOnly: boolean; readonly replaceAll: boolean },
  { broker, nodes }: Call,
) {
  const twice = repeated(resources.map(identity))
  const failures = resources.map(one => (twice.has(identity(one)) ? TWICE : check(one, nodes)))
  const topics = resources.filter((one, i) => failures[i] === undefined && one.resourceType === resourceTypes.topic)
  const { validateOnly, replaceAll } = options
  const results = await change(broker, topics, cluster =>
    cluster.alterConfigs(
      topics.map(({ resourceName, changes }) => ({
        name: resourceName,
        changes: changes as readonly ConfigChange[],
        ...(replaceAll && { replaceAll }),
      })),
      { validateOnly },
    ),
  )
  const byName = new Map(topics.map(({ resourceName }, i) => [resourceName, results[i]!]))
  return resources.map((one, i) => {
    const { resourceType, resourceName } = one
    const result = failures[i] ?? (resourceType === resourceTypes.topic ? byName.get(resourceName)! : undefined)
    return { resourceType, resourceName, ...(result !== undefined && 'error' in result ? refused(result) : DONE) }
  })
}

const identity = ({ resourceType, resourceName }: Altered): string => `${resourceType}/${resourceName}`

const TWICE = failure('INVALID_REQUEST', 'Each resource must appear at most once.')

function check({ resourceType, resourceName, changes }: Altered, nodes: Nodes): Failure | undefined {
  const named = changes.filter(one => !('error' in one)) as readonly ConfigChange[]
  if (repeated(named.map(({ key }) => key)).size > 0)
    return failure('INVALID_REQUEST', 'Error due to duplicate config keys')
  const nulls = named.filter(({ operation, value }) => operation !== 'DELETE' && value === null)
  if (nulls.length > 0)
    return failure('INVALID_REQUEST', `Null value not supported for : ${nulls.map(({ key }) => key).join(', ')}`)
  const unknown = changes.find(one => 'error' in one)
  if (unknown !== undefined) return unknown as Failure
  switch (resourceType) {
    case resourceTypes.topic:
      if (resourceName === '') return failure('INVALID_REQUEST', 'Default topic resources are not allowed.')
      return checkTopicName(resourceName)
    case resourceTypes.broker:
      return checkBroker(resourceName, named, nodes)
    case resourceTypes.brokerLogger:
      return failure('INVALID_REQUEST', 'The broker has no loggers whose levels could be changed.')
    case resourceTypes.clientMetrics:
      return failure('INVALID_REQUEST', 'Metrics of clients are not collected, so nothing can be subscribed to.')
    case resourceTypes.group:
      return failure(
        'INVALID_REQUEST',
        'The configs of groups are those of the broker; they cannot be changed one by one.',
      )
    default:
      return failure('INVALID_REQUEST', `Unknown resource type ${resourceType}`)
  }
}

/**
 * A change of nothing is fine, and so is taking back what cannot have been set, which tools do after a reassignment to be on
 * the safe side; the rest is for the environment.
 */
function checkBroker(name: string, changes: readonly ConfigChange[], nodes: Nodes): Failure | undefined {
  if (name !== '') {
    const id = brokerIdOf(name)
    if (id === undefined) return failure('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
    if (!nodes.has(id))
      return failure('INVALID_REQUEST', `Unexpected broker id, expected ${idsOf(nodes)}, but received ${name}`)
  }
  const keys = changes.flatMap(({ key, operation }) => (operation === 'DELETE' ? [] : [key])).join(', ')
  if (keys === '') return undefined
  return failure(
    'INVALID_REQUEST',
    `Cannot update these configs dynamically: ${keys}. The environment of the broker sets its configs, as EDGELOG_LOG_RETENTION_HOURS sets log.retention.hours.`,
  )
}

/** The number of a broker, as Java reads an int. */
export const brokerIdOf = (name: string): number | undefined =>
  /^[+-]?\d{1,10}$/.test(name) && Math.abs(Number(name)) <= 2_147_483_647 ? Number(name) : undefined

/** Every advertised broker is the one that was asked. */
export const idsOf = (nodes: Nodes): string => nodes.all.map(({ nodeId }) => nodeId).join(' or ')
