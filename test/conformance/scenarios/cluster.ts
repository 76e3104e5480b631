// The cluster itself: brokers, versions, elections, reassignments and quotas.

import { apiVersions } from '../../../src/worker/kafka/apis/18-api-versions.ts'
import { describeAcls } from '../../../src/worker/kafka/apis/29-describe-acls.ts'
import { createAcls } from '../../../src/worker/kafka/apis/30-create-acls.ts'
import { deleteAcls } from '../../../src/worker/kafka/apis/31-delete-acls.ts'
import { electLeaders } from '../../../src/worker/kafka/apis/43-elect-leaders.ts'
import { listPartitionReassignments } from '../../../src/worker/kafka/apis/46-list-partition-reassignments.ts'
import { describeClientQuotas } from '../../../src/worker/kafka/apis/48-describe-client-quotas.ts'
import { describeUserScramCredentials } from '../../../src/worker/kafka/apis/50-describe-user-scram-credentials.ts'
import { describeCluster } from '../../../src/worker/kafka/apis/60-describe-cluster.ts'
import { listConfigResources } from '../../../src/worker/kafka/apis/74-list-config-resources.ts'
import { apis } from '../../../src/worker/kafka/apis.ts'
import type { Scenario } from '../transcript.ts'
import { aTopic } from './topics.ts'

const ours = new Set(apis.filter(({ handle }) => handle !== undefined).map(({ key }) => key))

const cluster: Scenario = {
  name: 'the cluster',
  async run(to) {
    const { apiKeys } = await to.ask(apiVersions, 4, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })
    to.note(
      'versions of what both have',
      apiKeys.filter(({ apiKey }) => ours.has(apiKey)),
    )
    for (const name of ['', '-x', 'x y'])
      to.note(
        `a client called '${name}'`,
        (await to.ask(apiVersions, 3, { clientSoftwareName: name, clientSoftwareVersion: '1' })).errorCode,
      )
    for (const version of [0, 1, 2])
      await to.call('cluster', describeCluster, version, {
        includeClusterAuthorizedOperations: version > 0,
        includeFencedBrokers: false,
      })
    await to.call('controllers', describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 })
    await to.call('nobody', describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 9 })
  },
}

const leaders: Scenario = {
  name: 'leaders and reassignments',
  async run(to) {
    await aTopic(to, 't', { partitions: 2 })
    const topicPartitions = [
      { topic: to.topic('t'), partitions: [0, 1, 5] },
      { topic: to.topic('unknown'), partitions: [0] },
    ]
    for (const version of [0, 1, 2])
      await to.call('preferred', electLeaders, version, { electionType: 0, topicPartitions })
    await to.call('unclean', electLeaders, 2, { electionType: 1, topicPartitions })
    const { replicaElectionResults } = await to.ask(electLeaders, 2, { electionType: 0, topicPartitions: null })
    to.note(
      'all',
      replicaElectionResults.filter(({ topic }) => topic === to.topic('t')),
    )
    await to.call('all', listPartitionReassignments, 0, { topics: null })
    await to.call('some', listPartitionReassignments, 0, {
      topics: [{ name: to.topic('t'), partitionIndexes: [0, 9] }],
    })
  },
}

const quotas: Scenario = {
  name: 'quotas',
  async run(to) {
    const [EXACT, DEFAULT, SPECIFIED] = [0, 1, 2]
    const filters = {
      all: [],
      user: [{ entityType: 'user', matchType: SPECIFIED, match: null }],
      'one user': [{ entityType: 'user', matchType: EXACT, match: 'x' }],
      'the default user': [{ entityType: 'user', matchType: DEFAULT, match: null }],
      'nobody exactly': [{ entityType: 'user', matchType: EXACT, match: null }],
      'the default x': [{ entityType: 'user', matchType: DEFAULT, match: 'x' }],
      'any x': [{ entityType: 'user', matchType: SPECIFIED, match: 'x' }],
      'another match': [{ entityType: 'user', matchType: 9, match: null }],
      'no type': [{ entityType: '', matchType: SPECIFIED, match: null }],
      'another type': [{ entityType: 'host', matchType: SPECIFIED, match: null }],
      'a type twice': [0, 1].map(() => ({ entityType: 'user', matchType: SPECIFIED, match: null })),
      'ip and user': ['ip', 'user'].map(entityType => ({ entityType, matchType: SPECIFIED, match: null })),
    }
    for (const [what, components] of Object.entries(filters))
      await to.call(what, describeClientQuotas, 1, { components, strict: false })
  },
}

const credentials: Scenario = {
  name: 'credentials of users',
  async run(to) {
    const asked = { everybody: null, nobody: [], two: ['x', 'y'], 'one twice': ['x', 'y', 'x'], 'no name': [''] }
    for (const [what, names] of Object.entries(asked)) {
      const { results, ...rest } = await to.ask(describeUserScramCredentials, 0, {
        users: names && names.map(name => ({ name })),
      })
      to.note(what, { ...rest, results: results.map(({ user, ...one }) => ({ name: user, ...one })) })
    }
  },
}

const resources: Scenario = {
  name: 'resources that have configs',
  async run(to) {
    await aTopic(to, 't')
    const [TOPIC, BROKER, CLIENT_METRICS, GROUP] = [2, 4, 16, 32]
    await to.call('client metrics', listConfigResources, 0, {})
    for (const resourceTypes of [[BROKER], [CLIENT_METRICS, GROUP], [3], [BROKER, 77]])
      await to.call(`types ${resourceTypes.join(' ')}`, listConfigResources, 1, { resourceTypes })
    for (const resourceTypes of [[TOPIC], []]) {
      const { errorCode, configResources } = await to.ask(listConfigResources, 1, { resourceTypes })
      const ours = configResources.filter(({ resourceName }) => resourceName === to.topic('t'))
      to.note(`types ${resourceTypes.join(' ')}`, { errorCode, ours })
    }
  },
}

const acls: Scenario = {
  name: 'ACLs without an authorizer',
  async run(to) {
    const everything = {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    const creation = {
      resourceType: 2,
      resourceName: to.topic('t'),
      resourcePatternType: 3,
      principal: 'User:x',
      host: '*',
      operation: 3,
      permissionType: 3,
    }
    for (const version of [1, 2, 3]) {
      await to.call('all', describeAcls, version, everything)
      await to.call('two', createAcls, version, { creations: [creation, { ...creation, principal: 'x' }] })
      await to.call('none', createAcls, version, { creations: [] })
      await to.call('all and one', deleteAcls, version, { filters: [everything, { ...everything, operation: 3 }] })
      await to.call('no filter', deleteAcls, version, { filters: [] })
    }
  },
}

export const clusters = [cluster, leaders, quotas, credentials, resources, acls]
