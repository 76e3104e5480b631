import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import { resourceTypes } from '../resources.ts'

/**
 * The resources that have configs. v0 lists client metrics alone (KIP-1000), of which there are none here, v1 takes types and
 * knows them all (KIP-1142).
 */
export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: array(int8()).in('1+'),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8().in('1+').or(16),
    }),
  },
  async handle(request, { broker, nodes, version }) {
    const { topic, broker: ofBroker, brokerLogger, clientMetrics, group } = resourceTypes
    const known: readonly number[] = [topic, ofBroker, brokerLogger, clientMetrics, group]
    if (request.resourceTypes.some(type => !known.includes(type)))
      return { errorCode: codeOf('UNSUPPORTED_VERSION'), configResources: [] }
    const asked = new Set(
      version === 0 ? [clientMetrics] : request.resourceTypes.length === 0 ? known : request.resourceTypes,
    )
    const topics = asked.has(topic) ? (await broker.view({ fresh: true })).topics : []
    const brokers = asked.has(ofBroker) ? nodes.all : []
    return {
      errorCode: 0,
      configResources: [
        ...topics.map(({ name }) => ({ resourceName: name, resourceType: topic })),
        ...brokers.map(({ nodeId }) => ({ resourceName: String(nodeId), resourceType: ofBroker })),
      ],
    }
  },
})
